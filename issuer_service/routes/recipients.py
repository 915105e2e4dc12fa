"""What an operator of a portal calls: who is registered to receive, until when, and who is suspended.

Registrations are in the database then (``EWALLET_RECIPIENTS=database``). Every change is on record with the operator's
name, and holds from the next request on in every worker.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from fastapi import APIRouter, Path
from fastapi import Response as WebResponse
from pydantic import AwareDatetime, BaseModel, Field

from ewallet.catalog import Catalog
from ewallet.errors import UsageError
from ewallet.recipients import Change, Recipient, Registry
from issuer_service import description_recipients as told
from issuer_service.calling import Called, Strict, may
from issuer_service.operators import Operator
from issuer_service.service import Service

_LOG: Final = logging.getLogger("ewallet")
_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"
_MAX: Final = 200

What: TypeAlias = Literal["registered", "suspended", "resumed"]
Id = Annotated[str, Path(max_length=128, pattern=_ID, description="its identifier, which is its `client_id`, too")]
Reason = Annotated[str, Field(min_length=1, max_length=_MAX, examples=["가상 사유: 이용기관 등록 신청"])]


class Names(Strict):
    """What it is called, as people read it."""

    ko: str = Field(min_length=1, max_length=_MAX, examples=["가상은행"])
    en: str = Field(min_length=1, max_length=_MAX, examples=["Example Bank"])


class Registration(Strict):
    """What a recipient is registered for; ``keys`` are public JWKs, ``until`` may be brought forward to end it."""

    names: Names
    class_: str = Field(alias="class", max_length=_MAX, examples=["bank"])
    keys: list[dict[str, Any]] = Field(min_length=1, max_length=10)
    bundles: list[str] = Field(min_length=1, max_length=100, examples=[["bank_personal_loan"]])
    until: AwareDatetime = Field(strict=False)  # a time without a zone would be that of the machine
    redirect_uris: list[str] = Field(default_factory=list, max_length=20, examples=[["https://bank.example/return"]])
    reason: Reason


class Cause(Strict):
    """Why it is done; kept with the change."""

    reason: Reason


class Changed(BaseModel):
    """What was done with a registration."""

    what: What
    by: str
    reason: str
    at: datetime


class Registered(BaseModel):
    """A recipient as it is registered now."""

    id: str
    names: dict[str, str]
    class_: str = Field(serialization_alias="class")
    keys: list[dict[str, Any]]
    bundles: list[str]
    until: datetime
    suspended: bool
    redirect_uris: list[str]

    @classmethod
    def of(cls, recipient: Recipient) -> Registered:
        """As programs of the agency read it."""
        found: dict[str, Any] = {**recipient.to_json(), "until": recipient.until}
        return cls.model_construct(class_=found.pop("class"), **found)


class RegisteredList(BaseModel):
    """All recipients."""

    recipients: list[Registered]


class Changes(BaseModel):
    """All that was done with a registration, the newest first."""

    changes: list[Changed]


def routes(service: Service, registry: Registry) -> APIRouter:
    """The calls below ``/v1/recipients``."""
    office, asking = _Office(service, registry), may(service, "register")
    router = APIRouter(
        prefix=f"{service.settings.path}/v1/recipients", tags=["operator"], route_class=Called, dependencies=[asking]
    )
    _reading(router, office)
    _changing(router, office, asking)
    return router


class _Office:
    """Where registrations are kept."""

    def __init__(self, service: Service, registry: Registry) -> None:
        self.registry = registry
        self._service = service

    def register(self, id_: str, asked: Registration, operator: Operator) -> Recipient:
        """Put a registration on record; ``usage.argument``, ``crypto.*``, ``malformed.*``."""
        found = asked.model_dump(by_alias=True, exclude={"reason"})
        recipient = Recipient.of_json({**found, "id": id_, "until": int(asked.until.timestamp())})
        _check_bundles(recipient, self._service.issuer.catalog)
        return self.registry.register(recipient, self._change("registered", id_, operator, asked.reason))

    def suspend(self, id_: str, cause: Cause, operator: Operator, *, suspended: bool) -> None:
        """Put a suspension on record, or its end."""
        change = self._change("suspended" if suspended else "resumed", id_, operator, cause.reason)
        self.registry.suspend(id_, change, suspended=suspended)

    def _change(self, what: What, id_: str, operator: Operator, reason: str) -> Change:
        _LOG.info("recipient %s: %s by %s", id_, what, operator.name)
        return Change(what=what, by=operator.name, reason=reason, at=self._service.env.now())


def _reading(router: APIRouter, office: _Office) -> None:
    @router.get("", responses=told.LISTED)
    def recipients() -> RegisteredList:
        """All who are registered, by identifier."""
        return RegisteredList(recipients=[Registered.of(each) for each in office.registry.recipients()])

    @router.get("/{id}", responses=told.FOUND)
    def recipient(id: Id) -> Registered:  # noqa: A002 - its name in the address
        """A recipient as it is registered now."""
        return Registered.of(office.registry.recipient(id))

    @router.get("/{id}/changes", responses=told.FOUND)
    def recipient_changes(id: Id) -> Changes:  # noqa: A002 - as above
        """All that was done with a registration, the newest first."""
        found = office.registry.changes(id)
        return Changes(changes=[Changed(what=each.what, by=each.by, reason=each.reason, at=each.at) for each in found])


def _changing(router: APIRouter, office: _Office, asking: Any) -> None:
    @router.put("/{id}", responses=told.REGISTERED)
    def register_recipient(id: Id, asked: Registration, operator: Operator = asking) -> Registered:  # noqa: A002
        """Register a recipient, or register it anew; a suspension stays."""
        return Registered.of(office.register(id, asked, operator))

    @router.post("/{id}/suspend", status_code=204, response_class=WebResponse, responses=told.CHANGED)
    def suspend_recipient(id: Id, cause: Cause, operator: Operator = asking) -> None:  # noqa: A002 - as above
        """Let a recipient have nothing from now on, whatever it was given consent for."""
        office.suspend(id, cause, operator, suspended=True)

    @router.post("/{id}/resume", status_code=204, response_class=WebResponse, responses=told.CHANGED)
    def resume_recipient(id: Id, cause: Cause, operator: Operator = asking) -> None:  # noqa: A002 - as above
        """Lift a suspension."""
        office.suspend(id, cause, operator, suspended=False)


def _check_bundles(recipient: Recipient, catalog: Catalog) -> None:
    classes = {bundle.id: bundle.recipient_class for bundle in catalog.bundles()}
    if any(classes.get(bundle) != recipient.class_ for bundle in recipient.bundles):
        raise UsageError("usage.argument", "a bundle that there is not, or that is for recipients of another class")
