"""``ewallet-verify verify``: the verdict on what somebody presents."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from ewallet.command import count
from verifier_cli import logs
from verifier_cli.arguments import add_same_person, add_trust

if TYPE_CHECKING:  # what a verdict needs is loaded when one is wanted
    from verifier_cli.session import Session

_OTHER: Final = frozenset({"package", "receipt"})  # by --type, as no kind of certificate is called


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="text, - for stdin, a PDF, or pictures of QR codes")
    asked = parser.add_argument_group("what was asked")
    asked.add_argument("--request", metavar="FILE", help="the request that this answers")
    asked.add_argument("--nonce", help="without a request: the nonce that the wallet was given")
    asked.add_argument("--audience", metavar="ID", help="without a request: for whom it must be made")
    asked.add_argument("--unsafe-no-binding", action="store_true", help="accept what anybody may have copied")
    asked.add_argument("--recipient-key", metavar="FILE", help="with --type package: the key of --audience, JWK or PEM")
    add_trust(parser)
    log = logs.add(parser, "with --type receipt or package, whose log of use it is in; a receipt may do without")
    log.add_argument("--seen", action="append", metavar="FILE", help="a checkpoint seen before what happened last")
    known = parser.add_argument_group("what is known")
    known.add_argument("--status", action="append", metavar="FILE", help="a status list that came some other way")
    known.add_argument("--crl", action="append", metavar="FILE", help="a revocation list of certificates, likewise")
    known.add_argument("--stale-for", type=count, metavar="HOURS", help="how long past its end a status list will do")
    known.add_argument("--offline", action="store_true", help="fetch nothing")
    known.add_argument("--unsafe-skip-status", action="store_true", help="do not ask whether it was revoked")
    known.add_argument("--state", metavar="URL", help="a database that remembers answered requests and trust lists")
    wanted = parser.add_argument_group("what is wanted")
    wanted.add_argument(
        "--type",
        action="append",
        metavar="ID",
        help="a kind that is accepted; may be repeated. Or receipt, of a consent; or package, of a portal",
    )
    wanted.add_argument("--max-age", type=count, metavar="DAYS", help="issued at most so long ago")
    add_same_person(wanted)
    wanted.add_argument("--drop-extra", action="store_true", help="let claims fall away that were not asked for")
    parser.add_argument("--max-bytes", type=count, metavar="N", help="read no larger file (20 MiB)")
    parser.add_argument("--batch", action="store_true", help="JSON Lines in, a verdict for each line out")


def run(session: Session) -> int:
    """Judge, say the verdict, and return its exit code."""
    from ewallet.verdict import Accepted, Rejected, Undecided
    from verifier_cli import batch, judge, papers, render

    if _OTHER.intersection(session.args.type or ()):
        return _other(session)
    if session.args.batch:
        return batch.run(session)
    asked = judge.asked(session)
    verdict = judge.verdict(session, judge.verifier(session, asked), asked)
    if session.machine:
        session.emit(verdict.to_json())
    elif isinstance(verdict, Accepted | Rejected | Undecided):
        session.say(render.verdict(verdict, judge.query(asked), session.lang))
    else:
        session.say(papers.lines(verdict, session.lang))
    return judge.exit_code(verdict)


def _other(session: Session) -> int:
    """What is no presentation: a receipt, or a package."""
    from verifier_cli import judge, packages, receipts

    kind = packages if packages.TYPE in session.args.type else receipts
    judged = kind.verdict(session)
    if session.machine:
        session.emit(kind.document(judged))
    else:
        session.say(kind.lines(judged, session.lang))
    return judge.exit_code(judged)
