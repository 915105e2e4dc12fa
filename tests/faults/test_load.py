"""Services that are killed, told to end, given new keys or cut from their database while clients work at full speed.

Rows F-02, F-09, F-17, F-19, F-23 and F-24, through HTTP. The clients (``customer.py``) keep journals of what they asked
and what they were told; :class:`History` compares them with each other and with the database: what was acknowledged is
there (I1), no status entry was given twice (I2), a code gave one token and a token one certificate (I3), nothing stays
undecided (I4), and what was revoked is in every list that was fetched from then on (I5). Meanwhile a
:class:`ewallet.testing.watch.Watch` asks whether the services are ready (I8, I12), and looks at what they take (I11).
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from ewallet.formats.sdjwt import SdJwt
from ewallet.sql import Database
from ewallet.status import Status, StatusToken
from ewallet.testing.nursery import free_port
from ewallet.testing.proxy import Proxy
from ewallet.testing.sites import IssuerSite, shifted
from ewallet.testing.watch import Watch, Weight

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
CLIENTS = 16 if FULL else 4
ROUNDS = 100 if FULL else 3
GIVEN_UP = 2  # the stage of a certificate that was cut short more than a minute ago
SMALL = """
from functools import partial
from issuer_service import service
service.Issuer = partial(service.Issuer, list_size={})
"""
CUSTOMER = str(Path(__file__).parent / "customer.py")


# -- the load --------------------------------------------------------------------------------------------------


class Load:
    """Clients at work on one issuer."""

    def __init__(self, site, folder, *, ports, copies=1):
        self.site, self.folder, self.copies = site, folder, copies
        (folder / "codes").touch()
        self.children = [self._start(number, ports) for number in range(CLIENTS)]

    def _start(self, number, ports):
        settings = {
            "issuer": self.site.address,
            "ports": ports,
            "number": number,
            "clients": CLIENTS,
            "copies": self.copies,
            "seed": number,
            "journal": str(self.folder / f"{number}.journal"),
            "codes": str(self.folder / "codes"),
        }
        log = self.folder / f"{number}.log"
        return self.site.nursery.run(CUSTOMER, json.dumps(settings), log=log, env={"EWALLET_UNSAFE_LOOPBACK": "1"})

    def work(self, bytes_more=3000):
        """Return when the clients have got on, on a slow machine, too."""
        wanted, deadline = self._size + bytes_more, time.monotonic() + 60
        while self._size < wanted:
            assert time.monotonic() < deadline, "the clients stand still"
            assert not any(child.ended for child in self.children), self.said
            time.sleep(0.01)

    @property
    def _size(self):
        return sum(path.stat().st_size for path in self.folder.glob("*.journal"))

    @property
    def said(self):
        """What the clients complained of."""
        return "".join(path.read_text("utf-8") for path in self.folder.glob("*.log"))

    def stop(self):
        """What they have written."""
        for child in self.children:
            child.kill()
        assert "" == self.said
        return History.read(self.folder)


@pytest.fixture
def load(tmp_path):
    """Starts clients."""
    folder = tmp_path / "journals"
    folder.mkdir()
    loads = []

    def start(site, **options):
        loads.append(Load(site, folder, **options))
        return loads[-1]

    yield start
    for each in loads:
        for child in each.children:
            child.kill()


# -- what they have written ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """One of a client: ``outcome`` is done, refused or unknown, ``told`` what it was answered."""

    kind: str
    key: str
    begun: float
    ended: float
    outcome: str
    told: object


@dataclass
class History:
    """All operations of all clients."""

    operations: list[Operation]

    @classmethod
    def read(cls, folder):
        """Of the journals; a line that was not written to its end was not written."""
        found = []
        for path in folder.glob("*.journal"):
            lines = [json.loads(line) for line in path.read_text("ascii").splitlines(keepends=True) if line[-1] == "\n"]
            begun = {line["op"]: line for line in lines if "kind" in line}
            ended = {line["op"]: line for line in lines if "kind" not in line}
            found += [_operation(line, ended.get(number)) for number, line in begun.items()]
        return cls(sorted(found, key=lambda each: each.begun))

    def of(self, kind, outcome="done"):
        """Those of that kind that ended so."""
        return [each for each in self.operations if (each.kind, each.outcome) == (kind, outcome)]

    def check(self, ledger):
        """I1 to I5; how many certificates were received."""
        received = self.of("receive")
        ledger.told = [raws for _, raws in (each.told for each in received)]
        ledger.unknown = len(self.of("receive", "unknown"))
        ledger.check()
        self._check_once()
        self._check_published(ledger)
        return len(received)

    def _check_once(self):
        tokens = Counter(each.key for each in self.of("redeem"))
        assert not tokens or 1 == max(tokens.values()), "a code gave two tokens (I3)"
        certificates = defaultdict(set)
        for each in self.of("receive"):
            certificates[each.key].add(each.told[0])
        assert all(len(ids) == 1 for ids in certificates.values()), "a token gave two certificates (I3)"

    def _check_published(self, ledger):
        looks = self.of("look")
        entries = ledger.entries()
        for each in self.of("revoke"):
            mine = set(entries[each.key])
            assert all(mine <= set(look.told) for look in looks if look.begun > each.ended), "lost again (I5)"
        revoked = {each.key for each in self.operations if each.kind == "revoke"}
        given_up = {id_ for id_, stage in ledger.stages().items() if stage == GIVEN_UP}
        allowed = {entry for id_ in revoked | given_up for entry in entries[id_]}
        assert all(set(look.told) <= allowed for look in looks), "revoked by nobody"
        in_order = sorted(looks, key=lambda look: look.ended)
        for before, after in pairwise(in_order):
            assert after.begun < before.ended or set(before.told) <= set(after.told), "undone (I5)"


def _operation(begun, ended):
    outcome = next((name for name in ("done", "refused", "unknown") if ended and name in ended), "unknown")
    at = ended["at"] if ended else float("inf")
    return Operation(begun["kind"], begun["key"], begun["at"], at, outcome, ended.get(outcome) if ended else None)


def _check_settled(issuer, ledger, tmp_path):
    """I4: what was cut short is given up a minute later, and published as revoked."""
    (tmp_path / "clock").write_text("120")
    issuer.restart(before=shifted(tmp_path / "clock"))
    statuses = StatusToken.read(issuer.ask("GET", "/status/1").body).list
    entries, stages = ledger.entries(), ledger.stages()
    assert 0 not in stages.values()
    burnt = [entry for id_, stage in stages.items() if stage == GIVEN_UP for entry in entries[id_]]
    assert {Status.REVOKED} >= {statuses[entry] for entry in burnt}


class Books:
    """What stands in a database, for histories that are made up."""

    def __init__(self, **entries):
        self._entries = defaultdict(list, entries)

    def entries(self):
        return self._entries

    def stages(self):
        return dict.fromkeys(self._entries, 1)


def _done(kind, key, at, told=None):
    return Operation(kind, key, at, at + 0.5, "done", told)


@pytest.mark.parametrize(
    ("operations", "seen"),
    [
        ([_done("redeem", "code", 1), _done("redeem", "code", 2)], "two tokens"),
        ([_done("receive", "code", 1, ["c-1", []]), _done("receive", "code", 2, ["c-2", []])], "two certificates"),
        ([_done("revoke", "c-1", 1), _done("look", "", 2, [])], "lost again"),
        ([_done("look", "", 1, [7])], "revoked by nobody"),
        ([_done("revoke", "c-1", 4), _done("look", "", 1, [7]), _done("look", "", 2, [])], "undone"),
        ([_done("revoke", "c-1", 1), _done("look", "", 2, [7]), _done("redeem", "code", 3)], ""),
    ],
)
def test_the_checker_sees_what_is_wrong(operations, seen):
    """A history in which something happened that must not is told apart from one in which nothing did."""
    history, books = History(operations), Books(**{"c-1": [7]})
    found = ""
    try:
        history._check_once()
        history._check_published(books)
    except AssertionError as exc:
        found = str(exc)

    assert seen in found
    assert bool(seen) == bool(found)


# -- killed ----------------------------------------------------------------------------------------------------


def test_a_service_killed_under_load_loses_nothing(issuer, ledger, load, tmp_path):
    """Again and again, at random, and it is ready with the first answer after each (F-02, I1 to I5, I12)."""
    issuer.start()
    clients, chance = load(issuer, ports=[issuer.port]), random.Random(2)
    with Watch(issuer) as watch:
        for _ in range(ROUNDS):
            clients.work(2000 * CLIENTS)
            time.sleep(chance.uniform(0, 0.2))
            issuer.kill()
            watch.starts(issuer.port)
            issuer.start()
            watch.sees(issuer.port)
        clients.work()
    history = clients.stop()

    assert [] == watch.found()
    assert history.check(ledger) > ROUNDS
    assert history.of("receive", "unknown") or history.of("redeem", "unknown") or history.of("offer", "unknown")
    _check_settled(issuer, ledger, tmp_path)


def test_a_database_that_crashes_under_load_loses_nothing(nursery, town, postgres, ledger_of, load, tmp_path):
    """Stopped as in a crash and in order, and away for a while: 503 until it is back, and nothing twice (F-09, I8)."""
    with closing(IssuerSite(nursery, town, tmp_path, database=postgres.empty())) as issuer, Watch(issuer) as watch:
        ledger = ledger_of(issuer)
        issuer.start()
        clients = load(issuer, ports=[issuer.port])
        for round_ in range(12 if FULL else 2):
            clients.work(2000 * CLIENTS)
            postgres.stop("immediate" if round_ % 2 else "fast")
            with watch.away():
                away = issuer.ask("GET", "/readyz").status
                time.sleep(20 if FULL and round_ == 5 else 0.2)
            postgres.start()
            begun = time.monotonic()
            while not issuer.is_ready():
                assert time.monotonic() < begun + 60, issuer.log
            assert 503 == away
        clients.work()
        watch.sees(issuer.port)
        history = clients.stop()

        assert [] == watch.found()
        assert history.check(ledger) > 1
        _check_settled(issuer, ledger, tmp_path)


def test_a_service_takes_no_more_after_a_load_than_before(issuer, load):
    """A second load brings it no memory and no files that the first one had not (I11)."""
    child, weights = issuer.start(), []
    for _ in range(2):
        clients = load(issuer, ports=[issuer.port])
        for _ in range(10 if FULL else 1):
            clients.work(4000 * CLIENTS)
        clients.stop()
        weights.append(_settled(child.pid))

    assert [] == weights[1].since(weights[0])


def _settled(pid):
    """What a process takes when it has noticed that its clients are gone."""
    weight, deadline = Weight.of(pid), time.monotonic() + 10
    while time.monotonic() < deadline:
        time.sleep(0.5)
        before, weight = weight, Weight.of(pid)
        if before.files == weight.files:
            break
    return weight


# -- told to end, given new keys -------------------------------------------------------------------------------


def test_a_service_that_is_told_to_end_finishes_what_it_began(issuer, ledger, load):
    """Exit code 0, nothing cut short, and every answer arrives (F-19)."""
    issuer.start()
    clients = load(issuer, ports=[issuer.port])
    for _ in range(10 if FULL else 2):
        clients.work(2000 * CLIENTS)
        assert 0 == issuer.end()
        issuer.start()
    history = clients.stop()

    assert history.check(ledger)
    unknown = [each for each in history.operations if each.outcome == "unknown"]
    stopped = sum(each.kind == "receive" and not each.told for each in unknown)  # the clients, at the end
    assert "ConnectionAbortedError" not in {each.told for each in unknown}  # no answer was cut
    assert len(ledger.stages()) <= len(ledger.told) + stopped  # and nothing was done for those who got none


def test_new_keys_are_taken_into_use_under_load(nursery, town, ledger, issuer, load, tmp_path):
    """A worker with the new keys takes over from one with the old: no request fails, and both verify (F-17, I7)."""
    old, new = free_port(), free_port()
    issuer.start(old)
    with (
        closing(Proxy(old, port=issuer.port)) as front,
        closing(IssuerSite(nursery, town.with_new_signers(tmp_path / "next"), tmp_path)) as successor,
    ):
        clients = load(issuer, ports=[issuer.port])
        clients.work(4000 * CLIENTS)
        successor.start(new)
        front.target = new
        switched = time.monotonic()
        clients.work(2000 * CLIENTS)
        assert 0 == issuer.end(old)
        clients.work(4000 * CLIENTS)
        history = clients.stop()
        history.check(ledger)

    failed = [each for each in history.operations if each.outcome == "unknown" and each.ended < float("inf")]
    signers: dict[bool, set[str]] = defaultdict(set)
    for each in history.of("receive"):
        signers[each.begun > switched] |= {raw.partition(".")[0] for raw in each.told[1]}
    assert [] == failed
    assert signers[True]
    assert signers[False] - signers[True]
    assert 1 == len(signers[True])


# -- all at once -----------------------------------------------------------------------------------------------


def test_four_workers_give_every_entry_once(issuer, ledger, load):
    """Through four processes, in lists so small that they change over; no order of entries can be seen (F-23, I2)."""
    ports = [issuer.port, *(free_port() for _ in range(3))]
    for port in ports:
        issuer.start(port, before=SMALL.format(4096 if FULL else 64))
    clients = load(issuer, ports=ports, copies=10)
    deadline = time.monotonic() + 240
    while len(ledger.given()) < (10_000 if FULL else 140) and time.monotonic() < deadline:
        clients.work(4000)
        time.sleep(0.2)
    history = clients.stop()
    with closing(Database(issuer.database)) as database, database._engine.reading() as connection:
        lists = connection.exec_driver_sql("SELECT number FROM status_lists ORDER BY number").scalars().all()
    received = [_entries(raws) for _, raws in (each.told for each in history.of("receive"))]
    pairs = [pair for entries in received for pair in pairwise(entries)]
    rising = sum(before < after for before, after in pairs) / len(pairs)

    ledger.told = [raws for _, raws in (each.told for each in history.of("receive"))]
    ledger.unknown = len(history.of("receive", "unknown"))
    ledger.check()
    assert list(range(1, len(lists) + 1)) == lists
    assert len(lists) > 1
    assert 0.25 < rising < 0.75


def _entries(copies):
    """The status entries of a certificate's copies, in the order in which the wallet has them."""
    statuses = [SdJwt.parse(raw).check_disclosures().status for raw in copies]
    return [status.index for status in statuses if status]


def test_no_revocation_is_lost_among_issuances(issuer, ledger, load):
    """Certificates are issued and revoked through two workers, and the list is fetched all the time (F-24, I5)."""
    other = free_port()
    issuer.start()
    issuer.start(other)
    clients = load(issuer, ports=[issuer.port, other])
    count = 500 if FULL else 10
    deadline = time.monotonic() + 200
    while len(ledger.stages()) < 2 * count and time.monotonic() < deadline:
        clients.work(4000)
    history = clients.stop()
    history.check(ledger)
    revoked = {entry for each in history.of("revoke") for entry in ledger.entries()[each.key]}
    statuses = StatusToken.read(issuer.ask("GET", "/status/1", port=other).body).list
    published = {
        entry for entries in ledger.entries().values() for entry in entries if statuses[entry] == Status.REVOKED
    }
    unknown = {entry for each in history.of("revoke", "unknown") for entry in ledger.entries()[each.key]}

    assert revoked <= published <= revoked | unknown
    assert revoked
