"""``ewallet delegate``: lets somebody else answer a request, once, with what would satisfy it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ewallet.command import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ewallet.answer import Answer
    from ewallet.cli.session import Session
    from ewallet.delegation import Terms
    from ewallet.keys import PublicKey
    from ewallet.oid4vp import AuthorizationRequest
    from ewallet.wallet import Wallet

_DAYS: Final = 7
_DECLINED: Final = 1
_MADE: Final = {"ko": "위임장을 만들었습니다.", "en": "The delegation was made."}
_KEPT: Final = {"ko": "아무것도 맡기지 않았습니다.", "en": "Nothing was signed over."}
_AGREE: Final = {"ko": "맡길까요? [y/N] ", "en": "Sign it over? [y/N] "}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "link", nargs="?", metavar="LINK|IMAGE", help="what the delegate is to answer, or a picture of it"
    )
    asked.add_argument("--request", metavar="FILE", help="the same as a file; - for stdin")
    parser.add_argument("--to", required=True, metavar="FILE", help="the delegate's key, as `ewallet keys` prints it")
    parser.add_argument("--name", required=True, help="the delegate's name, for whoever asks to read")
    parser.add_argument("--principal", metavar="NAME", help="your own name, where no certificate has it")
    parser.add_argument(
        "--days", type=count, default=_DAYS, metavar="N", help="how long it is good for (7, at most 30)"
    )
    parser.add_argument("--use", action="append", default=[], metavar="ID", help="prefer this certificate")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--out", metavar="FILE", help="write the delegation to a new file instead of stdout")
    target.add_argument("--qr", metavar="FILE", help="draw it to a new PNG file")
    parser.add_argument("--yes", action="store_true", help="agree without being asked")


def run(session: Session) -> int:
    """Show who will get what of whom; only then spend a copy and sign."""
    from ewallet.cli import present

    wallet, request = _asked(session)
    answer = present.chosen(present.match(wallet, request.query), session.args.use)
    terms = _terms(session, request, answer)
    if not _agreed(session, wallet, request, answer, terms):
        return _DECLINED
    from ewallet import qr

    with present.target(session) as file:
        raw = wallet.delegate(terms, answer).to_bytes()
        file.write(qr.sheet(raw.decode()) if session.args.qr else raw)
    written = session.args.out or session.args.qr
    if written:
        session.answer([_MADE[session.lang]], written=written)
    return 0


def _asked(session: Session) -> tuple[Wallet, AuthorizationRequest]:
    """The request that is to be answered; nothing is sent to whoever asks."""
    from ewallet.cli import present, target

    if session.args.request is not None:
        return session.wallet(), present.request_file(session)
    wallet = session.wallet(believing=True)
    return wallet, wallet.open(present.link(target.read(session.args.link, "the request", "request")))


def _terms(session: Session, request: AuthorizationRequest, answer: Answer) -> Terms:
    from ewallet.expectation import terms_for

    return terms_for(
        request,
        delegate=_key(session.args.to),
        delegate_name=session.args.name,
        principal=session.args.principal or _own_name(answer),
        until=session.env.now() + timedelta(days=session.args.days),
    )


def _key(named: str) -> PublicKey:
    """The one key of a file; ``usage.argument`` for several."""
    from ewallet.errors import UsageError
    from ewallet.files import read
    from ewallet.keys import PublicKey
    from ewallet.shape import instance, json_object, member

    raw = read(named, what="the delegate's key")
    if raw.lstrip().startswith(b"{") and "keys" in (found := json_object(raw, "the delegate's key")):
        keys = member(found, "keys", list)
        if len(keys) != 1:
            raise UsageError("usage.argument", f"{len(keys)} keys, expected the one that the delegate made for this")
        return PublicKey.of_jwk(instance(keys[0], dict, "the delegate's key"))
    return PublicKey.read(raw)


def _own_name(answer: Answer) -> str:
    from ewallet.delegation import names_in
    from ewallet.errors import UsageError

    names = names_in(choice.candidate.credential for choice in answer.choices)
    if len(names) != 1:
        raise UsageError("usage.argument", "no certificate says your name, or they say several, expected --principal")
    return next(iter(names))


def _agreed(session: Session, wallet: Wallet, request: AuthorizationRequest, answer: Answer, terms: Terms) -> bool:
    from ewallet import terminal
    from ewallet.cli import consent

    free = (session.args.out or session.args.qr) and not session.args.json
    screen = sys.stdout if free else sys.stderr
    terminal.show(_screen(session, wallet, request, answer, terms, values=screen is sys.stdout), screen)
    if session.args.yes or consent.agreed(_AGREE[session.lang]):
        return True
    print(_KEPT[session.lang], file=sys.stderr)
    return False


def _screen(
    session: Session, wallet: Wallet, request: AuthorizationRequest, answer: Answer, terms: Terms, *, values: bool
) -> Iterator[str]:
    from ewallet.cli import acting, consent

    yield from acting.signing_over(terms, session)
    yield from consent.lines(request, answer, wallet, session, values=values)
