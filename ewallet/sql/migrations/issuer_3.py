"""What the document-number check keeps of a document."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, Text

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")


def upgrade(operations: Operations) -> None:
    """Add this table."""
    operations.create_table(
        "documents",
        Column("digest", LargeBinary, nullable=False),
        Column("certificate", Text, ForeignKey("certificates.id"), nullable=False),
        Column("until", _BIG, nullable=False, index=True),
        PrimaryKeyConstraint("digest", "certificate"),
        sqlite_strict=True,
    )
