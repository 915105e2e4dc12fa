"""The one door for untrusted bytes: what it reads, what it refuses, and that nothing else leaves it."""

from __future__ import annotations

import base64 as standard
import json
import math
import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet import shape
from ewallet.errors import Malformed
from ewallet.testing.crls import Listed, crl
from ewallet.testing.pki import Pki

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


def _code(read, *args, **kwargs):
    with pytest.raises(Malformed) as refused:
        read(*args, **kwargs)
    return refused.value.code


# -- base64 ------------------------------------------------------------------------------------------------


@given(st.binary())
def test_base64url_comes_back(raw):
    """Every byte string survives the way out and in, without padding."""
    text = shape.to_base64url(raw)
    assert "=" not in text
    assert raw == shape.base64url(text)


@given(st.text(max_size=40))
def test_base64url_has_one_spelling(text):
    """What is read is written the same; everything else is refused by our error."""
    try:
        raw = shape.base64url(text)
    except Malformed as refused:
        assert refused.code == "malformed.encoding"
    else:
        assert text == shape.to_base64url(raw)


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AA=", "AA==", "A+AA", "A/AA", "AA AA", "AA\n", "AB", "AAB", "é", "\ud800"]
)
def test_base64url_with_a_flaw_is_refused(text):
    """Padding, another alphabet, space, a line break, left-over bits."""
    assert _code(shape.base64url, text) == "malformed.encoding"


_WITHOUT_THE_EXTRA = """
import sys
sys.modules["pybase64"] = None
from ewallet.errors import Malformed
from ewallet.shape import base64url, to_base64url
assert all(raw == base64url(to_base64url(raw)) for raw in map(bytes, range(64)))
for text in ("A", "AA=", "A+AA", "A/AA", "AA AA", "AB", "AAB", "\u00e9"):
    try:
        base64url(text)
    except Malformed:
        continue
    raise SystemExit(text)
"""


def test_base64url_is_the_same_without_the_faster_reader():
    """What it reads and refuses does not depend on an extra."""
    assert subprocess.run([sys.executable, "-c", _WITHOUT_THE_EXTRA], check=False).returncode == 0


@given(st.binary())
def test_base64_comes_back(raw):
    """The padded alphabet of certificates."""
    assert raw == shape.base64(standard.b64encode(raw).decode())


@pytest.mark.parametrize("text", ["AA", "AA=", "A-==", "AB==", "AA==\n", "AA ==", "é", "===="])
def test_base64_with_a_flaw_is_refused(text):
    """Missing padding, another alphabet, space, left-over bits."""
    assert _code(shape.base64, text) == "malformed.encoding"


# -- json --------------------------------------------------------------------------------------------------


@given(_TREES)
def test_json_comes_back(tree):
    """What the standard library writes is read as it was, from text and from bytes."""
    text = json.dumps(tree, ensure_ascii=True)
    try:
        read = shape.json_value(text)
    except Malformed:
        text.encode("ascii").decode("ascii")
        assert "\\ud" in text.lower()  # an unpaired surrogate
    else:
        assert tree == read == shape.json_value(text.encode())


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_nothing_but_our_error_leaves_the_json_door(raw):
    """Any bytes, any text."""
    try:
        shape.json_value(raw)
    except Malformed as refused:
        assert refused.code.startswith(("malformed.", "limit."))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1, "a": 2}', "malformed.json_duplicate"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "malformed.json_duplicate"),
        ("NaN", "malformed.json"),
        ("[-Infinity]", "malformed.json"),
        ("1e400", "malformed.json"),
        ("-1e400", "malformed.json"),
        ("1" * 5_000, "malformed.json"),
        ('"\\ud800"', "malformed.json"),
        ('"\\udc00"', "malformed.json"),
        (b'"\xff"', "malformed.json"),
        (b"\xef\xbb\xbf{}", "malformed.json"),
        ('"a\nb"', "malformed.json"),
        ("{} {}", "malformed.json"),
        ("", "malformed.json"),
        ("[" * 34 + "]" * 34, "limit.depth"),
        ("[" * 100_000, "limit.depth"),
        ('{"a":' * 33 + "1" + "}" * 33, "limit.depth"),
        (" " * (shape.MAX_DOCUMENT + 1), "limit.size"),
    ],
    ids=range(18),
)
def test_json_that_peers_read_differently_is_refused(text, code):
    """Repeated members, numbers that are none, unpaired surrogates, other encodings, deep nesting, length."""
    assert code == _code(shape.json_value, text)


@pytest.mark.parametrize(
    "text", ["[" * 32 + "]" * 32, "[" + "[]," * 100 + "[]]", '"\\ud83d\\ude00"', '"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["']
)
def test_json_within_the_limits_is_read(text):
    """Thirty-two levels, many siblings, a paired surrogate, brackets inside a text."""
    assert json.loads(text) == shape.json_value(text)


def test_json_object_wants_an_object():
    """Anything else is of the wrong kind; a smaller limit counts."""
    assert {} == shape.json_object("{}")
    assert _code(shape.json_object, "[]") == "malformed.claim_type"
    assert _code(shape.json_object, "{}", limit=1) == "limit.size"


# -- members -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (None, str, "null"),
        (True, int, "a boolean"),
        (1, bool, "an integer"),
        (1.5, int, "a number"),
        ("1", int, "a string"),
        ([], dict, "an array"),
        ({}, list, "an object"),
        (object(), str, "another kind"),
    ],
    ids=range(8),
)
def test_value_of_another_kind_is_refused_without_being_quoted(value, kind, said):
    """The message names the kinds, never the value."""
    with pytest.raises(Malformed) as refused:
        shape.instance(value, kind, "the thing")
    assert refused.value.code == "malformed.claim_type"
    assert refused.value.detail.startswith(f"the thing is {said}, expected ")


def test_members_are_read_by_name_and_kind():
    """A member that must be there, one that may be absent but not null."""
    members = {"a": 1, "b": None}
    assert shape.member(members, "a", int) == 1
    assert shape.optional(members, "a", int) == 1
    assert shape.optional(members, "c", int) is None
    assert _code(shape.member, members, "c", int) == "malformed.claim_type"
    assert _code(shape.member, members, "b", int) == "malformed.claim_type"
    assert _code(shape.optional, members, "b", int) == "malformed.claim_type"


def test_strings_are_a_non_empty_array_of_strings():
    """Nothing else will do."""
    assert shape.strings(["a", "b"], "them") == ("a", "b")
    for wrong in ([], "a", ["a", 1], None):
        assert _code(shape.strings, wrong, "them") == "malformed.claim_type"


def test_dates_are_seconds_within_four_digit_years():
    """Whole or with a fraction, never before 1970 or after 9999."""
    assert shape.numeric_date(0, "exp") == 0
    assert shape.numeric_date(1.9, "exp") == 1
    assert shape.numeric_date(shape.MAX_TIME, "exp") == shape.MAX_TIME
    wrongs: tuple[object, ...] = (-1, shape.MAX_TIME + 1, 1 << 53, "1", True, None, [], {}, math.nan)
    for wrong in wrongs:
        assert _code(shape.numeric_date, wrong, "exp") == "malformed.claim_type"


# -- compressed --------------------------------------------------------------------------------------------


@given(st.binary(max_size=2_000))
def test_zlib_streams_are_inflated(raw):
    """At any level."""
    for level in (0, 9):
        assert raw == shape.inflate(zlib.compress(raw, level), "it")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed.encoding"),
        (b"abc", "malformed.encoding"),
        (zlib.compress(b"a")[:-1], "malformed.encoding"),
        (zlib.compress(b"a") + b"a", "malformed.encoding"),
        (zlib.compress(b"a")[2:-4], "malformed.encoding"),
        (zlib.compress(bytes(1_001)), "limit.decompressed"),
        (zlib.compress(bytes(50_000_000)), "limit.decompressed"),
    ],
    ids=range(7),
)
def test_stream_that_is_broken_or_a_bomb_is_refused(raw, code):
    """Empty, no stream, cut, with a tail, without its header, too long, far too long."""
    assert code == _code(shape.inflate, raw, "it", limit=1_000)


# -- certificates ------------------------------------------------------------------------------------------


def test_certificates_are_read_from_der_and_pem(ewallet_pki: Pki):
    """The same certificate either way."""
    der = ewallet_pki.root.der
    read = shape.certificate(der)
    pem = b"-----BEGIN CERTIFICATE-----\n" + standard.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    assert (read,) == shape.certificates(pem)


def test_revocation_lists_are_read_from_der_and_pem(ewallet_pki: Pki):
    """The same list either way; anything else is none, and one that is too long is not read."""
    der = crl(Listed(since=ewallet_pki.at), by=ewallet_pki.root)
    pem = b"-----BEGIN X509 CRL-----\n" + standard.encodebytes(der) + b"-----END X509 CRL-----\n"
    assert shape.revocation_list(der) == shape.revocation_list(pem)
    for raw in (b"", b"abc", der + b"\x00", der[:-1], ewallet_pki.root.der, b"-----BEGIN X509 CRL-----\n"):
        assert _code(shape.revocation_list, raw) == "malformed.x509"
    assert _code(shape.revocation_list, bytes(shape.MAX_CRL + 1)) == "limit.size"


def test_certificate_that_is_none_is_refused(ewallet_pki: Pki):
    """Other bytes, a tail, a cut, an unknown version, too many bytes, no PEM."""
    der = ewallet_pki.root.der
    version = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
    for raw in (b"", b"abc", der + b"\x00", der[:-1], version):
        assert _code(shape.certificate, raw) == "malformed.x509"
    assert _code(shape.certificate, bytes(shape.MAX_CERTIFICATE + 1)) == "limit.size"
    assert _code(shape.certificates, b"abc") == "malformed.x509"


@pytest.mark.parametrize("read", [shape.certificate, shape.revocation_list])
def test_signature_whose_last_bit_is_said_to_be_unused_is_refused(ewallet_pki: Pki, read):
    """The signature would stand although a byte outside of what is signed has changed."""
    ends = (_with_even_end(ewallet_pki, read) for _ in range(64))
    der, length = next(found for found in ends if found is not None)
    assert read(der).signature == der[-length:]
    changed = bytearray(der)
    changed[-length - 1] = 1
    assert _code(read, bytes(changed)) == "malformed.x509"


def _with_even_end(pki, read):
    """A newly signed text and the length of its signature, if that ends with a zero bit."""
    der = crl(Listed(since=pki.at), by=pki.root) if read is shape.revocation_list else Pki.make(at=pki.at).root.der
    signature = read(der).signature
    return (der, len(signature)) if signature[-1] % 2 == 0 else None


@given(st.binary(max_size=200))
def test_nothing_but_our_error_leaves_the_certificate_door(raw):
    """Any bytes."""
    assert _code(shape.certificate, raw) == "malformed.x509"
