"""The main road with a mobile ID as an mdoc: issued over the wire, asked for in either format, shown and judged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet.testing.kit import SUBJECT
from ewallet.testing.peers import IssuerPeer, VerifierPeer
from ewallet.verdict import Accepted, Rejected

KIND = "mobile_driver_license"
ASKED = ["name", "birth_date"]


@pytest.fixture
def issuer(ewallet_kit):
    """The issuer's endpoints."""
    return IssuerPeer(ewallet_kit)


@pytest.fixture
def bank(ewallet_kit):
    """The bank's endpoints."""
    return VerifierPeer(ewallet_kit)


def _received(kit, issuer, format_id="mso_mdoc", copies=3):
    offer = issuer.issuance.offer(KIND, subject=SUBJECT, format_id=format_id).offer.uri
    (document,) = kit.wallet.accept(offer, copies=copies)
    return document


def _answered(kit, bank, asked, **options):
    request = kit.wallet.open(bank.ask(kit.query(KIND, asked), **options))
    kit.wallet.answer(request, kit.wallet.match(request.query))
    return bank.verdict()


@pytest.mark.parametrize("mode", ["direct_post", "direct_post.jwt"])
@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "mso_mdoc"])
def test_bank_never_asks_for_a_format(format_id, mode, ewallet_kit, issuer, bank):
    """The same question, the same claims by the same names, whatever the holder has and however it travels."""
    document = _received(ewallet_kit, issuer, format_id)

    verdict = _answered(ewallet_kit, bank, ASKED, response_mode=mode)

    sample = ewallet_kit.catalog.type(KIND).sample
    assert format_id == document.held.format
    assert isinstance(verdict, Accepted)
    assert {KIND: {name: sample[name] for name in ASKED}} == verdict.claims


def test_one_answer_and_nothing_else_is_shown(ewallet_kit, issuer, bank):
    """A shop sees one yes or no; the wallet's history says so too."""
    _received(ewallet_kit, issuer)

    verdict = _answered(ewallet_kit, bank, ["not_juvenile"])

    assert isinstance(verdict, Accepted)
    assert {KIND: {"not_juvenile": True}} == verdict.claims
    (shown,) = ewallet_kit.wallet.history()
    assert [ewallet_kit.catalog.type(KIND).elements["not_juvenile"]] == [*shown.paths]
    assert "Example verifier signer" == shown.name


def test_lost_licence_is_suspended_resumed_and_revoked(ewallet_kit, issuer, bank):
    """What the issuer says of it is heard within a minute."""
    _received(ewallet_kit, issuer, copies=4)
    (certificate,) = ewallet_kit.issuer.certificates(SUBJECT)
    verdicts = []
    for change in (ewallet_kit.issuer.suspend, ewallet_kit.issuer.resume, ewallet_kit.issuer.revoke):
        change(certificate.id, reason="a loss was reported")
        ewallet_kit.clock.advance(timedelta(minutes=1))
        verdicts.append(_answered(ewallet_kit, bank, ASKED))

    assert [Rejected, Accepted, Rejected] == [type(verdict) for verdict in verdicts]
    assert ["status.suspended", None, "status.revoked"] == [verdict.code for verdict in verdicts]
