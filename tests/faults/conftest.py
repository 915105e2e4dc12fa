"""An issuer's and a bank's service as processes of their own, on databases of their own, to be ill-treated."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from ewallet import collection
from ewallet.credential import StatusRef
from ewallet.env import Env
from ewallet.sql import Database
from ewallet.testing.nursery import Nursery
from ewallet.testing.sites import IMPORTS, BankSite, IssuerSite, Town


@pytest.fixture(params=["sqlite", "postgres"])
def fault_url(request, tmp_path):
    """An empty database of each engine."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres").empty()
    return f"sqlite:///{tmp_path}/service.db"


@pytest.fixture(scope="package")
def nursery():
    """The process that services are forked from."""
    with closing(Nursery(*IMPORTS)) as nursery:
        yield nursery


@pytest.fixture(scope="package")
def town(tmp_path_factory):
    """One PKI for all tests."""
    return Town.make(tmp_path_factory.mktemp("town") / "keys")


@pytest.fixture
def issuer(nursery, town, tmp_path):
    """The issuer's service, not started, without a database yet."""
    with closing(IssuerSite(nursery, town, tmp_path)) as site:
        yield site


@pytest.fixture
def bank(nursery, town, tmp_path):
    """The bank's service, not started, without a database yet."""
    with closing(BankSite(nursery, town, tmp_path)) as site:
        yield site


# -- what wallets were told, and what is on disk ---------------------------------------------------------------

ISSUED = 1  # the stage of a certificate whose copies may have left


_AS_ONE = """
    SELECT id, stage, uri, entry, digest FROM certificates
    LEFT JOIN entries ON certificate = id LEFT JOIN status_lists ON list = number
"""


@dataclass
class Ledger:
    """A checker of I1 to I4: ``told`` are the copies of each credential response that a wallet has received.

    ``unknown`` counts the credential requests whose answers were lost: done, or not, and nothing in between.
    """

    site: IssuerSite
    told: list[Sequence[str]] = field(default_factory=list)
    unknown: int = 0

    def stages(self):
        """How far each certificate is."""
        with closing(Database(self.site.database)) as database, database._engine.reading() as connection:
            return dict(tuple(row) for row in connection.exec_driver_sql("SELECT id, stage FROM certificates"))

    def entries(self):
        """The entries of each certificate."""
        with closing(Database(self.site.database)) as database, database._engine.reading() as connection:
            found = defaultdict(list)
            for id_, entry in connection.exec_driver_sql("SELECT certificate, entry FROM entries"):
                found[id_].append(entry)
            return found

    def given(self):
        """Every entry that was given."""
        with closing(Database(self.site.database)) as database, database._engine.reading() as connection:
            return connection.exec_driver_sql("SELECT entry FROM entries").scalars().all()

    def check(self):
        """Compare; the number of certificates whose copies may have left."""
        with closing(Database(self.site.database)) as database, database._engine.reading() as connection:
            rows = connection.exec_driver_sql(_AS_ONE).all()  # a service may still be at work
        stages = {row.id: row.stage for row in rows}
        rows = [row for row in rows if row.digest is not None]
        entries = {bytes(row.digest): (row.uri, row.entry, row.id) for row in rows}
        given = [(row.uri, row.entry) for row in rows]
        assert len(given) == len(set(given)), "an entry was given twice (I2)"
        self._check_told(stages, entries)
        assert {id_ for _, _, id_ in entries.values()} == set(stages), "a certificate without entries"
        issued = sum(stage == ISSUED for stage in stages.values())
        assert len(self.told) <= len(stages) <= len(self.told) + self.unknown, "acknowledged <= stored <= begun (I1)"
        return issued

    def _check_told(self, stages, entries):
        trust, at = self.site.town.pki.trust_list(), Env().now()
        seen = []
        for raws in self.told:
            owners = set()
            for raw in raws:
                credential = collection.check(raw, trust, at)
                uri, entry, owner = entries[_digest(raw)]
                assert credential.status == StatusRef(uri, entry), "another entry than is on record (I4)"
                owners.add(owner)
                seen.append((uri, entry))
            (owner,) = owners
            assert ISSUED == stages[owner], "received, and not on record as issued (I1)"
        assert len(seen) == len(set(seen)), "two copies with one entry (I2)"


def _digest(raw):
    """Of what was signed, as it was recorded before that."""
    return sha256(raw.partition("~")[0].rpartition(".")[0].encode("ascii")).digest()


@pytest.fixture
def ledger(issuer):
    """What the wallets of a test were told."""
    return Ledger(issuer)


@pytest.fixture
def ledger_of():
    """The same for another issuer."""
    return Ledger


# -- what the kernel is asked to do ----------------------------------------------------------------------------


class Strace:
    """Watches the calls of a process to the kernel, and lets some of them fail or kill it."""

    def __init__(self, folder):
        self.output = folder / "strace"

    @contextmanager
    def attached(self, child, *expressions):
        """While the block runs; afterwards :attr:`lines` are what was seen."""
        options = [part for expression in expressions for part in ("-e", expression)]
        command = ["strace", "-f", "-y", "-qq", "-s", "24", *options, "-o", str(self.output), "-p", str(child.pid)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
            while not self._traced(child.pid) and tracer.poll() is None:
                time.sleep(0.002)
            try:
                yield
            finally:
                tracer.terminate()
                with suppress(subprocess.TimeoutExpired):
                    tracer.wait(1)
                tracer.kill()

    @property
    def lines(self):
        """The calls, in their order: thread, name, the rest."""
        found = (_CALL.match(line) for line in self.output.read_text("utf-8", "replace").splitlines())
        return [match.groups() for match in found if match]

    @property
    def early(self):
        """Answers that left while something was written to the log of a database, and not on disk yet."""
        return early(self.lines)

    @staticmethod
    def _traced(pid):
        with suppress(OSError):
            return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text("ascii")
        return True


_CALL = re.compile(r"(\d+) +(\w+)\((.*)")
_LOG_OF = re.compile(r"<([^>]+-wal)>")


def early(lines):
    """The answers among such calls that left before what was written to the log of any database was on disk."""
    found: list[str] = []
    written: set[str] = set()
    for _, name, rest in lines:
        log = _LOG_OF.search(rest)
        if log and name in {"pwrite64", "fdatasync"}:
            (written.add if name == "pwrite64" else written.discard)(log[1])
        elif name == "sendto" and written and ('"HTTP/1.1 2' in rest or '"HTTP/1.1 3' in rest):
            found.append(rest)
    return found


@pytest.fixture
def early_of():
    """The same, for calls that are made up."""
    return early


@pytest.fixture(scope="package")
def _no_strace():
    """Why no process can be watched here; empty where one can."""
    if shutil.which("strace") is None:
        return "strace is absent: apt-get install strace"
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        command = ["strace", "-p", str(sleeper.pid), "-e", "trace=none", "-e", "inject=nanosleep:error=EIO"]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as tracer:
            time.sleep(0.1)
            works = tracer.poll() is None
            tracer.terminate()
        return "" if works else "strace may not attach to processes here, which takes the right to trace (ptrace)"
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.fixture
def strace(_no_strace, tmp_path):
    """A watcher; who asks for it skips where there is none, or where it may not."""
    if _no_strace:
        pytest.skip(_no_strace)
    return Strace(tmp_path)
