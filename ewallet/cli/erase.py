"""``ewallet erase``: have a receiver delete what it keeps of an answer, and keep its word that it did."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ewallet.cli.session import Session
    from ewallet.errors import Language

_SAYS: Final[dict[str, dict[Language, str]]] = {
    "erased": {
        "ko": "{0}이(가) 받은 자료를 삭제했다고 서명했습니다. 영수증에 남겼습니다: {1}",
        "en": "{0} has signed that it deleted what it received; the receipt says so: {1}",
    },
    "not": {
        "ko": "동의를 철회하거나 내 증명서를 폐지하는 일은 아닙니다.",
        "en": "This neither withdraws a consent nor revokes a certificate.",
    },
}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("receipt", metavar="ID", help="the receipt of the consent, as history lists it")


def run(session: Session) -> int:
    """Ask with the key that confirmed the consent; asked again it is the same."""
    from ewallet.terminal import moment, plain, stamp

    told = session.wallet(believing=True).demand_deletion(session.args.receipt)
    lang, at = session.lang, told.signed[-1].at
    name = plain(told.consent.recipient.names[lang])
    session.answer(
        [_SAYS["erased"][lang].format(name, moment(at, lang)), _SAYS["not"][lang]],
        receipt=told.id,
        event=told.event,
        at=stamp(at),
    )
    return 0
