"""The encrypted session of a holder's device and a reader (ISO/IEC 18013-5 §9.1.1): its messages, keys and end.

Each side makes a key for this session only. What they agree on, and everything said before, gives one AES-256-GCM key
for each direction; the counter of a message is part of its initialization vector, so that a message is read once, in
its place and in its direction, or not at all.

Rules of this file: whatever cannot be read ends the session, and nothing is read after its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ewallet import cose
from ewallet.errors import CryptoError, EWalletError, ProtocolError
from ewallet.formats import transcript
from ewallet.formats.mso import embedded, optional
from ewallet.keys import PublicKey, SigningKey
from ewallet.shape import MAX_CREDENTIAL, cbor, embed, refuse, to_cbor

MAX_MESSAGE: Final = MAX_CREDENTIAL + 1024  # bytes: one device response, encrypted, and what is around it
MAX_EXCHANGES: Final = 16  # questions in one session; a person is asked each time

ENCRYPTION_ERROR, DECODING_ERROR, TERMINATION = 10, 11, 20  # §9.1.1.4, Table 20

_READER: Final = bytes(8)  # identifiers of §9.1.1.5: who encrypts
_DEVICE: Final = bytes(7) + b"\x01"
_TAG: Final = 16


class Establishment(NamedTuple):
    """The first message: the reader's key of this session, as it was sent, and the first request, encrypted."""

    key_bytes: bytes
    data: bytes

    @property
    def key(self) -> PublicKey:
        """The reader's key; ``malformed.*``, ``crypto.key_invalid``."""
        return cose.key_of(cbor(self.key_bytes, "the reader's key"))

    def to_bytes(self) -> bytes:
        """As it travels."""
        key = to_cbor("eReaderKey") + embed(self.key_bytes)
        return b"\xa2" + key + to_cbor("data") + to_cbor(self.data)


class SessionData(NamedTuple):
    """Any later message: something encrypted, or a status, or both."""

    data: bytes | None = None
    status: int | None = None

    def to_bytes(self) -> bytes:
        """As it travels."""
        members = {"data": self.data, "status": self.status}
        return to_cbor({name: value for name, value in members.items() if value is not None})


def parse(message: bytes) -> Establishment | SessionData:
    """The message of its encoding, unknown members ignored; ``malformed.*``, ``limit.*``."""
    members = cbor(message, "the message", limit=MAX_MESSAGE)
    if type(members) is not dict:
        refuse("malformed.mdoc", "a message that is no map")
    data = optional(members, "data", bytes)
    if "eReaderKey" in members:
        if data is None:
            refuse("malformed.mdoc", "a session is established without a request")
        return Establishment(embedded(members["eReaderKey"], "the reader's key"), data)
    status = optional(members, "status", int)
    if data is None and status is None:
        refuse("malformed.mdoc", "a message with neither data nor status")
    return SessionData(data, status)


class Cipher:
    """One direction: what is sealed by one side in a certain order is opened by the other in the same order."""

    def __init__(self, key: bytes, sender: bytes) -> None:
        self._gcm = AESGCM(key)
        self._sender = sender
        self._counter = 0

    def seal(self, plain: bytes) -> bytes:
        """The next message, encrypted."""
        return self._gcm.encrypt(self._next(), plain, None)

    def open(self, data: bytes) -> bytes:
        """The next message; ``crypto.decrypt_failed`` for any other one, a changed one, or one of somebody else."""
        if len(data) < _TAG:
            raise CryptoError("crypto.decrypt_failed", "a message that is shorter than its tag")
        try:
            return self._gcm.decrypt(self._next(), data, None)
        except InvalidTag:
            raise CryptoError("crypto.decrypt_failed", "not the next message of the other side") from None

    def _next(self) -> bytes:
        self._counter += 1
        return self._sender + self._counter.to_bytes(4, "big")


@dataclass(frozen=True, kw_only=True)
class Ciphers:
    """Both directions, and the transcript that their keys come from."""

    reader: Cipher = field(repr=False)
    device: Cipher = field(repr=False)
    transcript: bytes = field(repr=False)

    @classmethod
    def agreed(cls, own: SigningKey, other: PublicKey, session: bytes) -> Ciphers:
        """The same for both sides of the session with that transcript; ``crypto.key_invalid``."""
        secret = own.agree(other)
        return cls(
            reader=Cipher(transcript.key(secret, session, b"SKReader"), _READER),
            device=Cipher(transcript.key(secret, session, b"SKDevice"), _DEVICE),
            transcript=session,
        )


@dataclass
class Course:
    """How far a session has come: until ``over``, and how many questions were asked.

    ``farewell`` is what the other side is told when something that it sent has ended the session.
    """

    over: bool = False
    asked: int = 0
    farewell: bytes | None = field(default=None, repr=False)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While a message of the other side is read: whatever is wrong with it ends the session."""
        self.check()
        try:
            yield
        except EWalletError as exc:
            if not self.over:  # else the other side has gone
                self.over = True
                self.farewell = SessionData(status=_status(exc.code)).to_bytes()
            raise

    def check(self) -> None:
        """Return unless the session is over; ``session.ended``."""
        if self.over:
            raise ProtocolError("session.ended", "nothing more is read or sent")

    def count(self) -> None:
        """Return unless enough has been asked; ``limit.count``."""
        self.asked += 1
        if self.asked > MAX_EXCHANGES:
            refuse("limit.count", f"more than {MAX_EXCHANGES} requests in one session")

    def ended_by(self, status: int | None) -> bool:
        """Whether the other side ends the session; ``session.refused`` where it does because of what we sent."""
        if status is None:
            return False
        self.over = True
        if status != TERMINATION:
            raise ProtocolError("session.refused", "the other side ended the session because of what it was sent")
        return True

    def end(self, data: bytes | None = None) -> bytes:
        """The message that ends the session, with a last word or without; ``session.ended``."""
        self.check()
        self.over = True
        return SessionData(data, TERMINATION).to_bytes()


def _status(code: str) -> int:
    if code == "crypto.decrypt_failed":
        return ENCRYPTION_ERROR
    return DECODING_ERROR if code == "malformed.cbor" else TERMINATION


def unexpected(detail: str) -> ProtocolError:
    """The refusal of a message that was not due."""
    return ProtocolError("session.unexpected", detail)
