"""Peers that misbehave on demand, so that a relying party can see its own verifier refuse them.

:data:`HOLDERS` and :data:`ISSUERS` make a presentation of a :class:`ewallet.testing.stage.Stage` in which one thing is
wrong; hosts of status lists are in :mod:`ewallet.testing.status_hosts`. Each has the row of the security matrix that
it belongs to, and the rung and the code with which this library refuses it::

    @pytest.mark.parametrize("misdeed", misbehave.HOLDERS + misbehave.ISSUERS, ids=str)
    def test_my_service_refuses(misdeed, ewallet_kit):
        ewallet_kit.issue("resident_register_copy")
        presented = ewallet_kit.present(ewallet_kit.query("resident_register_copy", ["resident_address"]))
        verdict = my_service.verify(misdeed.act(Stage.of(ewallet_kit, presented)), presented.request)

        assert misdeed.code == verdict.code
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ewallet import jose
from ewallet.keys import SigningKey
from ewallet.shape import Json, to_base64url
from ewallet.testing.pki import certified, issue_certificate, private_key
from ewallet.testing.stage import Stage, digest, disclosure, items_of, jws

_SALT: Final = "c2FsdCBvZiBhIGhvc3RpbGUgcGVlcg"

Act = TypeVar("Act")


@dataclass(frozen=True, kw_only=True)
class Misdeed(Generic[Act]):
    """One way to misbehave: the matrix row, and the rung and code it is refused with."""

    name: str
    row: str
    rung: str
    code: str
    act: Act

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


Forgery = Callable[[Stage], str]

_holders: list[Misdeed[Forgery]] = []
_issuers: list[Misdeed[Forgery]] = []


def listed(misdeeds: list[Misdeed[Act]], row: str, rung: str, code: str) -> Callable[[Act], Act]:
    """A decorator that enters what it decorates in a list of misdeeds."""

    def add(act: Act) -> Act:
        misdeeds.append(Misdeed(name=getattr(act, "__name__", ""), row=row, rung=rung, code=code, act=act))
        return act

    return add


# The holder has a genuine credential, and the key it is bound to.


@listed(_holders, "SDJ-33", "holder", "kb.missing")
def no_key_binding(stage: Stage) -> str:
    """SDJ-33: leaves the key binding out."""
    return stage.shown


@listed(_holders, "SDJ-35", "holder", "kb.signature_invalid")
def stolen_credential(stage: Stage) -> str:
    """SDJ-35: binds somebody else's credential with a key of its own."""
    return stage.bind(stage.shown, key=SigningKey.generate())


@listed(_holders, "SDJ-35", "holder", "kb.signature_invalid")
def corrupted_key_binding(stage: Stage) -> str:
    """SDJ-35: changes the key binding after it was signed."""
    signed, _, _ = stage.key_binding.rpartition(".")
    return f"{stage.shown}{signed}.{to_base64url(bytes(64))}"


@listed(_holders, "SDJ-09", "holder", "kb.typ")
def key_binding_of_another_type(stage: Stage) -> str:
    """SDJ-09: passes a key proof off as a key binding."""
    return stage.bind(stage.shown, typ="openid4vci-proof+jwt")


@listed(_holders, "SDJ-01", "holder", "crypto.alg_not_allowed")
def unsigned_key_binding(stage: Stage) -> str:
    """SDJ-01: does not sign the key binding at all."""
    return stage.shown + jws({"alg": "none", "typ": "kb+jwt"}, stage.binding_claims(stage.shown), None)


@listed(_holders, "SDJ-36", "holder", "kb.aud")
def another_audience(stage: Stage) -> str:
    """SDJ-36: forwards what was made for another verifier."""
    return stage.bind(stage.shown, change={"aud": "https://shop.example"})


@listed(_holders, "SDJ-36", "holder", "kb.aud")
def several_audiences(stage: Stage) -> str:
    """SDJ-36: makes one answer for several verifiers."""
    return stage.bind(stage.shown, change={"aud": [stage.binding.audience, "https://shop.example"]})


@listed(_holders, "VPV-02", "holder", "kb.nonce")
def another_nonce(stage: Stage) -> str:
    """VPV-02: answers an earlier request once more."""
    return stage.bind(stage.shown, change={"nonce": "an-earlier-nonce"})


@listed(_holders, "SDJ-39", "holder", "kb.iat")
def made_long_ago(stage: Stage) -> str:
    """SDJ-39: shows what it made a year ago."""
    return stage.bind(stage.shown, change={"iat": int((stage.at - timedelta(days=365)).timestamp())})


@listed(_holders, "SDJ-39", "holder", "kb.iat")
def made_in_advance(stage: Stage) -> str:
    """SDJ-39: makes a presentation for next year."""
    return stage.bind(stage.shown, change={"iat": int((stage.at + timedelta(days=365)).timestamp())})


@listed(_holders, "SDJ-39", "holder", "time.expired")
def expired_key_binding(stage: Stage) -> str:
    """SDJ-39: sends a key binding that says it is over."""
    return stage.bind(stage.shown, change={"exp": int(stage.at.timestamp()) - 1})


@listed(_holders, "SDJ-38", "holder", "kb.sd_hash")
def removed_disclosure(stage: Stage) -> str:
    """SDJ-38: takes a disclosure away after binding."""
    return stage.join(stage.issued, stage.disclosures[1:]) + stage.key_binding


@listed(_holders, "SDJ-38", "holder", "kb.sd_hash")
def added_disclosure(stage: Stage) -> str:
    """SDJ-38: adds a genuine disclosure after binding."""
    return stage.join(stage.issued, (*stage.disclosures, _independent(stage))) + stage.key_binding


@listed(_holders, "SDJ-38", "holder", "kb.sd_hash")
def reordered_disclosures(stage: Stage) -> str:
    """SDJ-38: changes the order of the disclosures after binding; takes a presentation of two."""
    return stage.join(stage.issued, reversed(stage.disclosures)) + stage.key_binding


@listed(_holders, "SDJ-38", "holder", "kb.sd_hash")
def no_sd_hash(stage: Stage) -> str:
    """SDJ-38: binds nothing in particular."""
    return stage.bind(stage.shown, without="sd_hash")


@listed(_holders, "SDJ-17", "format", "sdjwt.disclosure_duplicate")
def repeated_disclosure(stage: Stage) -> str:
    """SDJ-17: sends a disclosure twice."""
    return stage.bind(stage.join(stage.issued, (*stage.disclosures, stage.disclosures[0])))


@listed(_holders, "SDJ-18", "disclosures", "sdjwt.disclosure_unreferenced")
def invented_disclosure(stage: Stage) -> str:
    """SDJ-18: adds a claim that the issuer never signed."""
    return stage.bind(stage.join(stage.issued, (*stage.disclosures, disclosure(_SALT, "is_householder", True))))


@listed(_holders, "SDJ-18", "disclosures", "sdjwt.disclosure_unreferenced")
def improved_disclosure(stage: Stage) -> str:
    """SDJ-18: gives a signed claim another value."""
    salt, name, _ = items_of(stage.disclosures[0])
    return stage.bind(stage.join(stage.issued, (disclosure(salt, name, "a better one"), *stage.disclosures[1:])))


@listed(_holders, "VPV-11", "query", "dcql.unsatisfied")
def withheld_claim(stage: Stage) -> str:
    """VPV-11: keeps back what was asked for."""
    return stage.bind(stage.join(stage.issued, stage.disclosures[1:]))


@listed(_holders, "VPV-11", "query", "dcql.extra_claims")
def unasked_claim(stage: Stage) -> str:
    """VPV-11: discloses what nobody asked for."""
    return stage.bind(stage.join(stage.issued, (*stage.disclosures, _independent(stage))))


def _independent(stage: Stage) -> str:
    """A hidden disclosure of the top level that holds no other."""
    top = set(stage.payload["_sd"])
    return next(e for e in stage.hidden if jose.to_json(items_of(e)[-1]).find(b"_sd") < 0 and digest(e) in top)


# The issuer is one whom the trust list names, or says it is.


@listed(_issuers, "SDJ-01", "format", "crypto.alg_not_allowed")
def unsigned(stage: Stage) -> str:
    """SDJ-01: does not sign, and says so."""
    return stage.bind(stage.join(jws({**stage.header, "alg": "none"}, stage.payload, None), stage.disclosures))


@listed(_issuers, "SDJ-02", "format", "crypto.alg_not_allowed")
def mac_with_the_public_key(stage: Stage) -> str:
    """SDJ-02: makes a MAC with the issuer's public key for a secret."""
    secret = private_key(stage.signer).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {**stage.header, "alg": "HS256"}
    forged = jws(header, stage.payload, lambda data: hmac.new(secret, data, hashlib.sha256).digest())
    return stage.bind(stage.join(forged, stage.disclosures))


@listed(_issuers, "SDJ-04", "issuer", "trust.no_path")
def key_in_the_header(stage: Stage) -> str:
    """SDJ-04: brings its own key along instead of certificates."""
    mine = SigningKey.generate()
    header: Mapping[str, Json] = {"alg": "ES256", "typ": "dc+sd-jwt", "jwk": mine.public.jwk}
    return stage.forge(header=header, signer=mine)


@listed(_issuers, "SDJ-08", "format", "crypto.crit_unsupported")
def critical_extension(stage: Stage) -> str:
    """SDJ-08: demands that an unknown extension be understood."""
    return stage.forge(header={**stage.header, "crit": ["b64"], "b64": False})


@listed(_issuers, "SDJ-09", "format", "crypto.typ_mismatch")
def token_of_another_type(stage: Stage) -> str:
    """SDJ-09: passes another signed token off as a credential."""
    return stage.forge(header={**stage.header, "typ": "statuslist+jwt"})


@listed(_issuers, "SDJ-10", "issuer", "malformed.json_duplicate")
def two_expiries(stage: Stage) -> str:
    """SDJ-10: writes ``exp`` twice."""
    return stage.forge(payload='{"exp":4102444800,' + json.dumps(stage.payload)[1:])


@listed(_issuers, "X5T-01", "issuer", "trust.self_signed")
def self_signed(stage: Stage) -> str:
    """X5T-01: vouches for itself."""
    mine = SigningKey.generate()
    certificate = issue_certificate(stage.pki.profile(), private_key(mine).public_key(), by=mine)
    return _with_chain(stage, certified(mine, certificate))


@listed(_issuers, "X5T-02", "issuer", "trust.no_path")
def another_pki(stage: Stage) -> str:
    """X5T-02: comes from a well-formed PKI that nobody trusts, root included."""
    other = stage.pki.make(at=stage.pki.at, systems=stage.pki.types, issuer=stage.pki.issuer)
    system = next(id_ for id_, signer in stage.pki.signers.items() if signer.public == stage.signer.public)
    signer = other.signers[system]
    return _with_chain(stage, signer.with_chain((*signer.chain, other.authorities[system].der, other.root.der)))


@listed(_issuers, "X5T-14", "signature", "crypto.signature_invalid")
def borrowed_certificate(stage: Stage) -> str:
    """X5T-14: shows another issuer's certificates and signs with a key of its own."""
    return stage.forge(signer=SigningKey.generate())


@listed(_issuers, "SDJ-44", "issuer", "trust.issuer_mismatch")
def another_issuers_name(stage: Stage) -> str:
    """SDJ-44: speaks in the name of another issuer."""
    return stage.forge(payload={**stage.payload, "iss": "https://another.example.go.kr"})


@listed(_issuers, "SDJ-44", "issuer", "trust.issuer_not_authorized")
def another_systems_type(stage: Stage) -> str:
    """SDJ-44: issues a type that only another national system may vouch for."""
    return stage.forge(payload={**stage.payload, "vct": "urn:example:kr-ewallet:family_relation_certificate:1"})


@listed(_issuers, "SDJ-24", "disclosures", "crypto.hash_not_allowed")
def weak_hash(stage: Stage) -> str:
    """SDJ-24: hashes disclosures with SHA-1."""
    return stage.forge(payload={**stage.payload, "_sd_alg": "sha-1"})


@listed(_issuers, "SDJ-15", "disclosures", "sdjwt.digest_duplicate")
def repeated_digest(stage: Stage) -> str:
    """SDJ-15: has a digest twice."""
    return stage.forge(payload={**stage.payload, "_sd": [*stage.payload["_sd"], stage.payload["_sd"][0]]})


@listed(_issuers, "SDJ-19", "disclosures", "sdjwt.claim_reserved")
def reserved_name(stage: Stage) -> str:
    """SDJ-19: discloses a claim named ``_sd``."""
    return stage.disclosing(disclosure(_SALT, "_sd", ["x"]))


@listed(_issuers, "SDJ-20", "disclosures", "sdjwt.claim_collision")
def repeated_claim(stage: Stage) -> str:
    """SDJ-20: discloses a claim that is already there."""
    return stage.disclosing(disclosure(_SALT, items_of(stage.disclosures[0])[1], "another value"))


@listed(_issuers, "SDJ-22", "disclosures", "malformed.sdjwt")
def misshapen_disclosure(stage: Stage) -> str:
    """SDJ-22: discloses an array element where a member should be."""
    return stage.disclosing(disclosure(_SALT, "a value without a name"))


@listed(_issuers, "SDJ-25", "disclosures", "sdjwt.validity_claim_disclosed")
def hidden_expiry(stage: Stage) -> str:
    """SDJ-25: makes ``exp`` something that a holder may keep back."""
    hidden = disclosure(_SALT, "exp", 4102444800)
    payload = {name: value for name, value in stage.payload.items() if name != "exp"}
    return stage.forge(
        payload={**payload, "_sd": [*payload["_sd"], digest(hidden)]}, disclosures=(*stage.disclosures, hidden)
    )


@listed(_issuers, "SDJ-33", "holder", "kb.missing")
def bearer_credential(stage: Stage) -> str:
    """SDJ-33: binds the credential to nobody."""
    return stage.forge(payload={name: value for name, value in stage.payload.items() if name != "cnf"})


@listed(_issuers, "SDJ-31", "disclosures", "malformed.claim_type")
def expiry_in_words(stage: Stage) -> str:
    """SDJ-31: writes ``exp`` as a text."""
    return stage.forge(payload={**stage.payload, "exp": "4102444800"})


@listed(_issuers, "SDJ-32", "validity", "time.expired")
def expired(stage: Stage) -> str:
    """SDJ-32: issued something that is over this very second."""
    return stage.forge(payload={**stage.payload, "exp": int(stage.at.timestamp())})


@listed(_issuers, "SDJ-32", "validity", "time.not_yet_valid")
def not_yet_valid(stage: Stage) -> str:
    """SDJ-32: issued something that begins tomorrow."""
    return stage.forge(payload={**stage.payload, "nbf": int((stage.at + timedelta(days=1)).timestamp())})


@listed(_issuers, "STA-12", "status", "status.missing")
def no_status(stage: Stage) -> str:
    """STA-12: says nowhere how to learn the status."""
    return stage.forge(payload={name: value for name, value in stage.payload.items() if name != "status"})


def _with_chain(stage: Stage, signer: SigningKey) -> str:
    x5c = [b64encode(der).decode("ascii") for der in signer.chain]
    return stage.forge(header={**stage.header, "x5c": x5c}, signer=signer)


HOLDERS: Final = tuple(_holders)
ISSUERS: Final = tuple(_issuers)
