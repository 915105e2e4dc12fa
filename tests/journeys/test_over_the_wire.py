"""The main road over the wire, from QR code to QR code: an issuer offers, a bank asks, the issuer revokes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet import qr
from ewallet.links import purpose, scanned
from ewallet.testing.kit import SUBJECT
from ewallet.testing.peers import IssuerPeer, VerifierPeer
from ewallet.verdict import Accepted, Rejected

KIND = "resident_register_copy"
ASKED = ["subject_name", "resident_address", "is_householder"]


@pytest.fixture
def issuer(ewallet_kit):
    """The issuer's endpoints."""
    return IssuerPeer(ewallet_kit)


@pytest.fixture
def bank(ewallet_kit):
    """The bank's endpoints."""
    return VerifierPeer(ewallet_kit)


def _scanned(text):
    """What a phone reads in the picture of a text."""
    return scanned(qr.read(qr.png(text)))


def _answered(kit, bank):
    link = _scanned(bank.ask(kit.query(KIND, ASKED)))
    assert "request" == purpose(link)
    request = kit.wallet.open(link)
    kit.wallet.answer(request, kit.wallet.match(request.query))
    return bank.verdict()


def test_from_an_offer_to_a_verdict_and_to_a_refusal(ewallet_kit, issuer, bank):
    """Received with a code, believed for exactly what was asked, and refused a minute after it was revoked."""
    offered = issuer.offered(KIND, tx_code=True)
    link = _scanned(offered.reference.uri)
    assert "offer" == purpose(link)

    (document,) = ewallet_kit.wallet.accept(link, tx_code=lambda _: offered.tx_code)
    believed = _answered(ewallet_kit, bank)
    (certificate,) = ewallet_kit.issuer.certificates(SUBJECT)
    ewallet_kit.issuer.revoke(certificate.id, reason="moved out")
    ewallet_kit.clock.advance(timedelta(minutes=1))
    refused = _answered(ewallet_kit, bank)

    sample = ewallet_kit.catalog.type(KIND).sample
    expected = {name: sample[name] for name in ("subject_name", "resident_address")} | {"is_householder": True}
    assert isinstance(believed, Accepted)
    assert {KIND: expected} == believed.claims
    assert isinstance(refused, Rejected)
    assert "status.revoked" == refused.code
    assert 8 == ewallet_kit.wallet.get(document.id).copies_left


def test_two_kinds_of_two_offers_answer_one_request(ewallet_kit, issuer, bank):
    """What came by one road goes together by another."""
    ewallet_kit.wallet.accept(issuer.offer(KIND), copies=1)
    ewallet_kit.wallet.accept(issuer.offer("disabled_person_certificate"), copies=1)
    queries = [ewallet_kit.query(KIND, ["subject_name"]), ewallet_kit.query("disabled_person_certificate", ["name"])]
    members = {"credentials": [query.to_json()["credentials"][0] for query in queries]}

    request = ewallet_kit.wallet.open(bank.ask(type(queries[0]).parse(members)))
    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    verdict = bank.verdict()
    assert isinstance(verdict, Accepted)
    assert 2 == len(verdict.claims)
