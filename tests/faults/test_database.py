"""A database that is held by somebody else, cut off, emptied or flipped: an error of ours, and nothing made up.

Rows F-08 and F-11. Bits flipped in a text or number that no index repeats are outside what either engine notices.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from ewallet.credential import StatusRef
from ewallet.errors import EWalletError, StoreError
from ewallet.intents import Certificate, Intent
from ewallet.sql import Database

FULL = bool(os.environ.get("EWALLET_FULL"))
AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
WAIT = 5.0 if FULL else 0.5  # seconds that a store waits for another program; five outside of tests
URI = "https://issuer.example/status/{}"


def _code_of(action, *arguments):
    with pytest.raises(EWalletError) as caught:
        action(*arguments)
    return caught.value.code


def _issue(database, number):
    until = AT + timedelta(days=90)
    certificate = Certificate(id=f"c-{number}", type_id="kind", subject=f"s-{number}", issued=AT, until=until)
    intents = [Intent(status=StatusRef(URI.format(1), 3 * number + copy), digest=bytes(32)) for copy in range(3)]
    assert frozenset() == database.issuer.intend(certificate, intents)
    database.issuer.complete(certificate.id)


# -- held by another program -------------------------------------------------------------------------------

HOLD = {
    "sqlite": """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"), isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
""",
    "postgresql": """
import psycopg, sys
connection = psycopg.connect(sys.argv[1])
connection.execute("LOCK TABLE nonces, schema_versions IN ACCESS EXCLUSIVE MODE")
""",
}


@pytest.fixture
def held(fault_url, monkeypatch):
    """A database that another process holds until it is killed."""
    monkeypatch.setattr("ewallet.sql.engine._PRAGMAS", (f"busy_timeout = {WAIT * 1000:.0f}",))
    monkeypatch.setattr("ewallet.sql.engine._SETTINGS", (f"SET lock_timeout = {WAIT * 1000:.0f}",))
    with closing(Database(fault_url)) as database:
        _ = database.verifier
        program = HOLD[fault_url.partition(":")[0]] + "print('held', flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", program, fault_url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            yield database, holder
            holder.kill()


@pytest.mark.sweep
def test_a_database_that_is_held_is_locked_after_a_while(held):
    """Not at once, not for ever; and when it is let go, all is well (F-08)."""
    database, holder = held
    began = monotonic()
    code = _code_of(database.verifier.take_nonce, "n", AT)
    took = monotonic() - began
    ready = _code_of(database.ready)
    holder.kill()
    holder.wait()
    database.verifier.take_nonce("n", AT)
    database.ready()

    assert ("storage.locked", "storage.locked") == (code, ready)
    assert WAIT * 0.9 <= took < WAIT + 20


# -- damaged -----------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    """The database of an issuer and a verifier, closed."""
    path = tmp_path / "service.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        database.issuer.status_list(10_000, URI.format)
        for number in range(40):
            _issue(database, number)
            database.verifier.take_nonce(f"n-{number}", AT)
    return path


def _start(path):
    """How a service starts: the code of why it does not."""
    with closing(Database(f"sqlite:///{path}")) as database:
        try:
            _ = database.issuer, database.issuance, database.verifier
        except EWalletError as exc:
            return exc.code
    return None


def _given(path):
    """What must never be lost: the entries that were given and the nonces that were used."""
    with closing(sqlite3.connect(path)) as connection:
        entries = connection.execute("SELECT list, entry, certificate FROM entries ORDER BY 1, 2").fetchall()
        return entries, connection.execute("SELECT digest FROM nonces ORDER BY 1").fetchall()


@pytest.mark.sweep
def test_a_file_that_was_cut_off_is_refused(file, monkeypatch):
    """Wherever: no service starts with what is left of it (F-11)."""
    monkeypatch.setattr("ewallet.sql._PATIENCE", 1)
    content = file.read_bytes()
    lengths = {0, 1, 99, 100, 511, 512, 1000, 4095, 4096, len(content) // 2, len(content) - 4096, len(content) - 1}
    for length in sorted(lengths | set(range(0, len(content), 512 if FULL else 16_384))):
        file.write_bytes(content[:length])
        assert "storage.corrupt" == _start(file), length
        assert length == file.stat().st_size


def test_an_emptied_file_beside_its_log_is_refused(file, monkeypatch):
    """And the log stays, which SQLite would throw away (F-11)."""
    monkeypatch.setattr("ewallet.sql._PATIENCE", 1)
    log = file.with_name("service.db-wal")
    log.write_bytes(b"a log")
    file.write_bytes(b"")

    assert "storage.corrupt" == _start(file)
    assert b"a log" == log.read_bytes()


@pytest.mark.sweep
def test_a_flipped_bit_never_loses_what_was_given(file):
    """Anywhere in the file: no start, or one with every entry and nonce in its place (F-11)."""
    content, given, chance = file.read_bytes(), _given(file), random.Random(11)
    outcomes = []
    for _ in range(3000 if FULL else 150):
        changed = bytearray(content)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        file.write_bytes(changed)
        outcomes.append(_start(file))
        if outcomes[-1] is None:
            assert given == _given(file)
        else:
            assert outcomes[-1] in {"storage.corrupt", "storage.unavailable", "usage.configuration"}
        for beside in ("service.db-wal", "service.db-shm"):
            file.with_name(beside).unlink(missing_ok=True)

    assert {None, "storage.corrupt"} <= set(outcomes)


def test_a_database_without_its_tables_is_refused(fault_url):
    """It is not started with new ones (F-11)."""
    with closing(Database(fault_url)) as database:
        database.issuer.status_list(8, URI.format)
        with database._engine.writing() as connection:
            connection.exec_driver_sql("DROP TABLE entries")
    with closing(Database(fault_url)) as database, pytest.raises(StoreError) as caught:
        _ = database.issuer

    assert "storage.corrupt" == caught.value.code
