"""A certificate for this host under an authority of the demo, whose key is forgotten once it has signed.

So a phone may trust that authority without harm: nothing further can be certified by it. The certificate is kept and
used again as long as it fits, for a phone is not asked to trust a new authority with every demo.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.shape import certificates
from ewallet.testing.pki import Authority, Profile, issue_certificate, private_key

_SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"  # RFC 5280 §4.2.1.12
_LIFE: Final = timedelta(days=90)
_LEFT: Final = timedelta(days=7)  # too little of it left to be used again
_BACKDATED: Final = timedelta(days=1)  # clocks of phones differ


@dataclass(frozen=True)
class HostCertificate:
    """The files of a certificate and of the authority above it."""

    folder: Path

    @property
    def chain(self) -> Path:
        """The certificate, PEM."""
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        """Its key, PEM."""
        return self.folder / "server.key"

    @property
    def authority(self) -> Path:
        """The certificate of the authority, PEM."""
        return self.folder / "ca.pem"

    @property
    def authority_certificate(self) -> x509.Certificate:
        """The same, read."""
        return certificates(self.authority.read_bytes())[0]

    @classmethod
    def for_hosts(cls, hosts: Sequence[str], *, folder: Path, at: datetime) -> HostCertificate:
        """The certificate that is in the folder, if it fits these names and addresses, else a new one."""
        found = cls(folder)
        if not found._fits(hosts, at):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            found._make(hosts, at)
        return found

    def _fits(self, hosts: Sequence[str], at: datetime) -> bool:
        try:
            (own,) = certificates(self.chain.read_bytes())
            names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            return self.key.exists() and _names(hosts) == names and at + _LEFT < own.not_valid_after_utc
        except (OSError, EWalletError, x509.ExtensionNotFound):
            return False

    def _make(self, hosts: Sequence[str], at: datetime) -> None:
        since, until = at - _BACKDATED, at + _LIFE
        authority = _authority(Profile(subject=f"ewallet demo CA {at:%Y-%m-%d}", since=since, until=until, ca=True))
        profile = Profile(
            subject=hosts[0], since=since, until=until, usage=_SERVER_AUTH, extra=((_names(hosts), False),)
        )
        key = SigningKey.generate()
        own = issue_certificate(profile, private_key(key).public_key(), by=authority)
        key.save(self.key)
        self.chain.write_bytes(own.public_bytes(Encoding.PEM))
        self.authority.write_bytes(authority.certificate.public_bytes(Encoding.PEM))


def _authority(profile: Profile) -> Authority:
    key = SigningKey.generate()
    own = issue_certificate(profile, private_key(key).public_key(), by=key)
    return Authority(id="tls", certificate=own, key=key)


def _names(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_name(host) for host in hosts])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
