"""What wallets call: OpenID4VCI, status lists, type metadata. Each route is the endpoint of the library, carried."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse

from ewallet.asgi import source
from ewallet.errors import EWalletError
from ewallet.history import Log
from ewallet.links import well_known
from ewallet.oid4vci.metadata import AUTHORIZATION_SERVER, ISSUER
from ewallet.sighting import HEADER
from issuer_service import description as told
from issuer_service.carrying import Carried, Received, carried
from issuer_service.service import Service


def routes(service: Service, log: Log | None = None) -> APIRouter:
    """The addresses of the identifier that wallets know; ``log`` is the log of use of a portal."""
    router = _router(service.settings.path)
    _protected(router, service, log)
    _public(router, service)
    return router


def _router(prefix: str = "") -> APIRouter:
    return APIRouter(
        prefix=prefix,
        tags=["wallet"],
        route_class=Carried,
        default_response_class=WebResponse,
        generate_unique_id_function=lambda route: route.name,
    )


def _protected(router: APIRouter, service: Service, log: Log | None) -> None:
    issuance = service.issuance

    @router.post("/token", responses=told.TOKEN, openapi_extra=told.TOKEN_TAKES)
    def token(request: Received, web: WebRequest) -> WebResponse:
        """A token for a pre-authorized code."""
        return carried(issuance.server.token(request, source=source(web.scope, service.settings.proxies)))

    @router.post("/nonce", responses=told.NONCE)
    async def nonce(request: Received) -> WebResponse:  # nothing is read or written for it: a thread would cost more
        """A nonce for key proofs."""
        return carried(issuance.nonce(request))

    @router.post("/credential", responses=told.CREDENTIAL, openapi_extra=told.CREDENTIAL_TAKES)
    def credential(request: Received) -> WebResponse:
        """Credentials for the keys that were proven."""
        return _dated(carried(issuance.credential(request)), log)

    @router.post("/deferred", responses=told.DEFERRED, openapi_extra=told.DEFERRED_TAKES)
    def deferred(request: Received) -> WebResponse:
        """Credentials that were promised."""
        return _dated(carried(issuance.deferred(request)), log)

    @router.post("/notification", status_code=204, responses=told.NOTIFICATION, openapi_extra=told.NOTIFICATION_TAKES)
    def notification(request: Received) -> WebResponse:
        """What became of credentials."""
        return carried(issuance.notification(request))

    @router.get("/offers/{handle}", responses=told.OFFER)
    def offer(handle: str) -> WebResponse:
        """An offer that was made by reference."""
        return carried(issuance.offered(handle))


def _dated(answer: WebResponse, log: Log | None) -> WebResponse:
    """The answer with how far the log of use is, so that whoever holds a certificate can hold the log to that.

    In a header, for what is in the body may be encrypted, and is kept as it is for whoever asks again. While the log
    does not hold or cannot be read, nothing is signed of it: the certificate is made by then, and is handed out once.
    """
    if log:
        with suppress(EWalletError):  # which /readyz says
            answer.headers[HEADER] = b64encode(log.checkpoint()).decode("ascii")
    return answer


def _public(router: APIRouter, service: Service) -> None:
    issuance = service.issuance

    @router.get("/status", responses=told.STATUS_LISTS)
    def status_lists(request: Received) -> WebResponse:
        """Where the status lists are."""
        return carried(issuance.status_lists(request))

    @router.get("/status/{number}", responses=told.STATUS_LIST)
    def status_list(number: str, request: Received) -> WebResponse:
        """A signed status list."""
        return carried(issuance.status_list(number, request))

    @router.get("/types/{vct:path}", responses=told.TYPE)
    def type_metadata(vct: str) -> WebResponse:
        """The description of a kind."""
        return carried(issuance.type_metadata(vct))

    @router.get("/cards/{name}", responses=told.CARD)
    def card(name: str) -> WebResponse:
        """The card of a kind, which its description refers to."""
        return carried(issuance.card(name))


def discovery(service: Service) -> APIRouter:
    """The metadata, at the addresses that follow from the identifier."""
    router = _router()
    issuance, identifier = service.issuance, service.settings.issuer

    @router.get(urlsplit(well_known(identifier, ISSUER)).path, responses=told.ISSUER)
    def issuer_metadata(request: Received) -> WebResponse:
        """What is issued here."""
        return carried(issuance.issuer_metadata(request))

    @router.get(urlsplit(well_known(identifier, AUTHORIZATION_SERVER)).path, responses=told.SERVER)
    def server_metadata(request: Received) -> WebResponse:
        """How tokens are had here."""
        return carried(issuance.server_metadata(request))

    return router
