"""Consent: what a person agrees to, whole, in the words that they read and in a record that others can check (동의).

A consent travels as a transaction of an OpenID4VP request (§8.4 there), so the signature with which a holder binds an
answer is also their signature under the consent: no other key of theirs is needed, and none that two recipients could
compare. The record is JSON in one spelling only, so that its digest names it everywhere: in a receipt, in the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Final, Literal, NoReturn

from ewallet.acting import Proxy
from ewallet.catalog import Bundle, BundleItem, Catalog
from ewallet.catalog.bundles import CYCLES, ROUTES, Provision, Retention, Route
from ewallet.catalog.claims import Pattern
from ewallet.catalog.joint import for_case
from ewallet.catalog.kinds import KST, CredentialType
from ewallet.consent.item import ConsentItem, Question
from ewallet.consent.words import SAYS
from ewallet.errors import ConsentError, Language, Malformed, PolicyError, UsageError
from ewallet.oid4vp import TransactionData
from ewallet.shape import Json, instance, json_object, member, to_base64url

TRANSACTION: Final = "urn:example:kr-ewallet:transaction:consent:1"
#: Whether the holder shows copies from the wallet, or the agencies provide what the recipient then fetches.
ROADS: Final = ("wallet", "portal")
VERSION: Final = 1  # of the words and of the record
_OF_ONE: Final = frozenset({"id", "since", "until", "lang", "text"})  # of one consent, and not of the next like it
Road = Literal["wallet", "portal"]

MAX_DAYS: Final = 5 * 366  # nobody foresees further what they will still want


@dataclass(frozen=True, kw_only=True)
class Party:
    """Who receives: the identifier it is registered under, and its names."""

    id: str
    names: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a person chooses: optional members, by which road, for how many days, and the language they read.

    Who shows copies chooses when they answer (:mod:`ewallet.consent.options`): of ``optional`` they are told beforehand
    which one of several is asked for, and nothing else.
    """

    optional: frozenset[str] = frozenset()
    road: Road
    days: int
    lang: Language = "ko"
    joint: bool = False  # as one of several people who are judged together (:mod:`ewallet.catalog.joint`)


@dataclass(frozen=True, kw_only=True)
class Consent:
    """One consent. It holds from ``since`` until the end of a day in Korea, ``until``, which is not part of it.

    ``items`` are what was ticked; what was refused is not in it. ``text`` is the SHA-256 of the words, in ``lang``.
    ``optional`` is one beside another on the same terms, which may be refused alone (:mod:`ewallet.consent.options`).
    """

    id: str
    bundle_id: str
    recipient: Party
    purposes: Mapping[str, str]
    route: Route
    legal_basis: str
    items: tuple[ConsentItem, ...]
    road: Road
    retention: Retention
    provision: Provision
    since: datetime
    until: datetime
    lang: Language
    text: str = ""
    acting: Proxy | None = None
    joint: bool = False
    optional: bool = False

    @classmethod
    def propose(
        cls,
        bundle: Bundle,
        catalog: Catalog,
        choice: Choice,
        *,
        id_: str,
        recipient: Party,
        since: datetime,
        acting: Proxy | None = None,
    ) -> Consent:
        """The consent to a bundle without the optional members that are chosen; ``usage.argument``.

        Of what is one of several, one has to be chosen. From a wallet come the answers that copies carry, and claims in
        the place of the others; agencies answer every question anew.
        """
        bundle = for_case(bundle, catalog.type) if choice.joint else bundle
        _check_chosen(bundle, choice)
        if not 0 < choice.days <= MAX_DAYS:
            raise UsageError("usage.argument", f"{choice.days} days, expected 1 to {MAX_DAYS}")
        consent = cls(
            id=id_,
            bundle_id=bundle.id,
            recipient=recipient,
            purposes=bundle.purposes,
            route=bundle.route,
            legal_basis=bundle.legal_basis,
            items=tuple(
                item_of(item, catalog.type(item.type_id), choice.road)
                for item in bundle.items
                if item.required or item.type_id in choice.optional
            ),
            road=choice.road,
            retention=bundle.retention,
            provision=bundle.provision,
            since=since.astimezone(UTC).replace(microsecond=0),
            until=_end_of_day(since.astimezone(KST).date() + timedelta(days=choice.days)),
            lang=choice.lang,
            acting=acting,
            joint=choice.joint,
        )
        return consent.worded(catalog)

    def worded(self, catalog: Catalog) -> Consent:
        """The same, which names the words that it has now."""
        return replace(self, text=_digest(self.words(catalog).encode()))

    @classmethod
    def parse(cls, raw: str | bytes) -> Consent:
        """The consent of a record in its one spelling; ``receipt.invalid``."""
        try:
            consent = _read(json_object(raw, "the consent"))
        except (Malformed, ValueError, OverflowError) as exc:
            _invalid(f"not the record of a consent: {exc.code if isinstance(exc, Malformed) else 'a time'}")
        if consent.to_bytes() != (raw.encode() if isinstance(raw, str) else raw):
            _invalid("the record of a consent in another spelling than its only one")
        return consent

    def to_bytes(self) -> bytes:
        """The record: JSON in UTF-8, members sorted, nothing between them."""
        return _canonical(self.to_json())

    @property
    def digest(self) -> str:
        """The SHA-256 of the record, which names it in receipts."""
        return _digest(self.to_bytes())

    @property
    def scope(self) -> str:
        """The SHA-256 of what it says wherever and whenever it is given: but for its id, day and language."""
        said = {name: value for name, value in self.to_json().items() if name not in _OF_ONE}
        days = self.until.astimezone(KST).date() - self.since.astimezone(KST).date()
        return _digest(_canonical(said | {"days": days.days}))

    def to_json(self) -> dict[str, Json]:
        """The members of the record."""
        return {
            "version": VERSION,
            "id": self.id,
            "bundle": self.bundle_id,
            "recipient": {"id": self.recipient.id, "name": dict(self.recipient.names)},
            "purpose": dict(self.purposes),
            "route": self.route,
            "legal_basis": self.legal_basis,
            "road": self.road,
            "items": [item.to_json() for item in self.items],
            "retention": {"days": self.retention.days, "text": dict(self.retention.words)},
            "provision": _provision_json(self.provision),
            "since": _time(self.since),
            "until": _time(self.until),
            "lang": self.lang,
            "text": self.text,
            **({"acting": self.acting.to_json()} if self.acting else {}),
            **({"joint": True} if self.joint else {}),
            **({"optional": True} if self.optional else {}),
        }

    def words(self, catalog: Catalog, lang: Language | None = None) -> str:
        """The text to be read before agreeing, line by line, in the consent's language or another."""
        return "\n".join(_lines(self, catalog, lang or self.lang))

    def transaction(self, credential_ids: Iterable[str], catalog: Catalog) -> TransactionData:
        """The consent as a transaction, to be confirmed with one of these credentials of a request.

        An optional one is confirmed if what it is about is given.
        """
        fields = {"text": self.words(catalog), "record": self.to_bytes().decode()}
        only_with = self.items[0].type_id if self.optional else None
        return TransactionData.make(TRANSACTION, credential_ids, fields, only_with=only_with)

    @classmethod
    def of(cls, transaction: TransactionData) -> Consent:
        """The consent of a transaction, whose words are those that its record names; ``receipt.invalid``."""
        text, record = (transaction.fields.get(name) for name in ("text", "record"))
        if transaction.type != TRANSACTION or not isinstance(text, str) or not isinstance(record, str):
            _invalid("not a consent")
        consent = cls.parse(record)
        if consent.text != _digest(text.encode("utf-8", "surrogatepass")):
            _invalid("other words than those that the record of the consent names")
        return consent

    def check_in_force(self, at: datetime) -> None:
        """Return if it holds at that time; ``consent.not_yet_valid``, ``consent.expired``."""
        if at < self.since:
            raise ConsentError("consent.not_yet_valid", "the consent has not begun")
        if at >= self.until:
            raise ConsentError("consent.expired", "the consent is over")

    def check_covers(self, type_id: str, paths: Iterable[Pattern]) -> None:
        """Return if these claims of that kind may be provided; ``consent.scope``."""
        item = self._by_kind.get(type_id)
        if item is None:
            raise ConsentError("consent.scope", "a kind of certificate that was not consented to")
        if not all(item.covers(path) for path in paths):
            raise ConsentError("consent.scope", "a claim that was not consented to")

    @cached_property
    def _by_kind(self) -> Mapping[str, ConsentItem]:
        return {item.type_id: item for item in reversed(self.items)}  # the first of a kind counts


def _check_chosen(bundle: Bundle, choice: Choice) -> None:
    optional = {item.type_id for item in bundle.items if not item.required}
    if not choice.optional <= optional:
        raise UsageError("usage.argument", "chosen are optional members of the bundle")
    if choice.road == "wallet" and not choice.optional.isdisjoint(item.type_id for item in bundle.leavable):
        raise UsageError("usage.argument", "an optional member that its holder could not refuse alone")
    if any(len({*set_} & choice.optional) != 1 for set_ in bundle.one_of):
        raise UsageError("usage.argument", "of several members of which one will do, one has to be chosen")


def item_of(item: BundleItem, kind: CredentialType, road: Road) -> ConsentItem:
    """What is consented to of a member of a bundle, on that road."""
    if road == "portal":
        asked = tuple(Question(each.predicate, tuple(sorted(each.params.items()))) for each in item.questions)
        return ConsentItem(type_id=item.type_id, claims=item.claims, questions=asked)
    carried = {(predicate.id,): Question(predicate.id, ()) for predicate in kind.predicates if predicate.presign}
    paths = item.paths(kind)
    return ConsentItem(
        type_id=item.type_id,
        claims=tuple(path for path in paths if path not in carried),
        questions=tuple(carried[path] for path in paths if path in carried),
    )


def _end_of_day(day: date) -> datetime:
    """The midnight in Korea after that day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), KST).astimezone(UTC)


def _canonical(members: Mapping[str, Json]) -> bytes:
    return json.dumps(dict(members), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _digest(raw: bytes) -> str:
    return to_base64url(sha256(raw).digest())


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _invalid(detail: str) -> NoReturn:
    raise PolicyError("receipt.invalid", detail) from None


def _lines(consent: Consent, catalog: Catalog, lang: Language) -> Iterator[str]:
    says = {name: words[lang] for name, words in SAYS.items()}
    yield says[consent.route]
    yield f"{says['recipient']}: {consent.recipient.names[lang]} ({consent.recipient.id})"
    if consent.acting:
        yield says["acting"].format(consent.acting.principal, consent.acting.agent)
    if consent.joint:
        yield says["joint"]
    yield f"{says['purpose']}: {consent.purposes[lang]}"
    yield f"{says['law']}: {consent.legal_basis}"
    yield says[consent.road]
    yield f"{says['items']}:"
    for item in consent.items:
        yield f"- {item.words(catalog, lang)}"
    yield f"{says['retention']}: {consent.retention.words[lang]}"
    yield says[consent.provision.cycle or "once"]
    last = (consent.until - timedelta(seconds=1)).astimezone(KST).date()
    yield says["period"].format(_day(consent.since.astimezone(KST).date(), lang), _day(last, lang))
    yield says["optional" if consent.optional else "refuse"]
    yield says["withdraw"]


def _day(day: date, lang: Language) -> str:
    return f"{day.year}. {day.month}. {day.day}." if lang == "ko" else day.isoformat()


def _provision_json(provision: Provision) -> dict[str, Json]:
    if provision.mode == "once":
        return {"mode": "once"}
    return {"mode": "periodic", "cycle": provision.cycle, "longest": provision.longest}


def _read(found: Mapping[str, Json]) -> Consent:
    known = {"version": (VERSION,), "route": ROUTES, "road": ROADS, "lang": ("ko", "en")}
    if any(found.get(name) not in words for name, words in known.items()):
        _invalid("a consent of another version, right, road or language than are known here")
    recipient, retention, provision = (member(found, name, dict) for name in ("recipient", "retention", "provision"))
    return Consent(
        id=member(found, "id", str),
        bundle_id=member(found, "bundle", str),
        recipient=Party(id=member(recipient, "id", str), names=_words(recipient, "name")),
        purposes=_words(found, "purpose"),
        route=found["route"],
        legal_basis=member(found, "legal_basis", str),
        road=found["road"],
        items=tuple(_read_item(instance(item, dict, "an item")) for item in member(found, "items", list)),
        retention=Retention(days=member(retention, "days", int), words=_words(retention, "text")),
        provision=_read_provision(provision),
        since=_read_time(member(found, "since", str)),
        until=_read_time(member(found, "until", str)),
        lang=found["lang"],
        text=member(found, "text", str),
        acting=Proxy.of_json(member(found, "acting", dict)) if "acting" in found else None,
        joint=member(found, "joint", bool) if "joint" in found else False,
        optional=member(found, "optional", bool) if "optional" in found else False,
    )


def _read_provision(found: Mapping[str, Json]) -> Provision:
    if found == {"mode": "once"}:
        return Provision(mode="once")
    if found.get("mode") != "periodic" or found.get("cycle") not in CYCLES:
        _invalid("a provision that is neither once nor in a cycle that is known here")
    return Provision(mode="periodic", cycle=found["cycle"], longest=member(found, "longest", str))


def _words(found: Mapping[str, Json], name: str) -> dict[str, str]:
    words = member(found, name, dict)
    return {lang: member(words, lang, str) for lang in ("ko", "en")}


def _read_item(found: Mapping[str, Json]) -> ConsentItem:
    paths = [tuple(instance(path, list, "a path")) for path in member(found, "claims", list)]
    if not all(path and all(step is None or isinstance(step, str) for step in path) for path in paths):
        _invalid("a path of other than names and nulls")
    questions = [instance(item, dict, "an answer") for item in member(found, "answers", list)]
    return ConsentItem(
        type_id=member(found, "type", str),
        claims=tuple(paths),
        questions=tuple(
            Question(predicate=member(each, "predicate", str), params=_read_params(member(each, "params", dict)))
            for each in questions
        ),
    )


def _read_params(found: Mapping[str, Json]) -> tuple[tuple[str, str | int], ...]:
    if not all(type(value) in (str, int) for value in found.values()):
        _invalid("a parameter that is neither text nor number")
    return tuple(sorted(found.items()))


def _read_time(text: str) -> datetime:
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if at.year in (MINYEAR, MAXYEAR):
        raise ValueError  # it is said by its day in Korea, which may be in a year that there is none of
    return at
