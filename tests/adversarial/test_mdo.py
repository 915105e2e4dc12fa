"""Rows MDO-01 to MDO-14 of the security matrix: what the CBOR and the COSE of an mdoc may be made of.

Each test is one row, over several inputs that break the same rule; one input per peer that misbehaves is in
:mod:`ewallet.testing.misbehave_mdoc`, which the ladder goes through. The others are in ``test_mdo_rest.py``.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import cbor2
import pytest
from cbor2 import CBORTag

from ewallet.shape import MAX_DEPTH, base64url, embed, to_base64url
from ewallet.testing.mdoc import item


def test_what_is_in_order_is_accepted(world):
    """The presentation that all others here were made of, and one that was put together again."""
    assert None is world.judge(world.stage.presentation)
    assert None is world.judge(world.stage.show())
    assert None is world.judge(world.stage.forge(world.stage.mso))


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00", b"\xd8\x18", b"\xc0"], ids=["arrays", "maps", "24", "0"])
def test_mdo_01_deep_nesting(opening, world):
    """MDO-01: a hundred thousand arrays, maps and tags, and one more than are read inside an item."""
    assert world.judge(to_base64url(opening * 100_000 + b"\x00")) in {"limit.depth", "malformed.cbor"}
    deep = b"\x81" * (MAX_DEPTH + 2) + b"\x00"
    nested = b"\xa1" + cbor2.dumps("elementValue") + deep
    assert "limit.depth" == world.judge(world.stage.disclosing({0: nested}))


@pytest.mark.parametrize("header", ["9b0000010000000000", "bbffffffffffffffff", "5b0000000200000000"])
def test_mdo_02_lengths_without_a_body(header, world):
    """MDO-02: an array of 2^40, a map of 2^64-1, a byte string of 2^33, outside and inside."""
    assert "malformed.cbor" == world.judge(to_base64url(bytes.fromhex(header)))
    assert "malformed.cbor" == world.judge(world.stage.disclosing({0: bytes.fromhex(header)}))


def _doubled(encoded, name, value):
    """A map with up to 22 members, and one more that may be there already."""
    return bytes([encoded[0] + 1]) + encoded[1:] + cbor2.dumps(name) + cbor2.dumps(value)


def test_mdo_03_duplicate_keys(world):
    """MDO-03: a member twice in the response, the signed object, an item, and a header."""
    stage = world.stage
    whole = base64url(stage.presentation)
    payload = embed(_doubled(cbor2.dumps(stage.mso), "docType", "org.example.other"))
    protected = _doubled(stage.auth[0], 1, -7)

    assert "malformed.cbor" == world.judge(to_base64url(_doubled(whole, "status", 0)))
    assert "malformed.cbor" == world.judge(stage.sign(payload).show())
    assert "malformed.cbor" == world.judge(stage.disclosing({0: _doubled(item(0, "name", "a"), "elementValue", "b")}))
    assert "malformed.cbor" == world.judge(stage.forge(stage.mso, header=protected))


def test_mdo_04_trailing_bytes(world):
    """MDO-04: something after the response, the object that is signed, an item, a header, and the device's elements."""
    stage = world.stage

    assert "malformed.cbor" == world.judge(to_base64url(base64url(stage.presentation) + b"\xf6"))
    assert "malformed.cbor" == world.judge(stage.sign(embed(cbor2.dumps(stage.mso) + b"\xf6")).show())
    assert "malformed.cbor" == world.judge(stage.sign(embed(cbor2.dumps(stage.mso)) + b"\xf6").show())
    assert "malformed.cbor" == world.judge(stage.disclosing({0: item(0, "name", "a") + b"\xf6"}))
    assert "malformed.cbor" == world.judge(stage.forge(stage.mso, header=stage.auth[0] + b"\xf6"))
    assert "malformed.cbor" == world.judge(stage.show(stated=b"\xa0\xf6"))


@pytest.mark.parametrize(
    "raw",
    ["c100", "c24101", "c34101", "c4820101", "c5820101", "d81c81d81d00", "d81d00", "d81e820102", "d8236128", "d8246100",
     "d82550" + "00" * 16, "d9010080", "d9010280", "d9010444c0000201", "d9d9f700"],
)  # fmt: skip
def test_mdo_07_other_tags(raw, world):
    """MDO-07: numbers, shared and cyclic values, regular expressions, mail, references, sets, addresses, and itself."""
    value = bytes.fromhex(raw)
    signed = b"\xa4" + item(0, "name", None)[1:-1] + value

    assert "malformed.cbor" == world.judge(to_base64url(b"\xa1" + cbor2.dumps("version") + value))
    assert "malformed.cbor" == world.judge(world.stage.disclosing({0: signed}))


@pytest.mark.parametrize("digest_id", [-1, 1 << 31, 1 << 63, 1.0, "1", None, True, b"1"], ids=repr)
def test_mdo_09_digest_identifiers(digest_id, world):
    """MDO-09: negative, too large, or no number, in an item and in the object that is signed."""
    stage = world.stage
    other = {stage.namespace: {digest_id: bytes(32)}}

    assert "malformed.mdoc" == world.judge(stage.disclosing({0: item(digest_id, "name", "a")}))
    assert "malformed.mdoc" == world.judge(stage.forge({**stage.mso, "valueDigests": other}))


@pytest.mark.parametrize("digests", [[], {"a": []}, {1: {}}, {"a": {1: "text"}}, {"a": {1: None}}, None], ids=repr)
def test_mdo_09_digests_of_another_kind(digests, world):
    """MDO-09: digests that are no map of maps of byte strings."""
    assert "malformed.mdoc" == world.judge(world.stage.forge({**world.stage.mso, "valueDigests": digests}))


@pytest.mark.parametrize(
    "moment",
    [
        CBORTag(0, "2026-11-21T00:00:00"), CBORTag(0, "2026-11-21T00:00:00.5Z"),
        CBORTag(0, "2026-11-21T00:00:00+09:00"), CBORTag(1004, "2026-11-21"), CBORTag(0, "2026-11-21"),
        CBORTag(0, "2026-02-30T00:00:00Z"), CBORTag(0, 5),
        CBORTag(0, "2026-11-21T24:00:00Z"), CBORTag(0, "2026-11-21t00:00:00z"), CBORTag(0, "٢٠٢٦-11-21T00:00:00Z"),
        "2026-11-21T00:00:00Z", 1_795_219_200, None,
    ],
    ids=repr,
)  # fmt: skip
def test_mdo_11_moments(moment, world):
    """MDO-11: without zone, with a fraction or another zone, on no day, no tdate at all."""
    for name in ("signed", "validFrom", "validUntil", "expectedUpdate"):
        info = {**world.stage.mso["validityInfo"], name: moment}
        assert "malformed.mdoc" == world.judge(world.stage.forge({**world.stage.mso, "validityInfo": info}))


def test_mdo_11_numeric_date(world):
    """MDO-11: seconds since 1970 are no tdate."""
    info = {**world.stage.mso["validityInfo"], "signed": CBORTag(1, 5)}
    assert "malformed.cbor" == world.judge(world.stage.forge({**world.stage.mso, "validityInfo": info}))


@pytest.mark.parametrize("value", [CBORTag(1004, "2026-02-30"), CBORTag(1004, "2026-1-1"), CBORTag(1004, 5)], ids=repr)
def test_mdo_11_dates(value, world):
    """MDO-11: an element with a date that does not exist."""
    assert "malformed.mdoc" == world.judge(world.stage.disclosing({0: item(0, "birth_date", value)}))


@pytest.mark.parametrize("header", [{}, {1: 5}, {1: 4}, {1: -37}, {1: "ES256"}, {1: True}, {1: -8 - 256}], ids=repr)
def test_mdo_12_algorithms(header, world):
    """MDO-12: none, a MAC, another kind of signature, a name, one that nobody knows."""
    assert "crypto.alg_not_allowed" == world.judge(world.stage.forge(world.stage.mso, header=header))


@pytest.mark.parametrize("alg", [-8, -19, -35, -51, -36, -52])
def test_mdo_12_algorithm_of_another_key(alg, world):
    """MDO-12: EdDSA, ES384 or ES512 with a P-256 key, in the header of issuer and device."""
    stage = world.stage

    def renamed(document):
        document["deviceSigned"]["deviceAuth"]["deviceSignature"][0] = cbor2.dumps({1: alg})

    assert "crypto.alg_not_allowed" == world.judge(stage.forge(stage.mso, header={1: alg}))
    assert "crypto.alg_not_allowed" == world.judge(stage.show(change=renamed))


def test_mdo_12_unprotected_algorithm(world):
    """MDO-12: an algorithm that nobody signed, with and without one that somebody did."""
    stage, unprotected = world.stage, {1: -7, **world.stage.auth[1]}

    assert "crypto.alg_not_allowed" == world.judge(stage.forge(stage.mso, header=b"", unprotected=unprotected))
    assert "malformed.cose" == world.judge(stage.forge(stage.mso, unprotected=unprotected))


def test_mdo_13_headers(world):
    """MDO-13: a protected parameter added or removed afterwards, and a demand that nobody knows in either bucket."""
    stage = world.stage
    longer = stage.forge(stage.mso, header={1: -7, 4: b"a"})
    assert None is world.judge(longer)
    changed = replace(stage, auth=(cbor2.dumps({1: -7, 4: b"a"}), *stage.auth[1:])).show()
    removed = replace(stage.sign(stage.auth[2], header={1: -7, 4: b"a"}), auth=None)
    auth = stage.sign(stage.auth[2], header={1: -7, 4: b"a"}).auth

    assert "crypto.signature_invalid" == world.judge(changed)
    assert "crypto.signature_invalid" == world.judge(replace(removed, auth=(stage.auth[0], *auth[1:])).show())
    assert "crypto.crit_unsupported" == world.judge(stage.forge(stage.mso, header={1: -7, 2: [4], 4: b"a"}))
    assert "crypto.crit_unsupported" == world.judge(stage.forge(stage.mso, unprotected={2: [4], **stage.auth[1]}))


@pytest.mark.parametrize(
    "auth",
    [
        None, [], {}, [b"\xa1\x01\x26", {}, b""], [b"\xa1\x01\x26", {}, b"", [[b"", {}, b""]]],
        [{1: -7}, {}, b"", b""], [b"\xa1\x01\x26", [], b"", b""], [b"\xa1\x01\x26", {}, "", b""],
        [b"\x80", {}, b"", b""],
    ],
    ids=repr,
)  # fmt: skip
def test_mdo_13_messages(auth, world):
    """MDO-13: no array of four, a message of several signatures, headers and payload of another kind."""
    assert "malformed.cose" == world.judge(
        world.stage.show(change=lambda document: document["issuerSigned"].update(issuerAuth=auth))
    )


def test_mdo_13_tagged_message(world):
    """MDO-13: an inner message has no tag (ISO/IEC 18013-5 §9.1.2.4), and tag 18 is not one that is read there."""
    tagged = CBORTag(18, list(world.stage.auth))

    assert "malformed.cbor" == world.judge(
        world.stage.show(change=lambda document: document["issuerSigned"].update(issuerAuth=tagged))
    )


def test_mdo_14_certificates(world):
    """MDO-14: none, only a thumbprint or an address of one, and chains of other kinds."""
    stage = world.stage
    (der,) = stage.auth[1].values()

    def code(unprotected):
        return world.judge(stage.forge(stage.mso, unprotected=unprotected))

    assert "trust.no_path" == code({})
    assert "trust.no_path" == code({34: [-16, sha256(der).digest()]})
    assert "trust.no_path" == code({35: "https://issuer.example/ds.cer"})
    assert "malformed.cose" == code({33: []})
    assert "malformed.cose" == code({33: "text"})
    assert "malformed.cose" == code({33: [der, None]})
    assert "limit.count" == code({33: [der] * 6})
    assert "limit.size" == code({33: der + bytes(20_000)})
    assert "malformed.x509" == code({33: b"no certificate"})


def test_mdo_14_certificates_in_either_header(world):
    """MDO-14: protected, or an array of one, is read as well; in both headers it is none."""
    stage = world.stage
    (der,) = stage.auth[1].values()

    assert None is world.judge(stage.forge(stage.mso, header={1: -7, 33: der}, unprotected={}))
    assert None is world.judge(stage.forge(stage.mso, unprotected={33: [der]}))
    assert "malformed.cose" == world.judge(stage.forge(stage.mso, header={1: -7, 33: der}))
