"""What was asked over the wire, the answers that wait to be read, and how new a trust list was seen."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, SmallInteger, Text

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")
_SMALL: Final = SmallInteger().with_variant(Integer, "sqlite")


def upgrade(operations: Operations) -> None:
    """Add these tables."""
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
    operations.create_table(
        "trust_lists",
        Column("operator", Text, primary_key=True),
        Column("version", _BIG, nullable=False),
        sqlite_strict=True,
    )
    operations.create_table(
        "verifier_calls",
        Column("name", LargeBinary, primary_key=True),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("answer", LargeBinary),
        Column("until", _BIG, nullable=False, index=True),
        sqlite_strict=True,
    )
