"""``ewallet-verify request``: shows a wallet what is asked, waits for its answer, and says the verdict."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ewallet.command import count
from verifier_cli.arguments import add_acting, add_asked, add_service, add_terms, add_trust

if TYPE_CHECKING:
    from ewallet.dcql import Query
    from ewallet.exchange import Outcome
    from ewallet.shape import Json
    from ewallet.verdict import Verdict
    from verifier_cli.inquiry import Inquiry
    from verifier_cli.session import Session

_WAIT: Final = 300
_SHOW: Final = {
    "ko": "지갑으로 아래 QR 코드를 읽거나 링크를 여십시오.",
    "en": "Scan this with a wallet, or open the link.",
}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    asked = add_asked(parser)
    asked.add_argument("--rule", metavar="ID", help="instead of a kind: a yes to this rule (schemas/rules), not why")
    asked.add_argument("--transaction-data", metavar="FILE", help="what the holder confirms with the answer, JSON")
    bundle = parser.add_argument_group("a bundle with its consent")
    bundle.add_argument("--bundle", metavar="ID", help="instead of a kind: what one service needs, with its consent")
    bundle.add_argument(
        "--optional",
        action="append",
        metavar="KIND",
        help="offer this optional member, which the holder may leave out; of several of which one will do, ask for "
        "this one; may be repeated",
    )
    bundle.add_argument("--days", type=count, metavar="N", help="how long the consent is to hold")
    bundle.add_argument("--consent-lang", choices=("ko", "en"), help="the language of the consent (ko)")
    bundle.add_argument("--receipts", metavar="DIR", help="keep the receipt of the consent here")
    add_acting(parser)
    parser.add_argument("--qr", metavar="FILE", help="draw the code to a new PNG file too")
    parser.add_argument("--wait", type=count, default=_WAIT, metavar="SECONDS", help="for an answer (300)")
    running = parser.add_argument_group("through a service that is running")
    running.add_argument("--server", metavar="URL", help="ask there instead of listening here")
    running.add_argument("--api-key-file", metavar="FILE", help="the key that it knows")
    add_service(parser, listen="a free port of 127.0.0.1")
    add_trust(parser, now=True)
    add_terms(parser, state="in memory")
    parser.set_defaults(unsafe_no_binding=False, redirect_to=None, retain=None, type=None)


def run(session: Session) -> int:
    """Ask, show the code, wait, and return the exit code of the verdict; 3 where nobody answered or it was declined."""
    from verifier_cli.inquiry import bundled, inquiry, worded

    members = bundled(session.args) if session.args.bundle else worded(session.args)
    with inquiry(session, members) as asked:
        _show(session, asked)
        outcome = asked.wait(session.args.wait)
    return _tell(session, outcome, asked.query)


def _show(session: Session, asked: Inquiry) -> None:
    from ewallet import qr

    if session.args.qr:
        _draw(session.args.qr, qr.png(asked.link))
    session.hint([_SHOW[session.lang], "", qr.terminal(asked.link), asked.link])


def _draw(name: str, picture: bytes) -> None:
    from ewallet.errors import UsageError

    try:
        with Path(name).open("xb") as file:
            file.write(picture)
    except OSError as exc:
        reason = (exc.strerror or "no reason given").lower()
        raise UsageError("usage.file", f"--qr names no new file: {reason}") from None


def _tell(session: Session, outcome: Outcome, query: Query) -> int:
    from verifier_cli import bundles, judge, render
    from verifier_cli.inquiry import unanswered, verdict

    judged = verdict(outcome)
    if judged is None:
        return emit_unanswered(session, unanswered(outcome))
    members = _members(session, judged, query)
    if session.machine:
        session.emit(judged.to_json() | ({"members": members} if members else {}))
    else:
        session.say(render.verdict(judged, query, session.lang))
        session.say(bundles.lines(members, session.lang) if members else ())
    return judge.exit_code(judged)


def _members(session: Session, judged: Verdict, query: Query) -> list[Json]:
    """What the verdict says of each member, where a bundle was asked for."""
    from verifier_cli import bundles

    return bundles.report(judged, (asked.name for asked in query.credentials)) if session.args.bundle else []


def emit_unanswered(session: Session, code: str) -> int:
    """Say that there is no answer to judge, and why; its exit code."""
    from verifier_cli import judge, render

    if session.machine:
        session.emit(_undecided(session, code))
    else:
        session.say(render.unanswered(code, session.lang))
    return judge.UNDECIDED


def _undecided(session: Session, code: str) -> dict[str, Json]:
    """A verdict document for what was never judged."""
    from ewallet.terminal import stamp
    from ewallet.verdict import SCHEMA

    nothing = {"checks": [], "claims": None, "missing": [code], "at": stamp(session.at)}
    return {"schema": SCHEMA, "verdict": "undecided", "code": code, **nothing}
