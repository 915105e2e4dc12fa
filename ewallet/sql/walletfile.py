"""The file of a wallet, before anything in it is believed: who may read it, and whether it is ours and whole.

A file from elsewhere runs nothing: its tables are compared with ours word for word, so that a trigger, a view or a
column more refuses it, and it is opened for reading only until then.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine

from ewallet.errors import NotFound, StoreError, UsageError
from ewallet.sql import schema
from ewallet.sql.engine import translated
from ewallet.sql.tables import SCHEMA, WALLET, WALLET_VERSION

_MAX_SIZE: Final = 1 << 30  # bytes; ten thousand certificates, each in ten copies, need a tenth of it
_BESIDE: Final = ("-wal", "-shm", "-journal")
_EVERYTHING: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master"


def new(path: Path) -> None:
    """An empty file that only its owner may read, in a folder that only its owner may enter.

    Raises ``usage.file`` if there is a file already, ``storage.loose_mode`` for an open folder.
    """
    make_folder(path.parent)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise UsageError("usage.file", "there is a file already where the wallet is to be created") from None
    except OSError as exc:
        raise UsageError("usage.file", f"cannot create the wallet: {exc.strerror}") from None


def check(path: Path) -> int:
    """The version of its tables, if the file is a wallet of ours that only its owner may read.

    Raises :class:`NotFound`, ``storage.loose_mode``, ``storage.corrupt``, or ``usage.configuration`` for a wallet of a
    newer program.
    """
    mode = _mode(path)
    if mode is None:
        raise NotFound("storage.not_found", "no wallet at that path, expected one made before, as `ewallet init` does")
    _check_folder(path.parent)
    for each in (path, *beside(path)):
        _check_mode(each)
    # Only SQLite opens the file: whoever else closes it takes away the locks that SQLite holds for this process.
    check_size(path.stat())
    with translated(), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return check_content(connection)


def beside(path: Path) -> tuple[Path, ...]:
    """Where SQLite keeps what belongs to a file of that name, whichever file has it."""
    return tuple(path.with_name(path.name + suffix) for suffix in _BESIDE)


def make_folder(folder: Path) -> None:
    """The folder of a wallet, made unless it is there; ``usage.file``, ``storage.loose_mode``."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError("usage.file", f"cannot create the wallet's folder: {exc.strerror}") from None
    _check_folder(folder)


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError("usage.file", f"cannot read the wallet: {exc.strerror}") from None


def _check_folder(folder: Path) -> None:
    mode = folder.stat().st_mode
    if mode & 0o077 and os.name == "posix":
        raise _loose(f"the wallet's folder has mode {mode & 0o777:04o}, expected 0700")


def _check_mode(path: Path) -> None:
    mode = _mode(path)
    if mode is not None:
        check_mode(mode)


def check_mode(mode: int) -> None:
    """Return if a file of that mode is a regular one for its owner alone; ``storage.loose_mode``."""
    if not stat.S_ISREG(mode):
        raise _loose("a link or special file in the place of the wallet, expected a regular file")
    if mode & 0o077 and os.name == "posix":
        raise _loose(f"a wallet file with mode {mode & 0o777:04o}, expected 0600")


def check_size(found: os.stat_result) -> None:
    """Return if a wallet can be as large as that; ``storage.corrupt``."""
    if found.st_size > _MAX_SIZE:
        raise StoreError("storage.corrupt", "not a wallet file")


def check_content(connection: sqlite3.Connection) -> int:
    """The version of its tables, if they are a wallet's and whole; ``storage.corrupt``, ``usage.configuration``."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA busy_timeout = 5000")
    found = set(connection.execute(_EVERYTHING))
    expected = _expected()
    versions = {row for row in expected if row[1] == "schema_versions"}
    if not versions <= found:
        raise StoreError("storage.corrupt", "a database that is not a wallet")
    version: int = dict(connection.execute("SELECT role, version FROM schema_versions")).get("wallet", WALLET_VERSION)
    if version > WALLET_VERSION:
        schema.newer(version, WALLET_VERSION)
    if not found <= expected or (found != expected and version == WALLET_VERSION):  # an older one lacks some tables
        raise StoreError("storage.corrupt", "a database with other tables, views or triggers than a wallet's")
    if connection.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise StoreError("storage.corrupt", "the wallet file is damaged")
    return version


@cache
def _expected() -> frozenset[tuple[str, ...]]:
    """What a wallet's file consists of, as a new one would."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            SCHEMA.create_all(connection)
            WALLET.create_all(connection)
            return frozenset(tuple(row) for row in connection.exec_driver_sql(_EVERYTHING))
    finally:
        engine.dispose()


def _loose(detail: str) -> StoreError:
    return StoreError("storage.loose_mode", detail)
