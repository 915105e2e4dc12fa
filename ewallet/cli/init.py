"""``ewallet init``: a new, empty, sealed wallet."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewallet.cli.session import Session


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""


def run(session: Session) -> int:
    """Check the trust list before anything is made, then make the wallet and keep the list beside it."""
    from ewallet.cli.words import SAYS
    from ewallet.terminal import plain

    with session.keeping_trust():
        session.wallet(create=True)
    folder = str(session.folder)
    session.answer([SAYS["made"][session.lang].format(plain(folder))], folder=folder)
    return 0
