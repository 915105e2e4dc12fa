"""Rows WAL-01 to 11, 19, 21 and 23 of the security matrix: requests a wallet must not answer, and how it answers.

Who signs a request and what is in it is tested with :mod:`ewallet.oid4vp.request`; here it is the whole wallet, and who
hears what.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode

import pytest

from ewallet import jose
from ewallet.dcql import Query
from ewallet.errors import AlreadyUsed, EWalletError, QueryError, TransportError, UsageError
from ewallet.flow import Response
from ewallet.keys import SigningKey
from ewallet.oid4vp import AuthorizationRequest, TransactionData
from ewallet.oid4vp import response as oid4vp_response
from ewallet.oid4vp.request import MEDIA_TYPE, TYP, Fetch
from ewallet.oid4vp.response import Declined
from ewallet.shape import base64url, json_object, to_base64url
from ewallet.testing.peers import VerifierPeer
from ewallet.testing.pki import ISSUER, VERIFIER
from ewallet.testing.stage import items_of
from ewallet.testing.stores import MemoryWalletStore
from ewallet.verdict import Accepted
from ewallet.wallet import Wallet

KIND = "resident_register_copy"
ASKED = ["resident_address", "is_householder"]


@pytest.fixture
def bank(ewallet_kit):
    """A bank that asks over the wire, and a holder with three copies."""
    ewallet_kit.issue(KIND, copies=3)
    return VerifierPeer(ewallet_kit)


@pytest.fixture
def query(ewallet_kit):
    """What the bank asks for."""
    return ewallet_kit.query(KIND, ASKED)


@pytest.fixture
def forging(ewallet_kit, bank):
    """Let the bank send another request object in place of the honest one: claims changed, or left out for None."""

    def spoil(*, typ=TYP, key=None, compact=None, **changed):
        def sent(_request, response):
            honest = jose.parse(response.body.decode(), TYP).claims
            claims = {name: value for name, value in {**honest, **changed}.items() if value is not None}
            made = compact or jose.sign(typ, claims, key or ewallet_kit.pki.verifier)
            return Response(200, {"content-type": MEDIA_TYPE}, made.encode("ascii"))

        bank.spoil["/request"] = sent

    return spoil


def _opened(kit, link):
    with pytest.raises(EWalletError) as caught:
        kit.wallet.open(link)
    return caught.value.code


def _posted(kit):
    return [request for request in kit.network.requests if "/response/" in request.url]


def _unsigned(claims):
    return ".".join(to_base64url(json.dumps(part).encode()) for part in ({"alg": "none", "typ": TYP}, claims)) + "."


@dataclass(frozen=True)
class _Sent:
    """The parts of a presentation that could tell two verifiers that it is the same one."""

    payload: dict
    disclosures: tuple[str, ...]
    signatures: tuple[str, ...]


def _presentation(told):
    ((text,),) = json.loads(parse_qs(told.body.decode())["vp_token"][0]).values()
    issued, *disclosures, bound = text.split("~")
    _, payload, signature = issued.split(".")
    return _Sent(json_object(base64url(payload)), tuple(disclosures), (signature, *bound.split(".")[1:]))


FORGED = {
    "WAL-01 another type": ({"typ": "JWT"}, "request.invalid"),
    "WAL-01 unsigned": (
        {"compact": _unsigned({"client_id": "x509_san_dns:bank.example"})},
        "request.signature_invalid",
    ),
    "WAL-01 no certificate": ({"key": SigningKey.generate()}, "request.untrusted_verifier"),
    "WAL-01 expired": ({"exp": 1}, "request.invalid"),
    "WAL-01 of tomorrow": ({"iat": 4_000_000_000}, "request.invalid"),
    "WAL-01 for somebody else": ({"aud": "https://wallet.example"}, "request.invalid"),
    "WAL-01 nobody's nonce": ({"wallet_nonce": "another"}, "request.invalid"),
    "WAL-02 another inside": ({"client_id": "x509_san_dns:other.example"}, "request.client_id_mismatch"),
    "WAL-06 another host": ({"response_uri": "https://evil.example/1"}, "request.response_uri_mismatch"),
    "WAL-06 below it": ({"response_uri": "https://a.bank.example/1"}, "request.response_uri_mismatch"),
    "WAL-06 in the clear": ({"response_uri": "http://bank.example/1"}, "request.response_uri_mismatch"),
    "WAL-06 loopback": ({"response_uri": "http://127.0.0.1/1"}, "request.response_uri_mismatch"),
}


@pytest.mark.parametrize(("change", "code"), FORGED.values(), ids=FORGED.keys())
def test_who_is_not_who_it_says_hears_nothing(ewallet_kit, bank, forging, query, change, code):
    """WAL-01, 02, 06: nothing is sent to the response_uri, not even an error."""
    link = bank.ask(query)
    forging(**change)

    assert code == _opened(ewallet_kit, link)
    assert [] == _posted(ewallet_kit)


def test_wal_01_a_signature_by_another_is_none(ewallet_kit, bank, query):
    """WAL-01: a request object that was altered on its way."""

    def altered(_request, response):
        head, claims, _ = response.body.decode().split(".")
        return replace(response, body=f"{head}.{claims}.{'A' * 86}".encode())

    bank.spoil["/request"] = altered

    assert "request.signature_invalid" == _opened(ewallet_kit, bank.ask(query))
    assert [] == _posted(ewallet_kit)


@pytest.mark.parametrize(
    "client_id", ["bank.example", "did:web:bank.example", "x509_san_uri:bank.example", "https://b"]
)
def test_wal_03_a_prefix_that_is_not_known_is_not_trusted(ewallet_kit, client_id):
    """WAL-03: whatever is behind it."""
    link = f"openid4vp://?{urlencode({'client_id': client_id, 'request': 'a.b.c'})}"

    assert "request.untrusted_verifier" == _opened(ewallet_kit, link)
    assert [] == ewallet_kit.network.requests


def test_wal_03_an_unsigned_request_is_not_taken(ewallet_kit, query):
    """WAL-03: where the answer would go proves nothing about who asks."""
    address = "https://bank.example/answers"
    parameters = {
        "client_id": f"redirect_uri:{address}",
        "response_type": "vp_token",
        "response_mode": "direct_post",
        "response_uri": address,
        "nonce": "n",
        "dcql_query": json.dumps(query.to_json()),
    }

    assert "request.untrusted_verifier" == _opened(ewallet_kit, f"openid4vp://?{urlencode(parameters)}")
    assert [] == ewallet_kit.network.requests


ANSWERED = {
    "WAL-04 no nonce": ({"nonce": None}, "request.invalid", "invalid_request"),
    "WAL-09 a transaction": (
        {"transaction_data": [TransactionData.make("payment", [KIND], {"amount": "1"}).raw]},
        "request.invalid",
        "invalid_transaction_data",
    ),
    "no query": ({"dcql_query": None}, "request.invalid", "invalid_request"),
    "a query that is none": ({"dcql_query": {"credentials": []}}, "dcql.invalid", "invalid_request"),
    "an answer by fragment": ({"response_mode": "fragment"}, "request.invalid", "invalid_request"),
    "a key that is none": ({"client_metadata": {"jwks": {"keys": []}}}, "request.invalid", "invalid_request"),
    "formats that are not ours": (
        {"client_metadata": {"vp_formats_supported": {"jwt_vc_json": {}}}, "response_mode": "direct_post"},
        "request.invalid",
        "vp_formats_not_supported",
    ),
}


@pytest.mark.parametrize(("change", "code", "error"), ANSWERED.values(), ids=ANSWERED.keys())
def test_a_known_verifier_is_told_what_is_wrong_with_its_request(
    ewallet_kit, bank, forging, query, change, code, error
):
    """WAL-04, WAL-09: by the error of the specification, once, and nothing of what is held."""
    link = bank.ask(query)
    forging(**change)

    assert code == _opened(ewallet_kit, link)
    (told,) = _posted(ewallet_kit)
    state = bank.asked[0].request.state
    assert {"error": [error], "state": [state]} == parse_qs(told.body.decode())


def test_a_verifier_that_cannot_be_told_is_not_told(ewallet_kit, bank, forging, query):
    """The holder hears what is wrong with the request, not that the complaint did not arrive."""
    link = bank.ask(query)
    forging(nonce=None)

    def down(_request, _response):
        raise TransportError("fetch.unavailable", "down")

    bank.spoil["/response"] = down

    assert "request.invalid" == _opened(ewallet_kit, link)


def test_a_request_without_an_address_is_told_to_nobody(ewallet_kit, bank, forging, query):
    """There is nowhere to send it."""
    link = bank.ask(query)
    forging(response_uri=None)

    assert "request.invalid" == _opened(ewallet_kit, link)
    assert [] == _posted(ewallet_kit)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 404, 500])
def test_wal_07_only_the_request_uri_itself_is_asked(ewallet_kit, bank, query, status):
    """WAL-07: no redirect is followed, and there is no second try."""
    bank.spoil["/request"] = lambda _request, _response: Response(status, {"location": "https://10.0.0.1/"})

    code = {404: "request.invalid", 500: "fetch.unavailable"}.get(status, "fetch.redirect")
    assert code == _opened(ewallet_kit, bank.ask(query))
    assert 1 == len(ewallet_kit.network.requests)


def test_wal_10_what_cannot_be_answered_whole_is_declined(ewallet_kit, bank):
    """WAL-10: access_denied and nothing else, the same as for a holder who says no."""
    asked = ewallet_kit.query("disabled_person_certificate", ["name"])
    request = ewallet_kit.wallet.open(bank.ask(asked))

    with pytest.raises(QueryError) as refused:
        ewallet_kit.wallet.match(request.query)
    ewallet_kit.wallet.decline(request)

    assert "dcql.unsatisfied" == refused.value.code
    assert Declined(error="access_denied") == bank.verdict()
    (told,) = _posted(ewallet_kit)
    assert {"error", "state"} == parse_qs(told.body.decode()).keys()


def test_wal_10_an_optional_set_that_is_not_held_is_left_out(ewallet_kit, bank, query):
    """WAL-10: the rest is answered."""
    other = ewallet_kit.query("disabled_person_certificate", ["name"]).to_json()["credentials"][0]
    first = query.to_json()["credentials"][0]
    sets = [{"options": [[first["id"]]]}, {"options": [["other"]], "required": False}]
    asked = Query.parse({"credentials": [first, other | {"id": "other"}], "credential_sets": sets})
    request = ewallet_kit.wallet.open(bank.ask(asked))

    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    outcome = bank.verdict()
    assert isinstance(outcome, Accepted)
    assert 1 == len(outcome.claims)


@pytest.mark.parametrize(("asked", "shown"), [(ASKED, set(ASKED)), (["resident_address"], {"resident_address"})])
def test_wal_11_what_was_asked_leaves_and_nothing_else(ewallet_kit, bank, asked, shown):
    """WAL-11: byte for byte: every disclosure that travels is one that was asked for."""
    request = ewallet_kit.wallet.open(bank.ask(ewallet_kit.query(KIND, asked), response_mode="direct_post"))
    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    (told,) = _posted(ewallet_kit)

    assert shown == {items_of(each)[1] for each in _presentation(told).disclosures}


def test_wal_11_a_query_without_claims_shows_none(ewallet_kit, bank, query):
    """WAL-11: only what is always visible."""
    members = query.to_json()
    members["credentials"][0].pop("claims")
    request = ewallet_kit.wallet.open(bank.ask(Query.parse(members), response_mode="direct_post"))
    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    (told,) = _posted(ewallet_kit)

    assert () == _presentation(told).disclosures


def test_wal_19_a_strangers_words_are_shown_as_text(ewallet_kit, bank, query, forging):
    """WAL-19: purpose and name, escaped and cut."""
    link = bank.ask(query)
    forging(purpose="<script>\u202e\u200b" + "a" * 10_000)

    request = ewallet_kit.wallet.open(link)

    assert request.purpose.startswith("\\u003cscript\\u003e\\u202e\\u200b")
    assert len(request.purpose) < 240


def test_wal_21_two_verifiers_who_pool_what_they_got_cannot_link_it(ewallet_kit, bank, query):
    """WAL-21: another copy for each: other salts, digests, keys and signatures."""
    for _ in range(2):
        request = ewallet_kit.wallet.open(bank.ask(query, response_mode="direct_post"))
        ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    first, second = (_presentation(each) for each in _posted(ewallet_kit))
    same = {name for name, value in first.payload.items() if second.payload[name] == value}
    texts = [{*each.disclosures, *each.payload["_sd"], *each.signatures} for each in (first, second)]

    assert ({"vct", "iss", "iat", "nbf", "exp"}, set()) == (same, texts[0] & texts[1])


@pytest.mark.parametrize("post", ["get", "post"])
def test_wal_23_nobody_but_the_verifier_is_contacted(ewallet_kit, bank, query, post):
    """WAL-23: no status list, no type metadata, no issuer: the issuer does not learn where a certificate is shown."""
    link = bank.ask(query)
    link = link if post == "post" else link.replace("&request_uri_method=post", "")
    wallet, network = ewallet_kit.wallet, ewallet_kit.network
    network.route(f"{ISSUER}/", lambda _request: pytest.fail("the issuer was contacted"))

    request = wallet.open(link)
    answer = wallet.match(request.query)
    network.route(f"{VERIFIER}/response/", lambda _request: Response(200, {"content-type": "application/json"}, b"{}"))
    wallet.answer(request, answer)

    handle = bank.asked[0].handle
    assert [f"{VERIFIER}/request/{handle}", f"{VERIFIER}/response/{handle}"] == [each.url for each in network.requests]


def test_a_request_is_fetched_with_a_fresh_nonce(ewallet_kit, bank, query):
    """What was signed before the wallet asked does not answer it."""
    for _ in range(2):
        ewallet_kit.wallet.open(bank.ask(query))

    nonces = [Fetch.parse(each.body).wallet_nonce for each in ewallet_kit.network.requests]

    assert 2 == len(set(filter(None, nonces)))


def test_an_answer_leads_back_to_where_the_verifier_wants(ewallet_kit, bank, query):
    """With the code that ends the session on the same device."""
    request = ewallet_kit.wallet.open(bank.ask(query, redirect_to=f"{VERIFIER}/done"))
    address = ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    assert address
    code = address.removeprefix(f"{VERIFIER}/done?response_code=")
    assert isinstance(bank.exchange.verdict(bank.asked[0].id, response_code=code), Accepted)


def test_a_copy_is_spent_although_the_answer_was_lost(ewallet_kit, bank, query):
    """The verifier may have it: the same copy does not leave a second time."""

    def lost(_request, _response):
        raise TransportError("fetch.timeout", "lost")

    request = ewallet_kit.wallet.open(bank.ask(query))
    bank.spoil["/response"] = lost
    with pytest.raises(TransportError) as refused:
        ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))
    assert "fetch.timeout" == refused.value.code

    (document,) = ewallet_kit.wallet.documents()
    assert (2, 1) == (document.copies_left, len(ewallet_kit.wallet.history()))


def test_no_copy_is_left_to_send_twice(ewallet_kit, bank, query):
    """The one copy goes once."""
    wallet = Wallet(
        store=MemoryWalletStore(),
        trust=ewallet_kit.pki.trust_list(),
        send=ewallet_kit.network,
        catalog=ewallet_kit.catalog,
        env=ewallet_kit.env,
    )
    keys = wallet.new_keys(1)
    wallet.put(
        ewallet_kit.issuer.issue(KIND, ewallet_kit.catalog.type(KIND).sample, subject="x", holders=keys).credentials
    )
    request = wallet.open(bank.ask(query))
    answer = wallet.match(request.query)
    wallet.answer(request, answer)

    with pytest.raises(AlreadyUsed) as refused:
        wallet.answer(request, answer)
    assert "storage.already_used" == refused.value.code
    assert 1 == len(_posted(ewallet_kit))


def test_an_expired_request_is_not_answered(ewallet_kit, bank, query):
    """The holder thought about it for too long."""
    request = ewallet_kit.wallet.open(bank.ask(query))
    answer = ewallet_kit.wallet.match(request.query)
    ewallet_kit.clock.advance(timedelta(minutes=6))

    with pytest.raises(UsageError) as refused:
        ewallet_kit.wallet.answer(request, answer)
    assert "usage.argument" == refused.value.code
    assert 3 == ewallet_kit.wallet.documents()[0].copies_left


def test_a_request_of_which_nobody_knows_who_asks_is_not_answered(ewallet_kit, bank, query):
    """One that came as a file has no way back, whatever address it names."""
    bank.ask(query)
    honest = bank.asked[0].request
    request = AuthorizationRequest.parse(honest.to_bytes())
    answer = ewallet_kit.wallet.match(request.query)

    for action in (lambda: ewallet_kit.wallet.answer(request, answer), lambda: ewallet_kit.wallet.decline(request)):
        with pytest.raises(UsageError) as refused:
            action()
        assert "usage.argument" == refused.value.code
    assert ([], 3) == (ewallet_kit.network.requests, ewallet_kit.wallet.documents()[0].copies_left)


def test_an_answer_that_cannot_be_encrypted_spends_no_copy(ewallet_kit, bank, query):
    """It is never sent in the clear instead."""
    request = replace(ewallet_kit.wallet.open(bank.ask(query)), metadata=None)

    with pytest.raises(EWalletError) as refused:
        ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    assert ("request.invalid", []) == (refused.value.code, _posted(ewallet_kit))
    assert 3 == ewallet_kit.wallet.documents()[0].copies_left


def test_what_travels_encrypted_cannot_be_read_on_the_way(ewallet_kit, bank, query):
    """Only the response parameter is in the form."""
    request = ewallet_kit.wallet.open(bank.ask(query))
    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    (told,) = _posted(ewallet_kit)
    members = parse_qs(told.body.decode())
    assert {"response"} == members.keys()
    assert "ECDH-ES" == jose.encryption_header(members["response"][0])["alg"]
    assert oid4vp_response.Posted.parse(told.body).state is None
