"""What an issuer has deferred is kept sealed, arrives with its keys or not at all, and goes when it is over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ewallet.collection import Pending
from ewallet.errors import AlreadyUsed, NotFound
from ewallet.holding import Arrival, Copy, Held
from ewallet.oauth import Authorization
from ewallet.sql import Database
from ewallet.testing.stores import MemoryWalletStore

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PASSPHRASE = "correct horse battery staple"
PENDING = Pending(
    issuer="https://canary.example",
    configuration_id="canary_kind.dc+sd-jwt",
    type_id="urn:example:kr-ewallet:canary_kind:1",
    due=AT,
    transaction_id="canary-transaction",
    token=Authorization(scheme="DPoP", token="canary-token"),
    bound=b"canary-bound-key" * 4,
    keys={"canary-thumbprint-1": b"canary-private-key" * 4, "canary-thumbprint-2": b"canary-private-key" * 5},
)
HELD = Held(id="h-1", format="dc+sd-jwt", type_id=PENDING.type_id, received=AT, use="once")
ARRIVAL = Arrival(held=HELD, copies=(Copy(id="c-1", key="canary-thumbprint-1", raw="raw"),), keys=PENDING.keys)


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    """An empty wallet."""
    if request.param == "memory":
        yield MemoryWalletStore()
        return
    database = Database(f"sqlite:///{tmp_path}/wallet/wallet.db")
    yield database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    database.close()


def test_what_is_pending_comes_back_whole(store):
    """With token, key and all, the one that is due first before the others."""
    later = replace(PENDING, due=AT + timedelta(days=1), keys={"other": b"key"}, bound=None)
    store.receive([], pending=[later])
    store.receive([], pending=[PENDING])

    assert (PENDING, later) == store.pending()


def test_what_is_asked_again_replaces_what_was_pending(store):
    """A new time and identifier of the issuer do not make two of one."""
    store.receive([], pending=[PENDING])
    again = replace(PENDING, due=AT + timedelta(minutes=1), transaction_id="another")
    store.receive([], pending=[again], over=[PENDING.id])

    assert (again,) == store.pending()


def test_an_arrival_brings_its_keys_and_ends_what_was_pending(store):
    """In one step: the certificate is there, its keys are there, nothing is pending."""
    store.receive([], pending=[PENDING])
    store.receive([ARRIVAL], over=[PENDING.id])

    assert ((HELD,), ()) == (store.held(), store.pending())
    assert PENDING.keys["canary-thumbprint-1"] == store.key("canary-thumbprint-1")


def test_what_cannot_be_kept_whole_is_not_kept_at_all(tmp_path):
    """One certificate whose place is taken: no other one, no key and no end of what was pending."""
    database = Database(f"sqlite:///{tmp_path}/wallet/wallet.db")
    store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    store.put(HELD, ARRIVAL.copies)
    store.receive([], pending=[PENDING])
    other = replace(ARRIVAL, held=replace(HELD, id="h-2"), copies=(Copy(id="c-2", key="k", raw="raw"),))

    with pytest.raises(AlreadyUsed) as refused:
        store.receive([other, ARRIVAL], over=[PENDING.id])
    assert "storage.already_used" == refused.value.code

    assert ((HELD,), (PENDING,)) == (store.held(), store.pending())
    with pytest.raises(NotFound) as missing:
        store.key("canary-thumbprint-1")
    assert "storage.not_found" == missing.value.code
    database.close()


def test_what_is_pending_is_sealed(tmp_path):
    """Neither issuer nor kind, neither token nor key, can be read in the file."""
    database = Database(f"sqlite:///{tmp_path}/wallet/wallet.db")
    store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    store.receive([], pending=[PENDING])
    files = b"".join(path.read_bytes() for path in (tmp_path / "wallet").iterdir())
    database.close()

    assert b"canary" not in files


def test_a_wallet_of_the_program_before_is_brought_up_to_date(tmp_path):
    """What it held is there, and something may be pending from now on."""
    path = tmp_path / "wallet" / "wallet.db"
    database = Database(f"sqlite:///{path}")
    database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True).put(HELD, ARRIVAL.copies)
    database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("pending", "receipts", "sightings", "departures"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE schema_versions SET version = 1 WHERE role = 'wallet'")

    database = Database(f"sqlite:///{path}")
    store = database.wallet(PASSPHRASE)
    store.receive([], pending=[PENDING])

    assert ((HELD,), (PENDING,)) == (store.held(), store.pending())
    database.close()
