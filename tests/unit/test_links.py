"""What a scanned code or a followed link is for (row QRC-01)."""

from __future__ import annotations

import pytest

from ewallet import links
from ewallet.errors import Malformed

OFFER, REQUEST = "openid-credential-offer://?credential_offer=a", "openid4vp://?client_id=a"


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        (OFFER, "offer"),
        ("OPENID-CREDENTIAL-OFFER://?a", "offer"),
        ("haip-vci://?a", "offer"),
        (REQUEST, "request"),
        ("haip-vp://?a", "request"),
    ],
)
def test_a_link_says_what_it_is_for(text, purpose):
    """By its scheme, in whatever case."""
    assert (purpose, True, text) == (links.purpose(text), links.is_link(text), links.scanned(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "intent://scan/#Intent;scheme=openid4vp;end",
        "https://bank.example/",
        "openid4vp:alert(1)",
        "openid4vp",
        f"{REQUEST}\n",
        f"{REQUEST}\u202e",
        f" {REQUEST}",
        f"{REQUEST}{'a' * 8192}",
    ],
)
def test_anything_else_is_not_followed(text):
    """QRC-01: no page, file or program is opened, and nothing is guessed."""
    with pytest.raises(Malformed) as refused:
        links.scanned(text)

    assert "malformed.qr" == refused.value.code


def test_a_link_that_was_not_scanned_may_be_long():
    """A request that came whole, with its certificate, does not fit in a code."""
    assert "request" == links.purpose(f"{REQUEST}{'a' * 8192}")
