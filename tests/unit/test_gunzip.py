from __future__ import annotations

import gzip

import pytest

from ewallet.errors import Malformed
from ewallet.shape import gunzip


@pytest.mark.parametrize("body", [b"", b"a" * 1000])
def test_gzip_is_inflated_up_to_the_limit(body):
    """A body of exactly the limit is read."""
    assert body == gunzip(gzip.compress(body), "the body", limit=len(body))


_MEMBER = gzip.compress(b"status list")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (gzip.compress(bytes(10_000_000)), "limit.decompressed"),
        (gzip.compress(bytes(1001)), "limit.decompressed"),
        (_MEMBER[:-1], "malformed.encoding"),
        (_MEMBER + b"x", "malformed.encoding"),
        (_MEMBER + _MEMBER, "malformed.encoding"),
        (_MEMBER[:-8] + bytes(8), "malformed.encoding"),
        (b"plain", "malformed.encoding"),
        (b"", "malformed.encoding"),
    ],
    ids=["bomb", "one more", "cut", "trailing", "two members", "checksum", "plain", "empty"],
)
def test_gzip_that_is_too_large_or_not_one_member_is_refused(raw, code):
    """A bomb stops at the limit; a cut or lengthened body is not a body."""
    with pytest.raises(Malformed) as caught:
        gunzip(raw, "the body", limit=1000)
    assert code == caught.value.code
