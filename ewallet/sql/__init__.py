"""The stores of the three roles in a database: SQLite by default, PostgreSQL by URL.

Exactly-once is the database's job: what may be taken once is taken by a single statement that returns nothing the
second time, in however many processes.
"""

from __future__ import annotations

import os
from contextlib import closing
from functools import cached_property
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Final

from ewallet.env import Env
from ewallet.errors import NotFound, StoreError, UsageError
from ewallet.sql import backup as backups
from ewallet.sql import walletfile
from ewallet.sql.bulk import SqlBulkStore
from ewallet.sql.calls import SqlCallStore
from ewallet.sql.cases import CASES, CASES_VERSION, SqlCaseStore
from ewallet.sql.engine import engine_of
from ewallet.sql.heads import HEADS, HEADS_VERSION, SqlHeads
from ewallet.sql.history import SqlLogStore
from ewallet.sql.issuance import SqlIssuanceStore
from ewallet.sql.issuer import SqlIssuerStore
from ewallet.sql.mydata import SqlMyDataStore
from ewallet.sql.mydata_tables import MYDATA, MYDATA_VERSION
from ewallet.sql.portal import PORTAL, PORTAL_VERSION, SqlPortalStore
from ewallet.sql.recipients import RECIPIENTS, RECIPIENTS_VERSION, SqlRecipientStore
from ewallet.sql.tables import (
    BULK,
    BULK_VERSION,
    HISTORY,
    HISTORY_VERSION,
    ISSUER,
    ISSUER_VERSION,
    VERIFIER,
    VERIFIER_VERSION,
    WALLET,
    WALLET_VERSION,
    issuer_calls,
    verifier_calls,
)
from ewallet.sql.vault import VAULT, VAULT_VERSION, SqlKeyStore
from ewallet.sql.verifier import SqlVerifierStore
from ewallet.sql.wallet import SqlWalletStore

__all__ = [
    "Database",
    "SqlBulkStore",
    "SqlCallStore",
    "SqlCaseStore",
    "SqlHeads",
    "SqlIssuanceStore",
    "SqlIssuerStore",
    "SqlKeyStore",
    "SqlLogStore",
    "SqlMyDataStore",
    "SqlPortalStore",
    "SqlRecipientStore",
    "SqlVerifierStore",
    "SqlWalletStore",
    "upgrade",
]

_ROLES: Final = {
    "bulk": (BULK, BULK_VERSION),
    "cases": (CASES, CASES_VERSION),
    "heads": (HEADS, HEADS_VERSION),
    "history": (HISTORY, HISTORY_VERSION),
    "issuer": (ISSUER, ISSUER_VERSION),
    "mydata": (MYDATA, MYDATA_VERSION),
    "portal": (PORTAL, PORTAL_VERSION),
    "recipients": (RECIPIENTS, RECIPIENTS_VERSION),
    "vault": (VAULT, VAULT_VERSION),
    "verifier": (VERIFIER, VERIFIER_VERSION),
}
_PAGE: Final = 512  # bytes: every page of SQLite's is a multiple; what is missing of the last one it takes for zeros
_PATIENCE: Final = 100  # times 50 ms
_CREATING: Final = Lock()  # of the threads of this process, none connects before the file is closed


class Database:
    """One database, by URL: ``sqlite:///file``, ``sqlite://`` in memory, ``postgresql://...``.

    A role's tables are created or brought up to date when its store is first asked for; those of a newer program are
    refused (``usage.configuration``). What goes wrong below is a :class:`ewallet.errors.StoreError`:
    ``storage.locked``, ``storage.corrupt`` or ``storage.unavailable``.
    """

    def __init__(self, url: str, *, env: Env | None = None) -> None:
        self._engine = engine_of(url)
        self._random = (env or Env()).random

    @classmethod
    def memory(cls, *, env: Env | None = None) -> Database:
        """A database that goes with this object."""
        return cls("sqlite://", env=env)

    @cached_property
    def issuer(self) -> SqlIssuerStore:
        """The issuer's store."""
        self._touch()
        return SqlIssuerStore(self._engine)

    @cached_property
    def issuance(self) -> SqlIssuanceStore:
        """The store of the issuing endpoints, in the issuer's tables."""
        self._touch()
        return SqlIssuanceStore(self._engine)

    @cached_property
    def bulk(self) -> SqlBulkStore:
        """The memory of batches, beside the issuer's tables."""
        return SqlBulkStore(self._engine, self.issuer)

    @cached_property
    def history(self) -> SqlLogStore:
        """The log of use, in tables of its own that other stores of this database write to in their transactions."""
        self._touch()
        return SqlLogStore(self._engine)

    @cached_property
    def mydata(self) -> SqlMyDataStore:
        """The memory of a portal, beside the log that it writes to."""
        _ = self.history
        return SqlMyDataStore(self._engine)

    @cached_property
    def keys(self) -> SqlKeyStore:
        """The keys of people, in a database that is theirs alone."""
        self._touch()
        return SqlKeyStore(self._engine)

    @cached_property
    def heads(self) -> SqlHeads:
        """How far logs were signed, in the database of the keys."""
        self._touch()
        return SqlHeads(self._engine)

    @cached_property
    def portal(self) -> SqlPortalStore:
        """What a portal keeps between two steps."""
        self._touch()
        return SqlPortalStore(self._engine)

    @cached_property
    def recipients(self) -> SqlRecipientStore:
        """Who is registered to receive, and every change of that."""
        self._touch()
        return SqlRecipientStore(self._engine)

    @cached_property
    def verifier(self) -> SqlVerifierStore:
        """The verifier's store."""
        self._touch()
        return SqlVerifierStore(self._engine)

    @cached_property
    def cases(self) -> SqlCaseStore:
        """The joint cases of the verifier, beside its own tables."""
        _ = self.verifier
        return SqlCaseStore(self._engine)

    @cached_property
    def issuer_calls(self) -> SqlCallStore:
        """The calls of the issuer's service that may be made again, in the issuer's tables."""
        _ = self.issuance
        return SqlCallStore(self._engine, issuer_calls)

    @cached_property
    def verifier_calls(self) -> SqlCallStore:
        """Those of the verifier's service, in the verifier's tables."""
        _ = self.verifier
        return SqlCallStore(self._engine, verifier_calls)

    @property
    def is_memory(self) -> bool:
        """Whether the database goes with this object."""
        return self._engine.is_memory

    def wallet(self, passphrase: str, *, create: bool = False, unsafe_fast_kdf: bool = False) -> SqlWalletStore:
        """The wallet's store, unlocked; with ``create`` a new one. In memory there is none to open, so one is created.

        A wallet file is for its owner alone: ``storage.loose_mode`` for other modes and for links. Opening raises
        ``storage.auth_failed`` for another passphrase, ``storage.not_found``, ``storage.corrupt``; creating over a
        file ``usage.file``. ``unsafe_fast_kdf`` makes the passphrase easy to guess, for tests.
        """
        if not (create or self._engine.is_memory):
            return self._opened(passphrase)
        if not passphrase:
            raise UsageError("usage.argument", "an empty passphrase")
        if self._file:
            walletfile.new(self._file)
        self._engine.prepare("wallet", WALLET, WALLET_VERSION)
        return SqlWalletStore.create(self._engine, passphrase, self._random, unsafe_fast_kdf=unsafe_fast_kdf)

    def restore(self, backup: str | os.PathLike[str], passphrase: str, *, replace: bool = False) -> SqlWalletStore:
        """The wallet of a backup, put where this database is, and unlocked; until all of it is good, nothing is there.

        Copies that nobody had seen count as used: they may have been shown since. Raises ``storage.auth_failed`` for
        another passphrase than that of the backup, ``storage.corrupt``, ``storage.loose_mode``, ``usage.configuration``
        for a backup of a newer program, ``usage.file`` if there is a wallet already, unless it is to be replaced, and
        ``storage.locked`` while that is in use.
        """
        file = self._file
        if file is None:
            raise UsageError("usage.configuration", "a backup is put into a SQLite file, and nowhere else")
        self.close()
        with backups.taken(Path(backup), file, self._random, replace=replace) as fresh:
            url = self._engine.url.set(database=str(fresh)).render_as_string(hide_password=False)
            with closing(Database(url, env=Env(random=self._random))) as database:
                database.wallet(passphrase).count_as_shown()
            backups.put_back(fresh, file, replace=replace)
        return self.wallet(passphrase)

    def ready(self) -> None:
        """Return if the database can be written now and has the tables that this object knows, for ``/readyz``.

        Raises a :class:`ewallet.errors.StoreError`, or ``usage.configuration`` when a newer program has upgraded the
        tables in the meantime.
        """
        self._engine.ready()

    def close(self) -> None:
        """Close all connections; a database in memory is gone then."""
        self._engine.close()

    def _opened(self, passphrase: str) -> SqlWalletStore:
        if self._file and walletfile.check(self._file) == WALLET_VERSION:
            return SqlWalletStore.open(self._engine, passphrase, self._random)
        if self._file:
            SqlWalletStore.open(self._engine, passphrase, self._random)  # nobody else has it brought up to date
        self._engine.prepare("wallet", WALLET, WALLET_VERSION)
        return SqlWalletStore.open(self._engine, passphrase, self._random)

    @property
    def _file(self) -> Path | None:
        return Path(self._engine.url.database or "") if self._engine.is_sqlite and not self._engine.is_memory else None

    def _touch(self) -> None:
        """A new file is for its owner alone; what an operator has arranged otherwise is left as it is."""
        if self._file:
            file = _resolved(self._file)
            with _CREATING:
                if not _is_created(file):
                    _check_content(file)


def _resolved(file: Path) -> Path:
    try:
        return file.resolve()
    except ValueError:
        raise UsageError("usage.file", "the database has a name that no file has") from None


def _is_created(file: Path) -> bool:
    """Create the file, unless it is there.

    One that is there is not opened: closing it would take away the locks that SQLite holds on it for this process, and
    with them what is written from then on.
    """
    try:
        if file.exists():
            return False
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False  # another process was faster
    except OSError as exc:
        raise UsageError("usage.file", f"cannot open the database: {exc.strerror}") from None
    return True


def _check_content(file: Path) -> None:
    """Return when there is something in the file; another process may be about to put it there.

    To SQLite an empty file is a new database: an issuer that started with it would give its status entries once more.
    """
    for _ in range(_PATIENCE):
        size = file.stat().st_size
        if size and size % _PAGE == 0:
            return
        sleep(1 / 20)
    raise StoreError("storage.corrupt", "the database is empty or cut off, expected one of ours or none")


def upgrade(url: str) -> dict[str, int]:
    """Bring the tables of all roles but the wallet up to date, as opening them does; the version of each role there.

    A wallet is brought up to date when it is unlocked.
    """
    engine = engine_of(url)
    try:
        if engine.is_sqlite and not Path(engine.url.database or "").is_file():
            raise NotFound("storage.not_found", "no database at that path")
        for role in sorted(engine.versions().keys() & _ROLES.keys()):
            engine.prepare(role, *_ROLES[role])
        return engine.versions()
    finally:
        engine.close()
