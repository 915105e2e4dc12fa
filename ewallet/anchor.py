"""Trust anchors: a certificate, what it is believed for, and what everything below it has to keep.

An anchor is one entry of a trust list. Its restrictions are read strictly: a profile that nobody knows here, or a check
that nobody makes, is no entry to believe.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, cast, get_args

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.credential import moment
from ewallet.errors import UsageError
from ewallet.shape import Json, base64, certificate, instance, member, numeric_date, optional, refuse, strings

Purpose = Literal[
    "issuer", "verifier", "recipient", "wallet", "status", "log", "eligibility", "delegation", "timestamp", "vical"
]
Profile = Literal["iso18013-5"]

_OWN_ARC: Final = "2.25.178506234717431840528466315211048126753"  # a UUID arc (ITU-T X.667): ours without registration

#: The extended key usage of each purpose's leaf. A leaf that has the extension must name its purpose in it; for
#: credentials and requests those of ISO/IEC 18013-5 Annex B serve both formats.
KEY_USAGE: Final[Mapping[str, str]] = {
    "issuer": "1.0.18013.5.1.2",
    "verifier": "1.0.18013.5.1.6",
    "vical": "1.0.18013.5.1.8",
    "timestamp": "1.3.6.1.5.5.7.3.8",
    "status": f"{_OWN_ARC}.1",  # id-kp-oauthStatusSigning has no number yet (Token Status List §10)
    "recipient": f"{_OWN_ARC}.2",
    "wallet": f"{_OWN_ARC}.3",
    "log": f"{_OWN_ARC}.4",
    "eligibility": f"{_OWN_ARC}.5",
    "delegation": f"{_OWN_ARC}.6",
}

#: Whose certificates a profile describes, and whose may be on a revocation list: others ask nobody for one.
_PROFILED: Final[Mapping[Profile, frozenset[str]]] = {"iso18013-5": frozenset({"issuer", "verifier", "status"})}
_REVOCABLE: Final = frozenset({"issuer", "status"})


@dataclass(frozen=True, kw_only=True)
class TrustAnchor:
    """A certificate that is believed without a further one, for one purpose.

    ``types`` are the credential types (``vct`` or docType) it may vouch for, ``*`` for any; ``issuers`` the identifiers
    of the services that hand out what it vouches for, which a wallet must know before anything is signed.
    ``end_entity`` allows this very certificate to sign, self-signed or not. ``key_identifiers`` False tolerates
    certificates below it, and itself, without the authority and subject key identifiers that RFC 5280 §4.2.1.1-2 asks
    of them. ``profile`` names a profile that those below it keep besides, whatever they sign
    (:mod:`ewallet.annex_b`). ``crl`` says that they are on revocation lists, without which none of them is believed.
    ``rrn_legal_basis`` registers, by client identifier, the verifiers below it that may ask for resident numbers, each
    with the law that lets it. ``usage.argument`` for a check that nobody makes for that purpose.
    """

    id: str
    purpose: Purpose
    certificate: x509.Certificate
    types: frozenset[str]
    issuers: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    distrust_after: datetime | None = None
    end_entity: bool = False
    key_identifiers: bool = True
    profile: Profile | None = None
    crl: bool = False
    rrn_legal_basis: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.profile and (self.end_entity or self.purpose not in _PROFILED[self.profile]):
            raise UsageError("usage.argument", f"profile {self.profile} of an anchor that it does not describe")
        if self.crl and (self.end_entity or self.purpose not in _REVOCABLE):
            raise UsageError("usage.argument", "crl of an anchor below which nothing is looked up")
        if self.rrn_legal_basis and self.purpose != "verifier":
            raise UsageError("usage.argument", "rrn_legal_basis of an anchor below which nobody asks")

    def vouches_for(self, type_id: str | None) -> bool:
        """Whether the anchor may stand behind that type; None asks about no type in particular."""
        return type_id is None or "*" in self.types or type_id in self.types

    def trusted(self, at: datetime) -> bool:
        """Whether the operator still lists it as trusted at that time."""
        return self.distrust_after is None or at < self.distrust_after

    @classmethod
    def of_json(cls, entry: Json) -> TrustAnchor:
        """The anchor of an entry; ``malformed.*``."""
        try:
            return cls._of(instance(entry, dict, "an anchor"))
        except UsageError as exc:
            refuse("malformed.claim_type", exc.detail)

    @classmethod
    def _of(cls, members: Mapping[str, Json]) -> TrustAnchor:
        distrust = optional(members, "distrust_after", int)
        names = optional(members, "names", dict) or {}
        return cls(
            id=member(members, "id", str),
            purpose=cast(Purpose, _one_of(member(members, "purpose", str), get_args(Purpose), "an anchor's purpose")),
            certificate=certificate(base64(member(members, "certificate", str), "certificate")),
            types=frozenset(strings(members.get("types"), "types")),
            issuers=frozenset(strings(members["issuers"], "issuers")) if "issuers" in members else frozenset(),
            names={language: instance(name, str, "a name") for language, name in names.items()},
            distrust_after=None if distrust is None else moment(numeric_date(distrust, "distrust_after")),
            end_entity=optional(members, "end_entity", bool) or False,
            key_identifiers=optional(members, "key_identifiers", bool) is not False,
            profile=_profile(optional(members, "profile", str)),
            crl=optional(members, "crl", bool) or False,
            rrn_legal_basis=_bases(optional(members, "rrn_legal_basis", dict) or {}),
        )

    def to_json(self) -> dict[str, Json]:
        """The entry of it."""
        entry: dict[str, Json] = {
            "id": self.id,
            "purpose": self.purpose,
            "types": sorted(self.types),
            "certificate": b64encode(self.certificate.public_bytes(Encoding.DER)).decode("ascii"),
            "names": dict(self.names),
        }
        optional_members: dict[str, Json] = {
            "issuers": sorted(self.issuers),
            "distrust_after": int(self.distrust_after.timestamp()) if self.distrust_after else None,
            "end_entity": self.end_entity,
            "profile": self.profile,
            "crl": self.crl,
            "rrn_legal_basis": dict(self.rrn_legal_basis),
        }
        entry |= {name: value for name, value in optional_members.items() if value}
        return entry if self.key_identifiers else entry | {"key_identifiers": False}


def _bases(members: Mapping[str, Json]) -> Mapping[str, str]:
    """A law for each client identifier: one that is not named is none."""
    bases = {client_id: instance(law, str, "rrn_legal_basis").strip() for client_id, law in members.items()}
    return bases if all(bases.values()) else refuse("malformed.claim_type", "rrn_legal_basis names no law")


def _profile(name: str | None) -> Profile | None:
    return None if name is None else cast(Profile, _one_of(name, get_args(Profile), "an anchor's profile"))


def _one_of(value: str, known: tuple[str, ...], what: str) -> str:
    if value not in known:
        refuse("malformed.claim_type", f"{what} is not one of {', '.join(known)}")
    return value
