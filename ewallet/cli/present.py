"""``ewallet present``: answers a request with the least that satisfies it, once its holder agrees."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from ewallet.answer import Answer
    from ewallet.cli.session import Session
    from ewallet.dcql import Query
    from ewallet.delegation import Delegation
    from ewallet.expectation import Expectation
    from ewallet.oid4vp import AuthorizationRequest
    from ewallet.shape import Json
    from ewallet.wallet import Wallet

_DECLINED: Final = 1
_MARGIN: Final = 128  # characters by which two copies differ: the number of their status, the size of their key
_SENT: Final = {"ko": "제출본을 만들었습니다.", "en": "The answer was made."}
_POSTED: Final = {"ko": "보냈습니다.", "en": "It was sent."}
_GO_ON: Final = {"ko": "이어서 볼 곳: {0}", "en": "go on at: {0}"}
_RECEIPT: Final = {"ko": "동의 영수증을 보관했습니다: {0}", "en": "The receipt of the consent is kept: {0}"}
_KEPT: Final = {"ko": "아무것도 보내지 않았습니다.", "en": "Nothing was sent."}
_AGREE: Final = {"ko": "보낼까요? [y/N] ", "en": "Send it? [y/N] "}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "link", nargs="?", metavar="LINK|IMAGE", help="the link of a request, or a picture of its QR code"
    )
    asked.add_argument("--request", metavar="FILE", help="a request that came as a file; - for stdin")
    asked.add_argument(
        "--proximity", metavar="HOST:PORT", help="show an mdoc face to face; over this machine, for want of BLE and NFC"
    )
    parser.add_argument("--use", action="append", default=[], metavar="ID", help="prefer this certificate")
    parser.add_argument(
        "--with",
        dest="optional",
        action="append",
        default=[],
        metavar="KIND",
        help="give this too, of what is asked for as optional; nothing of it is given otherwise",
    )
    parser.add_argument("--acting", metavar="FILE|IMAGE", help="show what somebody signed over to you with `delegate`")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--out", metavar="FILE", help="write the answer to a new file instead of stdout")
    target.add_argument("--qr", metavar="FILE", help="a new PNG file: the answer as QR codes, or a reader's code")
    parser.add_argument("--yes", action="store_true", help="agree without being asked")


def run(session: Session) -> int:
    """Show who asks and what would leave; only then spend a copy and answer."""
    if session.args.proximity is not None:
        from ewallet.cli import proximity
        from ewallet.errors import UsageError

        if session.args.optional:
            raise UsageError("usage.argument", "--with and --proximity: a reader asks for nothing optional")
        return proximity.answer(session)
    return _answer_link(session) if session.args.request is None else _answer_file(session)


def _answer_link(session: Session) -> int:
    """Answered where the verifier wants it; a refusal is told, and looks the same whatever the reason."""
    from ewallet.cli import acting, consent, noticed, target
    from ewallet.delegation import Delegation
    from ewallet.errors import EWalletError, UsageError
    from ewallet.terminal import plain

    if session.args.out or session.args.qr:
        raise UsageError("usage.argument", "--out and --qr go with --request; the answer to a link is sent")
    wallet = session.wallet(believing=True)
    request = wallet.open(link(target.read(session.args.link, "the request", "request")))
    acting.check_given(request, session)
    try:
        answer = _found(session, wallet, request)
    except EWalletError as exc:
        for line in (*consent.asking(request, session), *consent.lacking(exc.members, session)):
            print(line, file=sys.stderr)
        _decline(wallet, request)
        raise
    agreed = _consented(session, wallet, request, _with_optional(answer, session))
    if agreed is None:
        _decline(wallet, request)
        return _DECLINED
    before, count = {receipt.id for receipt in wallet.receipts()}, len(wallet.departures())
    address = wallet.answer(request, agreed)
    new = [receipt.id for receipt in wallet.receipts() if receipt.id not in before]
    further = [_RECEIPT[session.lang].format(plain(id_)) for id_ in new]
    further += [_GO_ON[session.lang].format(plain(address))] if address else []
    told: dict[str, Json] = {"receipt": new[0]} if new else {}
    left_out = () if isinstance(agreed, Delegation) else agreed.left_out
    told |= {"left_out": list(left_out)} if left_out else {}
    departures = noticed.since(wallet, count)
    told |= {"departures": [noticed.departed(departure) for departure in departures]} if departures else {}
    session.answer([_POSTED[session.lang], *further], sent_to=request.verifier_name, redirect_uri=address, **told)
    return noticed.said(session, departures)


def link(given: str | bytes) -> str:
    """The link that was named; ``malformed.qr`` for anything else."""
    from ewallet.errors import Malformed

    if isinstance(given, bytes):
        raise Malformed("malformed.qr", "neither a link nor a picture of one; a request file goes with --request")
    return given


def _decline(wallet: Wallet, request: AuthorizationRequest) -> None:
    """Whoever cannot be told is not told."""
    from contextlib import suppress

    from ewallet.errors import EWalletError

    with suppress(EWalletError):
        wallet.decline(request)


def _found(session: Session, wallet: Wallet, request: AuthorizationRequest) -> Answer | Delegation:
    """What was signed over by somebody else, or else the least of what is held."""
    from ewallet.cli import acting
    from ewallet.expectation import Expectation

    if session.args.acting:
        return acting.read(session.args.acting)
    return chosen(match(wallet, request.query, Expectation.of(request)), session.args.use)


def _answer_file(session: Session) -> int:
    from ewallet.cli import acting

    request = request_file(session)
    acting.check_given(request, session)
    wallet = session.wallet()
    answer = _with_optional(_found(session, wallet, request), session)
    if session.args.qr:
        _check_drawable(wallet, request, answer)  # before anybody is asked anything
    agreed = _consented(session, wallet, request, answer)
    if agreed is None:
        return _DECLINED
    if session.args.qr:
        _check_drawable(wallet, request, agreed)
    _send(session, wallet, request, agreed)
    written = session.args.out or session.args.qr
    if written:
        session.answer([_SENT[session.lang]], written=written)
    return 0


def _with_optional(answer: Answer | Delegation, session: Session) -> Answer | Delegation:
    """The answer with what its holder gives besides; ``usage.argument``, ``dcql.unsatisfied``."""
    from ewallet.delegation import Delegation
    from ewallet.errors import UsageError

    if isinstance(answer, Delegation):
        if session.args.optional:
            raise UsageError("usage.argument", "--with and --acting: a delegate gives what was signed over")
        return answer
    for name in session.args.optional:
        answer = answer.give(name)
    return answer


def _consented(
    session: Session, wallet: Wallet, request: AuthorizationRequest, answer: Answer | Delegation
) -> Answer | Delegation | None:
    """What the holder agrees to send, having seen it all; values are shown where nothing else reads the screen."""
    from ewallet import terminal
    from ewallet.cli import consent, options
    from ewallet.delegation import Delegation

    free = (session.args.out or session.args.qr or session.args.link) and not session.args.json
    screen = sys.stdout if free else sys.stderr

    def show(answer: Answer | Delegation) -> None:
        terminal.show(_screen(session, wallet, request, answer, values=screen is sys.stdout), screen)

    if isinstance(answer, Delegation) or session.args.yes or not answer.offerable:
        show(answer)
        agreed = answer if session.args.yes or consent.agreed(_AGREE[session.lang]) else None
    else:
        agreed = options.agreed(answer, session, show)
    if agreed is None:
        print(_KEPT[session.lang], file=sys.stderr)
    return agreed


def _screen(
    session: Session, wallet: Wallet, request: AuthorizationRequest, answer: Answer | Delegation, *, values: bool
) -> Iterator[str]:
    from ewallet.cli import acting, consent, options
    from ewallet.delegation import Delegation

    if isinstance(answer, Delegation):
        yield from acting.showing(request, answer, session, values=values)
        return
    yield from consent.lines(request, answer, wallet, session, values=values)
    yield from options.lines(answer, session)


def request_file(session: Session) -> AuthorizationRequest:
    """The request of a file, as far as it can be believed; ``request.invalid``."""
    from ewallet.errors import ProtocolError
    from ewallet.files import read
    from ewallet.oid4vp import AuthorizationRequest
    from ewallet.transactions import KNOWN

    request = AuthorizationRequest.parse(read(session.args.request, what="the request"))
    if session.env.now() >= request.until:
        raise ProtocolError("request.invalid", "the request has expired")
    for transaction in request.transaction_data:
        transaction.check_known(KNOWN)
    return request


def match(wallet: Wallet, query: Query, expected: Expectation | None = None) -> Answer:
    """The answer; where it is only copies that are lacking, the error says so."""
    from ewallet.errors import AlreadyUsed, QueryError

    try:
        return wallet.match(query, expected=expected)
    except QueryError:
        asked = {type_id for each in query.credentials for type_id in each.type_ids}
        spent = [document for document in wallet.documents() if not document.copies_left]
        if any(document.held.type_id in asked for document in spent):
            raise AlreadyUsed("storage.already_used", "every copy of that certificate has been sent") from None
        raise


def chosen(answer: Answer, preferred: list[str]) -> Answer:
    """The answer with the certificates that its holder prefers."""
    for id_ in preferred:
        for query_id, choices in answer.candidates.items():
            if any(choice.candidate.id == id_ for choice in choices):
                answer = answer.choose(query_id, id_)
    return answer


def _check_drawable(wallet: Wallet, request: AuthorizationRequest, answer: Answer | Delegation) -> None:
    """Return if QR codes hold the answer; to find out afterwards would cost a copy."""
    from ewallet import qr
    from ewallet.delegation import Delegation
    from ewallet.errors import UsageError
    from ewallet.oid4vp import vp_token_bytes

    if isinstance(answer, Delegation):
        raise UsageError("usage.argument", "--qr with --acting, expected --out")
    length = len(vp_token_bytes(wallet.rehearse(request, answer))) + _MARGIN * len(answer.choices)
    if length > qr.MAX_TEXT:
        raise UsageError("usage.argument", f"--qr for {length} characters, QR codes hold {qr.MAX_TEXT}, expected --out")


def _send(session: Session, wallet: Wallet, request: AuthorizationRequest, answer: Answer | Delegation) -> None:
    """The file is there before a copy is spent: what cannot be written is not made."""
    from ewallet import qr
    from ewallet.oid4vp import vp_token_bytes

    with target(session) as file:
        raw = vp_token_bytes(wallet.present(request, answer))
        file.write(qr.sheet(raw.decode()) if session.args.qr else raw)


@contextmanager
def target(session: Session) -> Iterator[BinaryIO]:
    """Where what is made goes: stdout, or a new file, which does not stay where there is no whole answer."""
    name = session.args.out or session.args.qr
    file = _opened(name)
    try:
        with file:
            yield file
    except BaseException:
        if name:
            Path(name).unlink(missing_ok=True)
        raise


def _opened(name: str | None) -> BinaryIO:
    from ewallet.errors import UsageError

    try:
        if name is None:
            return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        return os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as exc:
        raise UsageError("usage.file", f"the answer cannot be written: {(exc.strerror or '').lower()}") from None
