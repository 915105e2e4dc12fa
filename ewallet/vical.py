"""VICAL: the issuing authorities that a provider has looked at, as a signed list (ISO/IEC 18013-5 Annex C).

It is read by whoever keeps a trust list, and goes into one: nobody is believed because of a VICAL alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ewallet.anchor import TrustAnchor
from ewallet.cose import Sign1
from ewallet.env import SKEW
from ewallet.errors import CryptoError, Malformed, TrustError
from ewallet.formats import mso
from ewallet.profile import by_class
from ewallet.shape import cbor, certificate, instance, member, optional, refuse, strings
from ewallet.trust import TrustList

_VERSION: Final = "1.0"
_MAX_LISTED: Final = 1_000  # certificates: there are some 200 countries, some with as many as 60 authorities
_MAX_ITEMS: Final = 100 * _MAX_LISTED  # of CBOR, in what a provider that is trusted has signed


@dataclass(frozen=True, kw_only=True)
class Vical:
    """Who made the list, when, until when there is a new one, and who may issue which documents."""

    provider: str
    since: datetime
    until: datetime | None
    listed: Mapping[x509.Certificate, frozenset[str]]

    @classmethod
    def read(cls, raw: bytes, roots: Iterable[x509.Certificate], *, at: datetime) -> Vical:
        """The list, signed below one of those roots of its provider, and of now; ``trust.*``, ``limit.*``."""
        try:
            return cls._read(raw, roots, at)
        except (Malformed, CryptoError) as exc:
            if exc.code.startswith("limit."):
                raise
            raise TrustError("trust.list_invalid", f"a vical: {exc}") from None

    @classmethod
    def _read(cls, raw: bytes, roots: Iterable[x509.Certificate], at: datetime) -> Vical:
        message = Sign1.parse(raw, "the vical")
        path = _provider(roots, at).check(message.chain, "vical", at, type_id=None)
        message.verify(path.key)
        members = instance(cbor(message.payload or b"", "the vical", items=_MAX_ITEMS, big=True), dict, "the vical")
        if members.get("version") != _VERSION:
            refuse("malformed.claim_type", f"a vical whose version is not {_VERSION}")
        read = cls(
            provider=member(members, "vicalProvider", str),
            since=_moment(members, "date"),
            until=_moment(members, "nextUpdate") if "nextUpdate" in members else None,
            listed=_listed(member(members, "certificateInfos", list)),
        )
        read._check_current(at)
        return read

    def _check_current(self, at: datetime) -> None:
        if self.since > at + SKEW:
            raise TrustError("trust.list_invalid", "a vical dated in the future")
        if self.until is not None and at >= self.until:
            raise TrustError("trust.list_invalid", "a vical that is over")

    def anchors(self, types: frozenset[str] | None = None, *, crl: bool = False) -> tuple[TrustAnchor, ...]:
        """An anchor for each authority, for what is listed of it, or as much of that as is among those types."""
        chosen = {root: found if types is None else found & types for root, found in self.listed.items()}
        return tuple(anchor_of(root, found, crl=crl) for root, found in chosen.items() if found)


def anchor_of(root: x509.Certificate, types: frozenset[str], *, crl: bool = False) -> TrustAnchor:
    """The anchor that a root of mobile documents is, for documents of those types."""
    named = [name.value for name in root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return TrustAnchor(
        id=f"iaca-{sha256(root.public_bytes(Encoding.DER)).hexdigest()[:16]}",
        purpose="issuer",
        certificate=root,
        types=types,
        names={"en": str(named[0])} if named else {},
        profile="iso18013-5",
        crl=crl,
    )


def _provider(roots: Iterable[x509.Certificate], at: datetime) -> TrustList:
    anchors = tuple(
        TrustAnchor(id=str(number), purpose="vical", certificate=root, types=frozenset({"*"}))
        for number, root in enumerate(roots)
    )
    if not anchors:
        raise TrustError("trust.no_path", "no root of a provider is known")
    return TrustList(anchors=anchors, version=1, since=at, until=at + timedelta(days=1))


def _moment(members: Mapping[Any, Any], name: str) -> datetime:
    value = members.get(name)
    text = getattr(value, "value", None)
    if getattr(value, "tag", None) != mso.TDATE or type(text) is not str:
        refuse("malformed.claim_type", f"{name} is no tdate")
    return mso.moment(text)


def _listed(infos: Sequence[Any]) -> Mapping[x509.Certificate, frozenset[str]]:
    """The certificates and their docTypes; one that is listed twice may issue what is said of it anywhere."""
    if not 0 < len(infos) <= _MAX_LISTED:
        refuse("limit.count", f"{len(infos)} certificates, from 1 to {_MAX_LISTED} are read")
    found: dict[x509.Certificate, frozenset[str]] = {}
    for info in infos:
        members = instance(info, dict, "an item of certificateInfos")
        root = certificate(member(members, "certificate", bytes))
        _check_named(root, members)
        found[root] = found.get(root, frozenset()) | frozenset(strings(members.get("docType"), "docType"))
    return found


def _check_named(root: x509.Certificate, members: Mapping[Any, Any]) -> None:
    """Return if what is said beside the certificate is what it says itself."""
    try:
        own = by_class(root.extensions).get(x509.SubjectKeyIdentifier)
        number = root.serial_number
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, Warning):
        refuse("malformed.x509", "a certificate that cannot be read whole")
    identifier = optional(members, "ski", bytes)
    if identifier is not None and (own is None or own.digest != identifier):
        refuse("malformed.x509", "ski is not the subject key identifier of the certificate")
    if members.get("serialNumber", number) != number:
        refuse("malformed.x509", "serialNumber is not that of the certificate")
