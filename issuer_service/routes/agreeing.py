"""The pages on which a person is asked for consent: choose, read and sign with the wallet, go back to who asked."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from fastapi.responses import RedirectResponse

from ewallet import qr
from ewallet.catalog import Bundle, BundleItem
from ewallet.consent import item_of, provided
from ewallet.errors import ConsentError, EWalletError, Language, ProtocolError
from ewallet.portal.agreement import Proposal
from ewallet.portal.pushed import Pushed
from ewallet.recipients import Recipient
from issuer_service.mydata import MyDataDesk
from issuer_service.records import CITIZENS
from issuer_service.rendering import Pages, clock
from issuer_service.service import Service
from issuer_service.session import Session
from issuer_service.visits import Visits

_MAX: Final = 512  # characters of an address or identifier

Token = Annotated[str, Form(alias="csrf", max_length=64)]
Text = Annotated[str, Form(max_length=_MAX)]
Asked = Annotated[str, Query(max_length=_MAX)]


def routes(service: Service, pages: Pages, desk: MyDataDesk) -> APIRouter:
    """The pages below the portal's identifier."""
    router = APIRouter(prefix=f"{service.settings.path}/mydata", include_in_schema=False)
    counter = _Counter(service, pages, desk)
    router.get("/authorize")(counter.choose)
    router.post("/authorize")(counter.propose)
    router.post("/refuse")(counter.refuse)
    router.get("/proposals/{handle}.svg")(counter.picture)
    router.get("/proposals/{handle}")(counter.read)
    router.post("/proposals/{handle}")(counter.go_on)
    router.get("/proposals/{handle}/return")(counter.lead_back)
    return router


class _Counter:
    """Where consents are asked for and given."""

    def __init__(self, service: Service, pages: Pages, desk: MyDataDesk) -> None:
        self._service = service
        self._pages = pages
        self._desk = desk
        self._visits = Visits(service)
        self._home = f"{service.settings.path}/"

    def choose(self, request: WebRequest, client_id: Asked = "", request_uri: Asked = "") -> WebResponse:
        """Who asks, what for, by which law, for what; what is optional is not ticked."""
        session = self._visits.session(request)
        if session is None:
            asked = {"client_id": client_id, "request_uri": request_uri}
            return self._pages.show(request, "sign_in", None, citizens=tuple(CITIZENS.values()), asked=asked)
        pushed = self._desk.portal.pushed(client_id, request_uri)
        return self._choice(request, session, pushed, request_uri)

    def propose(
        self,
        request: WebRequest,
        csrf: Token = "",
        client_id: Text = "",
        request_uri: Text = "",
        chosen: Annotated[list[str] | None, Form(max_length=40)] = None,
    ) -> WebResponse:
        """Write the consent down as it was chosen, and wait for the wallet."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        pushed = self._desk.portal.pushed(client_id, request_uri)
        details = pushed.details
        try:
            consent = self._desk.mydata.propose(
                details.bundle_id,
                recipient=pushed.client_id,
                chosen=frozenset(chosen or ()),
                days=details.days,
                lang=details.lang,
            )
        except EWalletError as exc:
            if exc.code != "usage.argument":
                raise
            return self._choice(request, session, pushed, request_uri, status=400)
        handle = self._desk.agreement.ask(consent, session.citizen_id, request_uri)
        return RedirectResponse(f"{self._home}mydata/proposals/{handle}", 303)

    def refuse(
        self, request: WebRequest, csrf: Token = "", client_id: Text = "", request_uri: Text = ""
    ) -> WebResponse:
        """Say no, and be led back."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        name = self._name(self._desk.portal.recipient(self._desk.portal.pushed(client_id, request_uri)), request)
        back = self._desk.portal.refuse(request_uri)
        return self._pages.show(request, "refused", session, recipient=name, back=back)

    def read(self, request: WebRequest, handle: str) -> WebResponse:
        """The consent as it is signed, and the way to the wallet."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        return self._signing(request, session, handle, self._desk.agreement.proposal(handle, session.citizen_id))

    def picture(self, request: WebRequest, handle: str) -> WebResponse:
        """The QR code of a proposal, for the person it was made to."""
        session = self._visits.session(request)
        proposal = self._desk.agreement.proposal(handle, session.citizen_id if session else "")
        return WebResponse(qr.svg(proposal.link), media_type="image/svg+xml")

    def go_on(self, request: WebRequest, handle: str, csrf: Token = "") -> WebResponse:
        """See whether the wallet has confirmed; then the consent is given, and a link leads back."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        proposal = self._desk.agreement.proposal(handle, session.citizen_id)
        try:
            state: str = self._desk.agreement.state(proposal)
        except ConsentError as exc:
            if exc.code != "consent.authority":
                raise
            state = "another"
        if state == "given":
            back = f"{self._home}mydata/proposals/{handle}/return"
            return self._pages.show(request, "given", session, recipient=proposal.consent.recipient.names, back=back)
        return self._signing(request, session, handle, proposal, state)

    def lead_back(self, request: WebRequest, handle: str) -> WebResponse:
        """To who asked, with a code that is made at this moment: it is good for a minute."""
        session = self._visits.session(request)
        proposal = self._desk.agreement.proposal(handle, session.citizen_id if session else "")
        if self._desk.agreement.state(proposal) != "given":
            raise ProtocolError("request.invalid", "a consent that was not given", error="access_denied", status=403)
        return RedirectResponse(self._desk.portal.grant(proposal.request_uri, proposal.consent.id), 303)

    def _choice(
        self, request: WebRequest, session: Session, pushed: Pushed, request_uri: str, *, status: int = 200
    ) -> WebResponse:
        recipient = self._desk.portal.recipient(pushed)
        bundle, language = self._service.issuer.catalog.bundle(pushed.details.bundle_id), self._pages.language(request)
        alone = [item for item in bundle.items if not any(item.type_id in set_ for set_ in bundle.one_of)]
        return self._pages.show(
            request,
            "consent",
            session,
            status=status,
            pushed=pushed,
            request_uri=request_uri,
            recipient=self._name(recipient, request),
            bundle=bundle,
            required=[self._row(item, language) for item in alone if item.required],
            optional=[self._row(item, language) for item in alone if not item.required],
            alternatives=[[self._row(item, language) for item in each] for each in _alternatives(bundle)],
            incomplete=status != 200,
        )

    def _signing(
        self, request: WebRequest, session: Session, handle: str, proposal: Proposal, state: str = ""
    ) -> WebResponse:
        return self._pages.show(
            request,
            "signing",
            session,
            consent=proposal.consent,
            text=proposal.consent.words(self._service.issuer.catalog),
            link=proposal.link,
            address=f"{self._home}mydata/proposals/{handle}",
            request_uri=proposal.request_uri,
            until=clock(proposal.until),
            state=state,
        )

    def _row(self, item: BundleItem, language: Language) -> dict[str, object]:
        catalog = self._service.issuer.catalog
        kind = catalog.type(item.type_id)
        parts = tuple(provided(item_of(item, kind, "portal"), catalog, language))
        return {"id": kind.id, "name": kind.label(language), "parts": parts, "law": kind.legal_basis}

    def _name(self, recipient: Recipient, request: WebRequest) -> str:
        return recipient.names[self._pages.language(request)]


def _alternatives(bundle: Bundle) -> list[list[BundleItem]]:
    """Of each set, whichever one has: the members to choose one of."""
    return [[item for item in bundle.items if item.type_id in set_] for set_ in bundle.one_of]
