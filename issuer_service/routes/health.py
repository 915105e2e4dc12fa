"""Whether the service lives, whether it can work, and what it has done."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi import Response as WebResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from issuer_service import description as told
from issuer_service.calling import Called, may
from issuer_service.mydata import MyDataDesk
from issuer_service.readiness import Readiness
from issuer_service.service import Service


def routes(service: Service, registry: CollectorRegistry, desk: MyDataDesk | None = None) -> APIRouter:
    """For whoever runs the service."""
    router, readiness = APIRouter(tags=["health"], route_class=Called), Readiness(service, desk)

    @router.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz() -> dict[str, str]:
        """Databases can be written, status lists signed, and the log has all that was signed of it; 503 where not."""
        readiness.check()
        return {"status": "ok"}

    @router.get(
        "/metrics",
        response_class=WebResponse,
        responses=told.FIGURES_GIVEN | told.FIGURES,
        dependencies=[may(service, "read")],
    )
    def metrics() -> WebResponse:
        """Counters, for operators with the right to read."""
        return WebResponse(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
