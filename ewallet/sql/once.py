"""What may be used once: digests in the issuer's table ``taken``, each taken by a single statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Executable

from ewallet.sql.engine import each, insert_for, micros
from ewallet.sql.tables import taken


def used_before(connection: Connection, once: Mapping[bytes, datetime]) -> frozenset[bytes]:
    """Take the digests, and say which of them had been taken."""
    if not once:
        return frozenset()
    rows = [{"digest": digest, "until": micros(once[digest])} for digest in sorted(once)]  # in one order: no deadlocks
    return frozenset(once) - {bytes(digest) for (digest,) in each(connection, _take(connection.dialect.name), rows)}


@cache
def _take(dialect: str) -> Executable:
    return insert_for(taken, dialect).on_conflict_do_nothing().returning(taken.c.digest)
