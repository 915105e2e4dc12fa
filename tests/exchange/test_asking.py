"""A verifier that asks over the wire: each verdict told to whom it belongs, each link once and to nobody else.

Rows of the security matrix stand in the names of the cases.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from ewallet import jose, qr
from ewallet.env import Env
from ewallet.errors import (
    EWalletError,
    Malformed,
    NotFound,
    ProtocolError,
)
from ewallet.exchange import Collected, Exchange, Expired, Waiting
from ewallet.flow import Response
from ewallet.oid4vp import TransactionData
from ewallet.oid4vp.request import Fetch, RequestLink, authenticate
from ewallet.oid4vp.response import Declined, read_reply, refusal
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.verdict import Accepted

KIND = "resident_register_copy"
BANK = "https://bank.example"
DONE = f"{BANK}/done?session=1"
PLAIN = {"response_mode": "direct_post"}


def _refused(call, *arguments, **options):
    with pytest.raises(EWalletError) as refused:
        call(*arguments, **options)
    return refused.value


# -- the road ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["direct_post", "direct_post.jwt"])
def test_a_bank_asks_and_reads_the_verdict(mode, bank):
    """It waits, then it is accepted with what was asked and nothing else."""
    asked = bank.ask(response_mode=mode)
    before = bank.exchange.verdict(asked.id)
    reply = bank.answer(asked)
    verdict = bank.exchange.verdict(asked.id)

    assert (Waiting(until=asked.until), b"{}") == (before, reply)
    assert isinstance(verdict, Accepted)
    assert ["resident_address"] == list(verdict.claims[KIND])


def test_the_wallet_opens_what_the_link_leads_to(bank):
    """Signed by whom the client_id names, with the wallet's nonce, and it is what was asked."""
    asked = bank.ask()
    link = RequestLink.read(asked.link)
    compact = bank.exchange.request_object(asked.handle, Fetch(wallet_nonce="n"))
    trust, at = bank.kit.pki.trust_list(), bank.kit.clock.now()
    found = authenticate(link, compact, trust=trust, at=at, wallet_nonce="n").request(at)

    assert (f"{BANK}/request/{asked.handle}", True) == (link.request_uri, link.post)
    assert asked.request == replace(found, verifier_name="")


def test_claims_are_read_once(bank):
    """Whoever comes later learns that it was accepted, and nothing about anybody."""
    asked = bank.ask()
    bank.answer(asked)
    first, second = bank.exchange.verdict(asked.id), bank.exchange.verdict(asked.id)

    assert isinstance(first, Accepted)
    assert isinstance(second, Collected)
    assert first.to_json() | {"claims": None} == second.to_json()


def test_claims_that_nobody_reads_do_not_wait_for_ever(bank):
    """Ten minutes; then they are gone, and with the next look at the store deleted."""
    asked = bank.ask()
    bank.answer(asked)
    bank.kit.clock.advance(timedelta(minutes=10))

    assert isinstance(bank.exchange.verdict(asked.id), Collected)
    assert (1, 0) == (bank.exchange.tidy(), bank.exchange.tidy())


def test_claims_may_be_retained(open_bank, kit):
    """For as long as the bank says, as often as it likes."""
    bank = open_bank(retain=timedelta(hours=1))
    asked = bank.ask()
    bank.answer(asked)
    found = [bank.exchange.verdict(asked.id) for _ in range(2)]
    kit.clock.advance(timedelta(hours=1))

    assert [Accepted, Accepted] == [type(verdict) for verdict in found]
    assert isinstance(bank.exchange.verdict(asked.id), Collected)


@pytest.mark.parametrize(("minutes", "stated"), [(60, True), (10, None), (0, None)])
def test_who_keeps_claims_says_so_in_the_request(open_bank, minutes, stated):
    """For longer than it takes to read them; a wallet shows it before anybody consents (``intent_to_retain``)."""
    asked = open_bank(retain=timedelta(minutes=minutes)).ask()
    said = {claim.intent_to_retain for each in asked.request.query.credentials for claim in each.claims}

    assert {stated} == said


def test_claims_may_be_of_no_interest(open_bank):
    """With a retention of zero they are never kept (VPV-23)."""
    bank = open_bank(retain=timedelta(0))
    asked = bank.ask()
    bank.answer(asked)

    assert isinstance(bank.exchange.verdict(asked.id), Collected)


def test_an_exchange_is_forgotten_after_a_day(bank):
    """Then nothing tells it from one that never was."""
    asked = bank.ask()
    bank.answer(asked)
    bank.exchange.verdict(asked.id)
    bank.kit.clock.advance(timedelta(days=1, minutes=6))

    assert 1 == bank.exchange.tidy()
    assert str(_refused(bank.exchange.verdict, asked.id)) == str(_refused(bank.exchange.verdict, "another"))


def test_transactions_are_confirmed_over_the_wire(bank):
    """The wallet hashes what was asked, and the verdict says that it did."""
    transfer = TransactionData.make("urn:example:transfer", [KIND], {"amount": "1000"})
    asked = bank.ask(transaction_data=[transfer])
    bank.answer(asked)

    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


# -- what is asked -------------------------------------------------------------------------------------------


def test_what_leads_anywhere_is_long_and_never_the_same(open_bank, kit):
    """VPV-04: nonce, state, ids, handles and codes have 24 random bytes each, in every request."""
    bank = open_bank(store=MemoryVerifierStore())
    bank.exchange._env = Env(now=kit.clock.now)
    found = []
    for _ in range(500):
        asked = bank.ask(redirect_to=DONE, **PLAIN)
        reply = bank.exchange.respond(asked.handle, refusal("", asked.request.state, "access_denied").body)
        found += [asked.id, asked.handle, asked.request.nonce, asked.request.state, bank.code(reply)]

    assert (2500, {32}) == (len(set(found)), {len(each) for each in found})


def test_the_code_says_nothing_about_anybody(bank):
    """QRC-05, QRC-10: who asks, and a handle that is used once; short enough for a small picture."""
    asked = bank.ask(purpose="a very private purpose")
    told = qr.read(qr.png(asked.link))

    assert (asked.link, True) == (told, len(told) < 300)
    assert {"client_id", "request_uri", "request_uri_method"} == parse_qs(urlsplit(told).query).keys()
    assert not any(secret in told for secret in (asked.id, asked.request.nonce, str(asked.request.state)))


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "data:text/html,x",
        "javascript:alert(1)",
        "https://bank.example@evil.example/",
        "https://bank.example.evil.example/",
        "https://evil.example/",
        "http://bank.example/",
        "https://bank.example:8443/",
        "https://bank.example/#done",
        "",
    ],
)
def test_an_answer_leads_back_only_where_the_bank_is(address, bank):
    """WEB-04: any other address is refused when it is asked for, not when somebody follows it."""
    assert "usage.argument" == _refused(bank.ask, redirect_to=address).code


def test_an_answer_may_lead_to_an_origin_that_was_named(open_bank):
    """A bank may have its pages elsewhere."""
    bank = open_bank(redirects=["https://pages.bank.example"])
    asked = bank.ask(redirect_to="https://pages.bank.example/done")

    assert json.loads(bank.answer(asked))["redirect_uri"].startswith("https://pages.bank.example/done?response_code=")


def test_a_question_that_no_wallet_takes_is_not_asked(bank):
    """It is refused where it is made, and not kept."""
    other = TransactionData.make("urn:example:transfer", ["another"], {"amount": "1"})

    assert "usage.argument" == _refused(bank.ask, transaction_data=[other]).code
    bank.kit.clock.advance(timedelta(days=2))
    assert 0 == bank.exchange.tidy()


@pytest.mark.parametrize("url", ["http://bank.example", "bank.example", "https://bank.example/#x", "javascript:x"])
def test_a_verifier_has_an_address_of_its_own(url, kit, store):
    """Answers are not sent in the clear, nor nowhere."""
    options = {"verifier": kit.verifier, "signer": kit.pki.verifier, "store": store}

    assert "usage.configuration" == _refused(Exchange, url, **options).code


# -- the request object --------------------------------------------------------------------------------------


def test_a_request_is_served_as_often_as_it_is_fetched(bank):
    """VPV-09: by GET and by POST, the nonce of the one who fetches echoed and no other."""
    asked = bank.ask()
    nonces = [None, "one", None, "two"]
    fetched = [bank.exchange.request_object(asked.handle, Fetch(wallet_nonce=nonce)) for nonce in nonces]
    claims = [jose.parse(compact, "oauth-authz-req+jwt").claims for compact in fetched]

    assert nonces == [each.pop("wallet_nonce", None) for each in claims]
    assert [claims[0]] * 4 == claims


def test_a_request_is_not_served_when_it_is_over(bank):
    """VPV-09: whether time has run out, somebody has answered, or there never was one, all alike."""
    late, answered = bank.ask(), bank.ask()
    bank.answer(answered)
    served = _refused(bank.exchange.request_object, answered.handle)
    bank.kit.clock.advance(timedelta(minutes=5))
    over = [_refused(bank.exchange.request_object, handle) for handle in (late.handle, "never", late.id, "\ud800")]

    assert [NotFound] * 5 == [type(each) for each in (served, *over)]
    assert Expired() == bank.exchange.verdict(late.id)


# -- the same device -----------------------------------------------------------------------------------------


def test_the_verdict_belongs_to_whoever_comes_back_with_the_code(bank):
    """VPV-05: without, with a wrong and with a used code it is refused alike."""
    asked = bank.ask(redirect_to=DONE)
    waiting = bank.exchange.verdict(asked.id)
    reply = bank.answer(asked)
    back = read_reply(Response(200, {}, reply))
    code = bank.code(reply)
    refused = [_refused(bank.exchange.verdict, asked.id, response_code=each) for each in (None, "", "x" * 32)]
    verdict = bank.exchange.verdict(asked.id, response_code=code)
    refused += [_refused(bank.exchange.verdict, asked.id, response_code=each) for each in (code, None)]

    assert isinstance(waiting, Waiting)
    assert isinstance(verdict, Accepted)
    assert f"{DONE}&response_code={code}" == back
    assert [("request.invalid", 403)] * 5 == [(each.code, getattr(each, "status", 0)) for each in refused]
    assert 1 == len({str(each) for each in refused})


def test_the_code_of_one_request_opens_no_other(bank):
    """Codes belong to their request."""
    first, second = bank.ask(redirect_to=DONE), bank.ask(redirect_to=DONE)
    codes = [bank.code(bank.answer(each)) for each in (first, second)]

    assert isinstance(_refused(bank.exchange.verdict, first.id, response_code=codes[1]), ProtocolError)
    assert isinstance(bank.exchange.verdict(first.id, response_code=codes[0]), Accepted)


def test_who_declines_comes_back_too(bank):
    """The bank's page says so, to whom it belongs."""
    asked = bank.ask(redirect_to=DONE)
    reply = bank.exchange.respond(asked.handle, refusal("", asked.request.state, "access_denied").body)

    assert isinstance(bank.exchange.verdict(asked.id, response_code=bank.code(reply)), Declined)


# -- looking on ----------------------------------------------------------------------------------------------


def test_what_is_not_there_looks_all_the_same(bank):
    """VPV-08: handles, nonces and states are no ids."""
    asked = bank.ask()
    strangers = ["", "x" * 32, asked.handle, asked.request.nonce, str(asked.request.state), "\ud800", "' OR 1=1 --"]
    for look in (bank.exchange.verdict, bank.exchange.pace):
        found = [_refused(look, each) for each in strangers]
        assert {(NotFound, "storage.not_found: no request of that identifier")} == {(type(e), str(e)) for e in found}


def test_a_request_is_looked_at_twice_a_second(bank):
    """VPV-08: more is too much, for this request and no other."""
    asked, other = bank.ask(), bank.ask()
    bank.exchange.pace(asked.id)
    bank.exchange.pace(other.id)
    refused = _refused(bank.exchange.pace, asked.id)
    bank.kit.clock.advance(timedelta(milliseconds=500))
    bank.exchange.pace(asked.id)

    assert (Malformed, "limit.rate") == (type(refused), refused.code)
