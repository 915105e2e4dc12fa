"""One database behind a role's store: transactions, and our errors in place of the driver's.

SQLite runs in WAL with ``synchronous=FULL``, so that a reply leaves after its transaction is on disk; a transaction
that writes begins as one (``BEGIN IMMEDIATE``), and waits 5 s for another program. Times are kept as integers,
microseconds since 1970 in UTC, which both engines order and compare without rounding.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from threading import RLock
from time import sleep
from typing import Final, NoReturn

from sqlalchemy import Connection, MetaData, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool

from ewallet.errors import StoreError, UsageError
from ewallet.sql.tables import SCHEMA, schema_versions

_BUSY: Final = 5  # seconds to wait for another program's transaction
_PRAGMAS: Final = (
    f"busy_timeout = {_BUSY * 1000}",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",  # what is deleted is overwritten
    "temp_store = MEMORY",
    "trusted_schema = OFF",  # a foreign file's schema runs nothing
    "cell_size_check = ON",  # a damaged page is noticed when it is read
)
_SCHEMA_LOCK: Final = 0x65776C74  # of PostgreSQL's advisory locks; the number says "ewlt"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_LOCKED: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNAVAILABLE: Final = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_LOCKED_STATES: Final = {"40001", "40P01", "55P03"}  # PostgreSQL: serialization, deadlock, lock not available

Insert = sqlite.Insert | postgresql.Insert


def micros(at: datetime) -> int:
    """A time as it is stored."""
    return (at - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """A stored time; ``storage.corrupt`` where there is no such time."""
    try:
        return _EPOCH + stored * _MICROSECOND
    except OverflowError:
        raise StoreError("storage.corrupt", "a time outside the calendar") from None


def insert_into(table: Table, connection: Connection) -> Insert:
    """An insert that knows ``ON CONFLICT``: both engines have it, each in a class of its own."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


class Engine:
    """Connections to one database, SQLite or PostgreSQL."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._memory = url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")
        # One connection is all there is of a database in memory, so threads take turns.
        self._turn: AbstractContextManager[object] = RLock() if self._memory else nullcontext()
        single = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}} if self._memory else {}
        with translated():
            self._engine = create_engine(url, hide_parameters=True, **single)
        if url.get_backend_name() == "sqlite":
            event.listen(self._engine, "connect", _connected)
            event.listen(self._engine, "begin", _begun)

    @property
    def is_memory(self) -> bool:
        """Whether the database goes with this object."""
        return self._memory

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite's."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._turn, translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on disk when the block ends, and undone if the block raises."""
        with self._turn, translated(), self._engine.connect() as connection:
            writer = connection.execution_options(ewallet_begin="BEGIN IMMEDIATE")
            with writer.begin():
                yield writer

    def prepare(self, role: str, tables: MetaData, version: int) -> None:
        """Create what is missing of a role's tables; ``usage.configuration`` where a newer program made them."""
        with self.writing() as connection:
            if not self.is_sqlite:
                connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
            SCHEMA.create_all(connection)
            tables.create_all(connection)
            found = schema_version(connection, role)
            if found is None:
                connection.execute(schema_versions.insert().values(role=role, version=version))
            elif found > version:
                newer_schema(found, version)

    def scrub(self) -> None:
        """Rewrite a SQLite file without what was deleted, and empty its log, unless another program is using it."""
        if not self.is_sqlite:
            return
        with self._turn, translated():
            raw = self._engine.raw_connection()
            try:
                raw.cursor().execute("VACUUM")
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError:
                return
            finally:
                raw.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def engine_of(url: str) -> Engine:
    """The engine for a URL; ``usage.configuration`` or ``usage.missing_extra``. The URL may hold a password."""
    try:
        parsed = make_url(url)
        name = parsed.get_backend_name()
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError("usage.configuration", "a database url that cannot be read") from None
    if name not in ("sqlite", "postgresql") or (name == "sqlite" and parsed.query):
        raise UsageError("usage.configuration", "a database url of another kind, expected sqlite:/// or postgresql://")
    try:
        return Engine(parsed)
    except ImportError:
        raise UsageError("usage.missing_extra", "pip install 'ewallet[postgres]'") from None


def schema_version(connection: Connection, role: str) -> int | None:
    """The version of the schema of a role's tables."""
    return connection.scalar(select(schema_versions.c.version).where(schema_versions.c.role == role))


def newer_schema(found: int, known: int) -> NoReturn:
    """Refuse a database that a newer program has written."""
    raise UsageError("usage.configuration", f"the database has schema {found}, this program knows {known}")


@contextmanager
def translated() -> Iterator[None]:
    """Our errors in place of the driver's, whose words may quote statements and values."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, UnicodeDecodeError) as exc:  # the last: words that quote a damaged name
        raise _translation(exc) from None


def _translation(exc: Exception) -> StoreError:
    if isinstance(exc, PoolTimeout):
        return StoreError("storage.locked", "all connections to the database are in use")
    cause = exc.orig if isinstance(exc, DBAPIError) else exc
    code = (getattr(cause, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF
    state = getattr(cause, "sqlstate", None)
    if code in _LOCKED or state in _LOCKED_STATES:
        return StoreError("storage.locked", "another program holds the database")
    if code in _UNAVAILABLE or (not isinstance(cause, sqlite3.Error) and isinstance(exc, DBAPIError)):
        return StoreError("storage.unavailable", "the database cannot be reached or written")
    return StoreError("storage.corrupt", "the database is damaged or not one of ours")


def _connected(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begun says, not where the driver guesses
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    _use_log(connection)


def _use_log(connection: sqlite3.Connection, tries: int = _BUSY * 20) -> None:
    """Switch to WAL; SQLite does not wait where several programs do this to a new file at once."""
    for last in [False] * tries + [True]:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as exc:
            if last or exc.sqlite_errorcode not in _LOCKED:
                raise
            sleep(1 / 20)


def _begun(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("ewallet_begin", "BEGIN"))
