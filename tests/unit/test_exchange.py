"""A verifier that asks over the wire: each request answered once, each verdict told to whom it belongs.

Rows of the security matrix stand in the names of the cases.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from ewallet import jose, qr
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.errors import (
    AlreadyUsed,
    BindingError,
    CryptoError,
    EWalletError,
    Malformed,
    NotFound,
    ProtocolError,
    StoreError,
    TransportError,
)
from ewallet.exchange import Asked, Collected, Exchange, Expired, Waiting
from ewallet.flow import Response, offline
from ewallet.oid4vp import TransactionData
from ewallet.oid4vp.request import Fetch, RequestLink, authenticate
from ewallet.oid4vp.response import Declined, answer, read_reply, refusal
from ewallet.policy import Policy
from ewallet.sql import Database
from ewallet.testing.kit import Kit
from ewallet.testing.stage import Stage, digest
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.verdict import Accepted, Rejected, Undecided

KIND = "resident_register_copy"
BANK = "https://bank.example"
DONE = f"{BANK}/done?session=1"
PLAIN = {"response_mode": "direct_post"}


@dataclass
class Bank:
    """A bank, and a citizen with a wallet before it."""

    kit: Kit
    exchange: Exchange

    def ask(self, claims=("resident_address",), **options):
        return self.exchange.ask(self.kit.query(KIND, claims), **{"purpose": "a test", **options})

    def body(self, asked, token=None):
        """What an honest wallet posts."""
        return answer(asked.request, token or self.kit.answer(asked.request).token).body

    def answer(self, asked):
        return self.exchange.respond(asked.handle, self.body(asked))

    def code(self, reply):
        (code,) = parse_qs(urlsplit(json.loads(reply)["redirect_uri"]).query)["response_code"]
        return code


@pytest.fixture(params=["memory", "database"])
def store(request):
    """An empty store of each kind."""
    if request.param == "memory":
        yield MemoryVerifierStore()
        return
    database = Database("sqlite://")
    yield database.verifier
    database.close()


@pytest.fixture
def kit(ewallet_kit):
    """A citizen with four copies of one certificate."""
    ewallet_kit.issue(KIND, copies=4)
    return ewallet_kit


def _bank(kit, store, **options):
    exchange = Exchange(BANK, verifier=kit.verifier, signer=kit.pki.verifier, store=store, env=kit.env, **options)
    return Bank(kit, exchange)


@pytest.fixture
def bank(kit, store):
    """A bank that reads claims once."""
    return _bank(kit, store)


def _code(bank, asked):
    """The code of the verdict, None where it was accepted."""
    verdict = bank.exchange.verdict(asked.id)
    assert isinstance(verdict, Accepted | Rejected | Undecided)
    return verdict.code


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


def test_claims_may_be_retained(kit, store):
    """For as long as the bank says, as often as it likes."""
    bank = _bank(kit, store, retain=timedelta(hours=1))
    asked = bank.ask()
    bank.answer(asked)
    found = [bank.exchange.verdict(asked.id) for _ in range(2)]
    kit.clock.advance(timedelta(hours=1))

    assert [Accepted, Accepted] == [type(verdict) for verdict in found]
    assert isinstance(bank.exchange.verdict(asked.id), Collected)


@pytest.mark.parametrize(("minutes", "stated"), [(60, True), (10, None), (0, None)])
def test_who_keeps_claims_says_so_in_the_request(kit, store, minutes, stated):
    """For longer than it takes to read them; a wallet shows it before anybody consents (``intent_to_retain``)."""
    asked = _bank(kit, store, retain=timedelta(minutes=minutes)).ask()
    said = {claim.intent_to_retain for each in asked.request.query.credentials for claim in each.claims}

    assert {stated} == said


def test_claims_may_be_of_no_interest(kit, store):
    """With a retention of zero they are never kept (VPV-23)."""
    bank = _bank(kit, store, retain=timedelta(0))
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


def test_what_leads_anywhere_is_long_and_never_the_same(kit):
    """VPV-04: nonce, state, ids, handles and codes have 24 random bytes each, in every request."""
    bank = _bank(kit, MemoryVerifierStore())
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


def test_an_answer_may_lead_to_an_origin_that_was_named(kit, store):
    """A bank may have its pages elsewhere."""
    bank = _bank(kit, store, redirects=["https://pages.bank.example"])
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


def test_a_status_that_cannot_be_had_leaves_it_undecided(kit, store):
    """The request is over, and the verdict neither yes nor no."""
    verifier = kit.another_verifier(send=offline)
    exchange = Exchange(BANK, verifier=verifier, signer=kit.pki.verifier, store=store, env=kit.env)
    bank = Bank(kit, exchange)
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


# -- when something of ours fails ----------------------------------------------------------------------------


def test_an_answer_that_could_not_be_judged_may_come_again(bank, store, kit):
    """A fault of ours closes no request."""

    class Broken(Policy):
        def check(self, credential, at):
            raise StoreError("storage.unavailable", "a test")

    broken = kit.another_verifier(policy=Broken())
    failing = Exchange(BANK, verifier=broken, signer=kit.pki.verifier, store=store, env=kit.env)
    asked = failing.ask(kit.query(KIND, ["resident_address"]), purpose="a test")
    refused = _refused(failing.respond, asked.handle, bank.body(asked))
    bank.answer(asked)

    assert "storage.unavailable" == refused.code
    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


def test_a_wallet_that_goes_away_in_between_leaves_the_request_open(bank):
    """A flow that is dropped while a status list is fetched may be started again, even by another process."""
    asked = bank.ask()
    body = bank.body(asked)
    flow = bank.exchange.responding(asked.handle, body)
    next(flow)
    before = bank.exchange.verdict(asked.id)
    flow.close()
    bank.exchange.respond(asked.handle, body)

    assert Waiting(until=asked.until) == before
    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


def test_of_answers_that_are_judged_at_once_one_is_kept(bank):
    """F-26: the other is told that it came second, and does not change the verdict."""
    asked = bank.ask()
    body = bank.body(asked)
    late = bank.exchange.responding(asked.handle, body)
    request = next(late)
    bank.exchange.respond(asked.handle, body)

    assert "replay.response_used" == _refused(late.send, bank.kit.network(request)).code
    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


def test_an_answer_that_was_judged_over_the_wire_is_no_answer_elsewhere(bank, store):
    """One presentation, one verdict: its nonce is used up with it, by whatever way it comes next (I3)."""
    asked = bank.ask()
    token = bank.kit.answer(asked.request).token
    bank.exchange.respond(asked.handle, bank.body(asked, token))

    with pytest.raises(AlreadyUsed) as refused:
        store.take_nonce(asked.request.nonce, asked.until)
    assert "storage.already_used" == refused.value.code


# -- what is kept --------------------------------------------------------------------------------------------


def test_a_copy_of_the_database_tells_nothing(kit, tmp_path):
    """VPV-23: identifiers, nonce, state, key, purpose and claims are in no file, before and after the answer."""
    database = Database(f"sqlite:///{tmp_path}/bank.db")
    bank = _bank(kit, database.verifier)
    asked = bank.ask(redirect_to=DONE, purpose="a very private purpose")
    assert asked.request.recipient
    key = asked.request.recipient.jwk
    code = bank.code(bank.answer(asked))
    address = str(kit.catalog.type(KIND).sample["resident_address"])
    secrets = [
        asked.id,
        asked.handle,
        asked.request.nonce,
        asked.request.state,
        key["x"],
        "very private",
        code,
        address,
    ]
    before = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    bank.exchange.verdict(asked.id, response_code=code)
    database.close()
    after = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b'"accepted"' in before
    assert [] == [s for s in secrets if str(s).encode() in before + after or json.dumps(s).encode() in before + after]


def test_an_asked_request_prints_without_its_secrets(bank):
    """A line of a log is no way to a verdict."""
    asked = bank.ask()

    assert isinstance(asked, Asked)
    assert not any(secret in repr(asked) for secret in (asked.id, asked.request.nonce, str(asked.request.state)))


def test_logs_have_the_outcome_and_no_more(bank, caplog):
    """WEB-17: neither ids nor what was shown."""
    caplog.set_level("DEBUG")
    asked = bank.ask()
    bank.answer(asked)
    bank.exchange.verdict(asked.id)
    address = str(bank.kit.catalog.type(KIND).sample["resident_address"])

    assert "accepted" in caplog.text
    assert not any(secret in caplog.text for secret in (asked.id, asked.handle, asked.request.nonce, address))


def test_a_network_that_fails_is_no_error_of_the_wallet(kit, store):
    """Whatever ``send`` raises is judged."""

    def broken(_request):
        raise TransportError("fetch.timeout", "a test")

    exchange = Exchange(
        BANK, verifier=kit.another_verifier(send=broken), signer=kit.pki.verifier, store=store, env=kit.env
    )
    bank = Bank(kit, exchange)
    asked = bank.ask()

    assert b"{}" == bank.answer(asked)
    assert isinstance(exchange.verdict(asked.id), Undecided)
