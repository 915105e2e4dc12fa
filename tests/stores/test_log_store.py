"""The log of use in each store: no gap, no double place, nothing without what it is about (I6, MYD-08)."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from io import BytesIO

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.event import listen

from ewallet.errors import StoreError
from ewallet.history import Believed, Entry, Log, check_history, export, key_of
from ewallet.history import tree as trees
from ewallet.history.tree import Edge, grown
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.sql import history as log_statements
from ewallet.sql.history import append
from ewallet.sql.tables import log_entries
from ewallet.testing.clock import Entropy
from ewallet.testing.history import ORIGIN, MemoryLogStore, event

RANDOM = Entropy("log store")


@pytest.fixture(params=["memory", "sqlite-memory", "sqlite-file", "postgres"])
def store(request, tmp_path):
    """An empty log of each kind."""
    if request.param == "memory":
        yield MemoryLogStore()
        return
    urls = {"sqlite-memory": "sqlite://", "sqlite-file": f"sqlite:///{tmp_path}/log.db"}
    url = urls.get(request.param) or request.getfixturevalue("postgres").empty()
    with closing(Database(url)) as database:
        yield database.history


def test_places_are_given_in_order(store):
    """From 0 on, and what is read is what was written."""
    written = [store.append(event(RANDOM)) for _ in range(20)]

    assert list(range(20)) == [entry.seq for entry in written]
    assert [entry.to_bytes() for entry in written] == list(store.entries(0, 100))
    assert [written[7].to_bytes(), written[8].to_bytes()] == list(store.entries(7, 2))
    assert [] == list(store.entries(20, 5))


def test_the_edge_is_that_of_the_entries(store):
    """An empty log has one, too."""
    assert Edge() == store.edge()
    written = [store.append(event(RANDOM)) for _ in range(37)]

    assert grown(entry.leaf for entry in written) == store.edge()


def test_proofs_come_from_what_is_kept(store):
    """Of every entry in every size that the log had."""
    written = [store.append(event(RANDOM)) for _ in range(19)]
    for size in range(1, 20):
        root = grown(entry.leaf for entry in written[:size]).root
        assert root == trees.root(size, store.nodes)
        for entry in written[:size]:
            path = trees.inclusion_proof(entry.seq, size, store.nodes)
            assert trees.proves_inclusion(path, entry.leaf, entry.seq, size=size, root=root)


def test_a_hash_that_is_gone_is_noticed(store):
    """A proof without it would be another one."""
    store.append(event(RANDOM))
    with pytest.raises(StoreError) as caught:
        store.nodes([(0, 0), (3, 1)])

    assert "storage.corrupt" == caught.value.code


def test_entries_are_found_by_whom_they_are_about(store):
    """In the order in which they were written."""
    own = event(RANDOM)
    written = [store.append(each) for each in (own, event(RANDOM), own)]

    assert [written[0].to_bytes(), written[2].to_bytes()] == list(store.about(own.subject))
    assert [] == list(store.about("nobody"))


def test_the_newest_checkpoint_is_the_largest(store):
    """One that was cosigned takes the place of the bare one, and no other one of its size does."""
    assert store.checkpoint() is None
    for size, note, replace in ((3, b"three", False), (10, b"ten", False), (3, b"three, cosigned", True)):
        store.put_checkpoint(size, note, replace=replace)
    store.put_checkpoint(3, b"three again")

    assert b"ten" == store.checkpoint()
    assert [b"three, cosigned", b"ten"] == list(store.checkpoints())


def test_a_log_signs_what_its_store_has(store):
    """And the same checkpoint again while nothing is added."""
    log = Log(ORIGIN, SigningKey.generate("EdDSA"), store)
    store.append(event(RANDOM))
    first = log.checkpoint()
    assert first == log.checkpoint()
    store.append(event(RANDOM))
    later = log.checkpoint()

    assert first != later
    assert [first, later] == list(store.checkpoints())


# -- in the transaction of something else ------------------------------------------------------------------


@pytest.fixture
def shared(shared_url):
    """A database of each engine with a log, and with a table of something else."""
    with closing(Database(shared_url)) as database:
        _ = database.history
        with database._engine.writing() as connection:
            connection.execute(text("CREATE TABLE something (number INTEGER PRIMARY KEY)"))
        yield database


def _undone(shared):
    with shared._engine.writing() as connection:
        connection.execute(text("INSERT INTO something VALUES (2)"))
        assert 1 == append(connection, event(RANDOM)).seq
        _ = 1 // 0


def test_an_event_and_its_entry_are_there_together(shared):
    """A transaction that is undone leaves neither, and its place is given to the next."""
    with shared._engine.writing() as connection:
        connection.execute(text("INSERT INTO something VALUES (1)"))
        assert 0 == append(connection, event(RANDOM)).seq
    with pytest.raises(ZeroDivisionError):
        _undone(shared)
    with shared._engine.writing() as connection:
        connection.execute(text("INSERT INTO something VALUES (3)"))
        assert 1 == append(connection, event(RANDOM)).seq

    with shared._engine.reading() as connection:
        assert [(1,), (3,)] == [tuple(row) for row in connection.execute(text("SELECT number FROM something"))]
    assert 2 == shared.history.edge().size == len(shared.history.entries(0, 9))


def test_a_log_that_was_never_begun_takes_nothing(tmp_path):
    """Nor does one whose edge is damaged: it would go on from another tree."""
    path = tmp_path / "log.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        database.history.append(event(RANDOM))
        for damage in ("UPDATE log_head SET peaks = x'00'", "DELETE FROM log_head"):
            with closing(sqlite3.connect(path)) as connection:
                connection.execute(damage)
                connection.commit()
            with pytest.raises(StoreError) as caught:
                database.history.append(event(RANDOM))
            assert "storage.corrupt" == caught.value.code


# -- edited by somebody who can write to the database (MYD-08) -----------------------------------------------


def _audit(log):
    file = BytesIO()
    export(log, file)
    file.seek(0)
    return check_history(file, Believed(log=(key_of(ORIGIN, log.signer.public),)))


EDITS = {
    "edited": ("UPDATE log_entries SET entry = CAST(replace(entry, 'done', 'refused') AS BLOB) WHERE seq = 7", 7),
    "emptied": ("UPDATE log_entries SET entry = x'' WHERE seq = 7", 7),
    "deleted": ("DELETE FROM log_entries WHERE seq = 11", 11),
    "deleted and closed up": (
        """DELETE FROM log_entries WHERE seq = 11;
        UPDATE log_entries SET seq = seq + 1000 WHERE seq >= 12;
        UPDATE log_entries SET seq = seq - 1001 WHERE seq >= 1000""",
        11,
    ),
    "put in": (
        """UPDATE log_entries SET seq = seq + 1000 WHERE seq >= 4;
        UPDATE log_entries SET seq = seq - 999 WHERE seq >= 1000;
        INSERT INTO log_entries SELECT 4, subject, entry FROM log_entries WHERE seq = 3""",
        4,
    ),
    "swapped": (
        """UPDATE log_entries SET seq = 1000 WHERE seq = 8;
        UPDATE log_entries SET seq = 8 WHERE seq = 9;
        UPDATE log_entries SET seq = 9 WHERE seq = 1000""",
        8,
    ),
    "hash edited": ("UPDATE log_nodes SET hash = zeroblob(32) WHERE number = 12", 6),
}


@pytest.mark.parametrize(("edit", "place"), EDITS.values(), ids=EDITS)
def test_an_edited_row_is_found(edit, place, tmp_path):
    """The first place that is not what was signed is named; and what was signed before is not signed again."""
    path = tmp_path / "log.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        log = Log(ORIGIN, SigningKey.generate("EdDSA"), database.history)
        for _ in range(20):
            log.store.append(event(RANDOM))
        assert _audit(log).holds
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            edited = edit.replace(
                "replace(entry, 'done', 'refused')", "CAST(replace(entry, 'done', 'refused') AS BLOB)"
            )
            connection.executescript(edited)
        finding = _audit(log).finding

    assert finding
    assert place == finding.position
    assert finding.code in ("log.tampered", "malformed.json")


# -- many at once, and killed on the way -------------------------------------------------------------------


def _killed_before(number, url):
    """Log an event with something else, in a process killed before its statement of that number; whether it was."""
    child = os.fork()
    if child == 0:
        left = [number]

        def counted(call):
            def run(*args):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args)

            return run

        try:
            for name in ("first", "put"):
                setattr(log_statements, name, counted(getattr(log_statements, name)))
            database = Database(url)
            _ = database.history
            listen(Engine, "commit", counted(lambda *_: None))
            with database._engine.writing() as connection:
                connection.execute(text("INSERT INTO something VALUES (:n)"), {"n": 100 + number})
                append(connection, event(Entropy(str(number))))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_at_whatever_statement_it_is_killed_both_are_there_or_neither(shared_url):
    """Before each statement of an append, and before the commit; then once to its end."""
    with closing(Database(shared_url)) as database:
        log = database.history
        for _ in range(3):  # the next one completes nodes above it
            log.append(event(RANDOM))
        with database._engine.writing() as connection:
            connection.execute(text("CREATE TABLE something (number INTEGER PRIMARY KEY)"))
    number = 0
    while _killed_before(number, shared_url):
        assert 3 == len(_whole(shared_url))
        number += 1

    assert number > 6
    assert 4 == len(_whole(shared_url))
    with closing(Database(shared_url)) as database, database._engine.reading() as connection:
        assert [100 + number] == list(connection.scalars(text("SELECT number FROM something")))


def _whole(url):
    """The log's entries, after a look at all of it."""
    with closing(Database(url)) as database, database._engine.reading() as connection:
        raws = [bytes(row.entry) for row in connection.execute(select(log_entries).order_by(log_entries.c.seq))]
        store = database.history
    entries = [Entry.read(raw) for raw in raws]
    assert list(range(len(entries))) == [entry.seq for entry in entries]
    with closing(Database(url)) as database:
        store = database.history
        assert grown(entry.leaf for entry in entries) == store.edge()
        leaves = store.nodes([(0, entry.seq) for entry in entries])
    assert [entry.leaf for entry in entries] == [leaves[0, seq] for seq in range(len(entries))]
    return entries


def test_many_programs_write_one_log(crowd, shared_url):
    """No place is left out, none is given twice, and all find themselves in one tree."""
    with closing(Database(shared_url)) as database:
        _ = database.history
    few = crowd.some(8)
    told = few.do("log_events", url=shared_url, count=10)

    assert sorted(seq for each in told for seq in each) == list(range(80))
    assert 80 == len(_whole(shared_url))


def test_a_writer_that_is_killed_leaves_a_whole_log(worker, shared_url):
    """What it said was logged is there; at most one entry more; and nothing is half written."""
    with closing(Database(shared_url)) as database:
        _ = database.history
    worker.tell("log_for_ever", url=shared_url)
    said = worker.told(30)
    worker.kill()
    rest = [json.loads(line) for line in worker.mouth if line.endswith("\n")]
    entries = _whole(shared_url)

    assert list(range(len(said) + len(rest))) == [*said, *rest]
    assert len(entries) - len(said) - len(rest) in (0, 1)
