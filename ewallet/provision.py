"""What is provided of a record under a consent: the claims it covers and the answers to its questions, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ewallet.catalog import CredentialType
from ewallet.catalog.claims import Pattern
from ewallet.catalog.kinds import KST
from ewallet.consent import Consent
from ewallet.credential import Claims
from ewallet.errors import ConsentError

Json = Any
_NOTHING: object = object()


def provided(kind: CredentialType, record: Claims, consent: Consent, at: datetime) -> Claims:
    """That part of a record of a kind, its questions answered as of that day in Korea; ``consent.scope``.

    A claim that the record does not have is not in it, nor the answer to a question that the record does not settle.
    """
    item = next((item for item in consent.items if item.type_id == kind.id), None)
    if item is None:
        raise ConsentError("consent.scope", "a kind of certificate that was not consented to")
    today = at.astimezone(KST).date()
    answers = {
        question.name: kind.answer(question.predicate, record, today, dict(question.params))
        for question in item.questions
    }
    given = _narrowed(record, tuple(item.claims))
    claims: Mapping[str, Json] = given if isinstance(given, Mapping) else {}
    return {**claims, **{name: answer for name, answer in answers.items() if answer is not None}}


def _narrowed(value: Json, paths: tuple[Pattern, ...]) -> Json:
    """A value with what lies at these paths only; a path that ends here means all of it.

    A row of which nothing is left is not there, for how many rows there are would be told; that there is none is.
    """
    if () in paths:
        return value
    if isinstance(value, Mapping):
        parts = {name: _narrowed(item, _below(paths, name)) for name, item in value.items() if _below(paths, name)}
        return {name: part for name, part in parts.items() if part is not _NOTHING} or _NOTHING
    if isinstance(value, list) and _below(paths, None):
        rows = [_narrowed(item, _below(paths, None)) for item in value]
        kept = [row for row in rows if row is not _NOTHING]
        return kept if kept or not rows else _NOTHING
    return _NOTHING


def _below(paths: Iterable[Pattern], step: str | None) -> tuple[Pattern, ...]:
    return tuple(path[1:] for path in paths if path and path[0] == step)
