"""What the agency's own programs call, with a key: make and withdraw offers, revoke, suspend and resume.

No call takes claims: they come from the records when a wallet asks for the credential.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi import Response as WebResponse
from pydantic import BaseModel, Field

from ewallet.authorization import Offered
from ewallet.errors import NotFound
from ewallet.intents import Certificate
from ewallet.issuer import MAX_PAGE, PAGE
from issuer_service import description as told
from issuer_service.calling import Again, Called, Key, Strict, Subject, TypeId, may, once
from issuer_service.service import Service


class OfferRequest(Strict):
    """Who may have which kinds, in which format; ``tx_code`` asks for a code that goes another way than the offer."""

    subject: Subject = Field(examples=["hong"])
    types: list[TypeId] = Field(min_length=1, max_length=10, examples=[["resident_register_copy"]])
    tx_code: bool = False
    format: str = Field(default="dc+sd-jwt", max_length=40, examples=["mso_mdoc"])


class OfferMade(BaseModel):
    """An offer: as a link that holds it, and as one that refers to it."""

    handle: str
    uri: str
    reference_uri: str
    tx_code: str | None
    until: datetime


class Change(Strict):
    """Why a status is changed; kept with the change."""

    reason: str = Field(min_length=1, max_length=200, examples=["가상 사유: 분실 신고"])


class Issued(BaseModel):
    """A certificate on record."""

    id: str
    type: str
    issued: datetime
    until: datetime
    status: Literal["valid", "revoked", "suspended"]

    @classmethod
    def of(cls, certificate: Certificate) -> Issued:
        """As programs of the agency read it."""
        return cls.model_validate(
            {
                "id": certificate.id,
                "type": certificate.type_id,
                "issued": certificate.issued,
                "until": certificate.until,
                "status": certificate.status.name.lower(),
            }
        )


class IssuedPage(BaseModel):
    """Some of what was issued; ``next`` is the cursor of the page after this one, null on the last."""

    certificates: list[Issued]
    next: str | None


def routes(service: Service) -> APIRouter:
    """The calls below ``/v1``."""
    router = APIRouter(prefix=f"{service.settings.path}/v1", tags=["operator"], route_class=Called)
    _offers(router, service)
    _certificates(router, service)
    return router


def _offers(router: APIRouter, service: Service) -> None:
    @router.post(
        "/offers",
        status_code=201,
        response_model=OfferMade,
        responses=told.OFFERS,
        dependencies=[may(service, "offer")],
    )
    def make(wanted: OfferRequest, authorization: Key = "", key: Again = None) -> WebResponse:
        """Offer certificates to a person; the link is good for five minutes and one wallet."""
        return once(service, wanted, lambda: _made(service, wanted), authorization=authorization, key=key)

    @router.delete(
        "/offers/{handle}",
        status_code=204,
        response_class=WebResponse,
        responses=told.WITHDRAWN,
        dependencies=[may(service, "offer")],
    )
    def withdraw(handle: str) -> None:
        """Take an offer back that was not redeemed."""
        if not service.issuance.server.withdraw(handle):
            raise NotFound("storage.not_found", "no offer of that handle waits")


def _made(service: Service, wanted: OfferRequest) -> OfferMade:
    made = service.issuance.offer(
        *wanted.types, subject=wanted.subject, tx_code=wanted.tx_code, format_id=wanted.format
    )
    return made_of(made)


def made_of(made: Offered) -> OfferMade:
    """An offer as programs of the agency read it."""
    return OfferMade(
        handle=made.handle,
        uri=made.offer.uri,
        reference_uri=made.reference.uri,
        tx_code=made.tx_code,
        until=made.until,
    )


def _certificates(router: APIRouter, service: Service) -> None:
    @router.get("/certificates", responses=told.LISTED, dependencies=[may(service, "read")])
    def certificates(
        subject: Annotated[str, Query(min_length=1, max_length=4000, pattern=r"^[A-Za-z0-9._-]+$")],
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = PAGE,
        cursor: Annotated[str | None, Query(max_length=256, description="the `next` of the page before")] = None,
    ) -> IssuedPage:
        """What was issued to a person, or to whoever acts for one, the newest first, page by page."""
        found = service.issuer.listing(subject, cursor=cursor, limit=limit)
        return IssuedPage(certificates=[Issued.of(each) for each in found.certificates], next=found.next)

    @router.post(
        "/certificates/{id}/revoke",
        status_code=204,
        response_class=WebResponse,
        responses=told.CHANGED,
        dependencies=[may(service, "status")],
    )
    def revoke(id: str, change: Change) -> None:  # noqa: A002 - its name in the address
        """End a certificate for good."""
        service.issuer.revoke(id, reason=change.reason)

    @router.post(
        "/certificates/{id}/suspend",
        status_code=204,
        response_class=WebResponse,
        responses=told.CHANGED,
        dependencies=[may(service, "status")],
    )
    def suspend(id: str, change: Change) -> None:  # noqa: A002 - as above
        """Stop a certificate until it is resumed."""
        service.issuer.suspend(id, reason=change.reason)

    @router.post(
        "/certificates/{id}/resume",
        status_code=204,
        response_class=WebResponse,
        responses=told.CHANGED,
        dependencies=[may(service, "status")],
    )
    def resume(id: str, change: Change) -> None:  # noqa: A002 - as above
        """Make a suspended certificate valid again."""
        service.issuer.resume(id, reason=change.reason)
