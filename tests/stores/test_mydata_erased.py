"""After a deletion: nothing of the person is in a file, and nothing that comes back from a backup can be read."""

from __future__ import annotations

import logging
import shutil
from contextlib import ExitStack, closing, contextmanager
from hashlib import sha256

import pytest

from ewallet.errors import ConsentError, NotFound
from ewallet.history import Entry
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.canary import found
from ewallet.testing.kit import Kit
from ewallet.testing.mydata import BANK, CITIZEN, World

KIND = "resident_register_abstract"
CANARY = "카나리아 canary-7f3a91"
EVIDENCE = b"a presentation that says canary-7f3a91 as well"
WORDS = (CANARY, "canary-7f3a91", EVIDENCE.decode(), "가상은행", "신용대출")


class Office:
    """A portal in files, which can be closed, copied, and opened again."""

    def __init__(self, folder):
        self.folder = folder
        self.key = SigningKey.generate("EdDSA")
        self.catalog = Kit.make().catalog

    @contextmanager
    def open(self):
        """The world of it."""
        with ExitStack() as stack:
            portal, keys = (
                stack.enter_context(closing(Database(f"sqlite:///{self.folder}/{name}.db")))
                for name in ("portal", "keys")
            )
            world = World.on(portal, keys, self.key, catalog=self.catalog)
            world.kit.records.given[CITIZEN, KIND] = {**self.catalog.type(KIND).sample, "name": CANARY}
            yield world

    def found(self, *needles):
        """Where these bytes are, in each spelling that a file may have them in."""
        return found(self.folder, *needles)


@pytest.fixture
def office(tmp_path):
    """An office whose person has given, and whose bank has got."""
    folder = tmp_path / "office"
    folder.mkdir()
    return Office(folder)


def _used(world):
    consent = world.mydata.propose("bank_personal_loan", recipient=BANK, days=30)
    world.mydata.give(consent, CITIZEN, evidence=EVIDENCE)
    package = world.mydata.download(consent.id, recipient=BANK)
    world.mydata.export(CITIZEN, "csv", kinds=[KIND])
    return consent, package


def _keys(world):
    handles = [slot.handle for slot in world.mydata._people.slots(CITIZEN)]
    return handles, [world.vault._keys.key(name) for name in (CITIZEN, *handles)]


def test_no_file_has_a_canary_before_or_after(office, caplog):
    """MYD-10, MYD-11: no database, no log of one, nothing that was logged at any level; while the process runs."""
    caplog.set_level(logging.DEBUG)
    with office.open() as world:
        consent, package = _used(world)
        handles, keys = _keys(world)
        assert CANARY in repr([member.payload for member in package.evidence()])
        assert [] == office.found(*WORDS, *package.members, consent.text)
        assert [] != office.found(consent.id)
        assert {"keys.db", "keys.db-wal"} >= {name for name, _ in office.found(*keys)} != set()
        world.mydata.erase(CITIZEN)

        assert [] == office.found(*WORDS, *package.members, *keys, consent.text)
        assert [] == [name for name, needle in office.found(*handles) if needle not in world.store.tombstones()]
    assert [] == [word for word in (*WORDS, CITIZEN, consent.id) if word in caplog.text]


def test_nothing_that_a_backup_brings_back_can_be_read(office):
    """MYD-11: rows of the main database are there again, and are noise; nothing is provided under them."""
    with office.open() as world:
        consent, _ = _used(world)
        handles, _ = _keys(world)
        row, package = world.store.consent(consent.id), world.store.package(consent.id, 0)
    backup = office.folder.parent / "backup.db"
    shutil.copy(office.folder / "portal.db", backup)
    with office.open() as world:
        world.mydata.erase(CITIZEN)
    for suffix in ("", "-wal", "-shm"):
        (office.folder / f"portal.db{suffix}").unlink(missing_ok=True)
    shutil.copy(backup, office.folder / "portal.db")
    office.key = SigningKey.generate("EdDSA")  # the log of the backup is an older one, and another one from now on

    with office.open() as world:
        world.mydata.recover()
        assert (row, package) == (world.store.consent(consent.id), world.store.package(consent.id, 0))
        assert ((), (), ()) == tuple(
            each(CITIZEN) for each in (world.mydata.consents, world.mydata.notices, world.mydata.history)
        )
        with pytest.raises(ConsentError) as refused:
            world.mydata.download(consent.id, recipient=BANK)
        assert "consent.required" == refused.value.code
        for handle in (CITIZEN, *handles):
            with pytest.raises(NotFound) as missing:
                world.vault.unseal(handle, package.sealed, "package", package.id)
            assert "storage.not_found" == missing.value.code
        assert () == world.mydata.run_due()


def test_keys_that_a_backup_brings_back_are_destroyed_at_start(office):
    """The main database remembers whose they were, without saying that they were one person's."""
    with office.open() as world:
        consent, package = _used(world)
        _, keys = _keys(world)
    backup = office.folder.parent / "backup.db"
    shutil.copy(office.folder / "keys.db", backup)
    with office.open() as world:
        world.mydata.erase(CITIZEN)
    for suffix in ("", "-wal", "-shm"):
        (office.folder / f"keys.db{suffix}").unlink(missing_ok=True)
    shutil.copy(backup, office.folder / "keys.db")

    with office.open() as world:
        assert [] != office.found(*keys)
        assert len(keys) == world.mydata.recover()
        assert 0 == world.mydata.recover()
        assert [] == office.found(*keys, *WORDS, *package.members)
        assert consent.id not in {given.consent.id for given in world.mydata.consents(CITIZEN)}


def test_log_still_holds_and_means_nothing(office):
    """I6, I9: every checkpoint is a prefix, every entry is where it was, and nobody can say whose it is."""
    with office.open() as world:
        _used(world)
        pasts = world.mydata.history(CITIZEN)
        before = world.register.log.checkpoint()
        world.mydata.erase(CITIZEN)
        world.register.log.check()
        world.register.log.since(before).check(world.register.believed)
        entries = [Entry.read(raw) for raw in world.register.store.entries(0, 100)]

    assert ["consent.given", "package.downloaded", "data.exported", "data.deleted"] == [e.event.type for e in entries]
    assert [past.entry for past in pasts] == entries[:3]
    commitments = {entry.event.commitment for entry in entries}
    guesses = {sha256(guess).digest() for past in pasts for guess in (past.payload, EVIDENCE, CANARY.encode())}
    assert set() == commitments & guesses
