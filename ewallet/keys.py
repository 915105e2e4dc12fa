"""Public keys, signers and certificate chains.

A :class:`Signer` is all that issuing and presenting need of a key: its algorithm, public half, certificate chain
and ``sign``. :class:`SigningKey` is the software one; a hardware module is another class with the same four members.
Signatures are the fixed-width ``r || s`` of JOSE and COSE (RFC 7518 §3.4, RFC 9053 §2.1), or Ed25519 (RFC 8032).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final, NoReturn, Protocol, TypeAlias, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.utils import der_to_raw_signature, raw_to_der_signature

from ewallet.errors import CryptoError, StoreError, UsageError
from ewallet.shape import Json, base64url, certificates, json_object, member, to_base64url

_PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class _Curve:
    alg: str
    crv: str
    width: int  # bytes of one coordinate
    curve: ec.EllipticCurve
    ecdsa: ec.ECDSA  # made once: it and its hash cost more than a conversion


_CURVES: Final = {
    curve.curve.name: curve
    for curve in (
        _Curve("ES256", "P-256", 32, ec.SECP256R1(), ec.ECDSA(hashes.SHA256())),
        _Curve("ES384", "P-384", 48, ec.SECP384R1(), ec.ECDSA(hashes.SHA384())),
        _Curve("ES512", "P-521", 66, ec.SECP521R1(), ec.ECDSA(hashes.SHA512())),
    )
}
_BY_CRV: Final = {curve.crv: curve for curve in _CURVES.values()}
_BY_ALG: Final = {curve.alg: curve for curve in _CURVES.values()}
_X962, _UNCOMPRESSED = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
_ED25519: Final = "EdDSA"
_ED25519_CRV: Final = "Ed25519"

#: Signature algorithms this library verifies; ``none`` and every MAC are absent on purpose (RFC 8725 §3.1).
ALGORITHMS: Final = frozenset({*_BY_ALG, _ED25519})


def known_as(alg: object) -> object:
    """The name that we have for a JOSE algorithm: ``Ed25519`` is RFC 9864's for what EdDSA means with such a key."""
    return _ED25519 if alg == _ED25519_CRV else alg


def _key_invalid(detail: str) -> NoReturn:
    raise CryptoError("crypto.key_invalid", detail) from None


@dataclass(frozen=True)
class PublicKey:
    """A P-256, P-384, P-521 or Ed25519 public key; the point is known to lie on its curve."""

    _key: _PublicKey = field(repr=False)
    _curve: _Curve | None = field(repr=False)  # None for Ed25519

    @classmethod
    def of(cls, key: object) -> PublicKey:
        """Wrap a key of ``cryptography``; ``crypto.key_invalid`` for any other kind or curve."""
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
            return cls(key, _CURVES[key.curve.name])
        if isinstance(key, ed25519.Ed25519PublicKey):
            return cls(key, None)
        _key_invalid("a key of another kind, expected p-256, p-384, p-521 or ed25519")

    @classmethod
    def of_certificate(cls, certificate: x509.Certificate) -> PublicKey:
        """The subject's key; ``crypto.key_invalid`` if it is of a kind that signs no credentials."""
        try:
            return cls.of(certificate.public_key())
        except (ValueError, UnsupportedAlgorithm):
            _key_invalid("the certificate's key cannot be read")

    @classmethod
    def of_jwk(cls, jwk: Mapping[str, Json]) -> PublicKey:
        """The key of a public JWK (RFC 7517, RFC 8037); ``crypto.key_invalid``, ``malformed.*``.

        A private member, a use other than signatures, or an algorithm of another curve is refused.
        """
        if "d" in jwk or "k" in jwk:
            _key_invalid("a jwk with private members, expected a public one")
        if jwk.get("use", "sig") != "sig" or ("key_ops" in jwk and "verify" not in member(jwk, "key_ops", list)):
            _key_invalid("a jwk that is not for signatures")
        key = _okp(jwk) if jwk.get("kty") == "OKP" else _ec(jwk)
        if "alg" in jwk and known_as(jwk["alg"]) != key.alg:
            _key_invalid("a jwk whose alg is not that of its curve")
        return key

    @classmethod
    def read(cls, raw: bytes) -> PublicKey:
        """The key of a file that holds a PEM public key or a JWK; ``crypto.key_invalid``, ``malformed.*``."""
        if not raw.lstrip().startswith(b"-----BEGIN"):
            return cls.of_jwk(json_object(raw, "the key"))
        try:
            return cls.of(serialization.load_pem_public_key(raw))
        except (ValueError, UnsupportedAlgorithm):
            _key_invalid("not a public key in pem")

    @property
    def alg(self) -> str:
        """The one JOSE algorithm this key is used with."""
        return self._curve.alg if self._curve else _ED25519

    @classmethod
    def of_point(cls, crv: str, x: bytes, y: bytes = b"") -> PublicKey:
        """The key of a curve's JOSE name and whole coordinates, no ``y`` for Ed25519; ``crypto.key_invalid``."""
        if crv == _ED25519_CRV and len(x) == 32 and not y:
            return cls(ed25519.Ed25519PublicKey.from_public_bytes(x), None)
        curve = _BY_CRV.get(crv)
        if curve is None:
            _key_invalid("a key of another curve or width, expected p-256, p-384, p-521 or ed25519")
        if len(x) != curve.width or len(y) != curve.width:
            _key_invalid(f"a key whose coordinates are not {curve.width} bytes wide")
        try:
            return cls(ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, b"\x04" + x + y), curve)
        except ValueError:
            _key_invalid("a key whose point is not on its curve")

    @property
    def point(self) -> tuple[str, bytes, bytes]:
        """The curve's JOSE name and the coordinates, as :meth:`of_point` takes them."""
        if self._curve is None:
            return _ED25519_CRV, cast(ed25519.Ed25519PublicKey, self._key).public_bytes_raw(), b""
        point, width = self._key.public_bytes(_X962, _UNCOMPRESSED), self._curve.width
        return self._curve.crv, point[1 : 1 + width], point[1 + width :]

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public JWK with its required members only (RFC 7518 §6.2, RFC 8037 §2)."""
        crv, x, y = self.point
        members = {"kty": "EC" if y else "OKP", "crv": crv, "x": to_base64url(x)}
        return members | {"y": to_base64url(y)} if y else members

    @cached_property
    def thumbprint(self) -> str:
        """The base64url SHA-256 thumbprint (RFC 7638)."""
        members = ",".join(f'"{name}":"{value}"' for name, value in sorted(self.jwk.items()))
        return to_base64url(sha256(f"{{{members}}}".encode()).digest())

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if the signature is this key's over the data, else ``crypto.signature_invalid``."""
        if not self._verifies(signature, data):
            raise CryptoError("crypto.signature_invalid", "the signature is not this key's over this text")

    def _verifies(self, signature: bytes, data: bytes) -> bool:
        try:
            if self._curve:
                der = raw_to_der_signature(signature, self._curve.curve)
                cast(ec.EllipticCurvePublicKey, self._key).verify(der, data, self._curve.ecdsa)
            else:
                cast(ed25519.Ed25519PublicKey, self._key).verify(signature, data)
        except (InvalidSignature, ValueError):  # a value error: not as wide as the curve wants
            return False
        return True


def _ec(jwk: Mapping[str, Json]) -> PublicKey:
    crv = member(jwk, "crv", str) if jwk.get("kty") == "EC" else ""
    if crv not in _BY_CRV:
        _key_invalid("a jwk of another kty or crv, expected p-256, p-384, p-521 or ed25519")
    return PublicKey.of_point(crv, base64url(member(jwk, "x", str), "x"), base64url(member(jwk, "y", str), "y"))


def _okp(jwk: Mapping[str, Json]) -> PublicKey:
    x = base64url(member(jwk, "x", str), "x")
    if jwk.get("crv") != _ED25519_CRV:
        _key_invalid("a jwk of another crv, expected ed25519")
    return PublicKey.of_point(_ED25519_CRV, x)


class Signer(Protocol):
    """A private key in use, wherever it is kept."""

    @property
    def public(self) -> PublicKey:
        """The public half; its ``alg`` is the algorithm of the signatures."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER certificates, leaf first, trust anchor left out; empty for a holder's key."""

    def sign(self, data: bytes) -> bytes:
        """The signature over the data, ``r || s`` or Ed25519."""


@dataclass(frozen=True)
class SigningKey:
    """A software key: P-256, P-384, P-521 or Ed25519. It prints as its public half and refuses to be copied out."""

    _key: _PrivateKey = field(repr=False, compare=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        leaf = self.chain[0] if self.chain else None
        if leaf and PublicKey.of_certificate(x509.load_der_x509_certificate(leaf)).jwk != self.public.jwk:
            raise UsageError("usage.configuration", "the chain's first certificate is for another key")

    @classmethod
    def generate(cls, alg: str = "ES256") -> SigningKey:
        """A fresh key for ES256, ES384, ES512 or EdDSA, from the operating system's entropy."""
        if alg == _ED25519:
            return cls(ed25519.Ed25519PrivateKey.generate())
        curve = _BY_ALG.get(alg)
        if curve is None:
            raise UsageError("usage.argument", f"no algorithm {alg!r}, expected one of {', '.join(sorted(ALGORITHMS))}")
        return cls(ec.generate_private_key(curve.curve))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, chain: str | os.PathLike[str] | None = None) -> SigningKey:
        """The key of an unencrypted PKCS #8 PEM file that only its owner may read, with a PEM chain beside it.

        Raises ``storage.loose_mode``, ``usage.file`` or ``usage.configuration``.
        """
        pem = _read_private(Path(path))
        try:
            certificates_pem = Path(chain).read_bytes() if chain else b""
        except OSError as exc:
            raise UsageError("usage.file", f"cannot read the certificate file: {exc.strerror}") from None
        return cls.of_pem(pem, certificates_pem)

    @classmethod
    def of_pem(cls, pem: bytes, chain: bytes = b"") -> SigningKey:
        """The key of a PKCS #8 PEM text and the PEM chain that goes with it; ``usage.configuration``."""
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise UsageError("usage.configuration", "not an unencrypted private key in pem") from None
        return cls.of(key, tuple(_der(certificate) for certificate in certificates(chain)) if chain else ())

    @classmethod
    def of(cls, key: object, chain: tuple[bytes, ...] = ()) -> SigningKey:
        """Wrap a private key of ``cryptography``; ``crypto.key_invalid`` for another kind or curve."""
        if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            _key_invalid("a key of another kind, expected p-256, p-384, p-521 or ed25519")
        PublicKey.of(key.public_key())
        return cls(key, chain)

    @cached_property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey.of(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """The signature over the data, ``r || s`` or Ed25519."""
        curve = _BY_ALG.get(self.public.alg)
        if curve is None:
            return cast(ed25519.Ed25519PrivateKey, self._key).sign(data)
        return der_to_raw_signature(cast(ec.EllipticCurvePrivateKey, self._key).sign(data, curve.ecdsa), curve.curve)

    def agree(self, other: PublicKey) -> bytes:
        """The secret that this key and another of the same curve have in common (ECDH); ``crypto.key_invalid``."""
        mine, theirs = self._key, other._key  # noqa: SLF001 - of the class above
        if not isinstance(mine, ec.EllipticCurvePrivateKey) or self.public.point[0] != other.point[0]:
            _key_invalid("a key of another curve than the one to agree with")
        return mine.exchange(ec.ECDH(), cast(ec.EllipticCurvePublicKey, theirs))

    def with_chain(self, chain: tuple[bytes, ...]) -> SigningKey:
        """The same key under another certificate chain."""
        return SigningKey(self._key, chain)

    def secret(self) -> bytes:
        """PKCS #8 DER of the private key, for a sealed store and nothing else."""
        return self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @classmethod
    def of_secret(cls, der: bytes) -> SigningKey:
        """The key that :meth:`secret` gave."""
        return cls.of(serialization.load_der_private_key(der, password=None))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the PKCS #8 PEM file, new and readable by its owner only; ``usage.file`` if it exists."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as exc:
            raise UsageError("usage.file", f"cannot create the key file: {exc.strerror}") from None
        with os.fdopen(handle, "wb") as file:
            file.write(pem)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not pickled, copied or sent")


def _read_private(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as exc:
        raise UsageError("usage.file", f"cannot read the key file: {exc.strerror}") from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise UsageError("usage.file", "the key file is not a regular file")
        if mode & 0o007:
            raise StoreError("storage.loose_mode", f"a key file with mode {mode & 0o777:04o}, expected 0600")
        return os.read(handle, 1 << 16)
    finally:
        os.close(handle)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)
