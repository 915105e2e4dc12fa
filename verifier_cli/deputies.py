"""Whom the bank expects to answer, where it is not the person themselves, and both people in words (대리).

A request words it as ``{"acting": {"as": "delegate", "case": "2026-가상-0001"}}``. Where a consent is asked for, it
names both people, so they are worded too: ``principal`` and ``agent``.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Final

from ewallet.acting import Proxy
from ewallet.errors import Language, UsageError
from ewallet.expectation import Expectation
from ewallet.shape import Json, member, optional
from ewallet.terminal import plain

_EXPECTED: Final = frozenset({"as", "case"})
_PEOPLE: Final = frozenset({"principal", "agent"})
_SAYS: Final[Mapping[str, Mapping[Language, str]]] = {
    "delegate": {"ko": "위임받은 대리인이 제출함", "en": "shown by a delegate"},
    "guardian": {"ko": "보호자가 제출함", "en": "shown by a guardian"},
    "official": {"ko": "공무원이 대리 처리함", "en": "shown by an official"},
    "principal": {"ko": "본인", "en": "on behalf of"},
    "agent": {"ko": "제출한 사람", "en": "by"},
    "law": {"ko": "근거", "en": "legal basis"},
    "case": {"ko": "사건", "en": "case"},
    "office": {"ko": "기관", "en": "office"},
}


def worded(args: Namespace) -> dict[str, Json]:
    """The member of a request that the flags word, if they do."""
    said = {"as": args.acting, "case": args.case, "principal": args.principal, "agent": args.agent}
    found = {name: value for name, value in said.items() if value}
    return {"acting": found} if found else {}


def expected(members: Mapping[str, Json]) -> Expectation | None:
    """Whom a request for a query expects; ``usage.argument``, ``malformed.claim_type``."""
    found = _found(members, _EXPECTED)
    return Expectation.read(found) if found is not None else None


def with_people(members: Mapping[str, Json]) -> tuple[Expectation | None, Proxy | None]:
    """The same for a request with a consent, and both people as the consent names them."""
    found = _found(members, _EXPECTED | _PEOPLE)
    if found is None:
        return None, None
    expectation = Expectation.read(found)
    principal, agent = (member(found, name, str) for name in ("principal", "agent"))
    return expectation, Proxy(role=expectation.role, principal=principal, agent=agent)


def _found(members: Mapping[str, Json], known: frozenset[str]) -> Mapping[str, Json] | None:
    found = optional(members, "acting", dict)
    if found is not None and found.keys() - known:
        raise UsageError("usage.argument", f"unknown members of acting, expected some of {', '.join(sorted(known))}")
    return found


def lines(acting: Mapping[str, Json], lang: Language) -> Iterator[str]:
    """Who acted for whom, as a verdict says it."""
    yield f"  {_SAYS[acting['as']][lang]}"
    for name in ("principal", "agent"):
        yield f"    {_SAYS[name][lang]}: {plain(acting[name]['name'])}"
    for name in ("case", "office", "law"):
        if acting.get(name):
            yield f"    {_SAYS[name][lang]}: {plain(acting[name])}"
