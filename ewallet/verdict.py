"""The judgement: a ladder of named rungs, climbed in order, and one of three results that cannot be misread.

Only :class:`Accepted` has claims, so a careless reading does not type-check. "Could not tell" is :class:`Undecided`,
never one of the other two.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, cast, get_args

from ewallet.errors import UNDECIDED, EWalletError, Malformed, TransportError, VerificationError
from ewallet.flow import Flow, Request, Response
from ewallet.shape import Json, instance, member, optional, refuse, strings

SCHEMA = "ewallet.verify/1"
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

Outcome = Literal["passed", "failed", "unknown", "skipped", "not_reached"]


@dataclass(frozen=True)
class Check:
    """What came of one rung.

    ``code`` says why it did not pass, what waived it, or under which reservation it passed; ``detail`` is for
    developers. ``members`` names the answers that it is about, where it is about some of several.
    """

    name: str
    outcome: Outcome
    code: str | None = None
    detail: str = ""
    members: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The member of a verdict's ``checks``."""
        told: dict[str, Json] = {"members": list(self.members)} if self.members else {}
        return {"name": self.name, "outcome": self.outcome, "code": self.code, "detail": self.detail} | told


@dataclass(frozen=True)
class Rung:
    """One question.

    ``run`` returns for yes and raises for no; what it returns, if anything, is the code of a reservation; it may be a
    flow. ``waived`` says by what the question is waived: what can still be asked is asked, but the record says skipped.
    """

    name: str
    run: Callable[[], Flow[str | None] | str | None]
    waived: str | None = None


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """Every rung held. ``claims`` holds what was asked and nothing else, by credential and claim.

    ``acting`` names both people where somebody acted for the person that it is about. ``left_out`` names what was asked
    as optional and not given, with which nothing is wrong. ``once`` is what it uses up beside the nonce of its request,
    and until when that has to be remembered.
    """

    checks: tuple[Check, ...]
    at: datetime
    claims: Mapping[str, Json] = field(repr=False)
    acting: Mapping[str, Json] | None = field(default=None, repr=False)
    left_out: tuple[str, ...] = field(default=(), repr=False)
    once: tuple[tuple[str, datetime], ...] = field(default=(), repr=False, compare=False)

    @property
    def code(self) -> None:
        """There is nothing to say against it."""

    def to_json(self) -> dict[str, Json]:
        """The verdict document ``ewallet.verify/1``."""
        return _document("accepted", self) | self.told()

    def told(self) -> dict[str, Json]:
        """What it tells of people: the claims, who acted for whom, and what was kept back."""
        acting = {"acting": dict(self.acting)} if self.acting is not None else {}
        left_out = {"left_out": list(self.left_out)} if self.left_out else {}
        return {"claims": dict(self.claims), **acting, **left_out}

    def used_before(self) -> Rejected:
        """The verdict where something of :attr:`once` was used up before."""
        detail = "this was answered before"
        return Rejected(checks=failed_at("holder", self.checks, "replay.response_used", detail), at=self.at)


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A rung was proven not to hold."""

    checks: tuple[Check, ...]
    at: datetime

    @property
    def reasons(self) -> tuple[Check, ...]:
        """The rung that failed."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    @property
    def code(self) -> str:
        """The stable code of the first reason."""
        return self.reasons[0].code or "internal.fault"

    def to_json(self) -> dict[str, Json]:
        """The verdict document ``ewallet.verify/1``."""
        return _document("rejected", self)


@dataclass(frozen=True, kw_only=True)
class Undecided:
    """Our own material is missing or stale: neither yes nor no."""

    checks: tuple[Check, ...]
    at: datetime

    @property
    def missing(self) -> tuple[Check, ...]:
        """The rung that could not be judged."""
        return tuple(check for check in self.checks if check.outcome == "unknown")

    @property
    def code(self) -> str:
        """The stable code of what is missing."""
        return self.missing[0].code or "internal.fault"

    def to_json(self) -> dict[str, Json]:
        """The verdict document ``ewallet.verify/1``."""
        return _document("undecided", self) | {"missing": [check.code for check in self.missing]}


Verdict: TypeAlias = Accepted | Rejected | Undecided


def climb(rungs: Iterable[Rung]) -> Generator[Request, Response, tuple[Check, ...]]:
    """The record of the rungs, in order, up to the first that does not hold; the rest are not reached.

    A flow, because a rung may be one. Errors of evidence and of the network are judged; any other is raised.
    """
    checks: list[Check] = []
    for rung in rungs:
        if checks and checks[-1].outcome in ("failed", "unknown", "not_reached"):
            checks.append(Check(rung.name, "not_reached"))
        else:
            checks.append((yield from _judge(rung)))
    return tuple(checks)


def _judge(rung: Rung) -> Generator[Request, Response, Check]:
    try:
        answer = rung.run()
        reservation = (yield from answer) if isinstance(answer, Generator) else answer
    except (VerificationError, Malformed, TransportError) as exc:
        return _failure(rung.name, exc)
    return Check(rung.name, "skipped", rung.waived) if rung.waived else Check(rung.name, "passed", reservation)


def _failure(name: str, exc: EWalletError) -> Check:
    return Check(name, "unknown" if exc.code in UNDECIDED else "failed", exc.code, exc.detail, exc.members)


def failed_at(name: str, checks: tuple[Check, ...], code: str, detail: str) -> tuple[Check, ...]:
    """The record as if that rung had failed: what came after it was not reached."""
    position = [check.name for check in checks].index(name)
    after = (Check(check.name, "not_reached") for check in checks[position + 1 :])
    return (*checks[:position], Check(name, "failed", code, detail), *after)


def decide(
    checks: tuple[Check, ...],
    at: datetime,
    claims: Callable[[], Mapping[str, Json]],
    acting: Callable[[], Mapping[str, Json] | None] = lambda: None,
    once: Callable[[], tuple[tuple[str, datetime], ...]] = tuple,
    left_out: Callable[[], tuple[str, ...]] = tuple,
) -> Verdict:
    """The verdict of a record; the rest is asked only when every rung held or was skipped by name."""
    outcomes = {check.outcome for check in checks}
    if "failed" in outcomes or not checks:
        return Rejected(checks=checks, at=at)
    if outcomes <= {"passed", "skipped"}:
        return Accepted(checks=checks, at=at, claims=claims(), acting=acting(), left_out=left_out(), once=once())
    return Undecided(checks=checks, at=at)


def parse(document: Mapping[str, Json]) -> Verdict:
    """The verdict of a document ``ewallet.verify/1`` that is no error; ``malformed.claim_type``."""
    checks = tuple(_check(instance(item, dict, "a check")) for item in member(document, "checks", list))
    at = _moment(member(document, "at", str))
    match document.get("verdict"):
        case "accepted":
            acting, claims = optional(document, "acting", dict), member(document, "claims", dict)
            left_out = strings(document["left_out"], "left_out") if "left_out" in document else ()
            return Accepted(checks=checks, at=at, claims=claims, acting=acting, left_out=left_out)
        case "rejected":
            return Rejected(checks=checks, at=at)
        case "undecided":
            return Undecided(checks=checks, at=at)
    refuse("malformed.claim_type", "verdict is none of accepted, rejected and undecided")


def _check(members: Mapping[str, Json]) -> Check:
    code = members.get("code")
    outcome = member(members, "outcome", str)
    if outcome not in get_args(Outcome):
        refuse("malformed.claim_type", "an outcome that no check has")
    return Check(
        name=member(members, "name", str),
        outcome=cast("Outcome", outcome),
        code=None if code is None else instance(code, str, "a code"),
        detail=optional(members, "detail", str) or "",
        members=strings(members["members"], "members") if "members" in members else (),
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        refuse("malformed.claim_type", "at is no time")


def _document(verdict: str, judged: Verdict) -> dict[str, Json]:
    return {
        "schema": SCHEMA,
        "verdict": verdict,
        "code": judged.code,
        "checks": [check.to_json() for check in judged.checks],
        "claims": None,
        "missing": [],
        "at": judged.at.astimezone(UTC).strftime(_TIME),
    }
