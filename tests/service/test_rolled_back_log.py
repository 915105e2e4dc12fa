"""A portal whose databases were put back to older copies, and the wallet of a person who has been there before."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ewallet.aio import AsyncWallet, threaded
from ewallet.env import Env
from ewallet.errors import StoreError
from ewallet.history import Believed, Checkpoint, Log, key_of
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.history import event
from ewallet.testing.nursery import Nursery
from ewallet.testing.pki import listed_log
from ewallet.testing.sites import IMPORTS, Town
from ewallet.testing.stores import MemoryWalletStore
from ewallet.testing.visit import IDENTITY, PortalSite

LOG = SigningKey.generate("EdDSA")


@dataclass
class Person:
    """A wallet at a terminal, and the portal that it gets certificates from."""

    site: PortalSite
    folder: Path
    lang: str = "en"

    @property
    def origin(self):
        """The name of the portal's log."""
        return f"{self.site.host}/mydata/log"

    def wallet(self, *arguments):
        """The command, as the person types it."""
        own = {"DATA": str(self.folder / "pocket"), "PASSPHRASE_FILE": str(self.folder / "passphrase")}
        own |= {name: self.site.settings[name] for name in ("TRUST", "TRUST_KEY")}
        own |= {"LANG": self.lang, "UNSAFE_LOOPBACK": "1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EWALLET_")}
        return subprocess.run(
            [sys.executable, "-m", "ewallet.cli", *arguments],
            env=kept | {f"EWALLET_{name}": value for name, value in own.items()},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def receives(self, *arguments):
        """A certificate that the portal offers."""
        return self.wallet("receive", self.site.offer().uri, "--yes", "--copies", "1", *arguments)

    def told(self, verb):
        """What the wallet says to a program."""
        return json.loads(self.wallet(verb, "--json").stdout)

    def meanwhile(self, count, *, back_to=None):
        """The portal stops, is put back to an older copy, has so many events more on record, and is there again."""
        self.site.end()
        if back_to:
            shutil.rmtree(self.site.file.parent)
            shutil.copytree(back_to, self.site.file.parent)
        with closing(Database(self.site.database)) as database:
            for _ in range(count):
                database.history.append(event(Env().random, at=Env().now()))
        self.site.start()

    def copied(self):
        """A copy of both databases, made while the portal does not run."""
        self.site.end()
        copy = self.folder / "copy"
        shutil.copytree(self.site.file.parent, copy)
        self.site.start()
        return copy


@pytest.fixture(scope="module")
def nursery():
    """The process that services are forked from."""
    with closing(Nursery(*IMPORTS)) as nursery:
        yield nursery


@pytest.fixture
def person(nursery, tmp_path):
    """Somebody with a new wallet; the trust list names the portal's log."""
    town = Town.make(tmp_path / "town")
    site = PortalSite(nursery, town, tmp_path)
    person = Person(site, tmp_path)
    listed = town.pki.with_log(person.origin, LOG)
    (town.folder / "trust-list.jwt").write_text(listed.signed_trust_list(version=2), "ascii")
    LOG.save(town.folder / "log.key")
    site.settings |= {"LOG_KEY": str(town.folder / "log.key")}
    (tmp_path / "passphrase").write_text("correct horse battery staple", "utf-8")
    (tmp_path / "passphrase").chmod(0o600)
    with closing(site):
        site.start()
        assert 0 == person.wallet("init").returncode
        yield person


@pytest.mark.loopback
def test_a_person_sees_that_a_log_was_put_back(person):
    """The certificate is there, the wallet says it aloud by name, and both checkpoints are kept as they were signed."""
    copy = person.copied()
    person.meanwhile(5)
    before = person.receives()
    person.meanwhile(3, back_to=copy)
    after = person.receives()
    told = person.told("history")
    (noticed,) = told["departures"]
    believed = Believed(log=(key_of(person.origin, LOG.public),))
    signed = [Checkpoint.read(noticed[name]["checkpoint"].encode(), believed).head for name in ("seen", "shown")]

    assert (0, 1) == (before.returncode, after.returncode)
    assert "Received: " in after.stdout
    assert 2 == len(person.told("list")["certificates"])
    assert f"[log.rollback: {person.site.host} shows {person.origin} at size 3" in after.stderr
    assert "both signed checkpoints" in after.stderr
    assert ("log.rollback", [5, 3]) == (noticed["code"], [head.size for head in signed])
    assert [5] == [log["size"] for log in told["logs"]]


@pytest.mark.loopback
def test_a_person_sees_that_a_log_went_on_as_another(person):
    """It is larger than it was, and cannot prove that it goes on; said in Korean to whoever reads that."""
    copy = person.copied()
    person.meanwhile(2)
    person.receives()
    person.meanwhile(4, back_to=copy)
    person.lang = "ko"
    after = person.receives("--json")
    document = json.loads(after.stdout)

    assert 1 == after.returncode
    assert ["log.forked"] == [departure["code"] for departure in document["departures"]]
    assert 1 == len(document["certificates"])
    assert "서로 다른 두 기록이 서명되었습니다. [log.forked: " in after.stderr
    assert "이용내역" in person.wallet("history").stdout


@pytest.mark.loopback
def test_a_log_that_only_grows_is_gone_along_with(person):
    """From what was seen to what is there now; nobody is told anything."""
    for _ in range(2):
        person.meanwhile(3)
        assert 0 == person.receives().returncode
    told = person.told("history")
    assert ([6], []) == ([log["size"] for log in told["logs"]], told["departures"])


@pytest.mark.loopback
def test_an_awaited_wallet_notices_it_too(person):
    """By the same conversation."""
    site, trust = person.site, person.site.town.pki.with_log(person.origin, LOG).trust_list()
    wallet = AsyncWallet(store=MemoryWalletStore(), trust=trust, send=threaded(Http(unsafe_loopback=True)))
    copy = person.copied()
    person.meanwhile(2)
    asyncio.run(wallet.accept(site.offer().uri, copies=1))
    person.meanwhile(1, back_to=copy)
    (document,) = asyncio.run(wallet.accept(site.offer(IDENTITY).uri, copies=1))
    (departure,) = asyncio.run(wallet.departures())

    assert document in asyncio.run(wallet.documents())
    assert ("log.rollback", [2]) == (departure.code, [seen.head.size for seen in asyncio.run(wallet.sightings())])


# -- receipts --------------------------------------------------------------------------------------------------


@pytest.fixture
def hong(portal):
    """Hong at a portal in this process; the wallet's trust list names its log."""
    log = portal.site.desk.log
    listed = listed_log(log.origin, log.signer, portal.site.clock.now())
    trust = portal.wallet._trust
    portal.wallet._trust = replace(trust, anchors=(*trust.anchors, listed))
    portal.site.sign_in()
    portal.hold()
    return portal


def _logged(portal, count):
    env = portal.site.service.env
    for _ in range(count):
        portal.site.service.database.history.append(event(env.random, at=env.now()))


def test_a_receipt_says_how_far_the_log_is_too(hong):
    """What the portal countersigned under is what the wallet holds the log to from then on."""
    (first,) = hong.wallet.sightings()
    _logged(hong, 3)
    hong.confirm(hong.chosen(hong.asked()))
    (kept,), (seen,) = hong.wallet.receipts(), hong.wallet.sightings()

    assert (0, 3) == (first.head.size, seen.head.size)
    assert kept.signed[0].logged.checkpoint.encode() == seen.raw
    assert () == hong.wallet.departures()


def test_a_receipt_under_an_older_checkpoint_is_noticed(hong):
    """It is a receipt all the same, and is kept."""
    old = hong.site.desk.log.checkpoint()
    _logged(hong, 3)
    hong.hold()
    hong.site.desk.receipts._log = SimpleNamespace(checkpoint=lambda: old)
    hong.confirm(hong.chosen(hong.asked()))

    assert 1 == len(hong.wallet.receipts())
    assert ["log.rollback"] == [departure.code for departure in hong.wallet.departures()]


@pytest.mark.parametrize("code", ["storage.locked", "storage.unavailable"])
def test_a_certificate_is_not_lost_with_what_is_said_of_the_log(hong, monkeypatch, code):
    """It is made by then and handed out once; how far the log is, the next one says too."""

    def unreadable(_log):
        raise StoreError(code, "another program holds the database")

    monkeypatch.setattr(Log, "checkpoint", unreadable)
    before = len(hong.wallet.documents())
    hong.hold()
    assert before + 1 == len(hong.wallet.documents())
