"""``ewallet present`` where the answer cannot be made: no copy is spent for it, and no file stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet import qr
from ewallet.credential import Draft, Validity
from ewallet.env import Env
from ewallet.formats import FORMATS
from ewallet.oid4vp import vp_token_bytes
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.kit import Kit
from ewallet.testing.pki import ISSUER

PLACE = ("--data", "data", "--passphrase-file", "passphrase")
PASSPHRASE = "a passphrase of nobody"
KIND = "resident_register_copy"


def _copies_left(desk) -> int:
    (held,) = desk.run("ewallet", "list", *PLACE, "--json").document["certificates"]
    return int(held["copies_left"])


def _present(desk, *arguments):
    return desk.run("ewallet", "present", "--request", "request.json", *PLACE, "--yes", *arguments)


@pytest.fixture
def large(wallet):
    """A wallet whose one certificate is longer than QR codes hold: an address without end."""
    (wallet.folder / "data" / "wallet" / "wallet.db").unlink()
    database = Database(f"sqlite:///{wallet.folder / 'data' / 'wallet' / 'wallet.db'}")
    store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    kit = Kit.make(clock=Clock(Env().now()), wallet_store=store)
    draft = Draft(
        type_id=str(kit.catalog.type(KIND).vct),
        issuer=ISSUER,
        claims={"resident_address": "가상 " * 10_000},
        validity=Validity(since=None, until=kit.clock.now() + timedelta(days=1)),
        disclosable=frozenset({("resident_address",)}),
        holder=kit.wallet.new_keys()[0],
    )
    signer = kit.pki.signers[kit.catalog.type(KIND).system]
    to_sign = FORMATS["dc+sd-jwt"].prepare(draft, signer, kit.env.random)
    kit.wallet.put([to_sign.complete(signer.sign(to_sign.data))])
    request = kit.verifier.ask(kit.query(KIND, ["resident_address"]), purpose="가상 대출 심사")
    (wallet.folder / "request.json").write_bytes(request.to_bytes())
    database.close()
    return wallet


def test_an_answer_that_no_codes_hold_costs_no_copy(large):
    """It is told before, as a wrong argument; in a file the same answer is made."""
    ended = _present(large, "--qr", "answer.png")

    assert 2 == ended.code
    assert f"QR codes hold {qr.MAX_TEXT}, expected --out" in ended.stderr
    assert not (large.folder / "answer.png").exists()
    assert 1 == _copies_left(large)
    assert 0 == _present(large, "--out", "answer.json").code
    assert qr.MAX_TEXT < (large.folder / "answer.json").stat().st_size


def test_a_rehearsal_is_as_long_as_the_answer():
    """Of a certificate whose copies differ in nothing but salts, keys and the numbers of their status."""
    kit = Kit.make()
    kit.issue(KIND, copies=4)
    request = kit.verifier.ask(kit.query(KIND, ["subject_name", "is_householder"]), purpose="a test")
    answer = kit.wallet.match(request.query)
    rehearsed = len(vp_token_bytes(kit.wallet.rehearse(request, answer)))

    assert all(-8 <= rehearsed - len(vp_token_bytes(kit.wallet.present(request, answer))) <= 8 for _ in range(4))


def test_a_rehearsal_spends_nothing_and_proves_nothing():
    """It is in no history, and its signature is nobody's."""
    kit = Kit.make()
    document = kit.issue(KIND)
    request = kit.verifier.ask(kit.query(KIND, ["subject_name"]), purpose="a test")
    rehearsed = kit.wallet.rehearse(request, kit.wallet.match(request.query))

    assert (1, ()) == (kit.wallet.get(document.id).copies_left, kit.wallet.history())
    assert "kb.signature_invalid" == kit.verify(rehearsed, request).code


def test_where_nothing_can_be_spent_no_file_stays(wallet):
    """Another program holds the wallet's file at the moment when a copy is to be spent."""
    database = Database(f"sqlite:///{wallet.folder / 'data' / 'wallet' / 'wallet.db'}")
    with database._engine.writing():
        ended = _present(wallet, "--out", "answer")
    database.close()

    assert "storage.locked" in ended.stderr
    assert not (wallet.folder / "answer").exists()
    assert 2 == _copies_left(wallet)


def test_a_file_that_was_there_stays(wallet):
    """What could not be overwritten is not deleted either."""
    (wallet.folder / "answer").write_text("something else")

    assert 2 == _present(wallet, "--out", "answer").code
    assert "something else" == (wallet.folder / "answer").read_text()


@pytest.mark.parametrize("id_", ["-NxyhmMXoZ8D", "--xY2hmMXoZ8D", "-h2hmMXoZ8Dx"])
@pytest.mark.parametrize("taking", [("show",), ("history", "--receipt")], ids=" ".join)
def test_an_identifier_that_begins_with_a_dash_is_an_identifier(empty_desk, taking, id_):
    """One in 64 does, and is printed by the wallet as the others are."""
    ended = empty_desk.run("ewallet", *taking, id_, *PLACE, "--json")

    assert (2, "storage.not_found") == (ended.code, ended.document["error"])


def test_an_option_that_there_is_not_is_refused(empty_desk):
    """With one dash, with two, or with a value."""
    for unknown in ("-x", "-json", "--jsom", "--jsom=1", "-unsafe-no-binding", "--unsafe-no-bindings"):
        ended = empty_desk.run("ewallet", "list", *PLACE, "--json", unknown)
        assert (2, "usage.argument") == (ended.code, ended.document["error"])
