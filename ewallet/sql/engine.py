"""One database behind a role's store: transactions, and our errors in place of the driver's.

SQLite runs in WAL with ``synchronous=FULL``, PostgreSQL with ``synchronous_commit=on``, so that a reply leaves after
its transaction is on disk. A transaction that writes begins as one on SQLite (``BEGIN IMMEDIATE``); on either engine it
waits 5 s for another program, and on SQLite as long for its turn among those of its own. Times are kept as integers,
microseconds since 1970 in UTC, which both engines order and compare without rounding.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from threading import Lock, RLock
from time import sleep
from typing import Any, Final, cast

from sqlalchemy import ClauseElement, Connection, Executable, MetaData, Table, create_engine, event, func, select
from sqlalchemy import Engine as Pool
from sqlalchemy import Insert as BaseInsert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.compiler import SQLCompiler

from ewallet.errors import EWalletError, StoreError, UsageError
from ewallet.sql import schema

_IDLE: Final = 4  # connections of a kind at hand: far fewer than the pool lends
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
_SETTINGS: Final = (
    "SET synchronous_commit = on",
    f"SET lock_timeout = {_BUSY * 1000}",
    "SET idle_in_transaction_session_timeout = 60000",  # a process that hangs gives its locks back
)
_LIBPQ: Final = {  # a server that has gone without a word is noticed; the URL may say otherwise
    "application_name": "ewallet",
    "connect_timeout": _BUSY,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_PAUSES: Final = (0.05, 0.1, 0.2, 0.4)  # seconds between attempts to connect: a restart takes less than their sum
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
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
# PostgreSQL's classes of states: connection, transaction (read only), login, catalog, resources, operator, system.
_UNAVAILABLE_STATES: Final = ("08", "25", "28", "3D", "42501", "53", "57", "58")
_UNSTORABLE: Final = "54"  # over a limit of PostgreSQL's, such as the length of an indexed text

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
    return insert_for(table, connection.dialect.name)


def insert_for(table: Table, dialect: str) -> Insert:
    """The same for a statement that is built once: building one costs more than what SQLite does with it."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


Values = Mapping[str, Any]
Found = Sequence[Any]


def first(connection: Connection, statement: Executable, values: Values) -> Found | None:
    """The first row of a statement that was built once, with these values in it; None where there is none."""
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, values).first()
    return cast("Found | None", _executed(connection, statement, values).fetchone())


def put(connection: Connection, statement: Executable, values: Values) -> None:
    """Run such a statement, of which nothing comes back."""
    if connection.dialect.name == "sqlite":
        _executed(connection, statement, values)
    else:
        connection.execute(statement, values)


def each(connection: Connection, statement: Executable, rows: Sequence[Values]) -> list[Found]:
    """All rows that come back from such a statement, run with the values of each row."""
    if connection.dialect.name != "sqlite":
        return list(connection.execute(statement, rows))
    return [found for row in rows for found in _executed(connection, statement, row).fetchall()]


def _executed(connection: Connection, statement: Executable, values: Values) -> sqlite3.Cursor:
    """SQLite answers in less time than it takes SQLAlchemy to ask: so it is asked directly, in SQLAlchemy's words."""
    text, names, fixed = _worded(statement, tuple(values) if isinstance(statement, BaseInsert) else None)
    raw = cast(sqlite3.Connection, connection.connection.dbapi_connection)
    return raw.execute(text, [values[name] if name in values else fixed[name] for name in names])


@cache
def _worded(statement: Executable, columns: tuple[str, ...] | None) -> tuple[str, Sequence[str], Values]:
    """The text of a statement, the names of its parameters in order, and the values that it has itself."""
    compiled = cast(ClauseElement, statement).compile(dialect=sqlite.dialect(), column_keys=columns)
    written = cast(SQLCompiler, compiled)
    return str(compiled), written.positiontup or (), compiled.params


def take_turns(connection: Connection, *about: bytes) -> None:
    """Let others that are about the same wait until this transaction ends, as all of SQLite's writers do anyway.

    It is for what one statement cannot do: to look at a count, and to add to it later.
    """
    if connection.dialect.name == "postgresql":
        for digest in sorted(sha256(one).digest() for one in about):  # in one order: no deadlocks
            connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))


class _Line:
    """Where the writers of this process stand for a SQLite file, which takes one at a time.

    SQLite itself has no line: who finds the file busy sleeps, tries again after longer and longer times, and may see
    many others go before. That is left for other processes, of which there are few.
    """

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=_BUSY):
            raise _locked()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Engine:
    """Connections to one database, SQLite or PostgreSQL."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._memory = url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")
        # One connection is all there is of a database in memory, so threads take turns.
        self._turn: AbstractContextManager[object] = RLock() if self._memory else nullcontext()
        self._is_file = url.get_backend_name() == "sqlite" and not self._memory
        self._line: AbstractContextManager[object] = _Line() if self._is_file else nullcontext()
        self._writers: deque[Connection] = deque()
        self._glancers: deque[Connection] = deque()
        self._versions: dict[str, int] = {}
        with translated():
            self._engine = create_engine(url, hide_parameters=True, **_options(url, memory=self._memory))
        self._reader = self._glancer = self._engine
        self._writer = self._engine.execution_options(ewallet_begin="BEGIN IMMEDIATE")
        if self.is_sqlite:
            event.listen(self._engine, "connect", _connected)
            event.listen(self._engine, "begin", _begun)
            self._glancer = self._engine.execution_options(ewallet_begin="")
        else:
            event.listen(self._engine, "connect", _settled)
            # One snapshot for all that a transaction reads, as SQLite has it.
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._glancer = self._engine.execution_options(isolation_level="AUTOCOMMIT")

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
        with self._turn, translated(), _connection(self._reader) as connection, connection.begin():
            yield connection

    @contextmanager
    def glancing(self) -> Iterator[Connection]:
        """For one statement that only reads: it sees one moment by itself, without a transaction around it."""
        with self._turn, translated(), self._lent(self._glancer, self._glancers) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on disk when the block ends, and undone if the block raises.

        Where the connection is lost in the very commit, ``storage.unavailable`` leaves open which of the two it was.
        """
        lent = self._lent(self._writer, self._writers)
        with self._turn, self._line, translated(), lent as connection, connection.begin():
            yield connection

    @contextmanager
    def _lent(self, pool: Pool, idle: deque[Connection]) -> Iterator[Connection]:
        """One of the connections to a SQLite file that are at hand, for it costs as much to make one as to use it."""
        try:
            connection = idle.pop()
        except IndexError:
            connection = _connection(pool)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if self._is_file and len(idle) < _IDLE:
            idle.append(connection)
        else:
            connection.close()

    def prepare(self, role: str, tables: MetaData, version: int) -> None:
        """Create a role's tables in that version, or bring older ones up to it.

        Raises ``usage.configuration`` where a newer program made them, ``storage.corrupt`` where the database is
        damaged or has such tables without a version.
        """
        with self.reading() as connection:
            if self.is_sqlite and not self._versions:
                schema.check_whole(connection)
            found = schema.recorded(connection).get(role)
        if found != version:
            with self.writing() as connection:
                schema.settle(connection, role, tables, version)
        with self.reading() as connection:
            schema.check_tables(connection, tables)
        self._versions[role] = version

    def ready(self) -> None:
        """Return if the database takes a transaction now and its tables are still of the versions prepared here."""
        with self.writing() as connection:
            for role, version in self._versions.items():
                schema.touch(connection, role, version)

    def versions(self) -> dict[str, int]:
        """The schema version of each role that has tables here."""
        with self.reading() as connection:
            return schema.recorded(connection)

    def copy_into(self, target: sqlite3.Connection) -> None:
        """All of a SQLite database, as it is at one moment, by SQLite's own backup; ``usage.configuration``."""
        if not self.is_sqlite:
            raise UsageError("usage.configuration", "a database of PostgreSQL, which is backed up by its own tools")
        with self.reading() as connection:
            cast(sqlite3.Connection, connection.connection.dbapi_connection).backup(target)

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
        for idle in (self._writers, self._glancers):
            while idle:
                idle.pop().close()
        self._engine.dispose()


def engine_of(url: str) -> Engine:
    """The engine for a URL; ``usage.configuration`` or ``usage.missing_extra``. The URL may hold a password."""
    try:
        parsed = make_url(url)
        driver = _DRIVERS.get(parsed.drivername)
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError("usage.configuration", "a database url that cannot be read") from None
    if driver is None or (driver == "sqlite" and parsed.query):
        raise UsageError("usage.configuration", "a database url of another kind, expected sqlite:/// or postgresql://")
    try:
        return Engine(parsed.set(drivername=driver))
    except ImportError:
        raise UsageError("usage.missing_extra", "pip install 'ewallet[postgres]'") from None


@contextmanager
def translated() -> Iterator[None]:
    """Our errors in place of the driver's, whose words may quote statements and values."""
    try:
        yield
    except (
        DBAPIError,
        PoolTimeout,
        sqlite3.Error,
        UnicodeError,
    ) as exc:  # the last: a damaged name, a text that is none
        raise _translation(exc) from None


def _translation(exc: Exception) -> EWalletError:
    if isinstance(exc, PoolTimeout):
        return StoreError("storage.locked", "all connections to the database are in use")
    cause = exc.orig if isinstance(exc, DBAPIError) else exc
    if isinstance(cause, sqlite3.Error) or not isinstance(exc, DBAPIError):
        return _of_sqlite(exc, getattr(cause, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR)
    return _of_postgres(exc, getattr(cause, "sqlstate", None) or "")


def _of_sqlite(exc: Exception, code: int) -> EWalletError:
    if isinstance(exc, UnicodeEncodeError):
        return _unstorable()
    if code & 0xFF in _LOCKED:
        return _locked()
    return _unavailable() if code & 0xFF in _UNAVAILABLE else _corrupt()


def _of_postgres(exc: DBAPIError, state: str) -> EWalletError:
    if state in _LOCKED_STATES:
        return _locked()
    if isinstance(exc, DataError) or state.startswith(_UNSTORABLE):
        return _unstorable()
    return _corrupt() if state and not state.startswith(_UNAVAILABLE_STATES) else _unavailable()


def _locked() -> StoreError:
    return StoreError("storage.locked", "another program holds the database")


def _unavailable() -> StoreError:
    return StoreError("storage.unavailable", "the database cannot be reached or written")


def _corrupt() -> StoreError:
    return StoreError("storage.corrupt", "the database is damaged or not one of ours")


def _unstorable() -> UsageError:
    return UsageError("usage.argument", "a value that the database cannot hold")


def _options(url: URL, *, memory: bool) -> dict[str, Any]:
    """What SQLAlchemy is told besides the URL."""
    if memory:
        return {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    if url.get_backend_name() == "sqlite":
        return {"pool_timeout": _BUSY}
    settings = {name: value for name, value in _LIBPQ.items() if name not in url.query}
    return {
        "pool_timeout": _BUSY,
        "pool_pre_ping": True,  # a connection that a restart has cut is replaced before it is used
        "isolation_level": "READ COMMITTED",
        "connect_args": settings,
    }


def _connection(pool: Pool) -> Connection:
    """A connection; PostgreSQL is asked again for a moment, since a restart is no reason to fail."""
    for pause in () if pool.dialect.name == "sqlite" else _PAUSES:
        try:
            return pool.connect()
        except OperationalError:
            sleep(pause)
    return pool.connect()


def _settled(connection: Any, _record: object) -> None:
    connection.autocommit = True
    connection.execute("; ".join(_SETTINGS))
    connection.autocommit = False


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
    begin = connection.get_execution_options().get("ewallet_begin", "BEGIN")
    if begin:
        raw = cast(sqlite3.Connection, connection.connection.dbapi_connection)
        raw.execute(begin)
