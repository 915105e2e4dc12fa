"""The issuer's store: certificates, the status entries given to their copies, and every change of status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Executable,
    Row,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from ewallet.credential import StatusRef
from ewallet.documents import Entry, Inquiry, Outcome
from ewallet.errors import AlreadyUsed, NotFound, StatusError, UsageError
from ewallet.intents import Certificate, Intent
from ewallet.order import Order, RepeatedError
from ewallet.sql import documents, secret
from ewallet.sql.engine import Engine, each, first, insert_for, insert_into, micros, moment, put
from ewallet.sql.mydata import leave
from ewallet.sql.once import check_lasting, used_before
from ewallet.sql.tables import ISSUER, ISSUER_VERSION, Stage, certificates, entries, orders, status_events, status_lists
from ewallet.status import Status


class SqlIssuerStore:
    """An :class:`ewallet.issuer.IssuerStore` in a database. It keeps no claims that it could read."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("issuer", ISSUER, ISSUER_VERSION)
        self._engine = engine
        self._numbers: dict[str, int] = {}  # of lists by their uris, which never change
        self._newest: tuple[_List, ...] = ()  # the list that was allocated from last, as full as it was then

    def status_list(self, size: int, uri: Callable[[int], str]) -> str:
        found = _roomy(self._newest, size, uri) or self._opened(size, uri)
        return found.uri

    def _opened(self, size: int, uri: Callable[[int], str]) -> _List:
        with self._engine.reading() as connection:
            found = _roomy(_lists(connection), size, uri)
        if found is not None:
            return self._known(found)
        with self._engine.writing() as connection:
            while True:
                known = _lists(connection)
                found = _roomy(known, size, uri)
                if found is not None:
                    return self._known(found)
                _open_list(connection, known[0].number + 1 if known else 1, size, uri)

    def _known(self, found: _List) -> _List:
        self._newest = (found,)
        return found

    def intend(
        self, certificate: Certificate, intents: Sequence[Intent], order: Order | None = None
    ) -> frozenset[StatusRef]:
        if not 0 < len({intent.status for intent in intents}) == len(intents):
            raise UsageError("usage.argument", "no status entries, or one of them twice")
        try:
            with self._engine.writing() as connection:
                repeated = _place(connection, order, certificate.id) if order else None
                if repeated is None:
                    put_certificate(connection, certificate)
                    self.put_entries(connection, [(certificate.id, intent) for intent in intents])
        except TakenError as exc:
            return exc.refs
        if repeated is not None:
            raise repeated
        return frozenset()

    def complete(
        self, certificate_id: str, order: Order | None = None, sealed: bytes = b"", document: Entry | None = None
    ) -> None:
        with self._engine.writing() as connection:
            if order:
                check_lasting(connection, order)
                _carry_out(connection, order, certificate_id, sealed)
            if first(connection, _COMPLETE, {"of": certificate_id}) is None:
                raise _given_up()
            if document:
                documents.keep(connection, certificate_id, document)
            if order and order.trace:
                leave(connection, order.trace)

    def void(self, before: datetime) -> int:
        # They count as revoked: the process that is thought gone may have signed one and sent it.
        gone = _moved(Stage.INTENDED, Stage.VOID).where(certificates.c.issued < micros(before))
        with self._engine.writing() as connection:
            voided = connection.scalars(gone.values(status=Status.REVOKED).returning(certificates.c.id))
            return sum(_copies_of(connection, certificate_id) for certificate_id in voided.all())

    def certificates(
        self, subject: str, *, after: tuple[datetime, str] | None = None, limit: int | None = None
    ) -> tuple[Certificate, ...]:
        issued = select(certificates).where(certificates.c.subject == subject, certificates.c.stage == Stage.ISSUED)
        if after is not None:
            issued = issued.where(_older(*after))
        with self._engine.reading() as connection:
            rows = connection.execute(issued.order_by(certificates.c.issued.desc(), certificates.c.id).limit(limit))
            return tuple(_certificate(row) for row in rows)

    def set_status(self, certificate_id: str, value: Status, reason: str, at: datetime) -> None:
        change = (
            update(certificates)
            .where(certificates.c.id == certificate_id, certificates.c.status.not_in([Status.REVOKED, value]))
            .values(status=value)
            .returning(certificates.c.id)
        )
        with self._engine.writing() as connection:
            if connection.execute(change).first() is None:
                _check_unchanged(connection, certificate_id, value)
                return
            changed = {"certificate": certificate_id, "at": micros(at), "status": value, "reason": reason}
            connection.execute(status_events.insert().values(changed))

    def statuses(self, uri: str) -> tuple[int, Mapping[int, Status]]:
        with self._engine.reading() as connection:
            found = connection.execute(select(status_lists).where(status_lists.c.uri == uri)).first()
            if found is None:
                raise NotFound("storage.not_found", "no status list of that uri")
            invalid = (
                select(entries.c.entry, certificates.c.status)
                .join(certificates, certificates.c.id == entries.c.certificate)
                .where(entries.c.list == found.number, certificates.c.status != Status.VALID)
            )
            return found.size, {row.entry: Status(row.status) for row in connection.execute(invalid)}

    def status_lists(self) -> tuple[str, ...]:
        with self._engine.reading() as connection:
            return tuple(connection.scalars(select(status_lists.c.uri).order_by(status_lists.c.number)))

    def status_changes(self) -> int:
        voided = select(func.count()).where(certificates.c.stage == Stage.VOID).scalar_subquery()
        latest = select(func.coalesce(func.max(status_events.c.id), 0)).scalar_subquery()
        with self._engine.reading() as connection:
            return int(connection.scalar(select(voided + latest)) or 0)

    def secret(self, fresh: bytes) -> bytes:
        return secret.shared(self._engine, fresh)

    def inquire(self, inquiry: Inquiry, at: datetime) -> Outcome:
        with self._engine.writing() as connection:
            return documents.inquire(connection, inquiry, at)

    def put_entries(self, connection: Connection, intended: Sequence[tuple[str, Intent]]) -> None:
        """Give these entries to the certificates, all of them, or raise with those that were given before."""
        numbers = self._list_numbers(connection, {intent.status.uri for _, intent in intended})
        places = [(numbers[intent.status.uri], intent.status.index) for _, intent in intended]
        refs = dict(zip(places, intended, strict=True))
        rows = [
            {"list": number, "entry": entry, "certificate": certificate_id, "digest": intent.digest}
            for (number, entry), (certificate_id, intent) in sorted(refs.items(), key=itemgetter(0))  # no deadlocks
        ]
        given = {(of, entry) for of, entry in each(connection, _insert_entries(connection.dialect.name), rows)}
        if given != refs.keys():
            self._newest = ()  # others have filled it since, and more than half perhaps
            raise TakenError({intent.status for place, (_, intent) in refs.items() if place not in given})
        for number in sorted({of for of, _ in refs}):
            counted = first(connection, _COUNT, {"of": number, "added": sum(of == number for of, _ in refs)})
            if counted:
                self._newest = (_List(*counted),)

    def _list_numbers(self, connection: Connection, uris: AbstractSet[str]) -> dict[str, int]:
        if uris - self._numbers.keys():
            self._numbers |= {found.uri: found.number for found in _lists(connection)}
        if uris - self._numbers.keys():
            raise NotFound("storage.not_found", "no status list of that uri")
        return {uri: self._numbers[uri] for uri in uris}


class _List(NamedTuple):
    """A status list: its place in the order, and how many of its entries have been given."""

    number: int
    uri: str
    size: int
    given: int


class TakenError(Exception):
    """Undoes the transaction: some of the entries were given before."""

    def __init__(self, refs: set[StatusRef]) -> None:
        super().__init__()
        self.refs = frozenset(refs)


def _moved(old: Stage, new: Stage) -> Any:
    return update(certificates).where(certificates.c.stage == old).values(stage=new)


# Statements of every issuance, built once: building one costs more than what SQLite does with it.
_OF: Final[BindParameter[Any]] = bindparam("of")
_COMPLETE: Final = _moved(Stage.INTENDED, Stage.ISSUED).where(certificates.c.id == _OF).returning(certificates.c.id)
_GIVE_UP: Final = _moved(Stage.INTENDED, Stage.VOID).where(certificates.c.id == _OF).values(status=Status.REVOKED)
_CARRY_OUT: Final = (
    update(orders)
    .where(orders.c.digest == _OF, orders.c.certificate == bindparam("for"), orders.c.sealed.is_(None))
    .values(sealed=bindparam("kept"))
    .returning(orders.c.digest)
)
_ORDERED: Final = select(orders.c.sealed, orders.c.holders).where(orders.c.digest == _OF)
_LIST: Final = [status_lists.c[name] for name in ("number", "uri", "size", "given")]
_LISTS: Final = select(*_LIST).order_by(status_lists.c.number.desc())
_COUNT: Final = (
    update(status_lists)
    .where(status_lists.c.number == _OF)
    .values(given=status_lists.c.given + bindparam("added"))
    .returning(*_LIST)
)


@cache
def _put_order(dialect: str) -> Executable:
    """Begin an order, or begin it again; nothing is returned where it was carried out."""
    new = insert_for(orders, dialect)
    again = {name: new.excluded[name] for name in ("certificate", "holders", "until")}
    return new.on_conflict_do_update(
        index_elements=[orders.c.digest],
        set_={"previous": orders.c.certificate, **again},
        where=orders.c.sealed.is_(None),
    ).returning(orders.c.previous)


@cache
def _insert_certificate(dialect: str) -> Executable:
    return insert_for(certificates, dialect).on_conflict_do_nothing().returning(certificates.c.id)


@cache
def _insert_entries(dialect: str) -> Executable:
    return insert_for(entries, dialect).on_conflict_do_nothing().returning(entries.c.list, entries.c.entry)


def _place(connection: Connection, order: Order, certificate_id: str) -> RepeatedError | None:
    """Take the order for that certificate, and give up what an earlier attempt intended; or say that it is done."""
    used = used_before(connection, order.once)
    if used:
        raise RepeatedError(used=used)
    row = {
        "digest": order.digest,
        "holders": order.holders,
        "certificate": certificate_id,
        "until": micros(order.until),
    }
    placed = first(connection, _put_order(connection.dialect.name), row)
    if placed is None:
        done = connection.execute(_ORDERED, {"of": order.digest}).one()
        return RepeatedError(sealed=bytes(done.sealed), holders=bytes(done.holders))
    (previous,) = placed
    if previous is not None:
        put(connection, _GIVE_UP, {"of": previous})
    return None


def _carry_out(connection: Connection, order: Order, certificate_id: str, sealed: bytes) -> None:
    done = {"of": order.digest, "for": certificate_id, "kept": sealed}
    if first(connection, _CARRY_OUT, done) is None:
        raise _given_up()


def _given_up() -> NotFound:
    return NotFound("storage.not_found", "no copies of that certificate are waiting to be signed")


def _older(issued: datetime, id_: str) -> ColumnElement[bool]:
    """What comes after that one in a listing; of those issued in the same microsecond, by their ids."""
    columns = certificates.c
    same = and_(columns.issued == micros(issued), columns.id > id_)
    return or_(columns.issued < micros(issued), same)


def _lists(connection: Connection) -> list[_List]:
    return [_List(*row) for row in connection.execute(_LISTS)]


def _roomy(known: Sequence[_List], size: int, uri: Callable[[int], str]) -> _List | None:
    """The newest list with room; not one of an issuer that had another name."""
    fit = (found for found in known if found.size == size and found.given * 2 < size and found.uri == uri(found.number))
    return next(fit, None)


def _open_list(connection: Connection, number: int, size: int, uri: Callable[[int], str]) -> None:
    """The list after those that were seen; whoever opens it at the same time has opened it for all."""
    row = {"number": number, "uri": uri(number), "size": size, "given": 0}
    connection.execute(insert_into(status_lists, connection).values(row).on_conflict_do_nothing())


def put_certificate(connection: Connection, certificate: Certificate, stage: Stage = Stage.INTENDED) -> None:
    """Record a certificate that is about to be signed."""
    row = {
        "id": certificate.id,
        "type_id": certificate.type_id,
        "subject": certificate.subject,
        "issued": micros(certificate.issued),
        "until": micros(certificate.until),
        "stage": stage,
        "status": certificate.status,
        "carrier": certificate.carrier,
    }
    if first(connection, _insert_certificate(connection.dialect.name), row) is None:
        raise AlreadyUsed("storage.already_used", "a certificate of that identifier is on record")


def _copies_of(connection: Connection, certificate_id: str) -> int:
    return connection.scalar(select(func.count()).where(entries.c.certificate == certificate_id)) or 0


def _check_unchanged(connection: Connection, certificate_id: str, value: Status) -> None:
    """Why a status was not changed: it is that already, or it is revoked, or there is no such certificate."""
    status = connection.scalar(select(certificates.c.status).where(certificates.c.id == certificate_id))
    if status is None:
        raise NotFound("storage.not_found", "no certificate of that identifier")
    if status != value:
        raise StatusError("status.transition", "the certificate is revoked for good")


def _certificate(row: Row[Any]) -> Certificate:
    return Certificate(
        id=row.id,
        type_id=row.type_id,
        subject=row.subject,
        issued=moment(row.issued),
        until=moment(row.until),
        status=Status(row.status),
        carrier=row.carrier,
    )
