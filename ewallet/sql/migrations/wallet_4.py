"""How far logs of use were when they were last seen, and where they departed from it."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text


def upgrade(operations: Operations) -> None:
    """Add both tables."""
    operations.create_table(
        "sightings",
        Column("tag", LargeBinary, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    operations.create_table(
        "departures",
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("id", Text, nullable=False, unique=True),
        Column("sealed", LargeBinary, nullable=False),
        sqlite_strict=True,
    )
