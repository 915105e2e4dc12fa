"""What programs of the bank hand in to be judged: a presentation as JSON, a file or a picture of what is on paper.

Rules of this file: what the body is follows from its content type, and its first bytes must agree; only whoever has the
bank's key may send as much as a file has; few files are taken apart at once, for each takes a process of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from ewallet import qr
from ewallet.asgi import MAX_BODY, Room, Scope
from ewallet.errors import ProtocolError
from ewallet.paper import reading
from ewallet.shape import Json
from ewallet.verifier import Verifier
from verifier_cli import batch, papers

ADDRESS: Final = "/v1/verify"
JSON: Final = "application/json"
_HEADS: Final = {"application/pdf": reading.PDF, "image/png": qr.PNG, "image/jpeg": qr.JPEG}
PAPER: Final = tuple(_HEADS)
MAX_PAPER: Final = min(reading.MAX_FILE, qr.MAX_PICTURE)
_AT_ONCE: Final = 2  # files that are read; each may take a gigabyte of addresses and twenty seconds


@dataclass(frozen=True)
class Handed:
    """A body and what it is."""

    media_type: str
    body: bytes

    @classmethod
    def of(cls, content_type: str, body: bytes) -> Handed:
        """``request.invalid`` for what is no content type of ours, or of another content than it says."""
        media_type = _media_type(content_type)
        if media_type != JSON and not body.startswith(_HEADS.get(media_type, b"\0no such type")):
            expected = ", ".join((JSON, *PAPER))
            raise ProtocolError("request.invalid", f"the body is not what its type says, one of {expected}", status=415)
        return cls(media_type, body)


class Intake:
    """Judges what is handed in."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def verdict(self, handed: Handed) -> dict[str, Json]:
        """The verdict document; ``usage.missing_extra`` for a file where the extra ``paper`` is not installed."""
        if handed.media_type == JSON:
            return await run_in_threadpool(self._presented, handed.body)
        async with self._turns:
            return await run_in_threadpool(self._printed, handed.body)

    def _presented(self, body: bytes) -> dict[str, Json]:
        return self._verifier.verify(*batch.parsed(body)).to_json()

    def _printed(self, body: bytes) -> dict[str, Json]:
        return papers.verdict(self._verifier, body).to_json()


def room(is_known: Callable[[Headers], bool]) -> Room:
    """What a body may have, by the head of its request, which says whether it is known who sends it."""

    def limit(scope: Scope) -> int:
        headers = Headers(scope=scope)
        is_paper = scope["path"] == ADDRESS and _media_type(headers.get("content-type", "")) in PAPER
        return MAX_PAPER if is_paper and is_known(headers) else MAX_BODY

    return limit


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
