"""The document-number check (진위확인): for anybody who has a document before them, as a page and for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Form
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from pydantic import BaseModel, ConfigDict, Field

from ewallet.asgi import Problem, source
from ewallet.documents import MAX_TEXT, PAGE, WINDOW
from ewallet.errors import EWalletError, ProtocolError
from issuer_service import description as told
from issuer_service.calling import Called
from issuer_service.rendering import Pages
from issuer_service.service import Service
from issuer_service.visits import Visits

_LATER: Final = {"retry-after": str(int(WINDOW.total_seconds()))}

Text = Annotated[str, Form(max_length=MAX_TEXT)]


class DocumentRequest(BaseModel):
    """What is printed on a document; its day of issue where that is asked for, too, or where it names nobody."""

    model_config = ConfigDict(extra="forbid", strict=True)

    document_number: str = Field(min_length=1, max_length=MAX_TEXT, examples=["0000-1111-2222-3333"])
    name: str = Field(default="", max_length=MAX_TEXT, examples=["홍길동"])
    issue_date: str | None = Field(default=None, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-11-21"])


class DocumentAnswer(BaseModel):
    """Whether a document was issued with these and has not been revoked; nothing is said of why not."""

    match: bool


def routes(service: Service, pages: Pages) -> APIRouter:
    """The call below ``/v1``, and the page."""
    router = APIRouter(prefix=service.settings.path)
    calls = APIRouter(prefix=service.settings.path, route_class=Called)
    counter = _Counter(service, pages)
    calls.post(
        "/v1/documents/check", tags=["document"], name="check", responses=told.DOCUMENT, response_model=DocumentAnswer
    )(counter.check)
    router.get(PAGE, include_in_schema=False)(counter.form)
    router.post(PAGE, include_in_schema=False)(counter.answer)
    router.routes += calls.routes
    return router


class _Counter:
    """Where documents are brought to be checked."""

    def __init__(self, service: Service, pages: Pages) -> None:
        self._service = service
        self._pages = pages
        self._visits = Visits(service)

    def check(self, asked: DocumentRequest, web: WebRequest) -> WebResponse:
        """Say whether a document was issued with that number and name within the last 90 days, and not revoked."""
        try:
            found = self._found(web, asked.document_number, asked.name, asked.issue_date or "")
        except EWalletError as exc:
            if exc.code != "limit.rate":
                raise
            problem = Problem.of(exc)
            return WebResponse(problem.body, problem.status, {**problem.headers, **_LATER})
        return WebResponse(DocumentAnswer(match=found).model_dump_json(), media_type="application/json")

    def form(self, request: WebRequest) -> WebResponse:
        """The page, empty."""
        return self._show(request, dict.fromkeys(("number", "name", "issued"), ""), None)

    def answer(self, request: WebRequest, number: Text = "", name: Text = "", issued: Text = "") -> WebResponse:
        """The page with the answer, and with what was asked."""
        self._visits.check_origin(request)
        asked = {"number": number, "name": name, "issued": issued}
        try:
            return self._show(request, asked, "match" if self._found(request, number, name, issued) else "no_match")
        except EWalletError as exc:
            if exc.code not in {"limit.rate", "usage.argument", "request.invalid"}:
                raise
            status = Problem.of(exc).status
            return self._show(request, asked, "too_many" if status == 429 else "incomplete", status=status)

    def _found(self, web: WebRequest, number: str, name: str, issued: str) -> bool:
        whose = source(web.scope, self._service.settings.proxies)
        return self._service.issuer.documents.check(number, name=name, issued=_day(issued), source=whose)

    def _show(
        self, request: WebRequest, asked: dict[str, str], outcome: str | None, *, status: int = 200
    ) -> WebResponse:
        session = self._visits.session(request)
        return self._pages.show(request, "documents", session, status=status, asked=asked, outcome=outcome)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ProtocolError("request.invalid", "missing, unknown or wrong: issue_date", status=422) from None
