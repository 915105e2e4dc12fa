"""A wallet in a file of its own for bad days, and back from there.

Either way the new file is made beside its place, is checked, is on disk, and only then put there by one call: whatever
stops that, and whenever, the old file is there or the new one. Of a backup nothing is opened but a copy of it.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from ewallet.env import Random
from ewallet.errors import StoreError, UsageError
from ewallet.sql import walletfile
from ewallet.sql.engine import Engine, translated

_UNFINISHED: Final = re.compile(r"\.[0-9a-f]{16}\.new(-wal|-shm|-journal)?")  # what follows the name of the place
_PAGE: Final = 512  # bytes: every page of SQLite's is a multiple; what is missing of the last one it takes for zeros
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def write(path: Path, engine: Engine, random: Random, *, replace: bool) -> None:
    """All of the wallet of that engine in one file; ``usage.file``, ``storage.loose_mode``, ``storage.corrupt``."""
    _check_closed(path)
    _check_place(path, "a backup", replace=replace)
    with _beside(path, random) as fresh:
        with translated(), closing(sqlite3.connect(fresh, isolation_level=None)) as target:
            engine.copy_into(target)
            target.execute("PRAGMA journal_mode = DELETE")  # all of it in this file, nothing beside it
            walletfile.check_content(target)
        _put(fresh, path, replace=replace)


@contextmanager
def taken(backup: Path, wallet: Path, random: Random, *, replace: bool) -> Iterator[Path]:
    """A copy of the backup beside the place of the wallet, for as long as the block runs."""
    with _opened(backup, wallet) as source:
        walletfile.make_folder(wallet.parent)
        _check_place(wallet, "a wallet", replace=replace)
        if not wallet.exists():
            _check_closed(wallet)
        with _beside(wallet, random) as fresh:
            with os.fdopen(os.dup(source), "rb") as file, fresh.open("wb") as copy:
                shutil.copyfileobj(file, copy)
            yield fresh


def put_back(fresh: Path, wallet: Path, *, replace: bool) -> None:
    """Have the file in the place of the wallet; ``storage.locked`` while another program has that open."""
    if any(map(os.path.lexists, walletfile.beside(fresh))):  # it was closed, so that all of it should be in one file
        raise StoreError("storage.unavailable", "the restored wallet cannot be written as one file")
    if not (replace and wallet.exists()):
        _put(fresh, wallet, replace=False)
        return
    with translated(), closing(sqlite3.connect(wallet, isolation_level=None)) as old:
        _retire(old, wallet)
        _put(fresh, wallet, replace=True)


def _retire(old: sqlite3.Connection, wallet: Path) -> None:
    """Have all of the old wallet in its file, and keep others from it: its log would be taken for that of the new one.

    No journal is written for that, which somebody would have to roll back. What a damaged one has beside it is of no
    use.
    """
    try:
        old.execute("PRAGMA trusted_schema = OFF")
        old.execute("PRAGMA locking_mode = EXCLUSIVE")
        old.execute("SELECT count(*) FROM sqlite_master").fetchall()  # without a look there is no log to be emptied
        (busy, *_) = old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError("storage.locked", "another program holds the wallet")
        old.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as exc:
        if exc.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise
        for each in walletfile.beside(wallet):
            each.unlink(missing_ok=True)


@contextmanager
def _opened(backup: Path, wallet: Path) -> Iterator[int]:
    """The backup, for reading, if it is a regular file for its owner alone that nobody has open as a database."""
    _check_closed(backup)
    try:
        walletfile.check_mode(backup.lstat().st_mode)
        if wallet.exists() and backup.samefile(wallet):  # nobody but SQLite may close that
            raise UsageError("usage.file", "the wallet itself, expected a backup of it")
        handle = os.open(backup, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as exc:
        raise UsageError("usage.file", f"the backup cannot be read: {_reason(exc)}") from None
    try:
        walletfile.check_mode(os.fstat(handle).st_mode)
        walletfile.check_size(os.fstat(handle))
        if os.fstat(handle).st_size % _PAGE:
            raise StoreError("storage.corrupt", "a backup that is cut off")
        yield handle
    finally:
        os.close(handle)


def _check_place(path: Path, what: str, *, replace: bool) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        raise UsageError("usage.file", f"{what} cannot be written under that name") from None
    if not replace:
        raise UsageError("usage.file", f"there is a file already where {what} is to be written")
    walletfile.check_mode(mode)


def _check_closed(path: Path) -> None:
    """Return if nothing belongs to the file but itself."""
    if not path.name:
        raise UsageError("usage.file", "the name of a folder or none, expected that of a file")
    if any(map(os.path.lexists, walletfile.beside(path))):
        raise UsageError("usage.file", "a database of that name is open, or was not closed, expected a file by itself")


@contextmanager
def _beside(path: Path, random: Random) -> Iterator[Path]:
    """An empty file for its owner alone in the same folder, gone afterwards with what others have left unfinished."""
    fresh = path.with_name(f"{path.name}.{random(8).hex()}.new")
    try:
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield fresh
    except OSError as exc:
        raise UsageError("usage.file", f"the file cannot be written: {_reason(exc)}") from None
    finally:
        _sweep(path)


def _sweep(path: Path) -> None:
    """Delete what was written beside that place and not put there; who is about to put it there is told."""
    for each in path.parent.glob(f"{glob.escape(path.name)}.*"):
        if _UNFINISHED.fullmatch(each.name.removeprefix(path.name)):
            each.unlink(missing_ok=True)


def _put(fresh: Path, path: Path, *, replace: bool) -> None:
    _sync(fresh)
    if replace:
        fresh.replace(path)
    else:
        path.hardlink_to(fresh)  # unlike renaming it replaces nothing
    if os.name == "posix":
        _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(exc: OSError) -> str:
    return (exc.strerror or "no reason given").lower()
