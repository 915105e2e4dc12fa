"""Who failed how often: counts by a digest until the end of a window, in the issuer's table ``failures``."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import Connection, Executable, bindparam, case, select

from ewallet.sql.engine import first, insert_for, micros, put
from ewallet.sql.tables import failures

_FIND: Final = select(failures.c.count).where(failures.c.source == bindparam("of"), failures.c.until > bindparam("at"))


def failed(connection: Connection, source: bytes, at: datetime) -> int:
    """How often that source failed in this window."""
    row = first(connection, _FIND, {"of": source, "at": micros(at)})
    return int(row[0]) if row else 0


def count_failure(connection: Connection, source: bytes, window: datetime) -> None:
    """Once more, in the window that ends then."""
    put(connection, _count(connection.dialect.name), {"source": source, "until": micros(window), "count": 1})


@cache
def _count(dialect: str) -> Executable:
    new = insert_for(failures, dialect)
    again = case((failures.c.until == new.excluded.until, failures.c.count + 1), else_=1)
    return new.on_conflict_do_update(index_elements=["source"], set_={"count": again, "until": new.excluded.until})
