"""The holder's side at close range: shows a code, is asked, and answers or does not.

Bytes come in, bytes and events go out; how they travel is the affair of whoever has the radio::

    holder = Holder.engage(trust=trust)
    show(qr.png(holder.engagement.text))
    asked = holder.receive(message, at=env.now())             # Asked, or Ended
    answer = wallet.match(asked.request.query)                # a person looks at it, and agrees
    send(holder.answer(wallet.present(asked.request, answer)))
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from ewallet.errors import UsageError
from ewallet.formats import transcript
from ewallet.formats.transcript import NfcHandover
from ewallet.keys import SigningKey
from ewallet.oid4vp import AuthorizationRequest, VpToken
from ewallet.proximity import request as requests
from ewallet.proximity import response as responses
from ewallet.proximity.engagement import Engagement, Method
from ewallet.proximity.request import Items, ReaderName
from ewallet.proximity.session import Ciphers, Course, Establishment, SessionData, parse, unexpected
from ewallet.shape import to_base64url
from ewallet.trust import TrustList

LIFE: Final = timedelta(minutes=5)  # of a request: as long as a person may take to look at it


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The reader asks. Without ``request.verifier_name`` it is not known who that is, and ``doubt`` may say why.

    Whoever shows it to a person must say so, and must not answer without that person.
    """

    request: AuthorizationRequest
    doubt: str | None = None


@dataclass(frozen=True)
class Ended:
    """The other side has ended the session."""


class Holder:
    """One session of a device with one reader; after :attr:`over` nothing is read or sent.

    Where :meth:`receive` raises, the session is over, and :attr:`farewell` is what the reader is to be told.
    """

    def __init__(
        self, key: SigningKey, engagement: Engagement, *, trust: TrustList, nfc: NfcHandover | None = None
    ) -> None:
        self.engagement = engagement
        self._key = key
        self._trust = trust
        self._nfc = nfc
        self._course = Course()
        self._ciphers: Ciphers | None = None
        self._due: tuple[str, ...] = ()  # the docTypes of the request that is to be answered

    @classmethod
    def engage(cls, *, trust: TrustList, methods: Iterable[Method] = ()) -> Holder:
        """A session with a fresh key, that can be reached in those ways; ``trust`` says which readers are known."""
        key = SigningKey.generate()
        return cls(key, Engagement.make(key.public, methods), trust=trust)

    @property
    def over(self) -> bool:
        """Whether the session has ended, whoever ended it."""
        return self._course.over

    @property
    def farewell(self) -> bytes | None:
        """What the reader is told after a message of its own has ended the session."""
        return self._course.farewell

    def receive(self, message: bytes, *, at: datetime) -> Asked | Ended:
        """What the reader wants.

        Raises ``session.*``, ``crypto.*``, ``malformed.*``, ``limit.*``, ``request.*``, and ``trust.list_invalid``.
        """
        with self._course.reading():
            read = parse(message)
            if isinstance(read, SessionData) and self._course.ended_by(read.status):
                return Ended()
            if self._due:
                raise unexpected("a message while a request is to be answered")
            ciphers, plain = self._opened(read)
            self._course.count()
            asked = requests.parse(plain)
            reader = requests.authenticate(asked, ciphers.transcript, trust=self._trust, at=at)
            self._due = tuple(items.doc_type for items in asked)
            return Asked(request=self._request(asked, reader, ciphers, at), doubt=reader.doubt)

    def answer(self, token: VpToken) -> bytes:
        """The message with what the wallet presents, after which the reader may ask again.

        Raises ``session.ended``, and ``usage.argument`` where nothing is asked.
        """
        ciphers = self._answering()
        return SessionData(ciphers.device.seal(responses.of_token(token))).to_bytes()

    def decline(self) -> bytes:
        """The message that returns nothing, whatever the reason, and ends the session."""
        doc_types = self._due
        ciphers = self._answering()
        data = ciphers.device.seal(responses.refusal(doc_types))
        return self._course.end(data)

    def end(self) -> bytes:
        """The message that ends the session; ``session.ended``."""
        return self._course.end()

    def _opened(self, read: Establishment | SessionData) -> tuple[Ciphers, bytes]:
        if isinstance(read, Establishment):
            if self._ciphers is not None:
                raise unexpected("a session is established that has been")
            session = transcript.proximity(self.engagement.raw, read.key_bytes, self._nfc)
            self._ciphers = Ciphers.agreed(self._key, read.key, session)
        if self._ciphers is None:
            raise unexpected("a message before the session is established")
        return self._ciphers, self._ciphers.reader.open(read.data or b"")

    def _request(
        self, asked: tuple[Items, ...], reader: ReaderName, ciphers: Ciphers, at: datetime
    ) -> AuthorizationRequest:
        nonce = to_base64url(sha256(ciphers.transcript + bytes([self._course.asked])).digest())
        return AuthorizationRequest(
            client_id=reader.client_id or f"mdoc:{nonce}",  # somebody else each time: shown copies are not shown again
            nonce=nonce,
            query=requests.query(asked),
            purpose=asked[0].purpose,
            issued=at,
            until=at + LIFE,
            verifier_name=reader.name,
            rrn_legal_basis=reader.rrn_legal_basis,
            transcript=ciphers.transcript,
        )

    def _answering(self) -> Ciphers:
        self._course.check()
        if self._ciphers is None or not self._due:
            raise UsageError("usage.argument", "an answer, although nothing is asked")
        self._due = ()
        return self._ciphers
