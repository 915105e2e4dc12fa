"""One question to a wallet, asked through a little service of this run or through one that is running elsewhere."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Final, NoReturn, TypeVar

from ewallet import verdict as verdicts
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.errors import Malformed, TransportError, UsageError
from ewallet.exchange import PAUSE, Collected, Expired, Outcome, Waiting
from ewallet.files import read_own
from ewallet.flow import Request, Response, Send
from ewallet.jose import to_json
from ewallet.oid4vp.response import Declined
from ewallet.shape import Json, instance, json_object, json_value, member, to_base64url
from ewallet.verdict import Accepted, Rejected, Undecided, Verdict
from verifier_cli import asking, cases, deputies, desk
from verifier_cli.inputs import moment
from verifier_cli.session import Session

T = TypeVar("T")

_ANY: Final = "127.0.0.1:0"
_GLANCE: Final = 0.1  # seconds between two looks at what happens in this process


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What was asked: ``link`` for the wallet, ``look`` says what has become of it, every ``pause`` seconds."""

    link: str
    query: Query
    look: Callable[[], Outcome] = field(repr=False)
    pause: float

    def wait(self, seconds: int) -> Outcome:
        """What has become of it when somebody has answered, or when so much time is over."""
        end = monotonic() + seconds
        while isinstance(outcome := self.look(), Waiting) and monotonic() < end:
            sleep(self.pause)
        return outcome


def worded(args: Namespace) -> dict[str, Json]:
    """The request that the flags word; ``usage.*``."""
    if sum(map(bool, (args.kind, args.query, args.rule))) != 1 or bool(args.kind) != bool(args.claims):
        raise UsageError("usage.argument", "expected --type with --claims, or --query, --rule or --bundle")
    if not (args.purpose or args.rule):
        raise UsageError("usage.argument", "--purpose is missing: the holder wants to know why")
    members = _query(args) | ({"purpose": args.purpose} if args.purpose else {}) | deputies.worded(args)
    if args.transaction_data:
        raw = read_own(args.transaction_data, what="the transactions")
        members["transaction_data"] = _transactions(raw, asking.query(members))
    return members


def bundled(args: Namespace) -> dict[str, Json]:
    """The same for a bundle with its consent."""
    if args.kind or args.query or args.rule or args.claims or args.transaction_data:
        raise UsageError("usage.argument", "--bundle says what is asked, and what is confirmed")
    if args.days is None:
        raise UsageError("usage.argument", "--bundle goes with --days: how long the consent is to hold")
    members: dict[str, Json] = {"bundle": args.bundle, "days": args.days, "optional": args.optional or []}
    said = {"lang": args.consent_lang, "purpose": args.purpose}
    return members | {name: value for name, value in said.items() if value} | deputies.worded(args)


def _query(args: Namespace) -> dict[str, Json]:
    if args.query:
        return {"query": Query.parse(read_own(args.query, what="the query")).to_json()}
    if args.rule:
        return {"rule": args.rule}
    return {"type": args.kind, "claims": [name.strip() for name in args.claims.split(",")]}


def _transactions(raw: bytes, query: Query) -> list[Json]:
    """One transaction or several; one that names no credentials is confirmed with any that is asked for."""
    found = json_value(raw, "the transactions")
    ids: Json = [asked.id for asked in query.credentials]
    each = found if isinstance(found, list) else [found]
    return [{"credential_ids": ids, **instance(item, dict, "a transaction")} for item in each]


@contextmanager
def inquiry(session: Session, members: Mapping[str, Json]) -> Iterator[Inquiry]:
    """Ask, and answer wallets while the block runs, unless a service does; ``usage.*``, ``fetch.*``, ``storage.*``."""
    if session.settings.get("server"):
        yield _through(session, members)
        return
    from ewallet.serving import served

    key, tls = to_base64url(Env().random(24)), desk.tls(session)
    state = session.settings.get("state") or "sqlite://"
    with desk.bound(session, _ANY) as at:
        url = desk.address(session, at)
        with desk.opened(session, url, at, key, state) as (app, found), served(app, at, tls=tls):
            exchange = found.exchange
            asked = asking.ask(exchange, to_json(dict(members)), found.recipient)
            yield Inquiry(
                link=asked.link,
                query=asked.request.query,
                look=lambda: exchange.verdict(asked.id),
                pause=_GLANCE,
            )


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A case that was opened: a link for each role, and what has become of all of them together."""

    links: Mapping[str, str]
    look: Callable[[], Waiting | Collected | Verdict] = field(repr=False)
    pause: float

    def wait(self, seconds: int) -> Waiting | Collected | Verdict:
        """The verdict when everybody has answered, or what there is when so much time is over."""
        end = monotonic() + seconds
        while isinstance(outcome := self.look(), Waiting) and monotonic() < end:
            sleep(self.pause)
        return outcome


@contextmanager
def joint(session: Session, raw: bytes) -> Iterator[Joint]:
    """Open a case, and answer wallets while the block runs, unless a service does; as :func:`inquiry`."""
    if session.settings.get("server"):
        yield _joint_through(session, raw)
        return
    from ewallet.serving import served

    key, tls = to_base64url(Env().random(24)), desk.tls(session)
    state = session.settings.get("state") or "sqlite://"
    with desk.bound(session, _ANY) as at:
        url = desk.address(session, at)
        with desk.opened(session, url, at, key, state) as (app, found), served(app, at, tls=tls):
            known = desk.cases(found)
            case = cases.ask(found.exchange, known, raw, found.recipient)
            links = {role: asked.link for role, asked in case.members.items()}
            yield Joint(links=links, look=lambda: known.verdict(case.number), pause=_GLANCE)


def unanswered(outcome: Outcome) -> str:
    """The code of an outcome without a verdict."""
    return "request.declined" if isinstance(outcome, Declined) else "request.expired"


def verdict(outcome: Outcome) -> Verdict | None:
    """The verdict, where somebody has answered."""
    return outcome if isinstance(outcome, Accepted | Rejected | Undecided) else None


# -- through a service that is running ---------------------------------------------------------------------------


def _joint_through(session: Session, raw: bytes) -> Joint:
    service = _service(session)
    id_, links = service.call(_opened, "POST", "/v1/cases", raw)
    return Joint(
        links=links,
        look=lambda: service.call(_judged, "GET", f"/v1/cases/{id_}"),
        pause=2 * PAUSE.total_seconds(),
    )


def _opened(document: Mapping[str, Json]) -> tuple[str, Mapping[str, str]]:
    members = {role: instance(one, dict, "a member") for role, one in member(document, "members", dict).items()}
    return member(document, "id", str), {role: member(one, "link", str) for role, one in members.items()}


def _judged(document: Mapping[str, Json]) -> Waiting | Collected | Verdict:
    if document.get("status") == "pending":
        return Waiting(until=moment(member(document, "until", str)))
    return _verdict(member(document, "verdict", dict))


def _service(session: Session) -> _Service:
    from ewallet.http import Http

    server = str(session.settings.get("server")).rstrip("/")
    return _Service(server=server, key=desk.api_key(session), send=Http())


def _through(session: Session, members: Mapping[str, Json]) -> Inquiry:
    service = _service(session)
    id_, link = service.call(_created, "POST", "/v1/requests", to_json(dict(members)))
    return Inquiry(
        link=link,
        query=asking.query(members),
        look=lambda: service.call(_outcome, "GET", f"/v1/requests/{id_}"),
        pause=2 * PAUSE.total_seconds(),
    )


def _created(document: Mapping[str, Json]) -> tuple[str, str]:
    return member(document, "id", str), member(document, "link", str)


@dataclass(frozen=True, kw_only=True)
class _Service:
    server: str
    key: str = field(repr=False)
    send: Send

    def call(self, read: Callable[[Mapping[str, Json]], T], method: str, path: str, body: bytes = b"") -> T:
        """What is read from its answer; ``fetch.unavailable`` for an error of its own, ``usage.argument`` for ours."""
        headers = {"authorization": f"Bearer {self.key}", "accept": "application/json"}
        if body:
            headers["content-type"] = "application/json"
        response = self.send(Request(method, self.server + path, headers, body))
        if response.status not in (200, 201):
            _refused(response)
        try:
            return read(json_object(response.body, "the service's answer"))
        except Malformed as exc:
            raise TransportError("fetch.unavailable", f"the service answered something else: {exc}") from None


def _refused(response: Response) -> NoReturn:
    try:
        told = json_object(response.body, "the service's answer").get("detail", "")
    except Malformed:
        told = ""
    detail = f"the service answered {response.status}{f', {told}' if told else ''}"
    if 400 <= response.status < 500:
        raise UsageError("usage.argument", detail)
    raise TransportError("fetch.unavailable", detail)


def _outcome(document: Mapping[str, Json]) -> Outcome:
    match document.get("status"):
        case "pending":
            return Waiting(until=moment(member(document, "until", str)))
        case "expired":
            return Expired()
        case "declined":
            return Declined(error=member(document, "error", str))
    return _verdict(member(document, "verdict", dict))


def _verdict(found: Mapping[str, Json]) -> Collected | Verdict:
    if found.get("verdict") == "accepted" and found.get("claims") is None:
        read = verdicts.parse({**found, "claims": {}})
        return Collected(checks=read.checks, at=read.at)
    return verdicts.parse(found)
