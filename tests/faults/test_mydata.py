"""A portal killed at any durable write of a consent, a download, a withdrawal, a deletion: whole, and once on record.

The portal is a real process, ended by ``strace`` at the n-th call that writes to its databases or says what is done,
for every n in a sweep and for some in a plain run. Whoever got no answer then asks again (I6, I9).
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ewallet.consent import Consent
from ewallet.history import Entry
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.clock import START
from ewallet.testing.mydata import BANK, CITIZEN, World

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
CLERK = Path(__file__).with_name("clerk.py")
STEPS = ("give", "download", "withdraw", "erase")
WRITES = ("fdatasync", "pwrite64", "ftruncate", "write")
POINTS = 1 << 20 if FULL else 6
APART = {"pwrite64": 8}  # between two syncs one write is as another: all of them are there, or none counts
WAIT = """\
import time
from pathlib import Path
while "TracerPid:\\t0\\n" in Path("/proc/self/status").read_text():
    time.sleep(0.002)
"""
ENTRIES = ["consent.given", "package.downloaded", "consent.withdrawn", "package.revoked", "data.deleted"]


class Portal:
    """A folder with a portal's databases, in which a clerk is at work."""

    def __init__(self, nursery, template, folder):
        shutil.copytree(template, folder)
        self.nursery = nursery
        self.folder = folder
        self.runs = 0
        self.said = {}
        self.consent = Consent.parse((folder / "consent").read_bytes()).id

    def start(self, before=""):
        """A clerk who goes on with the first step of which nobody heard that it was done."""
        self.runs += 1
        steps = [step for step in STEPS if step not in self.said]
        log = self.folder.with_suffix(f".{self.runs}")
        return self.nursery.run(str(CLERK), str(self.folder), str(5 * self.runs), *steps, log=log, before=before)

    def hear(self, child):
        """What it said; again the same, where it was said before."""
        lines = child.log.read_text("utf-8").splitlines(keepends=True)
        assert "Traceback" not in "".join(lines), "".join(lines)
        for line in lines:
            if line.endswith("\n"):
                told = json.loads(line)
                assert told["said"] == self.said.setdefault(told["step"], told["said"]), told

    def check_whole(self):
        """Whatever is there has its entry, and every entry has what it is about."""
        with closing(Database(self._url("portal"))) as database, database._engine.reading() as connection:
            types: list[str] = [(Entry.read(bytes(raw)).event.type) for (raw,) in connection.exec_driver_sql(_ENTRIES)]
            for table, type_ in (("consents", "consent.given"), ("packages", "package.downloaded")):
                rows = connection.exec_driver_sql(f"SELECT seq FROM mydata_{table}").scalars().all()  # noqa: S608
                assert all(types[seq] == type_ for seq in rows), table
                assert len(rows) == types.count(type_) or "data.deleted" in types, table
            noted = connection.exec_driver_sql("SELECT seq FROM mydata_notices").scalars().all()
            kept = connection.exec_driver_sql("SELECT count(*) FROM mydata_openings").scalar()
        assert all(types[seq] == "package.downloaded" for seq in noted)
        assert dict.fromkeys(types, 1) == Counter(types), "logged twice"
        assert kept == len(types) or (kept, types[-1]) == (0, "data.deleted"), "half done"

    def check_ended(self):
        """Everything happened, once; nothing can be read, and nothing that was issued is believed."""
        with closing(Database(self._url("portal"))) as portal, closing(Database(self._url("keys"))) as keys:
            at = START + timedelta(days=1)
            world = World.on(portal, keys, SigningKey.load(self.folder / "log.key"), at=at)
            assert 0 == world.mydata.recover()
            raws = world.register.store.entries(0, 100)
            assert ENTRIES == [Entry.read(raw).event.type for raw in raws]
            world.register.log.check()
            assert ((), ()) == (world.mydata.consents(CITIZEN), world.mydata.history(CITIZEN))
            statuses = {each.status.name for each in world.kit.issuer.certificates(self.consent)}
            assert {"REVOKED"} == statuses
            assert {CITIZEN} < set(world.store.tombstones())

    def _url(self, name):
        return f"sqlite:///{self.folder}/{name}.db"


_ENTRIES = "SELECT entry FROM log_entries ORDER BY seq"


@pytest.fixture
def portal(nursery, tmp_path):
    """Portals that nobody has used yet: their databases are there, and a consent was proposed."""
    folder = tmp_path / "template"
    folder.mkdir()
    key = SigningKey.generate("EdDSA")
    key.save(folder / "log.key")
    SigningKey.generate().save(folder / "bank.key")
    urls = [f"sqlite:///{folder}/{name}.db" for name in ("portal", "keys")]
    with closing(Database(urls[0])) as database, closing(Database(urls[1])) as keys:
        consent = World.on(database, keys, key).mydata.propose("bank_personal_loan", recipient=BANK, days=30)
    (folder / "consent").write_bytes(consent.to_bytes())
    return lambda: Portal(nursery, folder, tmp_path / f"portal-{len([*tmp_path.iterdir()])}")


def _points(strace, portal):
    """Every call of one undisturbed clerk, by name and number."""
    child = portal.start(WAIT)
    with strace.attached(child, f"trace={','.join(WRITES)}"):
        assert 0 == child.wait(), child.log.read_text("utf-8")
    portal.hear(child)
    counts = Counter(name for _, name, _ in strace.lines)
    found = [(name, number) for name in WRITES for number in range(1, counts[name] + 1, APART.get(name, 1))]
    return found[:: max(1, len(found) // POINTS)]


def test_a_portal_killed_at_any_write_ends_what_it_began(portal, strace):
    """Nothing is lost, half done, unlogged or logged twice; what was said to be done is, and is said again so."""
    undisturbed = portal()
    points, killed = _points(strace, undisturbed), 0
    undisturbed.check_ended()
    for name, number in points:
        office = portal()
        child = office.start(WAIT)
        with strace.attached(child, f"trace={name}", f"inject={name}:signal=KILL:when={number}"):
            killed += child.wait() < 0
        office.hear(child)
        office.check_whole()
        again = office.start()
        assert 0 == again.wait(), (name, number, again.log.read_text("utf-8"))
        office.hear(again)
        assert set(STEPS) == set(office.said), (name, number)
        office.check_ended()

    assert killed > len(points) // 2
