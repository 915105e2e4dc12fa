"""``ewallet-verify serve``: the addresses that wallets use, and an API for the bank's own programs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from ewallet.command import count
from verifier_cli.arguments import add_service, add_terms, add_trust

if TYPE_CHECKING:
    from verifier_cli.session import Session

_SERVES: Final = {"ko": "요청을 기다립니다: {0}", "en": "serving at {0}"}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    add_service(parser, listen="127.0.0.1:8010")
    bank = parser.add_argument_group("the bank's side")
    bank.add_argument("--api-key-file", metavar="FILE", help="the key that the bank's programs show")
    bank.add_argument("--redirect-to", action="append", metavar="ORIGIN", help="where answers may lead back to")
    bank.add_argument("--retain", type=count, metavar="MINUTES", help="how long claims may be read; else once")
    bank.add_argument("--receipts", metavar="DIR", help="keep the receipts of consents here, one file each")
    bank.add_argument("--limits", metavar="N/SECONDS", help="how often one source may ask, or off (6000/60)")
    bank.add_argument("--proxies", type=count, metavar="N", help="how many proxies of ours stand before it (0)")
    add_trust(parser, now=True)
    add_terms(parser, state="one in the data folder", types=True)
    parser.set_defaults(unsafe_no_binding=False)


def run(session: Session) -> int:
    """Serve until the process is told to end."""
    from ewallet.serving import serve
    from verifier_cli import desk

    key, tls = desk.api_key(session), desk.tls(session)
    with desk.bound(session) as at:
        url = desk.address(session, at)
        with desk.opened(session, url, at, key, desk.state(session)) as (app, _):
            session.warn(_SERVES[session.lang].format(url))
            serve(app, at, tls=tls)
    return 0
