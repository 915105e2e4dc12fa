"""Rows MDO-17 to MDO-35 of the security matrix: what an mdoc may say, for whom it may be made, and how much of it.

Each test is one row, over several inputs that break the same rule.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from cbor2 import CBORTag

from ewallet import cose
from ewallet.errors import EWalletError
from ewallet.formats.document import device_authentication, split
from ewallet.formats.mdoc import MDOC
from ewallet.formats.transcript import mac_key, proximity
from ewallet.keys import SigningKey
from ewallet.shape import base64url, embed, to_base64url
from ewallet.testing.mdoc import MdocStage, item, response
from ewallet.testing.misbehave_mdoc import tdate, validity
from ewallet.testing.pki import certified, issue_certificate, private_key


def test_mdo_17_signed_outside_the_certificate(world):
    """MDO-17: before the certificate of the signer, after it, and a certificate that is over now."""
    stage, at = world.stage, world.stage.at
    profile = replace(stage.pki.profile(), since=at - timedelta(days=9), until=at - timedelta(days=2))
    key = SigningKey.generate()
    system = next(id_ for id_, types in stage.pki.types.items() if stage.doc_type in types)
    own = issue_certificate(profile, private_key(key).public_key(), by=stage.pki.authorities[system])

    for signed in (at - timedelta(days=400),):
        info = validity(stage, signed=signed)
        assert "trust.cert_expired" == world.judge(stage.forge({**stage.mso, "validityInfo": info}))
    late = validity(
        stage, signed=at + timedelta(days=500), since=at + timedelta(days=501), until=at + timedelta(days=502)
    )
    assert "trust.cert_expired" == world.judge(stage.forge({**stage.mso, "validityInfo": late}))
    assert "trust.cert_expired" == world.judge(stage.forge(stage.mso, signer=certified(key, own)))


def test_mdo_18_validity(world):
    """MDO-18: over, not begun, ending before it begins, beginning before it is signed, without a beginning."""
    stage, at = world.stage, world.stage.at

    def code(info):
        return world.judge(stage.forge({**stage.mso, "validityInfo": info}))

    assert "time.expired" == code(validity(stage, until=at))
    assert "time.not_yet_valid" == code(validity(stage, since=at + timedelta(minutes=2)))
    assert "time.not_yet_valid" == code(validity(stage, signed=at + timedelta(hours=1), since=at + timedelta(hours=1)))
    assert "malformed.mdoc" == code(validity(stage, since=at, until=at))
    assert "malformed.mdoc" == code(validity(stage, signed=at + timedelta(days=1)))
    assert "malformed.mdoc" == code({})
    assert "malformed.mdoc" == code({"signed": tdate(at), "validFrom": tdate(at)})
    assert "malformed.mdoc" == code([])


def test_mdo_19_doctypes(world):
    """MDO-19: another type outside than was signed, and another one signed than was asked for."""
    stage = world.stage
    own = stage.doc_type
    (other,) = {min(next(types for types in stage.pki.types.values() if own in types) - {own})}

    assert "mdoc.doctype_mismatch" == world.judge(stage.show(doc_type=other))
    assert "trust.issuer_not_authorized" == world.judge(stage.show(doc_type="org.example.other"))
    assert "policy.vct_not_accepted" == world.judge(
        stage.sign(embed(cbor2.dumps({**stage.mso, "docType": other}))).show(doc_type=other)
    )
    for other_kind in (None, 5, b"org"):
        assert "malformed.mdoc" == world.judge(stage.forge({**stage.mso, "docType": other_kind}, header=stage.auth[0]))


def _with_item(stage, members):
    first = cbor2.dumps({**stage.first, **members})
    return stage.showing({**stage.contents, stage.namespace: [first, *stage.contents[stage.namespace][1:]]})


def test_mdo_20_items(world):
    """MDO-20: a value, name, salt or identifier changed, an item moved, one without a digest, the same one twice."""
    stage = world.stage
    contents = stage.contents[stage.namespace]

    assert "mdoc.digest_mismatch" == world.judge(_with_item(stage, {"elementValue": "김가상"}))
    assert "mdoc.digest_mismatch" == world.judge(_with_item(stage, {"elementIdentifier": "resident_address"}))
    assert "mdoc.digest_mismatch" == world.judge(_with_item(stage, {"random": bytes(32)}))
    assert "mdoc.digest_mismatch" == world.judge(_with_item(stage, {"further": 1}))
    assert "mdoc.digest_missing" == world.judge(_with_item(stage, {"digestID": 1 << 20}))
    assert "mdoc.digest_missing" == world.judge(stage.showing({"org.example.other": contents}))
    other = next(name for name in stage.mso["valueDigests"] if name != stage.namespace)
    assert world.judge(stage.showing({other: contents})) in {"mdoc.digest_mismatch", "mdoc.digest_missing"}
    assert "malformed.mdoc" == world.judge(stage.showing({stage.namespace: [contents[0], contents[0]]}))


def test_mdo_20_item_in_another_encoding(world):
    """MDO-20: the same item behind a longer head is not what its issuer hashed."""
    stage = world.stage
    content = stage.contents[stage.namespace][0]
    (whole,) = [base64url(stage.presentation)]
    head = embed(content)[: -len(content)]
    longer = b"\xd8\x18\x59" + len(content).to_bytes(2, "big")

    assert head != longer
    assert "malformed.mdoc" == world.judge(to_base64url(whole.replace(head + content, longer + content)))


@pytest.mark.parametrize(
    "content",
    [
        cbor2.dumps([]), cbor2.dumps({}), item(0, None, "a"), item(0, b"name", "a"),
        item(0, "name", "a", random=bytes(15)),
        item(0, "name", "a", random="sixteen or more characters"), cbor2.dumps({"digestID": 0, "random": bytes(16)}),
        cbor2.dumps({"digestID": 0, "random": bytes(16), "elementIdentifier": "name"}),
        item(0, "name", float("nan")), item(0, "name", CBORTag(24, "text")), item(0, "name", {1: "a", "1": "b"}),
        item(0, "name", {b"a": 1}), item(0, "name", cbor2.undefined),
    ],
)  # fmt: skip
def test_mdo_20_items_of_another_kind(content, world):
    """MDO-20: what an issuer signed and is no item all the same."""
    assert "malformed.mdoc" == world.judge(world.stage.disclosing({0: content}))


@pytest.mark.parametrize("namespaces", [[], {"a": {}}, {1: []}, {"a": [b""]}, {"a": [CBORTag(24, "")]}], ids=repr)
def test_mdo_20_namespaces_of_another_kind(namespaces, world):
    """MDO-20: items that are no map of arrays of embedded items."""
    assert "malformed.mdoc" == world.judge(
        world.stage.show(change=lambda document: document["issuerSigned"].update(nameSpaces=namespaces))
    )


@pytest.mark.parametrize("name", ["SHA-1", "MD5", "sha-256", "SHA-224", "", None, 5, ["SHA-256"]], ids=repr)
def test_mdo_21_hashes(name, world):
    """MDO-21: weak, misspelt, unknown, or no name at all."""
    assert "crypto.hash_not_allowed" == world.judge(world.stage.forge({**world.stage.mso, "digestAlgorithm": name}))


@pytest.mark.parametrize("device_auth", [None, {}, [], {"deviceSignature": 1, "deviceMac": 2}, {"other": []}], ids=repr)
def test_mdo_24_device_auth(device_auth, world):
    """MDO-24: absent, empty, both, or something else."""
    assert "mdoc.device_auth" == world.judge(
        world.stage.show(change=lambda document: document["deviceSigned"].update(deviceAuth=device_auth))
    )


def test_mdo_24_device_signed(world):
    """MDO-24: nothing of the device, as an issuer sends it, and as a response without it."""
    stage = world.stage

    assert "mdoc.device_auth" == world.judge(stage.held)
    assert "mdoc.device_auth" == world.judge(stage.show(change=lambda document: document.pop("deviceSigned")))


@pytest.mark.parametrize("key", ["ES256", "ES384", "EdDSA"])
def test_mdo_25_other_device_keys(key, world):
    """MDO-25: a signature by a key that the issuer did not name."""
    code = "mdoc.device_auth" if key == "ES256" else "crypto.alg_not_allowed"
    assert code == world.judge(world.stage.show(key=SigningKey.generate(key)))


@dataclass(frozen=True)
class _Session:
    """A session at close range, in which the device authenticates with a mac."""

    stage: MdocStage
    reader: SigningKey
    transcript: bytes

    def present(self, *, key=None, change=lambda tag: tag):
        """A presentation with the mac of that key."""
        shared = (key or self.stage.key).agree(self.reader.public)
        authentication = device_authentication(self.transcript, self.stage.doc_type, embed(b"\xa0"))
        protected = cbor2.dumps({1: 5})
        tag = change(cose.mac(mac_key(shared, self.transcript), protected, authentication))
        auth = {"deviceMac": [protected, {}, None, tag]}
        return self.stage.show(change=lambda document: document["deviceSigned"].update(deviceAuth=auth))

    def code(self, raw, **binding):
        """What the check of the binding has against it."""
        bound: dict[str, Any] = {"transcript": self.transcript, "reader_key": self.reader} | binding
        evidence = MDOC.open(raw)
        try:
            evidence.check_binding(replace(self.stage.binding, **bound), self.stage.at)
        except EWalletError as exc:
            return exc.code
        return None


@pytest.fixture
def session(world):
    """One of each."""
    reader = SigningKey.generate()
    engagement = cbor2.dumps({0: "1.0", 1: [1, CBORTag(24, cbor2.dumps(cose.cose_key(SigningKey.generate().public)))]})
    return _Session(world.stage, reader, proximity(engagement, cbor2.dumps(cose.cose_key(reader.public))))


def test_mdo_25_macs(session):
    """MDO-25: zero, truncated or flipped, made with another key, or for a reader with another one, or with none."""
    honest = session.present()

    assert None is session.code(honest)
    assert "mdoc.device_auth" == session.code(session.present(change=lambda tag: bytes(len(tag))))
    assert "mdoc.device_auth" == session.code(session.present(change=lambda tag: tag[:16]))
    assert "mdoc.device_auth" == session.code(session.present(change=lambda tag: tag[:-1] + bytes([tag[-1] ^ 1])))
    assert "mdoc.device_auth" == session.code(session.present(change=lambda _: b""))
    assert "mdoc.device_auth" == session.code(session.present(key=SigningKey.generate()))
    assert "mdoc.device_auth" == session.code(honest, reader_key=SigningKey.generate())
    assert "mdoc.device_auth" == session.code(honest, reader_key=None)
    assert "mdoc.device_auth" == session.code(honest, transcript=session.transcript[:-1] + b"\xf7")
    assert "crypto.key_invalid" == session.code(honest, reader_key=SigningKey.generate("ES384"))


def test_mdo_26_sessions(world):
    """MDO-26: nonce, client, address, key or origin of another session, and a transcript that is none of these."""
    stage = world.stage
    others: list[dict[str, Any]] = [
        {"nonce": "an-earlier-nonce"},
        {"audience": "bank.example"},
        {"audience": stage.binding.audience.upper()},
        {"response_uri": "https://bank.example/response/2"},
        {"recipient": SigningKey.generate().public.thumbprint},
        {"origin": "https://bank.example"},
        {"transcript": b"\x83\xf6\xf6\xf6"},
    ]

    for other in others:
        assert "mdoc.device_auth" == world.judge(stage.show(binding=replace(stage.binding, **other)))


@pytest.mark.parametrize(
    "stated",
    [{"org.iso.23220.1": {"age_over_19": True}}, {"a": {"resident_address": "a"}}, {"a": {}}, {"a": []}, {1: {"a": 1}}],
    ids=repr,
)
def test_mdo_27_what_the_device_states(stated, world):
    """MDO-27: never reported as what an issuer signed; refused unless the key is authorized."""
    assert "mdoc.device_namespace" == world.judge(world.stage.show(stated=cbor2.dumps(stated)))


@pytest.mark.parametrize(
    "authorized", [{"nameSpaces": ["org.example"]}, {"dataElements": {"org.example": ["signed_text"]}}], ids=repr
)
def test_mdo_27_what_the_device_may_state(authorized, world):
    """MDO-27: an authorized element is no reason to refuse, nor is it a claim; another one is."""
    stage = world.stage
    info = {**stage.mso["deviceKeyInfo"], "keyAuthorizations": authorized}
    signed = stage.sign(embed(cbor2.dumps({**stage.mso, "deviceKeyInfo": info})))
    raw = signed.show(stated=cbor2.dumps({"org.example": {"signed_text": "yes"}}))

    assert None is world.judge(raw)
    assert "org.example" not in MDOC.open(raw).check_disclosures().claims
    other = signed.show(stated=cbor2.dumps({"org.example.other": {"signed_text": "yes"}}))
    assert "mdoc.device_namespace" == world.judge(other)


@pytest.mark.parametrize(
    "authorized",
    [
        [], {"nameSpaces": "a"}, {"nameSpaces": [1]}, {"dataElements": []}, {"dataElements": {"a": "b"}},
        {"dataElements": {"a": [1]}}, {"nameSpaces": ["a"], "dataElements": {"a": ["b"]}},
    ],
    ids=repr,
)  # fmt: skip
def test_mdo_27_authorizations_of_another_kind(authorized, world):
    """MDO-27: what is no list of namespaces and elements, or has a namespace in both."""
    info = {**world.stage.mso["deviceKeyInfo"], "keyAuthorizations": authorized}
    assert "malformed.mdoc" == world.judge(world.stage.forge({**world.stage.mso, "deviceKeyInfo": info}))


def test_mdo_29_several_documents(world):
    """MDO-29: in one presentation, good or bad; as an answer at close range each is taken on its own."""
    stage = world.stage
    honest, bad = stage.document, {**stage.document, "docType": "org.example.other"}

    assert "malformed.mdoc" == world.judge(response(honest, honest))
    assert "malformed.mdoc" == world.judge(response(honest, bad))
    whole = base64url(response(honest, bad))
    assert [None, "trust.issuer_not_authorized"] == [world.judge(presentation) for _, presentation in split(whole)]


@pytest.mark.parametrize(
    "members",
    [
        {"version": "2.0"}, {"version": 1}, {"status": 10}, {"status": "0"}, {"status": False}, {"documents": []},
        {"documents": None}, {"documents": {}}, {"documents": [None]}, {"documentErrors": {}}, {"documentErrors": [5]},
        {"documentErrors": [{"org.iso.23220.photoid.1": 0}]}, {"documentErrors": [{"a": "0"}]},
        {"documentErrors": [{}]},
    ],
    ids=repr,
)  # fmt: skip
def test_mdo_29_envelopes(members, world):
    """MDO-29: another version, an error, or no document, whatever came along."""
    assert "malformed.mdoc" == world.judge(response(world.stage.document, **members))


def test_mdo_29_error_about_something_else(world):
    """MDO-29: a document that was asked for besides, and is not there, spoils nothing."""
    assert None is world.judge(response(world.stage.document, documentErrors=[{"org.example.other": 0}]))


def test_mdo_32_limits(world):
    """MDO-32: a portrait of 5 MB, ten thousand elements or digests, five hundred namespaces, many documents."""
    stage = world.stage
    some = CBORTag(24, item(0, "name", "a"))

    def shown(namespaces):
        return stage.show(change=lambda document: document["issuerSigned"].update(nameSpaces=namespaces))

    assert "limit.size" == world.judge(stage.disclosing({0: item(0, "portrait", bytes(5_000_000))}))
    for count in (1_001, 10_000):
        assert "limit.count" == world.judge(shown({"a": [CBORTag(24, b"")] * count}))
    assert "limit.count" == world.judge(shown({str(number): [some] for number in range(500)}))
    for count in (4_001, 10_000):
        many = {stage.namespace: dict.fromkeys(range(count), b"")}
        assert "limit.count" == world.judge(stage.forge({**stage.mso, "valueDigests": many}))
    spaces = {str(number): {0: b""} for number in range(500)}
    assert "limit.count" == world.judge(stage.forge({**stage.mso, "valueDigests": spaces}))
    assert "limit.count" == world.judge(response(*[{}] * 17))


def test_mdo_35_encodings(world):
    """MDO-35: padded, standard base64, hex, and nothing at all."""
    message = base64url(world.stage.presentation)

    assert "malformed.encoding" == world.judge(world.stage.presentation + "==")
    assert "malformed.encoding" == world.judge(b64encode(message + b"\xff\xfb").decode())
    assert world.judge(message.hex()) in {"malformed.encoding", "malformed.cbor", "malformed.mdoc"}
    assert "malformed.cbor" == world.judge("")
    assert "malformed.mdoc" == world.judge("gA")
