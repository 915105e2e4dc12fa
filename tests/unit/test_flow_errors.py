from __future__ import annotations

import asyncio

import pytest

from ewallet.errors import EWalletError, Malformed, TransportError
from ewallet.flow import Flow, Request, Response, arun, run


def _fetch() -> Flow[str]:
    try:
        response = yield Request("GET", "https://status.example/1")
    except EWalletError as exc:
        return exc.code
    return str(response.status)


@pytest.mark.parametrize("error", [TransportError("fetch.timeout"), Malformed("limit.size")], ids=lambda e: e.code)
def test_what_sending_raises_is_raised_inside_the_flow(error):
    """A flow decides itself what a failed or oversized answer means, driven either way."""

    def send(_request: Request) -> Response:
        raise error

    async def asend(request: Request) -> Response:
        return send(request)

    assert [error.code] * 2 == [run(_fetch(), send), asyncio.run(arun(_fetch(), asend))]
