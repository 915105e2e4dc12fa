"""The peer ``@openid4vc/openid4vci`` (npm) as a wallet: it receives from our issuer, a process of its own, by HTTP.

Needs node 20 and what ``.ci/run`` installs in the folder above. As of 0.4.6, and not copied here:

- it encrypts no requests for credentials and opens no encrypted answers; that is done around it, by ``jose``;
- it sends the transaction code a second time, as ``user_pin``, which drafts had;
- it refuses deferred credentials that come with a ``notification_id`` (OpenID4VCI 1.0 §9.2 has them together).
"""

from __future__ import annotations

import time

import pytest

from ewallet.testing.nursery import free_port

pytestmark = pytest.mark.loopback

MOST = 10  # copies in one answer of ours


@pytest.fixture(scope="module")
def late_issuer(town, here):
    """An issuer that is never ready at once."""
    url = f"http://127.0.0.1:{free_port()}"
    with town.service(url, str(here / "late_service.py")):
        town.await_ready(url)
        yield url


def _sent(received, path):
    return [sent for sent in received["told"] if sent.get("path") == path]


@pytest.mark.parametrize("link", ["uri", "reference_uri"], ids=["by-value", "by-reference"])
@pytest.mark.parametrize("dpop", [False, True], ids=["bearer", "dpop"])
def test_it_takes_what_we_offer(link, dpop, town, wallet):
    """Metadata, token, nonce, proof and credential; with DPoP, the token once more for the nonce that we demand."""
    received = wallet("receive", offer=town.offer()[link], copies=1, dpop=dpop)
    tokens = [(sent["status"], sent["dpop"]) for sent in _sent(received, "/token")]
    (credential,) = _sent(received, "/credential")

    assert 1 == received["count"]
    assert ([(400, True), (200, True)] if dpop else [(200, False)]) == tokens
    assert (200, dpop) == (credential["status"], credential["dpop"])


@pytest.mark.parametrize("enc", [None, "A128GCM", "A256GCM"])
def test_it_takes_as_many_copies_as_we_give(enc, town, wallet):
    """Each bound to a key of its own, in the clear or encrypted both ways."""
    received = wallet("receive", offer=town.offer()["uri"], copies=MOST, dpop=True, enc=enc)

    assert MOST == received["count"]
    assert ([{"sealed": enc}] if enc else []) == [sent for sent in received["told"] if "sealed" in sent]


def test_it_knows_how_many_copies_we_give(town, wallet, refused):
    """It has read ``batch_credential_issuance``."""
    with refused(f"max batch size is '{MOST}'"):
        wallet("receive", offer=town.offer()["uri"], copies=MOST + 1, dpop=True)


def test_a_transaction_code_is_asked_for_and_judged(town, wallet, refused):
    """None is not even sent, a wrong one refused, and the right one good once."""
    offer = town.offer(tx_code=True)
    wrong = f"{(int(offer['tx_code']) + 1) % 1_000_000:06}"
    asked = {"offer": offer["uri"], "copies": 1, "dpop": True}

    with refused("requires a 'tx_code'"):
        wallet("receive", **asked)
    with refused('"error": "invalid_grant"'):
        wallet("receive", **asked, txCode=wrong)
    assert 1 == wallet("receive", **asked, txCode=offer["tx_code"])["count"]
    with refused('"error": "invalid_grant"'):
        wallet("receive", **asked, txCode=offer["tx_code"])


@pytest.mark.parametrize("event", ["credential_accepted", "credential_failure", "credential_deleted"])
def test_it_tells_us_what_became_of_a_credential(event, town, wallet):
    """Under the token that it was received with."""
    wallet("receive", offer=town.offer()["uri"], copies=1, dpop=True)
    assert 204 == wallet("notify", event=event)


@pytest.mark.parametrize("enc", [None, "A256GCM"])
def test_it_comes_back_for_what_is_deferred(enc, late_issuer, town, wallet):
    """Too early it is told to wait; later it gets what it asked for, and only once."""
    kind = "resident_register_abstract" if enc else "resident_register_copy"
    offer = town.offer(kind, issuer=late_issuer)
    first = wallet("receive", offer=offer["uri"], copies=2, dpop=True, enc=enc)
    early = wallet("collect")
    time.sleep(1)
    late = wallet("collect")

    assert [(0, True), (0, True), (2, False)] == [(each["count"], each["deferred"]) for each in (first, early, late)]
    assert 204 == wallet("notify", event="credential_accepted")


def test_as_published_it_takes_no_notification_id_with_what_was_deferred(late_issuer, town, wallet, refused):
    """It turns the rule round that a promise has none."""
    offer = town.offer("family_relation_certificate", issuer=late_issuer)
    wallet("receive", offer=offer["uri"], copies=1, dpop=True, asPublished=True)
    time.sleep(1)
    with refused("Error retrieving deferred credentials"):
        wallet("collect")
