"""What a wallet remembers of logs of use: in memory as in a database, and there sealed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.errors import StoreError
from ewallet.history import Head
from ewallet.keys import SigningKey
from ewallet.sighting import Departure, Sighting
from ewallet.sql import Database
from ewallet.testing.clock import START
from ewallet.testing.stores import MemoryWalletStore

KEY = SigningKey.generate("EdDSA")
LOG, OTHER = "canary-log.example/log", "another-log.example/log"
PASSPHRASE = "correct horse battery staple"


def _raw(size, origin=LOG):
    return Head(origin, size, bytes([size]) * 32).signed(KEY).to_bytes()


def _seen(size, origin=LOG):
    return Sighting(raw=_raw(size, origin), by="canary-host.example", at=START)


def _departure(size):
    at = START + timedelta(days=size)
    return Departure(code="log.rollback", earlier=_raw(9), later=_raw(size), by="canary-host.example", at=at)


@pytest.fixture(params=["memory", "sqlite-memory", "sqlite-file", "postgres"])
def store(request, tmp_path):
    """A new wallet of each kind."""
    if request.param == "memory":
        yield MemoryWalletStore()
        return
    urls = {"sqlite-memory": "sqlite://", "sqlite-file": f"sqlite:///{tmp_path}/new.db"}
    url = urls.get(request.param) or request.getfixturevalue("postgres").empty()
    with closing(Database(url)) as database:
        yield database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)


def test_the_newest_of_each_log_is_kept(store):
    """By origin, every byte, with who showed it and when."""
    for sighting, after in ((_seen(3), None), (_seen(1, OTHER), None), (_seen(5), _seen(3))):
        store.put_sighting(sighting, after=after)
    assert (_seen(1, OTHER), _seen(5)) == store.sightings()


@pytest.mark.parametrize("after", [None, _seen(2), replace(_seen(3), by="somebody.else")])
def test_what_was_put_there_meanwhile_stays(store, after):
    """Another program was faster."""
    store.put_sighting(_seen(3), after=None)
    store.put_sighting(_seen(5), after=after)
    assert (_seen(3),) == store.sightings()


def test_nothing_takes_the_place_of_what_is_not_there(store):
    """A log is not invented."""
    store.put_sighting(_seen(5), after=_seen(3))
    assert () == store.sightings()


def test_everything_that_was_noticed_is_kept(store):
    """The newest first, both checkpoints as they were signed, also twice the same."""
    for size in (4, 5, 5):
        store.put_departure(_departure(size))
    assert (_departure(5), _departure(5), _departure(4)) == store.departures()


@pytest.fixture
def path(tmp_path):
    """The file of a wallet that has seen a log, and it departing from that."""
    path = tmp_path / "wallet.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
        store.put_sighting(_seen(9), after=None)
        store.put_departure(_departure(5))
        store.backup(tmp_path / "backup")
    return path


def test_what_was_seen_is_sealed(path):
    """Which logs a person's data are in says who has data of theirs."""
    assert not any(b"canary" in file.read_bytes() for file in path.parent.iterdir())


@pytest.mark.usefixtures("path")
def test_what_was_seen_is_in_a_backup(tmp_path):
    """Evidence is not lost with a phone."""
    with closing(Database(f"sqlite:///{tmp_path / 'new' / 'wallet.db'}")) as database:
        restored = database.restore(tmp_path / "backup", PASSPHRASE)
        assert ((_seen(9),), (_departure(5),)) == (restored.sightings(), restored.departures())


@pytest.mark.parametrize("table", ["sightings", "departures"])
def test_what_somebody_changed_in_the_file_is_noticed(path, table):
    """A log that is to be forgotten is not forgotten quietly."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {table} SET sealed = randomblob(600)")  # noqa: S608 - a name of ours
    with closing(Database(f"sqlite:///{path}")) as database:
        store = database.wallet(PASSPHRASE)
        with pytest.raises(StoreError) as refused:
            getattr(store, table)()
    assert "storage.corrupt" == refused.value.code
