"""The verifier that flags and settings describe, and its verdict on what was given to the command."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from ewallet.credential import Binding
from ewallet.dcql import Query
from ewallet.errors import EWalletError, Malformed, UsageError
from ewallet.files import read_own, read_trust
from ewallet.flow import Request, Response, offline
from ewallet.oid4vp import AuthorizationRequest
from ewallet.policy import AcceptTypes, AllOf, FitsKind, IssuedWithin, Policy, SamePerson, StatusFresh
from ewallet.trust import TrustList, TrustVersions
from ewallet.verdict import Accepted, Check, Rejected, Verdict
from ewallet.verifier import LADDER, Verifier, VerifierStore
from verifier_cli import papers, render
from verifier_cli.inputs import presented
from verifier_cli.memory import MemoryStore
from verifier_cli.session import Session

if TYPE_CHECKING:
    from ewallet.paper.reading import PaperVerdict

Asked: TypeAlias = AuthorizationRequest | Binding | None

ACCEPTED, REJECTED, UNDECIDED = 0, 1, 3
_HOUR_LIMIT: Final = 24 * 365  # of --stale-for; a list of last year says nothing


def exit_code(verdict: Verdict | PaperVerdict) -> int:
    """The exit code of a verdict."""
    reached = getattr(verdict, "verdict", verdict)
    if isinstance(reached, Accepted):
        return ACCEPTED
    return REJECTED if isinstance(reached, Rejected) else UNDECIDED


# -- what was asked ----------------------------------------------------------------------------------------


def asked(session: Session) -> Asked:
    """What the presentation must answer, None where the flags do not say; ``usage.*``, ``request.*``, ``dcql.*``."""
    args = session.args
    ways = [bool(args.request), args.nonce is not None, args.unsafe_no_binding]
    if sum(ways) > 1:
        raise UsageError("usage.argument", "--request, --nonce and --unsafe-no-binding exclude each other")
    if args.request:
        return AuthorizationRequest.parse(read_own(args.request, what="the request"))
    if args.nonce is None:
        return None
    audience = session.settings.get("audience")
    if not args.nonce or not audience:
        raise UsageError("usage.argument", "--nonce goes with --audience, neither of them empty")
    return Binding(audience=audience, nonce=args.nonce)


def query(asked: Asked) -> Query | None:
    """The claims that were asked for, where the flags say."""
    return asked.query if isinstance(asked, AuthorizationRequest) else None


def verdict(session: Session, verifier: Verifier, asked: Asked) -> Verdict | PaperVerdict:
    """The verdict on the files that were named; what cannot be read as a presentation is rejected as such."""
    if not session.args.files:
        raise UsageError("usage.argument", "no presentation, expected a file, - or a picture")
    try:
        given = presented(session.args.files, session.settings.get("max_bytes"))
    except Malformed as exc:
        return unreadable(exc, session)
    return judged(session, verifier, given, asked)


def judged(session: Session, verifier: Verifier, given: str | bytes, asked: Asked) -> Verdict | PaperVerdict:
    """The verdict on one presentation, or on what is on paper, which cannot answer anything that was asked."""
    if asked is None and papers.is_paper(given):
        return papers.verdict(verifier, given)
    if session.args.unsafe_no_binding:
        return verifier.unsafe_verify_unbound(given)
    return verifier.verify(given, asked)


def unreadable(exc: Malformed, session: Session) -> Rejected:
    """The verdict on what cannot be read as what it should be."""
    first, *rest = LADDER
    failed = Check(first, "failed", exc.code, exc.detail)
    return Rejected(checks=(failed, *(Check(name, "not_reached") for name in rest)), at=session.at)


# -- whom to believe and what is wanted --------------------------------------------------------------------


class Store(VerifierStore, TrustVersions, Protocol):
    """What must not be forgotten between runs."""


def trust(session: Session, store: Store) -> TrustList:
    """The trust list that is set, none older than one seen; ``usage.*``, ``trust.list_*``."""
    settings = session.settings
    return read_trust(settings.required("trust"), settings.required("trust_key"), session.at, store)


def verifier(session: Session, asked: Asked, policy: Policy | None = None) -> Verifier:
    """A verifier with the trust, status lists and policy of this run; ``usage.*``, ``trust.*``, ``storage.*``."""
    return verifier_as(_client_id(asked), session, store(session), policy)


def verifier_as(client_id: str, session: Session, remembered: Store, policy: Policy | None = None) -> Verifier:
    """As :func:`verifier`, for a service that has a name and a memory of its own."""
    args = session.args
    made = Verifier(
        client_id,
        trust=trust(session, remembered),
        store=remembered,
        send=offline if session.settings.get("offline") else online,
        policy=policy or own_rules(session, session.args.type),
        status=None if args.unsafe_skip_status else StatusFresh(stale_for=_stale_for(args)),
        drop_extra=args.drop_extra,
        env=session.env,
    )
    _put_lists(session, made)
    for flag in ("unsafe_no_binding", "unsafe_skip_status"):
        if getattr(args, flag):
            session.warn(render.banner(flag, session.lang))
    return made


def _client_id(asked: Asked) -> str:
    if isinstance(asked, AuthorizationRequest):
        return asked.client_id
    return asked.audience if asked else ""


def _stale_for(args: Namespace) -> timedelta:
    hours = args.stale_for or 0
    if hours > _HOUR_LIMIT:
        raise UsageError("usage.argument", f"--stale-for {hours}, at most {_HOUR_LIMIT} hours")
    return timedelta(hours=hours)


def store(session: Session) -> Store:
    """The database that is set, else one that forgets; ``usage.*``, ``storage.*``."""
    url = session.settings.get("state")
    if url is None:
        return MemoryStore()
    from ewallet.sql import Database  # takes as long to load as a verdict takes

    database = Database(str(url))
    if database.is_memory:
        raise UsageError("usage.configuration", "--state in memory, expected a database that outlives this run")
    return database.verifier


def online(request: Request) -> Response:
    """The network."""
    from ewallet.http import Http  # only where something is fetched

    return Http()(request)


def own_rules(session: Session, types: list[str] | None) -> Policy:
    """What this run wants of certificates, of one of these types where some are named; ``usage.argument``."""
    from ewallet.catalog import Catalog  # as in render: read where there is something to judge

    rules: list[Policy] = [FitsKind(Catalog.bundled())]
    if types:
        rules.append(AcceptTypes(frozenset(type_ids(types))))
    days = session.settings.get("max_age")
    if days is not None:
        rules.append(IssuedWithin(timedelta(days=days)))
    if session.args.same_person:
        rules.append(SamePerson())
    return AllOf(*rules)


def type_ids(names: list[str]) -> Iterator[str]:
    """The types that ids of kinds, vcts and docTypes stand for; ``usage.argument``."""
    from ewallet.catalog import Catalog  # as in render: loaded where a kind is named by its id

    catalog = Catalog.bundled()
    for name in names:
        if ":" in name or "." in name:  # a vct or docType as it is
            yield name
        elif name in catalog:
            kind = catalog.type(name)
            yield from sorted(kind.type_ids)
        else:
            raise UsageError("usage.argument", "--type takes the id of a certificate kind, a vct or a docType")


def _put_lists(session: Session, made: Verifier) -> None:
    """A list that cannot be used is as good as none: it is said aloud, and the verdict will be that nobody can tell."""
    puts: tuple[tuple[str, Callable[[bytes], None]], ...] = (("status", made.put_status_token), ("crl", made.put_crl))
    for flag, put in puts:
        for number, name in enumerate(getattr(session.args, flag) or (), 1):
            raw = read_own(name, what="the list")
            try:
                put(raw)
            except EWalletError as exc:
                session.warn(f"--{flag} {number}: {exc.words(session.lang).what} [{exc.code}]")
