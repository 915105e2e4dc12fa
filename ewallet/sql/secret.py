"""The secret that all workers of an issuer share: the first one that was ever brought."""

from __future__ import annotations

from sqlalchemy import select

from ewallet.sql.engine import Engine, insert_into
from ewallet.sql.tables import issuer_secrets


def shared(engine: Engine, fresh: bytes) -> bytes:
    """The secret; ``fresh`` where there is none yet."""
    with engine.writing() as connection:
        connection.execute(insert_into(issuer_secrets, connection).values(id=1, secret=fresh).on_conflict_do_nothing())
        return bytes(connection.execute(select(issuer_secrets.c.secret)).scalar_one())
