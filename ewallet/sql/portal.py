"""What a portal keeps between two steps of an authorization, in tables of their own: digests, and what is sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, delete, select

from ewallet.sql.engine import Engine, insert_into, micros
from ewallet.steps import Step

PORTAL: Final = MetaData()
PORTAL_VERSION: Final = 1

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")

portal_steps: Final = Table(
    "portal_steps",
    PORTAL,
    Column("digest", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("until", _BIG, nullable=False, index=True),
    sqlite_strict=True,
)


class SqlPortalStore:
    """A :class:`ewallet.steps.PortalStore`."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("portal", PORTAL, PORTAL_VERSION)
        self._engine = engine

    def put_step(self, digest: bytes, sealed: bytes, until: datetime) -> bool:
        with self._engine.writing() as connection:
            put = insert_into(portal_steps, connection).values(digest=digest, sealed=sealed, until=micros(until))
            return connection.execute(put.on_conflict_do_nothing().returning(portal_steps.c.digest)).first() is not None

    def step(self, digest: bytes, at: datetime) -> bytes | None:
        found = select(portal_steps.c.sealed).where(portal_steps.c.digest == digest, portal_steps.c.until > micros(at))
        with self._engine.glancing() as connection:
            sealed = connection.execute(found).scalar()
            return None if sealed is None else bytes(sealed)

    def take_step(self, digest: bytes, at: datetime) -> bytes | None:
        gone = delete(portal_steps).where(portal_steps.c.digest == digest, portal_steps.c.until > micros(at))
        with self._engine.writing() as connection:
            sealed = connection.execute(gone.returning(portal_steps.c.sealed)).scalar()
            return None if sealed is None else bytes(sealed)

    def turn_step(self, digest: bytes, at: datetime, *into: Step) -> bool:
        gone = delete(portal_steps).where(portal_steps.c.digest == digest, portal_steps.c.until > micros(at))
        rows = [{"digest": step.digest, "sealed": step.sealed, "until": micros(step.until)} for step in into]
        with self._engine.writing() as connection:
            if connection.execute(gone.returning(portal_steps.c.digest)).first() is None:
                return False
            connection.execute(insert_into(portal_steps, connection).values(rows))
            return True

    def forget_steps(self, at: datetime) -> int:
        with self._engine.writing() as connection:
            over = delete(portal_steps).where(portal_steps.c.until <= micros(at))
            return connection.execute(over).rowcount
