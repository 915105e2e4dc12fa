"""Device engagement: what a code says is read strictly, and what a later edition adds is ignored."""

from __future__ import annotations

from typing import Any

import pytest
from cbor2 import CBORTag

from ewallet import cose, qr
from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.proximity import Engagement, Method
from ewallet.shape import to_cbor

KEY = SigningKey.generate().public
KEY_BYTES = to_cbor(cose.cose_key(KEY))
SECURITY = [1, CBORTag(24, KEY_BYTES)]
MEMBERS: dict[Any, Any] = {0: "1.0", 1: SECURITY}


def _refused(raw):
    with pytest.raises(EWalletError) as caught:
        Engagement.parse(raw)
    return caught.value.code


def test_a_code_says_what_was_put_into_it():
    """Key, ways, and the very bytes both sides derive their keys from."""
    made = Engagement.make(KEY, [Method(2, 1, {0: False, 1: True, 11: bytes(16)}), Method(1, 1, {0: 255, 1: 256})])

    assert made == Engagement.read(made.text)
    assert KEY.jwk == made.key.jwk


def test_a_code_without_ways_has_none():
    """The reader is told another way, as when both hang on one cable."""
    assert () == Engagement.parse(Engagement.make(KEY).raw).methods


def test_a_code_is_read_from_its_picture():
    """What a terminal draws, a camera reads."""
    made = Engagement.make(KEY)

    assert made == Engagement.read(qr.read(qr.png(made.text)))


def test_the_scheme_is_read_in_any_case_and_with_space_around():
    """Scanners add line ends."""
    made = Engagement.make(KEY)

    assert made == Engagement.read(f"MDOC:{made.text.removeprefix('mdoc:')}\n")


def test_what_a_later_edition_adds_is_ignored():
    """Another minor version, members of other numbers, ways of other types."""
    raw = to_cbor({**MEMBERS, 0: "1.1", 2: [[77, 9, {"x": 1}]], 3: {}, 5: "?", -1: None})

    read = Engagement.parse(raw)

    assert (raw, KEY_BYTES) == (read.raw, read.key_bytes)
    assert (Method(77, 9, {"x": 1}),) == read.methods


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("https://bank.example", "malformed.qr"),
        ("", "malformed.qr"),
        ("openid4vp://?client_id=x", "malformed.qr"),
        ("mdoc:", "malformed.cbor"),
        ("mdoc:=", "malformed.encoding"),
        ("mdoc://oGA", "malformed.encoding"),
        ("mdoc:_w", "malformed.cbor"),
    ],
)
def test_another_text_is_no_engagement(text, code):
    """Whatever was in front of the camera."""
    with pytest.raises(EWalletError) as caught:
        Engagement.read(text)

    assert code == caught.value.code


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([], "malformed.mdoc"),
        ({**MEMBERS, "0": 1}, "malformed.mdoc"),
        ({1: SECURITY}, "malformed.mdoc"),
        ({**MEMBERS, 0: 1}, "malformed.mdoc"),
        ({**MEMBERS, 0: "2.0"}, "malformed.mdoc"),
        ({0: "1.0"}, "malformed.mdoc"),
        ({**MEMBERS, 1: [1]}, "malformed.mdoc"),
        ({**MEMBERS, 1: [*SECURITY, 0]}, "malformed.mdoc"),
        ({**MEMBERS, 1: ["1", SECURITY[1]]}, "malformed.mdoc"),
        ({**MEMBERS, 1: [True, SECURITY[1]]}, "malformed.mdoc"),
        ({**MEMBERS, 1: [2, SECURITY[1]]}, "crypto.alg_not_allowed"),
        ({**MEMBERS, 1: [1, KEY_BYTES]}, "malformed.mdoc"),
        ({**MEMBERS, 1: [1, CBORTag(24, b"\xa0")]}, "crypto.key_invalid"),
        ({**MEMBERS, 1: [1, CBORTag(24, b"\x80")]}, "malformed.cose"),
        ({**MEMBERS, 1: [1, CBORTag(24, to_cbor({**cose.cose_key(KEY), -4: bytes(32)}))]}, "crypto.key_invalid"),
        ({**MEMBERS, 1: [1, CBORTag(24, to_cbor({**cose.cose_key(KEY), -2: bytes(32)}))]}, "crypto.key_invalid"),
        ({**MEMBERS, 2: {}}, "malformed.mdoc"),
        ({**MEMBERS, 2: [2]}, "malformed.mdoc"),
        ({**MEMBERS, 2: [[2, 1]]}, "malformed.mdoc"),
        ({**MEMBERS, 2: [[2, 1, []]]}, "malformed.mdoc"),
        ({**MEMBERS, 2: [[-2, 1, {}]]}, "malformed.mdoc"),
        ({**MEMBERS, 2: [[2, -1, {}]]}, "malformed.mdoc"),
        ({**MEMBERS, 2: [["2", 1, {}]]}, "malformed.mdoc"),
        ({**MEMBERS, 2: [[2, 1, {}]] * 17}, "limit.count"),
        ({**MEMBERS, 9: bytes(3_000)}, "limit.size"),
    ],
)
def test_an_engagement_of_another_form_is_refused(members, code):
    """What the standard knows must be as it says."""
    assert code == _refused(to_cbor(members))


@pytest.mark.parametrize("cut", [1, 10, 40, 80])
def test_an_engagement_that_is_cut_off_is_refused(cut):
    """As a camera may read it."""
    assert "malformed.cbor" == _refused(Engagement.make(KEY).raw[:-cut])
