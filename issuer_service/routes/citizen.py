"""The citizen's pages: sign in, choose a certificate, see what it contains, take it to a wallet, revoke it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from fastapi.responses import RedirectResponse

from ewallet import qr
from ewallet.catalog.eligibility import KIND
from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Claims
from ewallet.errors import Language, NotFound
from ewallet.intents import Certificate
from ewallet.oid4vci.offer import OfferReference
from ewallet.records import Pending
from ewallet.sheet import MAX_TEXT
from ewallet.status import Status
from issuer_service import printing
from issuer_service.contents import Item, answers, contents, fee
from issuer_service.listing import MAX_QUERY, Listing, Register, shelves
from issuer_service.offering import OfferForm, show_offer
from issuer_service.records import CITIZENS
from issuer_service.rendering import Pages, clock, day, last_day
from issuer_service.service import Service
from issuer_service.session import Session
from issuer_service.visits import Visits

_MAX_ASKED: Final = 512  # characters, as of the page that asks for consent
_ON_A_PAGE: Final = 20  # certificates
_REASONS: Final = ("lost", "not_needed", "wrong")
_HANDLE: Final = re.compile(r"[A-Za-z0-9_-]{32}\Z")
_PICTURES: Final[dict[str, tuple[str, Callable[[str], bytes]]]] = {
    "png": ("image/png", qr.png),
    "svg": ("image/svg+xml", lambda text: qr.svg(text).encode()),
}

Token = Annotated[str, Form(alias="csrf", max_length=64)]


def routes(service: Service, pages: Pages) -> APIRouter:
    """The pages below the identifier's path."""
    router = APIRouter(prefix=service.settings.path, include_in_schema=False)
    desk = _Desk(service, pages)
    if service.settings.path:
        router.get("")(desk.start)
    router.get("/")(desk.home)
    router.post("/sign-in")(desk.sign_in)
    router.get("/sign-in")(desk.start)
    router.post("/sign-out")(desk.sign_out)
    router.get("/kinds/{type_id}")(desk.kind)
    router.post("/kinds/{type_id}/offer")(desk.offer)
    router.get("/kinds/{type_id}/offer")(desk.offer_again)
    router.get("/my/offers/{handle}.{picture}")(desk.picture)
    router.get("/my/certificates")(desk.certificates)
    router.post("/my/certificates/{certificate_id}/revoke")(desk.revoke)
    return router


class _Desk:
    """The pages of one service."""

    def __init__(self, service: Service, pages: Pages) -> None:
        self._service = service
        self._pages = pages
        self._visits = Visits(service)
        issued = service.issuance.metadata.configurations
        self._listing = Listing(kind for kind in service.issuer.catalog if f"{kind.id}.dc+sd-jwt" in issued)
        self._home = f"{service.settings.path}/"

    def home(self, request: WebRequest, q: Annotated[str, Query(max_length=MAX_QUERY)] = "") -> WebResponse:
        """The kinds there are, one's own first; who is not signed in is asked to."""
        session = self._visits.session(request)
        if session is None:
            return self._pages.show(request, "sign_in", None, citizens=tuple(CITIZENS.values()), asked={})
        language, found = self._pages.language(request), self._listing.found(q)
        own, others = self._parted(session, found)
        return self._pages.show(
            request,
            "home",
            session,
            query=q.strip(),
            count=len(found),
            own=shelves(own, language),
            others=shelves(others, language),
            others_count=len(others),
        )

    def _parted(self, session: Session, found: Sequence[CredentialType]) -> tuple[list[CredentialType], ...]:
        """What is on record of somebody, and what is not; all is, as far as records do not say."""
        records = self._service.records
        if not isinstance(records, Register):
            return list(found), []
        known = records.kinds(session.citizen_id)
        return [kind for kind in found if kind.id in known], [kind for kind in found if kind.id not in known]

    def sign_in(
        self,
        request: WebRequest,
        citizen: Annotated[str, Form(max_length=64)],
        client_id: Annotated[str, Form(max_length=_MAX_ASKED)] = "",
        request_uri: Annotated[str, Form(max_length=_MAX_ASKED)] = "",
    ) -> WebResponse:
        """Begin a session, whatever session there was before; who came to be asked for consent is asked next."""
        self._visits.check_origin(request)
        if citizen not in CITIZENS:
            raise NotFound("storage.not_found", "no such citizen in the demo register")
        before, sessions = self._visits.session(request), self._service.sessions
        if before:
            sessions.end(before)
        asked = urlencode({"client_id": client_id, "request_uri": request_uri})
        response = RedirectResponse(f"{self._home}mydata/authorize?{asked}" if request_uri else self._home, 303)
        response.set_cookie(
            sessions.cookie, sessions.begin(citizen), secure=sessions.secure, httponly=True, samesite="lax", path="/"
        )
        return response

    def start(self) -> WebResponse:
        """Where a browser goes that opens the address of a form by itself."""
        return RedirectResponse(self._home, 303)

    def sign_out(self, request: WebRequest, csrf: Token = "") -> WebResponse:
        """End the session."""
        session = self._visits.form(request, csrf)
        response = RedirectResponse(self._home, 303)
        if session:
            self._service.sessions.end(session)
            response.delete_cookie(
                self._service.sessions.cookie, secure=self._service.sessions.secure, httponly=True, path="/"
            )
        return response

    def kind(self, request: WebRequest, type_id: str) -> WebResponse:
        """What a certificate of that kind would say of whoever is signed in."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        if type_id == KIND and self._service.issuance.rules:
            return RedirectResponse(f"{self._home}eligibility", 303)
        kind, record = self._visits.kind(type_id), self._visits.record(session, type_id)
        language = self._pages.language(request)
        rows: Sequence[Item] = ()
        if record and not isinstance(record, Pending):
            # What cannot be issued is not shown as if it could.
            kind.check(kind.issuable(record), self._service.env.now())
            rows = contents(kind, record, language)
        return self._pages.show(
            request,
            "kind",
            session,
            kind=kind,
            fee=fee(kind, language),
            rows=rows,
            answers=answers(kind, language),
            pending=isinstance(record, Pending),
            paper=self._paper(kind, record, language),
            can_draw=printing.is_available(),
            longest=MAX_TEXT,
        )

    def _paper(
        self, kind: CredentialType, record: Claims | Pending | None, language: Language
    ) -> tuple[printing.Choice, ...] | None:
        """What may be left out of a print; None where nothing can be printed."""
        if record is None or isinstance(record, Pending):
            return None
        return printing.choices(kind, record, language)

    def offer(
        self, request: WebRequest, type_id: str, csrf: Token = "", tx_code: Annotated[str, Form(max_length=2)] = ""
    ) -> WebResponse:
        """A QR code, a link and, where wanted, digits: shown once, for the digits are not kept."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        kind = self._visits.kind(type_id)
        made = self._service.issuance.offer(type_id, subject=session.citizen_id, tx_code=tx_code == "on")
        form = OfferForm(name=kind.label(self._pages.language(request)), path=f"kinds/{kind.id}/offer")
        return show_offer(self._service, self._pages, request, session, form, made)

    def offer_again(self, type_id: str) -> WebResponse:
        """The kind, where a browser opens an offer's address by itself: an offer is made by its form only."""
        return RedirectResponse(f"{self._home}kinds/{self._visits.kind(type_id).id}", 303)

    def picture(self, request: WebRequest, handle: str, picture: str) -> WebResponse:
        """The QR code of an offer, as a picture, for the person it was made for."""
        session = self._visits.session(request)
        if session is None or picture not in _PICTURES or not _HANDLE.match(handle):
            raise NotFound("storage.not_found", "no such picture")
        self._service.issuance.server.offered(handle, subject=session.citizen_id)
        media_type, draw = _PICTURES[picture]
        link = OfferReference(f"{self._service.settings.issuer}/offers/{handle}").uri
        return WebResponse(draw(link), media_type=media_type)

    def certificates(
        self, request: WebRequest, revoked: str = "", cursor: Annotated[str | None, Query(max_length=256)] = None
    ) -> WebResponse:
        """What was issued to whoever is signed in, the newest first, page by page."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        language, now = self._pages.language(request), self._service.env.now()
        listing = self._service.issuer.listing(session.citizen_id, cursor=cursor, limit=_ON_A_PAGE)
        rows = [self._row(certificate, language, now) for certificate in listing.certificates]
        return self._pages.show(
            request,
            "certificates",
            session,
            rows=rows,
            reasons=_REASONS,
            was_revoked=revoked == "1",
            older=listing.next,
        )

    def revoke(
        self,
        request: WebRequest,
        certificate_id: str,
        csrf: Token = "",
        reason: Annotated[str, Form(max_length=32)] = "not_needed",
    ) -> WebResponse:
        """End one's own certificate."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        own = {certificate.id for certificate in self._service.issuer.certificates(session.citizen_id)}
        if certificate_id not in own or reason not in _REASONS:
            raise NotFound("storage.not_found", "no certificate of yours, or no such reason")
        self._service.issuer.revoke(certificate_id, reason=f"holder: {reason}")
        return RedirectResponse(f"{self._home}my/certificates?revoked=1", 303)

    def _row(self, certificate: Certificate, language: Language, now: datetime) -> dict[str, object]:
        catalog = self._service.issuer.catalog
        known = certificate.type_id in catalog
        over = now >= certificate.until and certificate.status is Status.VALID
        return {
            "id": certificate.id,
            "name": catalog.type(certificate.type_id).label(language) if known else certificate.type_id,
            "carrier": certificate.carrier,
            "issued": day(certificate.issued, language),
            "at": clock(certificate.issued),
            "until": last_day(certificate.until, language),
            "status": "expired" if over else certificate.status.name.lower(),
            "revocable": certificate.status is not Status.REVOKED and not over,
        }
