"""Between the web framework and :mod:`ewallet.flow`: what came in, and what goes out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse

from ewallet.flow import Request, Response


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
