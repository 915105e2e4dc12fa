"""How the tables of an older program become those of this one: one file for each role and version.

``issuer_2`` makes version 2 of the issuer's tables out of version 1, with Alembic's operations. A file that was
released is never changed. It names its columns itself, because the tables of ``ewallet/sql/tables.py`` move on.
"""
