"""Between the web framework and :mod:`ewallet.flow`: what came in, and what goes out."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import iscoroutinefunction, signature
from typing import Annotated, Any, Final

from fastapi import Depends
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from ewallet.flow import Request, Response

_THREADS: Final = ThreadPoolExecutor(40, "carrying")  # they wait for the database, which the event loop must not


async def _received(request: WebRequest) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value  # RFC 9110 §5.3
    query = request.scope["query_string"].decode("latin-1")
    return Request(request.method, f"?{query}" if query else "", headers, await request.body())


def carried(response: Response) -> WebResponse:
    """The response of the library as the framework sends it."""
    return WebResponse(response.body, response.status, dict(response.headers))


#: The request, its repeated headers joined; its address holds the query alone, for the rest is the configuration's.
Received = Annotated[Request, Depends(_received)]


class Carried(APIRoute):
    """A route that the framework finds and describes, but does not take apart, which costs more than some answers.

    Its endpoint may name ``request`` (:data:`Received`), ``web`` and the parts of its path, all of them texts.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **described: Any) -> None:
        super().__init__(path, endpoint, **described)
        self.app = _carrying(endpoint)


def _carrying(endpoint: Callable[..., Any]) -> ASGIApp:
    names, waits = tuple(signature(endpoint).parameters), not iscoroutinefunction(endpoint)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        web = WebRequest(scope, receive)
        known = {**scope["path_params"], "request": await _received(web), "web": web}
        call = partial(endpoint, **{name: known[name] for name in names})
        answer = await (get_running_loop().run_in_executor(_THREADS, _ended, call) if waits else call())
        await answer(scope, receive, send)

    return app


def _ended(call: Callable[[], Any]) -> Any:
    """What comes of it. No future takes a ``StopIteration``: whoever asked would wait for ever."""
    try:
        return call()
    except StopIteration as exc:
        raise RuntimeError("an endpoint ran out of something") from exc
