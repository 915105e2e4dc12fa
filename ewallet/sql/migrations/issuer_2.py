"""What the issuing endpoints keep: codes, tokens, nonces, deferred credentials, notifications."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, SmallInteger, Text

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")
_SMALL: Final = SmallInteger().with_variant(Integer, "sqlite")


def upgrade(operations: Operations) -> None:
    """Add these tables."""
    _add_codes(operations)
    _add_counts(operations)
    _add_later(operations)


def _until() -> Column[int]:
    return Column("until", _BIG, nullable=False, index=True)


def _add_codes(operations: Operations) -> None:
    operations.create_table(
        "issuer_secrets",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("secret", LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    operations.create_table(
        "codes",
        Column("digest", LargeBinary, primary_key=True),
        Column("subject", Text, nullable=False),
        Column("configurations", Text, nullable=False),
        _until(),
        Column("tx_code", LargeBinary),
        Column("tries", _SMALL, nullable=False),
        Column("redeemed", _SMALL, nullable=False),
        sqlite_strict=True,
    )
    operations.create_table(
        "tokens",
        Column("digest", LargeBinary, primary_key=True),
        Column("subject", Text, nullable=False),
        Column("configurations", Text, nullable=False),
        _until(),
        Column("thumbprint", Text),
        sqlite_strict=True,
    )


def _add_counts(operations: Operations) -> None:
    operations.create_table(
        "taken",
        Column("digest", LargeBinary, primary_key=True),
        _until(),
        sqlite_strict=True,
    )
    operations.create_table(
        "failures",
        Column("source", LargeBinary, primary_key=True),
        _until(),
        Column("count", Integer, nullable=False),
        sqlite_strict=True,
    )


def _add_later(operations: Operations) -> None:
    operations.create_table(
        "deferrals",
        Column("digest", LargeBinary, primary_key=True),
        Column("token", LargeBinary, nullable=False),
        Column("configuration", Text, nullable=False),
        Column("holders", Text, nullable=False),
        Column("due", _BIG, nullable=False),
        _until(),
        sqlite_strict=True,
    )
    operations.create_table(
        "orders",
        Column("digest", LargeBinary, primary_key=True),
        Column("holders", LargeBinary, nullable=False),
        Column("certificate", Text, nullable=False),
        Column("previous", Text),
        Column("sealed", LargeBinary),
        _until(),
        sqlite_strict=True,
    )
    operations.create_table(
        "notifications",
        Column("certificate", Text, ForeignKey("certificates.id"), nullable=False),
        Column("event", Text, nullable=False),
        Column("at", _BIG, nullable=False),
        PrimaryKeyConstraint("certificate", "event"),
        sqlite_strict=True,
    )
    operations.create_table(
        "issuer_calls",
        Column("name", LargeBinary, primary_key=True),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("answer", LargeBinary),
        _until(),
        sqlite_strict=True,
    )
