"""The verifier's store: used nonces, how new the lists were that it saw, and what was asked over the wire."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, or_, select, update

from ewallet.errors import AlreadyUsed, NotFound
from ewallet.exchange import Kept, Sealed
from ewallet.sql.engine import Engine, insert_into, micros, moment
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
        row = {"digest": sha256(nonce.encode("utf-8", "surrogatepass")).digest(), "until": micros(until)}
        with self._engine.writing() as connection:
            statement = insert_into(nonces, connection).values(row).on_conflict_do_nothing()
            if connection.execute(statement.returning(nonces.c.digest)).first() is None:
                raise AlreadyUsed("storage.already_used", "the nonce was used before")

    def forget_nonces(self, before: datetime) -> int:
        """Delete the nonces of requests that were over before that time, which must be long past; how many."""
        with self._engine.writing() as connection:
            return connection.execute(delete(nonces).where(nonces.c.until < micros(before))).rowcount

    def status_token(self, uri: str) -> str | None:
        with self._engine.reading() as connection:
            return connection.scalar(select(status_tokens.c.raw).where(status_tokens.c.uri == uri))

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
            connection.execute(exchanges.insert().values(row))

    def exchange(self, id_: bytes) -> Kept:
        return self._exchange(exchanges.c.id == id_)

    def exchange_of(self, handle: bytes) -> Kept:
        return self._exchange(exchanges.c.handle == handle)

    def take_exchange(self, id_: bytes) -> None:
        taken = update(exchanges).where(exchanges.c.id == id_, exchanges.c.open == 1).values(open=0)
        with self._engine.writing() as connection:
            if connection.execute(taken.returning(exchanges.c.id)).first() is None:
                raise AlreadyUsed("storage.already_used", "the request was answered before")

    def reopen_exchange(self, id_: bytes) -> None:
        again = update(exchanges).where(exchanges.c.id == id_, exchanges.c.outcome.is_(None)).values(open=1)
        with self._engine.writing() as connection:
            connection.execute(again)

    def settle_exchange(self, id_: bytes, outcome: str, code: bytes | None, claims: Sealed | None) -> None:
        settled = update(exchanges).where(exchanges.c.id == id_, exchanges.c.outcome.is_(None))
        with self._engine.writing() as connection:
            done = settled.values(open=0, record=None, outcome=outcome, code=code).returning(exchanges.c.id)
            if connection.execute(done).first() is None:
                raise AlreadyUsed("storage.already_used", "the request was settled before")
            if claims:
                row = {"id": id_, "sealed": claims.record, "until": micros(claims.until)}
                connection.execute(exchange_claims.insert().values(row))

    def take_code(self, id_: bytes, code: bytes) -> None:
        taken = update(exchanges).where(exchanges.c.id == id_, exchanges.c.code == code).values(code=None)
        with self._engine.writing() as connection:
            if connection.execute(taken.returning(exchanges.c.id)).first() is None:
                raise AlreadyUsed("storage.already_used", "another code, or used before")

    def take_claims(self, id_: bytes, at: datetime, *, keep: bool = False) -> bytes | None:
        there = (exchange_claims.c.id == id_, exchange_claims.c.until > micros(at))
        if keep:
            with self._engine.reading() as connection:
                return connection.scalar(select(exchange_claims.c.sealed).where(*there))
        with self._engine.writing() as connection:
            return connection.scalar(delete(exchange_claims).where(*there).returning(exchange_claims.c.sealed))

    def pace_exchange(self, id_: bytes, at: datetime, before: datetime) -> bool:
        seen = update(exchanges).where(exchanges.c.id == id_, exchanges.c.seen <= micros(before))
        with self._engine.writing() as connection:
            noted = connection.execute(seen.values(seen=micros(at)).returning(exchanges.c.id))
            return noted.first() is not None

    def forget_exchanges(self, at: datetime, before: datetime) -> int:
        unread = delete(exchange_claims).where(exchange_claims.c.until <= micros(at))
        over = delete(exchanges).where(exchanges.c.until < micros(before))
        with self._engine.writing() as connection:
            return connection.execute(unread).rowcount + connection.execute(over).rowcount

    def _exchange(self, which: ColumnElement[bool]) -> Kept:
        with self._engine.reading() as connection:
            row = connection.execute(select(exchanges).where(which)).first()
        if row is None:
            raise NotFound("storage.not_found", "no request of that identifier")
        return _kept(row)


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        id=row.id,
        handle=row.handle,
        until=moment(row.until),
        guarded=bool(row.guarded),
        open=bool(row.open),
        record=row.record,
        outcome=row.outcome,
    )
