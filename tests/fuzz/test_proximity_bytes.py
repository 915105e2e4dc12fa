"""Every byte of every message at close range changed in turn: our error, or the very same content.

Outside the encryption that is somebody between the two devices; inside it is the other device itself. A normal run
changes one bit of some bytes; EWALLET_FULL=1 changes every bit of every byte.
"""

from __future__ import annotations

import os

import pytest

from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.proximity import Answered, Asked, Ended, Engagement, Holder, Reader
from ewallet.proximity.session import Ciphers, Establishment, SessionData, parse
from ewallet.testing.kit import PURPOSE, Kit
from ewallet.testing.proximity import BLUETOOTH
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier

_FULL = os.environ.get("EWALLET_FULL") == "1"
_CARD, _ASKED = "mobile_resident_card", ["not_juvenile"]
_FAMILIES = {"malformed", "limit", "crypto", "session", "request"}

pytestmark = pytest.mark.sweep


class _Forgetful(MemoryVerifierStore):
    """What was answered once may be answered again."""

    def take_nonce(self, nonce, until):
        """Take it every time."""


class Meeting:
    """One meeting whose messages can be heard again and again by devices in the state of that moment."""

    def __init__(self):
        self.kit = Kit.make()
        self.kit.issue(_CARD, format_id="mso_mdoc", copies=2)
        self.query = self.kit.query(_CARD, _ASKED)
        self.key, self.reader_key = SigningKey.generate(), SigningKey.generate()
        self.engagement = Engagement.make(self.key.public, [BLUETOOTH])
        self.first, holder = self.reader(), self.holder()
        self.question = self.first.ask(self.query, at=self.kit.clock.now(), purpose=PURPOSE)
        self.request = self.hear(holder, self.question).request
        token = self.kit.wallet.present(self.request, self.kit.wallet.match(self.request.query))
        self.reply = holder.answer(token)
        self.verifier = Verifier("", trust=self.kit.pki.trust_list(), store=_Forgetful(), status=None, env=self.kit.env)

    def holder(self):
        """The device before anything was said."""
        return Holder(self.key, self.engagement, trust=self.kit.pki.trust_list())

    def reader(self, engagement=None):
        """The reader before anything was said."""
        return Reader(engagement or self.engagement, signer=self.kit.pki.verifier, key=self.reader_key)

    def waiting(self):
        """The reader after its question."""
        reader = self.reader()
        reader.ask(self.query, at=self.kit.clock.now(), purpose=PURPOSE)
        return reader

    def ciphers(self):
        """Both directions of its session, before anything was said."""
        return Ciphers.agreed(self.key, self.reader_key.public, self.request.transcript)

    def hear(self, holder, message):
        """What the device understands."""
        return holder.receive(message, at=self.kit.clock.now())


@pytest.fixture(scope="module")
def meeting():
    """A holder and a reader."""
    return Meeting()


def _changed(message, step):
    """The message with one bit changed, again and again."""
    places = (
        [(offset, bit) for offset in range(len(message)) for bit in range(8)]
        if _FULL
        else [(offset, offset % 8) for offset in range(0, len(message), step)]
    )
    for offset, bit in places:
        yield message[:offset] + bytes([message[offset] ^ 1 << bit]) + message[offset + 1 :]


def _try(call, *arguments):
    """What comes of it, None where it is refused by an error of ours of the right family."""
    try:
        return call(*arguments)
    except EWalletError as exc:
        assert exc.code.split(".")[0] in _FAMILIES
        return None


def test_a_code_that_was_read_wrongly_leads_nowhere(meeting):
    """The device does not understand a reader that saw another engagement."""
    for raw in _changed(meeting.engagement.raw, 1):
        engagement = _try(Engagement.parse, raw)
        reader = engagement and _try(meeting.reader, engagement)
        if reader:
            message = reader.ask(meeting.query, at=meeting.kit.clock.now())
            assert _try(meeting.hear, meeting.holder(), message) is None


def test_no_byte_of_the_first_message_may_change(meeting):
    """It is refused, and ends the session."""
    for message in _changed(meeting.question, 3):
        holder = meeting.holder()
        assert _try(meeting.hear, holder, message) is None
        assert holder.over


def test_no_byte_of_an_answer_may_change(meeting):
    """As little."""
    for message in _changed(meeting.reply, 7):
        reader = meeting.waiting()
        assert _try(reader.receive, message) is None
        assert reader.over


def test_no_byte_of_the_end_is_mistaken_for_more(meeting):
    """It is the end, an error, or nothing at all."""
    for message in _changed(SessionData(status=20).to_bytes(), 1):
        assert isinstance(_try(meeting.hear, meeting.holder(), message), Ended | None)
        assert isinstance(_try(meeting.waiting().receive, message), Ended | None)


def test_what_a_known_reader_asks_is_what_it_signed(meeting):
    """A changed request inside the encryption has no name, or is the same request."""
    first = parse(meeting.question)
    assert isinstance(first, Establishment)
    outcomes = set()
    for changed in _changed(meeting.ciphers().reader.open(first.data), 3):
        message = Establishment(first.key_bytes, meeting.ciphers().reader.seal(changed)).to_bytes()
        asked = _try(meeting.hear, meeting.holder(), message)
        known = isinstance(asked, Asked) and bool(asked.request.verifier_name)
        outcomes.add((asked is not None, known))
        assert not known or (meeting.request.query, PURPOSE) == (asked.request.query, asked.request.purpose)
    assert (False, False) in outcomes


def test_what_is_accepted_is_what_was_shown(meeting):
    """A changed answer inside the encryption is refused by the verifier, or says the same."""
    response = meeting.ciphers().device.open(parse(meeting.reply).data)
    claims = meeting.verifier.verify(meeting.first.receive(meeting.reply).token, meeting.first.request).claims
    for changed in _changed(response, 5):
        reader = meeting.waiting()
        event = _try(reader.receive, SessionData(meeting.ciphers().device.seal(changed)).to_bytes())
        verdict = meeting.verifier.verify(event.token, reader.request) if isinstance(event, Answered) else None
        assert not isinstance(verdict, Accepted) or claims == verdict.claims
