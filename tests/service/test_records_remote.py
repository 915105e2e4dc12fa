"""Records of an agency's own service: what each of its answers means, and what is never said."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ewallet.errors import EWalletError, Malformed, NotFound, Restricted, TransportError, UsageError
from ewallet.flow import Request, Response
from ewallet.http import parse as parse_url
from ewallet.records import Pending
from ewallet.testing.caller import KIND
from ewallet.testing.network import Network
from issuer_service.records import Access, RemoteRecords, records_of

BASE = "https://register.example/v1"


def answering(status: int, body: bytes = b"", **headers: str) -> tuple[RemoteRecords, Network]:
    """Records of a service that has one answer."""
    network = Network()
    network.route(f"{BASE}/", lambda _: Response(status, {k.replace("_", "-"): v for k, v in headers.items()}, body))
    return RemoteRecords(f"{BASE}/", network), network


def test_a_record_is_asked_for_by_handle_and_kind(ewallet_catalog):
    """One request, that says what it takes and how much."""
    sample = ewallet_catalog.type(KIND).sample
    records, network = answering(200, json.dumps(sample).encode())

    assert sample == records.claims("hong", KIND)
    (request,) = network.requests
    assert ("GET", f"{BASE}/hong/{KIND}") == (request.method, request.url)
    assert ({"accept": "application/json"}, 512 * 1024) == (request.headers, request.limit)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("30", 30), ("0", 1), ("", 60), ("soon", 60), ("-5", 60), ("9" * 9, 604_800), ("9" * 400, 60), ("٣", 60)],
)
def test_what_is_not_ready_is_asked_for_again(retry_after, seconds):
    """After the time that the service says, within reason."""
    records, _ = answering(202, retry_after=retry_after)

    assert Pending(timedelta(seconds=seconds)) == records.claims("hong", KIND)


@pytest.mark.parametrize("subject", ["..", ".", "", "a/b", "a%2fb", "a?b", "a#b", "홍", "a b", "x" * 129, "a\n"])
def test_a_handle_that_leads_elsewhere_is_nobodys(subject):
    """And nobody is asked."""
    records, network = answering(200, b"{}")
    with pytest.raises(NotFound) as refused:
        records.claims(subject, KIND)
    assert "storage.not_found" == refused.value.code

    assert [] == network.requests


ANSWERS = [
    (404, b"", NotFound, "storage.not_found"),
    (403, b'{"error": "issuance_restricted"}', Restricted, "issue.restricted"),
    (403, b'{"error": "forbidden"}', TransportError, "fetch.unavailable"),
    (403, b"<html>", TransportError, "fetch.unavailable"),
    (401, b"", TransportError, "fetch.unavailable"),
    (204, b"", TransportError, "fetch.unavailable"),
    (429, b"", TransportError, "fetch.unavailable"),
    (500, b"secret", TransportError, "fetch.unavailable"),
    (503, b"", TransportError, "fetch.unavailable"),
    (200, b"", UsageError, "issue.invalid_value"),
    (200, b"[]", UsageError, "issue.invalid_value"),
    (200, b'{"name": "secret", "name": "secret"}', UsageError, "issue.invalid_value"),
    (200, b'{"name": "secr\xff"}', UsageError, "issue.invalid_value"),
]


@pytest.mark.parametrize(("status", "body", "kind", "code"), ANSWERS)
def test_every_other_answer_has_its_code_and_tells_nothing(status, body, kind, code):
    """Neither who was asked about nor what was answered."""
    records, _ = answering(status, body)
    with pytest.raises(EWalletError) as refused:
        records.claims("hong", KIND)

    assert (kind, code) == (type(refused.value), refused.value.code)
    assert not {"hong", "secret", "register.example"} & set(str(refused.value).replace(":", " ").split())


def test_an_answer_that_is_too_large_is_no_record():
    """The network stops reading, and the record is refused."""

    def send(request: Request) -> Response:
        raise Malformed("limit.size", f"the body has more than {request.limit} bytes")

    with pytest.raises(UsageError, match=r"record: limit\.size") as refused:
        RemoteRecords(BASE, send).claims("hong", KIND)
    assert "issue.invalid_value" == refused.value.code


def test_what_the_network_refuses_is_said_as_it_is():
    """Nobody answers."""
    with pytest.raises(TransportError) as refused:
        RemoteRecords(BASE, Network()).claims("hong", KIND)
    assert "fetch.unavailable" == refused.value.code


def test_the_token_is_read_anew_each_time(tmp_path):
    """So that it can be changed while the service runs, and only its owner may read it."""
    token = tmp_path / "token"
    network = Network()
    network.route(BASE, lambda _: Response(200, {}, b"{}"))
    records = RemoteRecords(BASE, network, token=token)
    for text in ("first", "second"):
        token.write_text(f"{text}\n", "utf-8")
        token.chmod(0o600)
        records.claims("hong", KIND)
    token.chmod(0o644)

    assert ["Bearer first", "Bearer second"] == [request.headers["authorization"] for request in network.requests]
    with pytest.raises(EWalletError) as refused:
        records.claims("hong", KIND)
    assert "storage.loose_mode" == refused.value.code


@pytest.mark.parametrize(
    ("setting", "access", "told"),
    [
        ("http://register.example", {}, "EWALLET_RECORDS"),
        ("https://user@register.example", {}, "EWALLET_RECORDS"),
        ("https://register.example/?q=", {}, "query or a fragment"),
        ("https:", {}, "neither demo nor folder:PATH nor an https address"),
        ("", {}, "neither demo nor folder:PATH nor an https address"),
        (BASE, {"chain": "chain.pem"}, "go together"),
        (BASE, {"key": "key.pem"}, "go together"),
        (BASE, {"chain": "chain.pem", "key": "key.pem"}, "cannot be read"),
    ],
)
def test_wrong_settings_are_refused_at_the_start(ewallet_catalog, tmp_path, setting, access, told):
    """Before anybody is asked."""
    given = Access(**{name: tmp_path / file for name, file in access.items()})
    with pytest.raises(UsageError, match=told) as refused:
        records_of(setting, ewallet_catalog, None, given)

    assert "usage.configuration" == refused.value.code


def test_an_address_of_ours_may_be_in_our_network_and_no_stranger():
    """Private addresses by https for records alone; loopback, link-local and the rest of what is no host for nobody."""
    ours, strangers = (parse_url(f"{BASE}/x", private=private) for private in (True, False))
    nobodys = ["127.0.0.1", "169.254.169.254", "255.255.255.255", "::1", "fe80::1", "224.0.0.1"]

    assert ("10.1.2.3", "fd00::1") == ours.checked(["10.1.2.3", "fd00::1"])
    for target, address in [(strangers, "10.1.2.3"), *((ours, address) for address in nobodys)]:
        with pytest.raises(TransportError) as refused:
            target.checked([address])
        assert "fetch.blocked" == refused.value.code
    with pytest.raises(TransportError) as refused:
        parse_url("http://10.1.2.3/x", private=True, plain=True).checked(["10.1.2.3"])
    assert "fetch.blocked" == refused.value.code
