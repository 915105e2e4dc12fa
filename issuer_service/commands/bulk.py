"""``ewallet-issuer bulk``: a certificate for each row of a file, exactly once, and a word on each row.

stdout has a JSON document for each row and one with the counts, or words where somebody looks; stderr has the progress.
"""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from ewallet.command import count
from issuer_service.commands import language

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ewallet.bulk import Batch, Result, Row
    from issuer_service.reporting import Report

_FILE: Final = 4 << 30  # bytes
_REFUSED: Final = 1
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells count
_MAX_PROCESSES: Final = 256
_MAX_DAYS: Final = 90
_SHOWN: Final = 20  # rows that were refused, in words


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("file", metavar="FILE", help="the rows: .csv with a head line, or .jsonl")
    parser.add_argument("--output", metavar="FILE", type=Path, help="where results go; until all are there, FILE.part")
    parser.add_argument("--tx-codes", metavar="FILE", type=Path, help="where the transaction codes of offers go, alone")
    parser.add_argument("--no-tx-codes", action="store_true", help="make offers that whoever sees the link can take")
    parser.add_argument("--offer-days", metavar="DAYS", type=_days, default=7, help="how long an offer is good (7)")
    parser.add_argument(
        "--batch", metavar="NAME", help="what the ids of the rows are ids in; else the name of the file"
    )
    parser.add_argument("--kind", metavar="ID", default="", help="the kind of rows that name none")
    parser.add_argument("--format", metavar="ID", default="dc+sd-jwt", help="their format (dc+sd-jwt)")
    parser.add_argument("--preview", action="store_true", help="check every row, and issue nothing")
    parser.add_argument("--processes", metavar="N", type=_processes, default=os.cpu_count() or 1, help="how many work")
    shown = parser.add_argument_group("how to answer")
    shown.add_argument("--json", action="store_true", help="JSON Lines on stdout, also on a terminal")
    shown.add_argument("--text", action="store_true", help="words on stdout, also into a file")
    shown.add_argument("--shown", metavar="N", type=count, default=_SHOWN, help="how many refused rows in words (20)")
    shown.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")


def run(args: Namespace) -> int:
    """Issue, or preview; the code says whether every row came to what it asked for."""
    from ewallet.files import stream
    from issuer_service.reporting import report_of

    _check(args)
    with _terminable(), closing(stream(args.file, limit=_FILE, what="the batch")) as file:
        report = report_of(args, file, language(args))
        try:
            with report:
                _worked(args, file, report)
        except KeyboardInterrupt:
            report.interrupted()
            return _INTERRUPTED
    report.summarise()
    return _REFUSED if report.counts["refused"] else 0


@contextmanager
def _terminable() -> Iterator[None]:
    """Being told to end is an interruption, too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check(args: Namespace) -> None:
    from ewallet.errors import UsageError

    if not args.preview and args.output is None:
        raise UsageError("usage.argument", "no --output, and no --preview")
    if args.tx_codes and args.no_tx_codes:
        raise UsageError("usage.argument", "--tx-codes and --no-tx-codes, expected one of them")
    written = [path.resolve() for path in (args.output, args.tx_codes) if path]
    if Path(args.file).resolve() in written:
        raise UsageError("usage.argument", "the rows and what comes of them in one file, expected another for each")
    if len(set(written)) < len(written):
        raise UsageError("usage.argument", "--tx-codes and --output in one file, where whoever reads one has both")


def _worked(args: Namespace, file: BinaryIO, report: Report) -> None:
    from concurrent.futures import BrokenExecutor

    from ewallet.bulk import Spool
    from ewallet.errors import EWalletError
    from issuer_service.workers import workers

    rows = _rows(args, file)
    if args.preview:
        for result in _batch(args, None).preview(rows):
            report.add(result)
        return
    with Spool(args.output, tx_codes=args.tx_codes) as output, workers(args.processes) as executor:
        try:
            for result in _batch(args, executor).run(rows, output):
                report.add(result)
        except BrokenExecutor:
            detail = "a process that worked has ended; the same command goes on from there"
            raise EWalletError("internal.fault", detail) from None
        output.finish()


def _batch(args: Namespace, executor: Executor | None) -> Batch:
    from ewallet.bulk import Batch, Terms, batch_digest
    from issuer_service.workers import desk

    terms = Terms(
        batch=batch_digest(args.batch or Path(args.file).name),
        offers="tx_code" if args.tx_codes else "open" if args.no_tx_codes else "none",
        offer_life=timedelta(days=args.offer_days),
    )
    return Batch(terms=terms, make=desk, executor=executor, ahead=3 * args.processes)


def _rows(args: Namespace, file: BinaryIO) -> Iterator[Row | Result]:
    from ewallet.bulk.reading import Reader
    from ewallet.catalog import Catalog
    from ewallet.errors import UsageError

    reader = Reader(catalog=Catalog.bundled(), kind=args.kind, format_id=args.format)
    readers = {".csv": reader.csv, ".jsonl": reader.jsonl}
    suffix = Path(args.file).suffix.lower()
    if suffix not in readers:
        raise UsageError("usage.argument", f"a file that ends with neither {' nor '.join(readers)}")
    return readers[suffix](file)


def _processes(text: str) -> int:
    return _within(text, _MAX_PROCESSES)


def _days(text: str) -> int:
    return _within(text, _MAX_DAYS)


def _within(text: str, most: int) -> int:
    number = count(text)
    if not 0 < number <= most:
        raise ArgumentTypeError(f"not a number from 1 to {most}")
    return number
