"""Registrations of recipients in the database: a row for each change, of which the newest is in force.

Rows are added and never changed, so what a recipient was registered for on some day can be read later. All workers read
the same row, so whoever is suspended gets nothing from the next request on, whichever worker that reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Row, Table, Text, func, insert, select

from ewallet import jose
from ewallet.recipients import Change, Recipient, unregistered
from ewallet.shape import json_object
from ewallet.sql.engine import Engine, micros, moment, take_turns

RECIPIENTS: Final = MetaData()
RECIPIENTS_VERSION: Final = 1

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")

registrations: Final = Table(
    "registrations",
    RECIPIENTS,
    Column("number", _BIG, primary_key=True),
    Column("recipient", Text, nullable=False, index=True),
    Column("record", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", _BIG, nullable=False),
    sqlite_strict=True,
)
_NEWEST: Final = registrations.c.number.desc()


class SqlRecipientStore:
    """A :class:`ewallet.recipients.Registry`."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("recipients", RECIPIENTS, RECIPIENTS_VERSION)
        self._engine = engine

    def recipient(self, id_: str) -> Recipient:
        with self._engine.glancing() as connection:
            return _newest(connection, id_) or unregistered()

    def recipients(self) -> Sequence[Recipient]:
        last = select(func.max(registrations.c.number)).group_by(registrations.c.recipient)
        found = select(registrations.c.record).where(registrations.c.number.in_(last)).order_by("recipient")
        with self._engine.glancing() as connection:
            return [_read(record) for record in connection.execute(found).scalars()]

    def register(self, recipient: Recipient, change: Change) -> Recipient:
        with self._engine.writing() as connection:
            take_turns(connection, recipient.id.encode())
            former = _newest(connection, recipient.id)
            return _add(connection, replace(recipient, suspended=bool(former and former.suspended)), change)

    def suspend(self, id_: str, change: Change, *, suspended: bool = True) -> Recipient:
        with self._engine.writing() as connection:
            take_turns(connection, id_.encode())
            return _add(connection, replace(_newest(connection, id_) or unregistered(), suspended=suspended), change)

    def changes(self, id_: str) -> Sequence[Change]:
        found = select(registrations).where(registrations.c.recipient == id_).order_by(_NEWEST)
        with self._engine.glancing() as connection:
            return [_change(row) for row in connection.execute(found)] or unregistered()


def _newest(connection: Connection, id_: str) -> Recipient | None:
    newest = select(registrations.c.record).where(registrations.c.recipient == id_).order_by(_NEWEST).limit(1)
    record = connection.execute(newest).scalar()
    return None if record is None else _read(record)


def _add(connection: Connection, recipient: Recipient, change: Change) -> Recipient:
    row = {
        "recipient": recipient.id,
        "record": jose.to_json(recipient.to_json()).decode(),
        "what": change.what,
        "by": change.by,
        "reason": change.reason,
        "at": micros(change.at),
    }
    connection.execute(insert(registrations).values(row))
    return recipient


def _read(record: str) -> Recipient:
    return Recipient.of_json(json_object(record, "a registration"))


def _change(row: Row[Any]) -> Change:
    return Change(what=row.what, by=row.by, reason=row.reason, at=moment(row.at))
