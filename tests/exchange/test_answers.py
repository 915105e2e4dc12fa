"""What is posted to a verifier: each request answered once, and whatever is wrong told by its code.

Rows of the security matrix stand in the names of the cases.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode

import pytest

from ewallet.dcql import Query
from ewallet.errors import (
    BindingError,
    CryptoError,
    EWalletError,
)
from ewallet.exchange import Expired, Waiting
from ewallet.flow import offline
from ewallet.oid4vp.response import Declined, answer, refusal
from ewallet.testing.stage import Stage, digest
from ewallet.verdict import Accepted, Rejected, Undecided

KIND = "resident_register_copy"
BANK = "https://bank.example"
PLAIN = {"response_mode": "direct_post"}


def _code(bank, asked):
    """The code of the verdict, None where it was accepted."""
    verdict = bank.exchange.verdict(asked.id)
    assert isinstance(verdict, Accepted | Rejected | Undecided)
    return verdict.code


def _refused(call, *arguments, **options):
    with pytest.raises(EWalletError) as refused:
        call(*arguments, **options)
    return refused.value


# -- answers that are not the one ----------------------------------------------------------------------------


def test_a_request_is_answered_once(bank):
    """VPV-02: the same answer again, and another one, change nothing."""
    asked = bank.ask()
    body = bank.body(asked)
    bank.exchange.respond(asked.handle, body)
    again = [_refused(bank.exchange.respond, asked.handle, each) for each in (body, bank.body(asked))]
    declined = _refused(bank.exchange.respond, asked.handle, refusal("", asked.request.state, "access_denied").body)

    assert ["replay.response_used"] * 3 == [each.code for each in (*again, declined)]
    assert isinstance(declined, BindingError)
    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


def test_an_answer_to_nothing_leaves_nothing(bank):
    """VPV-01: unknown handle, missing or wrong state, too late: refused alike, and the request stays as it was."""
    asked = bank.ask(**PLAIN)
    form = {name: value for name, (value,) in parse_qs(bank.body(asked).decode()).items()}
    stateless = urlencode({"vp_token": form["vp_token"]}).encode()
    wrong = urlencode(form | {"state": "x" * 32}).encode()
    found = [
        _refused(bank.exchange.respond, handle, body)
        for handle, body in [("x" * 32, bank.body(asked)), (asked.handle, stateless), (asked.handle, wrong)]
    ]
    before, honest = bank.exchange.verdict(asked.id), bank.body(asked)
    bank.kit.clock.advance(timedelta(minutes=5))
    found.append(_refused(bank.exchange.respond, asked.handle, honest))

    assert [("request.invalid", 400)] * 4 == [(each.code, getattr(each, "status", 0)) for each in found]
    assert (Waiting(until=asked.until), Expired()) == (before, bank.exchange.verdict(asked.id))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "request.invalid"),
        (b"vp_token=%7B%7D&response=x", "request.invalid"),
        (b"\xff", "request.invalid"),
        (b"state=x", "request.invalid"),
        (b"vp_token=[]&state={state}", "malformed.vp_token"),
        (b"vp_token=%7B%22register%22:%22x%22%7D&state={state}", "malformed.vp_token"),
        (b"vp_token=%7B%22register%22:[]%7D&state={state}", "malformed.vp_token"),
        (b"vp_token=%7B%7D&state={state}", "malformed.vp_token"),
        (b"response=eyJhbGciOiJub25lIn0.x.x.x.x", "request.invalid"),
    ],
)
def test_what_cannot_be_read_leaves_the_request_open(body, code, bank):
    """VPV-10: the honest answer still comes through."""
    asked = bank.ask(**PLAIN)
    sent = body.replace(b"{state}", str(asked.request.state).encode())

    assert code == _refused(bank.exchange.respond, asked.handle, sent).code
    bank.answer(asked)
    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


def test_an_answer_in_the_clear_is_not_taken_for_an_encrypted_one(bank):
    """VPV-13: nor one that is encrypted to another request."""
    asked, other = bank.ask(), bank.ask()
    token = bank.kit.answer(asked.request).token
    clear = answer(replace(asked.request, response_mode="direct_post"), token).body
    found = [_refused(bank.exchange.respond, asked.handle, body) for body in (clear, bank.body(other, token))]

    assert ["crypto.not_encrypted", "crypto.key_invalid"] == [each.code for each in found]
    assert [CryptoError] * 2 == [type(each) for each in found]


# -- hostile answers, which are judged -----------------------------------------------------------------------


def _withheld(_kit, _asked, stage):
    return stage.bind(stage.join(stage.issued, stage.disclosures[:-1]))


def _surplus(_kit, _asked, stage):
    more = next(each for each in stage.hidden if digest(each) in stage.payload["_sd"])
    return stage.bind(stage.join(stage.issued, (*stage.disclosures, more)))


HOSTILE = {
    "nonce": (lambda _, __, stage: stage.bind(stage.shown, change={"nonce": "x" * 32}), "kb.nonce"),
    "audience": (lambda _, __, stage: stage.bind(stage.shown, change={"aud": "x509_san_dns:evil.example"}), "kb.aud"),
    "signature": (lambda kit, _, stage: stage.bind(stage.shown, key=kit.pki.verifier), "kb.signature_invalid"),
    "sd_hash": (lambda _, __, stage: stage.bind(stage.shown, change={"sd_hash": "x" * 43}), "kb.sd_hash"),
    "VPV-11: missing claim": (_withheld, "dcql.unsatisfied"),
    "no key binding": (lambda _, __, stage: stage.shown, "kb.missing"),
    "extra claims": (_surplus, "dcql.extra_claims"),
}


@pytest.mark.parametrize(("forge", "code"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_answer_is_rejected_and_says_why(forge, code, bank):
    """The wallet learns nothing of it; the bank reads the code and no claims."""
    asked = bank.ask(["resident_address", "is_householder"])
    stage = Stage.of(bank.kit, bank.kit.answer(asked.request))
    sent = bank.body(asked, {KIND: (forge(bank.kit, asked, stage),)})
    reply = bank.exchange.respond(asked.handle, sent)
    verdict = bank.exchange.verdict(asked.id)

    assert isinstance(verdict, Rejected)
    assert (b"{}", code) == (reply, verdict.code)


@pytest.mark.parametrize(
    "token",
    [lambda each: {"another": (each,)}, lambda each: {KIND: (each, each)}],
    ids=["unknown query id", "two where one was asked"],
)
def test_an_answer_of_another_shape_is_rejected(token, bank):
    """VPV-10: what was not asked does not count, nor more of it."""
    asked = bank.ask()
    presented = bank.kit.answer(asked.request).presentation
    bank.exchange.respond(asked.handle, bank.body(asked, token(presented)))

    assert "malformed.vp_token" == _code(bank, asked)


def _asking(kit, **changes):
    credential, _other_format = kit.query(KIND, ["resident_address"]).credentials
    return Query((replace(credential, **changes),))


def test_what_was_not_asked_is_rejected(bank):
    """VPV-11, VPV-18: another value, or another authority than the query names, whatever the wallet thinks of it."""
    (claim,) = _asking(bank.kit).credentials[0].claims
    aki = {"type": "aki", "values": ["AAAA"]}
    members = _asking(bank.kit).credentials[0].to_json()
    elsewhere = Query.parse({"credentials": [members | {"trusted_authorities": [aki]}]})
    asked = [
        bank.exchange.ask(query, purpose="a test")
        for query in (_asking(bank.kit, claims=(replace(claim, values=("nowhere",)),)), elsewhere)
    ]
    for each in asked:
        presented = bank.kit.answer(replace(each.request, query=_asking(bank.kit)))
        bank.exchange.respond(each.handle, bank.body(each, presented.token))

    assert ["dcql.unsatisfied", "trust.no_path"] == [_code(bank, each) for each in asked]


def test_every_check_is_told(bank):
    """VPV-21: an accepted answer lists every rung, each of them passed."""
    asked = bank.ask()
    bank.answer(asked)
    document = bank.exchange.verdict(asked.id).to_json()

    rungs = ["format", "issuer", "signature", "disclosures", "holder", "validity", "query", "status", "policy"]
    assert [(rung, "passed") for rung in rungs] == [(check["name"], check["outcome"]) for check in document["checks"]]


def test_a_status_that_cannot_be_had_leaves_it_undecided(open_bank, kit):
    """The request is over, and the verdict neither yes nor no."""
    bank = open_bank(verifier=kit.another_verifier(send=offline))
    asked = bank.ask()
    bank.answer(asked)
    verdict = bank.exchange.verdict(asked.id)

    assert isinstance(verdict, Undecided)
    assert "status.unavailable" == verdict.code


def test_nothing_is_fetched_for_what_is_not_authentic(bank):
    """The network hears of an answer only when everything before the status has held."""
    asked = bank.ask()
    stage = Stage.of(bank.kit, bank.kit.answer(asked.request))
    forged = {KIND: (stage.bind(stage.shown, key=bank.kit.pki.verifier),)}
    bank.exchange.respond(asked.handle, bank.body(asked, forged))

    assert [] == bank.kit.network.requests


def test_suspended_is_rejected_and_resumed_accepted(bank):
    """VPV-25: as soon as the list that is at hand is due."""
    (document,) = bank.kit.wallet.documents()
    certificate = bank.kit.certificate_id(document)
    codes = []
    for change in (bank.kit.issuer.suspend, bank.kit.issuer.resume):
        change(certificate, reason="a test")
        bank.kit.clock.advance(timedelta(days=1))
        asked = bank.ask()
        bank.answer(asked)
        codes.append(_code(bank, asked))

    assert ["status.suspended", None] == codes


# -- answers that are none -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["direct_post", "direct_post.jwt"])
def test_a_holder_may_decline(mode, bank):
    """VPV-17: the request is over; what the wallet says is shown as text only, and cut."""
    asked = bank.ask(response_mode=mode)
    said = "<script>alert(1)</script>\r\nSet-Cookie: a=b" + "x" * 50_000
    form = {"error": "access_denied", "error_description": said, "state": asked.request.state}
    bank.exchange.respond(asked.handle, urlencode(form).encode())
    outcome = bank.exchange.verdict(asked.id)

    assert isinstance(outcome, Declined)
    assert ("access_denied", True) == (outcome.error, len(outcome.description) < 2_000)
    assert not set("<>\r\n") & set(outcome.description)


def test_a_description_of_a_megabyte_is_not_read_at_all(bank):
    """VPV-17: a form has its limit."""
    asked = bank.ask()
    form = {"error": "access_denied", "error_description": "x" * 5_000_000, "state": asked.request.state}

    assert "request.invalid" == _refused(bank.exchange.respond, asked.handle, urlencode(form).encode()).code
