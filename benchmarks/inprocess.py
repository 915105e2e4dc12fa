"""An ASGI application called in this process: what a request costs its server, without sockets and without a client."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Served:
    """One application, called on an event loop of its own."""

    def __init__(self, app: Any, host: str) -> None:
        self._app = app
        self._host = host.encode("ascii")
        self._runner = asyncio.Runner()

    def run(self, calls: Coroutine[Any, Any, T]) -> T:
        """What these calls come to, on the loop: one task, as a server has, so that its threads are kept."""
        return self._runner.run(calls)

    async def get(self, path: str) -> Answer:
        """A question."""
        return await self._call("GET", path, {}, b"")

    async def post(self, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """A form or a document."""
        return await self._call("POST", path, headers or {}, body)

    def close(self) -> None:
        """End the loop and its threads."""
        self._runner.close()

    async def _call(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            return parts.pop() if parts else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(self._scope(method, path, headers, len(body)), receive, send)
        return Answer(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]))

    def _scope(self, method: str, path: str, headers: Mapping[str, str], length: int) -> dict[str, Any]:
        said = {"content-length": str(length), **headers}
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode("ascii"),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", self._host),
                *((name.encode("latin-1"), value.encode("latin-1")) for name, value in said.items()),
            ],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 443),
        }
