"""A package (꾸러미 데이터): what a person's agencies provide to one recipient at once, and why that is allowed.

JSON of schema ``ewallet.package/1``: the record of the consent, the members (:mod:`ewallet.formats.member`), and the
proof that handing them over is on record in the log of use. Without that proof nobody believes it, so that nothing is
handed over unseen. What is on record is the digests of consent and members, under a key that goes with the package.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from ewallet.catalog import Catalog, CredentialType
from ewallet.catalog.claims import Pattern
from ewallet.consent import Consent
from ewallet.credential import Binding, Credential, covers
from ewallet.errors import ConsentError
from ewallet.formats.member import Member
from ewallet.history import Believed, Checkpoint, Entry, Logged
from ewallet.shape import MAX_DOCUMENT, Json, json_object, member, refuse, strings, to_base64url

SCHEMA: Final = "ewallet.package/1"
MAX_MEMBERS: Final = 40  # a bundle has 30 at most


def payload_of(consent: Consent, members: Iterable[str]) -> bytes:
    """What the log commits to: the digests of the consent and of each member, in order."""
    digests = [to_base64url(sha256(raw.encode("ascii")).digest()) for raw in members]
    return json.dumps({"consent": consent.digest, "members": digests}, separators=(",", ":")).encode()


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package, as it was handed over; believed only when a verifier has judged it."""

    consent: Consent
    members: tuple[str, ...] = field(repr=False)
    logged: Logged = field(repr=False)

    @classmethod
    def parse(cls, raw: bytes | str) -> Package:
        """The package of a JSON text; ``malformed.*``, ``limit.*``, ``receipt.invalid`` for a consent that is none."""
        if len(raw) > MAX_DOCUMENT:
            refuse("limit.size", f"a package has {len(raw)} bytes, at most {MAX_DOCUMENT} are read")
        found = json_object(raw, "the package")
        if found.get("schema") != SCHEMA:
            refuse("malformed.claim_type", f"a package of another schema than {SCHEMA}")
        members = strings(found.get("members"), "members")
        if not 0 < len(members) <= MAX_MEMBERS:
            refuse("limit.count", f"a package of {len(members)} members, expected 1 to {MAX_MEMBERS}")
        consent, logged = Consent.parse(member(found, "consent", str)), Logged.of_json(member(found, "logged", dict))
        package = cls(consent=consent, members=members, logged=logged)
        if found != package.to_json():
            refuse("malformed.claim_type", f"a package with other members than {SCHEMA} has")
        return package

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        return {
            "schema": SCHEMA,
            "consent": self.consent.to_bytes().decode(),
            "members": list(self.members),
            "logged": self.logged.to_json(),
        }

    def to_bytes(self) -> bytes:
        """The JSON text."""
        return json.dumps(self.to_json(), ensure_ascii=False, separators=(",", ":")).encode()

    def evidence(self) -> tuple[Member, ...]:
        """The members taken apart; ``malformed.*``, ``crypto.*``."""
        return tuple(Member.open(raw) for raw in self.members)

    def disclosed(self) -> dict[str, tuple[Pattern, ...]]:
        """By type, the claims paths that the members have, None for elements of arrays; ``malformed.*``."""
        found = ((each.type_id, _values(each.check_disclosures().claims)) for each in self.evidence())
        return {type_: tuple(dict.fromkeys(path for path, _ in values)) for type_, values in found}

    def check_logged(self, believed: Believed) -> tuple[Entry, Checkpoint]:
        """Return the entry that says so if handing over just this is on record; ``log.*``."""
        return self.logged.check_payload(payload_of(self.consent, self.members), "package.downloaded", believed)

    def check_covered(self, credentials: Iterable[Credential], catalog: Catalog) -> None:
        """Return if the members say what was consented to, each kind once, and nothing else; ``consent.scope``."""
        seen: set[str] = set()
        for credential in credentials:
            kind = catalog.by_type_id(credential.type_id)
            if kind is None or kind.id in seen:
                raise ConsentError("consent.scope", "a member of a kind that is unknown here, or a kind twice")
            seen.add(kind.id)
            self._check_said(kind, credential.claims)

    def _check_said(self, kind: CredentialType, claims: Json) -> None:
        """Return if that is what was consented to of a kind: answers are yes or no, and claims are what they are."""
        told = {path: value for path, value in _values(claims) if not self._says_none(kind.id, path, value)}
        self.consent.check_covers(kind.id, told)
        asked = {(each.name,) for item in self.consent.items if item.type_id == kind.id for each in item.questions}
        if not all(isinstance(told[path], bool) if path in asked else kind.claim(path) for path in told):
            raise ConsentError("consent.scope", "an answer that is neither yes nor no, or more in a claim than it has")

    def _says_none(self, type_id: str, path: Pattern, value: Json) -> bool:
        """Whether it is an array without rows, of which claims were consented to: that there are none is the answer."""
        asked = (claim for item in self.consent.items if item.type_id == type_id for claim in item.claims)
        return value == [] and any(len(claim) > len(path) and covers(claim[: len(path)], path) for claim in asked)


@dataclass(frozen=True, kw_only=True)
class Receiving:
    """How a recipient takes packages: its identifier, the thumbprint of its key, whom it believes about the log."""

    recipient: str
    key: str
    believed: Believed
    catalog: Catalog

    @property
    def binding(self) -> Binding:
        """What each member has to be made for."""
        return Binding(audience=self.recipient, nonce="", recipient=self.key)

    def open(self, raw: bytes | str) -> Delivered:
        """A package taken apart; ``malformed.*``, ``limit.*``, ``crypto.*``, ``receipt.invalid``."""
        package = Package.parse(raw)
        return Delivered(receiving=self, package=package, members=package.evidence())


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A package at its recipient, its members taken apart; what holds of it as a whole is checked here."""

    receiving: Receiving
    package: Package
    members: tuple[Member, ...]

    def name(self, credential: Credential) -> str:
        """The id of the kind of a member, or its type where the kind is unknown here."""
        kind = self.receiving.catalog.by_type_id(credential.type_id)
        return kind.id if kind else credential.type_id

    def check_handed_over(self) -> None:
        """Return if the consent names this recipient, and handing just this over is on record.

        Raises ``consent.recipient``, ``log.*``.
        """
        if self.package.consent.recipient.id != self.receiving.recipient:
            raise ConsentError("consent.recipient", "the consent names another recipient")
        self.package.check_logged(self.receiving.believed)

    def check_consented(self, credentials: Iterable[Credential]) -> None:
        """Return if the members were provided under that consent and say what it covers; ``consent.scope``."""
        if any(member.consent != self.package.consent.digest for member in self.members):
            raise ConsentError("consent.scope", "a member that was provided under another consent")
        self.package.check_covered(credentials, self.receiving.catalog)


def _values(claims: Json, at: Pattern = ()) -> Iterator[tuple[Pattern, Json]]:
    """All values in a tree of claims by path, None for elements of arrays; empty objects and arrays are values."""
    if isinstance(claims, dict) and (claims or not at):
        for name, value in claims.items():
            yield from _values(value, (*at, name))
    elif isinstance(claims, list) and claims:
        for value in claims:
            yield from _values(value, (*at, None))
    else:
        yield at, claims
