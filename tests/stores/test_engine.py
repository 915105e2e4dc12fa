"""What a database does to us, and what we make of it: errors of our own, new connections, no lost replies."""

from __future__ import annotations

import sys
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime
from time import monotonic, sleep

import pytest

from ewallet.errors import EWalletError, StoreError, UsageError
from ewallet.sql import Database
from ewallet.sql.engine import engine_of

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _code_of(action, *arguments):
    with pytest.raises(EWalletError) as caught:
        action(*arguments)
    return caught.value.code


@pytest.fixture
def both(postgres):
    """A server that may be stopped, and a database on it."""
    with closing(Database(postgres.empty())) as database:
        _ = database.verifier
        yield postgres, database
    postgres.run()


# -- PostgreSQL --------------------------------------------------------------------------------------------


def test_replies_follow_the_disk_whatever_the_server_prefers(postgres):
    """A server that commits in the background commits for us before it answers (F-04)."""
    url = postgres.empty() + "%20-csynchronous_commit%3Doff%20-cdefault_transaction_isolation%3Dserializable"
    with closing(engine_of(url)) as engine, engine.writing() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("synchronous_commit", "transaction_isolation", "lock_timeout")
        ]

    assert ["on", "read committed", "5s"] == shown


def test_reading_sees_one_moment_and_writes_nothing(postgres):
    """What others commit in between is not seen half."""
    with closing(engine_of(postgres.empty())) as engine, engine.reading() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("transaction_isolation", "transaction_read_only")
        ]

    assert ["repeatable read", "on"] == shown


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_of_the_server_is_survived(both, mode):
    """Orderly or not: connections are replaced, what was acknowledged is there (F-09)."""
    server, database = both
    database.verifier.take_nonce("before", AT)
    server.stop(mode)
    server.start()

    assert "storage.already_used" == _code_of(database.verifier.take_nonce, "before", AT)
    database.verifier.take_nonce("after", AT)
    database.ready()


def test_a_server_that_is_away_for_a_moment_is_waited_for(both):
    """Half a second is no reason to fail (F-09)."""
    server, database = both
    server.stop("fast")
    starting = threading.Timer(0.2, server.start)
    starting.start()
    database.verifier.take_nonce("meanwhile", AT)
    starting.join()


def test_a_server_that_is_down_is_unavailable(both):
    """Soon, without its address, and only as long as it is down (F-09)."""
    server, database = both
    server.stop("fast")
    began = monotonic()
    with pytest.raises(StoreError) as caught:
        database.verifier.take_nonce("down", AT)
    took = monotonic() - began
    not_ready = _code_of(database.ready)
    server.start()
    database.ready()
    database.verifier.take_nonce("down", AT)

    assert ("storage.unavailable", "storage.unavailable") == (caught.value.code, not_ready)
    assert took < 30  # a second where nothing else runs
    assert "ewallet-pg" not in str(caught.value)


def test_a_connection_that_is_cut_in_a_transaction_undoes_it(both):
    """The caller is told, and the next one gets another connection (F-09)."""
    _, database = both
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'INSERT%%'"
    )

    def cut_off():
        with database._engine.writing() as connection:
            connection.exec_driver_sql("INSERT INTO nonces VALUES ('x', 1)")
            with database._engine.reading() as other:
                other.exec_driver_sql(cut)
            connection.exec_driver_sql("INSERT INTO nonces VALUES ('y', 1)")

    assert "storage.unavailable" == _code_of(cut_off)
    with database._engine.reading() as connection:
        assert 0 == connection.exec_driver_sql("SELECT count(*) FROM nonces").scalar()


def test_a_wrong_password_or_host_is_not_repeated(postgres):
    """Neither in words nor in the chain of causes."""
    url = postgres.empty().replace("postgres@", "nobody:hunter2@")
    with closing(Database(url)) as database, pytest.raises(StoreError) as caught:
        _ = database.verifier

    assert "storage.unavailable" == caught.value.code
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["a\0b", "u" * 10_000_000 + "i"])
def test_what_postgres_cannot_hold_is_the_callers_mistake(postgres, text):
    """A text with a zero byte, or one too long for an index, is not called damage."""
    with closing(Database(postgres.empty())) as database:
        noise = text if "\0" in text else "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(20_000))
        assert "usage.argument" == _code_of(database.verifier.put_status_token, noise, "raw", AT)


def test_a_text_that_is_none_is_the_callers_mistake(database):
    """Half a surrogate pair has no bytes."""
    assert "usage.argument" == _code_of(database.verifier.put_status_token, "\ud800", "raw", AT)


def test_without_the_driver_the_extra_is_named(monkeypatch):
    """It is not installed with the rest."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError) as caught:
        Database("postgresql://localhost/ewallet")

    assert "usage.missing_extra" == caught.value.code
    assert "ewallet[postgres]" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg2://host/db", "postgresql+asyncpg://host/db", "sqlite+aiosqlite://"]
)
def test_other_drivers_are_refused(url):
    """Errors and settings are those of one driver."""
    with pytest.raises(UsageError) as caught:
        Database(url)

    assert "usage.configuration" == caught.value.code


# -- both --------------------------------------------------------------------------------------------------


def test_a_database_in_use_is_ready(database):
    """Before its tables are made, and after."""
    database.ready()
    _ = database.issuer, database.verifier
    database.ready()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE schema_versions SET version = 99", "usage.configuration"),
        ("DELETE FROM schema_versions", "storage.corrupt"),
        ("DROP TABLE schema_versions", "storage.corrupt"),
    ],
)
def test_a_database_that_was_changed_below_us_is_not_ready(database, change, code):
    """As by a newer program, which has upgraded it in the meantime (I8)."""
    _ = database.verifier
    with database._engine.writing() as connection:
        connection.exec_driver_sql(change)

    assert code == _code_of(database.ready)


def test_a_database_that_cannot_be_written_is_not_ready(tmp_path):
    """Reading alone is not enough."""
    with closing(Database(f"sqlite:///{tmp_path}/full.db")) as database:
        _ = database.verifier
        with database._engine.writing() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")

        assert "storage.unavailable" == _code_of(database.ready)


def test_more_threads_than_connections_wait_for_their_turn(shared_url, monkeypatch):
    """Not for ever: a request that gets none is told that the database is in use."""
    monkeypatch.setattr("ewallet.sql.engine._BUSY", 0.2)
    with closing(Database(shared_url)) as database:
        _ = database.verifier
        done = threading.Event()

        def hold():
            with suppress(StoreError), database._engine.reading():  # one connection is kept for writing
                done.wait(10)

        holding = [threading.Thread(target=hold) for _ in range(15)]
        for thread in holding:
            thread.start()
        sleep(0.3)
        refused = _code_of(database.verifier.status_token, "u")
        done.set()
        for thread in holding:
            thread.join()
        database.verifier.take_nonce("n", AT)

    assert "storage.locked" == refused


def test_opening_a_second_store_leaves_the_first_its_locks(worker, tmp_path):
    """Else the last other process to leave would throw away the log into which this one writes."""
    url = f"sqlite:///{tmp_path}/shared.db"
    with closing(Database(url)) as database:
        _ = database.issuer, database.issuance, database.verifier
        for elsewhere in (url, "sqlite://"):  # the worker opens it, and closes it when it opens another
            worker.tell("open_all", url=elsewhere)
            assert "open" == worker.hear()
        database.verifier.take_nonce("n", AT)
        worker.tell("take_nonce", url=url, nonce="n")

        assert "storage.already_used" == worker.hear()


def test_opening_a_wallet_twice_leaves_the_first_its_locks(worker, tmp_path):
    """As of the services."""
    url, passphrase = f"sqlite:///{tmp_path}/wallet.db", "an invented passphrase"
    with closing(Database(url)) as one, closing(Database(url)) as two:
        wallet = one.wallet(passphrase, create=True, unsafe_fast_kdf=True)
        two.wallet(passphrase)
        two.close()
        worker.tell("unlock", url=url, passphrase=passphrase)
        assert "open" == worker.hear()
        worker.tell("open_all", url="sqlite://")
        assert "open" == worker.hear()
        wallet.put_keys({"k": b"secret"})
        worker.tell("key", url=url, passphrase=passphrase, thumbprint="k")

        assert "there" == worker.hear()
