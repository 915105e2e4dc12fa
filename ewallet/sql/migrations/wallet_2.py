"""What an issuer has deferred."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import Column, LargeBinary


def upgrade(operations: Operations) -> None:
    """Add the table of what is pending."""
    operations.create_table(
        "pending",
        Column("tag", LargeBinary, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
        sqlite_strict=True,
    )
