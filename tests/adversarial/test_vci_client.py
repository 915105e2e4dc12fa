"""Rows VCI-15 and VCI-20 of the security matrix, and RFC 6749 §5.2, about wallets that say who they are.

Nobody is registered here. A name may be given and means nothing; whoever would prove it is told that it proves nothing.
"""

from __future__ import annotations

import pytest

from ewallet import oauth
from ewallet.keys import SigningKey
from ewallet.shape import json_object
from ewallet.testing.caller import KIND, Caller, error

GRANT = {"grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code"}
BASIC = {"authorization": "Basic d2FsbGV0OmNhbmFyeS1zZWNyZXQ="}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def caller(ewallet_kit):
    """A wallet without a key for tokens."""
    return Caller(ewallet_kit.network, ewallet_kit.issuer.identifier, ewallet_kit.env)


@pytest.fixture
def redeem(ewallet_kit, caller):
    """Redeems the code of a new offer with parameters and headers besides."""
    code = caller.code(ewallet_kit.issuance.offer(KIND, subject="citizen-1"))

    def answer(parameters=(), headers=()):
        form = {**GRANT, "pre-authorized_code": code, **dict(parameters)}
        return caller.post("/token", oauth.form(form), caller.form | dict(headers))

    return answer


@pytest.mark.parametrize("client_id", ["", "wallet-dev", "https://wallet.example", "가상지갑", "x" * 10_000])
def test_a_name_that_anybody_can_give_changes_nothing(redeem, client_id):
    """Absent or unknown: the metadata say that nobody need be known."""
    assert 200 == redeem({"client_id": client_id}).status


def test_the_metadata_say_that_nobody_need_be_known(caller):
    """And offer no way to prove a name."""
    members = json_object(caller.get("/.well-known/oauth-authorization-server").body)

    assert members["pre-authorized_grant_anonymous_access_supported"]
    assert ["none"] == members["token_endpoint_auth_methods_supported"]


PROVEN = {
    "a secret": ({"client_id": "wallet", "client_secret": "canary-secret"}, {}),
    "an assertion": ({"client_assertion": "canary.a.b", "client_assertion_type": ASSERTION}, {}),
    "an assertion without a type": ({"client_assertion": "canary.a.b"}, {}),
    "basic": ({}, BASIC),
    "an attestation": ({}, {"oauth-client-attestation": "canary.a.b", "oauth-client-attestation-pop": "a.b.c"}),
    "half an attestation": ({}, {"OAuth-Client-Attestation-PoP": "canary.a.b"}),
    "a token": ({}, {"Authorization": "Bearer canary-token"}),
    "no scheme": ({}, {"authorization": "canary-secret"}),
}


@pytest.mark.parametrize(("parameters", "headers"), PROVEN.values(), ids=PROVEN)
def test_a_proof_that_is_not_looked_at_does_not_seem_good(redeem, parameters, headers):
    """401 ``invalid_client``; the code can still be redeemed by whoever comes without."""
    refused = redeem(parameters, headers)

    assert (401, "invalid_client") == (refused.status, error(refused))
    assert ("authorization" in {name.lower() for name in headers}) == ("www-authenticate" in refused.headers)
    assert b"canary" not in refused.body
    assert "canary" not in str(refused.headers)
    assert 200 == redeem().status


@pytest.mark.parametrize(("sent", "challenged"), [("Basic x", "Basic"), ("DPoP x", "DPoP"), ("canary", "Basic")])
def test_the_challenge_is_of_the_scheme_that_was_tried(redeem, sent, challenged):
    """RFC 6749 §5.2; a scheme that is none is not repeated."""
    assert f'{challenged} realm="token"' == redeem({}, {"authorization": sent}).headers["www-authenticate"]


def test_vci_15_an_anonymous_wallet_names_itself_in_no_proof(ewallet_kit, caller):
    """VCI-15: not even by the name that it gave for its token."""
    code = caller.code(ewallet_kit.issuance.offer(KIND, subject="citizen-1"))
    form = {**GRANT, "pre-authorized_code": code, "client_id": "wallet"}
    token = caller.post("/token", oauth.form(form), caller.form)
    bearing = {"authorization": f"Bearer {json_object(token.body)['access_token']}"}
    proof = caller.spoiled(caller.nonce(), claims={"iss": "wallet"})
    body = f'{{"credential_configuration_id": "{KIND}.dc+sd-jwt", "proofs": {{"jwt": ["{proof}"]}}}}'
    answer = caller.post("/credential", body.encode(), {"content-type": "application/json"} | bearing)

    assert (400, "invalid_proof") == (answer.status, error(answer))


def test_a_bound_wallet_is_as_anonymous_as_another(ewallet_kit, caller):
    """DPoP binds a token to a key, and the key is nobody's name."""
    caller.dpop_key = SigningKey.generate()

    assert "DPoP" == caller.token(ewallet_kit.issuance.offer(KIND, subject="citizen-1")).token_type
