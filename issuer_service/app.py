"""The composition root: the routes for wallets, citizens and operators in one application, with one error handler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException

import ewallet
from ewallet import command, jose
from ewallet.asgi import Guard, Problem
from ewallet.authorization import refusal
from ewallet.env import Env
from ewallet.errors import EWalletError, ProtocolError
from ewallet.metrics import Metrics
from ewallet.rate import Limiter
from issuer_service.carrying import carried
from issuer_service.description import described
from issuer_service.jobs import Jobs
from issuer_service.mydata import MyDataDesk
from issuer_service.rendering import Pages
from issuer_service.routes import (
    agreeing,
    citizen,
    documents,
    eligibility,
    health,
    mandates,
    mydata,
    operator,
    paper,
    portal,
    recipients,
    wallet,
)
from issuer_service.service import Service
from issuer_service.settings import Settings

_STATIC: Final = Path(__file__).parent / "static"
_WALLET: Final = frozenset({"token", "nonce", "credential", "deferred", "notification"})
_RECIPIENT: Final = frozenset({f"mydata/{name}" for name in ("par", "token", "packages", "receipts", "messages")})
_CONSENT: Final = "mydata/vp/"


def create_app(settings: Settings, *, env: Env | None = None) -> Guard:
    """The guarded application of these settings."""
    metrics = Metrics()
    service = Service.of(settings, env)
    app = framework(service, metrics.registry, MyDataDesk.of(service))
    return Guard(
        app,
        hosts=settings.hosts,
        observe=metrics.observe,
        limiter=Limiter(settings.rate, env=env) if settings.rate else None,
        proxies=settings.proxies,
        secure=settings.secure,
        word=Pages(service).refusal,
    )


def framework(service: Service, registry: CollectorRegistry, desk: MyDataDesk | None = None) -> FastAPI:
    """The routes, with ``desk`` those of a portal; described where the service is open to this machine only."""
    app = FastAPI(
        title="ewallet issuer",
        version=ewallet.__version__,
        summary="Credentials for wallets, and what the agency's own programs call",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would lead to whatever scheme a proxy before us speaks
        generate_unique_id_function=lambda route: route.name,
        lifespan=_lifespan(service, desk),
    )
    if desk:
        service = service.answering(desk.mydata)
    pages = Pages(service)
    for router in (wallet.discovery(service), wallet.routes(service, desk.log if desk else None)):
        app.router.routes += router.routes  # one that is included is searched twice for each request
    app.include_router(operator.routes(service))
    app.include_router(mandates.routes(service))
    app.include_router(health.routes(service, registry, desk))
    app.include_router(documents.routes(service, pages))
    app.include_router(paper.routes(service, pages))
    app.include_router(citizen.routes(service, pages))
    if desk:
        app.include_router(portal.discovery(desk))
        app.include_router(portal.routes(service, desk))
        app.include_router(agreeing.routes(service, pages, desk))
        app.include_router(mydata.routes(service, pages, desk))
        if desk.registry:
            app.include_router(recipients.routes(service, desk.registry))
        app.include_router(eligibility.routes(service, pages))
    if service.settings.unsafe_loopback:
        app.get(f"{service.settings.path}/openapi.json", include_in_schema=False)(
            lambda: described(app, service.settings.issuer)
        )
    app.mount(f"{service.settings.path}/static", StaticFiles(directory=_STATIC), name="static")

    def failed(request: WebRequest, exc: Exception) -> WebResponse:
        return _failed(request, exc, service, pages)

    for kind in (EWalletError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, failed)
    return app


def _lifespan(service: Service, desk: MyDataDesk | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A portal does its jobs meanwhile. At the end databases are closed, which leaves no log beside their files."""

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        async with Jobs(desk.mydata, desk.log, desk.witnesses).by_the_clock() if desk else nullcontext():
            yield
        service.database.close()
        if desk:
            desk.keys.close()

    return running


def _failed(request: WebRequest, exc: Exception, service: Service, pages: Pages) -> WebResponse:
    """Protocol errors as OAuth says them to wallets; to people a page; to programs a problem document (RFC 9457)."""
    if isinstance(exc, HTTPException):
        return pages.problem(request, exc.status_code) if pages.wants(request) else _plain(exc)
    error = _invalid(exc) if isinstance(exc, RequestValidationError) else command.understood(exc)
    endpoint = request.scope["path"].removeprefix(service.settings.path).strip("/")
    if isinstance(error, ProtocolError) and (endpoint in _WALLET | _RECIPIENT or endpoint.startswith(_CONSENT)):
        return carried(refusal(error))
    problem = Problem.of(error)
    if pages.wants(request):
        page = pages.problem(request, problem.status, error)
        page.headers.update({name: told for name, told in problem.headers.items() if name == "retry-after"})
        return page
    return _problem(problem)


def _problem(problem: Problem) -> WebResponse:
    return WebResponse(problem.body, problem.status, dict(problem.headers))


def _invalid(exc: RequestValidationError) -> ProtocolError:
    """Names the fields that are wrong, and not their values."""
    fields = sorted({".".join(str(step) for step in error["loc"][1:]) for error in exc.errors()})
    return ProtocolError("request.invalid", f"missing, unknown or wrong: {', '.join(fields)}", status=422)


def _plain(exc: HTTPException) -> WebResponse:
    """RFC 9457 §4.2.1: nothing is to be said but what the status says."""
    body = jose.to_json({"type": "about:blank", "title": HTTPStatus(exc.status_code).phrase, "status": exc.status_code})
    headers = {**(exc.headers or {}), "content-type": "application/problem+json"}
    return WebResponse(body, exc.status_code, headers)
