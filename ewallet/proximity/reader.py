"""The reader's side at close range: reads a code, asks, and takes what comes to the verifier.

Bytes come in, bytes and events go out; how they travel is the affair of whoever has the radio::

    reader = Reader(Engagement.read(code), signer=signer)
    send(reader.ask(query, at=env.now(), purpose="..."))
    answered = reader.receive(message)                        # Answered, Declined or Ended
    verdict = verifier.verify(answered.token, reader.request)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from ewallet import cose
from ewallet.dcql import Query
from ewallet.errors import UsageError
from ewallet.formats import transcript
from ewallet.formats.transcript import NfcHandover
from ewallet.keys import Signer, SigningKey
from ewallet.oid4vp import AuthorizationRequest, VpToken
from ewallet.oid4vp.request import client_id
from ewallet.proximity import response as responses
from ewallet.proximity.engagement import Engagement
from ewallet.proximity.holder import LIFE, Ended
from ewallet.proximity.request import Asking
from ewallet.proximity.session import Ciphers, Course, Establishment, SessionData, parse, unexpected
from ewallet.shape import to_base64url, to_cbor


@dataclass(frozen=True)
class Answered:
    """The device answers; nothing of it is believed before a verifier has judged it by :attr:`Reader.request`."""

    token: VpToken = field(repr=False)


@dataclass(frozen=True)
class Declined:
    """The device returns nothing of what was asked, whatever the reason."""


class Reader:
    """One session of a reader with one device; after :attr:`over` nothing is read or sent.

    ``signer`` says who asks, with a certificate for readers; without it the holder is told that nobody knows. ``key``
    is that of this session, a fresh one unless given. Where :meth:`receive` raises, the session is over, and
    :attr:`farewell` is what the device is to be told.
    """

    def __init__(
        self,
        engagement: Engagement,
        *,
        signer: Signer | None = None,
        key: SigningKey | None = None,
        nfc: NfcHandover | None = None,
    ) -> None:
        self._signer = signer
        self._key = key or SigningKey.generate(engagement.key.alg)
        self._key_bytes = to_cbor(cose.cose_key(self._key.public))
        session = transcript.proximity(engagement.raw, self._key_bytes, nfc)
        self._ciphers = Ciphers.agreed(self._key, engagement.key, session)
        self._course = Course()
        self._request: AuthorizationRequest | None = None
        self._waiting = False

    @property
    def over(self) -> bool:
        """Whether the session has ended, whoever ended it."""
        return self._course.over

    @property
    def farewell(self) -> bytes | None:
        """What the device is told after a message of its own has ended the session."""
        return self._course.farewell

    @property
    def request(self) -> AuthorizationRequest:
        """What was asked last, for the verifier to judge by; ``usage.argument`` before anything was."""
        if self._request is None:
            raise UsageError("usage.argument", "nothing was asked yet")
        return self._request

    def ask(self, query: Query, *, at: datetime, purpose: str = "") -> bytes:
        """The message that asks for the mdocs of a query, each element with whether it is to be kept.

        Raises ``session.ended``, and ``usage.argument`` where an answer is still due, or where the query says what
        cannot be asked here: other formats, values, alternatives within a document.
        """
        self._course.check()
        if self._waiting:
            raise UsageError("usage.argument", "a request, although the last one is not answered")
        asking = Asking.of(query, purpose)
        self._course.count()
        data = self._ciphers.reader.seal(asking.to_bytes(self._ciphers.transcript, self._signer))
        first = self._request is None
        self._request, self._waiting = self._asked(asking, at), True
        return (Establishment(self._key_bytes, data) if first else SessionData(data)).to_bytes()

    def receive(self, message: bytes) -> Answered | Declined | Ended:
        """What the device answers; ``session.*``, ``crypto.decrypt_failed``, ``malformed.*``, ``limit.*``.

        An answer that decrypts is :class:`Answered`, whatever is in it: the verifier judges it.
        """
        with self._course.reading():
            read = parse(message)
            if isinstance(read, Establishment):
                raise unexpected("a device that establishes a session")
            if read.data is None:
                self._course.ended_by(read.status)
                return Ended()
            if not self._waiting:
                raise unexpected("an answer, although nothing is asked")
            token = responses.to_token(self._ciphers.device.open(read.data), self.request.query)
            self._waiting = False
            self._course.ended_by(read.status)
            return Declined() if token is None else Answered(token)

    def end(self) -> bytes:
        """The message that ends the session; ``session.ended``."""
        return self._course.end()

    def _asked(self, asking: Asking, at: datetime) -> AuthorizationRequest:
        session = self._ciphers.transcript
        return AuthorizationRequest(
            client_id=client_id(self._signer) if self._signer else "",
            nonce=to_base64url(sha256(session + bytes([self._course.asked])).digest()),
            query=asking.query,
            purpose=asking.purpose,
            issued=at,
            until=at + LIFE,
            transcript=session,
            reader_key=self._key,
        )
