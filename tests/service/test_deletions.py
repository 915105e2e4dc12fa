"""Deletion at the bank: what is kept of an answer goes, and the receipt of its consent says so, signed by the bank."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet import consenting
from ewallet.consent import Choice, Consent
from ewallet.dcql import Query
from ewallet.errors import EWalletError, NotFound
from ewallet.exchange import Exchange
from ewallet.keys import SigningKey
from ewallet.oid4vp.request import client_id
from ewallet.oid4vp.response import answer
from ewallet.receipt import Receipt
from ewallet.sql import Database
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier
from verifier_cli import bundles
from verifier_cli.deletions import Deletions

URL = "https://bank.example"
KIND = "resident_register_abstract"


@pytest.fixture
def bank(ewallet_kit):
    """A bank that keeps what it was shown for a day, on a database."""
    kit, database = ewallet_kit, Database.memory()
    kit.issue(KIND)
    receipts: list[Receipt] = []

    def confirmed(request, token):
        receipts.append(Receipt.make(request, token, kit.pki.verifier, id_="r1", at=kit.clock.now()))
        return receipts[0].events[0]

    name = client_id(kit.pki.verifier)
    exchange = Exchange(
        URL,
        verifier=Verifier(name, trust=kit.pki.trust_list(), store=database.verifier, send=kit.network, env=kit.env),
        signer=kit.pki.verifier,
        store=database.verifier,
        retain=timedelta(days=1),
        confirmed=confirmed,
        env=kit.env,
    )
    asked = _answered(kit, exchange, name)
    yield asked.id, receipts[0], exchange, Deletions(exchange, kit.pki.verifier, kit.env)
    database.close()


def _answered(kit, exchange, name):
    """A request with a consent to one kind, answered by the wallet."""
    bundle = kit.catalog.bundle("bank_personal_loan")
    least = replace(bundle, items=tuple(item for item in bundle.items if item.type_id == KIND))
    recipient = bundles.recipient(name, kit.pki.verifier)
    consent = Consent.propose(
        least, kit.catalog, Choice(road="wallet", days=30), id_="c1", recipient=recipient, since=kit.clock.now()
    )
    query = Query.for_bundle(least, kit.catalog)
    transaction = consenting.transaction(consent, query, kit.catalog)
    asked = exchange.ask(query, purpose="가상 대출 심사", transaction_data=(transaction,))
    opened = replace(asked.request, verifier_name=recipient.names["ko"])  # as the wallet has it from the certificate
    token = kit.wallet.present(opened, kit.wallet.match(query))
    exchange.respond(asked.handle, answer(asked.request, token).body)
    return asked


def _document(id_, receipt):
    return json.dumps({"id": id_, "receipt": receipt.to_json()}).encode()


def test_what_is_kept_of_an_answer_goes_and_the_receipt_says_so(bank):
    """The claims were there, and are not any more; again is allowed, and says the same."""
    id_, receipt, exchange, deletions = bank
    assert isinstance(exchange.verdict(id_), Accepted)
    deleted = deletions.delete(_document(id_, receipt))
    with pytest.raises(NotFound):
        exchange.verdict(id_)
    found = Receipt.parse(json.dumps(deleted).encode())
    assert ["given", "deleted"] == [event.event for event in found.signed]
    assert deleted == deletions.delete(_document(id_, found))


def test_the_deletion_is_signed_by_whoever_asked(bank, ewallet_kit):
    """So that the person can show it to anybody who has the trust list."""
    id_, receipt, _, deletions = bank
    found = Receipt.parse(json.dumps(deletions.delete(_document(id_, receipt))).encode())
    found.check_recipient(ewallet_kit.pki.trust_list())
    assert "deleted" == found.event


def test_a_receipt_of_somebody_else_deletes_nothing(bank, ewallet_kit):
    """Whoever signs with another key did not give it."""
    id_, receipt, exchange, _ = bank
    other = Deletions(exchange, SigningKey.generate(), ewallet_kit.env)
    with pytest.raises(EWalletError) as refused:
        other.delete(_document(id_, receipt))
    assert "receipt.invalid" == refused.value.code
    assert isinstance(exchange.verdict(id_), Accepted)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed.json"),
        (b"{}", "usage.argument"),
        (b'{"id": "x", "receipt": {}, "more": 1}', "usage.argument"),
        (b'{"id": "x", "receipt": []}', "malformed.claim_type"),
        (b'{"id": "x", "receipt": {}}', "receipt.invalid"),
    ],
)
def test_what_is_no_deletion_is_refused(bank, raw, code):
    """By name, and nothing is deleted."""
    *_, deletions = bank
    with pytest.raises(EWalletError) as refused:
        deletions.delete(raw)
    assert code == refused.value.code
