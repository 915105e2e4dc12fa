"""The work that every table measures: one credential of 24 claims, 64 holders, 64 nonces, one issuer under one root.

Everybody and everything in it is invented. Prepared once, before any clock starts.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ewallet.credential import Binding, Draft, StatusRef, Validity
from ewallet.formats import FORMATS
from ewallet.keys import PublicKey, SigningKey
from ewallet.shape import base64url, to_base64url
from ewallet.trust import KEY_USAGE, TrustAnchor, TrustList

HOLDERS = 64
ISSUER = "https://issuer.example"
AUDIENCE = "x509_san_dns:bank.example"
VCT = "urn:example:kr-ewallet:resident_register_copy:1"
STATUS_URI = f"{ISSUER}/status/1"
FORMAT = FORMATS["dc+sd-jwt"]

SCALARS: dict[str, Any] = {
    "document_number": "0000-0000-0000-0001",
    "issue_date": "2026-01-02",
    "issuing_authority": "가상시 예시구청장",
    "purpose": "은행 제출용",
    "applicant_name": "홍길동",
    "household_head_name": "홍판서",
    "household_composition_reason": "전입세대구성",
    "household_composition_date": "2010-03-04",
    "resident_address": "가상특별시 예시구 견본로 12, 101동 1001호(표본동)",
    "resident_address_moved_in_date": "2019-05-06",
    "resident_address_change_reason": "전입",
    "resident_name": "홍길동",
    "resident_registration_number": "000000-0000000",
    "birth_date": "1990-01-01",
    "sex": "male",
    "registration_status": "거주자",
    "nationality": "KR",
    "age_over_19": True,
    "household_size": 4,
}
MEMBERS: list[dict[str, Any]] = [
    {"relation": "본인", "name": "홍길동", "birth_date": "1990-01-01", "registration_date": "2019-05-06"},
    {"relation": "배우자", "name": "성춘향", "birth_date": "1991-02-02", "registration_date": "2019-05-06"},
    {"relation": "자녀", "name": "홍일동", "birth_date": "2018-03-03", "registration_date": "2019-05-06"},
    {"relation": "부", "name": "홍판서", "birth_date": "1960-04-04", "registration_date": "2019-05-06"},
]
CLAIMS: dict[str, Any] = SCALARS | {"household": MEMBERS}
FLAT: dict[str, Any] = SCALARS | {"household": len(MEMBERS)} | {f"member_{i}": m for i, m in enumerate(MEMBERS)}
DISCLOSABLE = frozenset({*((name,) for name in SCALARS), ("household",), ("household", None)})
RELEASED = ("resident_name", "birth_date", "resident_address", "household_size")
PATHS = tuple((name,) for name in RELEASED)
SHOWN = {name: SCALARS[name] for name in RELEASED}


@dataclass(frozen=True)
class Holder:
    """A holder: the key in three shapes, and the nonce and binding of the presentation."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @cached_property
    def signer(self) -> SigningKey:
        """Our signer."""
        return SigningKey.of(self.private)

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public JWK."""
        return dict(self.signer.public.jwk)

    @cached_property
    def binding(self) -> Binding:
        """What the presentation is bound to."""
        return Binding(audience=AUDIENCE, nonce=self.nonce)


class World:
    """An issuer with a certificate under a root, and the holders."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = self._certificate("Example Root", root_key, "Example Root", root_key, ca=True)
        self.leaf = self._certificate("Example Issuer", leaf_key, "Example Root", root_key, ca=False)
        self.private = leaf_key
        der = self.leaf.public_bytes(serialization.Encoding.DER)
        self.signer = SigningKey.of(leaf_key, (der,))
        self.validity = Validity(self.now - timedelta(hours=1), self.now + timedelta(days=90))
        self.holders = [Holder() for _ in range(HOLDERS)]

    @cached_property
    def trust(self) -> TrustList:
        """The root, believed for issuers and for status lists."""
        anchors = [
            TrustAnchor(id=purpose, purpose=purpose, certificate=self.root, types=frozenset({"*"}))
            for purpose in ("issuer", "status")
        ]
        life = timedelta(days=1)
        return TrustList(anchors=tuple(anchors), version=1, since=self.now - life, until=self.now + life)

    def draft(self, number: int) -> Draft:
        """What the holder of that number is issued; the holder's key as it comes out of a checked proof."""
        return Draft(
            type_id=VCT,
            issuer=ISSUER,
            claims=CLAIMS,
            validity=self.validity,
            disclosable=DISCLOSABLE,
            holder=PublicKey.of(self.holders[number].private.public_key()),
            status=StatusRef(STATUS_URI, number),
        )

    @cached_property
    def credentials(self) -> list[str]:
        """One issued credential a holder."""
        return [self.issue(number) for number in range(HOLDERS)]

    @cached_property
    def presentations(self) -> list[str]:
        """One presentation a holder: four claims of 24."""
        return [self.present(number) for number in range(HOLDERS)]

    def issue(self, number: int) -> str:
        """One credential, by our own public face."""
        copy = FORMAT.prepare(self.draft(number), self.signer, secrets.token_bytes)
        return copy.complete(self.signer.sign(copy.data))

    def present(self, number: int) -> str:
        """One presentation, by our own public face."""
        holder = self.holders[number]
        return FORMAT.present(self.credentials[number], PATHS, holder.binding, holder.signer, self.now)

    def _certificate(
        self,
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str,
        issuer_key: ec.EllipticCurvePrivateKey,
        *,
        ca: bool,
    ) -> x509.Certificate:
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        ) | dict.fromkeys(("encipher_only", "decipher_only"), False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=30))
            .not_valid_after(self.now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage), critical=True
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        )
        if not ca:
            usages = [x509.ObjectIdentifier(KEY_USAGE[purpose]) for purpose in ("issuer", "status")]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ISSUER)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def forgeries(presentation: str) -> list[str]:
    """The presentation with another value disclosed, with another issuer's signature, and with another holder's."""
    issued, first, *rest, binding = presentation.split("~")
    salt, name, _ = json.loads(base64url(first))
    other = to_base64url(json.dumps([salt, name, "another"]).encode())
    return [
        "~".join((issued, other, *rest, binding)),
        "~".join((_resigned(issued), first, *rest, binding)),
        "~".join((issued, first, *rest, _resigned(binding))),
    ]


def _resigned(jws: str) -> str:
    signed, _, _ = jws.rpartition(".")
    return f"{signed}.{to_base64url(SigningKey.generate().sign(signed.encode()))}"
