"""Addresses that strangers write: what is none is refused by name wherever it stands, and is never a fault of ours."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

import ewallet
from ewallet import oauth
from ewallet.acceptance import _origin as origin_of_offer
from ewallet.conversation import _origin as origin_of_request
from ewallet.errors import EWalletError
from ewallet.flow import Request, Response
from ewallet.keys import SigningKey
from ewallet.links import path_of
from ewallet.oid4vci.metadata import AuthorizationServerMetadata
from ewallet.oid4vp.request import check_identified
from ewallet.portal.client import Asking, PortalClient
from ewallet.testing.kit import CLIENT_ID, Kit

PORTAL = "https://portal.example.go.kr/mydata"
BACK = "https://bank.example/back"
NONE = ("http://[", "https://[::1", "https://a:b", "https://a:99999", "//[", "https://", "", "https://a b")
LONE = "https://\ud800"  # which is no JSON either
#: Where addresses may be taken apart: where strangers' ones are judged, and where ones that were judged are used.
TAKEN_APART = {
    "annex_b.py",
    "cli/consent.py",
    "cli/receive.py",
    "exchange.py",
    "http.py",
    "issuer_metadata.py",
    "links.py",
    "oauth.py",
    "portal/pushed.py",
    "sighting.py",
}


def _client(portal=PORTAL, back=BACK, answers=()):
    told = iter(answers)
    return PortalClient(
        portal, "bank.example", signer=SigningKey.generate(), redirect_uri=back, send=lambda _request: next(told)
    )


def _metadata(**changes):
    said = {"issuer": PORTAL, "token_endpoint": f"{PORTAL}/token", "pushed_authorization_request_endpoint": PORTAL}
    return Response(200, {"content-type": "application/json"}, json.dumps(said | changes).encode())


def _code(call, *arguments):
    with pytest.raises(EWalletError) as refused:
        call(*arguments)
    return refused.value.code


@pytest.mark.parametrize("address", [*NONE, LONE])
def test_whoever_came_back_elsewhere_has_no_token(address):
    """What came back is a text of whoever sent it."""
    asking = Asking(url=PORTAL, state="s", code_verifier="v")

    assert "request.invalid" == _code(_client().token, asking, address)


@pytest.mark.parametrize("query", ["iss=%zz", "state=s&state=t", "code=%ff", "\ud800=1", "&".join(["a=b"] * 1_000)])
def test_an_answer_is_a_form_or_none(query):
    """Each parameter once, in UTF-8, and not any number of them."""
    asking = Asking(url=PORTAL, state="s", code_verifier="v")

    assert "request.invalid" == _code(_client().token, asking, f"{BACK}?{query}")


@pytest.mark.parametrize("address", [*NONE, LONE, "http://portal.example"])
def test_a_portal_has_an_address(address):
    """As whoever receives has: it is said at once, and not at the first request."""
    assert ["usage.argument"] * 2 == [_code(_client, address), _code(_client, PORTAL, address)]


@pytest.mark.parametrize("address", NONE)
def test_a_portal_that_names_no_address_is_not_asked(address):
    """Its metadata are a text of whoever answers there."""
    client = _client(answers=[_metadata(pushed_authorization_request_endpoint=address)])

    assert "malformed.url" == _code(partial(client.ask, days=1), "bank_personal_loan")


@pytest.mark.parametrize("address", NONE)
def test_no_address_is_taken_for_one(address):
    """Of an offer, a request, a server's metadata, and where an answer is sent."""
    leaf = Kit.make().pki.verifier.chain[0]
    server = {"issuer": address, "token_endpoint": "https://issuer.example/token"}

    assert ["malformed.url"] * 4 == [
        _code(origin_of_offer, address),
        _code(origin_of_request, Request("GET", address)),
        _code(AuthorizationServerMetadata.parse, json.dumps(server), address),
        _code(check_identified, CLIENT_ID, leaf, address),
    ]


@pytest.mark.parametrize(("address", "path"), [("//[", ""), ("https://a.example/b?c", "/b"), ("/b", "/b")])
def test_a_path_of_no_address_is_none(address, path):
    """So that nothing is found there."""
    assert path == path_of(address)


def test_the_parameters_of_an_answer_are_those_of_its_query():
    """Whatever stands before or behind it."""
    assert {"code": "a b", "state": "s"} == oauth.answered(f"{BACK}?code=a+b&state=s&empty=#iss=x")


def test_addresses_are_taken_apart_in_few_places():
    """A new one is judged by ``oauth.url`` or ``oauth.split_url`` before anything is made of it."""
    folder = Path(ewallet.__file__).parent
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if "testing" not in path.parts and "urlsplit(" in path.read_text("utf-8")
    }

    assert TAKEN_APART == found
