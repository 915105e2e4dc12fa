"""A certificate to print: a form on the page of a kind, whose answer is the file itself and is kept nowhere."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final

from fastapi import APIRouter, Form
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from fastapi.responses import RedirectResponse

from ewallet.catalog.kinds import KST, CredentialType
from ewallet.credential import Claims
from ewallet.errors import Language, NotFound
from ewallet.records import Pending
from ewallet.sheet import MAX_TEXT
from issuer_service import printing
from issuer_service.downloads import attachment
from issuer_service.rendering import Pages
from issuer_service.service import Service
from issuer_service.visits import Visits

_EXTENSIONS: Final = {"application/pdf": "pdf", "text/plain; charset=utf-8": "txt"}
_STYLE: Final = re.compile(rb"<style>(.*?)</style>", re.DOTALL)

Token = Annotated[str, Form(alias="csrf", max_length=64)]
Line = Annotated[str, Form(max_length=MAX_TEXT)]


def routes(service: Service, pages: Pages) -> APIRouter:
    """Below the page of each kind."""
    router = APIRouter(prefix=service.settings.path, include_in_schema=False)
    press = _Press(service, pages)
    router.post("/kinds/{type_id}/paper")(press.paper)
    router.get("/kinds/{type_id}/paper")(press.again)
    return router


class _Press:
    """Where certificates are printed."""

    def __init__(self, service: Service, pages: Pages) -> None:
        self._service = service
        self._pages = pages
        self._visits = Visits(service)
        self._home = f"{service.settings.path}/"

    def paper(
        self,
        request: WebRequest,
        type_id: str,
        recipient: Line = "",
        purpose: Line = "",
        shape: Annotated[printing.Shape, Form()] = "pdf",
        language: Annotated[Language, Form()] = "ko",
        keep: Annotated[list[Annotated[str, Form(max_length=64)]] | None, Form(max_length=300)] = None,
        csrf: Token = "",
    ) -> WebResponse:
        """The certificate, for that recipient and purpose, with those of the claims one may leave out that are kept."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        kind, record = self._visits.kind(type_id), self._visits.record(session, type_id)
        if record is None or isinstance(record, Pending):
            raise NotFound("storage.not_found", "nothing is on record")
        order = printing.Order(
            subject=session.citizen_id,
            recipient=recipient,
            purpose=purpose,
            language=language,
            shape=shape,
            kept=frozenset(keep or ()),
        )
        return self._printed(kind, record, order)

    def again(self, type_id: str) -> WebResponse:
        """The kind, where a browser opens the address of the form by itself."""
        return RedirectResponse(f"{self._home}kinds/{self._visits.kind(type_id).id}", 303)

    def _printed(self, kind: CredentialType, record: Claims, order: printing.Order) -> WebResponse:
        made = printing.made(self._service.issuer, kind, record, order)
        if made.media_type in _EXTENSIONS:
            name = f"{kind.label(order.language)} {_day(made.issued)}"
            said = {"content-disposition": attachment(name, _EXTENSIONS[made.media_type])}
        else:
            said = {"content-security-policy": _policy(made.content)}
        return WebResponse(made.content, headers=said, media_type=made.media_type)


def _day(at: datetime) -> str:
    return at.astimezone(KST).date().isoformat()


def _policy(page: bytes) -> str:
    """Nothing but what stands in the page: its one style, by digest, and its pictures."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(found).digest()).decode()}'" for found in _STYLE.findall(page))
    return f"default-src 'none'; style-src {hashes}; img-src data:; base-uri 'none'; frame-ancestors 'none'"
