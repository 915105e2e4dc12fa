"""What a certificate has to look like before it may stand behind anything here (RFC 5280 §4, ISO/IEC 18013-5 Annex B).

Rules on top of a path that :mod:`cryptography` has built: no weak algorithm, no authority as a signer of credentials,
no extension that nobody understands, keys named by their identifiers. Every refusal is ``trust.cert_profile``.
Section numbers are those of RFC 5280.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, SignatureAlgorithmOID

from ewallet.errors import TrustError

SIGNATURES: Final = {
    SignatureAlgorithmOID.ECDSA_WITH_SHA256,
    SignatureAlgorithmOID.ECDSA_WITH_SHA384,
    SignatureAlgorithmOID.ECDSA_WITH_SHA512,
    SignatureAlgorithmOID.ED25519,
}
_CURVES: Final = {"secp256r1", "secp384r1", "secp521r1"}
_UNDERSTOOD: Final = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.NAME_CONSTRAINTS,  # enforced by the path building of cryptography
}


_UNREADABLE: Final = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion)


#: Extension policies for the path building: an authority says that it is one; the rest is up to the functions below.
END_ENTITY: Final = verification.ExtensionPolicy.permit_all()
CA: Final = END_ENTITY.require_present(x509.BasicConstraints, verification.Criticality.CRITICAL, None)


def _refuse(detail: str) -> NoReturn:
    raise TrustError("trust.cert_profile", detail) from None


class Checked(NamedTuple):
    """What a checked certificate says, read once: its key, its extensions by class, and while it is valid."""

    key: object
    extensions: Mapping[type, Any]
    since: datetime
    until: datetime


def check_certificate(presented: x509.Certificate) -> Checked:
    """What it says, if it is a version 3 certificate without anything weak, unreadable or not understood."""
    try:
        extensions = presented.extensions
        number, algorithm = presented.serial_number, presented.signature_algorithm_oid
        key, version = presented.public_key(), presented.version
    except (ValueError, TypeError, UnsupportedAlgorithm, *_UNREADABLE, Warning):
        _refuse("a certificate that cannot be read whole")
    if version is not x509.Version.v3:
        _refuse("a certificate that is not version 3")
    if not 0 < number.bit_length() <= 160 or number < 0:
        _refuse("a serial number that is not positive or has more than 20 octets")
    if not presented.issuer.rdns:
        _refuse("a certificate without an issuer name")
    if algorithm not in SIGNATURES:
        _refuse("a certificate signed with another algorithm than ecdsa with sha-2 or ed25519")
    if not _strong(key):
        _refuse("a certificate for a key that is not p-256, p-384, p-521 or ed25519")
    if not _UNDERSTOOD.issuperset([extension.oid for extension in extensions if extension.critical]):
        _refuse("a certificate with a critical extension that is not understood")
    return Checked(key, by_class(extensions), presented.not_valid_before_utc, presented.not_valid_after_utc)


def by_class(extensions: x509.Extensions) -> Mapping[type, Any]:
    """The values of extensions; asking ``cryptography`` for one that is absent costs an exception."""
    return {type(extension.value): extension.value for extension in extensions}


def _strong(key: object) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name in _CURVES
    return isinstance(key, ed25519.Ed25519PublicKey)


def check_identified(presented: x509.Certificate, checked: Checked, *, identified: bool = True) -> None:
    """§4.2.1.1: Return if it names the key that signed it, by identifier and by nothing else; only a root need not.

    ``identified`` False lets others be without it too.
    """
    found = checked.extensions
    signed_by, own = found.get(x509.AuthorityKeyIdentifier), found.get(x509.SubjectKeyIdentifier)
    if signed_by is None and (not identified or _self_signed(presented)):
        return
    if not isinstance(signed_by, x509.AuthorityKeyIdentifier) or signed_by.key_identifier is None:
        _refuse("a certificate without an authority key identifier")
    if signed_by.authority_cert_issuer is not None or signed_by.authority_cert_serial_number is not None:
        _refuse("an authority key identifier with more than an identifier")
    differ = isinstance(own, x509.SubjectKeyIdentifier) and own.digest != signed_by.key_identifier
    if differ and _self_signed(presented):
        _refuse("a root whose two key identifiers differ")


def _self_signed(presented: x509.Certificate) -> bool:
    if presented.issuer != presented.subject:
        return False
    try:
        presented.verify_directly_issued_by(presented)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def check_leaf(presented: x509.Certificate) -> Checked:
    """What it says, if it may sign something other than certificates."""
    leaf = check_certificate(presented)
    constraints, usage = leaf.extensions.get(x509.BasicConstraints), leaf.extensions.get(x509.KeyUsage)
    if constraints is not None and constraints.ca:
        _refuse("a certificate authority signs, expected an end entity")
    if usage is not None and (not usage.digital_signature or usage.key_cert_sign):
        _refuse("a key usage other than digital signature")
    return leaf


@lru_cache(maxsize=256)  # a pure answer, 100 us, about the few authorities that stand behind every leaf
def check_authority(presented: x509.Certificate, *, identified: bool = True) -> Checked:
    """§4.2.1.2-4: What it says, if it may sign certificates; that it is an authority is known from the path.

    ``identified`` False lets it be without key identifiers.
    """
    authority = check_certificate(presented)
    check_identified(presented, authority, identified=identified)
    if identified and x509.SubjectKeyIdentifier not in authority.extensions:
        _refuse("an authority without a subject key identifier")
    usage = authority.extensions.get(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        _refuse("an authority whose key usage is not to sign certificates")
    if x509.ExtendedKeyUsage in authority.extensions and presented.issuer == presented.subject:
        _refuse("a root with an extended key usage")
    return authority


def check_made_for(leaf: Checked, usage: str) -> None:
    """Return if the leaf names that extended key usage, and not any usage whatever, or names none."""
    usages = leaf.extensions.get(x509.ExtendedKeyUsage)
    if usages is None:
        return
    named = {found.dotted_string for found in usages}
    if usage not in named or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string in named:
        _refuse(f"an extended key usage other than {usage}")
