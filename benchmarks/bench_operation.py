"""Row 20: what whoever runs an issuer waits for: strangers that hold connections, and a process that comes back.

The issuer is a process of its own, over loopback. With 800 connections that say nothing or drip a header, offers are
made one after the other, each to disk: p99 of the wall time. With 100,000 certificates on record in SQLite, the process
is killed and started anew: the time from its start, interpreter and all, until ``/readyz`` says yes.
"""

from __future__ import annotations

import os
import resource
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TYPE_CHECKING

from measure import Target, judge
from work import World

if TYPE_CHECKING:
    from ewallet.testing.sites import IssuerSite

TITLE = "Row 20: strangers that hold connections, and a process that comes back, wall time"
_ROOT = Path(__file__).resolve().parent.parent
_STRANGERS = 800
_CERTIFICATES = 100_000
_STARTS = 5
_P99, _AGAIN = 500.0, 5.0  # milliseconds, seconds


def run(_world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    from ewallet.testing.nursery import Nursery
    from ewallet.testing.sites import IMPORTS, IssuerSite, Town

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * _STRANGERS)), hard))
    with TemporaryDirectory() as name, closing(Nursery(*IMPORTS)) as nursery:
        folder = Path(name)
        site = IssuerSite(nursery, Town.make(folder / "town"), folder)
        site.start()
        quiet, crowded = _offers(site, 10 * rounds), _beset(site, 10 * rounds)
        site.close()
        _fill(site)
        starts = [_started(site) for _ in range(_STARTS)]
    for label, times in (("an offer, nobody else there", quiet), (f"the same, {_STRANGERS} strangers", crowded)):
        print(f"  {label:<34}p50{median(times):>9.2f} ms   p99{_p99(times):>9.2f} ms")
    again = f"ready again, {_CERTIFICATES:,} certificates"
    print(f"  {again:<34}p50{median(starts):>9.2f} s    worst{max(starts):>7.2f} s")
    return judge(
        [
            Target(f"p99 among {_STRANGERS} strangers", _p99(crowded), _P99, _P99 / 5, most=True, unit=" ms"),
            Target("ready again", max(starts), _AGAIN, _AGAIN / 2, most=True, unit=" s"),
        ]
    )


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[-1]


def _offers(site: IssuerSite, count: int) -> list[float]:
    """Milliseconds of each."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        site.offer()
        times.append((time.perf_counter() - begun) * 1e3)
    return times


def _beset(site: IssuerSite, count: int) -> list[float]:
    """The same among strangers, of whom every second one drips; who is let go comes again."""
    over = Event()
    with ExitStack() as stack:
        strangers = [_stranger(stack, site) for _ in range(_STRANGERS)]
        dripping = Thread(target=_drip, args=(stack, site, strangers, over))
        dripping.start()
        try:
            return _offers(site, count)
        finally:
            over.set()
            dripping.join()


def _stranger(stack: ExitStack, site: IssuerSite) -> socket.socket:
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=10))
    connection.sendall(b"POST /token HTTP/1.1\r\nhost: ")
    return connection


def _drip(stack: ExitStack, site: IssuerSite, strangers: list[socket.socket], over: Event) -> None:
    while not over.wait(0.5):
        for number in range(0, len(strangers), 2):
            try:
                strangers[number].sendall(b"a")
            except OSError:
                with suppress(OSError):
                    strangers[number] = _stranger(stack, site)


def _fill(site: IssuerSite) -> None:
    """So many certificates, each with its status entry, as if they had been issued."""
    from ewallet.sql import Database

    with closing(Database(site.database)) as database:
        database.issuer.status_list(1 << 20, (site.address + "/status/{}").format)
    at = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1e6)
    rows = [(f"c-{n}", f"s-{n % 1000}", at, at + 10**13) for n in range(_CERTIFICATES)]
    with closing(sqlite3.connect(site.file)) as connection, connection:
        connection.executemany(
            "INSERT INTO certificates (id, type_id, subject, issued, until, stage, status)"
            " VALUES (?, 'resident_register_copy', ?, ?, ?, 1, 0)",
            rows,
        )
        connection.executemany(
            "INSERT INTO entries (list, entry, certificate, digest) VALUES (1, ?, ?, ?)",
            ((10 * number, row[0], os.urandom(32)) for number, row in enumerate(rows)),
        )


def _started(site: IssuerSite) -> float:
    """Seconds until it says that it is ready; then it is killed."""
    path = os.pathsep.join([str(_ROOT), *filter(None, sys.path)])
    environment = os.environ | dict(site.environment(site.port)) | {"EWALLET_UNSAFE_LOOPBACK": "1", "PYTHONPATH": path}
    begun = time.perf_counter()
    command = [sys.executable, "-m", "issuer_service"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **silent) as process:  # type: ignore[call-overload]  # noqa: S603
        while not site.is_ready():
            assert process.poll() is None, "the service does not start"
            time.sleep(0.01)
        took = time.perf_counter() - begun
        process.kill()
    return took
