"""VICALs of a made-up provider, honest unless something is changed in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import cbor2
from cbor2 import CBORTag
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet import cose
from ewallet.keys import Signer, SigningKey
from ewallet.testing.pki import Authority, Profile, certified, issue_certificate, private_key
from ewallet.trust import KEY_USAGE


def tdate(at: datetime) -> CBORTag:
    """A date and time as CBOR has it."""
    return CBORTag(0, at.strftime("%Y-%m-%dT%H:%M:%SZ"))


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider: its root, and the key that signs its lists, with a certificate of that root."""

    at: datetime
    root: Authority
    signer: SigningKey

    @classmethod
    def make(cls, at: datetime) -> Provider:
        """A fresh one, as of that time."""
        key = SigningKey.generate()
        year = timedelta(days=365)
        profile = Profile(subject="Example VICAL root", since=at - year, until=at + year, ca=True)
        own = issue_certificate(profile, private_key(key).public_key(), by=key)
        root = Authority(id="vical", certificate=own, key=key)
        return cls(at=at, root=root, signer=cls._signer(root, profile, KEY_USAGE["vical"]))

    @staticmethod
    def _signer(root: Authority, profile: Profile, usage: str) -> SigningKey:
        key = SigningKey.generate()
        signs = replace(profile, subject="Example VICAL signer", ca=False, usage=usage)
        return certified(key, issue_certificate(signs, private_key(key).public_key(), by=root), root.certificate)

    def claims(self, listed: Mapping[x509.Certificate, list[str]], **members: Any) -> dict[str, Any]:
        """What an honest list says, with other members in place of its own."""
        honest = {
            "version": "1.0",
            "vicalProvider": "Example Provider",
            "date": tdate(self.at),
            "vicalIssueID": 1,
            "nextUpdate": tdate(self.at + timedelta(days=30)),
            "certificateInfos": [info(root, types) for root, types in listed.items()],
        }
        return honest | members

    def sign(self, claims: Any, *, signer: Signer | None = None, header: Mapping[int, Any] | None = None) -> bytes:
        """Those claims as a list that travels, signed by the provider or another."""
        return cose.sign1(cbor2.dumps(claims), signer or self.signer, header or {})

    def vical(self, listed: Mapping[x509.Certificate, list[str]], **members: Any) -> bytes:
        """An honest list of those roots and their docTypes, with other members in place of its own."""
        return self.sign(self.claims(listed, **members))


def info(root: x509.Certificate, types: Any, **members: Any) -> dict[str, Any]:
    """What a list says of one root."""
    honest = {
        "certificate": root.public_bytes(Encoding.DER),
        "serialNumber": root.serial_number,
        "ski": root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest,
        "docType": types,
        "issuingCountry": "KR",
    }
    return honest | members
