"""Joint cases as the bank's side words them, and what has become of one, as JSON documents.

A case is worded as ``{"members": {"applicant": REQUEST, "spouse": REQUEST}}``, each request as for ``/v1/requests``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ewallet import jose
from ewallet.consent import Party, consenting
from ewallet.errors import Language, UsageError
from ewallet.exchange import Asked, Collected, Exchange, Waiting
from ewallet.joint import MAX_MEMBERS, Case, Cases
from ewallet.shape import Json, instance, json_object, member
from ewallet.terminal import stamp
from ewallet.verdict import Verdict
from verifier_cli import asking, render

SCHEMA: Final = "ewallet.case/1"
_CHECKS: Final = {
    "persons": {"ko": "서로 다른 사람인지", "en": "each of them another person"},
    "household": {"ko": "제출된 세대에 속하는지", "en": "in the household that was shown"},
}


def ask(exchange: Exchange, cases: Cases, raw: bytes | str, recipient: Party) -> Case:
    """The case that a JSON text words, all of its members asked; ``usage.argument`` and what asking raises."""
    members = json_object(raw, "the case")
    if members.keys() != {"members"}:
        raise UsageError("usage.argument", "other members than members")
    worded = {role: instance(one, dict, "a request") for role, one in member(members, "members", dict).items()}
    if not 1 < len(worded) <= MAX_MEMBERS:
        raise UsageError("usage.argument", f"{len(worded)} members of a case, expected 2 to {MAX_MEMBERS}")
    if any("redirect_to" in one for one in worded.values()):
        raise UsageError("usage.argument", "redirect_to in a case, whose verdict nobody leads back to")
    asked = {role: asking.ask(exchange, jose.to_json(one), recipient, joint=True) for role, one in worded.items()}
    return cases.open(asked)


def created(case: Case) -> dict[str, Json]:
    """What the bank is told of a new case: a link for each member, and nothing with which one alone could be read."""
    members = {role: _told(asked) for role, asked in case.members.items()}
    return {
        "schema": SCHEMA,
        "id": case.number,
        "status": "pending",
        "until": stamp(case.until),
        "members": members,
    }


def _told(asked: Asked) -> dict[str, Json]:
    consent = consenting.consent_in(asked.request)
    return {"link": asked.link, "until": stamp(asked.until)} | ({"consent": consent.id} if consent else {})


def became(number: str, outcome: Waiting | Collected | Verdict) -> dict[str, Json]:
    """What has become of it: ``status`` is pending or judged; judged has a ``verdict`` whose checks are the roles."""
    told: dict[str, Json] = {"schema": SCHEMA, "id": number, "status": "judged", "code": None, "verdict": None}
    if isinstance(outcome, Waiting):
        return told | {"status": "pending", "until": stamp(outcome.until)}
    document = outcome.to_json()
    return told | {"code": document["code"], "verdict": document}


def lines(verdict: Verdict | Collected, lang: Language) -> Iterator[str]:
    """What came of each member, by role, and of all of them together; not what anybody showed."""
    if not isinstance(verdict, Collected) and verdict.code:
        yield from render.explanation(verdict.code, lang)
    for check in verdict.checks:
        role: Mapping[str, str] = {"ko": check.name, "en": check.name}
        yield render.line(check, _CHECKS.get(check.name, role), lang)
