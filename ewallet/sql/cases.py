"""Joint cases in the verifier's database: what belongs to a case is sealed, and what came of it has no claim in it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, delete, insert, select, update

from ewallet.errors import NotFound
from ewallet.joint import KeptCase
from ewallet.sql.engine import Engine, micros, moment

CASES: Final = MetaData()
CASES_VERSION: Final = 1

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")

cases: Final = Table(
    "cases",
    CASES,
    Column("id", LargeBinary, primary_key=True),
    Column("until", _BIG, nullable=False, index=True),
    Column("record", LargeBinary, nullable=False),
    Column("outcome", Text),
    sqlite_strict=True,
)


class SqlCaseStore:
    """A :class:`ewallet.joint.CaseStore`."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("cases", CASES, CASES_VERSION)
        self._engine = engine

    def put_case(self, kept: KeptCase) -> None:
        row = {"id": kept.id, "until": micros(kept.until), "record": kept.record, "outcome": kept.outcome}
        with self._engine.writing() as connection:
            connection.execute(insert(cases).values(row))

    def case(self, id_: bytes) -> KeptCase:
        with self._engine.reading() as connection:
            row = connection.execute(select(cases).where(cases.c.id == id_)).first()
        if row is None:
            raise NotFound("storage.not_found", "no case of that number")
        return KeptCase(id=bytes(row.id), until=moment(row.until), record=bytes(row.record), outcome=row.outcome)

    def settle_case(self, id_: bytes, outcome: str) -> str:
        first = update(cases).where(cases.c.id == id_, cases.c.outcome.is_(None)).values(outcome=outcome)
        with self._engine.writing() as connection:
            connection.execute(first)
            kept = connection.scalar(select(cases.c.outcome).where(cases.c.id == id_))
        if kept is None:
            raise NotFound("storage.not_found", "no case of that number")
        return str(kept)

    def forget_cases(self, before: datetime) -> int:
        over = delete(cases).where(cases.c.until < micros(before)).returning(cases.c.id)
        with self._engine.writing() as connection:
            return len(connection.execute(over).all())
