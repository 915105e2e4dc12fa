"""The verifier's store: used nonces, how new the lists were that it saw, and what was asked over the wire."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    Executable,
    Select,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from ewallet.errors import AlreadyUsed, NotFound
from ewallet.settlement import Kept, Settled
from ewallet.sql.engine import Engine, first, insert_for, insert_into, micros, moment, put
from ewallet.sql.tables import (
    VERIFIER,
    VERIFIER_VERSION,
    crls,
    exchange_claims,
    exchanges,
    nonces,
    status_tokens,
    trust_lists,
)

_NUMBER: Final = 20  # bytes of a crl number (RFC 5280 §5.2.3), which compare as the numbers do


class SqlVerifierStore:
    """In a database: what :mod:`ewallet.verifier`, :mod:`ewallet.exchange` and :mod:`ewallet.trust` remember."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("verifier", VERIFIER, VERIFIER_VERSION)
        self._engine = engine

    def take_nonce(self, nonce: str, until: datetime) -> None:
        with self._engine.writing() as connection:
            _take_nonce(connection, nonce, until)

    def forget_nonces(self, before: datetime) -> int:
        """Delete the nonces of requests that were over before that time, which must be long past; how many."""
        with self._engine.writing() as connection:
            return connection.execute(delete(nonces).where(nonces.c.until < micros(before))).rowcount

    def status_token(self, uri: str) -> str | None:
        with self._engine.glancing() as connection:
            found = first(connection, _FIND_TOKEN, {"of": uri})
        return found[0] if found else None

    def put_status_token(self, uri: str, raw: str, issued: datetime) -> bool:
        with self._engine.writing() as connection:
            new = insert_into(status_tokens, connection).values(uri=uri, raw=raw, issued=micros(issued))
            kept = new.on_conflict_do_update(
                index_elements=[status_tokens.c.uri],
                set_={"raw": new.excluded.raw, "issued": new.excluded.issued},
                where=new.excluded.issued >= status_tokens.c.issued,
            )
            return connection.execute(kept.returning(status_tokens.c.uri)).first() is not None

    def crl(self, authority: bytes) -> bytes | None:
        with self._engine.reading() as connection:
            return connection.scalar(select(crls.c.raw).where(crls.c.authority == authority))

    def put_crl(self, authority: bytes, raw: bytes, number: int) -> bool:
        with self._engine.writing() as connection:
            counted = number.to_bytes(_NUMBER, "big")
            new = insert_into(crls, connection).values(authority=authority, raw=raw, number=counted)
            kept = new.on_conflict_do_update(
                index_elements=[crls.c.authority],
                set_={"raw": new.excluded.raw, "number": new.excluded.number},
                where=or_(new.excluded.number > crls.c.number, new.excluded.raw == crls.c.raw),
            )
            return connection.execute(kept.returning(crls.c.authority)).first() is not None

    def trust_version(self, operator: str) -> int:
        with self._engine.reading() as connection:
            return connection.scalar(select(trust_lists.c.version).where(trust_lists.c.operator == operator)) or 0

    def put_trust_version(self, operator: str, version: int) -> bool:
        with self._engine.writing() as connection:
            new = insert_into(trust_lists, connection).values(operator=operator, version=version)
            kept = new.on_conflict_do_update(
                index_elements=[trust_lists.c.operator],
                set_={"version": new.excluded.version},
                where=new.excluded.version >= trust_lists.c.version,
            )
            return connection.execute(kept.returning(trust_lists.c.operator)).first() is not None

    def put_exchange(self, kept: Kept) -> None:
        row = {
            "id": kept.id,
            "handle": kept.handle,
            "until": micros(kept.until),
            "guarded": int(kept.guarded),
            "open": int(kept.open),
            "record": kept.record,
            "outcome": kept.outcome,
            "seen": 0,
        }
        with self._engine.writing() as connection:
            put(connection, _INSERT_EXCHANGE, row)

    def exchange(self, id_: bytes) -> Kept:
        return self._exchange(_FIND_BY_ID, id_)

    def exchange_of(self, handle: bytes) -> Kept:
        return self._exchange(_FIND_BY_HANDLE, handle)

    def settle_exchange(self, id_: bytes, settled: Settled) -> None:
        with self._engine.writing() as connection:
            done = {"of": id_, "became": settled.outcome, "opens": settled.code}
            if first(connection, _SETTLE, done) is None:
                raise AlreadyUsed("storage.already_used", "the request was answered before")
            for used, until in ((settled.nonce, settled.until), *settled.once):
                _take_nonce(connection, used, until)
            if settled.claims:
                row = {"id": id_, "sealed": settled.claims.record, "until": micros(settled.claims.until)}
                put(connection, _INSERT_CLAIMS, row)

    def take_code(self, id_: bytes, code: bytes) -> None:
        taken = update(exchanges).where(exchanges.c.id == id_, exchanges.c.code == code).values(code=None)
        with self._engine.writing() as connection:
            if connection.execute(taken.returning(exchanges.c.id)).first() is None:
                raise AlreadyUsed("storage.already_used", "another code, or used before")

    def take_claims(self, id_: bytes, at: datetime, *, keep: bool = False) -> bytes | None:
        with self._engine.glancing() if keep else self._engine.writing() as connection:
            found = first(connection, _FIND_CLAIMS if keep else _TAKE_CLAIMS, {"of": id_, "at": micros(at)})
        return found[0] if found else None

    def pace_exchange(self, id_: bytes, at: datetime, before: datetime) -> bool:
        with self._engine.writing() as connection:
            return first(connection, _PACE, {"of": id_, "at": micros(at), "before": micros(before)}) is not None

    def drop_exchange(self, id_: bytes) -> bool:
        with self._engine.writing() as connection:
            connection.execute(delete(exchange_claims).where(exchange_claims.c.id == id_))
            return connection.execute(delete(exchanges).where(exchanges.c.id == id_)).rowcount > 0

    def forget_exchanges(self, at: datetime, before: datetime) -> int:
        unread = delete(exchange_claims).where(exchange_claims.c.until <= micros(at))
        over = delete(exchanges).where(exchanges.c.until < micros(before))
        with self._engine.writing() as connection:
            return connection.execute(unread).rowcount + connection.execute(over).rowcount

    def _exchange(self, statement: Select[Any], of: bytes) -> Kept:
        with self._engine.glancing() as connection:
            row = first(connection, statement, {"of": of})
        if row is None:
            raise NotFound("storage.not_found", "no request of that identifier")
        return _kept(*row)


# Statements of every exchange, built once: building one costs more than what SQLite does with it.
_OF: Final[BindParameter[Any]] = bindparam("of")
_INSERT_EXCHANGE: Final = insert(exchanges)
_INSERT_CLAIMS: Final = insert(exchange_claims)
_KEPT: Final = select(
    *(exchanges.c[name] for name in ("id", "handle", "until", "guarded", "open", "record", "outcome"))
)
_FIND_BY_ID: Final = _KEPT.where(exchanges.c.id == _OF)
_FIND_BY_HANDLE: Final = _KEPT.where(exchanges.c.handle == _OF)
_FIND_TOKEN: Final = select(status_tokens.c.raw).where(status_tokens.c.uri == _OF)
_THERE: Final = and_(exchange_claims.c.id == _OF, exchange_claims.c.until > bindparam("at"))
_FIND_CLAIMS: Final = select(exchange_claims.c.sealed).where(_THERE)
_TAKE_CLAIMS: Final = delete(exchange_claims).where(_THERE).returning(exchange_claims.c.sealed)
_SETTLE: Final = (
    update(exchanges)
    .where(exchanges.c.id == _OF, exchanges.c.open == 1)
    .values(open=0, record=None, outcome=bindparam("became"), code=bindparam("opens"))
    .returning(exchanges.c.id)
)
_PACE: Final = (
    update(exchanges)
    .where(exchanges.c.id == _OF, exchanges.c.seen <= bindparam("before"))
    .values(seen=bindparam("at"))
    .returning(exchanges.c.id)
)


@cache
def _insert_nonce(dialect: str) -> Executable:
    return insert_for(nonces, dialect).on_conflict_do_nothing().returning(nonces.c.digest)


def _take_nonce(connection: Connection, nonce: str, until: datetime) -> None:
    row = {"digest": sha256(nonce.encode("utf-8", "surrogatepass")).digest(), "until": micros(until)}
    if first(connection, _insert_nonce(connection.dialect.name), row) is None:
        raise AlreadyUsed("storage.already_used", "the nonce was used before")


def _kept(
    id_: bytes, handle: bytes, until: int, guarded: int, open_: int, record: bytes | None, outcome: str | None
) -> Kept:
    return Kept(
        id=id_,
        handle=handle,
        until=moment(until),
        guarded=bool(guarded),
        open=bool(open_),
        record=record,
        outcome=outcome,
    )
