"""Killed at any durable write of a backup or of a restore: the old file or the new one, and never half (STO-17)."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ewallet.errors import EWalletError
from ewallet.holding import Copy, Held
from ewallet.sql import Database

pytestmark = pytest.mark.sweep

FULL = bool(os.environ.get("EWALLET_FULL"))
POINTS = 1 << 20 if FULL else 6  # of each sweep
WRITES = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "link", "linkat", "rename", "unlink")
AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PASSPHRASE = "a passphrase of nobody"


@dataclass(frozen=True)
class Child:
    """A process of these tests."""

    pid: int

    @property
    def is_killed(self):
        """Whether it ended by a signal; it is waited for."""
        return os.WIFSIGNALED(os.waitpid(self.pid, 0)[1])


def _child(action, *arguments):
    """One that is stopped before it begins."""
    child = os.fork()
    if child == 0:
        try:
            os.kill(os.getpid(), signal.SIGSTOP)
            action(*arguments)
        finally:
            os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    return Child(child)


def _is_killed(strace, expressions, action, *arguments):
    child = _child(action, *arguments)
    with strace.attached(child, *expressions):
        os.kill(child.pid, signal.SIGCONT)
        return child.is_killed


def _points(strace, action, *arguments):
    """Every call of one undisturbed run: its name, and its number among those of that name."""
    assert not _is_killed(strace, [f"trace={','.join(WRITES)}"], action, *arguments)
    seen, found = Counter[str](), []
    for _, name, _ in strace.lines:
        seen[name] += 1
        found.append((name, seen[name]))
    assert {"fsync", "pwrite64"} <= seen.keys()
    return [*found[:: max(1, len(found) // POINTS)], *found[-3:]]  # the last ones are those that count


def _make(path, name):
    """A wallet with a certificate of that name, and its backup."""
    with closing(Database(f"sqlite:///{path}")) as database:
        store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
        copies = [Copy(id=f"{name}-{i}", key=f"key-{name}-{i}", raw="x" * 2000) for i in range(3)]
        store.put_keys({copy.key: b"secret" * 8 for copy in copies})
        store.put(Held(id=name, format="dc+sd-jwt", type_id="kind", received=AT, use="once"), copies)
        store.backup(path.with_name("backup"))


def _held(path):
    """The certificates of the wallet, all of whose records open; the code where it does not."""
    try:
        with closing(Database(f"sqlite:///{path}")) as database:
            store = database.wallet(PASSPHRASE)
            return [(one.id, [bool(store.key(copy.key)) for copy in store.copies(one.id)]) for one in store.held()]
    except EWalletError as exc:
        return exc.code


def _back_up(wallet, path):
    with closing(Database(f"sqlite:///{wallet}")) as database:
        database.wallet(PASSPHRASE).backup(path, replace=path.exists())


def _restore(backup, path):
    with closing(Database(f"sqlite:///{path}")) as database:
        database.restore(backup, PASSPHRASE, replace=path.exists())


OLD, NEW = [("old", [True] * 3)], [("new", [True] * 3)]


@pytest.fixture
def wallets(tmp_path):
    """An old wallet and a new one, in folders of those names, each with its backup."""
    for name in ("old", "new"):
        _make(tmp_path / name / "wallet.db", name)
    return tmp_path


def _place(folder: Path, old: Path | None):
    """A folder of its own for one run, with a copy of that file in it."""
    folder.mkdir(mode=0o700)
    path = folder / "wallet.db"
    if old:
        path.write_bytes(old.read_bytes())
        path.chmod(0o600)
    return path


def _killed_at_each(strace, wallets, old, action, source):
    """What each run wrote to that was killed before one of the writes, and before which; most of them were killed."""
    points, killed = _points(strace, action, source, _place(wallets / "undisturbed", old)), 0
    for number, (name, count) in enumerate(points):
        path = _place(wallets / f"{number}", old)
        expressions = [f"trace={name}", f"inject={name}:signal=KILL:when={count}"]
        killed += _is_killed(strace, expressions, action, source, path)
        yield path, (name, count)
    assert killed > len(points) // 2


@pytest.mark.parametrize("replaced", [True, False], ids=["replacing", "new"])
def test_a_restore_that_was_killed_leaves_the_old_wallet_or_the_new_one(strace, wallets, replaced):
    """Before any of its writes; the next one finds its way, and nothing is left beside the wallet (STO-17)."""
    backup, old, seen = wallets / "new" / "backup", wallets / "old" / "wallet.db" if replaced else None, []
    before = OLD if replaced else "storage.not_found"
    for path, point in _killed_at_each(strace, wallets, old, _restore, backup):
        seen.append(_held(path))
        assert seen[-1] in (before, NEW), point
        _restore(backup, path)
        assert (["wallet.db"], NEW) == (_names(path), _held(path)), point

    assert before in seen


@pytest.mark.parametrize("replaced", [True, False], ids=["replacing", "new"])
def test_a_backup_that_was_killed_leaves_the_old_file_or_the_new_one(strace, wallets, replaced):
    """Before any of its writes; the wallet has everything, and the next one leaves nothing beside (STO-17)."""
    wallet, old, seen = wallets / "new" / "wallet.db", wallets / "old" / "backup" if replaced else None, []
    before = OLD if replaced else None
    for path, point in _killed_at_each(strace, wallets, old, _back_up, wallet):
        seen.append(_of_backup(path))
        assert seen[-1] in (before, NEW), point
        assert NEW == _held(wallet)
        _back_up(wallet, path)
        assert (["wallet.db"], NEW) == (_names(path), _of_backup(path)), point

    assert before in seen


def _names(path):
    return [each.name for each in path.parent.iterdir()]


def _of_backup(path):
    """The certificates of a wallet that is restored from that file; None where there is none."""
    if not path.exists():
        return None
    place = path.parent.with_name(f"{path.parent.name}-restored-{path.stat().st_mtime_ns}") / "wallet.db"
    if not place.exists():
        _restore(path, place)
    return _held(place)
