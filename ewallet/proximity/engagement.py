"""Device engagement: what a holder's QR code tells a reader before they talk (ISO/IEC 18013-5 §8.2.1, §8.2.2.3).

It carries the holder's key of this session and the ways to reach the device. Which ways there are is the affair of
whoever has the radio: here they are passed in and handed on.

Rules of this file: what the standard does not know (yet) is ignored, what it does know must have its form; the bytes
are kept as they were received, because both sides derive their keys from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ewallet import cose
from ewallet.errors import CryptoError
from ewallet.formats.mso import embedded
from ewallet.keys import PublicKey
from ewallet.shape import base64url, cbor, embed, refuse, to_base64url, to_cbor

SCHEME: Final = "mdoc:"
NFC, BLE, WIFI_AWARE = 1, 2, 3  # types of retrieval method (§8.2.1.1, Table 1)

_VERSION, _SECURITY, _METHODS = 0, 1, 2
_MAJOR: Final = "1."  # a later minor version adds what may be ignored
_SUITE: Final = 1  # §9.1.1: the only cipher suite there is
_MAX: Final = 2_953  # bytes of the largest QR code (ISO/IEC 18004)
_MAX_METHODS: Final = 16


class Method(NamedTuple):
    """A way to reach the device: its type and version, and options that the type knows."""

    type: int
    version: int
    options: Mapping[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Engagement:
    """One engagement; ``raw`` as it was sent, ``key`` that of the device for this session, ``methods`` all there are.

    ``key_bytes`` is the encoded COSE_Key.
    """

    raw: bytes = field(repr=False)
    key: PublicKey
    key_bytes: bytes = field(repr=False)
    methods: tuple[Method, ...] = ()

    @classmethod
    def make(cls, key: PublicKey, methods: Iterable[Method] = ()) -> Engagement:
        """The engagement of a device whose key of this session is that one."""
        key_bytes, listed = to_cbor(cose.cose_key(key)), tuple(methods)
        ways = to_cbor([list(method) for method in listed])
        members = [b"\x00" + to_cbor("1.0"), b"\x01\x82" + to_cbor(_SUITE) + embed(key_bytes)]
        members += [b"\x02" + ways] if listed else []
        return cls(raw=bytes([0xA0 | len(members)]) + b"".join(members), key=key, key_bytes=key_bytes, methods=listed)

    @classmethod
    def parse(cls, raw: bytes) -> Engagement:
        """The engagement of its encoding; ``malformed.*``, ``limit.*``, ``crypto.key_invalid``."""
        members = cbor(raw, "the engagement", limit=_MAX)
        if type(members) is not dict or not all(type(key) is int for key in members):
            refuse("malformed.mdoc", "the engagement is no map, or has a key that is no integer")
        version = members.get(_VERSION)
        if type(version) is not str or not version.startswith(_MAJOR):
            refuse("malformed.mdoc", "an engagement of another version than 1")
        key_bytes = _key_bytes(members.get(_SECURITY))
        key = cose.key_of(cbor(key_bytes, "the device's key"))
        return cls(raw=raw, key=key, key_bytes=key_bytes, methods=_methods(members))

    @classmethod
    def read(cls, text: str) -> Engagement:
        """The engagement of a QR code; ``malformed.qr`` for a text of another scheme, and what :meth:`parse` raises."""
        scheme, _, encoded = text.strip().partition(":")
        if f"{scheme.lower()}:" != SCHEME:
            refuse("malformed.qr", "a code that is no device engagement")
        return cls.parse(base64url(encoded, "the engagement"))

    @property
    def text(self) -> str:
        """What the QR code says."""
        return SCHEME + to_base64url(self.raw)


def _key_bytes(security: Any) -> bytes:
    if type(security) is not list or len(security) != 2 or type(security[0]) is not int:
        refuse("malformed.mdoc", "the security of the engagement is not a cipher suite and a key")
    if security[0] != _SUITE:
        raise CryptoError("crypto.alg_not_allowed", "another cipher suite than 1")
    return embedded(security[1], "the device's key")


def _methods(members: Mapping[int, Any]) -> tuple[Method, ...]:
    listed = members.get(_METHODS, [])
    if type(listed) is not list or not all(map(_is_method, listed)):
        refuse("malformed.mdoc", "a retrieval method that is not a type, a version and options")
    if len(listed) > _MAX_METHODS:
        refuse("limit.count", f"{len(listed)} retrieval methods, at most {_MAX_METHODS} are read")
    return tuple(Method(*method) for method in listed)


def _is_method(value: Any) -> bool:
    if type(value) is not list or len(value) != 3:
        return False
    number, version, options = value
    return type(number) is int and type(version) is int and number >= 0 <= version and type(options) is dict
