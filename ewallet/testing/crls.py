"""Revocation lists as authorities publish them, and as they should not.

A list that should be refused is :func:`crl` with a changed :class:`Listed`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.flow import Request, Response, Send
from ewallet.testing.pki import Authority, private_key

MEDIA_TYPE: Final = "application/pkix-crl"
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What stands in a revocation list; the defaults make an honest one that is a week in force.

    ``number`` None leaves it out, ``critical`` marks it. ``extra`` adds extensions with their criticality to the list,
    ``entry`` to each of its entries; ``issuer`` is another name than that of the authority.
    """

    since: datetime
    until: datetime | None = None
    revoked: tuple[int, ...] = ()
    number: int | None = 1
    critical: bool = False
    issuer: x509.Name | None = None
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    entry: tuple[tuple[x509.ExtensionType, bool], ...] = ()


def crl(listed: Listed, *, by: Authority) -> bytes:
    """The list in DER, signed by that authority."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(listed.issuer or by.certificate.subject)
        .last_update(listed.since)
        .next_update(listed.until or listed.since + _WEEK)
    )
    if listed.number is not None:
        builder = builder.add_extension(x509.CRLNumber(listed.number), critical=listed.critical)
    for extension, critical in listed.extra:
        builder = builder.add_extension(extension, critical=critical)
    for serial in listed.revoked:
        builder = builder.add_revoked_certificate(_entry(serial, listed))
    signed = builder.sign(private_key(by.key), listed.digest)  # type: ignore[arg-type]  # refused ones, too
    return signed.public_bytes(Encoding.DER)


def _entry(serial: int, listed: Listed) -> x509.RevokedCertificate:
    entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(listed.since)
    for extension, critical in listed.entry:
        entry = entry.add_extension(extension, critical=critical)
    return entry.build()


def host(raw: bytes) -> Send:
    """A host that serves that list, whatever it is asked for."""

    def answer(_request: Request) -> Response:
        return Response(200, {"content-type": MEDIA_TYPE}, raw)

    return answer
