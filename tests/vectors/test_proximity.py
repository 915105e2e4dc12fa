"""Outside vectors for the session at close range: the exchange of ISO/IEC 18013-5 Annex D, byte for byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ewallet.keys import SigningKey
from ewallet.oid4vp.request import subject_name
from ewallet.proximity import Ended, Engagement, Holder, Reader
from ewallet.proximity import request as requests
from ewallet.proximity.session import Ciphers, Establishment, SessionData, parse
from ewallet.shape import cbor, certificate, embed
from ewallet.trust import TrustAnchor, TrustList

pytestmark = pytest.mark.vectors("security/vectors/iso18013-5-annexD/annexD.json", count=1)

_AT = datetime(2020, 12, 1, tzinfo=UTC)


class Exchange:
    """The messages of the annex, and what they were made with."""

    def __init__(self, path):
        hexes = json.loads(path.read_bytes())["hex"]
        self._named = {name.removeprefix("ISO_18013_5_ANNEX_D_"): bytes.fromhex(text) for name, text in hexes.items()}
        self.transcript = cbor(self["SESSION_TRANSCRIPT_BYTES"]).value
        engagement, _, handover = cbor(self.transcript)
        self.engagement = Engagement.parse(engagement.value)  # that of its NFC handover
        self.nfc = tuple(handover)

    def __getitem__(self, name):
        return self._named[name]

    def key(self, name):
        """One of the private keys."""
        return SigningKey.of(ec.derive_private_key(int.from_bytes(self[f"{name}_D"], "big"), ec.SECP256R1()))

    def trust(self):
        """A list that knows the reader of the annex, whose authority the annex does not have."""
        leaf = certificate(self["READER_CERT"])
        anchor = TrustAnchor(
            id="reader",
            purpose="verifier",
            certificate=leaf,
            types=frozenset({"*"}),
            end_entity=True,
            key_identifiers=False,
        )
        return TrustList(anchors=(anchor,), version=1, since=_AT, until=_AT + timedelta(days=1))

    def holder(self):
        """The device of the annex."""
        key = self.key("EPHEMERAL_DEVICE_KEY")
        return Holder(key, self.engagement, trust=self.trust(), nfc=self.nfc)

    def ciphers(self):
        """A side of the session."""
        key, other = self.key("EPHEMERAL_DEVICE_KEY"), self.key("EPHEMERAL_READER_KEY")
        return Ciphers.agreed(key, other.public, self.transcript)


@pytest.fixture
def exchange(vector):
    """The exchange of the annex."""
    return Exchange(vector)


def test_engagement(exchange):
    """The engagement of the QR code says the key and one way over Bluetooth."""
    engagement = Engagement.parse(exchange["DEVICE_ENGAGEMENT"])

    assert exchange.key("EPHEMERAL_DEVICE_KEY").public.jwk == engagement.key.jwk
    assert exchange["E_DEVICE_KEY_BYTES"] == embed(engagement.key_bytes)
    assert [2] == [method.type for method in engagement.methods]


def test_engagement_as_we_would_write_it(exchange):
    """Made from its parts it is the same, byte for byte."""
    read = Engagement.parse(exchange["DEVICE_ENGAGEMENT"])

    made = Engagement.make(read.key, read.methods)

    assert exchange["DEVICE_ENGAGEMENT"] == made.raw
    assert made == Engagement.read(made.text)


def test_session_establishment(exchange):
    """It opens to the device request, and the same request gives the same message."""
    read = parse(exchange["SESSION_ESTABLISHMENT"])

    assert isinstance(read, Establishment)
    assert exchange["DEVICE_REQUEST"] == exchange.ciphers().reader.open(read.data)
    sealed = exchange.ciphers().reader.seal(exchange["DEVICE_REQUEST"])
    assert exchange["SESSION_ESTABLISHMENT"] == Establishment(read.key_bytes, sealed).to_bytes()


def test_transcript_and_keys_of_the_reader(exchange):
    """The reader derives the transcript of the annex, and with its keys opens the answer of the annex."""
    reader = Reader(exchange.engagement, key=exchange.key("EPHEMERAL_READER_KEY"), nfc=exchange.nfc)

    data = parse(exchange["SESSION_DATA"]).data
    assert data
    assert exchange.transcript == reader._ciphers.transcript
    assert exchange["DEVICE_RESPONSE"] == reader._ciphers.device.open(data)


def test_session_data(exchange):
    """The response, sealed with the key of the device, is the message of the annex."""
    sealed = exchange.ciphers().device.seal(exchange["DEVICE_RESPONSE"])

    assert exchange["SESSION_DATA"] == SessionData(sealed).to_bytes()


def test_request_and_reader(exchange):
    """The device understands what is asked, what is to be kept, and who asks."""
    asked = exchange.holder().receive(exchange["SESSION_ESTABLISHMENT"], at=_AT)

    (query,) = asked.request.query.credentials
    assert frozenset({"org.iso.18013.5.1.mDL"}) == query.type_ids
    kept = {claim.path[1]: claim.intent_to_retain for claim in query.claims}
    items = cbor(exchange["ITEMS_REQUEST"])["nameSpaces"]["org.iso.18013.5.1"]
    assert items == kept
    assert subject_name(exchange["READER_CERT"]) == asked.request.verifier_name


def test_reader_authentication(exchange):
    """The signature of the annex verifies over our ReaderAuthenticationBytes, and over no other session."""
    (items,) = requests.parse(exchange["DEVICE_REQUEST"])

    assert exchange["ITEMS_REQUEST"] == items.content
    known = requests.authenticate([items], exchange.transcript, trust=exchange.trust(), at=_AT)
    assert (subject_name(exchange["READER_CERT"]), None) == (known.name, known.doubt)


def test_session_termination(exchange):
    """It is what we send at the end, and is understood as the end."""
    holder = exchange.holder()
    holder.receive(exchange["SESSION_ESTABLISHMENT"], at=_AT)

    assert isinstance(holder.receive(exchange["SESSION_TERMINATION"], at=_AT), Ended)
    assert exchange["SESSION_TERMINATION"] == exchange.holder().end()
