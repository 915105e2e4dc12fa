"""Row 16: the log of use: an entry with its event against a raw one-row transaction; proofs and a check at a million.

``EWALLET_BENCH_ENTRIES`` makes the log smaller or larger.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measure import Contender, Target, interleaved, judge, ratio
from work import World

from ewallet.history import Believed, Log, check_history, export, key_of, tree
from ewallet.history.tiles import check_mirror, publish
from ewallet.keys import SigningKey
from ewallet.sql import Database, SqlLogStore
from ewallet.sql.history import append
from ewallet.testing.history import ORIGIN, event

TITLE = "Row 16: the log of use"
OURS = "ewallet, one entry"
RAW = "SQLite, one row"
_ENTRIES = int(os.environ.get("EWALLET_BENCH_ENTRIES", "1000000"))
_BATCH = 64
_TOGETHER = 1_000  # entries in one transaction, while the log is filled
_PROOFS = 1_000


def run(_world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    with TemporaryDirectory() as folder, closing(Database(f"sqlite:///{folder}/log.db")) as database:
        log = Log(ORIGIN, SigningKey.generate("EdDSA"), database.history)
        targets = [_appends(database.history, Path(folder), rounds, "an empty log")]
        _fill(database, log)
        targets += [_appends(database.history, Path(folder), rounds, f"{_ENTRIES} entries"), _proofs(log)]
        _whole(log, Path(folder))
        return judge(targets)


def _appends(store: SqlLogStore, folder: Path, rounds: int, where: str) -> Target:
    """Both write to the same disk, with the same care; a row is as long as an entry."""
    entry = store.append(event(os.urandom)).to_bytes()
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("CREATE TABLE IF NOT EXISTS row (number INTEGER PRIMARY KEY, entry BLOB NOT NULL)")

        def rows() -> None:
            for _ in range(_BATCH):
                raw.execute("INSERT INTO row (entry) VALUES (?)", (entry,))

        def entries() -> None:
            for _ in range(_BATCH):
                store.append(event(os.urandom))

        contenders = [Contender(OURS, entries, _BATCH), Contender(RAW, rows, _BATCH)]
        times = interleaved(contenders, rounds, time.perf_counter)
    for name, each in times.items():
        print(f"  {name:<34}{median(each):>11.2f} us of time   after {where}")
    return Target(f"appends of time, of raw one-row transactions, {where}", ratio(times, RAW, OURS), 0.5, 0.7)


def _fill(database: Database, log: Log) -> None:
    start, size = time.perf_counter(), log.store.edge().size
    while size < _ENTRIES:
        together = min(_TOGETHER, _ENTRIES - size)
        with database._engine.writing() as connection:  # noqa: SLF001 - as a store of other records does
            for _ in range(together):
                append(connection, event(os.urandom))
        size += together
    _say(f"fill to {size} entries, {_TOGETHER} together", time.perf_counter() - start)


def _proofs(log: Log) -> Target:
    checkpoint, size = log.checkpoint(), log.store.edge().size
    believed = Believed(log=(key_of(ORIGIN, log.signer.public),))
    chance = random.Random(16)
    made = [_timed(lambda: log.inclusion(chance.randrange(size), checkpoint)) for _ in range(_PROOFS)]
    grown = [_timed(lambda: log.consistency(chance.randrange(1, size), size)) for _ in range(_PROOFS)]
    proof, entry = log.inclusion(size // 3, checkpoint), log.store.entries(size // 3, 1)[0]
    assert tree.leaf_hash(entry) == log.store.nodes([(0, size // 3)])[0, size // 3]
    checked = [_timed(lambda: proof.check(entry, believed)) for _ in range(_PROOFS)]
    for what, times in (("inclusion proof", made), ("consistency proof", grown), ("proof checked", checked)):
        slowest = sorted(times)[len(times) * 95 // 100]
        print(f"  {what:<34}{median(times) * 1e3:>11.3f} ms of CPU   p95 {slowest * 1e3:.3f} ms")
    return Target("an inclusion proof of CPU, p95", sorted(made)[len(made) * 95 // 100] * 1e3, 2.0, 1.0, True, " ms")


def _timed(call: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    start = clock()
    call()
    return clock() - start


def _whole(log: Log, folder: Path) -> None:
    """Written out, published and checked, each from beginning to end."""
    believed, file = Believed(log=(key_of(ORIGIN, log.signer.public),)), BytesIO()
    _say("export", _timed(lambda: export(log, file), time.perf_counter))
    file.seek(0)
    start = time.perf_counter()
    assert check_history(file, believed).holds
    _say(f"full check of {len(file.getvalue()) / 1e6:.0f} MB", time.perf_counter() - start)
    _say("tiles published", _timed(lambda: publish(log, folder / "tiles", log.checkpoint()), time.perf_counter))
    _say("mirror checked", _timed(lambda: check_mirror(folder / "tiles", believed), time.perf_counter))


def _say(what: str, seconds: float) -> None:
    print(f"  {what:<34}{seconds:>11.2f} s of time", flush=True)
