"""DPoP, PKCE, client attestation and the errors of the token endpoint: every outside vector is judged as listed."""

from __future__ import annotations

import json

import pytest

from ewallet import dpop, jose, oauth
from ewallet.credential import moment
from ewallet.errors import ProtocolError
from ewallet.keys import PublicKey
from ewallet.oid4vci import TokenRequest


def _check_dpop(case):
    nonce = case.get("nonce")
    return dpop.check(
        case["dpop"],
        method=case["method"],
        url=case["url"],
        at=moment(case["now"]),
        token=case.get("access_token"),
        bound=case.get("token_jkt"),
        accepts=None if nonce is None else {nonce}.__contains__,
        next_nonce="the-next-one",
    )


@pytest.mark.vectors("standards/vectors/oauth/*dpop-*.json", count=14)
def test_dpop_proof_is_judged_as_listed(vector):
    """A proof is taken with the listed key, or refused with the listed error."""
    case = json.loads(vector.read_bytes())
    expect = case["expect"]
    if expect["result"] == "valid":
        assert expect["jkt"] == _check_dpop(case).thumbprint
        return
    with pytest.raises(ProtocolError) as refused:
        _check_dpop(case)
    assert ("request.invalid", expect["error"], 401) == (refused.value.code, refused.value.error, refused.value.status)
    assert f'DPoP error="{expect["error"]}"' in refused.value.headers["WWW-Authenticate"]
    assert ("the-next-one" if expect["error"] == "use_dpop_nonce" else None) == refused.value.headers.get("DPoP-Nonce")


def _check_attestation(case):
    attester = PublicKey.of_jwk(case["attester_jwk"])
    client = oauth.check_client_attestation(
        case["attestation_headers"],
        case["pop_headers"],
        audience=case["as_issuer"],
        at=moment(case["now"]),
        attester=lambda _jws: attester,
        client_id=case["client_id"],
        accepts={case["challenge"]}.__contains__,
    )
    if client.jti in case.get("seen_jti", ()):
        raise ProtocolError("request.invalid", "what the store would say", error="invalid_client", status=401)
    return client


@pytest.mark.vectors("standards/vectors/oauth/abca-*.json", "standards/vectors/oauth/neg-abca-*.json", count=14)
def test_client_attestation_is_judged_as_listed(vector):
    """A wallet is known by its attestation, or refused with the listed error and status."""
    case = json.loads(vector.read_bytes())
    expect = case["expect"]
    if expect["result"] == "valid":
        assert case["client_id"] == _check_attestation(case).client_id
        return
    with pytest.raises(ProtocolError) as refused:
        _check_attestation(case)
    assert ("request.invalid", expect["error"], expect["http_status"]) == (
        refused.value.code,
        refused.value.error,
        refused.value.status,
    )


@pytest.mark.vectors("standards/vectors/oauth/abca10-example-token-request.json", count=1)
def test_attestation_of_the_draft_is_read_but_for_its_signature(vector):
    """The draft does not publish the attester's key: all else of its example holds."""
    case = json.loads(vector.read_bytes())
    claims = jose.parse(case["attestation"], oauth.ATTESTATION_TYP).claims
    key = PublicKey.of_jwk(claims["cnf"]["jwk"])
    client = oauth.ClientAttestation(client_id=claims["sub"], key=key, jti="", until=moment(0))
    accepts = {case["challenge"]}.__contains__
    proven = oauth._proven(case["pop"], client, case["as_issuer"], moment(case["now"]), accepts)
    assert case["expect"]["client_id"] == proven.client_id


@pytest.mark.vectors("standards/vectors/oauth/pkce-*.json", count=1)
def test_code_challenge_is_the_listed_one(vector):
    """S256 of the verifier of RFC 7636 App. B."""
    case = json.loads(vector.read_bytes())
    challenge = case["expect"]["code_challenge"]
    assert challenge == oauth.code_challenge(case["code_verifier"])
    oauth.check_code_challenge(challenge, case["expect"]["code_challenge_method"])
    oauth.check_code_verifier(case["code_verifier"], challenge)


def _redeem(case):
    """What a token endpoint does with the message; the codes are the store's."""
    state = case["server_state"]
    request = TokenRequest.parse(oauth.form(case["request_params"]))
    request.check_client(anonymous=state["anonymous_access"])
    request.check_tx_code(required=state["tx_code"] is not None)
    if (request.code, request.tx_code) != (state["code"], state["tx_code"]):
        raise ProtocolError("request.invalid", "what the store would say", error="invalid_grant")


@pytest.mark.vectors("standards/vectors/oauth/token-endpoint-preauth-errors.json", count=1)
def test_token_requests_are_judged_as_listed(vector):
    """A pre-authorized code is redeemed, or refused with the listed error."""
    for case in json.loads(vector.read_bytes())["cases"]:
        expect = case["expect"]
        if "error" not in expect:
            _redeem(case)
            continue
        with pytest.raises(ProtocolError) as refused:
            _redeem(case)
        assert ("request.invalid", case["id"], expect["error"]) == (refused.value.code, case["id"], refused.value.error)
        assert str(refused.value.status) in str(expect["http"])
