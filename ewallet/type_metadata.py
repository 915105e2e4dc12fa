"""SD-JWT VC Type Metadata: what the description of a credential type demands of a credential (draft-19 §5-6).

A description may extend another one and can only tighten it. Documents are handed in, never fetched: a credential's
``vct`` is an identifier, and who wants to follow it does so outside. Section numbers are those of
draft-ietf-oauth-sd-jwt-vc-19.

Rule of this file: a description that is read is read whole, parents included, before any of it counts (§5.6).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn, TypeAlias, cast, get_args

from ewallet import card
from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kinds import CredentialType
from ewallet.catalog.person import CLAIM
from ewallet.credential import Claims, Path, select
from ewallet.errors import PolicyError
from ewallet.shape import Json, instance, json_object, member, optional, refuse

Documents: TypeAlias = Mapping[str, bytes] | Callable[[str], bytes | None]
Role = Literal["holder", "verifier"]
Disclosable = Literal["always", "allowed", "never"]

_MAX_PARENTS: Final = 8  # a national base, a ministry's, a kind's: three
_MAX_ENTRIES: Final = 1_000  # claims or languages of one document
_SVG_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_STRONGEST_FIRST: Final[tuple[tuple[str, Callable[[bytes], Any]], ...]] = (
    ("sha512", hashlib.sha512),
    ("sha384", hashlib.sha384),
    ("sha256", hashlib.sha256),
)


def _reject(detail: str) -> NoReturn:
    raise PolicyError("policy.type_metadata", detail) from None


def check_integrity(document: bytes, integrity: str) -> None:
    """§6: Return if the document has one of the digests of the strongest algorithm that is named.

    ``integrity`` is a Subresource Integrity text (standard base64). Raises ``policy.type_metadata``.
    """
    named = [expression.partition("?")[0].partition("-") for expression in integrity.split()]
    for name, hash_ in _STRONGEST_FIRST:
        digests = {digest for algorithm, _, digest in named if algorithm == name}
        if digests:
            if b64encode(hash_(document).digest()).decode("ascii") not in digests:
                _reject("a document whose digest is not the one referred to")
            return
    _reject("no digest of sha-256, sha-384 or sha-512")


@dataclass(frozen=True, kw_only=True)
class ClaimMetadata:
    """What a description says of the claims at one path; None where it says nothing (§5.6)."""

    path: Path
    display: tuple[Mapping[str, Json], ...] | None = None
    sd: Disclosable | None = None
    mandatory: bool | None = None
    svg_id: str | None = None

    def to_json(self) -> dict[str, Json]:
        """As it is written, with the members that it has."""
        members: dict[str, Json] = {"path": list(self.path)}
        if self.display is not None:
            members["display"] = [dict(entry) for entry in self.display]
        for name in ("sd", "mandatory", "svg_id"):
            if getattr(self, name) is not None:
                members[name] = getattr(self, name)
        return members

    def extended(self, by: ClaimMetadata) -> ClaimMetadata:
        """§5.6.5: member by member the extending one's, which must not relax anything."""
        if self.sd in ("always", "never") and by.sd not in (None, self.sd):
            _reject("a type that relaxes the selective disclosure of the one it extends")
        if self.mandatory and by.mandatory is False:
            _reject("a type that makes a mandatory claim of the one it extends optional")
        return ClaimMetadata(
            path=self.path,
            display=self.display if by.display is None else by.display,
            sd=by.sd or self.sd,
            mandatory=self.mandatory if by.mandatory is None else by.mandatory,
            svg_id=by.svg_id or self.svg_id,
        )

    def check(self, claims: Claims, shown: frozenset[Path], role: Role) -> None:
        """§5.7: Return if the claims of a credential are as described.

        A verifier cannot know what was withheld, and counts array elements only among those that it sees.
        """
        if role == "verifier" and any(isinstance(component, int) for component in self.path):
            return
        selected = select(claims, self.path)
        if selected is None:
            _reject("a claim of another kind than its path in the type metadata")
        if role == "holder" and self.mandatory and not selected:
            _reject("a mandatory claim is missing")
        for concrete, _ in selected:
            if (self.sd == "always" and concrete not in shown) or (self.sd == "never" and concrete in shown):
                _reject(f"a claim that must {self.sd} be selectively disclosable")


@dataclass(frozen=True, kw_only=True)
class TypeMetadata:
    """A description with everything it extends; ``chain`` lists the types, the described one first."""

    vct: str
    chain: tuple[str, ...]
    name: str | None = None
    description: str | None = None
    display: tuple[Mapping[str, Json], ...] = ()
    claims: tuple[ClaimMetadata, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, documents: Documents, vct: str, *, integrity: str | None = None) -> TypeMetadata:
        """The description of a type, from documents by ``vct``; ``integrity`` is the credential's ``vct#integrity``.

        Raises ``malformed.*``, ``limit.*`` or ``policy.type_metadata``.
        """
        find = documents.get if isinstance(documents, Mapping) else documents
        read: list[_Document] = []
        wanted: str | None = vct
        while wanted is not None:
            if wanted in {document.vct for document in read}:
                _reject("a type that extends itself")
            if len(read) > _MAX_PARENTS:
                refuse("limit.count", f"a type with more than {_MAX_PARENTS} parents")
            document = _document(find(wanted), wanted, integrity)
            read.append(document)
            wanted, integrity = document.extends, document.extends_integrity
        return cls._merged(read)

    @classmethod
    def _merged(cls, read: list[_Document]) -> TypeMetadata:
        """§5.4: from the outermost parent inwards."""
        claims: dict[Path, ClaimMetadata] = {}
        display: tuple[Mapping[str, Json], ...] = ()
        for document in reversed(read):
            for claim in document.claims:
                claims[claim.path] = claims[claim.path].extended(claim) if claim.path in claims else claim
            display = display if document.display is None else document.display
        _check_svg_ids(tuple(claims.values()))
        own = read[0]
        return cls(
            vct=own.vct,
            chain=tuple(document.vct for document in read),
            name=own.name,
            description=own.description,
            display=display,
            claims=tuple(claims.values()),
        )

    def placeholders(self, claims: Claims) -> dict[str, str]:
        """What stands in a card for each ``svg_id``, as text; nothing for a claim that is not there (§5.5.1.2.2)."""
        return {
            claim.svg_id: ", ".join(str(value) for _, value in select(claims, claim.path) or ())
            for claim in self.claims
            if claim.svg_id is not None
        }

    def check(self, claims: Claims, shown: tuple[Path, ...], *, role: Role) -> None:
        """Return if a processed payload and the paths that came by disclosure are as described (§5.7).

        A holder sees every disclosure and so misses mandatory claims; a verifier does not. Raises
        ``policy.type_metadata``.
        """
        if claims.get("vct") != self.vct:
            _reject("the description of another type")
        disclosed = frozenset(shown)
        for claim in self.claims:
            claim.check(claims, disclosed, role)


def integrity(document: bytes) -> str:
    """§6: The digest by which another document refers to this one."""
    return f"sha256-{b64encode(hashlib.sha256(document).digest()).decode('ascii')}"


def describe(kind: CredentialType, *, cards: str) -> dict[str, Json]:
    """The description of a kind, as its issuer publishes it: every claim that is disclosed by itself, ko and en.

    ``cards`` is the address below which the issuer has the cards of its kinds.
    """
    drawn = card.drawn(kind)
    claims = [
        _described(claim, kind, drawn, mandatory=claim is top and top.required)
        for top in kind.claims
        for claim in top.walk()
    ]
    answers = [_answer(p.id, p.labels) for p in kind.predicates if p.presign]
    person = [_answer(CLAIM.name, CLAIM.labels)] if kind.is_about_person else []
    return {
        "vct": kind.vct,
        "name": kind.label("en"),
        "display": [entry | _rendering(kind, entry["locale"], cards) for entry in _in_languages(kind.names, "name")],
        "claims": [claim.to_json() for claim in (*claims, *answers, *person)],
    }


def _rendering(kind: CredentialType, locale: str, cards: str) -> dict[str, Json]:
    """§5.5.1: the colours of the card, and the card itself in each scheme."""
    plain = card.SCHEMES["light"]
    templates = [
        {
            "uri": f"{cards}/{look.name(kind)}",
            "uri#integrity": integrity(card.template(kind, look)),
            "properties": {"orientation": "landscape", "color_scheme": look.scheme, "contrast": "high"},
        }
        for look in card.LOOKS
        if look.lang == locale
    ]
    simple = {"background_color": plain.paper, "text_color": plain.ink}
    return {"rendering": {"simple": simple, "svg_templates": templates}}


def _described(
    claim: ClaimType, kind: CredentialType, drawn: Container[ClaimType], *, mandatory: bool
) -> ClaimMetadata:
    return ClaimMetadata(
        path=claim.path,
        display=_in_languages(claim.labels, "label"),
        sd="always" if claim.path in kind.disclosable else None,
        mandatory=mandatory or None,
        svg_id=card.svg_id(claim) if claim in drawn else None,
    )


def _answer(name: str, labels: Mapping[str, str]) -> ClaimMetadata:
    return ClaimMetadata(path=(name,), display=_in_languages(labels, "label"), sd="always")


def _in_languages(labels: Mapping[str, str], member_name: str) -> tuple[dict[str, Json], ...]:
    return tuple({"locale": locale, member_name: text} for locale, text in labels.items())


@dataclass(frozen=True, kw_only=True)
class _Document:
    vct: str
    name: str | None
    description: str | None
    extends: str | None
    extends_integrity: str | None
    display: tuple[Mapping[str, Json], ...] | None
    claims: tuple[ClaimMetadata, ...]


def _document(raw: bytes | None, vct: str, integrity: str | None) -> _Document:
    if raw is None:
        _reject("type metadata that is not at hand")
    if integrity is not None:
        check_integrity(raw, integrity)
    members = json_object(raw, "type metadata")
    if member(members, "vct", str) != vct:
        _reject("type metadata of another vct than was asked for")
    claims = tuple(_claim(entry) for entry in _entries(members, "claims") or ())
    if len({claim.path for claim in claims}) < len(claims):
        refuse("malformed.claim_type", "two entries of claims have the same path")
    _check_svg_ids(claims)
    display = _entries(members, "display")
    return _Document(
        vct=vct,
        name=optional(members, "name", str),
        description=optional(members, "description", str),
        extends=optional(members, "extends", str),
        extends_integrity=optional(members, "extends#integrity", str),
        display=None if display is None else tuple(_type_display(entry) for entry in display),
        claims=claims,
    )


def _entries(members: Mapping[str, Json], name: str) -> list[dict[str, Json]] | None:
    entries = optional(members, name, list)
    if entries is None:
        return None
    if len(entries) > _MAX_ENTRIES:
        refuse("limit.count", f"{name} has {len(entries)} entries, at most {_MAX_ENTRIES} are read")
    return [instance(entry, dict, f"an entry of {name}") for entry in entries]


def _check_svg_ids(claims: tuple[ClaimMetadata, ...]) -> None:
    ids = [claim.svg_id for claim in claims if claim.svg_id is not None]
    if len(set(ids)) < len(ids):
        refuse("malformed.claim_type", "two claims have the same svg_id")


def _claim(members: Mapping[str, Json]) -> ClaimMetadata:
    sd, svg_id = optional(members, "sd", str), optional(members, "svg_id", str)
    if sd is not None and sd not in get_args(Disclosable):
        refuse("malformed.claim_type", f"sd is not one of {', '.join(get_args(Disclosable))}")
    if svg_id is not None and not _SVG_ID.match(svg_id):
        refuse("malformed.claim_type", "svg_id is not a letter or _ followed by letters, digits and _")
    display = _entries(members, "display")
    return ClaimMetadata(
        path=_path(member(members, "path", list)),
        display=None if display is None else tuple(_labelled(entry, "label") for entry in display),
        sd=cast(Disclosable | None, sd),
        mandatory=optional(members, "mandatory", bool),
        svg_id=svg_id,
    )


def _path(components: list[Json]) -> Path:
    """§5.6.1: at least one component, each a name, null or an index."""
    for component in components:
        if component is not None and type(component) is not str and (type(component) is not int or component < 0):
            refuse("malformed.claim_type", "a path has another component than a string, null or a number from 0")
    if not components:
        refuse("malformed.claim_type", "path is empty")
    return tuple(components)


def _labelled(entry: dict[str, Json], label: str) -> dict[str, Json]:
    """An entry for one language: ``locale``, before draft -12 called ``lang``, and a text."""
    member(entry, "lang" if "lang" in entry and "locale" not in entry else "locale", str)
    member(entry, label, str)
    optional(entry, "description", str)
    return entry


def _type_display(entry: dict[str, Json]) -> dict[str, Json]:
    """§5.5: the name of the type in one language, and how to draw it."""
    rendering = optional(_labelled(entry, "name"), "rendering", dict) or {}
    simple = optional(rendering, "simple", dict) or {}
    for name in ("logo", "background_image"):
        if picture := optional(simple, name, dict):
            _picture(picture)
    for name in ("background_color", "text_color"):
        optional(simple, name, str)
    templates = _entries(rendering, "svg_templates") or []
    for template in templates:
        _picture(template)
        properties = optional(template, "properties", dict)
        if len(templates) > 1 and not properties:
            refuse("malformed.claim_type", "one of several svg_templates has no properties")
    return entry


def _picture(members: Mapping[str, Json]) -> None:
    if not member(members, "uri", str).startswith(("https://", "data:")):
        refuse("malformed.url", "a picture's uri is not an https or data uri")
    optional(members, "uri#integrity", str)
