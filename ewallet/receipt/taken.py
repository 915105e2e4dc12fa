"""What a recipient signs of a package that it took: its own half of a receipt, where a portal provides.

A compact JWS of type ``package-receipt+jwt`` under the key that the package was made for, which is in its header
(``jwk``)::

    iss, aud, iat      the recipient, the portal, and when
    consent            the digest of the record of the consent
    request            the digest of the authorization details, to the letter, with which it asked for its token
    package            the digest of the package as it came
    answer             by type, the digest of each member as it came
    disclosed          by type, the claims paths that the members have
    log                the place of the provision in the log of use, and the checkpoint that came with it

The portal compares it with what it provided and with the key that is registered. In the receipt of the consent it names
the digest of this half in its own event of the provision (``taken``): so whoever believes the portal's certificate
knows whose key this is, and neither half can be exchanged or left out unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from ewallet import jose
from ewallet.catalog import Catalog
from ewallet.catalog.claims import Pattern
from ewallet.consent import Consent
from ewallet.credential import covers, moment
from ewallet.env import SKEW
from ewallet.history import Believed
from ewallet.keys import PublicKey, Signer
from ewallet.package import Package
from ewallet.receipt.countersignature import Logged, Signed, check_places, checking, invalid
from ewallet.shape import Json, instance, member, numeric_date, to_base64url
from ewallet.terminal import stamp

TYP: Final = "package-receipt+jwt"
NAMED: Final = "taken"  # of the portal's event


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Who signs a half, to whom, and under which request: ``key`` is a thumbprint, ``request`` a digest."""

    recipient: str
    key: str
    portal: str
    request: str


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A recipient's half taken apart; nothing of it believed."""

    jws: jose.Jws = field(repr=False)
    claims: Mapping[str, Json] = field(repr=False)
    digest: str
    by: str
    at: datetime
    logged: Logged

    @classmethod
    def parse(cls, compact: str) -> Taken:
        """A half taken apart; ``malformed.*``, ``limit.*``, ``crypto.*``, ``receipt.invalid``."""
        if not compact.isascii():
            invalid("a half with other characters than ascii")
        jws = jose.parse(compact, TYP, what="the recipient's half")
        claims = jws.claims
        log = member(claims, "log", dict)
        return cls(
            jws=jws,
            claims=claims,
            digest=digest_of(compact.encode()),
            by=member(claims, "iss", str),
            at=moment(numeric_date(member(claims, "iat", int), "iat")),
            logged=Logged(seq=member(log, "seq", int), checkpoint=member(log, "checkpoint", str)),
        )

    @property
    def key(self) -> PublicKey:
        """The key of its header; ``malformed.*``, ``crypto.key_invalid``."""
        return PublicKey.of_jwk(instance(self.jws.header.get("jwk"), dict, "jwk"))

    @property
    def disclosed(self) -> dict[str, set[Pattern]]:
        """By type, the claims paths that it names; ``malformed.*``."""
        found = member(self.claims, "disclosed", dict)
        return {type_: {_path(path) for path in instance(paths, list, "paths")} for type_, paths in found.items()}

    def check_package(self, package: Package, expected: Expected, provided: datetime, at: datetime) -> None:
        """Return if who is expected signed for this very package, after it was provided; ``receipt.invalid``."""
        key = self.key
        if key.thumbprint != expected.key:
            invalid("signed with another key than the package was made for")
        self.jws.verify(key)
        if (self.by, self.claims.get("aud")) != (expected.recipient, expected.portal):
            invalid("signed by another recipient, or to another portal")
        stated = _stated(package, expected.request)
        if self.claims.keys() != stated.keys() | {"iss", "aud", "iat"}:
            invalid("signed with other members than a half has")
        for name in ("consent", "request", "answer"):
            if self.claims.get(name) != stated[name]:
                invalid(f"signed for another {name}")
        if self.disclosed != {type_: {*paths} for type_, paths in package.disclosed().items()}:
            invalid("signed for other claims than were provided")
        if any(self.claims.get(name) != stated[name] for name in ("package", "log")):
            invalid("signed for another package")
        if not provided - SKEW <= self.at <= at + SKEW:
            invalid("signed before it was provided, or at a time that is to come")

    def check_event(self, event: Signed, consent: Consent, catalog: Catalog, believed: Believed | None) -> None:
        """Return if it is about that provision under that consent; ``receipt.invalid``, ``log.*``."""
        self.jws.verify(self.key)
        if (self.by, self.claims.get("consent")) != (consent.recipient.id, consent.digest):
            invalid("a half of another recipient, or of another consent")
        if event.logged is None or event.logged.seq != self.logged.seq or self.at < event.at - SKEW:
            invalid("a half of another provision")
        check_places((self, event), believed)
        if member(self.claims, "answer", dict).keys() != self.disclosed.keys():
            invalid("a half that names other members than it has claims of")
        for type_, paths in self.disclosed.items():
            kind = catalog.by_type_id(type_)
            if kind is None or not all(_is_consented(consent, kind.id, path) for path in paths):
                invalid("a half for what was not consented to")

    def view(self) -> dict[str, Json]:
        """What it says, for whoever reads a receipt."""
        disclosed = member(self.claims, "disclosed", dict)
        return {"by": self.by, "at": stamp(self.at), "seq": self.logged.seq, "disclosed": disclosed}


def sign(package: Package, signer: Signer, expected: Expected, at: datetime) -> str:
    """The half of whoever took that package; ``malformed.*`` for one that cannot be taken apart."""
    claims = {"iss": expected.recipient, "aud": expected.portal, "iat": int(at.timestamp())}
    return jose.sign(TYP, {**claims, **_stated(package, expected.request)}, signer, {"jwk": dict(signer.public.jwk)})


def check_halves(
    events: Sequence[Signed], halves: Sequence[str], consent: Consent, catalog: Catalog, believed: Believed | None
) -> None:
    """Return if there are just the halves that the portal names in its events, and each holds; ``receipt.invalid``."""
    with checking("a recipient's half"):
        naming = [event for event in events if NAMED in event.claims]
        found = [Taken.parse(half) for half in halves]
        if [event.claims[NAMED] for event in naming] != [taken.digest for taken in found]:
            invalid("other halves of the recipient than the portal names")
        for event, taken in zip(naming, found, strict=True):
            taken.check_event(event, consent, catalog, believed)


def digest_of(raw: bytes) -> str:
    """The digest by which something is signed for."""
    return to_base64url(sha256(raw).digest())


def _stated(package: Package, request: str) -> dict[str, Json]:
    inclusion = package.logged.inclusion
    answer: dict[str, list[Json]] = {}
    for raw, each in zip(package.members, package.evidence(), strict=True):
        answer.setdefault(each.type_id, []).append(digest_of(raw.encode()))
    return {
        "consent": package.consent.digest,
        "request": request,
        "package": digest_of(package.to_bytes()),
        "answer": answer,
        "disclosed": {type_: [list(path) for path in paths] for type_, paths in package.disclosed().items()},
        "log": Logged(seq=inclusion.index, checkpoint=inclusion.checkpoint.decode()).to_json(),
    }


def _path(found: Json) -> Pattern:
    steps = instance(found, list, "a path")
    if not all(step is None or isinstance(step, str) for step in steps):
        invalid("a path whose steps are neither names nor null")
    return tuple(steps)


def _is_consented(consent: Consent, type_id: str, path: Pattern) -> bool:
    """Whether it is a claim or an answer that was consented to, or an array of such, which then had no rows."""
    items = [item for item in consent.items if item.type_id == type_id]
    arrays = (claim[: len(path)] for item in items for claim in item.claims if len(claim) > len(path))
    return any(item.covers(path) for item in items) or any(covers(array, path) for array in arrays)
