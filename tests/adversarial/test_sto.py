"""A wallet from its first certificate to the deletion of it: what it knows is nowhere in clear."""

from __future__ import annotations

import json
import logging
import tempfile
from contextlib import closing
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.canary import found, spellings
from ewallet.testing.kit import SUBJECT, Kit
from ewallet.testing.peers import IssuerPeer, VerifierPeer
from ewallet.verdict import Accepted

KIND = "resident_register_copy"
PASSPHRASE = "a passphrase-canary of nobody"
NAME = "카나리아 canary-4d1b07"
NUMBER = f"{990230}-{1}{234567}"  # of a day that does not exist


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A folder of its own for whatever is written in passing."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def store(tmp_path):
    """An empty wallet in a file."""
    with closing(Database(f"sqlite:///{tmp_path}/wallet/wallet.db")) as database:
        yield database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)


def _record(kit):
    """The record of a person whose name and number are found wherever they get to."""
    record = json.loads(json.dumps(kit.catalog.type(KIND).sample).replace(json.dumps("홍판서")[1:-1], NAME))
    record["household_members"][0]["resident_registration_number"] = NUMBER
    return record


def _scalars(store, document):
    """The private keys of its copies: as they are kept, and the bare numbers."""
    kept = [store.key(copy.key) for copy in store.copies(document.id)]
    keys = [SigningKey.of_secret(secret)._key for secret in kept]
    numbers = [key.private_numbers().private_value for key in keys if isinstance(key, EllipticCurvePrivateKey)]
    assert len(kept) == len(numbers)
    return [*kept, *(number.to_bytes(32, "big") for number in numbers)]


def test_what_a_wallet_knows_is_nowhere_in_clear(tmp_path, temporary, store, caplog, capfd):
    """Name, resident number, tokens, keys, passphrase: store, log of it, temporary files, logs, stderr (STO-06)."""
    caplog.set_level(logging.DEBUG)
    kit = Kit.make(wallet_store=store)
    issuer, bank = IssuerPeer(kit), VerifierPeer(kit)
    issuer.records.given[SUBJECT, KIND] = _record(kit)
    issuer.records.pending[KIND] = timedelta(minutes=1)
    needles = [NAME, "canary-4d1b07", NUMBER, NUMBER.replace("-", ""), PASSPHRASE]
    scans = {}

    def scan(step, *secrets):
        needles.extend(secrets)
        printed = capfd.readouterr()
        said = f"{caplog.text}{printed.out}{printed.err}".encode()
        scans[step] = [
            *found(tmp_path, *needles),
            *(("said", needle) for needle in needles if any(way in said for way in spellings(needle))),
        ]

    assert () == kit.wallet.accept(issuer.offer(KIND), copies=3)
    (pending,) = store.pending()
    scan("deferred", pending.token.token, pending.transaction_id, pending.bound, *pending.keys.values())
    issuer.records.pending.clear()
    kit.clock.advance(timedelta(hours=1))
    (document,) = kit.wallet.collect()
    members = document.credential.claims["household_members"]
    scan("received", *(copy.raw for copy in store.copies(document.id)), *_scalars(store, document))
    request = kit.wallet.open(bank.ask(kit.query(KIND, ["household_head_name"])))
    kit.wallet.answer(request, kit.wallet.match(request.query))
    verdict = bank.verdict()
    scan("shown")
    kit.wallet.forget(document.id)
    scan("deleted")

    assert {step: [] for step in ("deferred", "received", "shown", "deleted")} == scans
    assert isinstance(verdict, Accepted)
    assert {KIND: {"household_head_name": NAME}} == verdict.claims
    assert NUMBER == members[0]["resident_registration_number"]
    assert {"wallet.db", "wallet.db-wal"} <= {path.name for path in (tmp_path / "wallet").iterdir()}
    assert [] == [*temporary.iterdir()]
    assert "accepted" in caplog.text
