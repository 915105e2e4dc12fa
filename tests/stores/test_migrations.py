"""A database of an older program: opened, it is brought up to date, and nothing that was in it is lost.

``released/`` holds databases as released programs left them: ``service-1`` and ``wallet-1`` are dumps of SQLite's, with
records in them; ``tables-1`` are PostgreSQL's tables, into which the same records are put.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, event, inspect, select

from ewallet.credential import StatusRef
from ewallet.errors import AlreadyUsed, NotFound, StoreError, UsageError
from ewallet.intents import Certificate, Intent
from ewallet.sql import Database, schema, upgrade
from ewallet.sql.engine import engine_of
from ewallet.sql.mydata_tables import MYDATA_VERSION, packages
from ewallet.sql.tables import ISSUER, ISSUER_VERSION, VERIFIER, VERIFIER_VERSION, WALLET_VERSION
from ewallet.status import Status

FULL = bool(os.environ.get("EWALLET_FULL"))
RELEASED = Path(__file__).parent / "released"
AT = datetime(2026, 11, 21, 3, 0, 0, 123456, tzinfo=UTC)
LIST = "https://issuer.example/status/1"
NEWEST = {"issuer": ISSUER_VERSION, "verifier": VERIFIER_VERSION}


@contextmanager
def _reading(url):
    with closing(engine_of(url)) as engine, engine.reading() as connection:
        yield connection


@contextmanager
def _writing(url):
    with closing(engine_of(url)) as engine, engine.writing() as connection:
        yield connection


def _restored(path, name):
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(0o600)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((RELEASED / f"{name}.sqlite.sql").read_text())
    return path


def _put_into_postgres(url, service):
    """Version 1 of the tables, with the records of that file."""
    tables = MetaData()
    with _writing(url) as connection, _reading(f"sqlite:///{service}") as old:
        connection.exec_driver_sql((RELEASED / "tables-1.postgresql.sql").read_text())
        tables.reflect(connection)
        there = inspect(old).get_table_names()
        for table in (table for table in tables.sorted_tables if table.name in there):
            rows = [row._asdict() for row in old.execute(select(table))]
            connection.execute(table.insert(), rows)


@pytest.fixture
def old_url(shared_url, tmp_path):
    """A database of issuer and verifier as version 1 left it, on each engine."""
    if shared_url.startswith("sqlite"):
        _restored(Path(shared_url.removeprefix("sqlite:///")), "service-1")
    else:
        _put_into_postgres(shared_url, _restored(tmp_path / "old" / "service.db", "service-1"))
    return shared_url


def _shape(url):
    """All that an engine says about its tables."""
    with _reading(url) as connection:
        asked = inspect(connection)
        return {
            name: {
                "columns": [repr(sorted(column.items(), key=str)) for column in asked.get_columns(name)],
                "key": asked.get_pk_constraint(name)["constrained_columns"],
                "foreign": [(key["constrained_columns"], key["options"]) for key in asked.get_foreign_keys(name)],
                "unique": sorted(unique["column_names"] for unique in asked.get_unique_constraints(name)),
                "indexes": sorted((index["name"], index["column_names"]) for index in asked.get_indexes(name)),
            }
            for name in asked.get_table_names()
        }


def _records(url):
    """Every row of every table that version 1 had, without a column that it had not."""
    tables = MetaData()
    with _reading(url) as connection:
        tables.reflect(connection)
        return {
            name: sorted(map(repr, connection.execute(select(*(c for c in table.columns if c.name != "carrier")))))
            for name, table in tables.tables.items()
            if name in {"certificates", "entries", "nonces", "status_events", "status_lists", "status_tokens"}
        }


def test_what_version_1_kept_is_there(old_url):
    """Certificates, their states, entries given, nonces used, the newest status list."""
    with closing(Database(old_url)) as database:
        issuer, verifier = database.issuer, database.verifier
        certificates = [
            found.status for subject in ("subject-0", "subject-1") for found in issuer.certificates(subject)
        ]
        carriers = {found.carrier for subject in ("subject-0", "subject-1") for found in issuer.certificates(subject)}
        new = Certificate(id="c-9", type_id="kind", subject="s", issued=AT, until=AT + timedelta(days=1))

        assert [Status.REVOKED, Status.VALID, Status.SUSPENDED] == certificates
        assert {"wallet"} == carriers
        assert {StatusRef(LIST, 32)} == issuer.intend(new, [Intent(status=StatusRef(LIST, 32), digest=bytes(32))])
        assert 3 == issuer.void(AT + timedelta(days=1))
        assert "an invented token" == verifier.status_token(LIST)
        with pytest.raises(AlreadyUsed) as caught:
            verifier.take_nonce("nonce-1", AT)
        assert "storage.already_used" == caught.value.code


def test_an_upgraded_database_is_as_a_new_one(old_url, tmp_path, request):
    """Column by column, with keys and indexes; and all that was in it is in it still."""
    before = _records(old_url)
    new = (
        f"sqlite:///{tmp_path}/new.db" if old_url.startswith("sqlite") else request.getfixturevalue("postgres").empty()
    )
    with closing(Database(new)) as database:
        _ = database.issuer, database.verifier
    is_old = _shape(old_url)

    assert NEWEST == {role: upgrade(old_url)[role] for role in NEWEST}
    assert before == _records(old_url)
    shape, extra = _shape(old_url), {"master", "keys", "held", "copies", "history"}
    assert is_old != shape
    assert _shape(new) == {name: of for name, of in shape.items() if name not in extra}


def test_packages_of_version_1_are_not_signed_for(shared_url):
    """What recipients had been provided with before there were receipts of theirs is there, and may be signed for."""
    row = {"id": "p-1", "consent": "c-1", "cycle": 0, "until": 1, "seq": 0, "sealed": b"sealed"}
    with closing(Database(shared_url)) as database:
        _ = database.mydata
    new = _shape(shared_url)
    with _writing(shared_url) as connection:
        connection.exec_driver_sql("ALTER TABLE mydata_packages DROP COLUMN receipt")
        connection.exec_driver_sql("UPDATE schema_versions SET version = 1 WHERE role = 'mydata'")
        connection.execute(packages.insert().values(row))
    assert MYDATA_VERSION == upgrade(shared_url)["mydata"]
    assert new == _shape(shared_url)
    with closing(Database(shared_url)) as database:
        (kept,) = database.mydata.packages("c-1")
        assert (b"sealed", None) == (kept.sealed, kept.receipt)
        assert b"signed" == database.mydata.countersign("p-1", b"signed")


def test_a_wallet_of_version_1_opens_with_all_that_is_in_it(tmp_path):
    """Its file then has the tables of a new wallet, word for word, and opens again."""
    path, new = _restored(tmp_path / "wallet" / "wallet.db", "wallet-1"), tmp_path / "new" / "wallet.db"
    with closing(Database(f"sqlite:///{new}")) as database:
        database.wallet("a passphrase of nobody", create=True, unsafe_fast_kdf=True)
    for _ in range(2):
        with closing(Database(f"sqlite:///{path}")) as database:
            wallet = database.wallet("a passphrase of nobody")

            assert ["h-1"] == [held.id for held in wallet.held()]
            assert [("raw-0", 1), ("raw-1", 0), ("raw-2", 0)] == [
                (copy.raw, copy.uses) for copy in wallet.copies("h-1")
            ]
            assert bytes([2]) * 32 == wallet.key("key-2")
            assert [("x509_san_dns:bank.example", "")] == [(line.audience, line.name) for line in wallet.history()]
    tables = "SELECT name, sql FROM sqlite_master ORDER BY name"
    with closing(sqlite3.connect(path)) as upgraded, closing(sqlite3.connect(new)) as made:
        assert made.execute(tables).fetchall() == upgraded.execute(tables).fetchall()
        assert [("wallet", WALLET_VERSION)] == upgraded.execute("SELECT * FROM schema_versions").fetchall()


def test_a_wallet_of_version_1_is_left_alone_without_its_passphrase(tmp_path):
    """Neither a wrong one nor ``upgrade`` changes a byte of its tables."""
    path = _restored(tmp_path / "wallet" / "wallet.db", "wallet-1")
    with closing(Database(f"sqlite:///{path}")) as database, pytest.raises(StoreError):
        database.wallet("another")

    assert {"wallet": 1} == upgrade(f"sqlite:///{path}")


def test_many_programs_upgrade_it_once(crowd, old_url):
    """All find it done, and none of them fails."""
    assert ["open"] * len(crowd.workers) == crowd.do("open_all", url=old_url)
    assert NEWEST == {role: upgrade(old_url)[role] for role in NEWEST}


def test_there_is_nothing_to_upgrade_where_there_is_no_database(tmp_path):
    """None is made, either."""
    with pytest.raises(NotFound) as caught:
        upgrade(f"sqlite:///{tmp_path}/none.db")

    assert "storage.not_found" == caught.value.code
    assert [] == list(tmp_path.iterdir())


# -- killed on the way -------------------------------------------------------------------------------------


def _killed_upgrade(url, number):
    """Upgrade in a process that is killed before its statement of that number; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            _die_before(number)
            upgrade(url)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _die_before(number):
    left = [number]

    def count(*_):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)


@pytest.mark.sweep
def test_an_upgrade_that_was_killed_leaves_old_or_new(old_url):
    """Before any of its statements, or in the commit: each role is of one version, no record is lost (STO-15, F-29)."""
    before, number, seen = _records(old_url), 0, set()
    while _killed_upgrade(old_url, number):
        with _reading(old_url) as connection:
            seen.add(tuple(sorted(schema.recorded(connection).items())))
        assert before == _records(old_url)
        number += 1 if FULL else 7

    assert before == _records(old_url)
    assert number > 10
    assert (("issuer", 1), ("verifier", 1)) in seen
    assert NEWEST == {role: upgrade(old_url)[role] for role in NEWEST}


# -- what is refused ---------------------------------------------------------------------------------------


def _change(url, *statements):
    with _writing(url) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_tables_without_a_version_are_refused(old_url):
    """They are not taken for new ones (F-11)."""
    _change(old_url, "DELETE FROM schema_versions")
    with closing(Database(old_url)) as database, pytest.raises(StoreError) as caught:
        _ = database.issuer

    assert "storage.corrupt" == caught.value.code


def test_a_database_that_lacks_a_table_is_refused(old_url):
    """It is not made again, empty (F-11)."""
    upgrade(old_url)
    _change(old_url, "DROP TABLE status_tokens")
    with closing(Database(old_url)) as database, pytest.raises(StoreError) as caught:
        _ = database.verifier

    assert "storage.corrupt" == caught.value.code


def test_a_newer_database_is_not_upgraded(old_url):
    """There is no way back (F-29)."""
    _change(old_url, "UPDATE schema_versions SET version = 99")
    with pytest.raises(UsageError) as caught:
        upgrade(old_url)

    assert "usage.configuration" == caught.value.code


def test_every_table_belongs_to_one_role():
    """So that each role's schema can move on by itself."""
    assert not ISSUER.tables.keys() & VERIFIER.tables.keys()
