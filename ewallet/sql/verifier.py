"""The verifier's store: nonces that were used up, the newest status list tokens and versions of trust lists."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import delete, select

from ewallet.errors import AlreadyUsed
from ewallet.sql.engine import Engine, insert_into, micros
from ewallet.sql.tables import VERIFIER, VERIFIER_VERSION, nonces, status_tokens, trust_lists


class SqlVerifierStore:
    """An :class:`ewallet.verifier.VerifierStore` and :class:`ewallet.trust.TrustVersions` in a database."""

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
