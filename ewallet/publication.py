"""Status lists as they are published: signed when they change, and twice as often as they say they are good for.

Section numbers are those of draft-ietf-oauth-status-list-20.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final

from ewallet.authorization import values
from ewallet.env import Env
from ewallet.flow import Request, Response
from ewallet.issuer import TOKEN_TTL, Issuer
from ewallet.shape import to_base64url
from ewallet.status import CWT_MEDIA_TYPE, MEDIA_TYPE

_ANYBODY: Final = {"access-control-allow-origin": "*", "vary": "accept"}


@dataclass(frozen=True)
class _Signed:
    """A status list as it was last published."""

    changes: int
    at: datetime
    token: bytes = field(repr=False)
    etag: str


class StatusPublication:
    """What anybody may fetch of an issuer's status lists, as a JWT or, where that is what is accepted, as a CWT."""

    def __init__(self, issuer: Issuer, env: Env) -> None:
        self._issuer = issuer
        self._env = env
        self._signed: dict[tuple[str, str], _Signed] = {}
        self._lock = Lock()

    def answer(self, uri: str, request: Request) -> Response:
        """The list (§8.2); unchanged for those who have it (304). :class:`ewallet.errors.NotFound`."""
        media_type = _media_type(values(request, "accept"))
        signed = self._current(uri, media_type)
        age = self._env.now() - signed.at
        max_age = max(0, int((TOKEN_TTL / 2 - age).total_seconds()))
        headers = {"etag": signed.etag, "cache-control": f"public, max-age={max_age}", **_ANYBODY}
        known = {
            each.strip().removeprefix("W/") for value in values(request, "if-none-match") for each in value.split(",")
        }
        if known & {signed.etag, "*"}:
            return Response(304, headers)
        return Response(200, {"content-type": media_type, **headers}, signed.token)

    def _current(self, uri: str, media_type: str) -> _Signed:
        at, changes = self._env.now(), self._issuer.status_changes()
        with self._lock:
            found = self._signed.get((uri, media_type))
            if found is None or found.changes != changes or not timedelta(0) <= at - found.at < TOKEN_TTL / 2:
                token = self._token(uri, media_type)
                etag = f'"{to_base64url(sha256(token).digest()[:16])}"'
                found = self._signed[uri, media_type] = _Signed(changes=changes, at=at, token=token, etag=etag)
        return found

    def _token(self, uri: str, media_type: str) -> bytes:
        if media_type == CWT_MEDIA_TYPE:
            return self._issuer.status_cwt(uri)
        return self._issuer.status_token(uri).encode("ascii")


def _media_type(accepted: Sequence[str]) -> str:
    """The first of the two that is accepted by name; a JWT for those who do not care."""
    names = [each.partition(";")[0].strip().lower() for value in accepted for each in value.split(",")]
    return next((name for name in names if name in (MEDIA_TYPE, CWT_MEDIA_TYPE)), MEDIA_TYPE)
