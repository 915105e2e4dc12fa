"""A batch worked through: in this process or by any executor's workers, its results written once, whatever happens.

Workers prepare, record and sign (:mod:`ewallet.bulk.desk`); whoever runs the batch writes what comes back, sees it on
disk, and then records that it is. A run that was killed leaves rows that were begun, or written and not recorded as
such; the next run finds both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import Final, Protocol

from ewallet.bulk.desk import Desk, Terms, opened, work
from ewallet.bulk.rows import Result, Row, row_name
from ewallet.errors import UsageError

CHUNK: Final = 64  # rows of one transaction: a commit costs as much as signing several
AHEAD: Final = 6  # pieces that are being worked on or wait: enough for the workers of one machine to have the next

Piece = Sequence[Row | Result]


class Output(Protocol):
    """Where results go; what it was given is on disk when it returns."""

    def written(self) -> Iterable[Sequence[str]]:
        """The ids of the rows whose results are there already, piece by piece."""

    def write(self, results: Sequence[Result]) -> None:
        """Add these results."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows to be issued together.

    ``make`` opens a desk and is called once in each process that works; for workers in other processes it is a function
    of a module, or a partial of one with arguments that can be hashed. ``executor`` is any of
    :mod:`concurrent.futures`, or one that keeps its protocol; without one the rows are worked on here. ``ahead``
    should be about three times its workers.
    """

    terms: Terms
    make: Callable[[], Desk]
    executor: Executor | None = None
    chunk: int = CHUNK
    ahead: int = AHEAD

    def run(self, rows: Iterable[Row | Result], output: Output) -> Iterator[Result]:
        """The results in the order of the rows, each after it is written and recorded; refused rows come through.

        Raises ``storage.*``, ``usage.file``, and ``usage.in_progress`` where another run has taken the batch over:
        what was done until then stays done, and running the batch again goes on from there.
        """
        desk = opened(self.make)
        terms = replace(self.terms, run=desk.env.random(16))
        desk.store.take_over(terms.batch, terms.run)
        self._recover(desk, terms, output)
        for results in self._worked(terms, _pieces(_once_each(rows), self.chunk)):
            fresh = [result for result in results if result.is_new]
            if fresh:
                output.write(fresh)
                desk.store.complete(terms.batch, terms.run, [row_name(terms.batch, each.id) for each in fresh])
            yield from results

    def preview(self, rows: Iterable[Row | Result]) -> Iterator[Result]:
        """What would become of the rows: ``ready``, ``already`` or ``refused``; nothing is recorded."""
        desk = opened(self.make)
        for piece in _pieces(_once_each(rows), self.chunk):
            found = iter(desk.check(self.terms, _wanted(piece)))
            yield from (each if isinstance(each, Result) else next(found) for each in piece)

    def _recover(self, desk: Desk, terms: Terms, output: Output) -> None:
        """What an earlier run has written is done, also where it was killed before it could say so."""
        for ids in output.written():
            names = [row_name(terms.batch, id_) for id_ in ids]
            if desk.store.complete(terms.batch, terms.run, names) < len(names):
                raise UsageError("usage.file", "the output has results of another batch, or of another issuer")

    def _worked(self, terms: Terms, pieces: Iterator[Piece]) -> Iterator[list[Result]]:
        """The pieces in order, some of them ahead of time."""
        waiting: deque[tuple[Piece, Future[list[Result]]]] = deque()
        ahead = self.ahead if self.executor else 1
        try:
            while True:
                waiting += ((piece, self._begun(terms, piece)) for piece in islice(pieces, ahead - len(waiting)))
                if not waiting:
                    return
                piece, future = waiting.popleft()
                found = iter(future.result())
                yield [each if isinstance(each, Result) else next(found) for each in piece]
        finally:
            for _, future in waiting:
                future.cancel()

    def _begun(self, terms: Terms, piece: Piece) -> Future[list[Result]]:
        if self.executor is not None:
            return self.executor.submit(work, self.make, terms, _wanted(piece))
        here: Future[list[Result]] = Future()
        here.set_result(work(self.make, terms, _wanted(piece)))
        return here


def _wanted(piece: Piece) -> list[Row]:
    return [each for each in piece if isinstance(each, Row)]


def _pieces(rows: Iterable[Row | Result], size: int) -> Iterator[Piece]:
    source = iter(rows)
    while piece := list(islice(source, size)):
        yield piece


def _once_each(rows: Iterable[Row | Result]) -> Iterator[Row | Result]:
    """The rows, one with an id that came before refused; eight bytes of its digest are what is kept of each."""
    seen: set[int] = set()
    for row in rows:
        known = int.from_bytes(sha256(row.id.encode("utf-8", "surrogatepass")).digest()[:8])
        if isinstance(row, Row) and known in seen:
            yield Result.refused(row.number, row.id, UsageError("usage.argument", "an id that another row has"))
        else:
            yield row
        if isinstance(row, Row):
            seen.add(known)
