"""How new the revocation lists of authorities were seen."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import Column, LargeBinary


def upgrade(operations: Operations) -> None:
    """Add this table."""
    operations.create_table(
        "crls",
        Column("authority", LargeBinary, primary_key=True),
        Column("raw", LargeBinary, nullable=False),
        Column("number", LargeBinary, nullable=False),
        sqlite_strict=True,
    )
