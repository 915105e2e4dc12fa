"""``ewallet backup``: the whole wallet in one file, sealed under its passphrase."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewallet.cli.session import Session


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument(
        "file", metavar="FILE", help="where to write it; for its owner alone, and sealed as the wallet is"
    )
    parser.add_argument("--replace", action="store_true", help="in place of the file that is there")


def run(session: Session) -> int:
    """Everything as it is now, or nothing."""
    from ewallet.cli.words import SAYS
    from ewallet.terminal import plain

    file = session.args.file
    session.store().backup(file, replace=session.args.replace)
    session.answer([SAYS["backed_up"][session.lang].format(plain(file))], file=file)
    return 0
