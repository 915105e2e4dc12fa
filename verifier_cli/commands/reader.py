"""``ewallet-verify reader``: reads the code of a device, asks it face to face, and says the verdict."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from verifier_cli.arguments import add_asked, add_reader, add_terms, add_trust

if TYPE_CHECKING:
    from ewallet.keys import SigningKey
    from ewallet.loopback import Wire
    from ewallet.proximity import Answered, Declined, Ended, Engagement, Reader
    from ewallet.verdict import Verdict
    from verifier_cli.session import Session

_PATIENCE: Final = 300.0  # seconds in which the holder says yes or no


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("code", metavar="TEXT|IMAGE", help="the code of the device (mdoc:...), or a picture of it")
    parser.add_argument(
        "--connect", metavar="HOST:PORT", required=True, help="where the device waits, on this machine: for BLE and NFC"
    )
    add_asked(parser)
    parser.add_argument("--keep", action="store_true", help="tell the holder that what is shown will be kept")
    add_reader(parser)
    add_trust(parser, now=True)
    add_terms(parser, state="in memory")
    parser.set_defaults(unsafe_no_binding=False, type=None, rule=None, transaction_data=None)
    parser.set_defaults(acting=None, case=None, principal=None, agent=None)  # whoever stands there shows their own


def run(session: Session) -> int:
    """Ask, wait, and return the exit code of the verdict; 3 where it was declined."""
    from ewallet import loopback
    from ewallet.proximity import Reader
    from ewallet.proximity.session import MAX_MESSAGE
    from verifier_cli.asking import query
    from verifier_cli.inquiry import worded

    members = worded(session.args)
    asked, engagement = query(members), _engagement(session.args.code)
    asked = asked.retained() if session.args.keep else asked
    reader, to = Reader(engagement, signer=_signer(session)), loopback.address(session.args.connect)
    with loopback.connected(to, limit=MAX_MESSAGE, patience=_PATIENCE) as wire:
        wire.send(reader.ask(asked, at=session.at, purpose=members["purpose"]))
        event = _received(reader, wire)
    return _tell(session, reader, event)


def _engagement(code: str) -> Engagement:
    from ewallet import qr
    from ewallet.files import read_own
    from ewallet.proximity import Engagement
    from ewallet.proximity.engagement import SCHEME

    is_text = code.strip().lower().startswith(SCHEME)
    return Engagement.read(code if is_text else qr.read(read_own(code, limit=qr.MAX_PICTURE, what="the code")))


def _signer(session: Session) -> SigningKey | None:
    """Who asks, where a key is set: without one the holder is told that nobody knows."""
    from verifier_cli import desk

    named = session.settings.get("signer") or session.settings.get("chain")
    return desk.signer(session) if named else None


def _received(reader: Reader, wire: Wire) -> Answered | Declined | Ended:
    """What the device says, which is told where it cannot be understood, and in the end that it is the end."""
    from ewallet.errors import EWalletError

    try:
        event = reader.receive(wire.receive())
    except EWalletError:
        if reader.farewell:
            wire.send(reader.farewell)
        raise
    if not reader.over:
        wire.send(reader.end())
    return event


def _tell(session: Session, reader: Reader, event: Answered | Declined | Ended) -> int:
    from ewallet.proximity import Answered
    from verifier_cli import judge, render
    from verifier_cli.commands.request import emit_unanswered

    if not isinstance(event, Answered):
        return emit_unanswered(session, "request.declined")
    judged = _judged(session, reader, event)
    if session.machine:
        session.emit(judged.to_json())
    else:
        session.say(render.verdict(judged, reader.request.query, session.lang))
    return judge.exit_code(judged)


def _judged(session: Session, reader: Reader, event: Answered) -> Verdict:
    from verifier_cli import judge

    verifier = judge.verifier_as(reader.request.client_id, session, judge.store(session))
    return verifier.verify(event.token, reader.request)
