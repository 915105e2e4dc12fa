"""Who failed how often of late, whatever the clock says: one row for each failure, in the issuer's table ``failures``.

The key of a row is the digest of whoever failed, of one length for all, and a number. A failure takes the first number
that is free, which is one that was never taken or whose failure is as old as counts no more: no source has more rows
than it may fail times.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Final

from sqlalchemy import Connection, Executable, bindparam, select

from ewallet.sql.engine import insert_for, micros, put
from ewallet.sql.tables import failures

_NUMBER: Final = 2  # bytes
_FIND: Final = select(failures.c.source).where(
    failures.c.source.between(bindparam("first"), bindparam("last")), failures.c.until > bindparam("at")
)


def failed(connection: Connection, source: bytes, at: datetime) -> int:
    """How often that source failed of late."""
    return len(_taken(connection, source, at))


def count_failure(connection: Connection, source: bytes, at: datetime, window: timedelta) -> None:
    """Once more, for so long; two at once must :func:`take turns <ewallet.sql.engine.take_turns>`."""
    taken = _taken(connection, source, at)
    row = next(key for key in (_row(source, number) for number in count()) if key not in taken)
    put(connection, _count(connection.dialect.name), {"source": row, "until": micros(at + window), "count": 1})


def _taken(connection: Connection, source: bytes, at: datetime) -> set[bytes]:
    span = {"first": _row(source, 0), "last": _row(source, 256**_NUMBER - 1), "at": micros(at)}
    return {bytes(key) for key in connection.execute(_FIND, span).scalars()}


def _row(source: bytes, number: int) -> bytes:
    return source + number.to_bytes(_NUMBER, "big")


@cache
def _count(dialect: str) -> Executable:
    new = insert_for(failures, dialect)
    return new.on_conflict_do_update(index_elements=["source"], set_={"until": new.excluded.until})
