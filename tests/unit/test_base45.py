"""Base45: what RFC 9285 gives as examples, and what a strict reader refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet.base45 import base45, to_base45
from ewallet.errors import Malformed


@pytest.mark.parametrize(
    ("raw", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"", "")]
)
def test_it_is_written_and_read_as_the_standard_shows(raw, text):
    """RFC 9285 §4.3 and §4.4."""
    assert (text, raw) == (to_base45(raw), base45(text))


@given(st.binary(max_size=200))
def test_what_was_written_is_read(raw):
    """Any bytes, odd or even in number."""
    assert raw == base45(to_base45(raw))


@pytest.mark.parametrize("text", ["bb8", "A", "BB8A", "BB_", "GGW", ":::", "::", "BB8\n", "가나다"])
def test_what_is_not_base45_is_refused(text):
    """QRC-06: small letters, a length that no bytes have, another alphabet, and numbers that are too large."""
    with pytest.raises(Malformed) as caught:
        base45(text)

    assert "malformed.encoding" == caught.value.code
