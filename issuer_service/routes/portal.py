"""What recipients and wallets call at the portal, and what anybody may read of its log of use."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from fastapi import Response as WebResponse

from ewallet import jose
from ewallet.authorization import check_media_type
from ewallet.errors import NotFound
from ewallet.flow import Request
from ewallet.history.tiles import Tile
from ewallet.links import well_known
from ewallet.oid4vci.metadata import AUTHORIZATION_SERVER
from ewallet.oid4vp.request import MEDIA_TYPE, Fetch
from issuer_service import description_portal as told
from issuer_service.carrying import Received, carried
from issuer_service.mydata import MyDataDesk
from issuer_service.service import Service

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_NOTE: Final = "text/plain; charset=utf-8"
_FOR_EVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
MAX_SIZE: Final = 1 << 53

Size = Annotated[int, Query(ge=0, le=MAX_SIZE)]


def routes(service: Service, desk: MyDataDesk) -> APIRouter:
    """The addresses of the portal's identifier that programs know."""
    router = APIRouter(prefix=f"{service.settings.path}/mydata", tags=["mydata"], default_response_class=WebResponse)
    _recipients(router, desk)
    _wallets(router, desk)
    _log(router, desk)
    return router


def discovery(desk: MyDataDesk) -> APIRouter:
    """The metadata of the portal, at the address that follows from its identifier."""
    router = APIRouter(tags=["mydata"], default_response_class=WebResponse)

    @router.get(urlsplit(well_known(desk.portal.issuer, AUTHORIZATION_SERVER)).path, responses=told.METADATA)
    def portal_metadata() -> WebResponse:
        """How a recipient asks here."""
        return _json(desk.portal.metadata())

    return router


def _recipients(router: APIRouter, desk: MyDataDesk) -> None:
    @router.post("/par", status_code=201, responses=told.PUSHED, openapi_extra=told.PUSHES)
    def push(request: Received) -> WebResponse:
        """Ask for a bundle (RFC 9126)."""
        return carried(desk.portal.push(request))

    @router.post("/token", responses=told.TOKEN, openapi_extra=told.TOKEN_TAKES)
    def portal_token(request: Received) -> WebResponse:
        """A token for a code, or for a consent in cycles."""
        return carried(desk.portal.token(request))

    @router.get("/packages", responses=told.PACKAGE, openapi_extra=told.PACKAGE_TAKES)
    def package(request: Received) -> WebResponse:
        """The package that the token is for."""
        return carried(desk.portal.packages(request))

    @router.post("/receipts", responses=told.RECEIPT, openapi_extra=told.RECEIPT_TAKES)
    def receipt(request: Received) -> WebResponse:
        """What the recipient signed of the package that the token is for."""
        return carried(desk.portal.receipts(request))

    @router.post("/messages", responses=told.MESSAGES, openapi_extra=told.MESSAGES_TAKE)
    def messages(request: Received) -> WebResponse:
        """What the recipient is to be told: what is ready, what was withdrawn or stopped."""
        return carried(desk.portal.messages(request))


def _wallets(router: APIRouter, desk: MyDataDesk) -> None:
    @router.get("/vp/request/{handle}", responses=told.REQUEST)
    def consent_request(handle: str) -> WebResponse:
        """The signed request to confirm a consent (OpenID4VP 1.0 §5)."""
        return WebResponse(desk.exchange.request_object(handle), media_type=MEDIA_TYPE)

    @router.post("/vp/request/{handle}", responses=told.REQUEST, openapi_extra=told.FETCHES)
    def consent_request_for(handle: str, request: Received) -> WebResponse:
        """The same, with the wallet's nonce (§5.10)."""
        return WebResponse(desk.exchange.request_object(handle, Fetch.parse(_form(request))), media_type=MEDIA_TYPE)

    @router.post("/vp/response/{handle}", responses=told.RESPONSE, openapi_extra=told.RESPONDS)
    def consent_response(handle: str, request: Received) -> WebResponse:
        """The wallet's answer (§8.2)."""
        return WebResponse(desk.exchange.respond(handle, _form(request)), media_type=_JSON)


def _log(router: APIRouter, desk: MyDataDesk) -> None:
    log = desk.log

    @router.get("/log/checkpoint", responses=told.CHECKPOINT)
    def checkpoint() -> WebResponse:
        """The newest checkpoint (C2SP tlog-checkpoint)."""
        return WebResponse(log.checkpoint(), media_type=_NOTE)

    @router.get("/log/inclusion/{seq}", responses=told.INCLUSION)
    def inclusion(seq: int) -> WebResponse:
        """The proof that the log has an entry of that place."""
        if not 0 <= seq <= MAX_SIZE:
            raise NotFound("storage.not_found", "no entry of that place")
        return _json(log.inclusion(seq).to_json())

    @router.get("/log/consistency", responses=told.CONSISTENCY)
    def consistency(old: Size, size: Size) -> WebResponse:
        """The proof that the log of one size goes on from that of another."""
        path = [b64encode(hash_).decode("ascii") for hash_ in log.consistency(old, size)]
        return _json({"old": old, "size": size, "path": path})

    @router.get("/log/tile/{level}/{path:path}", responses=told.TILE)
    def tile(level: int, path: str) -> WebResponse:
        """A tile of hashes (C2SP tlog-tiles)."""
        hashes = Tile.at(level, path).hashes(log)
        return WebResponse(hashes, media_type="application/octet-stream", headers=_FOR_EVER)


def _form(request: Request) -> bytes:
    check_media_type(request, _FORM, "invalid_request", status=415)
    return request.body


def _json(told_: object) -> WebResponse:
    return WebResponse(jose.to_json(told_), media_type=_JSON)
