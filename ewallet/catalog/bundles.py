"""Bundles (꾸러미): what one service asks for at once, of several kinds, and nothing beyond it.

One file each in ``schemas/bundles/<id>.json``, read strictly. A member of a bundle names a kind, the claims that the
service needs of it and the yes/no questions that will do in the place of claims. Where a question has an answer that
copies carry (:attr:`ewallet.catalog.PredicateType.presign`), the answer alone is asked; where it has none, the file
says from which claims the service judges ``otherwise``. A question with parameters has none, so it is refused where
the kind has a rung of just these parameters of which a yes and a no are signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Literal, NamedTuple

from ewallet import shape
from ewallet.catalog import reading
from ewallet.catalog.claims import Pattern, PredicateType
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import Language

META: Final = "../meta/bundle.schema.json"
STANDINGS: Final = ("deep", "draft")
#: By what right a recipient is given data. The first three are roads of the law and are never mixed; the last is the
#: holder's own presentation, which needs no law but a purpose.
ROUTES: Final = ("civil_petition", "provision_request", "shared_use", "presentation")
CYCLES: Final = ("P1D", "P7D", "P1M", "P1Y")
#: How long, in an ISO 8601 duration of one number: days, months or years.
PERIOD: Final = re.compile(r"P([1-9][0-9]{0,2})([DMY])", re.ASCII)
MAX_ITEMS: Final = 30  # members of one bundle; the largest has 13

_FILE: Final = frozenset(
    {"$schema", "id", "name", "standing", "recipient_class", "purpose", "route", "legal_basis", "retention"}
    | {"provision", "identity", "items"}
)

_ARTICLE: Final = re.compile(r"[0-9]+조(?:의[0-9]+)?")

Route = Literal["civil_petition", "provision_request", "shared_use", "presentation"]
Json = Any


class Law(NamedTuple):
    """The act and the articles by which a route gives data, and the classes of recipients that they give it to."""

    act: str
    articles: frozenset[str]
    recipients: frozenset[str]

    def named(self, basis: str) -> frozenset[str]:
        """Those of its articles that a legal basis names."""
        said = basis.replace(" ", "")  # acts are written with spaces and without
        return self.articles & frozenset(_ARTICLE.findall(said)) if self.act in said else frozenset()


_AGENCIES: Final = frozenset({"government", "local_government", "public_agency"})
#: The roads of the law. A day care centre takes applications that an agency entrusts it with; a card company and a
#: credit information company are named by the decree, banks by the acts themselves.
LAWS: Final[Mapping[str, Law]] = {
    "civil_petition": Law("민원처리", frozenset({"10조의2"}), _AGENCIES | {"childcare_center"}),
    "provision_request": Law(
        "전자정부법", frozenset({"43조의2"}), _AGENCIES | {"bank", "card_company", "credit_information_company"}
    ),
    "shared_use": Law("전자정부법", frozenset({"36조", "42조"}), _AGENCIES | {"bank"}),
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """A yes/no question of a member; ``otherwise`` are the claims to judge by where no copy has the answer."""

    predicate: str
    params: Mapping[str, Json]
    otherwise: tuple[Pattern, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BundleItem:
    """One member of a bundle: the least that the service needs of one kind."""

    type_id: str
    required: bool
    claims: tuple[Pattern, ...] = ()
    questions: tuple[Question, ...] = ()

    def paths(self, type_: CredentialType) -> tuple[Pattern, ...]:
        """The claims to ask a holder for, each once: answers that copies carry, else what they are judged by."""
        signed = {predicate.id for predicate in type_.predicates if predicate.presign}
        judged = (((q.predicate,),) if q.predicate in signed else q.otherwise for q in self.questions)
        return tuple(dict.fromkeys(chain(self.claims, *judged)))


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long a recipient keeps what it got, in days and in the words of the consent; 0 where it keeps nothing."""

    days: int
    words: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Provision:
    """Once, or again in every ``cycle`` for at most ``longest`` (ISO 8601 durations, None where it is once)."""

    mode: Literal["once", "periodic"]
    cycle: str | None = None
    longest: str | None = None


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What one service asks for at once. Of each set in ``one_of`` the holder gives one member, whichever they have."""

    id: str
    names: Mapping[str, str]
    standing: Literal["deep", "draft"]
    recipient_class: str
    purposes: Mapping[str, str]
    route: Route
    legal_basis: str
    retention: Retention
    provision: Provision
    identity: tuple[str, ...]
    items: tuple[BundleItem, ...]
    one_of: tuple[tuple[str, ...], ...] = ()

    def label(self, lang: Language = "ko") -> str:
        """The name of the service."""
        return self.names[lang]

    def purpose(self, lang: Language = "ko") -> str:
        """What it is for."""
        return self.purposes[lang]

    @property
    def leavable(self) -> tuple[BundleItem, ...]:
        """The members that may be left out: neither required nor one of several of which one will do."""
        alternatives = {type_id for set_ in self.one_of for type_id in set_}
        return tuple(item for item in self.items if not item.required and item.type_id not in alternatives)

    def item(self, type_id: str) -> BundleItem | None:
        """The member of that kind, or None."""
        return next((item for item in self.items if item.type_id == type_id), None)


def read(raw: bytes) -> Bundle:
    """The bundle in a file's bytes; ``malformed.*``, ``limit.*`` or ``usage.configuration`` with place and reason."""
    file = reading.members(shape.json_object(raw, "bundle file"), "bundle file", _FILE, {"one_of", "note"})
    if file["$schema"] != META:
        reading.refuse(f"$schema is not {META}")
    bundle = Bundle(
        id=reading.name(file["id"], "id"),
        names=reading.words(file["name"], "name"),
        standing=reading.one_of(file["standing"], STANDINGS, "standing"),
        recipient_class=reading.name(file["recipient_class"], "recipient_class"),
        purposes=reading.words(file["purpose"], "purpose"),
        route=reading.one_of(file["route"], ROUTES, "route"),
        legal_basis=shape.instance(file["legal_basis"], str, "legal_basis"),
        retention=_retention(file["retention"]),
        provision=_provision(file["provision"]),
        identity=_names(file["identity"], "identity"),
        items=reading.each(file["items"], "items", _item),
        one_of=reading.each(file.get("one_of", []), "one_of", _names),
    )
    _check(bundle)
    _check_route(bundle)
    return bundle


def problems(bundle: Bundle, kinds: Mapping[str, CredentialType]) -> Iterator[str]:
    """What is wrong with a bundle beside these kinds: what they have not, and what is more than the least."""
    yield from (f"identity: no kind {kind}" for kind in bundle.identity if kind not in kinds)
    for item in bundle.items:
        kind = kinds.get(item.type_id)
        if kind is None:
            yield f"no kind {item.type_id}"
            continue
        asked = chain(item.claims, *(question.otherwise for question in item.questions))
        yield from (f"{kind.id} has no claim {'.'.join(map(str, path))}" for path in asked if kind.claim(path) is None)
        known = {predicate.id for predicate in kind.predicates}
        yield from (f"{kind.id} has no question {q.predicate}" for q in item.questions if q.predicate not in known)
        rungs = ((q.predicate, rung) for q in item.questions for rung in _rungs(q, kind))
        yield from (
            f"{kind.id} has the pre-signed {rung.id} for {asked} with these parameters" for asked, rung in rungs
        )


def _rungs(question: Question, kind: CredentialType) -> Iterator[PredicateType]:
    """The answers that copies carry, yes or no, to just this question with its parameters.

    Where only a yes is signed, a no would leave a holder with nothing to show, and the service may have use for both.
    """
    asked = kind.predicate(question.predicate)
    if asked is not None and asked.parameterised:
        either = (rung for rung in kind.predicates if rung.presign is True)
        yield from (rung for rung in either if asked.predicate.asks_as(rung.predicate, question.params))


def _retention(value: Json) -> Retention:
    found = reading.members(value, "retention", {"days", "text"})
    return Retention(
        days=reading.count(found["days"], "retention.days", 0), words=reading.words(found["text"], "retention.text")
    )


def _provision(value: Json) -> Provision:
    found = reading.members(value, "provision", {"mode"}, {"cycle", "longest"})
    mode = reading.one_of(found["mode"], ("once", "periodic"), "provision.mode")
    if (mode == "periodic") != ("cycle" in found and "longest" in found) or (mode == "once" and len(found) > 1):
        reading.refuse("provision has cycle and longest where it is periodic, and only there")
    cycle = reading.one_of(found["cycle"], CYCLES, "provision.cycle") if "cycle" in found else None
    longest = shape.member(found, "longest", str) if "longest" in found else None
    if longest is not None and not PERIOD.fullmatch(longest):
        reading.refuse("provision.longest is not a duration such as P7D, P1M or P5Y")
    return Provision(mode=mode, cycle=cycle, longest=longest)


def _item(value: Json, where: str) -> BundleItem:
    found = reading.members(value, where, {"type", "required", "claims", "answers"})
    return BundleItem(
        type_id=reading.name(found["type"], f"{where}.type"),
        required=shape.member(found, "required", bool),
        claims=reading.each(found["claims"], f"{where}.claims", _path),
        questions=reading.each(found["answers"], f"{where}.answers", _question),
    )


def _question(value: Json, where: str) -> Question:
    found = reading.members(value, where, {"predicate"}, {"params", "otherwise"})
    params = shape.instance(found.get("params", {}), dict, f"{where}.params")
    return Question(
        predicate=reading.name(found["predicate"], f"{where}.predicate"),
        params={reading.name(key, f"{where}.params"): value for key, value in params.items()},
        otherwise=reading.each(found.get("otherwise", []), f"{where}.otherwise", _path),
    )


def _names(value: Json, where: str) -> tuple[str, ...]:
    return reading.each(value, where, reading.name)


def _path(value: Json, where: str) -> Pattern:
    path = tuple(shape.instance(value, list, where))
    if not path or not all(step is None or isinstance(step, str) for step in path) or path[0] is None:
        reading.refuse(f"{where} is not a path of names and nulls")
    return path


def _check(bundle: Bundle) -> None:
    members = [item.type_id for item in bundle.items]
    if not 0 < len(members) <= MAX_ITEMS or len(set(members)) < len(members):
        reading.refuse(f"items are 1 to {MAX_ITEMS} different kinds")
    chosen = [type_id for set_ in bundle.one_of for type_id in set_]
    if len(set(chosen)) < len(chosen) or not set(chosen) <= set(members) or not all(bundle.one_of):
        reading.refuse("one_of names members of the bundle, each once")
    if any(item.required for item in bundle.items if item.type_id in chosen):
        reading.refuse("a member that is one of several is not required by itself")
    if not chosen and not any(item.required for item in bundle.items):
        reading.refuse("nothing is required")


def _check_route(bundle: Bundle) -> None:
    """Return if a bundle goes one road of the law: by the articles of its route alone, to whom they give data."""
    for route, law in LAWS.items():
        named = law.named(bundle.legal_basis)
        if route == bundle.route and bundle.recipient_class not in law.recipients:
            reading.refuse(f"recipient_class {bundle.recipient_class} is none that the route {route} leads to")
        if route == bundle.route and named != law.articles:
            reading.refuse(f"legal_basis does not name the articles of the route {route}")
        if route != bundle.route and named:
            reading.refuse(f"legal_basis names an article of the route {route}, and route is {bundle.route}")
