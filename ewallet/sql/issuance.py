"""What the issuing endpoints keep: codes, tokens and nonces as digests, and what waits to be collected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Row, Update, and_, bindparam, delete, insert, select, update

from ewallet import jose
from ewallet.authorization import LATE, Attempt, Code, Grant, Redemption
from ewallet.issuance import Deferral
from ewallet.keys import PublicKey
from ewallet.shape import base64url, json_value, strings, to_base64url
from ewallet.sql import secret
from ewallet.sql.engine import Engine, first, insert_into, micros, moment, put, take_turns
from ewallet.sql.failures import count_failure, failed
from ewallet.sql.once import end, used_before
from ewallet.sql.tables import (
    ISSUER,
    ISSUER_VERSION,
    codes,
    deferrals,
    failures,
    notifications,
    orders,
    taken,
    tokens,
)

_SALT: Final = "subject_salt"  # beside the members of a JWK


class SqlIssuanceStore:
    """An :class:`ewallet.issuance.IssuanceStore` in the database of the issuer. It keeps no claims."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("issuer", ISSUER, ISSUER_VERSION)
        self._engine = engine

    def secret(self, fresh: bytes) -> bytes:
        return secret.shared(self._engine, fresh)

    def put_code(self, code: Code, at: datetime | None = None) -> None:
        row = granted(code.digest, code.grant) | {"tx_code": code.tx_code, "tries": 0, "redeemed": 0}
        with self._engine.writing() as connection:
            put(connection, _INSERT_CODE, row)
            if at is not None:
                _forget(connection, at)

    def code(self, digest: bytes, at: datetime) -> Code | None:
        with self._engine.glancing() as connection:
            row = first(connection, _FIND_CODE, {"of": digest, "at": micros(at)})
            return None if row is None else Code(digest=digest, grant=_grant(*row[:3]), tx_code=row[3])

    def withdraw(self, digest: bytes) -> bool:
        gone = delete(codes).where(codes.c.digest == digest, codes.c.redeemed == 0).returning(codes.c.digest)
        with self._engine.writing() as connection:
            return connection.execute(gone).first() is not None

    def redeem(self, attempt: Attempt, at: datetime) -> tuple[Redemption, Grant | None]:
        tried = {"of": attempt.code, "at": micros(at), "most": attempt.max_tries}
        with self._engine.writing() as connection:
            take_turns(connection, attempt.source, attempt.code)  # else guesses made at once would count as one
            if failed(connection, attempt.source, at) >= attempt.max_failures:
                return "too_many", None
            if used_before(connection, attempt.once):
                return "proof_used", None
            redeemed = first(connection, *_redemption(attempt, tried))
            if redeemed is None:
                return _failure(connection, attempt, tried, at), None
            subject, configurations = redeemed
            grant = _grant(subject, configurations, micros(attempt.until), attempt.thumbprint)
            put(connection, _INSERT_TOKEN, granted(attempt.token, grant) | {"thumbprint": grant.thumbprint})
            return "redeemed", grant

    def token(self, digest: bytes) -> Grant | None:
        with self._engine.glancing() as connection:
            row = first(connection, _FIND_TOKEN, {"of": digest})
            return None if row is None else _grant(*row)

    def take(self, once: Mapping[bytes, datetime]) -> frozenset[bytes]:
        try:
            with self._engine.writing() as connection:
                _take_all(connection, once)
        except _TakenError as exc:
            return exc.digests
        return frozenset()

    def end(self, digest: bytes, until: datetime) -> None:
        with self._engine.writing() as connection:
            end(connection, digest, until)

    def is_taken(self, digest: bytes) -> bool:
        with self._engine.reading() as connection:
            return connection.execute(select(taken.c.digest).where(taken.c.digest == digest)).first() is not None

    def defer(self, deferral: Deferral) -> None:
        row = {
            "digest": deferral.digest,
            "token": deferral.token,
            "configuration": deferral.configuration_id,
            "holders": jose.to_json([_holder(key, deferral.salts) for key in deferral.keys]).decode(),
            "due": micros(deferral.due),
            "until": micros(deferral.until),
        }
        with self._engine.writing() as connection:
            connection.execute(insert(deferrals).values(row))

    def deferral(self, digest: bytes, token: bytes, at: datetime) -> Deferral | None:
        waiting = select(deferrals).where(
            deferrals.c.digest == digest, deferrals.c.token == token, deferrals.c.until > micros(at)
        )
        with self._engine.reading() as connection:
            row = connection.execute(waiting).first()
            return None if row is None else _deferral(row)

    def arrived(self, token: bytes, configuration_id: str) -> bool:
        over = deferrals.c.token == token, deferrals.c.configuration == configuration_id
        gone = delete(deferrals).where(*over).returning(deferrals.c.digest)
        with self._engine.writing() as connection:
            return connection.execute(gone).first() is not None

    def notify(self, certificate_id: str, event: str, at: datetime) -> None:
        row = {"certificate": certificate_id, "event": event, "at": micros(at)}
        with self._engine.writing() as connection:
            connection.execute(insert_into(notifications, connection).values(row).on_conflict_do_nothing())


class _TakenError(Exception):
    """Undoes the transaction: some of the digests were taken before."""

    def __init__(self, digests: frozenset[bytes]) -> None:
        super().__init__()
        self.digests = digests


def _take_all(connection: Connection, once: Mapping[bytes, datetime]) -> None:
    before = used_before(connection, once)
    if before:
        raise _TakenError(before)


# Statements of every issuance, built once: building one costs more than what SQLite does with it.
_OF: Final[BindParameter[Any]] = bindparam("of")
_OPEN: Final = and_(codes.c.digest == _OF, codes.c.redeemed == 0, codes.c.until > bindparam("at"))
_USABLE: Final = and_(_OPEN, codes.c.tries < bindparam("most"))
_INSERT_CODE: Final = insert(codes)
_INSERT_TOKEN: Final = insert(tokens)
_FIND_CODE: Final = select(codes.c.subject, codes.c.configurations, codes.c.until, codes.c.tx_code).where(_OPEN)
_FIND_TOKEN: Final = select(tokens.c.subject, tokens.c.configurations, tokens.c.until, tokens.c.thumbprint).where(
    tokens.c.digest == _OF
)
_REDEEM: Final = update(codes).where(_USABLE).values(redeemed=1).returning(codes.c.subject, codes.c.configurations)
_REDEEM_PLAIN: Final = _REDEEM.where(codes.c.tx_code.is_(None))
_REDEEM_GUARDED: Final = _REDEEM.where(codes.c.tx_code == bindparam("shown"))


def _redemption(attempt: Attempt, tried: dict[str, Any]) -> tuple[Update, dict[str, Any]]:
    if attempt.tx_code is None:
        return _REDEEM_PLAIN, tried
    return _REDEEM_GUARDED, {**tried, "shown": attempt.tx_code}


def _forget(connection: Connection, at: datetime) -> None:
    """Delete what ended long ago, and at once what was sealed for those who might ask again."""
    for table in (codes, tokens, taken, failures, deferrals):
        connection.execute(delete(table).where(table.c.until < micros(at - LATE)))
    connection.execute(delete(orders).where(orders.c.until <= micros(at)))


def _failure(connection: Connection, attempt: Attempt, tried: dict[str, Any], at: datetime) -> Redemption:
    """Why a code was not redeemed; a guess counts against the code and against whoever guessed."""
    row = connection.execute(select(codes.c.tx_code).where(_USABLE), tried).first()
    if row is not None and (row.tx_code is None) != (attempt.tx_code is None):
        return "tx_code_unexpected" if row.tx_code is None else "tx_code_missing"
    connection.execute(update(codes).where(_USABLE).values(tries=codes.c.tries + 1), tried)
    count_failure(connection, attempt.source, at, attempt.window)
    return "unknown"


def granted(digest: bytes, grant: Grant) -> dict[str, Any]:
    """The columns that codes and tokens have in common."""
    configurations = jose.to_json(list(grant.configuration_ids)).decode()
    until = micros(grant.until)
    return {"digest": digest, "subject": grant.subject, "configurations": configurations, "until": until}


def _grant(subject: str, configurations: str, until: int, thumbprint: str | None = None) -> Grant:
    return Grant(
        subject=subject,
        configuration_ids=strings(json_value(configurations), "the configurations"),
        until=moment(until),
        thumbprint=thumbprint,
    )


def _holder(key: PublicKey, salts: Mapping[str, bytes]) -> dict[str, Any]:
    """A key as it is kept, beside the salt that it came with."""
    salt = salts.get(key.thumbprint)
    return key.jwk if salt is None else {**key.jwk, _SALT: to_base64url(salt)}


def _deferral(row: Row[Any]) -> Deferral:
    held = [(PublicKey.of_jwk(jwk), jwk.get(_SALT)) for jwk in json_value(row.holders)]
    return Deferral(
        digest=bytes(row.digest),
        token=bytes(row.token),
        configuration_id=row.configuration,
        keys=tuple(key for key, _ in held),
        salts={key.thumbprint: base64url(salt) for key, salt in held if salt},
        due=moment(row.due),
        until=moment(row.until),
    )
