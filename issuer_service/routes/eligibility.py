"""The pages of the yes/no service: choose what to have answered, see what is looked at, take the answer to a wallet.

Nothing is looked up for a page. Agencies are consulted once the wallet asks, and their answer goes there only.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from fastapi.responses import RedirectResponse

from ewallet.catalog import Rule
from ewallet.eligibility import questions
from ewallet.errors import NotFound
from issuer_service.offering import OfferForm, show_offer
from issuer_service.rendering import Pages
from issuer_service.service import Service
from issuer_service.visits import Visits

Token = Annotated[str, Form(alias="csrf", max_length=64)]


def routes(service: Service, pages: Pages) -> APIRouter:
    """The pages below ``/eligibility``."""
    router = APIRouter(prefix=f"{service.settings.path}/eligibility", include_in_schema=False)
    counter = _Counter(service, pages)
    router.get("")(counter.rules)
    router.get("/{rule_id}")(counter.rule)
    router.post("/{rule_id}/offer")(counter.offer)
    router.get("/{rule_id}/offer")(counter.again)
    return router


class _Counter:
    """Where people ask whether they are eligible."""

    def __init__(self, service: Service, pages: Pages) -> None:
        self._service = service
        self._pages = pages
        self._visits = Visits(service)
        self._rules = {rule.id: rule for rule in service.issuance.rules}
        self._home = f"{service.settings.path}/"

    def rules(self, request: WebRequest) -> WebResponse:
        """What can be answered."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        return self._pages.show(request, "eligibility", session, rules=tuple(self._rules.values()))

    def rule(self, request: WebRequest, rule_id: str) -> WebResponse:
        """What is looked at for one answer, all of it always, and what the answer says."""
        session = self._visits.session(request)
        if session is None:
            return RedirectResponse(self._home, 303)
        rule = self._rule(rule_id)
        looked = questions(rule, self._service.issuer.catalog, self._pages.language(request))
        return self._pages.show(request, "rule", session, rule=rule, looked=looked)

    def offer(
        self, request: WebRequest, rule_id: str, csrf: Token = "", tx_code: Annotated[str, Form(max_length=2)] = ""
    ) -> WebResponse:
        """The offer of an answer, of which nobody knows yet what it will be."""
        session = self._visits.form(request, csrf)
        if session is None:
            return RedirectResponse(self._home, 303)
        rule = self._rule(rule_id)
        made = self._service.issuance.offer(rule.asked, subject=session.citizen_id, tx_code=tx_code == "on")
        form = OfferForm(name=rule.label(self._pages.language(request)), path=f"eligibility/{rule.id}/offer")
        return show_offer(self._service, self._pages, request, session, form, made)

    def again(self, rule_id: str) -> WebResponse:
        """The rule, where a browser opens the address of the form by itself."""
        return RedirectResponse(f"{self._home}eligibility/{self._rule(rule_id).id}", 303)

    def _rule(self, rule_id: str) -> Rule:
        if rule_id not in self._rules:
            raise NotFound("storage.not_found", "no such rule")
        return self._rules[rule_id]
