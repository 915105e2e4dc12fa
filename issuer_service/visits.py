"""Whoever has a page open: the session it belongs to, and whether a form came from a page of ours."""

from __future__ import annotations

from fastapi import Request as WebRequest

from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Claims
from ewallet.errors import NotFound
from ewallet.records import Pending
from issuer_service.service import Service
from issuer_service.session import Session, check_form, check_origin


class Visits:
    """The visits of one service, and what a visitor may look at."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def session(self, request: WebRequest) -> Session | None:
        """The session that the browser's cookie is of."""
        return self._service.sessions.read(request.cookies.get(self._service.sessions.cookie, ""))

    def form(self, request: WebRequest, csrf: str) -> Session | None:
        """The session that a form belongs to; None where there is none any more; 403."""
        self.check_origin(request)
        session = self.session(request)
        if session is not None:
            check_form(session, csrf)
        return session

    def check_origin(self, request: WebRequest) -> None:
        """Return if a page of ours sent the form; 403."""
        headers = request.headers
        check_origin(headers.get("origin"), headers.get("sec-fetch-site"), self._service.settings.origin)

    def kind(self, type_id: str) -> CredentialType:
        """The kind of that identifier; :class:`ewallet.errors.NotFound`."""
        if type_id not in self._service.issuer.catalog:
            raise NotFound("storage.not_found", "no such kind")
        return self._service.issuer.catalog.type(type_id)

    def record(self, session: Session, type_id: str) -> Claims | Pending | None:
        """What is on record of whoever is signed in, if anything is."""
        try:
            return self._service.records.claims(session.citizen_id, type_id)
        except NotFound:
            return None
