"""The portal road: who asks proves it, who consents is led back, and tokens are of no use to anybody else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet import dpop, oauth
from ewallet.errors import ConsentError, Malformed, ProtocolError
from ewallet.flow import Request, Response
from ewallet.jose import to_json
from ewallet.keys import SigningKey
from ewallet.portal import assertion
from ewallet.portal.pushed import DETAILS, asked_in
from ewallet.shape import json_object, to_base64url
from ewallet.testing.agency import BACK, BANK, BUNDLE, CYCLES, OTHER, PORTAL, PortalSite, asked

FORM = {"content-type": "application/x-www-form-urlencoded"}
VERIFIER = "v" * 43
DETAIL = {"type": DETAILS, "bundle": BUNDLE, "days": 30, "lang": "ko"}


@pytest.fixture
def site(ewallet_catalog):
    """A portal with two recipients."""
    return PortalSite.make(ewallet_catalog)


def _shown(site, client_id=BANK, *, key=None, audience=PORTAL, seed="one"):
    env = site.clock.env(seed)
    return dict(assertion.prove(client_id, audience, key or site.keys[client_id], at=env.now(), random=env.random))


def _pushed(site, *, without=(), details=DETAIL, **changes):
    said = {
        "response_type": "code",
        "redirect_uri": BACK,
        "code_challenge": oauth.code_challenge(VERIFIER),
        "code_challenge_method": "S256",
        "state": "s1",
        "authorization_details": details if isinstance(details, str) else json.dumps([details]),
        **_shown(site),
        **changes,
    }
    return Request("POST", f"{PORTAL}/par", FORM, oauth.form({k: v for k, v in said.items() if k not in without}))


def _error(call, *arguments, code="request.invalid"):
    with pytest.raises(ProtocolError) as refused:
        call(*arguments)
    assert code == refused.value.code
    return refused.value.error


def _code(site):
    """A fresh code of the bank, as it comes back."""
    answer = json_object(site.portal.push(_pushed(site)).body)
    return asked(site.agreed(f"{PORTAL}/authorize?client_id={BANK}&request_uri={answer['request_uri']}"))["code"]


def _proof(site, place, *, method="POST", key=None, token=None, seed="proof"):
    env = site.clock.env(seed)
    nonce = site.portal._nonces.give(env.now(), env.random)
    signer = key or site.keys[BANK]
    return dpop.prove(method, f"{PORTAL}/{place}", signer, at=env.now(), random=env.random, token=token, nonce=nonce)


def _redeem(site, code, *, proof=None, without=(), seed="redeem", **changes):
    said = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        **_shown(site, seed=seed),
        **changes,
    }
    headers = {**FORM, "DPoP": proof or _proof(site, "token", seed=seed)}
    body = oauth.form({k: v for k, v in said.items() if k not in without})
    return site.portal.token(Request("POST", f"{PORTAL}/token", headers, body))


def _fetch(site, token, *, scheme="DPoP", proof=None, key=None, seed="fetch"):
    shown = proof or _proof(site, "packages", method="GET", key=key, token=token, seed=seed)
    return site.portal.packages(
        Request("GET", f"{PORTAL}/packages", {"authorization": f"{scheme} {token}", "DPoP": shown})
    )


def _token(site):
    return json_object(_redeem(site, _code(site)).body)["access_token"]


# -- the whole road ----------------------------------------------------------------------------------------------


def test_a_recipient_gets_the_package_that_was_consented_to(site):
    """By its client: pushed, consented, a code, a token, the package; and the same package when it asks again."""
    client = site.client()
    asking = client.ask(BUNDLE, days=30)
    assert {"client_id", "request_uri"} == asked(asking.url).keys()
    granted = client.token(asking, site.agreed(asking.url))
    first, again = client.package(granted), client.package(granted)
    assert (granted.consent_id, BUNDLE) == (first.consent.id, first.consent.bundle_id)
    assert first.to_bytes() == again.to_bytes()


def test_who_says_no_is_led_back_with_that_and_nothing_else(site):
    """``access_denied`` with state and iss (RFC 9207); the request is over then."""
    client = site.client()
    asking = client.ask(BUNDLE, days=30)
    request_uri = asked(asking.url)["request_uri"]
    back = site.portal.refuse(request_uri)
    assert {"error": "access_denied", "state": asking.state, "iss": PORTAL} == asked(back)
    assert "access_denied" == _error(client.token, asking, back)
    assert "invalid_request_uri" == _error(site.portal.refuse, request_uri)


def test_what_comes_in_cycles_is_asked_for_again_without_the_person(site):
    """By the recipient itself, while the consent holds."""
    client = site.client(OTHER)
    asking = client.ask(CYCLES, days=30)
    granted = client.token(asking, site.agreed(asking.url, CYCLES))
    assert granted.consent_id == client.package(client.again(granted.consent_id)).consent.id


@pytest.mark.parametrize("details", [[], [{"consent": "one"}, {"consent": "two"}]])
def test_a_token_for_none_or_two_consents_is_none(site, details):
    """Whatever a portal answers, a recipient learns it by a code."""
    client = site.client()
    asking = client.ask(BUNDLE, days=30)
    told = {"access_token": "t", "token_type": "DPoP", "authorization_details": details}
    client._send = lambda _: Response(200, {"content-type": "application/json"}, to_json(told))
    with pytest.raises(ProtocolError) as refused:
        client.token(asking, f"{BACK}?iss={PORTAL}&state={asking.state}&code=c")
    assert "request.invalid" == refused.value.code


def test_metadata_says_what_is_demanded(site):
    """RFC 8414: pushed requests, S256, signed clients, tokens bound to keys."""
    said = site.portal.metadata()
    assert PORTAL == said["issuer"]
    assert said["require_pushed_authorization_requests"]
    assert ["S256"] == said["code_challenge_methods_supported"]
    assert ["private_key_jwt"] == said["token_endpoint_auth_methods_supported"]
    assert [DETAILS] == said["authorization_details_types_supported"]


# -- pushed requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoiled",
    [
        {"without": ["code_challenge"]},
        {"without": ["code_challenge_method"]},
        {"code_challenge_method": "plain"},
        {"code_challenge": VERIFIER[:42]},
        {"state": "x" * 2000},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"dpop_jkt": "A" * 43},
    ],
)
def test_a_request_without_what_protects_it_is_refused(site, spoiled):
    """VCI-24: PKCE by S256 alone, a bounded state, no request within a request, no key but the client's."""
    assert "invalid_request" == _error(site.portal.push, _pushed(site, **spoiled))


@pytest.mark.parametrize(
    "address",
    [
        "",
        f"{BACK}/",
        f"{BACK}?x=1",
        f"{BACK}#x",
        BACK[:-1],
        BACK.upper(),
        "https://bank.example@evil.example/mydata/return",
        "//bank.example/mydata/return",
        "https:bank.example/mydata/return",
        "data:text/html,x",
    ],
)
def test_an_address_that_is_not_registered_letter_for_letter_is_refused(site, address):
    """No prefix, no other spelling: nobody is led anywhere else."""
    assert "invalid_request" == _error(site.portal.push, _pushed(site, redirect_uri=address))


@pytest.mark.parametrize(
    "details",
    [
        "",
        "[]",
        "{}",
        "nonsense",
        json.dumps([DETAIL, DETAIL]),
        json.dumps([{**DETAIL, "type": "payment"}]),
        json.dumps([{**DETAIL, "more": 1}]),
        json.dumps([{**DETAIL, "bundle": "unknown"}]),
        json.dumps([{**DETAIL, "days": 0}]),
        json.dumps([{**DETAIL, "days": 36600}]),
        json.dumps([{**DETAIL, "days": "30"}]),
        json.dumps([{**DETAIL, "lang": "fr"}]),
        json.dumps([{**DETAIL, "purpose": "another one"}]),
        json.dumps([{**DETAIL, "padding": "x" * 5000}]),
    ],
)
def test_details_of_another_kind_than_is_documented_are_refused(site, details):
    """RFC 9396 §5: what is unknown is not overlooked."""
    assert "invalid_authorization_details" == _error(site.portal.push, _pushed(site, details=details))


def test_the_purpose_of_the_bundle_may_be_said(site):
    """In its own words."""
    purpose = site.catalog.bundle(BUNDLE).purpose("ko")
    assert 201 == site.portal.push(_pushed(site, details={**DETAIL, "purpose": purpose})).status


def test_who_is_not_registered_for_a_bundle_or_is_suspended_is_refused(site):
    """Before any person is bothered."""
    other = _pushed(site, details={**DETAIL, "bundle": CYCLES})
    assert "access_denied" == _error(site.portal.push, other, code="access.forbidden")
    site.register(replace(site.recipients[BANK], suspended=True))
    assert "access_denied" == _error(site.portal.push, _pushed(site), code="access.forbidden")


# -- clients -----------------------------------------------------------------------------------------------------


def _signed(site, *, without="", **changes):
    made = int(site.clock.now().timestamp())
    claims = {"iss": BANK, "sub": BANK, "aud": PORTAL, "jti": "1", "iat": made, "exp": made + 60, **changes}
    claims.pop(without, None)
    signer = site.keys[BANK]
    header = to_base64url(to_json({"alg": signer.public.alg, "typ": claims.pop("typ", "JWT")}))
    signed = f"{header}.{to_base64url(to_json(claims))}"
    return {"client_assertion": f"{signed}.{to_base64url(signer.sign(signed.encode()))}"}


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": f"{PORTAL}/token"},
        {"aud": "https://evil.example"},
        {"aud": [PORTAL, "https://evil.example"]},
        {"aud": None},
        {"iss": OTHER},
        {"sub": OTHER},
        {"sub": [BANK]},
        {"exp": 0},
        {"exp": 1 << 40},
        {"exp": None},
        {"iat": 0},
        {"iat": None},
        {"jti": ""},
        {"jti": None},
        {"typ": "dpop+jwt"},
        {"typ": ["JWT"]},
    ],
)
def test_an_assertion_that_is_not_for_here_and_now_is_refused(site, claims):
    """Its audience is the server's identifier, its time a few minutes, its name one and the same."""
    assert "invalid_client" == _error(site.portal.push, _pushed(site, **_signed(site, **claims)))


def test_an_assertion_need_not_say_when_it_was_made(site):
    """RFC 7523 §3 has ``iat`` as optional; ``exp`` is not, and the identifier is good once all the same."""
    undated = _signed(site, without="iat")

    assert 201 == site.portal.push(_pushed(site, **undated)).status
    assert "invalid_client" == _error(site.portal.push, _pushed(site, **undated))
    for name in ("exp", "jti", "aud", "sub"):
        assert "invalid_client" == _error(site.portal.push, _pushed(site, **_signed(site, without=name)))


@pytest.mark.parametrize(
    "spoiled",
    [
        {"without": ["client_assertion"]},
        {"without": ["client_assertion_type"]},
        {"client_assertion": "a.b.c"},
        {"client_assertion": ""},
        {"client_id": OTHER},
        {"client_secret": "x"},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
    ],
)
def test_a_client_that_does_not_sign_who_it_is_is_refused(site, spoiled):
    """There is no other way to authenticate."""
    assert "invalid_client" == _error(site.portal.push, _pushed(site, **spoiled))


def test_a_key_that_is_not_registered_is_refused(site):
    """For a client that is registered as for one that is not."""
    stranger = SigningKey.generate()
    for client_id in (BANK, "nobody.example"):
        shown = _shown(site, client_id, key=stranger)
        assert "invalid_client" == _error(site.portal.push, _pushed(site, **shown))


def test_an_assertion_is_used_once(site):
    """At whichever endpoint it comes again."""
    code = _code(site)
    shown = _shown(site, seed="twice")
    site.portal.push(_pushed(site, **shown))
    assert "invalid_client" == _error(site.portal.push, _pushed(site, **shown))
    assert "invalid_client" == _error(lambda: _redeem(site, code, **shown))


# -- codes and tokens --------------------------------------------------------------------------------------------


def test_a_code_that_comes_twice_ends_what_was_given_for_it(site):
    """VCI-24 (RFC 6749 §4.1.2): one of the two was a thief."""
    code = _code(site)
    token = json_object(_redeem(site, code).body)["access_token"]
    assert 200 == _fetch(site, token).status
    assert "invalid_grant" == _error(lambda: _redeem(site, code, seed="again"))
    assert "invalid_token" == _error(lambda: _fetch(site, token, seed="later"))


def test_a_recipient_that_was_suspended_meanwhile_has_no_use_for_a_code(site):
    """It is gone with that, whatever becomes of the registration."""
    code = _code(site)
    site.register(replace(site.recipients[BANK], suspended=True))
    assert "access_denied" == _error(lambda: _redeem(site, code), code="access.forbidden")
    site.register(replace(site.recipients[BANK], suspended=False))
    assert "invalid_grant" == _error(lambda: _redeem(site, code, seed="later"))


def test_a_code_is_over_after_a_minute(site):
    """FAPI 2.0 §5.3.2.1."""
    code = _code(site)
    site.clock.advance(timedelta(seconds=60))
    assert "invalid_grant" == _error(lambda: _redeem(site, code))


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        ({"without": ["code_verifier"]}, "invalid_request"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"redirect_uri": f"{BACK}/"}, "invalid_grant"),
        ({"without": ["redirect_uri"]}, "invalid_grant"),
        ({"without": ["code"]}, "invalid_grant"),
        ({"code": "x"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_redeemed_with_all_that_it_is_bound_to(site, spoiled, error):
    """VCI-24: PKCE, the address to the letter, the grant."""
    assert error == _error(lambda: _redeem(site, spoiled.pop("code", _code(site)), **spoiled))


def test_another_client_has_no_use_for_a_code(site):
    """VCI-24: though it is registered, and signs with its own key."""
    code = _code(site)
    theirs = {**_shown(site, OTHER), "client_id": OTHER}
    proof = _proof(site, "token", key=site.keys[OTHER])
    assert "invalid_grant" == _error(lambda: _redeem(site, code, proof=proof, **theirs))


def test_a_token_is_bound_to_the_key_of_the_request(site):
    """A proof of another key gets none, even with the client's own assertion."""
    code = _code(site)
    proof = _proof(site, "token", key=SigningKey.generate())
    assert "invalid_grant" == _error(lambda: _redeem(site, code, proof=proof))


def test_a_stolen_token_is_of_no_use(site):
    """MYD-04: neither to another recipient nor as a bearer's, and not after five minutes."""
    token = _token(site)
    assert "invalid_token" == _error(lambda: _fetch(site, token, key=site.keys[OTHER]))
    assert "invalid_token" == _error(lambda: _fetch(site, token, scheme="Bearer"))
    assert "invalid_token" == _error(lambda: _fetch(site, "unknown"))
    site.clock.advance(timedelta(minutes=5))
    assert "invalid_token" == _error(lambda: _fetch(site, token))


def test_a_proof_is_used_once(site):
    """At the token endpoint and at the resource, and it takes a nonce of this server."""
    proof = _proof(site, "token")
    _redeem(site, _code(site), proof=proof)
    assert "invalid_dpop_proof" == _error(lambda: _redeem(site, "x", proof=proof, seed="again"))
    token = json_object(_redeem(site, _code_again(site), seed="third").body)["access_token"]
    shown = _proof(site, "packages", method="GET", token=token, seed="own")
    _fetch(site, token, proof=shown)
    assert "invalid_dpop_proof" == _error(lambda: _fetch(site, token, proof=shown))
    env = site.clock.env("bare")
    bare = dpop.prove("GET", f"{PORTAL}/packages", site.keys[BANK], at=env.now(), random=env.random, token=token)
    assert "use_dpop_nonce" == _error(lambda: _fetch(site, token, proof=bare))


def _code_again(site):
    answer = json_object(site.portal.push(_pushed(site, **_shown(site, seed="two"))).body)
    return asked(site.agreed(f"{PORTAL}/authorize?client_id={BANK}&request_uri={answer['request_uri']}"))["code"]


@pytest.mark.parametrize(
    "query", ["asked=%7B%7D&asked=%7B%22x%22%3A%5B%5D%7D", "asked=%5B%5D", "asked=x", "asked=%7B%22x%22%3A1%7D"]
)
def test_what_is_asked_for_is_said_once_and_in_its_form(query):
    """VCI-10: of two that differ nobody knows which was meant."""
    with pytest.raises(Malformed) as refused:
        asked_in(query)
    assert refused.value.code.startswith("malformed.")


def test_a_token_in_the_query_is_refused(site):
    """It would end up in logs."""
    token = _token(site)
    request = Request("GET", f"{PORTAL}/packages?access_token={token}", {"authorization": f"DPoP {token}"})
    assert "invalid_request" == _error(site.portal.packages, request)


@pytest.mark.parametrize("code", ["consent.withdrawn", "consent.expired", "consent.not_yet_valid", "consent.required"])
def test_nothing_is_handed_over_when_the_consent_is_over(site, code):
    """MYD-01: the token that was good is of no use then, nor is a new one given for cycles."""
    token = _token(site)
    site.agencies.over = code
    with pytest.raises(ConsentError) as refused:
        _fetch(site, token)
    assert code == refused.value.code


def test_a_consent_for_one_time_or_of_another_recipient_is_not_asked_for_again(site):
    """Cycles alone, and one's own."""
    client = site.client()
    asking = client.ask(BUNDLE, days=30)
    granted = client.token(asking, site.agreed(asking.url))
    assert "invalid_grant" == _error(client.again, granted.consent_id)
    with pytest.raises(ConsentError) as refused:
        site.client(OTHER).again(granted.consent_id)
    assert "consent.recipient" == refused.value.code


# -- requests at the person --------------------------------------------------------------------------------------


def test_a_request_is_good_for_nine_minutes_its_own_client_and_one_answer(site):
    """Otherwise it is as if it had never been."""
    told = json_object(site.portal.push(_pushed(site)).body)
    request_uri = told["request_uri"]
    assert (BANK, 540) == (site.portal.pushed(BANK, request_uri).client_id, told["expires_in"])
    for client_id, uri in ((OTHER, request_uri), (BANK, "x"), (BANK, f"{request_uri}x")):
        assert "invalid_request_uri" == _error(site.portal.pushed, client_id, uri)
    site.clock.advance(timedelta(minutes=9))
    assert "invalid_request_uri" == _error(site.portal.grant, request_uri, "consent")


def test_what_is_kept_opens_with_the_secret_alone(site):
    """Neither names nor addresses are in the steps of a portal, nor the secrets themselves."""
    code = _code(site)
    token = json_object(_redeem(site, code).body)["access_token"]
    kept = repr(vars(site.portal.steps._store))
    assert not [word for word in (BANK, BACK, code, token, "bank_personal_loan") if word in kept]


# -- the recipient's own care ------------------------------------------------------------------------------------


def test_a_client_takes_no_answer_of_another_portal_or_request(site):
    """``iss`` and ``state`` are those it sent the person away with."""
    client = site.client()
    asking = client.ask(BUNDLE, days=30)
    back = site.agreed(asking.url)
    for spoiled in (back.replace("iss=https", "iss=http"), back.replace("state=", "state=x")):
        assert "invalid_request" == _error(client.token, asking, spoiled)


def test_a_client_takes_no_metadata_of_another_issuer(site):
    """RFC 8414 §3.3: a portal that calls itself otherwise is not the one that was meant."""
    client = site.client()
    client.portal = "https://evil.example/mydata"
    assert "invalid_request" == _error(lambda: client.ask(BUNDLE, days=30))


def test_a_form_of_another_type_is_refused(site):
    """Pages cannot send what the endpoints take as JSON, nor the other way round."""
    request = replace(_pushed(site), headers={"content-type": "text/plain"})
    assert "invalid_request" == _error(site.portal.push, request)
