"""Row 7, whole batches: rows in, credentials in a file, every one on record; two processes over one (wall time).

What two processes cannot share is done by whoever runs the batch: handing rows out, writing what comes back, and the
second of the two commits of a piece. The table says how much of its time that takes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measure import Target, absent, judge
from work import World

from ewallet.bulk import Batch, Desk, Row, Spool, Terms, batch_digest
from ewallet.catalog import Catalog
from ewallet.env import Env
from ewallet.issuer import Issuer
from ewallet.keys import PublicKey, SigningKey
from ewallet.sql import Database
from ewallet.testing.issuance import SampleRecords
from ewallet.testing.pki import Pki

TITLE = "Row 7: whole batches on two processes over one"
_Times = tuple[float, float]  # of the wall, and of the processor for whoever ran the batch
_NAMES = ("in this process", "one other process", "two other processes")
_KIND = "resident_register_copy"
_ROWS = 512
_ROUNDS = 7  # a batch takes a second


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    if (os.cpu_count() or 1) < 2:
        absent("two processes", "one processor")
        return True
    with TemporaryDirectory() as folder, ExitStack() as stack:
        place = Path(folder)
        pki = Pki.make(at=Env().now())
        pki.save(place / "pki")
        context = get_context("spawn")  # as the command starts them: what is forked shares database handles
        pools = [stack.enter_context(ProcessPoolExecutor(count, mp_context=context)) for count in (1, 2)]
        contest = _Contest(place, world)
        return judge(_targets(contest.times([None, *pools], rounds)))


class _Contest:
    """The same rows, each time as another batch, on one database."""

    def __init__(self, place: Path, world: World) -> None:
        self._place = place
        self._keys = [PublicKey.of(holder.private.public_key()).jwk for holder in world.holders]
        self._make = partial(_desk, str(place))
        self._batches = 0

    def times(self, pools: Sequence[Executor | None], rounds: int) -> Mapping[str, Sequence[_Times]]:
        """Each round runs each once, in turn; the first is not counted."""
        turns = [[self._timed(pool) for pool in pools] for _ in range(1 + min(rounds, _ROUNDS))]
        return dict(zip(_NAMES, zip(*turns[1:], strict=True), strict=True))

    def _timed(self, pool: Executor | None) -> _Times:
        self._batches += 1
        batch = Batch(terms=Terms(batch=batch_digest(f"{self._batches}")), make=self._make, executor=pool)
        wall, own = time.perf_counter(), time.process_time()
        with Spool(self._place / f"{self._batches}.jsonl") as output:
            done = sum(result.outcome == "issued" for result in batch.run(self._rows(), output))
            output.finish()
        times = time.perf_counter() - wall, time.process_time() - own
        assert done == _ROWS, "a row is missing"
        (self._place / f"{self._batches}.jsonl").unlink()
        return times

    def _rows(self) -> Iterator[Row]:
        for number in range(_ROWS):
            yield Row(
                number=number,
                id=str(number),
                subject=f"citizen-{number}",
                type_id=_KIND,
                format_id="dc+sd-jwt",
                keys=(self._keys[number % len(self._keys)],),
            )


def _desk(folder: str) -> Desk:
    """What a worker opens for itself."""
    place, catalog = Path(folder), Catalog.bundled()
    database = Database(f"sqlite:///{place / 'bulk.db'}")
    system = catalog.type(_KIND).system
    issuer = Issuer(
        "https://issuer.example.go.kr",
        signers={system: _signer(place, system)},
        status_signer=_signer(place, "status"),
        catalog=catalog,
        store=database.issuer,
    )
    return Desk(issuer=issuer, records=SampleRecords(catalog), store=database.bulk)


def _signer(place: Path, name: str) -> SigningKey:
    path = place / "pki" / "signers" / f"{name}.key"
    return SigningKey.load(path, chain=path.with_suffix(".pem"))


def _targets(found: Mapping[str, Sequence[_Times]]) -> list[Target]:
    for name, times in found.items():
        wall, here = (median(column) / _ROWS * 1e6 for column in zip(*times, strict=True))
        print(f"  {name:<34}{wall:>11.2f} us a row{here:>11.2f} us of processor time here")
    here, one, two = ([wall for wall, _ in found[name]] for name in _NAMES)
    return [
        Target("two processes over this one", _ratio(here, two), 1.6, 1.9, unit="x"),
        Target("two processes over one other", _ratio(one, two), 1.4, 1.6, unit="x"),
    ]


def _ratio(one: Sequence[float], other: Sequence[float]) -> float:
    return median(a / b for a, b in zip(one, other, strict=True))
