"""A wallet's conversation with an issuer and its authorization server: requests that prove whose they are.

With a key, every request carries a DPoP proof (RFC 9449), with the nonce that its server gave last; a server that only
wants another nonce is asked once more. Redirects are not followed. A conversation is a few requests long and is kept by
nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import datetime
from typing import Final, NoReturn

from ewallet import dpop, oauth, oid4vci
from ewallet.env import Env
from ewallet.errors import ProtocolError, TransportError
from ewallet.flow import Flow, Request, Response
from ewallet.keys import SigningKey
from ewallet.oauth import Authorization, ErrorResponse
from ewallet.sighting import HEADER

_JSON: Final = {"accept": "application/json"}
_FOUND: Final = frozenset({200})


class Conversation:
    """Sends with what it was given: ``key`` binds the requests to itself, ``token`` is shown with :meth:`authorized`.

    ``env`` and not a time, because people may be asked for something in between. ``hear`` is told how far the issuer
    says that its log of use is, and at which address.
    """

    def __init__(
        self, env: Env, *, key: SigningKey | None = None, hear: Callable[[str, str], None] | None = None
    ) -> None:
        self._env = env
        self._hear = hear
        self._nonces: dict[str, str] = {}
        self.key = key

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""
        return self._env.now

    def get(self, url: str, *, limit: int) -> Flow[bytes]:
        """The JSON text at that address, asked for without saying who asks; ``fetch.*``, ``malformed.encoding``."""
        response = yield Request("GET", url, _JSON, limit=limit)
        return self._document(response)

    def offer(self, url: str, *, limit: int) -> Flow[bytes]:
        """As :meth:`get`, of an offer; ``offer.refused`` where none waits there: one is handed out once."""
        response = yield Request("GET", url, _JSON, limit=limit)
        if response.status in {404, 410}:
            detail = f"the issuer answered {response.status}, the offer was used, is over, or never was"
            raise ProtocolError("offer.refused", detail, status=response.status)
        return self._document(response)

    def metadata(self, url: str, *, limit: int) -> Flow[Response]:
        """As :meth:`get`, of a document that had better come signed: whether it has, its media type says."""
        response = yield Request("GET", url, {"accept": "application/jwt, application/json;q=0.9"}, limit=limit)
        _check_found(response)
        return response

    def nonce(self, url: str, *, limit: int) -> Flow[bytes]:
        """The answer of a nonce endpoint, which asks nobody who it is and may come with any status of success (§7.2).

        Raises ``fetch.*``, ``malformed.encoding``.
        """
        request = Request("POST", url, _JSON, limit=limit)
        response = yield request
        self._remember(request, response)
        return self._document(response, success=range(200, 300))

    def send(self, request: Request, token: Authorization | None = None) -> Flow[Response]:
        """The answer to a request, shown the token and proven by the key, where there are such; ``fetch.redirect``."""
        response = yield self._proven(request, token)
        self._remember(request, response)
        if self.key and dpop.retry_nonce(response):
            response = yield self._proven(request, token)
            self._remember(request, response)
        _check_direct(response)
        return response

    def _proven(self, request: Request, token: Authorization | None) -> Request:
        headers = dict(request.headers)
        if token:
            headers["authorization"] = token.header
        if self.key:
            headers["dpop"] = dpop.prove(
                request.method,
                request.url,
                self.key,
                at=self._env.now(),
                random=self._env.random,
                token=token.token if token else None,
                nonce=self._nonces.get(_origin(request), ""),
            )
        return Request(request.method, request.url, headers, request.body, request.limit)

    def _remember(self, request: Request, response: Response) -> None:
        """RFC 9449 §8.2, §9: each server has nonces of its own. And what it says of its log."""
        nonce = dpop.given_nonce(response)
        if nonce:
            self._nonces[_origin(request)] = nonce
        if self._hear and HEADER in response.headers:
            self._hear(response.headers[HEADER], request.url)

    def _document(self, response: Response, *, success: Container[int] = _FOUND) -> bytes:
        _check_found(response, success)
        return oid4vci.open_response(response.body, media_type(response), None)


def _origin(request: Request) -> str:
    parts = oauth.split_url(request.url, "the address")
    return f"{parts.scheme}://{parts.netloc}"


def _check_direct(response: Response) -> None:
    if 300 <= response.status < 400:
        raise TransportError("fetch.redirect", f"the issuer answered {response.status}, redirects are not followed")


def _check_found(response: Response, success: Container[int] = _FOUND) -> None:
    _check_direct(response)
    if response.status not in success:
        raise TransportError("fetch.unavailable", f"the issuer answered {response.status}")


def media_type(response: Response) -> str:
    """What the body says it is."""
    return response.headers.get("content-type", "")


def is_jwt(response: Response) -> bool:
    """Whether the body says that it is a JWT."""
    return media_type(response).partition(";")[0].strip().lower() == "application/jwt"


def refuse(response: Response) -> NoReturn:
    """Raise what a response that is no success means: ``fetch.unavailable``, else ``offer.refused`` with its error."""
    if response.status >= 500:
        raise TransportError("fetch.unavailable", f"the issuer answered {response.status}")
    error = ErrorResponse.received(response).error
    raise ProtocolError("offer.refused", f"the issuer answered {error}", error=error, status=response.status)
