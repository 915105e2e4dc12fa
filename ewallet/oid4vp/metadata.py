"""What verifier and wallet say about themselves (OpenID4VP 1.0 §5.1, §8.3, §10, §11): formats, keys to encrypt to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ewallet.errors import CryptoError, Malformed
from ewallet.formats import FORMATS
from ewallet.jose import ENCRYPTION
from ewallet.keys import ALGORITHMS, PublicKey
from ewallet.shape import Json, instance, member, optional, strings

_KEY_AGREEMENT: Final = "ECDH-ES"
_DEFAULT: Final = ("A128GCM",)  # §8.3: where the verifier names none
_PREFERRED: Final = ("A256GCM", "A128GCM")  # HAIP 1.0 §5: the wallet takes the longer key where it may
_POINT: Final = ("kty", "crv", "x", "y")


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Whom an answer is encrypted to: a public JWK with its ``kid``, and the content encryption."""

    jwk: Mapping[str, Json]
    enc: str

    @property
    def thumbprint(self) -> str:
        """The base64url SHA-256 thumbprint of its key (RFC 7638)."""
        return PublicKey.of_jwk({name: self.jwk[name] for name in _POINT}).thumbprint


@dataclass(frozen=True, kw_only=True)
class ClientMetadata:
    """What a verifier says about itself (§5.1): keys for its answers, content encryptions, formats it reads.

    ``formats`` without an entry says nothing about formats.
    """

    keys: tuple[Mapping[str, Json], ...] = ()
    encryptions: tuple[str, ...] = _DEFAULT
    formats: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    @classmethod
    def make(cls, private_jwk: Mapping[str, Json] | None = None) -> ClientMetadata:
        """Ours: every format of this library, and the public half of a fresh key where answers are to be encrypted."""
        public = {name: value for name, value in (private_jwk or {}).items() if name != "d"}
        return cls(
            keys=(public,) if public else (),
            encryptions=ENCRYPTION if public else _DEFAULT,
            formats=supported_formats(),
        )

    @classmethod
    def parse(cls, members: Mapping[str, Json]) -> ClientMetadata:
        """The metadata of a JSON object, what is not known ignored (§5.1); ``malformed.claim_type``."""
        jwks = optional(members, "jwks", dict)
        name = "encrypted_response_enc_values_supported"
        formats = optional(members, "vp_formats_supported", dict) or {}
        return cls(
            keys=tuple(instance(key, dict, "a key") for key in _keys(jwks)),
            encryptions=strings(members[name], name) if name in members else _DEFAULT,
            formats={id_: instance(entry, dict, "a format") for id_, entry in formats.items()},
        )

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {}
        if self.keys:
            members["jwks"] = {"keys": [dict(key) for key in self.keys]}
            members["encrypted_response_enc_values_supported"] = list(self.encryptions)
        if self.formats:
            members["vp_formats_supported"] = {id_: dict(entry) for id_, entry in self.formats.items()}
        return members

    def reads(self, format_id: str, algorithms: Mapping[str, tuple[str | int, ...]]) -> bool:
        """Whether it reads that format, with one of our algorithms wherever it says which ones (App. B)."""
        if not self.formats:
            return True
        entry = self.formats.get(format_id)
        return entry is not None and all(
            name not in entry or _in_common(entry[name], ours) for name, ours in algorithms.items()
        )

    @property
    def recipient(self) -> Recipient | None:
        """The first key and the best content encryption that are usable here; others are passed over (§8.3)."""
        enc = next((enc for enc in _PREFERRED if enc in self.encryptions), None)
        jwk = next((jwk for jwk in map(_usable, self.keys) if jwk), None)
        return Recipient(jwk=jwk, enc=enc) if jwk and enc else None


def _keys(jwks: Mapping[str, Json] | None) -> list[Json]:
    return [] if jwks is None else member(jwks, "keys", list)


def _in_common(theirs: Json, ours: tuple[str | int, ...]) -> bool:
    return isinstance(theirs, list) and any(value in theirs for value in ours)


def _usable(key: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """The members of a public JWK that can be encrypted to, or None: it must say its ``kid`` and its ``alg``."""
    kid = key.get("kid")
    if not isinstance(kid, str) or key.get("alg") != _KEY_AGREEMENT or key.get("use", "enc") != "enc" or "d" in key:
        return None
    point = {name: key[name] for name in _POINT if name in key}
    try:
        PublicKey.of_jwk(point)  # its point lies on its curve
    except (CryptoError, Malformed):
        return None
    return {**point, "kid": kid, "alg": _KEY_AGREEMENT} if point["kty"] == "EC" else None


def supported_formats() -> dict[str, Mapping[str, Json]]:
    """``vp_formats_supported`` of this library."""
    return {
        id_: {name: list(values) for name, values in format_.algorithms.items()} for id_, format_ in FORMATS.items()
    }


def wallet_metadata() -> dict[str, Json]:
    """What our wallet tells a verifier that asks (§10); request objects are not encrypted to it."""
    return {
        "vp_formats_supported": supported_formats(),
        "client_id_prefixes_supported": ["x509_hash", "x509_san_dns"],
        "request_object_signing_alg_values_supported": sorted(ALGORITHMS),
        "response_types_supported": ["vp_token"],
        "response_modes_supported": ["direct_post", "direct_post.jwt"],
        "authorization_encryption_alg_values_supported": [_KEY_AGREEMENT],
        "authorization_encryption_enc_values_supported": list(ENCRYPTION),
    }
