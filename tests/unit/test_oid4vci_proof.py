"""Key proofs and key attestations: what a wallet makes an issuer takes, and nothing for anybody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ewallet import jose
from ewallet.errors import ProtocolError
from ewallet.keys import SigningKey
from ewallet.oid4vci.configuration import KeyLevels, ProofType
from ewallet.oid4vci.proof import ATTESTATION_TYP, TYP, ProofRules, check_proofs, prove

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
ISSUER = "https://issuer.example.go.kr"
KEYS = tuple(SigningKey.generate() for _ in range(3))
PROVIDER = SigningKey.generate()
HIGH = KeyLevels(key_storage=("iso_18045_high", "iso_18045_moderate"))


def _rules(**changes):
    rules = ProofRules(
        issuer=ISSUER,
        at=AT,
        proof_types={"jwt": ProofType(algorithms=("ES256",))},
        accepts={"n1", "n2"}.__contains__,
    )
    return replace(rules, **changes)


def _attesting(**changes):
    wanted = {
        "jwt": ProofType(algorithms=("ES256",), attestation=HIGH),
        "attestation": ProofType(algorithms=("ES256",)),
    }
    return _rules(**{"proof_types": wanted, "attester": lambda _jws: PROVIDER.public} | changes)


def _proof(*, key=KEYS[0], header=None, typ=TYP, **changes):
    """A proof with some of its claims changed; None leaves a claim out."""
    claims = {"aud": ISSUER, "iat": NOW, "nonce": "n1"} | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return jose.sign(typ, kept, key, {"jwk": key.public.jwk} if header is None else header)


def _attestation(*, by=PROVIDER, typ=ATTESTATION_TYP, keys=KEYS, **changes):
    """An attestation with some of its claims changed; None leaves a claim out."""
    claims = {
        "iat": NOW,
        "exp": NOW + 60,
        "attested_keys": [key.public.jwk for key in keys],
        "key_storage": ["iso_18045_high"],
    } | changes
    return jose.sign(typ, {name: value for name, value in claims.items() if value is not None}, by)


def _attested(attestation, **changes):
    return _proof(header={"jwk": KEYS[0].public.jwk, "key_attestation": attestation}, **changes)


def _refusal(proofs, rules=None, proof_type="jwt"):
    with pytest.raises(ProtocolError) as refused:
        check_proofs(proof_type, proofs, rules or _rules())
    assert ("request.invalid", 400) == (refused.value.code, refused.value.status)
    assert "request.invalid" == refused.value.code
    return refused.value.error


def test_a_proof_that_was_made_is_taken() -> None:
    """Its key, and its nonce to be taken once."""
    proven = check_proofs("jwt", [prove(KEYS[0], issuer=ISSUER, at=AT, nonce="n1")], _rules())

    assert ((KEYS[0].public,), frozenset({"n1"})) == (proven.keys, proven.nonces)


def test_a_batch_has_a_key_for_each_proof() -> None:
    """In the order of the proofs, with all of their nonces."""
    proofs = [
        prove(key, issuer=ISSUER, at=AT, nonce=nonce) for key, nonce in zip(KEYS, ("n1", "n2", "n1"), strict=True)
    ]
    proven = check_proofs("jwt", proofs, _rules())

    assert tuple(key.public for key in KEYS) == proven.keys
    assert {"n1", "n2"} == proven.nonces
    assert "invalid_proof" == _refusal([proofs[0], proofs[0]])
    assert "invalid_nonce" == _refusal([proofs[0], _proof(key=KEYS[1], nonce="old")])


def test_a_known_client_may_say_who_it_is() -> None:
    """An anonymous one may not."""
    proof = prove(KEYS[0], issuer=ISSUER, at=AT, nonce="n1", client_id="w")

    assert (KEYS[0].public,) == check_proofs("jwt", [proof], _rules(client_id="w")).keys
    assert (KEYS[0].public,) == check_proofs("jwt", [_proof()], _rules(client_id="w")).keys
    assert "invalid_proof" == _refusal([proof])
    assert "invalid_proof" == _refusal([proof], _rules(client_id="another"))


def test_without_a_nonce_endpoint_there_is_no_nonce() -> None:
    """The time of the proof has to do."""
    proven = check_proofs("jwt", [prove(KEYS[0], issuer=ISSUER, at=AT)], _rules(accepts=None))

    assert ((KEYS[0].public,), frozenset()) == (proven.keys, proven.nonces)


def test_a_configuration_without_proofs_binds_no_key() -> None:
    """What was sent all the same is left alone."""
    assert () == check_proofs("jwt", ["x"], _rules(proof_types={})).keys


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"nonce": 1},
        {"aud": "https://other.example"},
        {"aud": [ISSUER]},
        {"aud": None},
        {"iat": None},
        {"iat": NOW - 3600},
        {"iat": NOW + 3600},
        {"typ": "JWT"},
        {"key": SigningKey.generate("EdDSA")},
        {"header": {"kid": "a"}},
        {"header": {"x5c": ["AA=="]}},
        {"header": {"jwk": KEYS[0].public.jwk, "kid": "a"}},
        {"header": {"jwk": KEYS[0].public.jwk | {"d": "AA"}}},
        {"header": {"jwk": KEYS[1].public.jwk}},
        {"header": {"jwk": KEYS[0].public.jwk, "alg": "none"}},
        {"header": {"jwk": KEYS[0].public.jwk, "alg": "HS256"}},
    ],
)
def test_a_proof_for_something_else_is_refused(changes) -> None:
    """Each claim and header must be there and be right (App. F.4)."""
    assert "invalid_proof" == _refusal([_proof(**changes)])


def test_a_stale_nonce_is_told_apart() -> None:
    """The wallet fetches another one and tries again."""
    assert "invalid_nonce" == _refusal([_proof(nonce="old")])


@pytest.mark.parametrize(("proof_type", "proofs"), [(None, []), ("jwt", []), ("di_vp", ["x"]), ("attestation", ["x"])])
def test_no_proof_of_a_wanted_type_is_no_proof(proof_type, proofs) -> None:
    """Missing, empty, or of a type that the configuration does not list."""
    assert "invalid_proof" == _refusal(proofs, proof_type=proof_type)


def test_a_type_of_proof_that_is_not_spoken_is_refused() -> None:
    """Even where a configuration lists it."""
    listed = {"di_vp": ProofType(algorithms=("ES256",))}

    assert "invalid_proof" == _refusal([_attestation(nonce="n1")], _attesting(proof_types=listed), "di_vp")


def test_an_attestation_brings_its_other_keys() -> None:
    """The key of the proof comes first."""
    proof = _attested(_attestation(keys=(KEYS[1], KEYS[0]), nonce="n2"))
    proven = check_proofs("jwt", [proof], _attesting())

    assert (KEYS[0].public, KEYS[1].public) == proven.keys
    assert {"n1", "n2"} == proven.nonces
    made = prove(KEYS[0], issuer=ISSUER, at=AT, nonce="n1", attestation=_attestation())
    assert {"n1"} == check_proofs("jwt", [made], _attesting()).nonces


def test_an_attestation_nobody_asked_for_is_left_alone_or_checked() -> None:
    """Whoever believes an attester checks what it says; nobody else does."""
    jwt = {"jwt": ProofType(algorithms=("ES256",))}
    proof = _attested("x")

    assert (KEYS[0].public,) == check_proofs("jwt", [proof], _rules()).keys
    assert "invalid_proof" == _refusal([proof], _attesting(proof_types=jwt))
    assert 3 == len(check_proofs("jwt", [_attested(_attestation())], _attesting(proof_types=jwt)).keys)
    assert (KEYS[0].public,) == check_proofs("jwt", [_proof()], _attesting(proof_types=jwt)).keys


def test_an_attestation_alone_is_a_proof_of_all_its_keys() -> None:
    """It needs a nonce of ours, and no other proof (App. F.3)."""
    proven = check_proofs("attestation", [_attestation(nonce="n1", exp=None)], _attesting())

    assert (tuple(key.public for key in KEYS), frozenset({"n1"})) == (proven.keys, proven.nonces)
    assert "invalid_proof" == _refusal([_attestation()], _attesting(), "attestation")
    assert "invalid_nonce" == _refusal([_attestation(nonce="old")], _attesting(), "attestation")
    assert "invalid_proof" == _refusal([_attestation(nonce="n1")] * 2, _attesting(), "attestation")
    for keys in ((), tuple(SigningKey.generate() for _ in range(101))):
        assert "invalid_proof" == _refusal([_attestation(nonce="n1", keys=keys)], _attesting(), "attestation")
    assert "invalid_proof" == _refusal([_attestation(nonce="n1")], _attesting(attester=None), "attestation")


@pytest.mark.parametrize(
    "changes",
    [
        {"by": SigningKey.generate()},
        {"typ": "keyattestation+jwt"},
        {"iat": None},
        {"exp": None},
        {"exp": NOW},
        {"keys": KEYS[1:]},
        {"keys": ()},
        {"keys": (KEYS[0], KEYS[0])},
        {"keys": KEYS[:1] * 101},
        {"attested_keys": ["x"]},
        {"attested_keys": [KEYS[0].public.jwk | {"d": "AA"}]},
        {"key_storage": None},
        {"key_storage": ["iso_18045_basic"]},
    ],
)
def test_an_attestation_that_does_not_hold_is_no_proof(changes) -> None:
    """Signer, dates, keys and levels (App. D)."""
    assert "invalid_proof" == _refusal([_attested(_attestation(**changes))], _attesting())


def test_an_attestation_is_there_where_it_is_wanted() -> None:
    """And where it has a nonce, it is one of ours."""
    assert "invalid_proof" == _refusal([_proof()], _attesting())
    assert "invalid_proof" == _refusal([_attested(_attestation())], _attesting(attester=None))
    assert "invalid_nonce" == _refusal([_attested(_attestation(nonce="old"))], _attesting())
