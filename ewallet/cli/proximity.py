"""``ewallet present --proximity``: shows a code, lets a reader ask, and answers once the holder agrees."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from ewallet import loopback, qr, terminal
from ewallet.answer import Answer
from ewallet.cli import consent
from ewallet.cli.session import Session
from ewallet.errors import EWalletError, TransportError, UsageError
from ewallet.loopback import Wire
from ewallet.proximity import Asked, Ended, Holder
from ewallet.proximity.session import MAX_MESSAGE
from ewallet.wallet import Wallet

_DECLINED: Final = 1
_PATIENCE: Final = 300.0  # seconds for a reader to come, and for its next word
_SHOW: Final = {
    "ko": "확인하는 쪽에 아래 QR 코드를 보이십시오.",
    "en": "Show this code to whoever wants to see your certificate.",
}
_STAND_IN: Final = {
    "ko": "시험용: BLE·NFC 대신 이 컴퓨터 안의 {0}:{1}에서 기다립니다.",
    "en": "stand-in for BLE and NFC: waiting at {0}:{1} of this machine.",
}
_SHOWN: Final = {"ko": "보였습니다.", "en": "It was shown."}
_KEPT: Final = {"ko": "아무것도 보내지 않았습니다.", "en": "Nothing was sent."}
_LEFT: Final = {"ko": "상대 기기가 세션을 끝냈습니다.", "en": "The reader has ended the session."}
_AGREE: Final = {"ko": "보일까요? [y/N] ", "en": "Show it? [y/N] "}


def answer(session: Session) -> int:
    """Show the code, wait for one reader, and answer it until it is content; 1 where nothing was shown."""
    args = session.args
    if args.out:
        raise UsageError("usage.argument", "--out goes with --request; at close range the reader gets the answer")
    at = loopback.address(args.proximity)
    wallet, trust = session.wallet(), session.trust()
    holder = Holder.engage(trust=trust)
    with loopback.listening(at) as bound:
        _show(session, holder, at)
        with loopback.accepted(bound, limit=MAX_MESSAGE, patience=_PATIENCE) as wire:
            return _converse(session, wallet, holder, wire)


def _show(session: Session, holder: Holder, at: loopback.Address) -> None:
    """On stderr, and as a picture where one is wanted."""
    text = holder.engagement.text
    if session.args.qr:
        _draw(session.args.qr, qr.png(text))
    lines = [_SHOW[session.lang], "", qr.terminal(text), text, _STAND_IN[session.lang].format(*at)]
    print("\n".join(lines), file=sys.stderr, flush=True)


def _draw(name: str, picture: bytes) -> None:
    try:
        with Path(name).open("xb") as file:
            file.write(picture)
    except OSError as exc:
        raise UsageError("usage.file", f"--qr names no new file: {(exc.strerror or '').lower()}") from None


def _converse(session: Session, wallet: Wallet, holder: Holder, wire: Wire) -> int:
    shown: list[str] = []
    while isinstance(event := _received(session, holder, wire, begun=bool(shown)), Asked):
        if not _answered(session, wallet, holder, wire, event):
            return _DECLINED
        shown.append(event.request.verifier_name)
    session.answer([_SHOWN[session.lang] if shown else _LEFT[session.lang]], shown_to=shown)
    return 0 if shown else _DECLINED


def _received(session: Session, holder: Holder, wire: Wire, *, begun: bool) -> Asked | Ended:
    """What the reader wants, which is told where it cannot be understood; one that has its answer may just go away."""
    try:
        message = wire.receive()
    except TransportError:
        if begun:
            return Ended()
        raise
    try:
        return holder.receive(message, at=session.env.now())
    except EWalletError:
        if holder.farewell:
            wire.send(holder.farewell)
        raise


def _answered(session: Session, wallet: Wallet, holder: Holder, wire: Wire, asked: Asked) -> bool:
    """Whether something was shown; a refusal looks the same whatever the reason."""
    from ewallet.cli import present

    request = asked.request
    try:
        answer = present.chosen(present.match(wallet, request.query), session.args.use)
        agreed = _agreed(session, wallet, asked, answer)
        if agreed:
            wire.send(holder.answer(wallet.present(request, answer)))
            return True
    except EWalletError:
        for line in consent.asking(request, session):
            print(line, file=sys.stderr)
        _decline(holder, wire)
        raise
    _decline(holder, wire)
    print(_KEPT[session.lang], file=sys.stderr)
    return False


def _agreed(session: Session, wallet: Wallet, asked: Asked, answer: Answer) -> bool:
    """What a reader that is not known wants, no option agrees to: a person is asked (ISO/IEC 18013-5 §9.1.4)."""
    screen = sys.stderr if session.args.json else sys.stdout
    terminal.show(consent.lines(asked.request, answer, wallet, session, values=screen is sys.stdout), screen)
    screen.flush()
    known = bool(asked.request.verifier_name)
    return (session.args.yes and known) or consent.agreed(_AGREE[session.lang])


def _decline(holder: Holder, wire: Wire) -> None:
    """Whoever cannot be told is not told."""
    from contextlib import suppress

    with suppress(EWalletError):
        wire.send(holder.decline())
