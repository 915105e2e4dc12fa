"""Compact JWS (RFC 7515) with our signers, strict on read; JWE ECDH-ES through joserfc.

PyJWT supplies the signature algorithms (:mod:`ewallet.keys`); it does not check ``typ``, accepts padded base64url and
takes the last of two members, so the envelope is taken apart here.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple, NoReturn

from cryptography.hazmat.primitives.asymmetric import ec

from ewallet.errors import CryptoError, TrustError
from ewallet.keys import ALGORITHMS, PublicKey, Signer, known_as
from ewallet.shape import (
    MAX_CERTIFICATE,
    MAX_CHAIN,
    MAX_CREDENTIAL,
    MAX_HEADER,
    Json,
    base64,
    base64url,
    instance,
    json_object,
    refuse,
    strings,
    to_base64url,
)


def _to_json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


try:  # the extra "fast"; used for writing only, so that reading is one implementation
    import orjson

    def to_json(value: Json) -> bytes:
        """Compact UTF-8 JSON."""
        try:
            return orjson.dumps(value)
        except TypeError:  # an integer of more than 64 bits
            return _to_json(value)

except ImportError:
    to_json = _to_json


class Jws(NamedTuple):  # made in a third of the time of a frozen dataclass
    """A JWS taken apart, nothing of it believed: ``signed`` is the signing input exactly as received."""

    header: Mapping[str, Json]
    payload: bytes
    signed: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"Jws(header={self.header!r})"

    def verify(self, key: PublicKey) -> None:
        """Return if the key made the signature with the algorithm of the header.

        Raises ``crypto.alg_not_allowed`` when the header names an algorithm that is not this key's, else
        ``crypto.signature_invalid``.
        """
        if known_as(self.header["alg"]) != key.alg:
            raise CryptoError("crypto.alg_not_allowed", "the header's alg is not that of the key")
        key.verify(self.signature, self.signed)

    @property
    def claims(self) -> dict[str, Json]:
        """The payload as a JSON object; ``malformed.json``, ``malformed.json_duplicate``."""
        return json_object(self.payload, "the payload")

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The DER certificates of ``x5c``, leaf first (RFC 7515 §4.1.6), or none.

        Raises ``malformed.*``, ``limit.*``, or ``trust.no_path`` where ``x5t#S256`` names another leaf (§4.1.8).
        """
        chain = _chain(tuple(strings(self.header["x5c"], "x5c"))) if "x5c" in self.header else ()
        if chain and _THUMBPRINT in self.header and self.header[_THUMBPRINT] != _thumbprint(chain[0]):
            raise TrustError("trust.no_path", f"{_THUMBPRINT} is not of the first certificate of x5c")
        return chain


_THUMBPRINT: Final = "x5t#S256"


def _thumbprint(der: bytes) -> str:
    return to_base64url(sha256(der).digest())


@lru_cache(maxsize=256)
def _chain(x5c: tuple[str, ...]) -> tuple[bytes, ...]:
    if len(x5c) > MAX_CHAIN:
        refuse("limit.count", f"x5c has {len(x5c)} certificates, at most {MAX_CHAIN} are read")
    if any(len(text) > 2 * MAX_CERTIFICATE for text in x5c):
        refuse("limit.size", "a certificate of x5c is too long")
    return tuple(base64(text, "x5c") for text in x5c)


def parse(compact: str, typ: str | None, *, what: str = "the jws", limit: int = MAX_CREDENTIAL) -> Jws:
    """The JWS of a compact text whose header has this ``typ``; None where the specification gives it no type.

    Raises ``malformed.encoding``, ``malformed.json``, ``crypto.alg_not_allowed``, ``crypto.typ_mismatch``,
    ``crypto.crit_unsupported`` or ``limit.size``; the signature is not checked yet.
    """
    if len(compact) > limit:
        refuse("limit.size", f"{what} has {len(compact)} characters, at most {limit} are read")
    parts = compact.split(".", 3)
    if len(parts) != 3:
        refuse("malformed.encoding", f"{what} has {len(parts)} parts, expected 3")
    encoded, payload, signature = parts
    return Jws(
        _header(encoded, typ),
        base64url(payload, "the payload of a jws"),
        compact[: -1 - len(signature)].encode("ascii"),
        base64url(signature, "the signature of a jws"),
    )


@lru_cache(maxsize=256)  # an issuer's header is the same text for every credential it signs
def _header(encoded: str, typ: str | None) -> Mapping[str, Json]:
    if len(encoded) > MAX_HEADER:
        refuse("limit.size", f"a header of {len(encoded)} characters, at most {MAX_HEADER} are read")
    header = json_object(base64url(encoded, "the header"), "the header")
    _check_header(header, typ)
    return header


def _check_header(header: Mapping[str, Json], typ: str | None) -> None:
    alg = known_as(header.get("alg"))
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise CryptoError("crypto.alg_not_allowed", f"alg is not one of {', '.join(sorted(ALGORITHMS))}")
    if "crit" in header or "b64" in header:  # RFC 7515 §4.1.11: this library understands no extension
        raise CryptoError("crypto.crit_unsupported", "the header has critical extensions, expected none")
    if typ is not None and header.get("typ") != typ:
        raise CryptoError("crypto.typ_mismatch", f"typ is not {typ}")


@lru_cache(maxsize=256)
def _encoded_header(alg: str, typ: str, chain: tuple[bytes, ...]) -> str:
    header: dict[str, Json] = {"alg": alg, "typ": typ}
    if chain:
        header["x5c"] = [b64encode(der).decode("ascii") for der in chain]
    return to_base64url(to_json(header))


def signing_input(typ: str, payload: bytes, alg: str, chain: tuple[bytes, ...] = ()) -> str:
    """``header.payload`` of a compact JWS, ready to be signed."""
    return f"{_encoded_header(alg, typ, chain)}.{to_base64url(payload)}"


@dataclass(frozen=True)
class Unsigned:
    """A compact JWS that lacks nothing but its signature; ``data`` is what is signed."""

    text: str = field(repr=False)

    @property
    def data(self) -> bytes:
        """The bytes to be signed."""
        return self.text.encode("ascii")

    def complete(self, signature: bytes) -> str:
        """The JWS as it travels."""
        return f"{self.text}.{to_base64url(signature)}"


def unsigned(typ: str, claims: Mapping[str, Json], signer: Signer) -> Unsigned:
    """A compact JWS over the claims, ready for the signer, whose chain is in it; the key is not used yet."""
    return Unsigned(signing_input(typ, to_json(claims), signer.public.alg, signer.chain))


def sign(typ: str, claims: Mapping[str, Json], signer: Signer, header: Mapping[str, Json] | None = None) -> str:
    """A compact JWS over the claims, with the signer's chain in ``x5c`` where it has one.

    ``header`` has other header parameters in its place, as the ``jwk`` of a proof of possession.
    """
    if header:
        first = to_base64url(to_json({"alg": signer.public.alg, "typ": typ, **header}))
        signed = f"{first}.{to_base64url(to_json(claims))}"
    else:
        signed = signing_input(typ, to_json(claims), signer.public.alg, signer.chain)
    return f"{signed}.{to_base64url(signer.sign(signed.encode('ascii')))}"


ENCRYPTION: Final = ("A128GCM", "A256GCM")
_MAX_JWE: Final = MAX_CREDENTIAL * 2  # characters


def encrypt(plaintext: bytes, recipient: Mapping[str, Json], enc: str) -> str:
    """A compact JWE to a public JWK that carries its ``kid``, ECDH-ES direct (RFC 7518 §4.6).

    Raises ``crypto.key_invalid`` for a key that is not one to encrypt to.
    """
    from joserfc import jwe
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    if recipient.get("alg") != "ECDH-ES" or recipient.get("use", "enc") != "enc" or enc not in ENCRYPTION:
        raise CryptoError("crypto.key_invalid", "not a jwk for ecdh-es, or an enc that is not spoken here")
    header = {"alg": "ECDH-ES", "enc": enc} | ({"kid": recipient["kid"]} if "kid" in recipient else {})
    try:
        key = ECKey.import_key(dict(recipient))
        return jwe.encrypt_compact(header, plaintext, key, algorithms=["ECDH-ES", *ENCRYPTION])
    except (JoseError, ValueError, TypeError, KeyError):
        raise CryptoError("crypto.key_invalid", "not a public jwk") from None


def new_encryption_key() -> dict[str, Json]:
    """A fresh private JWK to be encrypted to, from the operating system's entropy; without ``d`` it is the public one.

    It has the members that OpenID4VP 1.0 §8.3 and OpenID4VCI 1.0 §10 want: ``kid``, ``use`` and ``alg``.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    public = PublicKey.of(key.public_key())
    d = key.private_numbers().private_value.to_bytes(32, "big")
    return {**public.jwk, "kid": public.thumbprint, "use": "enc", "alg": "ECDH-ES", "d": to_base64url(d)}


def encryption_header(compact: str) -> dict[str, Json]:
    """The header of a compact JWE, to find the key it is for; ``malformed.*``, ``limit.size``."""
    if len(compact) > _MAX_JWE:
        refuse("limit.size", f"the jwe has {len(compact)} characters")
    return json_object(base64url(compact.partition(".")[0], "the header"), "the header")


def decrypt(compact: str, private_jwk: Mapping[str, Any]) -> bytes:
    """The plaintext of a compact JWE, ECDH-ES direct with A128GCM or A256GCM (RFC 7516, RFC 7518 §4.6).

    Raises ``crypto.decrypt_failed``, ``crypto.alg_not_allowed`` or ``limit.size``.
    """
    from joserfc import jwe
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    header = encryption_header(compact)
    if header.get("alg") != "ECDH-ES" or header.get("enc") not in ENCRYPTION:
        raise CryptoError("crypto.alg_not_allowed", "the jwe is not ecdh-es with a128gcm or a256gcm")
    if "zip" in header or "crit" in header:
        raise CryptoError("crypto.crit_unsupported", "the jwe is compressed or has critical extensions")
    try:
        key = ECKey.import_key(dict(private_jwk))
        registry = jwe.JWERegistry(algorithms=["ECDH-ES", *ENCRYPTION])
        registry.max_ciphertext_length = _MAX_JWE  # its own would be 64 KiB: three copies of a certificate
        plain = jwe.decrypt_compact(compact, key, registry=registry).plaintext
    except (JoseError, ValueError, TypeError, KeyError):
        _undecipherable()
    return instance(plain, bytes, "the plaintext")


def _undecipherable() -> NoReturn:
    raise CryptoError("crypto.decrypt_failed", "the jwe does not open with this key") from None
