"""Whom to believe, for what: a signed trust list and the X.509 paths that end in its anchors.

Trust is never global and has no default: a :class:`TrustList` is read with the key of the operator that signs it and
passed in. An anchor (:mod:`ewallet.anchor`) is trusted for one purpose and for the types it names, until a date. The
path itself (RFC 5280 §6.1) is built by ``cryptography``; the rules of :mod:`ewallet.profile` come on top, because a
general verifier accepts a CA as a leaf and a wrong extended key usage, and those of :mod:`ewallet.annex_b` below
anchors that say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, NoReturn, Protocol

from cryptography import x509
from cryptography.x509 import verification

from ewallet import annex_b, jose
from ewallet.anchor import KEY_USAGE, Purpose, TrustAnchor
from ewallet.credential import moment
from ewallet.errors import CryptoError, Malformed, TrustError
from ewallet.keys import PublicKey, Signer
from ewallet.profile import (
    CA,
    END_ENTITY,
    Checked,
    by_class,
    check_authority,
    check_certificate,
    check_identified,
    check_leaf,
    check_made_for,
)
from ewallet.shape import (
    MAX_CHAIN,
    MAX_DOCUMENT,
    Json,
    certificate,
    member,
    numeric_date,
    refuse,
    to_base64url,
)

__all__ = ["KEY_USAGE", "TYP", "Purpose", "TrustAnchor", "TrustList", "TrustPath", "TrustPaths", "TrustVersions"]

TYP: Final = "trust-list+jwt"
_HTTPS: Final = re.compile(r"https://([A-Za-z0-9.-]+)(?::[0-9]+)?(?:/[!-~]*)?")  # no user, nothing invisible
_SECOND: Final = timedelta(seconds=1)
_REMEMBERED: Final = 1_000  # paths: document signers of all kinds of a country


@dataclass(frozen=True, kw_only=True)
class TrustPath:
    """A checked path: its certificates, leaf first, and what they say, the leaf's key, its anchor, while it holds."""

    key: PublicKey
    anchor: TrustAnchor
    certificates: tuple[x509.Certificate, ...] = field(repr=False)
    checked: tuple[Checked, ...] = field(repr=False)
    since: datetime
    until: datetime

    @cached_property
    def names(self) -> frozenset[str]:
        """The addresses and the lower-case hosts that the leaf may speak for."""
        names = self.checked[0].extensions.get(x509.SubjectAlternativeName, ())
        uris = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
        return frozenset(uris + [name.value.lower() for name in names if isinstance(name, x509.DNSName)])

    @cached_property
    def authorities(self) -> frozenset[str]:
        """The raw key identifiers of the authorities of the path, base64url (DCQL ``aki``)."""
        return frozenset().union(*[_authority(each.extensions) for each in self.checked])

    def holds(self, at: datetime) -> bool:
        """Whether every certificate of the path is valid and the anchor trusted at that time."""
        return _within(self.since, self.until, at) and self.anchor.trusted(at)

    def check_issuer(self, issuer: str | None) -> None:
        """Return if the leaf may speak under that name; ``trust.issuer_mismatch``. None claims no name."""
        if issuer is None or issuer in self.names:
            return
        url = _HTTPS.fullmatch(issuer)
        if url is None or url[1].lower() not in self.names:
            raise TrustError("trust.issuer_mismatch", "iss is not a name of the certificate that signs")


class TrustVersions(Protocol):
    """Which lists were seen, by the thumbprint of their operator's key. Every method is on disk when it returns."""

    def trust_version(self, operator: str) -> int:
        """The highest version seen, 0 for none."""

    def put_trust_version(self, operator: str, version: int) -> bool:
        """Remember a version, unless a higher one was seen; whether it is the highest."""


@dataclass(frozen=True, kw_only=True)
class TrustList:
    """A versioned, dated list of anchors. Make one with :meth:`read`; nothing is trusted that is not in it."""

    anchors: tuple[TrustAnchor, ...]
    version: int
    since: datetime
    until: datetime

    @classmethod
    def read(cls, raw: str | bytes, key: PublicKey, *, at: datetime, seen: int = 0) -> TrustList:
        """The list of a ``trust-list+jwt`` that this key signed and that is in force at that time.

        ``seen`` is the highest version accepted before. Raises ``trust.list_invalid`` or ``trust.list_rollback``.
        """
        trust = cls._signed_by(raw, key)
        if trust.version < seen:
            raise TrustError("trust.list_rollback", f"version {trust.version}, but {seen} was seen before")
        trust.check_in_force(at)
        return trust

    @classmethod
    def read_newest(cls, raw: str | bytes, key: PublicKey, *, at: datetime, versions: TrustVersions) -> TrustList:
        """As :meth:`read`, of whatever was seen before; the version of this one is remembered."""
        operator = key.thumbprint
        trust = cls.read(raw, key, at=at, seen=versions.trust_version(operator))
        if not versions.put_trust_version(operator, trust.version):  # another program has just seen a newer one
            raise TrustError("trust.list_rollback", f"version {trust.version}, but a newer one was seen before")
        return trust

    @classmethod
    def read_version(cls, raw: str | bytes, key: PublicKey) -> int:
        """The version of a list that this key signed, in force or not; ``trust.list_invalid``."""
        return cls._signed_by(raw, key).version

    @classmethod
    def _signed_by(cls, raw: str | bytes, key: PublicKey) -> TrustList:
        try:
            return cls._parse(raw, key)
        except (Malformed, CryptoError) as exc:
            raise TrustError("trust.list_invalid", str(exc)) from None

    @classmethod
    def _parse(cls, raw: str | bytes, key: PublicKey) -> TrustList:
        if len(raw) > MAX_DOCUMENT:
            refuse("limit.size", f"{len(raw)} bytes, at most {MAX_DOCUMENT} are read")
        try:
            text = raw if isinstance(raw, str) else raw.decode("ascii")
        except UnicodeDecodeError:
            refuse("malformed.encoding", "not ascii")
        jws = jose.parse(text.strip(), TYP, what="the trust list", limit=MAX_DOCUMENT)
        jws.verify(key)
        claims = jws.claims
        anchors = tuple(TrustAnchor.of_json(entry) for entry in member(claims, "anchors", list))
        if not anchors:
            refuse("malformed.claim_type", "anchors is empty")
        if len({anchor.id for anchor in anchors}) != len(anchors):
            refuse("malformed.json_duplicate", "two anchors have the same id")
        return cls(
            anchors=anchors,
            version=member(claims, "version", int),
            since=moment(numeric_date(member(claims, "iat", int), "iat")),
            until=moment(numeric_date(member(claims, "exp", int), "exp")),
        )

    def signed(self, signer: Signer) -> str:
        """The list as a ``trust-list+jwt``; the operator's side of :meth:`read`."""
        return jose.sign(TYP, self.to_json(), signer)

    def to_json(self) -> dict[str, Json]:
        """What is signed."""
        return {
            "version": self.version,
            "iat": int(self.since.timestamp()),
            "exp": int(self.until.timestamp()),
            "anchors": [anchor.to_json() for anchor in self.anchors],
        }

    def check_in_force(self, at: datetime) -> None:
        """Return if the list is dated and not expired; ``trust.list_invalid``."""
        if at >= self.until:
            raise TrustError("trust.list_invalid", "the trust list has expired")
        if (self.since - at).total_seconds() > 60:
            raise TrustError("trust.list_invalid", "the trust list is dated in the future")

    def issuers(self, at: datetime) -> frozenset[str]:
        """The identifiers of every service that may hand out credentials at that time; ``trust.list_invalid``."""
        self.check_in_force(at)
        return frozenset().union(*(anchor.issuers for anchor in self._issuing(at)))

    def hands_out(self, issuer: str, type_id: str, at: datetime) -> bool:
        """Whether the service of that identifier may hand out credentials of that type; ``trust.list_invalid``."""
        self.check_in_force(at)
        return any(issuer in anchor.issuers and anchor.vouches_for(type_id) for anchor in self._issuing(at))

    def rrn_legal_basis(self, client_id: str, at: datetime) -> str:
        """The law by which a verifier or recipient may have whole resident numbers, empty for none; as above."""
        self.check_in_force(at)
        listed = (anchor.rrn_legal_basis.get(client_id) for anchor in self.anchors if anchor.trusted(at))
        return next(filter(None, listed), "")

    def _issuing(self, at: datetime) -> Iterable[TrustAnchor]:
        return (anchor for anchor in self.anchors if anchor.purpose == "issuer" and anchor.trusted(at))

    def check(self, chain: Sequence[bytes], purpose: Purpose, at: datetime, *, type_id: str | None) -> TrustPath:
        """The path from the first certificate of a DER chain to an anchor trusted for this, at this time.

        1. few enough certificates, each readable  2. the leaf not self-signed, unless it is itself listed
        3. the leaf of our profile and valid now  4. a path to an anchor (RFC 5280 §6.1), all of it of our profile
        5. the anchor trusted for the purpose and the type  6. the leaf made for it, and of the profile that the anchor
        names. What was sent along and is not on the path does not count.

        Raises ``limit.count``, ``malformed.x509`` or ``trust.*``.
        """
        self.check_in_force(at)
        certificates = _read(chain)
        leaf = certificates[0]
        listed = [a for a in self.anchors if a.end_entity and a.certificate == leaf]
        if leaf.issuer == leaf.subject and not listed:
            raise TrustError("trust.self_signed", "the certificate vouches for itself and is not listed")
        signs = check_leaf(leaf)
        key = PublicKey.of(signs.key)
        if not _within(signs.since, signs.until, at):
            _not_valid()
        path = (leaf,) if listed else self._path(certificates, at)
        anchor = self._anchor_of(path, purpose, at, type_id)
        check_identified(leaf, signs, identified=anchor.key_identifiers)
        above = [check_authority(authority, identified=anchor.key_identifiers) for authority in path[1:]]
        check_made_for(signs, KEY_USAGE[purpose])
        if anchor.profile:
            annex_b.check_signer(path, signs, purpose=purpose, usage=KEY_USAGE[purpose])
        return _trust_path(path, [signs, *above], anchor, key)

    @cached_property
    def _by_certificate(self) -> Mapping[x509.Certificate, list[TrustAnchor]]:
        found: dict[x509.Certificate, list[TrustAnchor]] = {}
        for anchor in self.anchors:
            found.setdefault(anchor.certificate, []).append(anchor)
        return found

    @cached_property
    def _policy(self) -> verification.PolicyBuilder:
        store = verification.Store([anchor.certificate for anchor in self.anchors])
        policy = verification.PolicyBuilder().store(store).max_chain_depth(MAX_CHAIN)
        return policy.extension_policies(ca_policy=CA, ee_policy=END_ENTITY)

    def _path(self, certificates: Sequence[x509.Certificate], at: datetime) -> tuple[x509.Certificate, ...]:
        verifier = self._policy.time(at.astimezone(UTC).replace(microsecond=0, tzinfo=None)).build_client_verifier()
        try:
            return tuple(verifier.verify(certificates[0], list(certificates[1:])).chain)
        except (verification.VerificationError, ValueError, Warning):  # a warning is raised where the caller says so
            self._explain(certificates, at)

    def _explain(self, certificates: Sequence[x509.Certificate], at: datetime) -> NoReturn:
        for intermediate in certificates[1:]:
            check_certificate(intermediate)
        _check_valid(certificates, at)
        issuers = {presented.issuer for presented in certificates}
        named = [anchor.certificate for anchor in self.anchors if anchor.certificate.subject in issuers]
        if named and not any(_valid(anchor, at) for anchor in named):
            raise TrustError("trust.cert_expired", "the anchor's certificate is not valid at this time") from None
        raise TrustError("trust.no_path", "no path from the certificate to a trusted anchor") from None

    def _anchor_of(
        self, path: Sequence[x509.Certificate], purpose: Purpose, at: datetime, type_id: str | None
    ) -> TrustAnchor:
        ends = [anchor for anchor in self._by_certificate.get(path[-1], ()) if anchor.trusted(at)]
        if len(path) == 1:
            ends = [anchor for anchor in ends if anchor.end_entity]
        if not ends:
            raise TrustError("trust.no_path", "the path ends in an anchor that is no longer trusted")
        fit = [anchor for anchor in ends if anchor.purpose == purpose]
        if not fit:
            raise TrustError("trust.cert_profile", f"the anchor is not trusted for the purpose {purpose}")
        for anchor in fit:
            if anchor.vouches_for(type_id):
                return anchor
        raise TrustError("trust.issuer_not_authorized", "the anchor is not trusted for this type of credential")


class TrustPaths:
    """Paths to the anchors of one list and purpose, remembered by chain and type for as long as they hold."""

    def __init__(self, trust: TrustList, purpose: Purpose) -> None:
        self._trust = trust
        self._purpose = purpose
        self._paths: dict[tuple[tuple[bytes, ...], str | None], TrustPath] = {}

    def check(self, chain: tuple[bytes, ...], at: datetime, *, type_id: str | None) -> TrustPath:
        """As :meth:`TrustList.check`."""
        path = self._paths.get((chain, type_id))
        if path is not None and path.holds(at):
            self._trust.check_in_force(at)
            return path
        path = self._trust.check(chain, self._purpose, at, type_id=type_id)
        if len(self._paths) >= _REMEMBERED:
            self._paths.clear()
        self._paths[chain, type_id] = path
        return path


def authorities(chain: Iterable[bytes]) -> frozenset[str]:
    """The base64url authority key identifiers of a DER chain that is already trusted (OpenID4VP 1.0 §6.1.1.1)."""
    return frozenset().union(*[_authority(_readable(certificate(der))) for der in chain])


def _readable(presented: x509.Certificate) -> Mapping[type, Any]:
    try:
        return by_class(presented.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):  # sent along, not on the path
        return {}


def _read(chain: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    if not chain:
        raise TrustError("trust.no_path", "no certificate came with it")
    if len(chain) > MAX_CHAIN:
        refuse("limit.count", f"{len(chain)} certificates, at most {MAX_CHAIN} are read")
    return tuple(certificate(der) for der in chain)


def _within(since: datetime, until: datetime, at: datetime) -> bool:
    """Whether a certificate is valid then: from its first second to the end of its last (RFC 5280 §4.1.2.5)."""
    return since <= at and at - until < _SECOND


def _valid(presented: x509.Certificate, at: datetime) -> bool:
    return _within(presented.not_valid_before_utc, presented.not_valid_after_utc, at)


def _check_valid(certificates: Iterable[x509.Certificate], at: datetime) -> None:
    if not all(_valid(presented, at) for presented in certificates):
        _not_valid()


def _not_valid() -> NoReturn:
    raise TrustError("trust.cert_expired", "a certificate of the chain is not valid at this time") from None


def _trust_path(
    path: Sequence[x509.Certificate], checked: Sequence[Checked], anchor: TrustAnchor, key: PublicKey
) -> TrustPath:
    return TrustPath(
        key=key,
        anchor=anchor,
        certificates=tuple(path),
        checked=tuple(checked),
        since=max([each.since for each in checked]),
        until=min([each.until for each in checked]),
    )


def _authority(extensions: Mapping[type, Any]) -> tuple[str, ...]:
    found = extensions.get(x509.AuthorityKeyIdentifier)
    return (to_base64url(found.key_identifier),) if found is not None and found.key_identifier else ()
