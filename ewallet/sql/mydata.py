"""The memory of a portal in a database: what it does is in the log of use from the same transaction on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from ewallet.errors import AlreadyUsed, NotFound
from ewallet.mydata.store import (
    READY,
    ConsentRow,
    Erasure,
    Message,
    Opening,
    PackageRow,
    Relation,
    State,
)
from ewallet.sql.engine import Engine, insert_into, micros, moment, take_turns
from ewallet.sql.history import append
from ewallet.sql.mydata_tables import (
    MYDATA,
    MYDATA_VERSION,
    consents,
    erasures,
    messages,
    notices,
    openings,
    packages,
    relations,
    slots,
    tombstones,
)
from ewallet.trace import Happened, NoticeRow, Trace


class SqlMyDataStore:
    """A :class:`ewallet.mydata.MyDataStore`, in the database of its log."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("mydata", MYDATA, MYDATA_VERSION)
        self._engine = engine

    # -- people ------------------------------------------------------------------------------------------------

    def slots(self, tags: Sequence[bytes]) -> Mapping[bytes, bytes]:
        with self._engine.glancing() as connection:
            rows = connection.execute(select(slots).where(slots.c.tag.in_(tags)))
            return {bytes(row.tag): bytes(row.sealed) for row in rows}

    def relation(self, handle: str) -> bytes:
        with self._engine.glancing() as connection:
            found = connection.execute(select(relations.c.sealed).where(relations.c.handle == handle)).scalar()
        if found is None:
            raise NotFound("storage.not_found", "nobody has that handle")
        return bytes(found)

    def open_relation(self, subject: str, relation: Relation) -> bool:
        with self._engine.writing() as connection:
            _check_kept(connection, subject)
            slot = insert_into(slots, connection).values(tag=relation.tag, sealed=relation.slot)
            if connection.execute(slot.on_conflict_do_nothing().returning(slots.c.tag)).first() is None:
                return False
            connection.execute(insert(relations).values(handle=relation.handle, sealed=relation.sealed))
            return True

    # -- consents ----------------------------------------------------------------------------------------------

    def give(self, subject: str, row: ConsentRow, happened: Happened, renews: str = "") -> int:
        with self._engine.writing() as connection:
            _check_kept(connection, subject, row.handle)
            take_turns(connection, row.id.encode())
            if connection.execute(select(consents.c.id).where(consents.c.id == row.id)).first() is not None:
                raise AlreadyUsed("storage.already_used", "a consent of that identifier was given before")
            if renews and not _moved(connection, renews, State.RENEWED, given=True):
                raise NotFound("storage.not_found", "no consent of that identifier is given")
            seq = _logged(connection, happened)
            connection.execute(insert(consents).values(_of_consent(row) | {"seq": seq}))
            return seq

    def consent(self, consent_id: str) -> ConsentRow | None:
        with self._engine.glancing() as connection:
            row = connection.execute(select(consents).where(consents.c.id == consent_id)).first()
            return None if row is None else _consent(row)

    def consents(self, handle: str) -> Sequence[ConsentRow]:
        asked = select(consents).where(consents.c.handle == handle).order_by(consents.c.seq)
        with self._engine.glancing() as connection:
            return [_consent(row) for row in connection.execute(asked)]

    def end(self, consent_id: str, state: State, happened: Happened, message: Message | None = None) -> bool:
        with self._engine.writing() as connection:
            if not _moved(connection, consent_id, state):
                return False
            _tell(connection, message)
            _logged(connection, happened)
            return True

    def stop(self, handle: str, happened: Happened, message: Message) -> int:
        stopped = update(consents).where(consents.c.handle == handle, consents.c.state == State.GIVEN)
        with self._engine.writing() as connection:
            found = connection.execute(stopped.values(state=State.STOPPED).returning(consents.c.id)).all()
            if found:
                _tell(connection, message)
                _logged(connection, happened)
            return len(found)

    def unsettled(self) -> Sequence[str]:
        with self._engine.glancing() as connection:
            return list(connection.scalars(select(consents.c.id).where(consents.c.settled == 0)))

    def settle(self, consent_id: str, happened: Sequence[Happened]) -> bool:
        settled = update(consents).where(consents.c.id == consent_id, consents.c.settled == 0).values(settled=1)
        with self._engine.writing() as connection:
            if connection.execute(settled.returning(consents.c.id)).first() is None:
                return False
            for each in happened:
                _logged(connection, each)
            return True

    def due(self, at: datetime, limit: int, after: str = "") -> Sequence[ConsentRow]:
        waiting = (consents.c.state == State.GIVEN, consents.c.due <= micros(at), consents.c.until > micros(at))
        asked = select(consents).where(*waiting, consents.c.id > after).order_by(consents.c.id).limit(limit)
        with self._engine.glancing() as connection:
            return [_consent(row) for row in connection.execute(asked)]

    def skip(self, consent_id: str, was: datetime, due: datetime | None, happened: Happened) -> bool:
        waiting = (consents.c.id == consent_id, consents.c.state == State.GIVEN, consents.c.due == micros(was))
        with self._engine.writing() as connection:
            moved = update(consents).where(*waiting).values(due=_micros(due)).returning(consents.c.id)
            if connection.execute(moved).first() is None:
                return False
            _logged(connection, happened)
            return True

    # -- packages, notices, messages ---------------------------------------------------------------------------

    def package(self, consent_id: str, cycle: int) -> PackageRow | None:
        asked = select(packages).where(packages.c.consent == consent_id, packages.c.cycle == cycle)
        with self._engine.glancing() as connection:
            row = connection.execute(asked).first()
            return None if row is None else _package(row)

    def packages(self, consent_id: str) -> Sequence[PackageRow]:
        asked = select(packages).where(packages.c.consent == consent_id).order_by(packages.c.cycle)
        with self._engine.glancing() as connection:
            return [_package(row) for row in connection.execute(asked)]

    def countersign(self, package_id: str, receipt: bytes) -> bytes:
        unsigned = update(packages).where(packages.c.id == package_id, packages.c.receipt.is_(None))
        with self._engine.writing() as connection:
            connection.execute(unsigned.values(receipt=receipt))
            kept = connection.execute(select(packages.c.receipt).where(packages.c.id == package_id)).scalar()
            if kept is None:
                raise NotFound("storage.not_found", "no package of that identifier")
            return bytes(kept)

    def provide(
        self,
        row: PackageRow,
        notice: NoticeRow,
        happened: Happened,
        *,
        due: datetime | None,
        message: Message | None = None,
        anew: bool = False,
    ) -> int:
        given = update(consents).where(consents.c.id == row.consent, consents.c.state == State.GIVEN)
        provided = select(packages.c.id).where(packages.c.consent == row.consent, packages.c.cycle == row.cycle)
        with self._engine.writing() as connection:
            # The row of the consent is held from here on: of those who come at once, one is first.
            if connection.execute(given.values(due=_micros(due)).returning(consents.c.id)).first() is None:
                raise NotFound("storage.not_found", "no consent of that identifier is given")
            if anew and _collected(connection, row.consent):
                connection.execute(delete(packages).where(packages.c.id.in_(provided)))
            if connection.execute(provided).first() is not None:
                raise AlreadyUsed("storage.already_used", "that cycle was provided")
            _tell(connection, message)
            seq = _logged(connection, happened)
            connection.execute(insert(packages).values(_of_package(row) | {"seq": seq}))
            _put_notice(connection, notice, seq)
            return seq

    def is_waiting(self, consent_id: str) -> bool:
        with self._engine.glancing() as connection:
            return connection.execute(select(messages.c.id).where(_ready(consent_id)).limit(1)).first() is not None

    def collect(self, consent_id: str) -> None:
        with self._engine.writing() as connection:
            _collected(connection, consent_id)

    def record(self, happened: Happened, *, notice: NoticeRow | None = None, subject: str = "") -> int:
        with self._engine.writing() as connection:
            if subject:
                _check_kept(connection, subject, happened.event.subject)
            seq = _logged(connection, happened)
            if notice:
                _put_notice(connection, notice, seq)
            return seq

    def notices(self, handle: str) -> Sequence[NoticeRow]:
        asked = select(notices).where(notices.c.handle == handle).order_by(notices.c.seq)
        with self._engine.glancing() as connection:
            return [
                NoticeRow(handle=row.handle, id=row.id, sealed=bytes(row.sealed), seq=row.seq)
                for row in connection.execute(asked)
            ]

    def openings(self, handle: str) -> Sequence[Opening]:
        asked = select(openings).where(openings.c.handle == handle).order_by(openings.c.seq)
        with self._engine.glancing() as connection:
            return [
                Opening(seq=row.seq, handle=row.handle, sealed=bytes(row.sealed)) for row in connection.execute(asked)
            ]

    def messages(self, recipient: str = "", limit: int = 100) -> Sequence[Message]:
        asked = select(messages).order_by(messages.c.at, messages.c.id).limit(limit)
        if recipient:
            asked = asked.where(messages.c.recipient == recipient)
        with self._engine.glancing() as connection:
            return [_message(row) for row in connection.execute(asked)]

    def told(self, message_id: str) -> None:
        with self._engine.writing() as connection:
            connection.execute(delete(messages).where(messages.c.id == message_id))

    # -- deletion ----------------------------------------------------------------------------------------------

    def last_erasure(self, subject: str) -> Erasure | None:
        with self._engine.glancing() as connection:
            return _last_erasure(connection, subject)

    def begin_erasure(self, erasure: Erasure, after: str = "") -> Erasure:
        with self._engine.writing() as connection:
            take_turns(connection, erasure.subject.encode())
            last = _last_erasure(connection, erasure.subject)
            if last and (last.id != after or last.seq is None):
                return last
            values = {"id": erasure.id, "subject": erasure.subject, "blinding": erasure.blinding}
            connection.execute(insert(erasures).values(values | {"at": micros(erasure.at)}))
            return erasure

    def plan_erasure(self, erasure_id: str, plan: bytes, handles: Sequence[str]) -> bytes:
        planned = update(erasures).where(
            erasures.c.id == erasure_id, erasures.c.plan.is_(None), erasures.c.seq.is_(None)
        )
        with self._engine.writing() as connection:
            if connection.execute(planned.values(plan=plan).returning(erasures.c.id)).first() is not None:
                erased = update(consents).where(consents.c.handle.in_(handles)).values(state=State.ERASED)
                connection.execute(erased)
                return plan
            kept = connection.execute(select(erasures.c.plan).where(erasures.c.id == erasure_id)).scalar()
            return bytes(kept or b"")

    def finish_erasure(
        self, erasure_id: str, handles: Sequence[str], tags: Sequence[bytes], happened: Happened, names: Sequence[str]
    ) -> int:
        finished = update(erasures).where(erasures.c.id == erasure_id, erasures.c.seq.is_(None)).values(plan=None)
        with self._engine.writing() as connection:
            if connection.execute(finished.returning(erasures.c.id)).first() is None:
                return int(connection.scalar(select(erasures.c.seq).where(erasures.c.id == erasure_id)) or 0)
            _delete(connection, handles, tags)
            for name in sorted(names):
                connection.execute(insert_into(tombstones, connection).values(name=name).on_conflict_do_nothing())
            seq = append(connection, happened.event).seq
            connection.execute(update(erasures).where(erasures.c.id == erasure_id).values(seq=seq))
            return seq

    def erasures(self, *, open_only: bool = False) -> Sequence[Erasure]:
        asked = select(erasures).order_by(erasures.c.at)
        with self._engine.glancing() as connection:
            found = connection.execute(asked.where(erasures.c.seq.is_(None)) if open_only else asked)
            return [_erasure(row) for row in found]

    def tombstones(self) -> Sequence[str]:
        with self._engine.glancing() as connection:
            return list(connection.scalars(select(tombstones.c.name).order_by(tombstones.c.name)))

    def scrub(self) -> None:
        self._engine.scrub()


def leave(connection: Connection, trace: Trace) -> int:
    """Put a look on record with its notice, in the transaction of what it was for; its place in the log.

    It comes last, for whoever else writes to the log waits from here on. :class:`NotFound` as ``record``.
    """
    _check_kept(connection, trace.subject, trace.happened.event.subject)
    seq = _logged(connection, trace.happened)
    _put_notice(connection, trace.notice, seq)
    return seq


def _check_kept(connection: Connection, subject: str, handle: str = "") -> None:
    """Return unless the person's data is being deleted, or the handle is gone; a deletion waits until this is done."""
    take_turns(connection, subject.encode())
    erasing = select(erasures.c.id).where(erasures.c.subject == subject, erasures.c.seq.is_(None))
    gone = handle and connection.execute(select(relations.c.handle).where(relations.c.handle == handle)).first() is None
    if gone or connection.execute(erasing).first() is not None:
        raise NotFound("storage.not_found", "the data of this person is being deleted, or was just now")


def _last_erasure(connection: Connection, subject: str) -> Erasure | None:
    of_person = select(erasures).where(erasures.c.subject == subject)
    row = connection.execute(of_person.order_by(erasures.c.seq.is_not(None), erasures.c.seq.desc()).limit(1)).first()
    return None if row is None else _erasure(row)


def _moved(connection: Connection, consent_id: str, state: State, *, given: bool = False) -> bool:
    """Whether a consent went up to a state; with ``given`` only from the first."""
    before = consents.c.state == State.GIVEN if given else consents.c.state < state
    values = {"state": state} | ({"settled": 0} if state is State.WITHDRAWN else {})
    moved = update(consents).where(consents.c.id == consent_id, before).values(values)
    return connection.execute(moved.returning(consents.c.id)).first() is not None


def _logged(connection: Connection, happened: Happened) -> int:
    seq = append(connection, happened.event).seq
    opening = {"seq": seq, "handle": happened.event.subject, "sealed": happened.opening}
    connection.execute(insert(openings).values(opening))
    return seq


def _put_notice(connection: Connection, notice: NoticeRow, seq: int) -> None:
    values = {"handle": notice.handle, "seq": seq, "id": notice.id, "sealed": notice.sealed}
    connection.execute(insert(notices).values(values))


def _tell(connection: Connection, message: Message | None) -> None:
    if message:
        values = {name: getattr(message, name) for name in ("id", "recipient", "about", "consent")}
        connection.execute(insert(messages).values(values | {"at": micros(message.at)}))


def _ready(consent_id: str) -> ColumnElement[bool]:
    return and_(messages.c.consent == consent_id, messages.c.about == READY)


def _collected(connection: Connection, consent_id: str) -> bool:
    """Whether something waited to be fetched; now nothing does."""
    return bool(connection.execute(delete(messages).where(_ready(consent_id)).returning(messages.c.id)).all())


def _delete(connection: Connection, handles: Sequence[str], tags: Sequence[bytes]) -> None:
    given = select(consents.c.id).where(consents.c.handle.in_(handles))
    connection.execute(delete(packages).where(packages.c.consent.in_(given)))
    for table in (consents, notices, openings, relations):
        connection.execute(delete(table).where(table.c.handle.in_(handles)))
    connection.execute(delete(slots).where(slots.c.tag.in_(tags)))


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _of_consent(row: ConsentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "handle": row.handle,
        "state": row.state,
        "at": micros(row.at),
        "until": micros(row.until),
        "due": _micros(row.due),
        "settled": 1,
        "sealed": row.sealed,
    }


def _consent(row: Row[Any]) -> ConsentRow:
    return ConsentRow(
        id=row.id,
        handle=row.handle,
        state=State(row.state),
        at=moment(row.at),
        until=moment(row.until),
        due=None if row.due is None else moment(row.due),
        seq=row.seq,
        sealed=bytes(row.sealed),
    )


def _of_package(row: PackageRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "consent": row.consent,
        "cycle": row.cycle,
        "until": micros(row.until),
        "sealed": row.sealed,
    }


def _package(row: Row[Any]) -> PackageRow:
    return PackageRow(
        id=row.id,
        consent=row.consent,
        cycle=row.cycle,
        until=moment(row.until),
        seq=row.seq,
        sealed=bytes(row.sealed),
        receipt=None if row.receipt is None else bytes(row.receipt),
    )


def _message(row: Row[Any]) -> Message:
    return Message(id=row.id, recipient=row.recipient, about=row.about, consent=row.consent, at=moment(row.at))


def _erasure(row: Row[Any]) -> Erasure:
    return Erasure(
        id=row.id,
        subject=row.subject,
        at=moment(row.at),
        plan=bytes(row.plan or b""),
        blinding=bytes(row.blinding),
        seq=row.seq,
    )
