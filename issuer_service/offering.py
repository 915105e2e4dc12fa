"""The page with an offer on it, whatever was chosen before: a QR code, a link, and digits where they were wanted."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request as WebRequest
from fastapi import Response as WebResponse

from ewallet.authorization import Offered
from issuer_service.rendering import Pages, clock
from issuer_service.service import Service
from issuer_service.session import Session


@dataclass(frozen=True, kw_only=True)
class OfferForm:
    """What is offered, and the address of the form that offers it again, below the pages."""

    name: str
    path: str


def show_offer(
    service: Service, pages: Pages, request: WebRequest, session: Session, form: OfferForm, made: Offered
) -> WebResponse:
    """Shown once, for the digits are not kept."""
    return pages.show(
        request,
        "offer",
        session,
        form=form,
        link=made.reference.uri,
        picture=f"{service.settings.path}/my/offers/{made.handle}",
        tx_code=made.tx_code,
        until=clock(made.until),
        seconds=int((made.until - service.env.now()).total_seconds()),
    )
