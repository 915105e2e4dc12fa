"""Row 7: bulk issue and verify on two processes over one: wall time, the same batches, workers started before."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from statistics import median

import ours
from measure import Target, absent, judge
from peers import Run
from work import HOLDERS, World

TITLE = "Row 7: bulk on two processes over one"
_BATCHES = 24

_runs: dict[str, Run] = {}  # of the worker that this process is


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    if (os.cpu_count() or 1) < 2:
        absent("two processes", "one processor")
        return True
    _runs.update(issue=world.issue, verify=ours.verify(world))
    assert world.presentations  # prepared before the workers are forked, so that they share it
    with ExitStack() as stack:
        context = get_context("fork")
        one, two = (stack.enter_context(ProcessPoolExecutor(count, mp_context=context)) for count in (1, 2))
        return judge([_row(what, one, two, rounds) for what in _runs])


def _row(what: str, one: Executor, two: Executor, rounds: int) -> Target:
    for pool in (one, two):
        _bulk(pool, what)
    times = [(_timed(lambda: _bulk(one, what)), _timed(lambda: _bulk(two, what))) for _ in range(rounds)]
    each = [median(column) / (_BATCHES * HOLDERS) * 1e6 for column in zip(*times, strict=True)]
    print(f"  {what:<34}{each[0]:>11.2f} us on one{each[1]:>11.2f} us on two")
    return Target(f"{what}, two over one", median(a / b for a, b in times), 1.6, 1.9, unit="x")


def _bulk(pool: Executor, what: str) -> None:
    done = sum(pool.map(_batch, [what] * _BATCHES))
    assert done == _BATCHES * HOLDERS, "a batch is missing"


def _batch(what: str) -> int:
    run = _runs[what]
    return sum(run(number) is not None for number in range(HOLDERS))


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
