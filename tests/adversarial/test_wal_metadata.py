"""Row WAL-15 of the security matrix, for what an issuer signs about itself: believed from a signer it is listed with.

There is no way back from a signature that does not hold to the same document without one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet import jose
from ewallet.errors import EWalletError
from ewallet.flow import Request
from ewallet.keys import SigningKey
from ewallet.oid4vci.metadata import SIGNED_TYP, prefers_signed
from ewallet.testing.peers import IssuerPeer
from ewallet.testing.pki import ISSUER, Pki

KIND = "resident_register_copy"
METADATA = "/.well-known/openid-credential-issuer"


@pytest.fixture
def issuer(ewallet_kit):
    """The issuer, honest so far."""
    return IssuerPeer(ewallet_kit)


def _asked(kit):
    return [request.url.removeprefix(ISSUER) for request in kit.network.requests]


def _signed(issuer, signer, at, *, life=timedelta(days=1), typ=SIGNED_TYP, **members):
    """What an issuer says of itself, signed by somebody, with members changed."""
    dates = {"sub": ISSUER, "iat": int(at.timestamp()), "exp": int((at + life).timestamp())}
    return jose.sign(typ, {**dates, **issuer.issuance.metadata.to_json(), **members}, signer).encode()


def test_a_wallet_asks_for_signed_metadata_and_believes_a_listed_issuer(ewallet_kit, issuer):
    """The honest way: what came was signed, and the credential is held."""
    came = []

    def note(_request, response):
        came.append(response.headers["content-type"])
        return response

    issuer.spoil[METADATA] = note
    ewallet_kit.wallet.accept(issuer.offer(KIND))

    assert ["application/jwt"] == came
    assert 1 == len(ewallet_kit.wallet.documents())


def test_an_issuer_that_signs_nothing_is_believed_for_where_it_is(ewallet_kit, issuer):
    """§12.2.2: plain JSON from its own address will do."""
    plain = issuer.issuance.issuer_metadata(Request("GET", METADATA))
    issuer.spoil[METADATA] = lambda *_: plain
    ewallet_kit.wallet.accept(issuer.offer(KIND))

    assert 1 == len(ewallet_kit.wallet.documents())


def _strange(kit):
    return Pki.make(at=kit.clock.now(), issuer=ISSUER).signers["resident"]


def _honest(kit, issuer):
    return _signed(issuer, kit.pki.signers["resident"], kit.clock.now())


FORGED = {
    "a signer nobody listed": (lambda k, i: _signed(i, _strange(k), k.clock.now()), "trust.no_path"),
    "no certificate": (lambda k, i: _signed(i, SigningKey.generate(), k.clock.now()), "trust.no_path"),
    "the signer of status lists": (lambda k, i: _signed(i, k.pki.status_signer, k.clock.now()), "trust.cert_profile"),
    "a verifier": (lambda k, i: _signed(i, k.pki.verifier, k.clock.now()), "trust.cert_profile"),
    "the signature of something else": (
        lambda k, i: b".".join((_honest(k, i).rpartition(b".")[0], _signed(i, _strange(k), k.clock.now())[-86:])),
        "crypto.signature_invalid",
    ),
    "another subject": (
        lambda k, i: _signed(i, k.pki.signers["resident"], k.clock.now(), sub="https://other.example"),
        "request.issuer_mismatch",
    ),
    "another issuer inside": (
        lambda k, i: _signed(i, k.pki.signers["resident"], k.clock.now(), credential_issuer="https://other.example"),
        "request.issuer_mismatch",
    ),
    "over": (
        lambda k, i: _signed(i, k.pki.signers["resident"], k.clock.now(), life=timedelta(0)),
        "time.expired",
    ),
    "of tomorrow": (
        lambda k, i: _signed(i, k.pki.signers["resident"], k.clock.now() + timedelta(days=1)),
        "time.not_yet_valid",
    ),
    "of another type": (
        lambda k, i: _signed(i, k.pki.signers["resident"], k.clock.now(), typ="JWT"),
        "crypto.typ_mismatch",
    ),
    "no jwt": (lambda *_: b"{}", "malformed.encoding"),
    "no ascii": (lambda *_: "가.나.다".encode(), "malformed.encoding"),
}


@pytest.mark.parametrize(("forge", "code"), FORGED.values(), ids=FORGED)
def test_wal_15_a_signature_that_does_not_hold_ends_it(ewallet_kit, issuer, forge, code):
    """WAL-15: no code and no token has left, and the document is not asked for again without a signature."""
    offer = issuer.offer(KIND)
    forged = forge(ewallet_kit, issuer)
    issuer.spoil[METADATA] = lambda _request, response: replace(response, body=forged)

    with pytest.raises(EWalletError) as refused:
        ewallet_kit.wallet.accept(offer)
    assert code == refused.value.code
    assert [METADATA] == _asked(ewallet_kit)
    assert () == ewallet_kit.wallet.documents()


ACCEPTED = {
    "": False,
    "*/*": False,
    "application/json": False,
    "application/jwt": True,
    "application/jwt, application/json;q=0.9": True,
    "application/json, Application/JWT": False,
    "application/jwt;q=0.5, application/json;q=0.4": True,
    "application/jwt;q=0": False,
    "application/jwt;q=2": False,
    "application/jwt;q=x": False,
    "application/jwt;q=nan": False,
    ";;;,,,": False,
}


@pytest.mark.parametrize(("accept", "signed"), ACCEPTED.items())
def test_signed_is_for_those_who_would_rather_have_it(accept, signed):
    """§12.2.2: asked for by name, and more than plain JSON; everybody else reads JSON."""
    assert signed == prefers_signed([accept])


def test_it_is_signed_anew_twice_a_day(ewallet_kit, issuer):
    """Half its life is left to whoever keeps it; caches tell the two apart."""
    asked = Request("GET", METADATA, {"accept": "application/jwt"})
    first, again = (issuer.issuance.issuer_metadata(asked) for _ in range(2))
    ewallet_kit.clock.advance(timedelta(hours=12))
    later = issuer.issuance.issuer_metadata(asked)

    assert first.body == again.body != later.body
    assert ("application/jwt", "accept, accept-encoding") == (first.headers["content-type"], first.headers["vary"])
