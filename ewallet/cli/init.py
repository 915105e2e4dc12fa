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
    from ewallet.files import read_own
    from ewallet.terminal import plain

    named = session.named_trust()
    if named:
        session.trust()
    files = [read_own(name, what="a file of trust") for name in named or ()]
    session.wallet(create=True)
    if named:
        session.kept_trust.keep(*files)
    folder = str(session.folder)
    session.answer([SAYS["made"][session.lang].format(plain(folder))], folder=folder)
    return 0
