"""``ewallet list``: what the wallet holds."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewallet.cli.session import Session


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""


def run(session: Session) -> int:
    """One line for each certificate."""
    from ewallet.cli import words

    documents = session.wallet().documents()
    lines = list(words.listed(documents, session.lang)) or [words.SAYS["empty"][session.lang]]
    session.answer(lines, certificates=[words.summary(document) for document in documents])
    return 0
