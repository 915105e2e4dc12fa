"""Two workers of a portal that are killed again and again while standing consents fall due: each cycle once, and all.

They are real processes on one database, whose minute is two hundredths of a second long and whose clock goes on by
months. Whatever they leave is whole: a package, a notice, an entry and a message for each cycle (I6, I9);
and whoever is started again is ready with the first answer, log and keys and all (I8, I12).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest

from ewallet.env import Env
from ewallet.history import Entry, Note
from ewallet.history.checkpoint import Head
from ewallet.testing import bank
from ewallet.testing.nursery import free_port
from ewallet.testing.sites import shifted
from ewallet.testing.visit import PortalSite
from ewallet.testing.watch import Watch
from issuer_service import settings
from issuer_service.mydata import MyDataDesk
from issuer_service.service import Service

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
CONSENTS = 40 if FULL else 6
MONTHS = 4 if FULL else 2
KILLS = 12 if FULL else 3
STANDING = "local_youth_job_support"
BRISK = "from issuer_service import jobs\njobs._PAUSE = 0.02\n"
PERSON = "hong"


class Nights:
    """A portal with standing consents, and the clock of its workers."""

    def __init__(self, nursery, town, folder):
        self.site = PortalSite(nursery, town, folder)
        self.site.bank = bank.Bank.make(Env().now(), class_="local_government")
        self.site.settings = bank.portal(town.folder, self.site.bank)
        self.clock = folder / "seconds"
        self.ports = (self.site.port, free_port())
        self.now(0)

    def now(self, days):
        """Let the workers believe that so many days have gone by."""
        draft = self.clock.with_suffix(".new")
        draft.write_text(f"{days * 86_400}", "utf-8")
        draft.replace(self.clock)

    def desk(self):
        """The portal in this process, for the time that has come."""
        told = {name.removeprefix("EWALLET_").lower(): value for name, value in self.site.environment(0).items()}
        later = timedelta(seconds=float(self.clock.read_text("utf-8")))
        service = Service.of(settings.read(told | {"unsafe_loopback": True}), Env(now=lambda: Env().now() + later))
        return service, MyDataDesk.of(service)

    def opened(self):
        """The same, closed at the end."""
        return closing(_Closing(*self.desk()))

    def begin(self, port):
        """Start a worker."""
        self.site.start(port, before=BRISK + shifted(self.clock))


class _Closing:
    def __init__(self, service, desk):
        self.service, self.desk = service, desk

    def close(self):
        self.desk.keys.close()
        self.service.database.close()


@pytest.fixture
def nights(nursery, town, tmp_path):
    """The consents are given, and nobody has begun to work."""
    found = Nights(nursery, town, tmp_path)
    with found.opened() as here:
        mydata = here.desk.mydata
        for _ in range(CONSENTS):
            consent = mydata.propose(STANDING, recipient=found.site.bank.recipient.id, days=300)
            mydata.give(consent, PERSON, evidence=b"the receipt of an invented consent")
    with closing(found.site):
        yield found


def _provided(here):
    """By consent and cycle, how many packages; and whether anything is still due."""
    with here.service.database._engine.reading() as connection:
        rows = connection.exec_driver_sql("SELECT consent, cycle FROM mydata_packages").all()
    return Counter((consent, cycle) for consent, cycle in rows)


def _messages(mydata):
    """All, as recipients hear them: what was told makes room for the next."""
    found = []
    while page := mydata.messages():
        found += page
        for message in page:
            mydata.told(message.id)
    return found


def _settled(nights, cycle):
    """Wait until nothing is due any more."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with nights.opened() as here:
            if not here.service.database.mydata.due(here.service.env.now(), 1):
                return
        time.sleep(0.1)
    raise AssertionError((cycle, nights.site.log))


def test_each_cycle_is_provided_once_whoever_is_killed(nights):
    """No cycle is left out, none has two packages, and none a package without notice, entry and message."""
    with Watch(nights.site) as watch:
        for cycle in range(MONTHS):
            nights.now(31 * cycle)
            for port in nights.ports:
                nights.begin(port)
            for kill in range(KILLS):
                time.sleep(0.03 * (kill + 1))
                victim = nights.ports[kill % 2]
                nights.site.kill(victim)
                watch.starts(victim)
                nights.begin(victim)
                watch.sees(victim)
            _settled(nights, cycle)
            nights.site.close()

    assert [] == watch.found(), nights.site.log
    with nights.opened() as here:
        assert dict.fromkeys(_provided(here), 1) == _provided(here)
        assert CONSENTS * MONTHS == len(_provided(here))
        entries = [Entry.read(raw).event for raw in here.service.database.history.entries(0, 10_000)]
        done = [event for event in entries if event.type == "package.downloaded" and event.outcome == "done"]
        mydata = here.desk.mydata
        assert CONSENTS * MONTHS == len(done) == len(mydata.notices(PERSON)) == len(_messages(mydata))
        newest = Head.read(Note.read(here.service.database.history.checkpoint()).text)
        assert newest == here.desk.log.check(), "a checkpoint that nobody asked for"
    assert "Traceback" not in nights.site.log


def test_what_a_run_made_ready_is_fetched_by_the_recipient(nights):
    """By its own token, naming the consent; fetched once, nobody is told any more that it waits."""
    nights.begin(nights.site.port)
    _settled(nights, 0)
    with nights.opened() as here:
        consents = [message.consent for message in here.desk.mydata.messages()]
    client = nights.site.client()
    packages = [client.package(client.again(consent)) for consent in consents]
    assert consents == [package.consent.id for package in packages]
    with nights.opened() as here:
        assert () == here.desk.mydata.messages()


def test_a_process_that_is_told_to_end_ends_its_run_first(nights):
    """SIGTERM in the middle of a run leaves the database closed and whole."""
    nights.begin(nights.site.port)
    assert 0 == nights.site.end()
    with nights.opened() as here:
        assert here.desk.log.check().size >= CONSENTS
    assert "Traceback" not in nights.site.log
