"""Where the records forbid issuing to whoever asks: one answer, and nothing that says why."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ewallet.errors import NotFound, ProtocolError, Restricted
from ewallet.issuance import Issuance
from ewallet.oid4vci import DeferredRequest
from ewallet.records import Pending
from ewallet.shape import json_object
from ewallet.testing.caller import KIND, Caller, error, promised
from ewallet.testing.issuance import MemoryIssuanceStore


@dataclass
class _Register:
    """Says or raises the next of its entries."""

    entries: list[Any]

    def claims(self, _subject, _type_id):
        entry = self.entries.pop(0)
        if isinstance(entry, Exception):
            raise entry
        return entry


@pytest.fixture
def asking(ewallet_kit):
    """Asks an issuer with these entries in its register; gives the wallet and an offer's token."""

    def ask(*entries):
        issuance = Issuance(
            ewallet_kit.issuer, records=_Register([*entries]), store=MemoryIssuanceStore(), env=ewallet_kit.env
        )
        caller = Caller(ewallet_kit.network, ewallet_kit.issuer.identifier, ewallet_kit.env)
        return replace(caller, send=issuance), issuance.offer(KIND, subject="citizen-1")

    return ask


def test_a_restricted_certificate_is_denied_without_a_reason(ewallet_kit, asking, caplog):
    """The wallet learns a stable word; nothing is allocated, nothing is logged."""
    caller, offer = asking(Restricted())
    with caplog.at_level(logging.DEBUG):
        answer = caller.credential(caller.token(offer))

    said = {"error": "credential_request_denied", "error_description": "issuance_restricted"}
    assert (400, said) == (answer.status, json_object(answer.body))
    assert ((), ()) == (ewallet_kit.issuer.certificates("citizen-1"), ewallet_kit.issuer.status_lists())
    assert [] == [record for record in caplog.records if record.name.startswith("ewallet")]


def test_a_denial_uses_up_the_proof_as_any_other_does(asking):
    """Trying again with the same proof tells nothing that trying for a record that is not there would not."""
    for entry in (Restricted(), NotFound("storage.not_found", "nothing is on record")):
        caller, offer = asking(entry, entry)
        token, proofs = caller.token(offer), [caller.proof(caller.nonce())]

        answers = [error(caller.credential(token, proofs)) for _ in range(2)]
        assert ["credential_request_denied", "invalid_nonce"] == answers


def test_a_restriction_that_comes_while_a_record_is_prepared_holds(ewallet_kit, asking):
    """What was promised is denied once the register forbids it."""
    caller, offer = asking(Pending(timedelta(seconds=5)), Restricted())
    token = caller.token(offer)
    transaction = promised(caller.credential(token)).transaction_id
    ewallet_kit.clock.advance(timedelta(seconds=6))

    body = DeferredRequest(transaction_id=transaction).to_bytes()
    answer = caller.post("/deferred", body, caller.bearing(token, "/deferred"))

    assert "credential_request_denied" == error(answer)


def test_a_restriction_is_a_refusal_with_words_in_both_languages():
    """Pages and programs say that it is not issued and where to ask, and neither why nor to whom."""
    refused = Restricted()

    assert ("issue.restricted", True) == (refused.code, isinstance(refused, ProtocolError))
    assert ("발급기관 창구에 문의하십시오.", "Ask at the counter of the issuing office.") == (
        refused.words("ko").remedy,
        refused.words("en").remedy,
    )
