"""The bank's service: the addresses that wallets use, and those of the bank's own programs.

A route is one line: parse, call, return. What programs of the bank may do takes its API key; what wallets send is
believed in nothing. Wallets get errors as OpenID4VP has them, without detail; the bank gets problem documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from prometheus_client import generate_latest
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

import ewallet
from ewallet import jose, qr
from ewallet.asgi import Guard, Problem
from ewallet.consent import Party
from ewallet.errors import EWalletError, ProtocolError, StoreError
from ewallet.exchange import Exchange
from ewallet.idempotency import Calls
from ewallet.joint import Cases
from ewallet.metrics import Metrics
from ewallet.oauth import ErrorResponse
from ewallet.oid4vp.request import MEDIA_TYPE, Fetch
from ewallet.rate import Limiter
from ewallet.shape import Json, json_object
from ewallet.verifier import Verifier
from verifier_cli import asking, cases
from verifier_cli import description as told
from verifier_cli.deletions import PATH, Deletions
from verifier_cli.intake import Handed, Intake, room

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_AGAIN: Final = "a text in double quotes that names this call: made again under the same one, it has the same answer"
_TIDY: Final = 60.0  # seconds between two looks for what need not be kept


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What is served: requests and verdicts, under the names ``hosts``; ``check_ready`` raises while it cannot be.

    ``recipient`` is who asks, as consents name it.
    ``calls`` keeps the answers to requests for which the bank's programs may ask again.
    ``limiter`` counts requests by source, ``proxies`` of our own stand before the service. ``cases`` are joint ones;
    ``deletions`` deletes what is kept of an answer, for whoever gave it.
    """

    exchange: Exchange
    verifier: Verifier
    recipient: Party
    calls: Calls
    check_ready: Callable[[], None]
    hosts: frozenset[str]
    api_key: str = field(repr=False)
    limiter: Limiter | None = None
    proxies: int = 0
    cases: Cases | None = None
    deletions: Deletions | None = None


def create_app(desk: Desk) -> Guard:
    """The application, guarded."""
    metrics = Metrics()
    app = framework(desk, metrics)
    return Guard(
        app,
        hosts=desk.hosts,
        max_body=room(partial(_is_known, _digest(desk.api_key))),
        observe=metrics.observe,
        limiter=desk.limiter,
        proxies=desk.proxies,
        secure=desk.exchange.url.startswith("https://"),
    )


def framework(desk: Desk, metrics: Metrics) -> FastAPI:
    """The routes."""
    app = FastAPI(
        title="ewallet-verify",
        version=ewallet.__version__,
        summary="Ask wallets for certificates and read verdicts",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=_lifespan(desk),
    )
    app.include_router(_wallets(desk))
    app.include_router(_bank(desk))
    if desk.deletions:
        app.include_router(_deleting(desk.deletions))
    app.include_router(_operation(desk, app, metrics))
    app.add_exception_handler(EWalletError, _told)
    app.add_exception_handler(HTTPException, _unrouted)
    return app


# -- what wallets use ------------------------------------------------------------------------------------------


def _wallets(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["wallet"], default_response_class=Response)

    @router.get("/request/{handle}", summary="The signed request (OpenID4VP 1.0 §5)", responses=told.FETCHED)
    def request_object(handle: str) -> Response:
        return _request_object(desk.exchange.request_object(handle))

    @router.post(
        "/request/{handle}",
        summary="The signed request, with the wallet's nonce (§5.10)",
        responses=told.FETCHED_FOR,
        openapi_extra=told.FETCHES,
    )
    def request_object_for(handle: str, body: Annotated[bytes, Depends(_form)]) -> Response:
        return _request_object(desk.exchange.request_object(handle, Fetch.parse(body)))

    @router.post(
        "/response/{handle}",
        summary="The answer to a request (§8.2)",
        responses=told.ANSWERED,
        openapi_extra=told.RESPONDS,
    )
    def response(handle: str, body: Annotated[bytes, Depends(_form)]) -> Response:
        return Response(desk.exchange.respond(handle, body), media_type=_JSON)

    return router


def _request_object(compact: str) -> Response:
    return Response(compact, media_type=MEDIA_TYPE)


async def _form(request: Request) -> bytes:
    return await _body(request, _FORM)


async def _json(request: Request) -> bytes:
    return await _body(request, _JSON)


async def _handed(request: Request) -> Handed:
    return Handed.of(request.headers.get("content-type", ""), await request.body())


async def _body(request: Request, media_type: str) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
        raise ProtocolError("request.invalid", f"the body is not {media_type}", status=415)
    return await request.body()


# -- what the bank uses ----------------------------------------------------------------------------------------


def _authorized(desk: Desk) -> Callable[[Request], Awaitable[None]]:
    expected = _digest(desk.api_key)

    async def check(request: Request) -> None:  # a coroutine, for anything else is given a thread of its own
        if not _is_known(expected, request.headers):
            detail, headers = "no api key, or another one, expected it as bearer", {"www-authenticate": "Bearer"}
            raise ProtocolError("access.unauthenticated", detail, error="invalid_token", status=401, headers=headers)

    return check


def _is_known(expected: bytes, headers: Headers) -> bool:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and compare_digest(_digest(key.strip()), expected)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _bank(desk: Desk) -> APIRouter:
    router = APIRouter(
        prefix="/v1", tags=["bank"], dependencies=[Depends(_authorized(desk))], default_response_class=Response
    )
    intake = Intake(desk.verifier)

    @router.post(
        "/requests", status_code=201, summary="Ask for certificates", responses=told.MADE, openapi_extra=told.ASKS
    )
    def ask(
        body: Annotated[bytes, Depends(_json)],
        key: Annotated[str | None, Header(alias="idempotency-key", description=_AGAIN)] = None,
    ) -> Response:
        asked = desk.calls.once(key, caller=desk.api_key, asked=body, perform=lambda: _asked(desk, body))
        return _created(asked)

    @router.get("/requests/{id_}", summary="What has become of a request", responses=told.OUTCOME)
    def outcome(id_: str, response_code: str | None = None) -> Response:
        desk.exchange.pace(id_)
        return _answer(asking.became(id_, desk.exchange.verdict(id_, response_code=response_code)))

    @router.post(
        "/verify",
        summary="Judge a presentation, or a certificate on paper",
        responses=told.JUDGED,
        openapi_extra=told.PRESENTS,
    )
    async def verify(handed: Annotated[Handed, Depends(_handed)]) -> Response:
        return _answer(await intake.verdict(handed))

    if desk.cases:
        _joint(router, desk, desk.cases)
    return router


def _deleting(deletions: Deletions) -> APIRouter:
    """The route by which a holder has what is kept of an answer deleted: the proof is in what they send."""
    router = APIRouter(tags=["wallet"], default_response_class=Response)

    @router.post(
        PATH,
        summary="Delete what is kept of an answer, and have it signed",
        responses=told.DELETED,
        openapi_extra=told.DELETES,
    )
    def delete(body: Annotated[bytes, Depends(_json)]) -> Response:
        return _answer(deletions.delete(body))

    return router


def _joint(router: APIRouter, desk: Desk, known: Cases) -> None:
    """The routes of joint cases."""

    @router.post(
        "/cases",
        status_code=201,
        summary="Ask several people, for one verdict",
        responses=told.OPENED,
        openapi_extra=told.JOINS,
    )
    def open_case(
        body: Annotated[bytes, Depends(_json)],
        key: Annotated[str | None, Header(alias="idempotency-key", description=_AGAIN)] = None,
    ) -> Response:
        asked = b"cases\0" + body  # the same body at the other address is another call
        return _opened(desk.calls.once(key, caller=desk.api_key, asked=asked, perform=lambda: _case(desk, known, body)))

    @router.get("/cases/{id_}", summary="What has become of a joint case", responses=told.JOINT)
    def joint_verdict(id_: str) -> Response:
        return _answer(cases.became(id_, known.verdict(id_)))


def _case(desk: Desk, known: Cases, body: bytes) -> bytes:
    return jose.to_json(cases.created(cases.ask(desk.exchange, known, body, desk.recipient)))


def _opened(raw: bytes) -> Response:
    document = json_object(raw)
    members = {role: asked | {"qr": qr.svg(asked["link"])} for role, asked in document["members"].items()}
    drawn = jose.to_json(document | {"members": members})
    return Response(drawn, 201, {"location": f"/v1/cases/{document['id']}"}, _JSON)


def _asked(desk: Desk, body: bytes) -> bytes:
    return jose.to_json(asking.created(asking.ask(desk.exchange, body, desk.recipient)))


def _created(raw: bytes) -> Response:
    document = json_object(raw)
    drawn = document | {"qr": qr.svg(document["link"])}
    return Response(jose.to_json(drawn), 201, {"location": f"/v1/requests/{document['id']}"}, _JSON)


def _answer(document: Json) -> Response:
    return Response(jose.to_json(document), media_type=_JSON)


# -- what those use who run it ---------------------------------------------------------------------------------


def _operation(desk: Desk, app: FastAPI, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["operation"], default_response_class=Response)
    known = [Depends(_authorized(desk))]

    @router.get("/healthz", summary="Whether the process answers", responses=told.WELL)
    def healthz() -> Response:
        return _answer({"status": "ok"})

    @router.get("/readyz", summary="Whether it can do its work", responses=told.READY)
    def readyz() -> Response:
        return _ready(desk)

    @router.get("/metrics", summary="Counters, for Prometheus", dependencies=known, responses=told.FIGURES)
    def figures() -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    @router.get("/v1/openapi.json", summary="This description", dependencies=known, responses=told.DESCRIBED)
    def description() -> Response:
        return _answer(told.described(app, desk.exchange.url))

    return router


def _ready(desk: Desk) -> Response:
    try:
        desk.check_ready()
    except EWalletError as exc:
        raise StoreError("storage.unavailable", exc.code) from None
    return _answer({"status": "ready"})


# -- errors, and what goes on meanwhile ------------------------------------------------------------------------


def _told(request: Request, exc: Exception) -> Response:
    problem = Problem.of(exc)
    if problem.status < 500 and request.scope["path"].startswith(("/request/", "/response/")):
        error = exc.error if isinstance(exc, ProtocolError) else "invalid_request"
        return Response(ErrorResponse(error=error).to_bytes(), problem.status, media_type=_JSON)
    return Response(problem.body, problem.status, problem.headers)


def _unrouted(_request: Request, exc: Exception) -> Response:
    """No such address, or not with this method."""
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    headers = (isinstance(exc, HTTPException) and exc.headers) or {}
    members = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return Response(jose.to_json(members), status, {**headers, "content-type": "application/problem+json"})


def _lifespan(desk: Desk) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        tidying = asyncio.create_task(_tidy(desk.exchange))
        yield
        tidying.cancel()

    return running


async def _tidy(exchange: Exchange) -> None:
    while True:
        with suppress(StoreError):  # a database that is away for a moment is told by /readyz
            await asyncio.to_thread(exchange.tidy)
        await asyncio.sleep(_TIDY)
