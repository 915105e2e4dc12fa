"""Proofs that a wallet holds the keys a credential is to be bound to (OpenID4VCI 1.0 App. D and F), both sides.

Section numbers are those of OpenID4VCI 1.0. The nonces of good proofs are given back, to be taken once; a key proof is
refused with ``invalid_proof``, or with ``invalid_nonce`` where the wallet need only fetch another nonce.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ewallet import jose
from ewallet.errors import ProtocolError
from ewallet.keys import PublicKey, Signer
from ewallet.oauth import Accepts, KeyOf, fresh, refusing
from ewallet.oid4vci.configuration import KeyLevels, ProofType
from ewallet.shape import Json, instance, member, numeric_date, refuse, strings, to_base64url
from ewallet.subject import read_salt

TYP: Final = "openid4vci-proof+jwt"
ATTESTATION_TYP: Final = "key-attestation+jwt"
SALT: Final = "urn:example:kr-ewallet:subject_salt"  # a private claim of ours (RFC 7519 §4.2); others pass it over
_KEY_HEADERS: Final = frozenset({"jwk", "kid", "x5c"})
_MAX_ATTESTED: Final = 100  # keys in one attestation


def prove(
    signer: Signer,
    *,
    issuer: str,
    at: datetime,
    nonce: str | None = None,
    client_id: str | None = None,
    attestation: str | None = None,
    salt: bytes | None = None,
) -> str:
    """The proof that the signer's key asks for a credential of that issuer (App. F.1).

    ``nonce`` from the nonce endpoint, where there is one; ``client_id`` None for a client that does not say who it is.
    ``salt`` is what the copy's ``subject_ref`` is to be made with (:mod:`ewallet.subject`).
    """
    claims: dict[str, Json] = {"aud": issuer, "iat": int(at.timestamp())}
    if nonce is not None:
        claims["nonce"] = nonce
    if client_id is not None:
        claims["iss"] = client_id
    if salt is not None:
        claims[SALT] = to_base64url(salt)
    header: dict[str, Json] = {"jwk": signer.public.jwk}
    if attestation is not None:
        header["key_attestation"] = attestation
    return jose.sign(TYP, claims, signer, header)


@dataclass(frozen=True, kw_only=True)
class ProofRules:
    """What an issuer checks proofs against.

    ``accepts`` is None where there is no nonce endpoint, ``client_id`` None for an anonymous client, ``attester`` None
    where no attestation is believed.
    """

    issuer: str
    at: datetime
    proof_types: Mapping[str, ProofType]
    accepts: Accepts | None
    client_id: str | None = None
    attester: KeyOf | None = None


@dataclass(frozen=True, kw_only=True)
class ProvenKeys:
    """The keys to bind to, in order and all different, and the nonces that they were proven with, to be taken once.

    ``salts`` are those that came with proofs, by the thumbprint of the key; a key that is only attested has none.
    """

    keys: tuple[PublicKey, ...]
    nonces: frozenset[str] = field(repr=False)
    salts: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def check_proofs(proof_type: str | None, proofs: Sequence[str], rules: ProofRules) -> ProvenKeys:
    """The keys of the proofs of a credential request (App. F.4): ``invalid_proof``, ``invalid_nonce``.

    None of both where the configuration wants no proof. A key attestation adds the keys that it attests.
    """
    if not rules.proof_types:
        return ProvenKeys(keys=(), nonces=frozenset())
    with refusing("invalid_proof"):
        rule = rules.proof_types.get(proof_type or "")
        if rule is None or not proofs:
            refuse("malformed.claim_type", "no proof of a type that the configuration wants")
        if proof_type == "jwt":
            return _union([_proven(proof, rule, rules) for proof in proofs])
        if proof_type == "attestation" and len(proofs) == 1:
            return _attested(proofs[0], rule.attestation or KeyLevels(), rules, alone=True)
        refuse("malformed.claim_type", "not one attestation, or a type of proof that is not spoken here")


def _union(proven: Sequence[ProvenKeys]) -> ProvenKeys:
    """The keys that proved themselves first, then those that are only attested."""
    first = [each.keys[0] for each in proven]
    if len({key.thumbprint for key in first}) < len(first):
        refuse("malformed.claim_type", "two proofs by the same key")
    keys = {key.thumbprint: key for key in (*first, *(key for each in proven for key in each.keys))}
    return ProvenKeys(
        keys=tuple(keys.values()),
        nonces=frozenset().union(*(each.nonces for each in proven)),
        salts={name: salt for each in proven for name, salt in each.salts.items()},
    )


def _proven(compact: str, rule: ProofType, rules: ProofRules) -> ProvenKeys:
    jws = jose.parse(compact, TYP, what="the proof")
    if jws.header["alg"] not in rule.algorithms:
        refuse("malformed.claim_type", "an algorithm that the configuration does not list")
    if set(jws.header) & _KEY_HEADERS != {"jwk"}:  # the binding method we offer; kid and x5c are of others
        refuse("malformed.claim_type", "the key is not named by jwk alone")
    key = PublicKey.of_jwk(member(jws.header, "jwk", dict))
    attested = _key_attestation(jws, key, rule, rules)
    jws.verify(key)
    claims = jws.claims
    if claims.get("aud") != rules.issuer:
        refuse("malformed.claim_type", "aud is not the identifier of the credential issuer")
    nonces = _nonces(claims, rules, required=True)
    fresh(claims, rules.at)
    if "iss" in claims and claims["iss"] != rules.client_id:
        refuse("malformed.claim_type", "iss is not the client that the token was given to")
    salts = {key.thumbprint: read_salt(claims[SALT])} if SALT in claims else {}
    return ProvenKeys(keys=(key, *attested.keys), nonces=nonces | attested.nonces, salts=salts)


def _nonces(claims: Mapping[str, Json], rules: ProofRules, *, required: bool) -> frozenset[str]:
    """The ``c_nonce``, if there is a nonce endpoint; it is required or, in an attestation beside a proof, is not."""
    if rules.accepts is None or not ("nonce" in claims or required):
        return frozenset()
    nonce = member(claims, "nonce", str)
    if not rules.accepts(nonce):
        raise ProtocolError("request.invalid", "the nonce is not one that is still taken", error="invalid_nonce")
    return frozenset({nonce})


def _key_attestation(jws: jose.Jws, key: PublicKey, rule: ProofType, rules: ProofRules) -> ProvenKeys:
    """The keys attested beside a proof, whose own is one of them; none where no attestation is asked and believed."""
    if "key_attestation" not in jws.header:
        if rule.attestation is not None:
            refuse("malformed.claim_type", "key_attestation is missing")
        return ProvenKeys(keys=(), nonces=frozenset())
    if rules.attester is None and rule.attestation is None:
        return ProvenKeys(keys=(), nonces=frozenset())
    compact = member(jws.header, "key_attestation", str)
    attested = _attested(compact, rule.attestation or KeyLevels(), rules, alone=False)
    if key.thumbprint not in {each.thumbprint for each in attested.keys}:
        refuse("malformed.claim_type", "the key of the proof is not among those attested")
    return attested


def _attested(compact: str, levels: KeyLevels, rules: ProofRules, *, alone: bool) -> ProvenKeys:
    """App. D.1: the keys that a wallet provider vouches for; ``alone`` without a proof of one of them."""
    if rules.attester is None:
        refuse("malformed.claim_type", "a key attestation, but none is believed here")
    jws = jose.parse(compact, ATTESTATION_TYP, what="the key attestation")
    jws.verify(rules.attester(jws))
    claims = jws.claims
    _check_dates(claims, rules.at, alone=alone)
    for name, accepted in (("key_storage", levels.key_storage), ("user_authentication", levels.user_authentication)):
        if accepted and not set(accepted) & set(strings(claims.get(name), name)):
            refuse("malformed.claim_type", f"{name} is none of those that are accepted")
    return ProvenKeys(keys=_attested_keys(claims), nonces=_nonces(claims, rules, required=alone))


def _check_dates(claims: Mapping[str, Json], at: datetime, *, alone: bool) -> None:
    numeric_date(claims.get("iat"), "iat")
    if ("exp" in claims or not alone) and at.timestamp() >= numeric_date(claims.get("exp"), "exp"):
        refuse("malformed.claim_type", "the key attestation has expired")


def _attested_keys(claims: Mapping[str, Json]) -> tuple[PublicKey, ...]:
    found = member(claims, "attested_keys", list)
    if not 0 < len(found) <= _MAX_ATTESTED:
        refuse("limit.count", f"{len(found)} attested keys, expected 1 to {_MAX_ATTESTED}")
    keys = [PublicKey.of_jwk(instance(jwk, dict, "an attested key")) for jwk in found]
    if len({key.thumbprint for key in keys}) < len(keys):
        refuse("malformed.claim_type", "the same key attested twice")
    return tuple(keys)
