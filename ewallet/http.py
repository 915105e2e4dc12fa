"""A ``send`` over the network: https only, no redirects, bounded in size and time, never into private networks.

Plain http is spoken for what is signed and no secret, as revocation lists are (RFC 5280 §8), and on this machine.

The addresses that a wallet or a verifier fetches come from strangers, so each name is resolved once, every address is
checked, and the connection goes to a checked address; a name that changes its mind afterwards changes nothing. Proxies,
cookies and the usual variables for certificates play no part. Only the name of a host is ever logged or told in an
error: the rest of an address may be a secret.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from ewallet.errors import Malformed, TransportError, UsageError
from ewallet.flow import Request, Response
from ewallet.shape import gunzip

if TYPE_CHECKING:
    import httpcore2

_LOG: Final = logging.getLogger("ewallet")

TIMEOUT: Final = 5.0  # seconds for everything: name, connection, TLS, request, headers and body
UNSAFE_LOOPBACK: Final = "EWALLET_UNSAFE_LOOPBACK"
TLS_CA: Final = "EWALLET_TLS_CA"

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_BODILESS: Final = frozenset({"GET", "HEAD"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PIECE: Final = 1 << 16  # bytes written before the deadline is looked at again


class Http:
    """Sends a :class:`ewallet.flow.Request` and gives its :class:`ewallet.flow.Response`, whatever the status.

    Raises ``TransportError`` with ``fetch.blocked`` (an address that must not be asked), ``fetch.redirect``,
    ``fetch.timeout`` or ``fetch.unavailable``, and ``Malformed`` with ``limit.size`` for a body larger than the request
    allows, ``limit.decompressed`` for one that becomes so, ``malformed.encoding`` for one that is not as labelled.

    ``unsafe_loopback`` (or ``EWALLET_UNSAFE_LOOPBACK=1``) allows http and https to this machine itself, for demos and
    tests. ``own_network`` allows https to private addresses: for an address from our settings, never one from a
    stranger. ``tls`` (or the PEM file that ``EWALLET_TLS_CA`` names; ``usage.configuration``) replaces the usual
    certificate authorities, ``resolve`` the name service.
    """

    def __init__(
        self,
        *,
        unsafe_loopback: bool | None = None,
        own_network: bool = False,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._loopback = os.environ.get(UNSAFE_LOOPBACK) == "1" if unsafe_loopback is None else unsafe_loopback
        self._own_network = own_network
        self._tls = tls
        self._resolve = resolve or system_resolve
        self._timeout = timeout
        if self._loopback:
            _LOG.warning("unsafe: http to this machine is allowed; never use this outside demos and tests")

    def __call__(self, request: Request) -> Response:
        deadline = Deadline(self._timeout)
        target = parse(request.url, loopback=self._loopback, plain=request.signed, private=self._own_network)
        addresses = deadline.within(lambda: self._resolve(target.host, target.port))
        return self._send(request, target, _Road(target.checked(addresses), deadline))

    def _send(self, request: Request, target: Target, road: _Road) -> Response:
        import httpcore2

        # one pool for one request: a connection made for one name is never used for another
        pool = httpcore2.ConnectionPool(
            ssl_context=self._context() if target.scheme == "https" else None,
            network_backend=cast("httpcore2.NetworkBackend", road),
        )
        url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        content = None if request.method in _BODILESS and not request.body else request.body
        try:
            with pool, pool.stream(request.method, url, headers=_headers(request, target), content=content) as answer:
                return _received(answer.status, answer.headers, answer.iter_stream(), request.limit)
        except httpcore2.TimeoutException:
            raise road.deadline.error() from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, UnicodeError) as exc:
            raise TransportError("fetch.unavailable", f"{target.host} failed: {type(exc).__name__}") from None

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = authorities()
        return self._tls


def authorities() -> ssl.SSLContext:
    """The certificate authorities that ``EWALLET_TLS_CA`` names, else the usual ones; ``usage.configuration``."""
    return _named_authorities() or _usual_authorities()


def _usual_authorities() -> ssl.SSLContext:
    from httpx2 import create_ssl_context

    return create_ssl_context(trust_env=False)


def _named_authorities() -> ssl.SSLContext | None:
    named = os.environ.get(TLS_CA)
    if not named:
        return None
    try:
        return ssl.create_default_context(cafile=named)
    except OSError:  # an ssl.SSLError is one too
        raise UsageError("usage.configuration", f"{TLS_CA} names no file of certificates, PEM") from None


def _headers(request: Request, target: Target) -> list[tuple[bytes | str, bytes | str]]:
    ours = {"host": target.authority, "accept-encoding": "gzip", "connection": "close", "user-agent": "ewallet"}
    said = ours | {name.lower(): value for name, value in request.headers.items()}
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in said.items()]


_VISIBLE: Final = re.compile(r"[!-~]+\Z")
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z"
)
_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\Z")  # WHATWG URL: a host that ends in a number is IPv4
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: reaches the IPv4 address in its last 32 bits
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_TUNNELS: Final = (IPv6Network("2001::/23"), IPv6Network("2002::/16"), IPv6Network("3fff::/20"))  # Teredo, 6to4, docs


@dataclass(frozen=True)
class Target:
    """An http address taken apart.

    ``loopback`` where this machine may be asked, ``plain`` where others without TLS, ``private`` where those of our own
    network.
    """

    scheme: str
    host: str
    port: int
    path: str
    loopback: bool
    plain: bool = False
    private: bool = False

    @property
    def authority(self) -> str:
        """The host and port as the ``Host`` header wants them (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def checked(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """The addresses, if each of them may be asked; ``fetch.blocked`` if one may not or there is none."""
        found = tuple(addresses)
        if not found:
            raise TransportError("fetch.unavailable", f"{self.host} has no address")
        if not all(self._allows(address) for address in found):
            raise _blocked(f"{self.host} is at an address that is not public")
        return found

    def _allows(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if self.loopback and address.is_loopback:
            return True
        if self.loopback and is_own(address):
            return self.scheme == "https"
        if self.private and address.is_private and is_reachable(address):
            return self.scheme == "https"
        return (self.scheme == "https" or self.plain) and is_public(address)


def parse(url: str, *, loopback: bool = False, plain: bool = False, private: bool = False) -> Target:
    """The parts of an address that may be asked; ``fetch.blocked`` for any other, in whatever spelling."""
    if not _VISIBLE.match(url) or "\\" in url:
        raise _blocked("an address with spaces, controls, backslashes or non-ascii letters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _blocked("not a url") from None
    if parts.scheme not in (("https", "http") if loopback or plain else ("https",)):
        raise _blocked("expected an https address")
    if "@" in parts.netloc or "%" in parts.netloc or port == 0:
        raise _blocked("an address with a user, an escape or a zone in its host, or port 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(parts.scheme, (parts.hostname or ""), port or _PORTS[parts.scheme], path, loopback, plain, private)
    _refuse_spelling(target)
    return target


_PORTS: Final = {"https": 443, "http": 80}


def _refuse_spelling(target: Target) -> None:
    """Literal addresses are checked at once, and only in their plain spelling; ``localhost`` is one of them."""
    host = target.host
    if ":" in host or _NUMBER.match(host):
        target.checked([host])  # 2130706433, 127.1, 0x7f000001 and 0177.0.0.1 are not what ip_address reads
    elif not _NAME.match(host):
        raise _blocked("not a plain host name")
    elif (host == "localhost" or host.endswith(".localhost")) and not target.loopback:
        raise _blocked("this machine itself")


def is_public(address: Address) -> bool:
    """True for a unicast address of the public internet."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GLOBAL_UNICAST or any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def is_reachable(address: Address) -> bool:
    """True for an address that one host of a network can have, this machine's loopback and link-local ones excepted."""
    named = address.is_loopback or address.is_link_local or address.is_unspecified
    return not (named or address.is_multicast or address.is_reserved)


def is_own(address: Address) -> bool:
    """True for an address of this machine, in whatever network: one that a socket here may be bound to."""
    if address.is_unspecified or address.is_multicast or address.is_reserved:  # sockets may be bound to these too
        return False
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as bound:
            bound.bind((str(address), 0))
    except OSError:
        return False
    return True


def _blocked(detail: str) -> TransportError:
    return TransportError("fetch.blocked", detail)


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name by this machine's name service; ``fetch.unavailable`` where it knows none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TransportError("fetch.unavailable", f"{host} has no address") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Deadline:
    """The one time limit of a request, that every step of it shares."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = monotonic() + seconds

    def left(self) -> float:
        """The seconds left; ``fetch.timeout`` where there are none."""
        left = self._end - monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> TransportError:
        """What is raised when the time is over."""
        return TransportError("fetch.timeout", f"no whole answer within {self._seconds:g} seconds")

    def within(self, call: Callable[[], Sequence[str]]) -> Sequence[str]:
        """The result of a call that has no time limit of its own; it goes on unheard when the time is over."""
        results: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

        def answer() -> None:
            try:
                results.put(call())
            except Exception as exc:  # noqa: BLE001 - raised again below, in the thread that asked
                results.put(exc)

        Thread(target=answer, daemon=True).start()
        try:
            result = results.get(timeout=self.left())
        except Empty:
            raise self.error() from None
        if isinstance(result, Exception):
            raise result
        return result


class _Road:
    """The network of one request (an ``httpcore2.NetworkBackend``): leads to its checked addresses, until its end."""

    def __init__(self, addresses: Sequence[str], deadline: Deadline) -> None:
        self._addresses = addresses
        self.deadline = deadline

    def connect_tcp(self, host: str, port: int, **_options: object) -> _Stream:
        """A connection to the first address that answers, each having its share of the time left."""
        from httpcore2 import ConnectError, ConnectTimeout, SyncBackend

        for number, address in enumerate(self._addresses, 1):
            share = self.deadline.left() / (len(self._addresses) - number + 1)
            try:
                return _Stream(SyncBackend().connect_tcp(address, port, timeout=share), self.deadline)
            except (ConnectError, ConnectTimeout):
                continue
        self.deadline.left()
        raise TransportError("fetch.unavailable", f"{host} does not take connections")


class _Stream:
    """A connection (an ``httpcore2.NetworkStream``) whose every step ends at the deadline: dripping does not help."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], self._deadline.left())

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> _Stream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _received(status: int, raw_headers: Iterable[tuple[bytes, bytes]], chunks: Iterable[bytes], limit: int) -> Response:
    if status in _REDIRECTS:
        raise TransportError("fetch.redirect", f"answered {status}, redirects are not followed")
    headers = _joined(raw_headers)
    body = _collected(chunks, limit)
    match headers.pop("content-encoding", "identity").lower():
        case "identity":
            return Response(status, headers, body)
        case "gzip" | "x-gzip":
            return Response(status, headers, gunzip(body, "the body", limit=limit) if body else body)
        case _:
            raise Malformed("malformed.encoding", "a content coding that was not asked for, expected gzip or none")


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text  # RFC 9110 §5.3
    return headers


def _collected(chunks: Iterable[bytes], limit: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Malformed:
    return Malformed("limit.size", f"the body has more than {limit} bytes")
