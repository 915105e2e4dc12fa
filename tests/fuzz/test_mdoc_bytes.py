"""Every byte of a device response changed in turn: refused by our error, or accepted with the very same content.

A normal run changes one bit of every third byte; EWALLET_FULL=1 changes every bit of every byte, and then the list of
what may change without effect is complete.
"""

from __future__ import annotations

import os

import pytest

from ewallet.shape import base64url, to_base64url
from ewallet.testing.kit import CLIENT_ID, Kit
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.verdict import Accepted, Rejected
from ewallet.verifier import Verifier

_FULL = os.environ.get("EWALLET_FULL") == "1"
_CARD, _ASKED = "mobile_resident_card", ["name", "birth_date"]


class _Forgetful(MemoryVerifierStore):
    """What was answered once may be answered again, so that one verifier judges all."""

    def take_nonce(self, nonce, until):
        """Take it every time."""


@pytest.fixture(scope="module")
def kit():
    """A holder with a card."""
    kit = Kit.make()
    kit.issue(_CARD, format_id="mso_mdoc")
    return kit


@pytest.fixture(scope="module")
def presented(kit):
    """What the holder shows of it."""
    return kit.present(kit.query(_CARD, _ASKED))


@pytest.fixture(scope="module")
def verifier(kit):
    """One that does not look the status up."""
    return Verifier(CLIENT_ID, trust=kit.pki.trust_list(), store=_Forgetful(), status=None, env=kit.env)


def _changes(length):
    """The (offset, bit) pairs to change."""
    if _FULL:
        return [(offset, bit) for offset in range(length) for bit in range(8)]
    return [(offset, offset % 8) for offset in range(0, length, 3)]


def _without_effect(message):
    """What may change: the last digit of the response's version, of which 1.0 and 1.1 are read."""
    return {(message.index(b"\x631.0") + 3, 0)}


@pytest.mark.sweep
def test_no_byte_changes_what_is_accepted(presented, verifier):
    """Whatever byte is changed: the claims are the same, or there are none; and which bytes those are is known."""
    message = base64url(presented.presentation)
    (query_id,) = presented.token
    claims = verifier.verify(presented.token, presented.request).claims
    accepted = set()
    for offset, bit in _changes(len(message)):
        changed = message[:offset] + bytes([message[offset] ^ 1 << bit]) + message[offset + 1 :]
        verdict = verifier.verify({query_id: (to_base64url(changed),)}, presented.request)
        if isinstance(verdict, Accepted):
            assert claims == verdict.claims
            accepted.add((offset, bit))
        else:
            assert isinstance(verdict, Rejected)

    assert _without_effect(message) & set(_changes(len(message))) == accepted


def test_the_listed_bytes_have_no_effect(presented, verifier):
    """What the list names is accepted, with the same content."""
    message = base64url(presented.presentation)
    (query_id,) = presented.token
    claims = verifier.verify(presented.token, presented.request).claims
    for offset, bit in _without_effect(message):
        changed = message[:offset] + bytes([message[offset] ^ 1 << bit]) + message[offset + 1 :]
        assert claims == verifier.verify({query_id: (to_base64url(changed),)}, presented.request).claims


@pytest.mark.sweep
def test_no_length_of_a_response_is_mistaken_for_the_whole(presented, verifier):
    """Cut after any byte, it is refused."""
    message = base64url(presented.presentation)
    (query_id,) = presented.token
    for length in range(0, len(message), 1 if _FULL else 7):
        verdict = verifier.verify({query_id: (to_base64url(message[:length]),)}, presented.request)
        assert isinstance(verdict, Rejected)
        assert verdict.code.split(".")[0] in {"malformed", "limit"}
