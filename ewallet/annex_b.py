"""The certificate profiles of ISO/IEC 18013-5 Annex B: an issuing authority's root (IACA), and the signers below it.

A trust list says below which anchor they are kept; what they ask beyond :mod:`ewallet.profile` is here. Signers are
held to them each time, with ``trust.cert_profile``; roots are looked at once, when they are taken into a list, because
those in use depart from their profile in points that do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from ewallet.errors import TrustError
from ewallet.profile import Checked, check_authority

_ROOT_LIFE: Final = timedelta(days=20 * 366)  # 20 years; which of them are leap years does no harm

#: For how long a signer of each purpose is certified; those of status lists are held to what binds document signers.
LIFE: Final[Mapping[str, timedelta]] = {
    "issuer": timedelta(days=457),
    "status": timedelta(days=457),
    "verifier": timedelta(days=1187),
}
_FORBIDDEN: Final = frozenset(
    {
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.FRESHEST_CRL,
    }
)
_SIGNING: Final = frozenset({"digital_signature"})
_CERTIFYING: Final = frozenset({"key_cert_sign", "crl_sign"})
_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def check_signer(path: Sequence[x509.Certificate], leaf: Checked, *, purpose: str, usage: str) -> None:
    """Return if the leaf of the path keeps the profile of a signer for that purpose; ``trust.cert_profile``.

    ``usage`` is the extended key usage of the purpose. A reader is of no country and may have an authority between
    itself and its root; whoever signs documents or their status has neither freedom.
    """
    for departure in _signer_departures(path, leaf, purpose, usage):
        raise TrustError("trust.cert_profile", departure)


def _signer_departures(path: Sequence[x509.Certificate], leaf: Checked, purpose: str, usage: str) -> Iterator[str]:
    if leaf.until - leaf.since > LIFE[purpose]:
        yield f"a certificate valid for more than {LIFE[purpose].days} days"
    if not _names(path[0], NameOID.COMMON_NAME):
        yield "a signer without a common name"
    if purpose != "verifier":
        yield from _departures_of_national(path)
    if not _used_for(path[0], leaf, _SIGNING):
        yield "a key usage that is not critical, or another than digital signature alone"
    if not _made_for(path[0], usage):
        yield f"an extended key usage that is not critical, or another than {usage} alone"
    if not _names_its_key(leaf, path[1]):
        yield "a signer without key identifiers, or whose authority has another one"
    yield from _departures_of_anybody(path[0], leaf, named=purpose != "verifier")


def _departures_of_national(path: Sequence[x509.Certificate]) -> Iterator[str]:
    leaf, root = path[0], path[-1]
    if len(path) != 2:
        yield "an authority between the signer and its root"
    if not _country(leaf) or _country(leaf) != _country(root):
        yield "a country that is not one, or another than that of the root"
    if _names(leaf, NameOID.STATE_OR_PROVINCE_NAME) != _names(root, NameOID.STATE_OR_PROVINCE_NAME):
        yield "another state or province than that of the root"


def _departures_of_anybody(presented: x509.Certificate, found: Checked, *, named: bool = True) -> Iterator[str]:
    if not _FORBIDDEN.isdisjoint([extension.oid for extension in presented.extensions]):
        yield "an extension that the profile forbids"
    points = found.extensions.get(x509.CRLDistributionPoints)
    if points is None or crl_uri(points) is None:
        yield "no address of a revocation list, or more than an address"
    names = found.extensions.get(x509.IssuerAlternativeName, ())
    if named and not any(isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier) for name in names):
        yield "no e-mail address or uri of the issuer"


def departures(root: x509.Certificate) -> tuple[str, ...]:
    """In what a root departs from the profile of an IACA; none where it keeps it."""
    try:
        found = check_authority(root)
    except TrustError as exc:
        return (exc.detail,)
    return tuple(_root_departures(root, found))


def _root_departures(root: x509.Certificate, found: Checked) -> Iterator[str]:
    if root.issuer != root.subject:
        yield "a root that another authority has signed"
    if found.until - found.since > _ROOT_LIFE:
        yield "a root valid for more than 20 years"
    if not _country(root) or not _names(root, NameOID.COMMON_NAME):
        yield "a root without a common name, or without one country"
    constraints = found.extensions.get(x509.BasicConstraints)
    if constraints is None or not constraints.ca or constraints.path_length != 0:
        yield "a root that lets other authorities be below it"
    if not _used_for(root, found, _CERTIFYING):
        yield "a key usage that is not critical, or another than to sign certificates and revocation lists"
    yield from _departures_of_anybody(root, found)


def crl_uri(points: x509.CRLDistributionPoints) -> str | None:
    """The one http or https address of a certificate's revocation list; None where it says more, or something else."""
    point = next(iter(points))
    names = point.full_name or []
    if len(list(points)) > 1 or point.reasons or point.crl_issuer or len(names) != 1:
        return None
    uri = names[0].value if isinstance(names[0], x509.UniformResourceIdentifier) else ""
    try:
        return uri if urlsplit(uri).scheme in ("http", "https") and urlsplit(uri).hostname else None
    except ValueError:
        return None


def _names(presented: x509.Certificate, oid: x509.ObjectIdentifier) -> tuple[str | bytes, ...]:
    return tuple(name.value for name in presented.subject.get_attributes_for_oid(oid))


def _country(presented: x509.Certificate) -> str | None:
    """The country of the subject, where it is one, and of two capital letters."""
    found = _names(presented, NameOID.COUNTRY_NAME)
    code = found[0] if len(found) == 1 else None
    return code if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isupper() else None


def _critical(presented: x509.Certificate, kind: type[x509.ExtensionType]) -> Any:
    """The value of an extension, None where it is not there or not critical."""
    found = [each for each in presented.extensions if type(each.value) is kind]
    return found[0].value if found and found[0].critical else None


def _used_for(presented: x509.Certificate, found: Checked, usages: frozenset[str]) -> bool:
    usage = found.extensions.get(x509.KeyUsage)
    if usage is None or _critical(presented, x509.KeyUsage) is None:
        return False
    return usages == {name for name in _USAGES if getattr(usage, name)}


def _made_for(presented: x509.Certificate, usage: str) -> bool:
    return [named.dotted_string for named in _critical(presented, x509.ExtendedKeyUsage) or ()] == [usage]


def _names_its_key(leaf: Checked, authority: x509.Certificate) -> bool:
    above = check_authority(authority, identified=False).extensions.get(x509.SubjectKeyIdentifier)
    signed_by, own = (leaf.extensions.get(kind) for kind in (x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier))
    if above is None or signed_by is None or own is None:
        return False
    return bool(signed_by.key_identifier == above.digest)
