"""A person's own pages about their data: consents, notices, history, and the three verbs that each do one thing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from fastapi.responses import RedirectResponse

from ewallet.acting import Proxy
from ewallet.consent import Consent
from ewallet.eligibility import KIND
from ewallet.errors import Language, NotFound
from ewallet.mandates import PLACE
from ewallet.mydata import Given, Notice, Past, Provided, State
from ewallet.mydata.exports import EXPORTERS
from ewallet.paper import own as printed
from ewallet.recipients import ANSWERS
from issuer_service import words
from issuer_service.downloads import attachment
from issuer_service.listing import Register
from issuer_service.mydata import MyDataDesk
from issuer_service.rendering import Pages, clock, day, last_day
from issuer_service.service import Service
from issuer_service.session import Session
from issuer_service.visits import Visits

_FORMATS: Final = (*EXPORTERS, *printed.exporters())
_DONE: Final = ("withdrawn", "stopped")
_CONSENTING: Final = frozenset({"consent.given", "consent.renewed"})

Token = Annotated[str, Form(alias="csrf", max_length=64)]
Text = Annotated[str, Form(max_length=256)]


def routes(service: Service, pages: Pages, desk: MyDataDesk) -> APIRouter:
    """The pages below ``/my``."""
    router = APIRouter(prefix=f"{service.settings.path}/my", include_in_schema=False)
    own = _Own(service, pages, desk)
    router.get("/consents")(own.consents)
    router.post("/consents/{consent_id}/withdraw")(own.withdraw)
    router.get("/consents/{consent_id}/receipt")(own.receipt)
    router.post("/recipients/stop")(own.stop)
    router.get("/notices")(own.notices)
    router.get("/history")(own.history)
    router.get("/data")(own.data)
    router.post("/data/export")(own.export)
    router.post("/data/erase")(own.erase)
    return router


class _Own:
    """What a person sees and does."""

    def __init__(self, service: Service, pages: Pages, desk: MyDataDesk) -> None:
        self._service = service
        self._pages = pages
        self._mydata = desk.mydata
        self._receipts = desk.receipts
        self._visits = Visits(service)
        self._home = f"{service.settings.path}/"

    def consents(self, request: WebRequest, done: str = "") -> WebResponse:
        """Consents, and who they are for."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        language = self._pages.language(request)
        provided = self._mydata.provided(session.citizen_id)
        found = [self._consent(given, provided, language) for given in self._mydata.consents(session.citizen_id)]
        recipients = {row["recipient_id"]: row["recipient"] for row in found if row["in_force"]}
        return self._pages.show(
            request, "consents", session, rows=found, recipients=recipients, done=done if done in _DONE else ""
        )

    def withdraw(self, request: WebRequest, consent_id: str, csrf: Token = "") -> WebResponse:
        """End one consent."""
        session = self._visits.form(request, csrf)
        if session:
            self._mydata.withdraw(consent_id, session.citizen_id)
        return RedirectResponse(f"{self._home}my/consents?done=withdrawn" if session else self._home, 303)

    def receipt(self, request: WebRequest, consent_id: str) -> WebResponse:
        """The receipt of one consent with all that has happened under it, as a file."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        given = self._mydata.given(consent_id, session.citizen_id)
        provided = self._mydata.provided(session.citizen_id)
        made = self._receipts.to_date(given, self._mydata.history(session.citizen_id), provided)
        return WebResponse(
            made.to_bytes(),
            media_type="application/json",
            headers={"content-disposition": attachment("consent-receipt", "json")},
        )

    def stop(self, request: WebRequest, csrf: Token = "", recipient: Text = "") -> WebResponse:
        """End all consents for one recipient."""
        session = self._visits.form(request, csrf)
        if session:
            self._mydata.stop(recipient, session.citizen_id)
        return RedirectResponse(f"{self._home}my/consents?done=stopped" if session else self._home, 303)

    def notices(self, request: WebRequest, recipient: str = "") -> WebResponse:
        """Every look at one's data, or those of one recipient: the five fields."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        language = self._pages.language(request)
        rows = [_notice(notice, language) for notice in self._mydata.notices(session.citizen_id)]
        shown = [row for row in rows if recipient in {"", row["looker"]}]
        return self._pages.show(request, "notices", session, rows=shown, one=bool(recipient))

    def history(self, request: WebRequest) -> WebResponse:
        """Everything on record, each with its proof, and the checkpoint to hold the log to."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        language = self._pages.language(request)
        pasts = self._mydata.history(session.citizen_id)
        who = self._who(session)
        checkpoint = pasts[-1].logged.inclusion.checkpoint.decode() if pasts else ""
        rows = [_past(past, who, language) for past in reversed(pasts)]
        return self._pages.show(request, "history", session, rows=rows, checkpoint=checkpoint)

    def data(self, request: WebRequest) -> WebResponse:
        """Download or delete; and what each verb does not do."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        return self._pages.show(request, "data", session, formats=_FORMATS, incomplete=False)

    def export(
        self, request: WebRequest, csrf: Token = "", format_: Annotated[str, Form(alias="format", max_length=8)] = ""
    ) -> WebResponse:
        """One's own data as a file."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        if format_ not in _FORMATS:
            raise NotFound("storage.not_found", "no such format")
        language = self._pages.language(request)
        made = self._mydata.export(session.citizen_id, format_, kinds=self._kinds(session), lang=language)
        name, _, extension = made.name.rpartition(".")
        headers = {"content-disposition": attachment(name, extension)}
        return WebResponse(made.content, media_type=made.media_type, headers=headers)

    def erase(
        self, request: WebRequest, csrf: Token = "", sure: Annotated[str, Form(max_length=2)] = ""
    ) -> WebResponse:
        """Delete what is kept, for good; the answer is signed and is the person's to keep."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        if sure != "on":
            return self._pages.show(request, "data", session, status=400, formats=_FORMATS, incomplete=True)
        erased = self._mydata.erase(session.citizen_id)
        language = self._pages.language(request)
        return self._pages.show(
            request, "erased", session, erased=erased, final=f"{erased.final}", at=day(erased.at, language)
        )

    def _who(self, session: Session) -> _Who:
        consents = [given.consent for given in self._mydata.consents(session.citizen_id)]
        names = {consent.recipient.id: consent.recipient.names for consent in consents}
        return _Who(
            names={**names, ANSWERS: self._service.issuer.catalog.type(KIND).agencies},
            consents={consent.id: consent for consent in consents},
            notices={notice.seq: notice for notice in self._mydata.notices(session.citizen_id)},
            provided={each.seq: each for each in self._mydata.provided(session.citizen_id)},
        )

    def _kinds(self, session: Session) -> list[str]:
        """The kinds that there may be records of: all, where the records do not say."""
        records, catalog = self._service.records, self._service.issuer.catalog
        return sorted(
            records.kinds(session.citizen_id) if isinstance(records, Register) else (kind.id for kind in catalog)
        )

    def _consent(self, given: Given, provided: Iterable[Provided], language: Language) -> dict[str, object]:
        consent, catalog = given.consent, self._service.issuer.catalog
        over = given.state is State.GIVEN and self._service.env.now() >= consent.until
        in_force = given.state is State.GIVEN and not over
        return {
            "id": consent.id,
            "recipient_id": consent.recipient.id,
            "recipient": consent.recipient.names[language],
            "purpose": consent.purposes[language],
            "items": [item.words(catalog, language) for item in consent.items],
            "text": consent.words(catalog),
            "lang": consent.lang,
            "since": day(consent.since, language),
            "until": last_day(consent.until, language),
            "state": "over" if over else "in_force" if in_force else given.state.name.lower(),
            "in_force": in_force,
            "acting": _acting(consent.acting, language),
            "provided": [_provided(each, language) for each in provided if each.consent_id == consent.id],
        }


@dataclass(frozen=True, kw_only=True)
class _Who:
    """Who was there when something happened: as the notice of it says, else the consent; ``names`` by party."""

    names: Mapping[str, Mapping[str, str]]
    consents: Mapping[str, Consent]
    notices: Mapping[int, Notice]
    provided: Mapping[int, Provided]

    def party(self, past: Past, language: Language) -> str:
        """Who looked, or for whom it was."""
        notice = self.notices.get(past.entry.seq)
        return (notice.recipient.names if notice else self.names.get(past.party, {})).get(language, "")

    def acting(self, past: Past) -> Proxy | None:
        """Who acted for the person; a consent that somebody gave for them may be withdrawn by the person themselves."""
        notice, event = self.notices.get(past.entry.seq), past.entry.event
        if notice is not None:
            return notice.acting
        consent = self.consents.get(event.consent)
        return consent.acting if consent and event.type in _CONSENTING else None


def _acting(proxy: Proxy | None, language: Language) -> str:
    """Both people, and how one acts for the other."""
    if proxy is None:
        return ""
    role = words.word(f"acts_{proxy.role}", language)
    return words.word("acting_people", language, principal=proxy.principal, agent=proxy.agent, role=role)


def _provided(provided: Provided, language: Language) -> str:
    """When something was provided, and whether its recipient has signed for it."""
    at, signed = _time(provided.at, language), provided.signed
    if signed is None:
        return words.word("provided_unsigned", language, at=at)
    return words.word("provided_signed", language, at=at, signed=_time(signed, language))


def _time(at: datetime, language: Language) -> str:
    return f"{day(at, language)} {clock(at)}"


def _notice(notice: Notice, language: Language) -> dict[str, object]:
    return {
        "looker": _looker(notice),
        "recipient": notice.recipient.names[language],
        "purpose": notice.purposes[language],
        "information": notice.information[language].splitlines(),
        "at": _time(notice.at, language),
        "seq": notice.seq,
        "acting": _acting(notice.acting, language),
    }


def _looker(notice: Notice) -> str:
    """Who looked; those who act for people are one party, and told apart by name."""
    party = notice.recipient
    return f"{party.id}:{party.names['ko']}" if party.id == PLACE else party.id


def _past(past: Past, who: _Who, language: Language) -> dict[str, object]:
    event = past.entry.event
    return {
        "seq": past.entry.seq,
        "what": event.type.replace(".", "_"),
        "refused": event.outcome == "refused",
        "party": who.party(past, language),
        "acting": _acting(who.acting(past), language),
        "provided": _provided(who.provided[past.entry.seq], language) if past.entry.seq in who.provided else "",
        "at": _time(event.at, language),
        "proof": json.dumps(past.logged.to_json(), ensure_ascii=False, indent=1),
    }
