"""What is kept of batches: which rows were begun, by which run, and that their results were written.

No claim of anybody is. The tables are a role of their own beside those of the issuer, whose certificates and entries
they name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Executable,
    bindparam,
    delete,
    select,
    update,
)

from ewallet.bulk.rows import Begun, Step
from ewallet.credential import StatusRef
from ewallet.errors import UsageError
from ewallet.intents import Certificate
from ewallet.sql import documents
from ewallet.sql.engine import Engine, first, insert_for, micros, put
from ewallet.sql.issuance import granted
from ewallet.sql.issuer import SqlIssuerStore, TakenError, put_certificate
from ewallet.sql.tables import (
    BULK,
    BULK_VERSION,
    Stage,
    batch_rows,
    batches,
    certificates,
    codes,
    entries,
    status_lists,
)
from ewallet.sql.tables import documents as document_digests

_OF: Final[Any] = bindparam("of")
_HELD: Final = (
    update(batches)
    .where(batches.c.name == _OF, batches.c.run == bindparam("by"))
    .values(run=bindparam("by"))
    .returning(batches.c.name)
)
_DONE: Final = (
    update(batch_rows)
    .where(batch_rows.c.name == _OF, batch_rows.c.batch == bindparam("within"))
    .values(done=1)
    .returning(batch_rows.c.certificate)
)
_ISSUED: Final = (
    update(certificates)
    .where(certificates.c.id == _OF, certificates.c.stage == Stage.BEGUN)
    .values(stage=Stage.ISSUED)
    .returning(certificates.c.id)
)
_AGAIN: Final = (
    update(certificates)
    .where(certificates.c.id == _OF, certificates.c.stage == Stage.BEGUN)
    .values(issued=bindparam("since"), until=bindparam("end"))
    .returning(certificates.c.id)
)
_SIGNED: Final = (
    update(entries)
    .where(entries.c.certificate == _OF, entries.c.list == bindparam("within"), entries.c.entry == bindparam("at"))
    .values(digest=bindparam("signed"))
    .returning(entries.c.entry)
)
_LIST: Final = select(status_lists.c.number).where(status_lists.c.uri == _OF)
_FORGET: Final = delete(document_digests).where(document_digests.c.certificate == _OF)


class SqlBulkStore:
    """A :class:`ewallet.bulk.BulkStore` in the database of an issuer."""

    def __init__(self, engine: Engine, issuer: SqlIssuerStore) -> None:
        engine.prepare("bulk", BULK, BULK_VERSION)
        self._engine = engine
        self._issuer = issuer

    def take_over(self, batch: bytes, run: bytes) -> None:
        with self._engine.writing() as connection:
            new = insert_for(batches, connection.dialect.name).values(name=batch, run=run)
            connection.execute(new.on_conflict_do_update(index_elements=["name"], set_={"run": new.excluded.run}))

    def begun(self, names: Sequence[bytes]) -> Mapping[bytes, Begun]:
        rows = select(batch_rows).where(batch_rows.c.name.in_(names))
        with self._engine.reading() as connection:
            found = connection.execute(rows).all()
            open_ = [row.certificate for row in found if row.certificate and not row.done]
            refs = _refs(connection, open_)
        return {
            bytes(row.name): Begun(
                fingerprint=bytes(row.fingerprint),
                is_done=bool(row.done),
                certificate_id=row.certificate or "",
                refs=refs.get(row.certificate, ()),
            )
            for row in found
        }

    def begin(self, batch: bytes, run: bytes, steps: Sequence[Step]) -> frozenset[StatusRef]:
        times = Counter(intent.status for step in steps for intent in step.intents)
        if len(times) < times.total():
            return frozenset(ref for ref, count in times.items() if count > 1)
        try:
            with self._engine.writing() as connection:
                _hold(connection, batch, run)
                for step in steps:
                    _begin(connection, batch, step)
                fresh = [step for step in steps if not step.again and step.certificate]
                intended = [(step.certificate.id, each) for step in fresh if step.certificate for each in step.intents]
                if intended:
                    self._issuer.put_entries(connection, intended)
        except TakenError as exc:
            return exc.refs
        return frozenset()

    def complete(self, batch: bytes, run: bytes, names: Sequence[bytes]) -> int:
        with self._engine.writing() as connection:
            _hold(connection, batch, run)
            done = [first(connection, _DONE, {"of": name, "within": batch}) for name in names]
            for row in done:
                if row is not None and row[0] is not None:
                    put(connection, _ISSUED, {"of": row[0]})
            return sum(row is not None for row in done)


def _hold(connection: Connection, batch: bytes, run: bytes) -> None:
    """Keep other runs of the batch waiting until the transaction ends, if it is this run's turn."""
    if first(connection, _HELD, {"of": batch, "by": run}) is None:
        raise _taken_over()


def _taken_over() -> UsageError:
    return UsageError("usage.in_progress", "another run has taken over the batch")


def _refs(connection: Connection, certificate_ids: Sequence[str]) -> Mapping[str, tuple[StatusRef, ...]]:
    rows = (
        select(entries.c.certificate, status_lists.c.uri, entries.c.entry)
        .join(status_lists, status_lists.c.number == entries.c.list)
        .where(entries.c.certificate.in_(certificate_ids))
        .order_by(entries.c.list, entries.c.entry)
    )
    found = defaultdict[str, list[StatusRef]](list)
    for certificate_id, uri, entry in connection.execute(rows) if certificate_ids else ():
        found[certificate_id].append(StatusRef(uri, entry))
    return {certificate_id: tuple(refs) for certificate_id, refs in found.items()}


def _begin(connection: Connection, batch: bytes, step: Step) -> None:
    if step.certificate and step.again:
        _begin_again(connection, step, step.certificate)
    elif step.certificate:
        put_certificate(connection, step.certificate, Stage.BEGUN)
    if step.certificate and step.document:
        documents.keep(connection, step.certificate.id, step.document)
    if step.code:
        row = granted(step.code.digest, step.code.grant) | {"tx_code": step.code.tx_code, "tries": 0, "redeemed": 0}
        put(connection, _put_code(connection.dialect.name), row)
    if not step.again and first(connection, _put_row(connection.dialect.name), _row(batch, step)) is None:
        raise _taken_over()


def _begin_again(connection: Connection, step: Step, certificate: Certificate) -> None:
    """What is signed now takes the place of what an earlier run was about to sign, and never gave away."""
    times = {"since": micros(certificate.issued), "end": micros(certificate.until)}
    if first(connection, _AGAIN, {"of": certificate.id, **times}) is None:
        raise _taken_over()
    for intent in sorted(step.intents, key=lambda each: (each.status.uri, each.status.index)):
        within = first(connection, _LIST, {"of": intent.status.uri})
        place = {"of": certificate.id, "within": within[0] if within else 0, "at": intent.status.index}
        if first(connection, _SIGNED, {**place, "signed": intent.digest}) is None:
            raise _taken_over()
    put(connection, _FORGET, {"of": certificate.id})


def _row(batch: bytes, step: Step) -> dict[str, Any]:
    certificate = step.certificate.id if step.certificate else None
    return {
        "name": step.name,
        "batch": batch,
        "fingerprint": step.fingerprint,
        "certificate": certificate,
        "done": 0,
    }


@cache
def _put_row(dialect: str) -> Executable:
    return insert_for(batch_rows, dialect).on_conflict_do_nothing().returning(batch_rows.c.name)


@cache
def _put_code(dialect: str) -> Executable:
    """The code of an offer; one that was begun before, and never given away, is good from now on."""
    new = insert_for(codes, dialect)
    later = {"until": new.excluded.until, "tx_code": new.excluded.tx_code}
    return new.on_conflict_do_update(index_elements=["digest"], set_=later, where=codes.c.redeemed == 0)
