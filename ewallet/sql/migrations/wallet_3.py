"""Receipts of consent."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text


def upgrade(operations: Operations) -> None:
    """Add the table of receipts."""
    operations.create_table(
        "receipts",
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("id", Text, nullable=False, unique=True),
        Column("sealed", LargeBinary, nullable=False),
        sqlite_strict=True,
    )
