"""The peer ``@openid4vc/openid4vp`` (npm) as a wallet: it answers ``ewallet-verify serve``, a process, by HTTP.

What it answers with it received from our issuer before, and its presentations are made by ``@sd-jwt/sd-jwt-vc``. As of
0.4.6, and not copied here, it fetches a request by POST with the members of ``wallet_metadata`` as parameters of their
own and without the ``wallet_nonce`` (OpenID4VP 1.0 §5.10), of which it then says that it is missing.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.loopback

KIND = "resident_register_copy"
PREFIXES = ("x509_hash", "x509_san_dns")
#: How an answer goes wrong, and what we say to it.
HOSTILE = {
    "another nonce": "kb.nonce",
    "another audience": "kb.aud",
    "another issuer's signature": "crypto.signature_invalid",
    "another holder's signature": "kb.signature_invalid",
    "another sd_hash": "kb.sd_hash",
    "a claim less": "dcql.unsatisfied",
    "no key binding": "kb.missing",
    "a claim more": "dcql.extra_claims",
}


@pytest.fixture(scope="module")
def holder(town, wallet):
    """The wallet, with a certificate of ours."""
    wallet("receive", offer=town.offer()["uri"], copies=1, dpop=True)
    return wallet


def _by_get(link):
    return link.replace("&request_uri_method=post", "")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("nonce", [None, "a-nonce-of-the-wallet"], ids=["get", "post"])
@pytest.mark.parametrize("enc", [None, "A128GCM", "A256GCM"], ids=["plain", "A128GCM", "A256GCM"])
def test_it_answers_what_we_ask(prefix, nonce, enc, town, holder):
    """It checks who asks and its own nonce, and the bank learns what it asked for."""
    asked = town.ask(prefix, response_mode="direct_post.jwt" if enc else "direct_post")
    request = holder("open", link=asked["link"] if nonce else _by_get(asked["link"]), nonce=nonce)
    answer = holder("answer", enc=enc)
    outcome = town.outcome(asked, prefix)

    assert (prefix, 100) == (request["prefix"], request["version"])  # 100 stands for OpenID4VP 1.0
    assert ["POST" if nonce else "GET"] == [sent["method"].upper() for sent in request["told"]]
    assert (200, {}, enc) == (answer["status"], answer["reply"], answer["enc"])
    assert ("accepted", None) == (outcome["verdict"]["verdict"], outcome["code"])
    assert {"resident_address", "is_householder"} == outcome["verdict"]["claims"][KIND].keys()


def test_on_the_same_device_it_is_led_back(town, holder):
    """To the bank's page, with the code that opens the verdict."""
    asked = town.ask(redirect_to="https://bank.example/done")
    holder("open", link=asked["link"])
    page, _, code = holder("answer")["reply"]["redirect_uri"].partition("?response_code=")

    assert "https://bank.example/done" == page
    assert "accepted" == town.outcome(asked, response_code=code)["verdict"]["verdict"]


TRANSACTION = {"type": "urn:example:loan", "credential_ids": [KIND], "amount": "1000000", "lender": "가상은행"}


def test_it_confirms_a_transaction(town, holder):
    """With its hash in the key binding."""
    asked = town.ask(transaction_data=[TRANSACTION])
    holder("open", link=asked["link"])
    holder("answer")

    assert ("accepted", None) == town.verdict(asked)


@pytest.mark.parametrize("how", ["another transaction", "no transaction"])
def test_what_confirms_no_transaction_of_ours_is_refused(how, town, holder):
    """Whether it confirms another one or none."""
    asked = town.ask(transaction_data=[TRANSACTION])
    holder("open", link=asked["link"])
    holder("answer", how=how)

    assert ("rejected", "policy.transaction_data") == town.verdict(asked)


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_answer_is_refused_for_what_is_wrong_with_it(how, town, holder):
    """The bank gets the exact code; the wallet is not told."""
    asked = town.ask()
    holder("open", link=asked["link"])
    answer = holder("answer", how=how)

    assert (200, {}) == (answer["status"], answer["reply"])
    assert ("rejected", HOSTILE[how]) == town.verdict(asked)


def test_an_answer_counts_once(town, holder):
    """A second time to the same request, to another request, and at the counter."""
    first, second = town.ask(), town.ask()
    request = holder("open", link=first["link"])
    presentation = holder("answer")["presentation"]
    again = holder("answer", again=presentation)
    holder("open", link=second["link"])
    holder("answer", again=presentation)
    counter = town.verify(presentation=presentation, nonce=request["nonce"], audience=request["clientId"])

    assert (400, {"error": "invalid_request"}) == (again["status"], again["reply"])
    assert ("accepted", None) == town.verdict(first)
    assert ("rejected", "kb.nonce") == town.verdict(second)
    assert ("rejected", "replay.response_used") == (counter["verdict"], counter["code"])


def test_as_published_it_sends_no_nonce_and_misses_it(town, holder, refused):
    """Our request object repeats the nonce it was sent, and no other."""
    with refused('The "wallet_nonce" parameter MUST be present'):
        holder("open", link=town.ask()["link"], nonce="a-nonce-of-the-wallet", asPublished=True)
