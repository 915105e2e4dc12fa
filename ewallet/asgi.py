"""What stands between the network and an ASGI application of ours, whatever framework it is made with.

:class:`Guard` lets a request through when it is addressed to a host we are, its head is of usual size, its source has
not asked too often, and its body, which it reads first, is neither too large nor too slow. What the application answers
leaves with headers that keep it out of caches, frames and referrers, and on https alone where it is served by that;
what it raises leaves as a problem document (RFC 9457) that names the error's code.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from math import ceil
from time import perf_counter
from typing import Any, Final, TypeAlias

from ewallet import command, jose
from ewallet.errors import (
    AlreadyUsed,
    ConsentError,
    EWalletError,
    Malformed,
    NotFound,
    ProtocolError,
    StoreError,
    TransportError,
    UsageError,
    VerificationError,
)
from ewallet.rate import Limiter, network

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Deliver: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Deliver], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
#: Told of every request: its method and the template of its route, of which there are few, the status and the seconds.
Observe: TypeAlias = Callable[[str, str, int, float], None]
#: How many bytes the body of a request may have, by its head.
Room: TypeAlias = Callable[[Scope], int]

_LOG: Final = logging.getLogger("ewallet")

MAX_BODY: Final = 1 << 20
_MAX_URL: Final = 8 * 1024
_MAX_HEAD: Final = 16 * 1024
_SLOW: Final = 15.0  # seconds for a whole body
_JSON: Final = "application/problem+json"

#: What every response says, unless the application says otherwise.
_SAID: Final = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
#: RFC 6797; of this host alone, for what is below its name may be somebody else's.
_SECURE: Final = {b"strict-transport-security": b"max-age=31536000"}
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@dataclass(frozen=True, kw_only=True)
class Problem:
    """An error as an HTTP API tells it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, exc: Exception) -> Problem:
        """The problem document of an error; what nobody raised on purpose is a fault of ours and tells nothing."""
        error = command.understood(exc)
        status = _status(error)
        members = dict(error.extensions) | {
            "type": f"urn:ewallet:error:{error.code}",
            "title": error.words().what,
            "status": status,
            "detail": error.detail if status < 500 else _for_us(error),
            "code": error.code,
        }
        said = error.headers if isinstance(error, ProtocolError) else {}
        headers = {"content-type": _JSON} | _AGAIN.get(status, {}) | said
        return cls(status=status, headers=headers, body=jose.to_json(members))


def _for_us(error: EWalletError) -> str:
    """What is told of an error that is ours: what to do, and the number to ask about if there is one."""
    numbered = error.code == "internal.fault" and error.detail
    return f"{error.detail}: {error.words().remedy}" if numbered else error.words().remedy


#: Words a refusal for whoever asks: a page for a person, as it is for a program.
Word: TypeAlias = Callable[[Scope, Problem], Problem]

_AGAIN: Final = {429: {"retry-after": "1"}, 503: {"retry-after": "5"}}
_BY_CODE: Final = {
    "limit.rate": 429,
    "limit.size": 413,
    "usage.configuration": 500,
    "usage.file": 500,  # nobody who asks has named a file of ours
    "usage.in_progress": 409,
    "usage.key_reused": 422,
    "usage.missing_extra": 501,
}
_STATUSES: Final[tuple[tuple[type[EWalletError], int], ...]] = (
    (NotFound, 404),
    (AlreadyUsed, 409),
    (StoreError, 503),
    (TransportError, 503),
    (UsageError, 400),
    (ConsentError, 403),
    (VerificationError, 400),
    (Malformed, 400),
)


def _status(error: EWalletError) -> int:
    if isinstance(error, ProtocolError):
        return error.status
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def source(scope: Scope, proxies: int = 0) -> str:
    """Whose network asks: the peer's, or what the outermost of so many proxies of our own says, and nobody else."""
    lines: list[str] = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    told = [part.strip() for line in lines for part in line.split(",")]
    if proxies and len(told) >= proxies:
        return network(told[-proxies])
    return network(str((scope.get("client") or ("",))[0]))


class Guard:
    """An ASGI application around another one; ``hosts`` are the names, with port, by which it may be addressed.

    ``limiter`` counts requests by :func:`source`, which ``proxies`` of our own may stand before. ``secure`` where
    whoever asks comes by https, ``word`` has the say in how a refusal is told.
    """

    def __init__(
        self,
        app: Application,
        *,
        hosts: Collection[str],
        max_body: int | Room = MAX_BODY,
        observe: Observe | None = None,
        limiter: Limiter | None = None,
        proxies: int = 0,
        secure: bool = False,
        word: Word | None = None,
    ) -> None:
        self._app = app
        self._said = _SAID | (_SECURE if secure else {})
        self._word = word or _unworded
        self._limiter = limiter
        self._proxies = proxies
        self._observe = observe
        self._hosts = frozenset(host.lower().encode("ascii") for host in hosts)
        self._room: Room = max_body if callable(max_body) else lambda _scope: max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Deliver) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003})
            return
        begun, hardened = perf_counter(), _Hardened(send, self._said)
        await self._pass(scope, receive, hardened)
        if self._observe:
            self._observe(_method(scope), _route(scope), hardened.status, perf_counter() - begun)

    async def _pass(self, scope: Scope, receive: Receive, send: _Hardened) -> None:
        refused = self._refused(scope)
        if refused:
            await self._refuse(scope, send, _refusal(refused))
            return
        wait = self._limiter.wait(source(scope, self._proxies)) if self._limiter else 0
        if wait:
            await self._refuse(scope, send, _later(wait))
            return
        try:
            async with asyncio.timeout(_SLOW):
                body = await _whole(receive, self._room(scope))
        except (Malformed, TimeoutError) as exc:
            await self._refuse(scope, send, _refusal(413 if isinstance(exc, Malformed) else 408))
            return
        await self._answer(scope, _replayed(body, receive), send)

    async def _refuse(self, scope: Scope, send: _Hardened, problem: Problem) -> None:
        """Not all was read: what is left of the connection is not read either."""
        worded = self._word(scope, problem)
        await _problem(send, replace(worded, headers={**worded.headers, "connection": "close"}))

    def _refused(self, scope: Scope) -> int:
        """The status to refuse a request with by its head alone, or 0."""
        headers = scope["headers"]
        scope["headers"] = [(name, value) for name, value in headers if name != b"range"]  # nothing of ours has parts
        hosts = [value.lower() for name, value in headers if name == b"host"]
        lengths = [value for name, value in headers if name == b"content-length"]
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _MAX_URL:
            return 414
        if sum(len(name) + len(value) for name, value in headers) > _MAX_HEAD:
            return 431
        if len(hosts) != 1 or hosts[0] not in self._hosts or not scope["path"].startswith("/"):
            return 400
        if lengths and any(name == b"transfer-encoding" for name, _ in headers):
            return 400  # RFC 9112 §6.1: a proxy before us may have gone by the other one
        return 413 if any(not value.isdigit() or int(value[:20]) > self._room(scope) for value in lengths) else 0

    async def _answer(self, scope: Scope, receive: Receive, send: _Hardened) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as exc:  # noqa: BLE001 - whatever it is, whoever asked gets an answer, and no trace of ours
            error = command.understood(exc)
            _LOG.error("%s: %s", error.code, error.detail)
            if not send.status:
                await _problem(send, Problem.of(error))


def _unworded(_scope: Scope, problem: Problem) -> Problem:
    return problem


def _method(scope: Scope) -> str:
    """The method; empty for one that nobody has, of which anybody can make up any number."""
    return scope["method"] if scope["method"] in _METHODS else ""


def _route(scope: Scope) -> str:
    """The template of the route, which has no identifier in it; empty where there is none."""
    return str(getattr(scope.get("route"), "path", ""))


async def _whole(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            raise Malformed("limit.size", f"the body has more than {limit} bytes")
        if not message.get("more_body"):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read, and then goes on with what comes."""
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> MutableMapping[str, Any]:
        return parts.pop() if parts else await receive()

    return replay


class _Hardened:
    """A ``send`` that adds what every response says."""

    def __init__(self, send: Deliver, said: Mapping[bytes, bytes]) -> None:
        self._send = send
        self._said = said
        self.status = 0

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            said = {name.lower() for name, _ in message.get("headers", ())}
            added = [(name, value) for name, value in self._said.items() if name not in said]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await self._send(message)


_WORDS: Final = {
    400: b"not addressed to this host, or framed in two ways",
    408: b"too slow",
    413: b"too large",
    414: b"address too long",
    431: b"header too large",
}


def _refusal(status: int) -> Problem:
    return Problem(status=status, headers={"content-type": "text/plain"}, body=_WORDS[status])


def _later(wait: float) -> Problem:
    problem = Problem.of(Malformed("limit.rate", "more requests of one source than are taken"))
    return replace(problem, headers={**problem.headers, "retry-after": str(ceil(wait))})


async def _problem(send: Deliver, problem: Problem) -> None:
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in problem.headers.items()]
    await _send(send, problem.status, headers, problem.body)


async def _send(send: Deliver, status: int, headers: Headers, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode("ascii"))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
