"""The tables of a portal, a role of their own.

In the clear are random handles, states and times; there is no column from which two rows of different handles could be
seen to be one person's. A deletion that is under way names its person, and a finished one does as a tombstone.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

MYDATA: Final = MetaData()
MYDATA_VERSION: Final = 2

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")
_SMALL: Final = SmallInteger().with_variant(Integer, "sqlite")

slots: Final = Table(
    "mydata_slots",
    MYDATA,
    Column("tag", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
relations: Final = Table(
    "mydata_relations",
    MYDATA,
    Column("handle", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
consents: Final = Table(
    "mydata_consents",
    MYDATA,
    Column("id", Text, primary_key=True),
    Column("handle", Text, nullable=False, index=True),
    Column("state", _SMALL, nullable=False),
    Column("at", _BIG, nullable=False),
    Column("until", _BIG, nullable=False),
    Column("due", _BIG, index=True),
    Column("settled", _SMALL, nullable=False, index=True),  # 0 from a withdrawal until its packages are revoked
    Column("seq", _BIG, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
packages: Final = Table(
    "mydata_packages",
    MYDATA,
    Column("id", Text, primary_key=True),
    Column("consent", Text, nullable=False),
    Column("cycle", _BIG, nullable=False),
    Column("until", _BIG, nullable=False),
    Column("seq", _BIG, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("receipt", LargeBinary),  # what its recipient signed of it, sealed
    UniqueConstraint("consent", "cycle"),
    sqlite_strict=True,
)
notices: Final = Table(
    "mydata_notices",
    MYDATA,
    Column("handle", Text, nullable=False),
    Column("seq", _BIG, nullable=False),
    Column("id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("handle", "seq"),
    sqlite_strict=True,
)
openings: Final = Table(
    "mydata_openings",
    MYDATA,
    Column("seq", _BIG, primary_key=True, autoincrement=False),
    Column("handle", Text, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
messages: Final = Table(
    "mydata_messages",
    MYDATA,
    Column("id", Text, primary_key=True),
    Column("recipient", Text, nullable=False, index=True),
    Column("about", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("at", _BIG, nullable=False),
    sqlite_strict=True,
)
erasures: Final = Table(
    "mydata_erasures",
    MYDATA,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False, index=True),
    Column("at", _BIG, nullable=False),
    Column("plan", LargeBinary),
    Column("blinding", LargeBinary, nullable=False),
    Column("seq", _BIG),
    sqlite_strict=True,
)
# Without row numbers, which would say which names came in together.
tombstones: Final = Table(
    "mydata_tombstones",
    MYDATA,
    Column("name", Text, primary_key=True),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
