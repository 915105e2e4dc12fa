"""What a credential is, in every format: claims in one tree, when it holds, how to learn its status, who may show it.

A claims path points into the tree (OpenID4VP 1.0 §7): a name selects a member, None all elements of an array, a
number one element. The same pointer walks SD-JWT claims and mdoc namespaces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

from ewallet.env import SKEW
from ewallet.errors import ValidityError
from ewallet.keys import PublicKey, SigningKey
from ewallet.shape import Json, member, refuse

Path: TypeAlias = tuple[str | int | None, ...]
Claims: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True)
class Validity:
    """From when (included) until when (excluded) a credential holds; aware UTC times, either may be absent."""

    since: datetime | None = None
    until: datetime | None = None

    def check(self, at: datetime) -> None:
        """Return if it holds at that time; a fast issuer's clock is forgiven at the beginning only.

        Raises ``time.not_yet_valid`` or ``time.expired``.
        """
        if self.since and self.since - at > SKEW:
            raise ValidityError("time.not_yet_valid", "the credential is not valid yet")
        if self.until and at >= self.until:
            raise ValidityError("time.expired", "the credential has expired")


@dataclass(frozen=True)
class StatusRef:
    """Where a credential's status is found: an entry of a Token Status List (draft-ietf-oauth-status-list §6)."""

    uri: str
    index: int

    @classmethod
    def of_json(cls, members: Claims) -> StatusRef:
        """The reference of a ``status_list`` member, in JSON or CBOR; ``malformed.claim_type``."""
        index = member(members, "idx", int)
        if index < 0:
            refuse("malformed.claim_type", "idx is negative")
        return cls(member(members, "uri", str), index)

    def to_json(self) -> dict[str, Json]:
        """The ``status_list`` member."""
        return {"idx": self.index, "uri": self.uri}


@dataclass(frozen=True, kw_only=True)
class Binding:
    """What a presentation is bound to: for whom it is made and in answer to what.

    ``transaction_data`` are the transactions it confirms, each text exactly as it was received (OpenID4VP 1.0 §8.4);
    ``transaction_hashes`` the hashes that the request names for them, none for the usual one, SHA-256. ``response_uri``
    is where the answer goes, ``recipient`` the thumbprint of the key that it is encrypted to, and ``origin`` that of
    the page which asks through a browser (OpenID4VP 1.0 App. A). In a session at close range ``transcript`` is what
    both sides have said so far (ISO/IEC 18013-5 §9.1.5.1), encoded, and ``reader_key`` the reader's key of the session.
    """

    audience: str
    nonce: str
    transaction_data: tuple[str, ...] = ()
    transaction_hashes: tuple[str, ...] = ()
    response_uri: str | None = None
    recipient: str | None = None
    origin: str | None = None
    transcript: bytes | None = field(default=None, repr=False)
    reader_key: SigningKey | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Everything a format needs to issue one copy, but the key and the entropy.

    ``disclosable`` are the claims paths that get a disclosure of their own, None standing for any array element. With
    ``decoys`` the number of digests at each level is rounded up to its next multiple, to hide how many there are.
    """

    type_id: str
    issuer: str
    claims: Claims = field(repr=False)
    validity: Validity
    disclosable: frozenset[Path]
    holder: PublicKey | None = None
    status: StatusRef | None = None
    decoys: int = 0


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a credential says. Nothing of it is believed until a verdict accepts it.

    ``claims`` holds all that can be read of it, ``shown`` the concrete paths that came by disclosure, and
    ``registered`` the names of top-level claims that belong to the format rather than to the person.
    """

    format: str
    type_id: str
    issuer: str | None
    validity: Validity
    issued: datetime | None
    holder: PublicKey | None
    status: StatusRef | None
    claims: Claims = field(repr=False)
    shown: tuple[Path, ...] = ()
    registered: frozenset[str] = frozenset()

    def check_validity(self, at: datetime) -> None:
        """Return if it holds at that time and was issued before it; ``time.not_yet_valid``, ``time.expired``."""
        self.validity.check(at)
        if self.issued and self.issued - at > SKEW:
            raise ValidityError("time.not_yet_valid", "the credential is dated in the future")


@lru_cache(maxsize=1024)  # issuers round to the day, and one copy says the same time twice
def moment(seconds: int) -> datetime:
    """The aware UTC time of a numeric date (RFC 7519 §2)."""
    return datetime.fromtimestamp(seconds, UTC)


def lookup(claims: Json, path: Sequence[str | int | None]) -> list[tuple[Path, Json]]:
    """The (concrete path, value) pairs a claims path selects, in order; empty where it selects nothing.

    OpenID4VP 1.0 §7.1: a component that does not fit the kind of what it meets selects nothing at all.
    """
    return select(claims, path) or []


def select(claims: Json, path: Sequence[str | int | None]) -> list[tuple[Path, Json]] | None:
    """As :func:`lookup`, but None where a component does not fit the kind of what it meets, and for no path at all."""
    found: list[tuple[Path, Json]] = [((), claims)]
    for component in path:
        stepped = [_step(at, node, component) for at, node in found]
        if any(step is None for step in stepped):
            return None
        found = [pair for step in stepped if step for pair in step]
    return found if path else None


def _step(at: Path, node: Json, component: str | int | None) -> list[tuple[Path, Json]] | None:
    """One component of one selected element; None aborts the whole pointer."""
    if isinstance(component, str):
        if not isinstance(node, dict):
            return None
        return [((*at, component), node[component])] if component in node else []
    if not isinstance(node, list) or isinstance(component, bool):
        return None
    if component is None:
        return [((*at, i), value) for i, value in enumerate(node)]
    return [((*at, component), node[component])] if 0 <= component < len(node) else []


def covers(pattern: Path, path: Path) -> bool:
    """Whether a path, concrete or not, fits a pattern of the same length, None standing for any array element."""
    return len(pattern) == len(path) and all(
        p == c or (p is None and not isinstance(c, str)) for p, c in zip(pattern, path, strict=True)
    )
