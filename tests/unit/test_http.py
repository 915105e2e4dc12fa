from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import pytest

from ewallet.errors import EWalletError, TransportError
from ewallet.flow import Request
from ewallet.http import TLS_CA, UNSAFE_LOOPBACK, Deadline, Http, is_own, is_public, parse


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(EWalletError) as caught:
        call()
    return caught.value.code


def _never(host: str, _port: int) -> Sequence[str]:
    pytest.fail(f"{host} must not be resolved")


@pytest.mark.parametrize(
    "url",
    [
        "http://status.example/1",
        "file:///etc/passwd",
        "ftp://status.example/1",
        "//status.example/1",
        "status.example/1",
        "https:status.example",
        "https:///1",
        "https://",
        "",
        "https://localhost/1",
        "https://localhost./1",
        "https://LOCALHOST:8443/1",
        "https://wallet.localhost/1",
        "https://127.0.0.1/1",
        "https://127.1/1",
        "https://127.0.0.1./1",
        "https://2130706433/1",
        "https://134744072/1",
        "https://0x7f000001/1",
        "https://0x7f.1/1",
        "https://0177.0.0.1/1",
        "https://0/1",
        "https://0.0.0.0/1",
        "https://10.1.2.3/1",
        "https://169.254.169.254/latest",
        "https://[::1]/1",
        "https://[::]/1",
        "https://[::ffff:127.0.0.1]/1",
        "https://[::ffff:7f00:1]/1",
        "https://[::127.0.0.1]/1",
        "https://[64:ff9b::7f00:1]/1",
        "https://[fe80::1%25eth0]/1",
        "https://[2606:4700::1%25eth0]/1",
        "https://[::1/1",
        "https://127%2e0%2e0%2e1/1",
        "https://①②⑦.0.0.1/1",
        "https://status.example@127.0.0.1/1",
        "https://user@status.example/1",
        "https://user:word@status.example/1",
        "https://@status.example/1",
        "https://127.0.0.1\\@status.example/1",
        "https://status.example\\1",
        "https://status.example/a b",
        "https://status.example/\r\nhost:x",
        " https://status.example/1",
        "https://status.example:0/1",
        "https://status.example:99999/1",
        "https://status.example:https/1",
        "https://-status.example/1",
        "https://status..example/1",
        "https://" + "a" * 64 + ".example/1",
        "https://" + "a." * 130 + "example/1",
    ],
)
def test_addresses_that_must_not_be_asked_are_blocked_before_their_name_is_resolved(url):
    """Another scheme, this machine, a private network or an odd spelling of them: no name service, no connection."""
    assert "fetch.blocked" == _code(lambda: Http(unsafe_loopback=False, resolve=_never)(Request("GET", url)))


_PRIVATE = [
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", _PRIVATE)
def test_a_name_that_resolves_to_an_address_not_public_is_blocked(address):
    """One such address among public ones is enough."""
    http = Http(unsafe_loopback=False, resolve=lambda _host, _port: ["8.8.8.8", address])
    assert "fetch.blocked" == _code(lambda: http(Request("GET", "https://status.example/1")))
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "2a00::1", "64:ff9b::808:808"])
def test_public_addresses_are_recognised(address):
    """Unicast addresses of the public internet, also through NAT64."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("found", "code"),
    [([], "fetch.unavailable"), (["status.example"], "fetch.blocked"), (["8.8.8.8", ""], "fetch.blocked")],
    ids=["none", "a name", "empty"],
)
def test_a_name_service_that_answers_without_addresses_leads_nowhere(found, code):
    """What is not an address is not connected to."""
    http = Http(unsafe_loopback=False, resolve=lambda _host, _port: found)
    assert code == _code(lambda: http(Request("GET", "https://status.example/1")))


def test_a_name_service_that_hangs_ends_at_the_deadline():
    """The time limit covers the name service, which has none of its own."""
    over = threading.Event()

    def hang(_host: str, _port: int) -> Sequence[str]:
        over.wait()
        return []

    http = Http(unsafe_loopback=False, resolve=hang, timeout=0.05)
    assert "fetch.timeout" == _code(lambda: http(Request("GET", "https://status.example/1")))
    over.set()


def test_an_error_of_the_name_service_reaches_the_caller():
    """An unknown name is unavailable, not blocked."""

    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise TransportError("fetch.unavailable", "no such name")

    http = Http(unsafe_loopback=False, resolve=unknown)
    assert "fetch.unavailable" == _code(lambda: http(Request("GET", "https://status.example/1")))


def test_an_address_is_taken_apart():
    """Host in lower case, the scheme's port, the query kept and the fragment dropped."""
    target = parse("https://Status.Example/lists/1?a=b#part")
    expected = ("https", "status.example", 443, "/lists/1?a=b", "status.example")
    assert expected == (target.scheme, target.host, target.port, target.path, target.authority)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://status.example:8443", "status.example:8443"),
        ("https://[2606:4700::1111]", "[2606:4700::1111]"),
        ("https://8.8.8.8:444", "8.8.8.8:444"),
        ("https://xn--o39an51b2re.example", "xn--o39an51b2re.example"),
    ],
)
def test_the_authority_names_host_and_port(url, authority):
    """What the Host header says is what the address said."""
    assert authority == parse(url).authority


@pytest.mark.parametrize(
    "url", ["http://localhost:1/a", "http://127.0.0.1/a", "https://[::1]/a", "http://demo.localhost"]
)
def test_this_machine_may_be_asked_where_that_is_allowed(url):
    """The unsafe switch admits http and https to loopback."""
    assert parse(url, loopback=True).checked(["127.0.0.1", "::1"]) == ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://status.example/1", "8.8.8.8"),
        ("http://status.example/1", "10.0.0.1"),
        ("https://status.example/1", "10.0.0.1"),
        ("http://localhost/1", "10.0.0.1"),
        ("http://0.0.0.0/1", "127.0.0.1"),
        ("http://2130706433/1", "127.0.0.1"),
        ("http://user@localhost/1", "127.0.0.1"),
        ("file://localhost/1", "127.0.0.1"),
    ],
)
def test_the_unsafe_switch_opens_loopback_only(url, address):
    """Plain http elsewhere, private networks and odd spellings stay blocked."""
    assert "fetch.blocked" == _code(lambda: parse(url, loopback=True).checked([address]))


def test_what_is_signed_may_come_over_plain_http():
    """From public addresses only: a revocation list is no secret, and cannot be changed on the way."""
    assert ("8.8.8.8",) == parse("http://ca.example/1.crl", plain=True).checked(["8.8.8.8"])
    http = Http(unsafe_loopback=False, resolve=lambda _host, _port: ["10.0.0.1"])
    for url in ("http://ca.example/1.crl", "http://127.0.0.1/1.crl", "http://localhost/1.crl", "ldap://ca.example/"):
        with pytest.raises(TransportError) as blocked:
            http(Request("GET", url, signed=True))
        assert "fetch.blocked" == blocked.value.code


def test_an_address_of_this_machine_is_told_from_others():
    """It is one that a socket here may be bound to, which a stranger's may not."""
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address("192.0.2.250"))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"])  # noqa: S104 - refused
def test_what_is_no_address_of_one_machine_is_not_ours(address):
    """Sockets may be bound to these as well."""
    assert not is_own(ip_address(address))


@pytest.mark.parametrize("text", [None, "", "no certificate\n"], ids=["absent", "empty", "another file"])
def test_authorities_that_cannot_be_read_are_a_fault_of_the_settings(tmp_path, monkeypatch, text):
    """Never a reason to believe the usual ones instead."""
    named = tmp_path / "authorities.pem"
    if text is not None:
        named.write_text(text, "ascii")
    monkeypatch.setenv(TLS_CA, str(named))
    http = Http(unsafe_loopback=False, resolve=lambda _host, _port: ["8.8.8.8"])

    assert "usage.configuration" == _code(lambda: http(Request("GET", "https://status.example/1")))


@pytest.mark.parametrize(("value", "warnings"), [("1", 1), ("0", 0), ("true", 0), (None, 0)])
def test_the_switch_in_the_environment_says_so_aloud(monkeypatch, caplog, value, warnings):
    """One warning for each Http that may use plain http, and only for 1."""
    monkeypatch.delenv(UNSAFE_LOOPBACK, raising=False)
    if value is not None:
        monkeypatch.setenv(UNSAFE_LOOPBACK, value)
    with caplog.at_level(logging.WARNING, "ewallet"):
        Http()
    assert warnings == len(caplog.records)


def test_an_argument_wins_over_the_environment(monkeypatch, caplog):
    """A program that says no is not overruled by a variable."""
    monkeypatch.setenv(UNSAFE_LOOPBACK, "1")
    with caplog.at_level(logging.WARNING, "ewallet"):
        http = Http(unsafe_loopback=False, resolve=_never)
    assert [] == caplog.records
    assert "fetch.blocked" == _code(lambda: http(Request("GET", "http://127.0.0.1/")))


def test_an_error_tells_the_host_at_most():
    """A path or a query may hold a single-use secret."""
    http = Http(unsafe_loopback=False, resolve=lambda _host, _port: ["10.0.0.1"])
    with pytest.raises(TransportError) as caught:
        http(Request("GET", "https://status.example/hidden-path?code=hidden-code"))
    assert "hidden" not in str(caught.value)


def test_a_deadline_that_is_over_raises():
    """No step begins after the end."""
    assert "fetch.timeout" == _code(Deadline(0).left)
