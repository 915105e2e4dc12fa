"""What a recipient has signed of a package: of those before, nothing."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import Column, LargeBinary


def upgrade(operations: Operations) -> None:
    """Add this column."""
    operations.add_column("mydata_packages", Column("receipt", LargeBinary))
