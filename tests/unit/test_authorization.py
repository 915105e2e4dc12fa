"""Codes and tokens: what may happen once happens once, guesses are counted, and a bound token needs its key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet import dpop, jose
from ewallet.errors import NotFound, ProtocolError
from ewallet.flow import Request
from ewallet.keys import SigningKey
from ewallet.nonces import Nonces
from ewallet.oid4vci import TokenResponse
from ewallet.oid4vci.offer import CredentialOffer, OfferReference, parse_link
from ewallet.shape import json_object, to_base64url
from ewallet.testing.caller import FORM, KIND, Caller, error

SUBJECT = "citizen-1"


@pytest.fixture
def caller(ewallet_kit):
    """A wallet without a key for tokens."""
    return Caller(ewallet_kit.network, ewallet_kit.issuer.identifier, ewallet_kit.env)


@pytest.fixture
def bound(caller):
    """A wallet whose tokens are bound to its key."""
    return replace(caller, dpop_key=SigningKey.generate())


@pytest.fixture
def offer(ewallet_kit):
    """Makes offers."""
    return lambda **wanted: ewallet_kit.issuance.offer(KIND, subject=SUBJECT, **wanted)


def test_an_offer_is_the_same_by_value_and_by_reference(caller, offer):
    """What is served under the reference is what the link holds, and neither cache nor proxy may keep it."""
    made = offer()
    served = caller.get(f"/offers/{made.handle}")

    assert made.offer == CredentialOffer.parse(served.body) == parse_link(made.offer.uri)
    assert made.reference == parse_link(made.reference.uri) == OfferReference(f"{caller.issuer}/offers/{made.handle}")
    assert "no-store" == served.headers["cache-control"]


def test_an_offer_says_nothing_about_anybody(offer):
    """QRC-05: issuer, kind and a handle that is good once."""
    members = offer().offer.to_json()

    assert {"credential_issuer", "credential_configuration_ids", "grants"} == set(members)
    assert SUBJECT not in offer().offer.uri + offer().reference.uri


def test_a_reference_ends_with_its_offer(ewallet_kit, caller, offer):
    """Redeemed, withdrawn, too old or never made: there is nothing at that address."""
    redeemed, withdrawn, old = offer(), offer(), offer()
    caller.token(redeemed)
    ewallet_kit.issuance.server.withdraw(withdrawn.handle)
    gone = [caller.get(f"/offers/{made.handle}").status for made in (redeemed, withdrawn)]
    ewallet_kit.clock.advance(timedelta(minutes=5))

    assert [404, 404, 404, 404] == [*gone, caller.get(f"/offers/{old.handle}").status, caller.get("/offers/x").status]


def test_an_offer_is_shown_to_its_own_subject_only(ewallet_kit, offer):
    """The page of another citizen does not draw it."""
    made, server = offer(), ewallet_kit.issuance.server

    assert made.offer == server.offered(made.handle, subject=SUBJECT)
    with pytest.raises(NotFound) as refused:
        server.offered(made.handle, subject="citizen-2")
    assert "storage.not_found" == refused.value.code


def test_a_code_is_redeemed_once(caller, offer):
    """VCI-01: a bearer token for five minutes, and the second time nothing."""
    made = offer()
    token = TokenResponse.parse(caller.redeem(made).body)

    assert ("Bearer", 300) == (token.token_type, token.expires_in)
    assert (400, "invalid_grant") == (caller.redeem(made).status, error(caller.redeem(made)))


def test_a_code_ends_after_five_minutes_or_when_it_is_withdrawn(ewallet_kit, caller, offer):
    """VCI-03: also a code nobody ever made."""
    old, withdrawn = offer(), offer()
    taken_back = [ewallet_kit.issuance.server.withdraw(withdrawn.handle) for _ in range(2)]
    refused = error(caller.redeem(withdrawn))
    ewallet_kit.clock.advance(timedelta(minutes=5))

    assert [True, False] == taken_back
    assert ["invalid_grant"] * 3 == [refused, error(caller.redeem(old)), error(caller.redeem("made-up"))]


def test_four_wrong_transaction_codes_do_not_burn_the_code(caller, offer):
    """VCI-05: the right one still works."""
    made = offer(tx_code=True)
    wrong = [error(caller.redeem(made, _other(made.tx_code))) for _ in range(4)]

    assert (["invalid_grant"] * 4, 200) == (wrong, caller.redeem(made, made.tx_code).status)


def test_the_fifth_wrong_transaction_code_ends_the_code(caller, offer):
    """VCI-06: the right one comes too late."""
    made = offer(tx_code=True)
    wrong = [error(caller.redeem(made, _other(made.tx_code))) for _ in range(5)]

    assert (["invalid_grant"] * 5, "invalid_grant") == (wrong, error(caller.redeem(made, made.tx_code)))


def test_a_transaction_code_belongs_where_it_was_announced(caller, offer):
    """VCI-08: missing or not expected is another error, and counts as no guess."""
    plain, guarded = offer(), offer(tx_code=True)
    missing = {error(caller.redeem(guarded)) for _ in range(7)}
    unexpected = {error(caller.redeem(plain, "123456")) for _ in range(7)}

    assert ({"invalid_request"}, {"invalid_request"}) == (missing, unexpected)
    assert [200, 200] == [caller.redeem(guarded, guarded.tx_code).status, caller.redeem(plain).status]


def test_a_transaction_code_is_six_digits_and_announced(offer):
    """The wallet can draw its keypad."""
    made = offer(tx_code=True)

    assert made.offer.pre_authorized.tx_code.length == 6 == len(made.tx_code)
    assert made.tx_code.isdigit()


@pytest.mark.parametrize(
    ("body", "content_type", "wanted"),
    [
        (b"grant_type=a&grant_type=b&pre-authorized_code=c", FORM, "invalid_request"),
        (b"pre-authorized_code=c", FORM, "invalid_request"),
        (b"grant_type=authorization_code&code=c", FORM, "unsupported_grant_type"),
        (b'{"grant_type":"a"}', "application/json", "invalid_request"),
        (b"", "", "invalid_request"),
    ],
)
def test_what_is_no_token_request_is_refused(caller, body, content_type, wanted):
    """VCI-10: repeated parameters, another grant, JSON."""
    answer = caller.post("/token", body, {"content-type": content_type} if content_type else {})

    assert (400, wanted, "no-store") == (answer.status, error(answer), answer.headers["cache-control"])


def test_a_source_that_guesses_is_slowed_down(ewallet_kit, offer):
    """Thirty failures in five minutes; afterwards even a good code waits, and another source does not."""
    server, made = ewallet_kit.issuance.server, offer()
    caller = Caller(ewallet_kit.issuance, server.issuer, ewallet_kit.env)
    guess = Request("POST", f"{server.issuer}/token", caller.form, b"grant_type=" + _GRANT + b"&pre-authorized_code=x")
    good = Request("POST", guess.url, caller.form, guess.body[:-1] + caller.code(made).encode())

    def tried(request, source):
        try:
            return server.token(request, source=source).status
        except ProtocolError as exc:
            return exc.status, exc.headers.get("Retry-After")

    assert [(400, None)] * 30 + [(429, "300")] == [tried(guess, "192.0.2.1") for _ in range(31)]
    assert (429, "300") == tried(good, "192.0.2.1")
    ewallet_kit.clock.advance(timedelta(minutes=4))
    assert 200 == tried(good, "192.0.2.2")
    ewallet_kit.clock.advance(timedelta(minutes=1))
    assert (400, None) == tried(guess, "192.0.2.1")


def test_a_key_gets_a_token_of_its_own_once_it_answers_the_servers_nonce(bound, offer):
    """RFC 9449 §8: the first proof has no nonce, the second the one that came with the refusal."""
    made = offer()
    first = bound.redeem(made)
    second = bound.redeem(made)

    assert (400, "use_dpop_nonce") == (first.status, error(first))
    assert ("DPoP", 300) == (TokenResponse.parse(second.body).token_type, TokenResponse.parse(second.body).expires_in)
    assert dpop.given_nonce(second)


def test_a_nonce_of_the_server_ends(ewallet_kit, bound, offer):
    """After five minutes another one is wanted."""
    bound.redeem(offer())
    ewallet_kit.clock.advance(timedelta(minutes=5))

    assert "use_dpop_nonce" == error(bound.redeem(offer()))


def test_the_same_dpop_proof_is_taken_once(bound, offer):
    """A copied request gets nothing, though its code is another."""
    bound.redeem(offer())
    headers, first, second = bound.form, offer(), offer()

    def sent(made):
        body = b"grant_type=" + _GRANT + b"&pre-authorized_code=" + bound.code(made).encode()
        return error(bound.post("/token", body, headers))

    assert ["", "invalid_dpop_proof"] == [sent(first), sent(second)]
    assert 200 == bound.redeem(second).status


def test_two_dpop_headers_are_none(bound, offer):
    """VCI-22: nobody knows which one would count."""
    bound.redeem(offer())
    headers = bound.form | {"dpop": f"{bound.form['dpop']}, {bound.form['dpop']}"}

    answer = bound.post("/token", b"grant_type=" + _GRANT + b"&pre-authorized_code=x", headers)
    assert (400, "invalid_dpop_proof") == (answer.status, error(answer))


def test_a_bound_token_needs_its_key(bound, caller, offer):
    """VCI-22: no proof, another key, another scheme, a replayed proof."""
    token = bound.token(offer())
    thief = replace(bound, dpop_key=SigningKey.generate())
    proofs = [bound.proof(bound.nonce())]
    replayed = bound.bearing(token, "/credential")
    body = jose.to_json({"credential_configuration_id": f"{KIND}.dc+sd-jwt", "proofs": {"jwt": proofs}})
    asked = [
        caller.credential(token),
        thief.credential(token),
        bound.post("/credential", b"", replayed | {"authorization": f"Bearer {token.access_token}"}),
        bound.post("/credential", body, replayed),
        bound.post("/credential", body, replayed),
    ]

    assert [401, 401, 401, 200, 401] == [answer.status for answer in asked]
    assert ["invalid_dpop_proof", "invalid_token", "invalid_token", "", "invalid_dpop_proof"] == [
        error(answer) for answer in asked
    ]


def test_a_proof_for_another_address_or_token_is_refused(bound, offer):
    """VCI-22: htu and ath bind the proof to one request."""
    token = bound.token(offer())
    elsewhere = bound.bearing(token, "/deferred")
    other = {"authorization": token.authorization.header} | bound.proof_header("/credential", "another-token")

    assert ["invalid_dpop_proof"] * 2 == [error(bound.post("/credential", b"{}", h)) for h in (elsewhere, other)]


def test_a_token_is_shown_in_one_header_only(caller, offer):
    """VCI-20: missing, unknown, in the query, in the body, twice."""
    token = caller.token(offer())
    shown = caller.bearing(token, "/credential")
    twice = shown | {"authorization": f"{shown['authorization']}, {shown['authorization']}"}
    unknown = shown | {"authorization": "Bearer unknown"}
    asked = [
        caller.post("/credential", b"{}", {"content-type": "application/json"}),
        caller.post("/credential", b"{}", unknown),
        caller.post("/credential", f'{{"access_token":"{token.access_token}"}}'.encode()),
        caller.post("/credential", b"{}", twice),
        caller.post(f"/credential?access_token={token.access_token}", b"{}", {}),
    ]

    assert [401, 401, 401, 401, 400] == [answer.status for answer in asked]
    assert ["invalid_token"] * 4 + ["invalid_request"] == [error(answer) for answer in asked]
    assert all(answer.headers["www-authenticate"].split()[0] in {"DPoP", "Bearer"} for answer in asked[:4])


def test_a_token_ends_after_five_minutes(ewallet_kit, caller, offer):
    """VCI-20: a token that is over gets no credential."""
    token = caller.token(offer())
    ewallet_kit.clock.advance(timedelta(minutes=5))

    assert (401, "invalid_token") == (caller.credential(token).status, error(caller.credential(token)))


def test_a_nonce_proves_itself_for_its_purpose_and_time(ewallet_kit):
    """Another purpose, another secret, another bit, too old, or no nonce at all: not good."""
    clock, env = ewallet_kit.clock, ewallet_kit.env
    ours = Nonces(b"1" * 32, "c_nonce")
    nonce = ours.give(clock.now(), env.random)
    changed = nonce[:-2] + ("A" if nonce[-2] != "A" else "B") + nonce[-1]
    others = [
        Nonces(b"1" * 32, "dpop").is_good(nonce, clock.now()),
        Nonces(b"2" * 32, "c_nonce").is_good(nonce, clock.now()),
        *(ours.is_good(text, clock.now()) for text in (changed, "", "!" * len(nonce), to_base64url(b"x" * 38))),
        ours.is_good(nonce, clock.now() + timedelta(minutes=5)),
    ]

    assert ours.is_good(nonce, clock.now() + timedelta(minutes=4, seconds=59))
    assert not any(others)


def test_the_metadata_say_how_tokens_are_had(caller):
    """RFC 8414, RFC 9449 §5.1, OpenID4VCI §12.3; and where all status lists are (Token Status List §9.1)."""
    members = json_object(caller.get("/.well-known/oauth-authorization-server").body)

    assert (caller.issuer, f"{caller.issuer}/token") == (members["issuer"], members["token_endpoint"])
    assert members["pre-authorized_grant_anonymous_access_supported"]
    assert "ES256" in members["dpop_signing_alg_values_supported"]
    assert f"{caller.issuer}/status" == members["status_list_aggregation_endpoint"]


_GRANT = b"urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code"


def _other(digits):
    return f"{(int(digits) + 1) % 1_000_000:06}"
