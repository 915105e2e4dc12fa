"""What a certificate was made for: a wallet, as all of those before, paper, or a package."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import Column, Text


def upgrade(operations: Operations) -> None:
    """Add this column."""
    operations.add_column("certificates", Column("carrier", Text, nullable=False, server_default="wallet"))
