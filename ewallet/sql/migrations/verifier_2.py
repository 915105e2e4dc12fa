"""What a verifier asks over the wire, and what came of it."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, SmallInteger, Text

_BIG = BigInteger().with_variant(Integer, "sqlite")
_SMALL = SmallInteger().with_variant(Integer, "sqlite")


def upgrade(operations: Operations) -> None:
    """Add the tables of exchanges and of claims that wait to be read."""
    operations.create_table(
        "exchanges",
        Column("id", LargeBinary, primary_key=True),
        Column("handle", LargeBinary, nullable=False, unique=True),
        Column("until", _BIG, nullable=False, index=True),
        Column("guarded", _SMALL, nullable=False),
        Column("open", _SMALL, nullable=False),
        Column("record", LargeBinary),
        Column("outcome", Text),
        Column("code", LargeBinary),
        Column("seen", _BIG, nullable=False),
        sqlite_strict=True,
    )
    operations.create_table(
        "exchange_claims",
        Column("id", LargeBinary, ForeignKey("exchanges.id", ondelete="CASCADE"), primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
        Column("until", _BIG, nullable=False, index=True),
        sqlite_strict=True,
    )
