"""Codes, tokens and what waits to be collected: what an issuer hands out over the wire."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
)

_BIG = BigInteger().with_variant(Integer, "sqlite")
_SMALL = SmallInteger().with_variant(Integer, "sqlite")


def upgrade(operations: Operations) -> None:
    """Add the tables of the authorization server and of the issuing endpoints."""
    operations.create_table(
        "issuer_secrets",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("secret", LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    _grants(operations)
    _once(operations)
    operations.create_table(
        "deferrals",
        Column("digest", LargeBinary, primary_key=True),
        Column("token", LargeBinary, nullable=False),
        Column("configuration", Text, nullable=False),
        Column("holders", Text, nullable=False),
        Column("due", _BIG, nullable=False),
        Column("until", _BIG, nullable=False, index=True),
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


def _grants(operations: Operations) -> None:
    operations.create_table(
        "codes",
        Column("digest", LargeBinary, primary_key=True),
        Column("subject", Text, nullable=False),
        Column("configurations", Text, nullable=False),
        Column("until", _BIG, nullable=False, index=True),
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
        Column("until", _BIG, nullable=False, index=True),
        Column("thumbprint", Text),
        sqlite_strict=True,
    )


def _once(operations: Operations) -> None:
    operations.create_table(
        "taken",
        Column("digest", LargeBinary, primary_key=True),
        Column("until", _BIG, nullable=False, index=True),
        sqlite_strict=True,
    )
    operations.create_table(
        "failures",
        Column("source", LargeBinary, primary_key=True),
        Column("until", _BIG, nullable=False, index=True),
        Column("count", Integer, nullable=False),
        sqlite_strict=True,
    )
