"""Certificate revocation lists (RFC 5280 §5): which certificates an authority has taken back.

Section numbers are those of RFC 5280. A list that is not whole, not the authority's or not of now says nothing, and
nobody is believed on the strength of it: ``trust.revocation_unknown``. Delta lists, indirect ones and those for a part
of the certificates are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from ewallet.env import SKEW
from ewallet.errors import Malformed, TrustError
from ewallet.profile import SIGNATURES, by_class
from ewallet.shape import revocation_list

_MAX_NUMBER: Final = 20  # octets (§5.2.3)
_PARTIAL: Final = (x509.IssuingDistributionPoint, x509.DeltaCRLIndicator)
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    Warning,
)


def unknown(detail: str) -> NoReturn:
    """Raise ``trust.revocation_unknown``."""
    raise TrustError("trust.revocation_unknown", detail) from None


@dataclass(frozen=True, kw_only=True)
class Crl:
    """A revocation list taken apart; believed only after :meth:`check_signature`. ``raw`` is as it was received."""

    issuer: x509.Name
    number: int
    since: datetime
    until: datetime
    raw: bytes = field(repr=False)
    listed: x509.CertificateRevocationList = field(repr=False)

    @classmethod
    def read(cls, raw: bytes) -> Crl:
        """The list of a DER or PEM text; ``trust.revocation_unknown``."""
        try:
            listed = revocation_list(raw)
            return cls._of(raw, listed, listed.extensions)
        except (Malformed, *_UNREADABLE):
            unknown("a revocation list that cannot be read whole")

    @classmethod
    def _of(cls, raw: bytes, listed: x509.CertificateRevocationList, extensions: x509.Extensions) -> Crl:
        found = by_class(extensions)
        if any(extension.critical for extension in extensions) or any(kind in found for kind in _PARTIAL):
            unknown("a revocation list with a critical extension, indirect, partial or delta")
        if any(extension.critical for entry in listed for extension in entry.extensions):
            unknown("a revocation list with an entry that has a critical extension")
        if listed.next_update_utc is None:
            unknown("a revocation list without an end")
        return cls(
            issuer=listed.issuer,
            number=_number(found),
            since=listed.last_update_utc,
            until=listed.next_update_utc,
            raw=raw,
            listed=listed,
        )

    def check_signature(self, authority: x509.Certificate) -> None:
        """§6.3.3 (f), (g): Return if that authority signed it and may; ``trust.revocation_unknown``."""
        usage = by_class(authority.extensions).get(x509.KeyUsage)
        if self.issuer != authority.subject or (usage is not None and not usage.crl_sign):
            unknown("a revocation list of another authority, or of one that may sign none")
        if self.listed.signature_algorithm_oid not in SIGNATURES:
            unknown("a revocation list signed with another algorithm than ecdsa with sha-2 or ed25519")
        key: Any = authority.public_key()
        try:
            signed = self.listed.is_signature_valid(key)
        except (InvalidSignature, *_UNREADABLE):
            signed = False
        if not signed:
            unknown("a revocation list that the authority did not sign")

    def check_issued(self, at: datetime) -> None:
        """Return if it is not dated in the future; ``trust.revocation_unknown``."""
        if self.since > at + SKEW:
            unknown("a revocation list dated in the future")

    def check_current(self, at: datetime, *, stale_for: timedelta) -> None:
        """Return if it is in force, or was until so long ago; ``trust.revocation_unknown``."""
        self.check_issued(at)
        if at - stale_for >= self.until:
            unknown("a revocation list that has expired")

    def check(self, certificate: x509.Certificate) -> None:
        """Return if the certificate is not on it; ``trust.cert_revoked``. On hold is on it."""
        if self.listed.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise TrustError("trust.cert_revoked", "a certificate that its authority has revoked")


def _number(found: Mapping[type, Any]) -> int:
    """§5.2.3: the number that grows from list to list."""
    number = found.get(x509.CRLNumber)
    if number is None or not 0 <= number.crl_number.bit_length() <= 8 * _MAX_NUMBER or number.crl_number < 0:
        unknown("a revocation list without a number, or with none that counts")
    return int(number.crl_number)
