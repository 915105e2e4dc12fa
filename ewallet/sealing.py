"""Records sealed under a passphrase: Argon2id opens a master key, and every record has an AES-256-GCM key of its own.

The passphrase only wraps the master key, so changing it rewrites one record. The key of a record comes from the master
key and 32 random bytes (HKDF-SHA256), is used for that one record, and so no nonce is ever used twice under a key,
however many records are written. What a record belongs to (its table, its identifier) is authenticated with it: a
record that was moved does not open.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final, NoReturn
from unicodedata import normalize

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ewallet.env import Random
from ewallet.errors import StoreError


@dataclass(frozen=True, kw_only=True)
class _Cost:
    memory: int  # KiB
    passes: int
    lanes: int


# By the number that a key record names. A closed table: a damaged record cannot ask for a terabyte of memory.
_COSTS: Final = {
    1: _Cost(memory=64 * 1024, passes=3, lanes=4),  # RFC 9106 §4, second recommended: fits a phone, 0.1 s on a laptop
    255: _Cost(memory=64, passes=1, lanes=1),  # guessed in no time; for tests, which open thousands of wallets
}
_STANDARD: Final = 1
_UNSAFE_FAST: Final = 255

_VERSION: Final = b"\x01"
_SALT: Final = 16  # bytes; RFC 9106 §3.1
_KEY: Final = 32
_TAG: Final = 16
_FRESH: Final = 32  # random bytes that make the key of one record: 2^128 records until two keys are likely equal
_BLOCK: Final = 512  # records are filled up to a multiple, so that their size does not tell the kind of certificate
_ONCE: Final = bytes(12)  # the nonce, where the key encrypts one record only
_KEY_RECORD: Final = len(_VERSION) + 1 + _SALT + _KEY + _TAG


class Sealer:
    """An unlocked master key: seals and opens records, and gives tags to look them up by.

    It prints without its key and refuses to be pickled or copied.
    """

    __slots__ = ("_master", "_random")

    def __init__(self, master: bytes, random: Random) -> None:
        self._master = master
        self._random = random

    @classmethod
    def create(cls, random: Random) -> Sealer:
        """A sealer with a fresh master key."""
        return cls(random(_KEY), random)

    @classmethod
    def open(cls, record: bytes, passphrase: str, random: Random) -> Sealer:
        """The sealer of a key record; ``storage.auth_failed`` for another passphrase or a damaged record."""
        if len(record) != _KEY_RECORD or record[:1] != _VERSION or record[1] not in _COSTS:
            _auth_failed()
        header, wrapped = record[: 2 + _SALT], record[2 + _SALT :]
        try:
            return cls(_wrapping(passphrase, header).decrypt(_ONCE, wrapped, header), random)
        except InvalidTag:
            _auth_failed()

    def key_record(self, passphrase: str, *, unsafe_fast_kdf: bool = False) -> bytes:
        """The master key, wrapped by a passphrase under a fresh salt."""
        header = _VERSION + bytes([_UNSAFE_FAST if unsafe_fast_kdf else _STANDARD]) + self._random(_SALT)
        return header + _wrapping(passphrase, header).encrypt(_ONCE, self._master, header)

    def seal(self, plain: bytes, *belongs: str) -> bytes:
        """The record, sealed and bound to what it belongs to."""
        fresh = self._random(_FRESH)
        filled = len(plain).to_bytes(4, "big") + plain
        filled += bytes(-len(filled) % _BLOCK)
        return _VERSION + fresh + self._cipher(fresh).encrypt(_ONCE, filled, _joined(belongs))

    def unseal(self, sealed: bytes, *belongs: str) -> bytes:
        """What was sealed for that place; ``storage.corrupt`` if it was changed or moved."""
        fresh, rest = sealed[1 : 1 + _FRESH], sealed[1 + _FRESH :]
        if sealed[:1] != _VERSION or len(rest) < _BLOCK + _TAG:
            _corrupt()
        try:
            filled = self._cipher(fresh).decrypt(_ONCE, rest, _joined(belongs))
        except InvalidTag:
            _corrupt()
        return filled[4 : 4 + int.from_bytes(filled[:4], "big")]

    def tag(self, *parts: str) -> bytes:
        """32 bytes that find the same parts again and tell nothing about them to others."""
        return hmac.digest(self._derive(b"", b"tag"), _joined(parts), "sha256")

    def _cipher(self, fresh: bytes) -> AESGCM:
        return AESGCM(self._derive(fresh, b"record"))

    def _derive(self, salt: bytes, use: bytes) -> bytes:
        return HKDF(SHA256(), _KEY, salt=salt, info=b"ewallet sealing " + use).derive(self._master)

    def __repr__(self) -> str:
        return "<Sealer>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a master key is not pickled, copied or sent")


def _wrapping(passphrase: str, header: bytes) -> AESGCM:
    cost = _COSTS[header[1]]
    kdf = Argon2id(salt=header[2:], length=_KEY, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory)
    # NFC: the same passphrase typed on another system, where Hangul comes in single letters
    return AESGCM(kdf.derive(normalize("NFC", passphrase).encode("utf-8", "surrogatepass")))


def _joined(parts: tuple[str, ...]) -> bytes:
    """The parts with their lengths, so that no other parts give the same bytes."""
    encoded = [part.encode("utf-8") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _auth_failed() -> NoReturn:
    raise StoreError("storage.auth_failed", "the key record does not open with this passphrase") from None


def _corrupt() -> NoReturn:
    raise StoreError("storage.corrupt", "a sealed record does not open") from None
