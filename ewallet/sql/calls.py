"""What services keep of calls that may be made again, for either role that has a service."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, delete, select, update

from ewallet.idempotency import Begun
from ewallet.sql.engine import Engine, insert_into, micros


class SqlCallStore:
    """An :class:`ewallet.idempotency.CallStore` in a table of a role that is prepared."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self._table = table

    def begin_call(self, name: bytes, fingerprint: bytes, at: datetime, until: datetime) -> Begun | None:
        calls = self._table
        with self._engine.writing() as connection:
            connection.execute(delete(calls).where(calls.c.until <= micros(at)))
            first = insert_into(calls, connection).values(name=name, fingerprint=fingerprint, until=micros(until))
            if connection.execute(first.on_conflict_do_nothing().returning(calls.c.name)).first() is not None:
                return None
            row = connection.execute(select(calls).where(calls.c.name == name)).first()
        # Whoever was first has failed in this very moment: to the caller it is as if that were still going on.
        return Begun(fingerprint=row.fingerprint, answer=row.answer) if row else Begun(fingerprint=fingerprint)

    def end_call(self, name: bytes, answer: bytes, until: datetime, *, work: datetime) -> None:
        with self._engine.writing() as connection:
            ended = update(self._table).where(self._at_work(name, work)).values(answer=answer, until=micros(until))
            connection.execute(ended)

    def drop_call(self, name: bytes, *, work: datetime) -> None:
        with self._engine.writing() as connection:
            connection.execute(delete(self._table).where(self._at_work(name, work)))

    def _at_work(self, name: bytes, work: datetime) -> ColumnElement[bool]:
        """That very call: one that began after its time has another."""
        calls = self._table
        return and_(calls.c.name == name, calls.c.answer.is_(None), calls.c.until == micros(work))
