"""What an issuer of every kind says of itself is long: how long, and how it travels."""

from __future__ import annotations

import pytest

from ewallet.shape import MAX_DOCUMENT, gunzip
from ewallet.testing.caller import Caller


@pytest.fixture
def caller(ewallet_kit):
    """A wallet that reads them."""
    return Caller(ewallet_kit.network, ewallet_kit.issuer.identifier, ewallet_kit.env)


@pytest.mark.parametrize("accepted", ["application/json", "application/jwt"])
@pytest.mark.parametrize(
    ("coding", "squeezed"),
    [("gzip", True), ("br, gzip", True), ("*", True), ("", False), ("br", False), ("gzip;q=0", False)],
)
def test_the_metadata_travel_squeezed_for_those_who_take_it(caller, accepted, coding, squeezed):
    """Two hundred kinds in two formats are more than a megabyte; what is inside is the same, and caches are told."""
    place = "/.well-known/openid-credential-issuer"
    plain = caller.get(place, {"accept": accepted})
    answer = caller.get(place, {"accept": accepted, "accept-encoding": coding})

    assert squeezed is (answer.headers.get("content-encoding") == "gzip")
    assert plain.body == (gunzip(answer.body, "metadata") if squeezed else answer.body)
    assert "accept, accept-encoding" == plain.headers["vary"] == answer.headers["vary"]
    assert not squeezed or len(answer.body) < len(plain.body) / 2


def test_the_metadata_of_the_whole_catalogue_keep_within_half_the_limit(caller):
    """A wallet of ours reads the document of an issuer of every kind, signed too, with room for as many more."""
    answers = [
        caller.get("/.well-known/openid-credential-issuer", {"accept": accepted})
        for accepted in ("application/json", "application/jwt")
    ]
    assert max(len(answer.body) for answer in answers) < MAX_DOCUMENT / 2
