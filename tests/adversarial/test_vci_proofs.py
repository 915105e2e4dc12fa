"""Rows VCI-15, VCI-22 and VCI-31: proofs that say of themselves that they are over, and calls spelled in two ways."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ewallet import dpop, jose
from ewallet.errors import ProtocolError, UsageError, ValidityError
from ewallet.keys import SigningKey
from ewallet.oauth import fresh
from ewallet.testing.caller import KIND
from issuer_service import operators

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
URL = "https://issuer.example.go.kr/token"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": NOW}, "time.expired"),
        ({"exp": 1}, "time.expired"),
        ({"nbf": NOW + 61}, "time.not_yet_valid"),
    ],
)
def test_a_proof_is_not_taken_outside_its_own_term(claims, code) -> None:
    """RFC 7519 §4.1.4: what has an expiration time must not be accepted from then on, be it required or not."""
    with pytest.raises(ValidityError) as refused:
        fresh({"iat": NOW, **claims}, AT)

    assert code == refused.value.code


def test_a_proof_within_its_own_term_is_taken() -> None:
    """An end that is to come and a beginning that was change nothing."""
    assert fresh({"iat": NOW}, AT) == fresh({"iat": NOW, "exp": NOW + 1, "nbf": NOW + 60}, AT)


def test_a_dpop_proof_that_is_over_is_refused_as_one() -> None:
    """VCI-22: with the error that a wallet knows."""
    key = SigningKey.generate()
    claims = {"jti": "1", "htm": "POST", "htu": URL, "iat": NOW, "exp": NOW - 1}
    proof = jose.sign(dpop.TYP, claims, key, {"jwk": key.public.jwk})
    with pytest.raises(ProtocolError) as refused:
        dpop.check([proof], method="POST", url=URL, at=AT)

    assert ("request.invalid", "invalid_dpop_proof") == (refused.value.code, refused.value.error)


@pytest.mark.parametrize("spelled", ["Bearer a-key", "bearer a-key", "BEARER   a-key", "Bearer a-key "])
def test_a_key_is_the_same_however_its_header_is_spelled(spelled) -> None:
    """Else a call that is made again in another spelling would be carried out twice."""
    assert "a-key" == operators.key_of(spelled)


def test_an_offer_names_each_kind_once(ewallet_kit) -> None:
    """OpenID4VCI 1.0 §4.1.1: our own wallet and others refuse an offer that repeats one."""
    with pytest.raises(UsageError) as refused:
        ewallet_kit.issuance.offer(KIND, KIND, subject="citizen-1")

    assert "usage.argument" == refused.value.code
