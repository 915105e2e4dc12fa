"""One credential that an issuer offers: its format, type and proofs, and what it and its claims are called.

A credential configuration of the issuer metadata (OpenID4VCI 1.0 §12.2.4, App. B), both directions. Section numbers are
those of OpenID4VCI 1.0. Nothing in it is fetched: logos and pictures are looked at and left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Path
from ewallet.formats import FORMATS, Format
from ewallet.keys import ALGORITHMS
from ewallet.shape import Json, instance, member, optional, refuse, strings

_LANGUAGES: Final = ("ko", "en")


@dataclass(frozen=True, kw_only=True)
class Display:
    """A name in one language; ``locale`` is empty where it was not said."""

    name: str
    locale: str = ""


def label(displays: Iterable[Display], language: str) -> str:
    """The name in that language, else the first one, else nothing."""
    found = tuple(displays)
    fitting = [display for display in found if display.locale.lower().partition("-")[0] == language]
    return next((display.name for display in (*fitting, *found)), "")


def displays_of(members: Mapping[str, Json], *, named: bool) -> tuple[Display, ...]:
    """§12.2.4: an array with one object for each language."""
    displays = tuple(_display(entry, named=named) for entry in optional(members, "display", list) or ())
    locales = [display.locale for display in displays if display.locale]
    if len(set(locales)) < len(locales):
        refuse("malformed.json_duplicate", "display has a language twice")
    return displays


def _display(entry: Json, *, named: bool) -> Display:
    members = instance(entry, dict, "an entry of display")
    for picture in ("logo", "background_image"):
        if (found := optional(members, picture, dict)) is not None:
            member(found, "uri", str)
    name = member(members, "name", str) if named else optional(members, "name", str)
    return Display(name=name or "", locale=optional(members, "locale", str) or "")


def displays_to_json(displays: Iterable[Display]) -> list[Json]:
    """As they travel."""
    return [{"name": each.name} | ({"locale": each.locale} if each.locale else {}) for each in displays]


@dataclass(frozen=True, kw_only=True)
class ClaimDescription:
    """What a claim of a configuration is called, and whether every credential has it (App. B.2)."""

    path: Path
    mandatory: bool = False
    display: tuple[Display, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {"path": list(self.path)}
        if self.mandatory:
            members["mandatory"] = True
        if self.display:
            members["display"] = displays_to_json(self.display)
        return members


def _claims(metadata: Mapping[str, Json]) -> tuple[ClaimDescription, ...]:
    """App. B.3: a claim described twice, or both as an object and as an array, is no description."""
    claims = tuple(_claim(entry) for entry in optional(metadata, "claims", list) or ())
    kinds: dict[Path, bool] = {}
    for claim in claims:
        for depth, component in enumerate(claim.path):
            if kinds.setdefault(claim.path[:depth], isinstance(component, str)) != isinstance(component, str):
                refuse("malformed.claim_type", "a claim is described both as an object and as an array")
    if len({claim.path for claim in claims}) < len(claims):
        refuse("malformed.json_duplicate", "a claim is described twice")
    return claims


def _claim(entry: Json) -> ClaimDescription:
    members = instance(entry, dict, "an entry of claims")
    path = tuple(member(members, "path", list))
    if not path or not all(step is None or type(step) is str or (type(step) is int and step >= 0) for step in path):
        refuse("malformed.claim_type", "the path of a claim is not a claims path pointer")
    return ClaimDescription(
        path=path,
        mandatory=optional(members, "mandatory", bool) or False,
        display=displays_of(members, named=False),
    )


@dataclass(frozen=True, kw_only=True)
class KeyLevels:
    """How well an attested key must be kept; of each that is not empty one value suffices (§12.2.4, App. D.2)."""

    key_storage: tuple[str, ...] = ()
    user_authentication: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """As it travels; an empty object asks for an attestation of whatever level."""
        levels = {"key_storage": self.key_storage, "user_authentication": self.user_authentication}
        return {name: list(values) for name, values in levels.items() if values}


@dataclass(frozen=True, kw_only=True)
class ProofType:
    """A kind of key proof: its algorithms, and the attestation it must carry, if any."""

    algorithms: tuple[str, ...]
    attestation: KeyLevels | None = None

    @classmethod
    def of(cls, value: Json) -> ProofType:
        """Read one; ``malformed.claim_type``."""
        members = instance(value, dict, "a proof type")
        levels = optional(members, "key_attestations_required", dict)
        return cls(
            algorithms=_strings(members, "proof_signing_alg_values_supported"),
            attestation=None
            if levels is None
            else KeyLevels(
                key_storage=_some(levels, "key_storage"), user_authentication=_some(levels, "user_authentication")
            ),
        )

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {"proof_signing_alg_values_supported": list(self.algorithms)}
        if self.attestation is not None:
            members["key_attestations_required"] = self.attestation.to_json()
        return members


def _strings(members: Mapping[str, Json], name: str) -> tuple[str, ...]:
    return strings(member(members, name, list), name)


def _some(members: Mapping[str, Json], name: str) -> tuple[str, ...]:
    return _strings(members, name) if name in members else ()


@dataclass(frozen=True, kw_only=True)
class CredentialConfiguration:
    """One credential that can be had (§12.2.4).

    ``type_id`` is None in a format that is not spoken here. ``members`` are what the format adds, as they travel.
    """

    id: str
    format: str
    type_id: str | None
    scope: str | None = None
    proof_types: Mapping[str, ProofType] = field(default_factory=dict)
    display: tuple[Display, ...] = ()
    claims: tuple[ClaimDescription, ...] = ()
    members: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def of(cls, id_: str, value: Json) -> CredentialConfiguration:
        """Read one; ``malformed.claim_type``, ``malformed.json_duplicate``."""
        members = instance(value, dict, "a credential configuration")
        format_id = member(members, "format", str)
        if format_id not in FORMATS:  # what a later or an earlier text has of it is no business of ours
            rest = {name: entry for name, entry in members.items() if name != "format"}
            return cls(id=id_, format=format_id, type_id=None, members=rest)
        optional(members, "claims", list)  # where drafts had it, as an object; now it is in credential_metadata
        metadata = optional(members, "credential_metadata", dict) or {}
        proof_types = optional(members, "proof_types_supported", dict)
        bindings = _some(members, "cryptographic_binding_methods_supported")
        if bool(proof_types) != bool(bindings):
            refuse("malformed.claim_type", "of proof types and binding methods only one is there")
        return cls(
            id=id_,
            format=format_id,
            type_id=FORMATS[format_id].configured_type(members),
            scope=optional(members, "scope", str),
            proof_types={name: ProofType.of(entry) for name, entry in (proof_types or {}).items()},
            display=displays_of(metadata, named=True),
            claims=_claims(metadata),
            members={name: entry for name, entry in members.items() if name not in _COMMON},
        )

    @classmethod
    def build(cls, type_: CredentialType, format_: Format, algorithms: Sequence[str]) -> CredentialConfiguration | None:
        """The configuration of a kind in a format, with proofs of possession; None where it has no such form."""
        members = format_.configuration(type_, algorithms)
        if members is None:
            return None
        return cls(
            id=f"{type_.id}.{format_.id}",
            format=format_.id,
            type_id=format_.configured_type(members),
            scope=f"{type_.id}.{format_.id}",
            proof_types={"jwt": ProofType(algorithms=tuple(sorted(ALGORITHMS)))},
            display=_names(type_.names),
            claims=tuple(_descriptions(type_, format_)),
            members=members,
        )

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {"format": self.format, **self.members}
        if self.scope is not None:
            members["scope"] = self.scope
        if self.proof_types:
            members["proof_types_supported"] = {name: kind.to_json() for name, kind in self.proof_types.items()}
        metadata: dict[str, Json] = {}
        if self.display:
            metadata["display"] = displays_to_json(self.display)
        if self.claims:
            metadata["claims"] = [claim.to_json() for claim in self.claims]
        return members | ({"credential_metadata": metadata} if metadata else {})


_COMMON: Final = frozenset({"format", "scope", "proof_types_supported", "credential_metadata"})


def _descriptions(type_: CredentialType, format_: Format) -> Iterable[ClaimDescription]:
    """The claims that the format can show on their own, the yes/no claims among them."""
    for top in type_.signed.values():
        for claim in top.walk():
            if path := format_.path(type_, claim.path):
                mandatory = claim is top and top.required
                yield ClaimDescription(path=path, mandatory=mandatory, display=_names(claim.labels))


def _names(labels: Mapping[str, str]) -> tuple[Display, ...]:
    return tuple(Display(name=labels[lang], locale=lang) for lang in _LANGUAGES)
