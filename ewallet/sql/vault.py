"""The keys of people in a database of their own, apart from what they open: its backups are few and short-lived."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, delete, select

from ewallet.errors import NotFound
from ewallet.sql.engine import Engine, insert_into

VAULT: Final = MetaData()
VAULT_VERSION: Final = 1

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")

person_keys: Final = Table(
    "person_keys",
    VAULT,
    Column("subject", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
# Rows are never deleted: a person whose key is in this table has none, and is given none.
destroyed_keys: Final = Table(
    "destroyed_keys",
    VAULT,
    Column("subject", Text, primary_key=True),
    Column("at", _BIG, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


class SqlKeyStore:
    """A :class:`ewallet.vault.KeyStore`."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("vault", VAULT, VAULT_VERSION)
        self._engine = engine

    def key(self, subject: str) -> bytes | None:
        with self._engine.glancing() as connection:
            found = connection.execute(select(person_keys.c.sealed).where(person_keys.c.subject == subject)).scalar()
            return None if found is None else bytes(found)

    def put_key(self, subject: str, sealed: bytes) -> bytes:
        with self._engine.writing() as connection:
            gone = select(destroyed_keys.c.subject).where(destroyed_keys.c.subject == subject)
            if connection.execute(gone).scalar() is not None:
                raise NotFound("storage.not_found", "the key of this person was destroyed")
            put = insert_into(person_keys, connection).values(subject=subject, sealed=sealed)
            connection.execute(put.on_conflict_do_nothing())
            kept = select(person_keys.c.sealed).where(person_keys.c.subject == subject)
            return bytes(connection.execute(kept).scalar_one())

    def destroy(self, subject: str, at: datetime) -> None:
        with self._engine.writing() as connection:
            gone = insert_into(destroyed_keys, connection).values(subject=subject, at=int(at.timestamp()))
            connection.execute(gone.on_conflict_do_nothing())
            connection.execute(delete(person_keys).where(person_keys.c.subject == subject))
        self._engine.scrub()

    def is_destroyed(self, subject: str) -> bool:
        with self._engine.glancing() as connection:
            gone = select(destroyed_keys.c.subject).where(destroyed_keys.c.subject == subject)
            return connection.execute(gone).scalar() is not None
