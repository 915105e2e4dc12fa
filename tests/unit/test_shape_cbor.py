"""The CBOR door: strict on keys, tags, depth, length and what follows."""

from __future__ import annotations

import resource

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet import shape
from ewallet.errors import Malformed

_KEYS = st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=5)
_TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


def _code(raw, **kwargs):
    with pytest.raises(Malformed) as refused:
        shape.cbor(raw, **kwargs)
    return refused.value.code


@given(_TREES)
def test_cbor_comes_back(tree):
    """What is encoded is read as it was."""
    assert tree == shape.cbor(cbor2.dumps(tree))


@given(st.binary(max_size=60))
def test_nothing_but_our_error_leaves_the_cbor_door(raw):
    """Any bytes."""
    try:
        shape.cbor(raw)
    except Malformed as refused:
        assert refused.code in {"malformed.cbor", "limit.depth"}


@pytest.mark.parametrize("opening", [b"\x81", b"\x9f", b"\xa1\x00", b"\xbf\x00", b"\xd8\x18", b"\xc0"])
def test_deep_nesting_is_refused_before_it_costs_anything(opening):
    """A hundred thousand arrays, maps or tags inside each other."""
    assert _code(opening * 100_000) in {"limit.depth", "malformed.cbor"}


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x00"])
def test_nesting_is_read_up_to_the_limit(opening):
    """A level more is too many."""
    shape.cbor(opening * (shape.MAX_DEPTH - 1) + b"\x00")
    assert _code(opening * (shape.MAX_DEPTH + 2) + b"\x00") == "limit.depth"


@pytest.mark.parametrize(
    "header",
    [b"\x9b" + bytes.fromhex("0000010000000000"), b"\xbb" + b"\xff" * 8, b"\x5b" + bytes.fromhex("0000000200000000")],
    ids=["array", "map", "bytes"],
)
def test_length_without_a_body_allocates_nothing(header):
    """An array of 2^40, a map of 2^64-1, a byte string of 2^33."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert _code(header) == "malformed.cbor"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024


@pytest.mark.parametrize("raw", ["a2000100 02", "a261610161 6102", "a2f600f601", "bf00010002ff", "a200a2000100020001"])
def test_repeated_key_is_refused(raw):
    """By number, text or null, in maps of either length, and below."""
    assert _code(bytes.fromhex(raw)) == "malformed.cbor"


@pytest.mark.parametrize("raw", ["0000", "a0f6", "4100ff", "f6f6"])
def test_trailing_bytes_are_refused(raw):
    """One item, and nothing after it."""
    assert _code(bytes.fromhex(raw)) == "malformed.cbor"


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (1, 0), (2, b"\x01"), (3, b"\x01"), (4, [1, 1]), (5, [1, 1]), (23, b""), (25, 0), (28, [cbor2.CBORTag(29, 0)]),
        (29, 0), (30, [1, 2]), (32, "http://a.example"), (35, "(a+)+"), (36, "MIME-Version: 1.0"), (37, bytes(16)),
        (100, 0), (256, ["a"]), (258, [1]), (260, b"\x7f\x00\x00\x01"), (261, {b"\x7f\x00\x00\x00": 8}), (43_000, "a"),
        (55_799, 0), (1 << 40, 0),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)  # fmt: skip
def test_tag_outside_the_list_is_refused(tag, value):
    """No shared or cyclic values, no regular expressions, no mail, no sets, no numbers of other kinds."""
    assert _code(cbor2.dumps(cbor2.CBORTag(tag, value))) == "malformed.cbor"


@pytest.mark.parametrize(("tag", "value"), [(0, "2026-11-21T00:00:00Z"), (1004, "2026-11-21"), (24, b"\xa0")])
def test_tag_of_the_list_comes_with_its_value(tag, value):
    """Dates stay texts, embedded items stay the bytes received."""
    assert cbor2.CBORTag(tag, value) == shape.cbor(cbor2.dumps(cbor2.CBORTag(tag, value)))


def test_item_over_the_limit_is_refused():
    """By the length of what came."""
    assert shape.cbor(b"\x41\x00", limit=2) == b"\x00"
    assert _code(b"\x41\x00", limit=1) == "limit.size"


def test_large_numbers_are_read_where_they_are_asked_for():
    """Serial numbers of certificates have up to 20 octets; elsewhere such a number is refused."""
    raw = cbor2.dumps({"serialNumber": 1 << 150})

    assert {"serialNumber": 1 << 150} == shape.cbor(raw, big=True)
    for refused, big in ((raw, False), (cbor2.dumps(-(1 << 150)), True)):
        with pytest.raises(Malformed) as caught:
            shape.cbor(refused, big=big)
        assert "malformed.cbor" == caught.value.code
