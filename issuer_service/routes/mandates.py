"""What the agency's own programs call for whoever acts for somebody: a guardian, or an official with a mandate.

No call takes claims, nor the name of the person: they come from the records. What an official's call gives back has the
receipt that the person takes home, in both languages, as plain text to be printed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi import Response as WebResponse
from pydantic import BaseModel, Field

from ewallet.acting import MAX_MANDATE, Act, Mandate
from ewallet.mandates import LANGUAGES, Appointment
from issuer_service import description as told
from issuer_service.calling import Again, Called, Key, Strict, Subject, TypeId, may, once
from issuer_service.routes.operator import OfferMade, made_of
from issuer_service.service import Service

_HOURS: Final = int(MAX_MANDATE / timedelta(hours=1))

Line = Annotated[str, Field(min_length=1, max_length=120)]
Types = Annotated[list[TypeId], Field(min_length=1, max_length=10, examples=[["resident_register_abstract"]])]


class GuardianRequest(Strict):
    """A guardian who is to have certificates of their ward, as the records know them."""

    guardian: Subject = Field(examples=["seong"])
    ward: Subject = Field(examples=["sim"])
    types: Types
    tx_code: bool = False


class MandateRequest(Strict):
    """An official who acts for a person they have identified: in one case, at one recipient, for some hours."""

    subject: Subject = Field(examples=["sim"])
    types: Types
    official: Line = Field(examples=["김가상"])
    office: Line = Field(examples=["가상특별시 예시구청"])
    identified: Line = Field(description="how the person was identified", examples=["주민등록증과 얼굴"])
    law: Line = Field(examples=["민원 처리에 관한 법률 제10조"])
    case: Line = Field(examples=["2026-가상-0001"])
    recipient: str = Field(min_length=1, max_length=500, description="the client_id of whoever gets the certificates")
    hours: int = Field(ge=1, le=_HOURS)
    tx_code: bool = False


class Appointed(BaseModel):
    """An offer for the wallet of whoever acts; ``subject`` is under what its certificates are listed and revoked."""

    subject: str
    offer: OfferMade


class Mandated(Appointed):
    """The same for an official, with what the person takes home on paper."""

    until: datetime
    receipt_ko: str
    receipt_en: str


class Ending(Strict):
    """Whose certificates end, and why."""

    subject: str = Field(min_length=1, max_length=4000)
    reason: str = Field(min_length=1, max_length=200, examples=["가상 사유: 본인이 철회"])


def routes(service: Service) -> APIRouter:
    """The calls below ``/v1``."""
    router = APIRouter(prefix=f"{service.settings.path}/v1", tags=["operator"], route_class=Called)
    _appointing(router, service)
    _ending(router, service)
    return router


def _appointing(router: APIRouter, service: Service) -> None:
    @router.post(
        "/guardians",
        status_code=201,
        response_model=Appointed,
        responses=told.APPOINTED,
        dependencies=[may(service, "mandate")],
    )
    def guardian(wanted: GuardianRequest, authorization: Key = "", key: Again = None) -> WebResponse:
        """Offer a guardian certificates of their ward, for the guardian's own wallet."""
        return once(service, wanted, lambda: _guardian(service, wanted), authorization=authorization, key=key)

    @router.post(
        "/mandates",
        status_code=201,
        response_model=Mandated,
        responses=told.APPOINTED,
        dependencies=[may(service, "mandate")],
    )
    def mandate(wanted: MandateRequest, authorization: Key = "", key: Again = None) -> WebResponse:
        """Offer an official certificates of a person without a phone, for one case, with a receipt to print."""
        return once(service, wanted, lambda: _mandate(service, wanted), authorization=authorization, key=key)


def _ending(router: APIRouter, service: Service) -> None:
    @router.post(
        "/mandates/revoke",
        status_code=204,
        response_class=WebResponse,
        responses=told.CHANGED,
        dependencies=[may(service, "mandate")],
    )
    def end(ending: Ending) -> None:
        """Revoke all that was issued to whoever acts; neither their offer nor a token of it gets them anything more."""
        service.mandates.end(ending.subject)  # not people: what they hold themselves is another right's to end
        for certificate in service.issuer.certificates(ending.subject):
            service.issuer.revoke(certificate.id, reason=ending.reason)


def _guardian(service: Service, wanted: GuardianRequest) -> Appointed:
    made = service.mandates.appoint_guardian(wanted.guardian, wanted.ward, wanted.types)
    return Appointed(**_offered(service, made, wanted.types, tx_code=wanted.tx_code))


def _mandate(service: Service, wanted: MandateRequest) -> Mandated:
    since = service.env.now().replace(microsecond=0)
    mandate = Mandate(
        office=wanted.office,
        identified=wanted.identified,
        case=wanted.case,
        recipient=wanted.recipient,
        since=since,
        until=since + timedelta(hours=wanted.hours),
    )
    act = Act(name=wanted.official, principal="", law=wanted.law, mandate=mandate)
    made = service.mandates.appoint_official(act, wanted.subject, wanted.types)
    offered = _offered(service, made, wanted.types, tx_code=wanted.tx_code)
    korean, english = (service.mandates.receipt(made, wanted.types, lang) for lang in LANGUAGES)
    return Mandated(**offered, until=mandate.until, receipt_ko=korean, receipt_en=english)


def _offered(service: Service, made: Appointment, types: list[str], *, tx_code: bool) -> dict[str, Any]:
    offered = service.issuance.offer(*types, subject=made.subject, tx_code=tx_code)
    return {"subject": made.subject, "offer": made_of(offered)}
