"""``ewallet receive``: what an issuer offers by a link or QR, or a certificate that came as a file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from ewallet.command import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ewallet.cli.session import Session
    from ewallet.oid4vci.offer import CredentialOffer
    from ewallet.wallet import Document, Wallet

_DECLINED: Final = 1
_SAYS: Final = {
    "who": {"ko": "발급기관: {0} (신뢰목록에서 확인됨)", "en": "issuer: {0} (on the trust list)"},
    "agree": {"ko": "발급받을까요? [y/N] ", "en": "Receive it? [y/N] "},
    "refused": {"ko": "아무것도 받지 않았습니다.", "en": "Nothing was received."},
    "code": {"ko": "{0}에서 따로 받은 번호: ", "en": "The code that {0} sent you another way: "},
    "later": {
        "ko": "{0}에서 아직 준비 중입니다. {1} 이후에 다시 받으십시오: ewallet receive --pending",
        "en": "{0} is still preparing it. From {1} on: ewallet receive --pending",
    },
    "none": {"ko": "지금 받을 것이 없습니다.", "en": "Nothing to receive now."},
}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "what",
        nargs="?",
        metavar="LINK|FILE",
        help="the link of an offer, a picture of its QR code, or the copies as a JSON array of texts; - for stdin",
    )
    source.add_argument("--pending", action="store_true", help="what issuers were still preparing")
    parser.add_argument("--tx-code-file", metavar="FILE", help="the code that came another way; else it is asked for")
    parser.add_argument("--copies", type=count, metavar="N", help="how many copies; else as its kind is used up")
    parser.add_argument("--yes", action="store_true", help="agree without being asked")


def run(session: Session) -> int:
    """Nothing is fetched before its holder has seen who offers, and nothing is kept that does not hold."""
    from ewallet.cli import target

    if session.args.pending:
        return _collect(session)
    given = target.read(session.args.what, "the certificate", "offer")
    if isinstance(given, str):
        return _accept(session, given)
    return _kept(session, session.wallet(believing=True).put(_copies(given)))


def _accept(session: Session, link: str) -> int:
    from ewallet.cli import consent
    from ewallet.terminal import plain

    wallet = session.wallet(believing=True)
    offering = wallet.offered(link)
    print(_SAYS["who"][session.lang].format(plain(offering.host)), file=sys.stderr)
    if not (session.args.yes or consent.agreed(_SAYS["agree"][session.lang])):
        print(_SAYS["refused"][session.lang], file=sys.stderr)
        return _DECLINED
    before, noticed = {pending.id for pending in wallet.pending}, len(wallet.departures())
    documents = wallet.accept(offering, tx_code=lambda offer: _code(session, offer), copies=session.args.copies)
    return _told(session, wallet, documents, before, noticed)


def _code(session: Session, offer: CredentialOffer) -> str:
    """The code; who gets it is on the trust list, and its metadata have been read."""
    from urllib.parse import urlsplit

    from ewallet.errors import UsageError
    from ewallet.files import read_secret

    if session.args.tx_code_file:
        return read_secret(session.args.tx_code_file, what="the file of the code")
    if not sys.stdin.isatty():
        raise UsageError("usage.configuration", "no terminal to ask for the code, expected --tx-code-file")
    from getpass import getpass

    return getpass(_SAYS["code"][session.lang].format(urlsplit(offer.issuer).netloc)).strip()


def _collect(session: Session) -> int:
    wallet = session.wallet(believing=True)
    noticed = len(wallet.departures())
    documents = wallet.collect()
    return _told(session, wallet, documents, set(), noticed)


def _told(session: Session, wallet: Wallet, documents: Sequence[Document], before: set[str], noticed: int) -> int:
    """What is there now, what is still to come, and whether an issuer's log is not what it was."""
    from urllib.parse import urlsplit

    from ewallet.cli import noticed as logs
    from ewallet.cli import words
    from ewallet.terminal import moment, stamp

    pending = [each for each in wallet.pending if each.id not in before]
    lines = [words.SAYS["received"][session.lang].format(line) for line in words.listed(documents, session.lang)]
    for each in pending:
        host = urlsplit(each.issuer).netloc
        lines.append(_SAYS["later"][session.lang].format(host, moment(each.due, session.lang)))
    departures = logs.since(wallet, noticed)
    session.answer(
        lines or [_SAYS["none"][session.lang]],
        certificates=[words.summary(document) for document in documents],
        pending=[{"issuer": each.issuer, "type": each.type_id, "due": stamp(each.due)} for each in pending],
        departures=[logs.departed(departure) for departure in departures],
    )
    return logs.said(session, departures)


def _kept(session: Session, document: Document) -> int:
    from ewallet.cli import words

    (line,) = words.listed([document], session.lang)
    session.answer([words.SAYS["received"][session.lang].format(line)], certificate=words.summary(document))
    return 0


def _copies(raw: bytes) -> tuple[str, ...]:
    from ewallet.errors import Malformed
    from ewallet.shape import json_value, strings

    if raw.lstrip().startswith(b"["):
        return strings(json_value(raw, "the certificate"), "the certificate")
    try:
        return (raw.decode("ascii").strip(),)
    except UnicodeDecodeError:
        raise Malformed(
            "malformed.encoding", "neither a PNG or JPEG picture nor a certificate, which is ascii"
        ) from None
