"""Joint cases: several people are asked, each answers alone, and there is one verdict (부부합산 소득, 세대 무주택).

Every member of a case has a request, a consent and a presentation of their own, under a *role* such as ``applicant`` or
``spouse``; nobody sees what another shows. The case is accepted only if every member's answer is, if all have answered,
if nobody answered in two places, and if all are in the household that somebody's register copy lists.

References (:mod:`ewallet.subject`) of two presentations differ by design, of one person too. So who answered in two
places is seen by name and date of birth, which have to be asked of every member; bundles are asked with both
(:mod:`ewallet.catalog.joint`).

What is kept of a case: its members' exchanges, sealed with a key made of its number, and what came of it without any
claim. What members showed is kept as their exchanges keep it (:mod:`ewallet.exchange`), and read once with the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol, TypeAlias
from unicodedata import normalize

from ewallet import jose
from ewallet import verdict as verdicts
from ewallet.catalog.joint import HOUSEHOLD
from ewallet.catalog.person import PERSON
from ewallet.env import Env
from ewallet.errors import UsageError
from ewallet.exchange import Asked, Collected, Exchange, Expired, Outcome, Waiting
from ewallet.oid4vp.response import Declined
from ewallet.sealing import Sealer
from ewallet.shape import Json, json_object, to_base64url
from ewallet.verdict import Accepted, Check, Rejected, Undecided, Verdict

MAX_MEMBERS: Final = 20
_ENTROPY: Final = 24  # bytes of a case number, which opens what is kept of the case
_KEPT: Final = timedelta(days=1)  # the record of a case that is over, as of an exchange

Person: TypeAlias = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case that was opened: its ``number`` for whoever reads the verdict, and what each member was asked, by role."""

    number: str = field(repr=False)
    members: Mapping[str, Asked]

    @property
    def until(self) -> datetime:
        """When nobody can answer any more."""
        return max(asked.until for asked in self.members.values())


@dataclass(frozen=True, kw_only=True)
class KeptCase:
    """A case as it is kept, under the digest of its number; ``outcome`` is JSON and without claims."""

    id: bytes
    until: datetime
    record: bytes = field(repr=False)
    outcome: str | None = None


class CaseStore(Protocol):
    """What outlives the process that asked. Every method is one transaction, on disk when it returns."""

    def put_case(self, kept: KeptCase) -> None:
        """Keep a new case."""

    def case(self, id_: bytes) -> KeptCase:
        """The case of that number's digest; :class:`NotFound`."""

    def settle_case(self, id_: bytes, outcome: str) -> str:
        """What came of it: this, or what was kept of it before; :class:`NotFound`."""

    def forget_cases(self, before: datetime) -> int:
        """Delete those that were over before that; how many."""


class Cases:
    """Cases of one verifier, whose members answer through its ``exchange``."""

    def __init__(self, exchange: Exchange, *, store: CaseStore, env: Env | None = None) -> None:
        self._exchange = exchange
        self._store = store
        self._env = env or Env()

    def open(self, members: Mapping[str, Asked]) -> Case:
        """A case of these requests by role, none of which leads back with a response code; ``usage.argument``."""
        if not 1 < len(members) <= MAX_MEMBERS or not all(role.strip() for role in members):
            raise UsageError("usage.argument", f"{len(members)} members of a case, expected 2 to {MAX_MEMBERS} by role")
        if len({asked.id for asked in members.values()}) < len(members):
            raise UsageError("usage.argument", "one request for two members, expected one for each")
        case = Case(number=to_base64url(self._env.random(_ENTROPY)), members=members)
        id_ = _digest(case.number)
        record = jose.to_json({role: asked.id for role, asked in members.items()})
        sealed = self._sealer(case.number).seal(record, "case", id_.hex())
        self._store.put_case(KeptCase(id=id_, until=case.until, record=sealed))
        self._store.forget_cases(self._env.now() - _KEPT)
        return case

    def verdict(self, number: str) -> Waiting | Collected | Verdict:
        """What has become of a case, claims by role; they are in it once, unless the exchange retains them.

        It waits until everybody has answered or nobody can any more; ``storage.not_found``.
        """
        kept = self._store.case(_digest(number))
        if kept.outcome is not None:
            return _settled(kept.outcome)
        record = json_object(self._sealer(number).unseal(kept.record, "case", kept.id.hex()))
        if self._env.now() < kept.until and any(self._exchange.is_waiting(id_) for id_ in record.values()):
            return Waiting(until=kept.until)
        outcomes = {role: self._exchange.verdict(id_) for role, id_ in record.items()}
        verdict = judge(outcomes, self._env.now())
        if not any(isinstance(outcome, Collected) for outcome in outcomes.values()):  # else another reader settles it
            self._store.settle_case(kept.id, jose.to_json(verdict.to_json() | {"claims": None}).decode())
        return verdict

    def _sealer(self, number: str) -> Sealer:
        return Sealer(number.encode("utf-8", "surrogatepass"), self._env.random)


def judge(outcomes: Mapping[str, Outcome], at: datetime) -> Verdict:
    """One verdict on what became of each member's request, by role; its checks are named by the roles.

    Undecided where somebody is missing (``policy.joint_missing``), or where it cannot be told who somebody is.
    """
    answered = tuple(_member(role, outcome) for role, outcome in outcomes.items())
    if any(check.outcome != "passed" for check in answered):
        checks = (*answered, Check("persons", "not_reached"), Check("household", "not_reached"))
        return verdicts.decide(checks, at, dict)
    claims = {role: outcome.claims for role, outcome in outcomes.items() if isinstance(outcome, Accepted)}
    people = [_people(shown) for shown in claims.values()]
    persons = _check_persons(people)
    household = _check_household([names[0] for names in people if names], list(_households(claims)))
    if persons.outcome != "passed":
        household = Check("household", "not_reached")
    return verdicts.decide((*answered, persons, household), at, lambda: claims)


def _member(role: str, outcome: Outcome) -> Check:
    match outcome:
        case Accepted():
            return Check(role, "passed")
        case Rejected():
            return Check(role, "failed", outcome.code)
        case Undecided():
            return Check(role, "unknown", outcome.code)
        case Collected():
            return Check(role, "unknown", "policy.subject_unknown", "what was shown has been read before")
        case Waiting() | Expired() | Declined():
            return Check(role, "unknown", "policy.joint_missing", "no answer")


def _check_persons(people: Sequence[Sequence[Person]]) -> Check:
    named = [who for names in people for who in set(names)]
    if len(set(named)) < len(named):
        return Check("persons", "failed", "policy.joint_twice", "one person in two places")
    if not all(people):
        return Check("persons", "unknown", "policy.subject_unknown", "a member without name and birth date")
    return Check("persons", "passed")


def _check_household(people: Sequence[Person], households: Sequence[Sequence[Person | None]]) -> Check:
    """Each of the people is in each household that is listed; a row without name or date may be anybody's."""
    for rows in households:
        absent = [who for who in people if who not in rows]
        if absent and None in rows:
            return Check("household", "unknown", "policy.subject_unknown", "a row without name and birth date")
        if absent:
            return Check("household", "failed", "policy.joint_household", f"{len(absent)} who are not in the household")
    return Check("household", "passed")


def _people(claims: Mapping[str, Json]) -> list[Person]:
    """Who a member is, by each certificate that says so: all are of one person, whom agencies may spell in two ways."""
    found = (_named(shown) for shown in claims.values() if isinstance(shown, Mapping))
    return [who for who in found if who]


def _named(values: Mapping[str, Json]) -> Person | None:
    for name, birth_date in PERSON:
        said = values.get(name), values.get(birth_date)
        if isinstance(said[0], str) and isinstance(said[1], str):
            return _letters(said[0]), said[1]
    return None


def _letters(name: str) -> str:
    """A name as it compares: agencies differ in spaces, hyphens, width and case, and nobody is two people for that."""
    return "".join(filter(str.isalnum, normalize("NFKC", name).casefold())) or name


def _households(claims: Mapping[str, Mapping[str, Json]]) -> Iterator[Sequence[Person | None]]:
    for shown in claims.values():
        for values in shown.values():
            if not isinstance(values, Mapping):
                continue
            rows = values.get(HOUSEHOLD)
            if isinstance(rows, list):
                yield [_named(row) if isinstance(row, Mapping) else None for row in rows]
            elif any(name.startswith(f"{HOUSEHOLD}.") for name in values):
                yield _laid_side_by_side(values)


def _laid_side_by_side(values: Mapping[str, Json]) -> list[Person | None]:
    """The rows of which single claims were asked: a verdict has each for all rows, and each row has both of these."""
    names, dates = (values.get(f"{HOUSEHOLD}.*.{name}") for name in PERSON[0])
    if not isinstance(names, list) or not isinstance(dates, list) or len(names) != len(dates):
        return [None]
    return [_named(dict(zip(PERSON[0], row, strict=True))) for row in zip(names, dates, strict=True)]


def _settled(outcome: str) -> Collected | Verdict:
    document = json_object(outcome)
    if document["verdict"] != "accepted":
        return verdicts.parse(document)
    verdict = verdicts.parse({**document, "claims": {}})
    return Collected(checks=verdict.checks, at=verdict.at)


def _digest(number: str) -> bytes:
    return sha256(number.encode("utf-8", "surrogatepass")).digest()
