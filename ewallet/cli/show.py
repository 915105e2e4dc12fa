"""``ewallet show``: everything that one certificate says."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewallet.cli.session import Session


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("id", metavar="ID", help="as `ewallet list` prints it")


def run(session: Session) -> int:
    """All claims, to their holder."""
    from ewallet.cli import words

    document = session.wallet().get(session.args.id)
    certificate = words.summary(document) | {"claims": words.personal(document)}
    session.answer(words.described(document, session.lang), certificate=certificate)
    return 0
