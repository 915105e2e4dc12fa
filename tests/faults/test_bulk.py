"""A batch killed at any durable write, or told that it failed: the same command ends it, each row once.

The command is a real process, ended by ``strace`` at the n-th call that writes to its database or its output, for every
n in a sweep and for some in a plain run.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from ewallet.keys import SigningKey

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
WRITES = ("fdatasync", "fsync", "pwrite64", "write", "rename", "ftruncate")
POINTS = 1 << 20 if FULL else 4
ROWS = 70  # two pieces
WAIT = """\
import time
from pathlib import Path
while "TracerPid:\\t0\\n" in Path("/proc/self/status").read_text():
    time.sleep(0.002)
"""


class Office:
    """Runs the command on files of its own, and reads what it wrote."""

    def __init__(self, site, folder):
        self.site = site
        self.folder = folder
        self.runs = 0
        lines = [json.dumps(self._row(number)) for number in range(ROWS)]
        (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", "utf-8")

    @staticmethod
    def _row(number):
        row = {"id": f"row-{number}", "subject": "hong", "kind": "resident_register_copy"}
        return row if number % 10 == 9 else {**row, "keys": [SigningKey.generate().public.jwk]}

    def start(self, batch, *options, before="", processes=1):
        """A process that works on the batch."""
        self.runs += 1
        arguments = ("--batch", batch, "--output", self._path(batch), "--tx-codes", self._path(f"{batch}.codes"))
        return self.site.nursery.run(
            "issuer_service.commands",
            "bulk",
            str(self.folder / "rows.jsonl"),
            *arguments,
            *("--processes", str(processes), *options),
            log=self.folder / f"log-{self.runs}",
            env={**self.site.environment(self.site.port), "EWALLET_UNSAFE_LOOPBACK": "1"},
            before=before,
        )

    def run(self, batch, **options):
        """A run that nobody disturbs: what it says is wrong."""
        child = self.start(batch, **options)
        code, said = child.wait(), child.log.read_text("utf-8").splitlines()
        return [code, *(line for line in said if '"code"' in line)] if code else []

    def lines(self, name):
        """What was written."""
        return [json.loads(line) for line in Path(self._path(name)).read_text("utf-8").splitlines()]

    def check(self, batch, ledger):
        """Each row has its result once, what was issued is on record as such, and nothing else is."""
        lines = self.lines(batch)
        assert Counter(f"row-{number}" for number in range(ROWS)) == Counter(line["id"] for line in lines), batch
        offered = [line["id"] for line in lines if "offer" in line]
        assert [row for row in offered if row.endswith("9")] == offered
        assert offered == [line["id"] for line in self.lines(f"{batch}.codes")]
        ledger.told += [line["credentials"] for line in lines if "credentials" in line]
        assert ledger.check() == len(ledger.told), batch
        assert len(ledger.told) == len(ledger.given()), batch

    def _path(self, name):
        return str(self.folder / f"{name}.jsonl")


@pytest.fixture
def bulk(issuer, tmp_path):
    """An office whose database is there already."""
    office = Office(issuer, tmp_path)
    assert [] == office.run("first")
    return office


def _killed(strace, bulk, batch, point, effect):
    name, number = point
    child = bulk.start(batch, before=WAIT)
    with strace.attached(child, f"trace={name}", f"inject={name}:{effect}:when={number}"):
        return child.wait()


def _points(strace, bulk):
    """Every call of one undisturbed run, by name and number."""
    child = bulk.start("counted", before=WAIT)
    with strace.attached(child, f"trace={','.join(WRITES)}"):
        assert 0 == child.wait()
    counts = Counter(name for _, name, _ in strace.lines)
    found = [(name, number) for name in WRITES for number in range(1, counts[name] + 1)]
    return found[:: max(1, len(found) // POINTS)]


def test_a_batch_killed_at_any_write_is_ended_by_the_same_command(bulk, ledger, strace):
    """No row has a second certificate, a second entry or a second line, whichever write it was."""
    bulk.check("first", ledger)
    points = _points(strace, bulk)
    bulk.check("counted", ledger)
    killed = 0
    for name, number in points:
        batch = f"{name}-{number}"
        killed += _killed(strace, bulk, batch, (name, number), "signal=KILL") == -signal.SIGKILL
        assert [] == bulk.run(batch), batch
        bulk.check(batch, ledger)

    assert killed > len(points) * 3 // 4


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["EIO", "ENOSPC"])
def test_a_write_that_fails_is_said_and_the_batch_can_be_ended(bulk, ledger, strace, reason):
    """A full disk ends the run with a sentence, and harms nothing."""
    bulk.check("first", ledger)
    points = _points(strace, bulk)
    bulk.check("counted", ledger)
    for name, number in points:
        batch = f"{name}-{number}"
        code = _killed(strace, bulk, batch, (name, number), f"error={reason}")
        assert code in {0, 1, 2}, (name, number)
        assert [] == bulk.run(batch), batch
        bulk.check(batch, ledger)


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["worker", "parent"])
def test_processes_that_are_killed_lose_nothing(bulk, ledger, whom):
    """Neither one of those that sign, nor the one that writes; and nobody is left behind."""
    bulk.check("first", ledger)
    child = bulk.start("killed", processes=2)
    workers = _workers(child.pid)
    victim = workers[0] if whom == "worker" else child.pid
    os.kill(victim, signal.SIGKILL)
    child.wait()
    _gone(workers)

    assert [] == bulk.run("killed", processes=2)
    bulk.check("killed", ledger)


def _workers(pid):
    """The processes that sign, as soon as they have begun."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [each for each in _children(pid) if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]
        if len(found) == 2:
            time.sleep(0.5)
            return found
        time.sleep(0.01)
    raise TimeoutError


def _children(pid):
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []


def _gone(pids):
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}/cmdline").exists() and _runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process that outlived its parent"
        time.sleep(0.05)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_an_interrupted_batch_says_how_to_go_on(bulk, ledger):
    """It ends with 130, and the same command ends the batch."""
    bulk.check("first", ledger)
    child = bulk.start("stopped", processes=2)
    _workers(child.pid)
    os.kill(child.pid, signal.SIGINT)
    code = child.wait()

    assert code in {0, 130}
    assert ("the same command goes on" in child.log.read_text("utf-8")) == (code == 130)
    assert [] == bulk.run("stopped", processes=2)
    bulk.check("stopped", ledger)


def test_two_runs_of_one_batch_at_once_issue_each_row_once(bulk, ledger):
    """One of them goes on; what it does not write the other has written."""
    bulk.check("first", ledger)
    one = bulk.start("same")
    two = bulk.start("same")
    codes = {one.wait(), two.wait()}

    assert codes <= {0, 2}
    assert [] == bulk.run("same")
    bulk.check("same", ledger)
