"""Token Status List (draft-ietf-oauth-status-list-20): the list, the token that carries it, what a credential finds.

An entry is 1, 2, 4 or 8 bits wide, least significant bit first (§4.1). Section numbers are those of draft -20.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from ewallet import cose, jose
from ewallet.credential import StatusRef, moment
from ewallet.env import SKEW
from ewallet.errors import CryptoError, Malformed, StatusError, TrustError, UsageError
from ewallet.keys import PublicKey, Signer
from ewallet.shape import (
    MAX_DOCUMENT,
    Json,
    base64url,
    cbor,
    inflate,
    instance,
    member,
    numeric_date,
    refuse,
    to_base64url,
    to_cbor,
)

TYP: Final = "statuslist+jwt"
MEDIA_TYPE: Final = f"application/{TYP}"
CWT_MEDIA_TYPE: Final = "application/statuslist+cwt"

_COSE_TYP: Final = 16  # RFC 9596; it holds the media type
_CWT_CLAIMS: Final[Mapping[int, str]] = {2: "sub", 4: "exp", 6: "iat", 65534: "ttl", 65533: "status_list"}  # §5.2


class Status(IntEnum):
    """The registered status types (§7.1)."""

    VALID = 0
    REVOKED = 1
    SUSPENDED = 2


class StatusList:
    """A mutable array of statuses, packed as it is published: ``bits`` per entry, ``len`` entries."""

    __slots__ = ("bits", "data")

    def __init__(self, bits: int, data: bytearray) -> None:
        if bits not in (1, 2, 4, 8):
            raise UsageError("usage.argument", f"{bits} bits per status, expected 1, 2, 4 or 8")
        self.bits = bits
        self.data = data

    @classmethod
    def empty(cls, size: int, *, bits: int = 2) -> StatusList:
        """A list of that many entries, all valid; the size is rounded up to whole bytes."""
        return cls(bits, bytearray(-(-size * bits // 8)))

    def __len__(self) -> int:
        return len(self.data) * 8 // self.bits

    def __getitem__(self, index: int) -> int:
        """The value of an entry; ``status.index_out_of_range`` (§8.3 step 6)."""
        byte, shift = self._place(index)
        return self.data[byte] >> shift & (1 << self.bits) - 1

    def __setitem__(self, index: int, value: int) -> None:
        mask = (1 << self.bits) - 1
        if not 0 <= value <= mask:
            raise UsageError("usage.argument", f"status {value} does not fit into {self.bits} bits")
        byte, shift = self._place(index)
        self.data[byte] = self.data[byte] & ~(mask << shift) & 0xFF | value << shift

    def _place(self, index: int) -> tuple[int, int]:
        byte, shift = divmod(index * self.bits, 8)
        if index < 0 or byte >= len(self.data):
            raise StatusError("status.index_out_of_range", f"index {index} in a list of {len(self)} entries")
        return byte, shift

    def within(self, other: StatusList) -> bool:
        """Whether every bit that is set here is set in the other list too, which has the same shape."""
        same = self.bits == other.bits and len(self.data) == len(other.data)
        return same and not int.from_bytes(self.data, "big") & ~int.from_bytes(other.data, "big")

    def compressed(self) -> bytes:
        """The list as one ZLIB stream at the best level (§4.1)."""
        return zlib.compress(self.data, 9)

    def to_json(self) -> dict[str, Json]:
        """The ``status_list`` member (§4.2)."""
        return {"bits": self.bits, "lst": to_base64url(self.compressed())}

    def to_cbor(self) -> dict[str, int | bytes]:
        """The ``status_list`` member in CBOR (§4.3)."""
        return {"bits": self.bits, "lst": self.compressed()}

    @classmethod
    def of_json(cls, members: Mapping[str, Json]) -> StatusList:
        """The list of a ``status_list`` member; ``malformed.*``, ``limit.decompressed``."""
        return cls._of(members, base64url(member(members, "lst", str), "lst"))

    @classmethod
    def of_cbor(cls, members: Mapping[str, Json]) -> StatusList:
        """The list of a ``status_list`` member in CBOR; ``malformed.*``, ``limit.decompressed``."""
        return cls._of(members, member(members, "lst", bytes))

    @classmethod
    def _of(cls, members: Mapping[str, Json], packed: bytes) -> StatusList:
        bits = member(members, "bits", int)
        if bits not in (1, 2, 4, 8):
            refuse("malformed.claim_type", f"bits is {bits}, expected 1, 2, 4 or 8")
        return cls(bits, bytearray(inflate(packed, "lst")))


@dataclass(frozen=True, kw_only=True)
class StatusToken:
    """A Status List Token taken apart; believed only after :meth:`check_signature` with a trusted key.

    ``raw`` is the token as text: a compact JWT as it is, a CWT in base64url.
    """

    uri: str
    issued: datetime
    until: datetime | None
    ttl: timedelta | None
    chain: tuple[bytes, ...] = field(repr=False)
    list: StatusList = field(repr=False)
    message: jose.Jws | cose.Sign1 = field(repr=False)
    raw: str = field(repr=False)

    @classmethod
    def read(cls, raw: bytes | str) -> StatusToken:
        """The token of a compact JWT (§5.1) or of a CWT (§5.2), the latter as it is or in base64url.

        Raises ``status.token_invalid``, ``status.stale``, ``limit.*``.
        """
        try:
            return _read(raw)
        except (Malformed, CryptoError, TrustError) as exc:
            if exc.code.startswith("limit."):
                raise
            raise StatusError("status.token_invalid", str(exc)) from None

    def check_signature(self, key: PublicKey) -> None:
        """Return if that key signed the token; ``status.token_invalid``."""
        try:
            self.message.verify(key)
        except CryptoError as exc:
            raise StatusError("status.token_invalid", str(exc)) from None

    def check_current(self, ref: StatusRef, at: datetime, *, max_age: timedelta, stale_for: timedelta) -> None:
        """Return if the token is the one referred to and in force (§8.3 step 4).

        ``max_age`` bounds a token without ``exp``; ``stale_for`` is how long past its end the relying party still
        reads one. Raises ``status.uri_mismatch`` or ``status.stale``.
        """
        if self.uri != ref.uri:
            raise StatusError("status.uri_mismatch", "sub is not the uri the credential refers to")
        self.check_issued(at)
        if self.over(at - stale_for, max_age=max_age):
            raise StatusError("status.stale", "the status list token has expired")

    def check_issued(self, at: datetime) -> None:
        """Return if the token is not dated in the future; ``status.stale``."""
        if self.issued > at + SKEW:
            raise StatusError("status.stale", "the status list token is dated in the future")

    def over(self, at: datetime, *, max_age: timedelta) -> bool:
        """Whether it has ended: at its ``exp``, or at that age where it names none."""
        return at >= (self.until or self.issued + max_age)

    def due(self, at: datetime, *, default: timedelta) -> bool:
        """Whether it is time to look for a newer one: past its ttl, or the default where it names none (§8.1)."""
        return at - self.issued >= (self.ttl or default) or bool(self.until and at >= self.until)


def media_type(raw: bytes) -> str:
    """What a token is: the first byte of a CWT is none of a text."""
    return MEDIA_TYPE if raw.isascii() else CWT_MEDIA_TYPE


def _read(raw: bytes | str) -> StatusToken:
    if len(raw) > MAX_DOCUMENT:
        refuse("limit.size", f"a status list token of {len(raw)} bytes, at most {MAX_DOCUMENT} are read")
    if isinstance(raw, bytes) and media_type(raw) == CWT_MEDIA_TYPE:
        return _of_cwt(raw)
    text = (raw if isinstance(raw, str) else raw.decode("ascii")).strip()
    return _of_jwt(text) if "." in text else _of_cwt(base64url(text, "the status list token"))


def _of_jwt(text: str) -> StatusToken:
    jws = jose.parse(text, TYP, what="the status list token", limit=MAX_DOCUMENT)
    listed = StatusList.of_json(instance(jws.claims.get("status_list"), dict, "status_list"))
    return _token(jws.claims, jws, listed, text)


def _of_cwt(raw: bytes) -> StatusToken:
    message = cose.Sign1.parse(raw, "the status list token")
    if message.header.get(_COSE_TYP) != CWT_MEDIA_TYPE:
        raise CryptoError("crypto.typ_mismatch", f"typ is not {CWT_MEDIA_TYPE}")
    numbered = instance(cbor(message.payload or b"", "the status list token"), dict, "the claims")
    claims = {name: numbered[number] for number, name in _CWT_CLAIMS.items() if number in numbered}
    listed = StatusList.of_cbor(instance(claims.get("status_list"), dict, "status_list"))
    return _token(claims, message, listed, to_base64url(raw))


def _token(claims: Mapping[str, Json], message: jose.Jws | cose.Sign1, listed: StatusList, raw: str) -> StatusToken:
    if "iat" not in claims:
        raise StatusError("status.stale", "the status list token does not say when it was made")
    return StatusToken(
        uri=member(claims, "sub", str),
        issued=moment(numeric_date(claims["iat"], "iat")),
        until=moment(numeric_date(claims["exp"], "exp")) if "exp" in claims else None,
        ttl=timedelta(seconds=_positive(claims["ttl"])) if "ttl" in claims else None,
        chain=message.chain,
        list=listed,
        message=message,
        raw=raw,
    )


def _positive(value: Json) -> int:
    seconds = numeric_date(value, "ttl")
    if seconds <= 0:
        refuse("malformed.claim_type", "ttl is not positive")
    return seconds


def sign(statuses: StatusList, *, uri: str, at: datetime, until: datetime, ttl: timedelta, signer: Signer) -> str:
    """The Status List Token for that uri, as a compact JWT (§5.1)."""
    claims = _claims(uri, at, until, ttl) | {"status_list": statuses.to_json()}
    return jose.sign(TYP, claims, signer)


def sign_cwt(statuses: StatusList, *, uri: str, at: datetime, until: datetime, ttl: timedelta, signer: Signer) -> bytes:
    """The same as a CWT, tagged as a COSE_Sign1 (§5.2)."""
    claims = _claims(uri, at, until, ttl) | {"status_list": statuses.to_cbor()}
    payload = to_cbor({number: claims[name] for number, name in _CWT_CLAIMS.items()})
    return cose.sign1(payload, signer, {_COSE_TYP: CWT_MEDIA_TYPE})


def _claims(uri: str, at: datetime, until: datetime, ttl: timedelta) -> dict[str, Json]:
    return {
        "sub": uri,
        "iat": int(at.timestamp()),
        "exp": int(until.timestamp()),
        "ttl": int(ttl.total_seconds()),
    }


def check_value(value: int) -> None:
    """Return for a valid entry; ``status.revoked``, ``status.suspended`` or ``status.unknown_value`` (§7.1)."""
    if value == Status.VALID:
        return
    if value == Status.REVOKED:
        raise StatusError("status.revoked", "the issuer has revoked the credential")
    if value == Status.SUSPENDED:
        raise StatusError("status.suspended", "the issuer has suspended the credential")
    raise StatusError("status.unknown_value", f"status {value} has no registered meaning")
