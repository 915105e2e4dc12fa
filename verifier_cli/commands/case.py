"""``ewallet-verify case``: asks several people, waits until each has answered alone, and says one verdict."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from ewallet.command import count
from verifier_cli.arguments import add_service, add_terms, add_trust

if TYPE_CHECKING:
    from verifier_cli.session import Session

_WAIT: Final = 300
_SHOW: Final = {
    "ko": "{0}: 지갑으로 아래 QR 코드를 읽거나 링크를 여십시오.",
    "en": "{0}: scan this with a wallet, or open the link.",
}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("file", metavar="FILE", help='the case, JSON: {"members": {ROLE: REQUEST, ...}}')
    parser.add_argument("--wait", type=count, default=_WAIT, metavar="SECONDS", help="for everybody's answer (300)")
    parser.add_argument("--receipts", metavar="DIR", help="keep the receipts of consents here, one file each")
    running = parser.add_argument_group("through a service that is running")
    running.add_argument("--server", metavar="URL", help="ask there instead of listening here")
    running.add_argument("--api-key-file", metavar="FILE", help="the key that it knows")
    add_service(parser, listen="a free port of 127.0.0.1")
    add_trust(parser, now=True)
    add_terms(parser, state="in memory")
    parser.set_defaults(unsafe_no_binding=False, redirect_to=None, retain=None, type=None)


def run(session: Session) -> int:
    """Ask, show a code for each, wait, and return the exit code of the verdict."""
    from ewallet.exchange import Waiting
    from ewallet.files import read_own
    from verifier_cli.inquiry import joint

    with joint(session, read_own(session.args.file, what="the case")) as asked:
        for role, link in asked.links.items():
            _show(session, role, link)
        outcome = asked.wait(session.args.wait)
    if isinstance(outcome, Waiting):
        from verifier_cli.commands.request import emit_unanswered

        return emit_unanswered(session, "policy.joint_missing")
    from ewallet.exchange import Collected
    from verifier_cli import cases, judge

    session.emit(outcome.to_json()) if session.machine else session.say(cases.lines(outcome, session.lang))
    return judge.ACCEPTED if isinstance(outcome, Collected) else judge.exit_code(outcome)


def _show(session: Session, role: str, link: str) -> None:
    from ewallet import qr

    session.hint([_SHOW[session.lang].format(role), "", qr.terminal(link), link])
