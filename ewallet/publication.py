"""What an issuer publishes under its signature, signed once for all who ask: status lists, and what it says of itself.

It is signed anew twice as often as it says it is good for, and a status list after every change (Token Status List §8).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from typing import Final
from urllib.parse import parse_qs

from ewallet.authorization import values
from ewallet.env import Env
from ewallet.flow import Request, Response
from ewallet.issuer import TOKEN_TTL, Issuer
from ewallet.oid4vci.metadata import IssuerMetadata
from ewallet.shape import to_base64url
from ewallet.status import CWT_MEDIA_TYPE, MEDIA_TYPE

#: Public, and the same for everybody.
ANYBODY: Final = {"access-control-allow-origin": "*"}
_GZIP: Final = 16 + zlib.MAX_WBITS  # that wrapping, without name and time
_METADATA_LIFE: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class _Signed:
    """A status list as it was last published."""

    changes: int
    at: datetime
    token: bytes = field(repr=False)
    etag: str


def squeezed(response: Response, request: Request) -> Response:
    """The same, in gzip for those who take it (RFC 9110 §12.5.3); for what is the same for everybody.

    What two hundred kinds say of themselves has more than a megabyte, and a sixteenth of it in gzip.
    """
    headers = {**response.headers, "vary": ", ".join(filter(None, (response.headers.get("vary"), "accept-encoding")))}
    codings = [each.replace(" ", "") for value in values(request, "accept-encoding") for each in value.split(",")]
    if not {"gzip", "*"} & {coding.lower() for coding in codings}:  # who gives it a weight is served plainly
        return replace(response, headers=headers)
    return replace(response, headers={**headers, "content-encoding": "gzip"}, body=_gzipped(response.body))


@lru_cache(maxsize=4)  # the metadata of an issuer, plain and signed
def _gzipped(body: bytes) -> bytes:
    return zlib.compress(body, wbits=_GZIP)


class Publication:
    """The signed documents of an issuer; ``env`` tells how old they are."""

    def __init__(self, issuer: Issuer, env: Env) -> None:
        self._issuer = issuer
        self._env = env
        self._signed: dict[tuple[str, str], _Signed] = {}
        self._own: tuple[bytes, datetime] = b"", datetime.min.replace(tzinfo=UTC)
        self._lock = Lock()

    def metadata(self, metadata: IssuerMetadata) -> bytes:
        """The issuer's metadata as a JWT (OpenID4VCI 1.0 §12.2.3)."""
        at = self._env.now()
        with self._lock:
            signed, since = self._own
            if not signed or not timedelta(0) <= at - since < _METADATA_LIFE / 2:
                signer, until = self._issuer.metadata_signer, at + _METADATA_LIFE
                self._own = signed, _ = metadata.signed(signer, at=at, until=until).encode("ascii"), at
        return signed

    def status_list(self, uri: str, request: Request) -> Response:
        """The signed list of that uri, a JWT or, where that is what is accepted, a CWT (Token Status List §8.2).

        Unchanged for those who have it (304), and not as it was at some other time (501, §8.4);
        :class:`ewallet.errors.NotFound`.
        """
        if "time" in parse_qs(request.url.partition("?")[2], keep_blank_values=True):
            return Response(501, ANYBODY)
        media_type = _media_type(values(request, "accept"))
        signed = self._status_token(uri, media_type)
        age = self._env.now() - signed.at
        max_age = max(0, int((TOKEN_TTL / 2 - age).total_seconds()))
        cached = {"etag": signed.etag, "cache-control": f"public, max-age={max_age}", "vary": "accept"}
        headers = cached | ANYBODY
        known = {
            each.strip().removeprefix("W/") for value in values(request, "if-none-match") for each in value.split(",")
        }
        if known & {signed.etag, "*"}:
            return Response(304, headers)
        return Response(200, {"content-type": media_type, **headers}, signed.token)

    def _status_token(self, uri: str, media_type: str) -> _Signed:
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
