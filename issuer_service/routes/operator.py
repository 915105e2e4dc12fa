"""What the agency's own programs call, with a key: make and withdraw offers, revoke, suspend and resume.

No call takes claims: they come from the records when a wallet asks for the credential.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header
from fastapi import Response as WebResponse
from pydantic import BaseModel, ConfigDict, Field

from ewallet.errors import NotFound
from issuer_service import operators
from issuer_service.service import Service

Key = Annotated[str, Header(alias="authorization")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class OfferRequest(_Strict):
    """Who may have which kinds, in which format; ``tx_code`` asks for a code that goes another way than the offer."""

    subject: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+$")
    types: list[str] = Field(min_length=1, max_length=10)
    tx_code: bool = False
    format: str = Field(default="dc+sd-jwt", max_length=40, examples=["mso_mdoc"])


class OfferMade(BaseModel):
    """An offer: as a link that holds it, and as one that refers to it."""

    handle: str
    uri: str
    reference_uri: str
    tx_code: str | None
    until: datetime


class Change(_Strict):
    """Why a status is changed; kept with the change."""

    reason: str = Field(min_length=1, max_length=200)


class Issued(BaseModel):
    """A certificate on record."""

    id: str
    type: str
    issued: datetime
    until: datetime
    status: Literal["valid", "revoked", "suspended"]


def routes(service: Service) -> APIRouter:
    """The calls below ``/v1``."""
    router = APIRouter(prefix=f"{service.settings.path}/v1", tags=["operator"])
    _offers(router, service)
    _certificates(router, service)
    return router


def _offers(router: APIRouter, service: Service) -> None:
    @router.post("/offers", status_code=201)
    def make(wanted: OfferRequest, authorization: Key = "") -> OfferMade:
        """Offer certificates to a person; the link is good for five minutes and one wallet."""
        operators.check(service.operators, authorization, "offer")
        made = service.issuance.offer(
            *wanted.types, subject=wanted.subject, tx_code=wanted.tx_code, format_id=wanted.format
        )
        return OfferMade(
            handle=made.handle,
            uri=made.offer.uri,
            reference_uri=made.reference.uri,
            tx_code=made.tx_code,
            until=made.until,
        )

    @router.delete("/offers/{handle}", status_code=204, response_class=WebResponse)
    def withdraw(handle: str, authorization: Key = "") -> None:
        """Take an offer back that was not redeemed."""
        operators.check(service.operators, authorization, "offer")
        if not service.issuance.server.withdraw(handle):
            raise NotFound("storage.not_found", "no offer of that handle waits")


def _certificates(router: APIRouter, service: Service) -> None:
    @router.get("/certificates")
    def certificates(subject: str, authorization: Key = "") -> list[Issued]:
        """What was issued to a person, the newest first."""
        operators.check(service.operators, authorization, "read")
        return [
            Issued.model_validate(
                {
                    "id": each.id,
                    "type": each.type_id,
                    "issued": each.issued,
                    "until": each.until,
                    "status": each.status.name.lower(),
                }
            )
            for each in service.issuer.certificates(subject)
        ]

    @router.post("/certificates/{id}/revoke", status_code=204, response_class=WebResponse)
    def revoke(id: str, change: Change, authorization: Key = "") -> None:  # noqa: A002 - its name in the address
        """End a certificate for good."""
        operators.check(service.operators, authorization, "status")
        service.issuer.revoke(id, reason=change.reason)

    @router.post("/certificates/{id}/suspend", status_code=204, response_class=WebResponse)
    def suspend(id: str, change: Change, authorization: Key = "") -> None:  # noqa: A002 - as above
        """Stop a certificate until it is resumed."""
        operators.check(service.operators, authorization, "status")
        service.issuer.suspend(id, reason=change.reason)

    @router.post("/certificates/{id}/resume", status_code=204, response_class=WebResponse)
    def resume(id: str, change: Change, authorization: Key = "") -> None:  # noqa: A002 - as above
        """Make a suspended certificate valid again."""
        operators.check(service.operators, authorization, "status")
        service.issuer.resume(id, reason=change.reason)
