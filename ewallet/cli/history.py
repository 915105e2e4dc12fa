"""``ewallet history``: what left the wallet, when, for whom and why."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewallet.cli.session import Session
    from ewallet.shape import Json
    from ewallet.wallet import Shown


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""


def run(session: Session) -> int:
    """One line for each presentation, the newest first."""
    from ewallet.cli import words

    entries = session.wallet().history()
    lines = [words.sent(shown, session.catalog.by_type_id(shown.type_id), session.lang) for shown in entries]
    session.answer(lines or [words.SAYS["nothing_left"][session.lang]], sent=[_entry(shown) for shown in entries])
    return 0


def _entry(shown: Shown) -> dict[str, Json]:
    from ewallet.terminal import stamp

    return {
        "at": stamp(shown.at),
        "audience": shown.audience,
        "name": shown.name,
        "purpose": shown.purpose,
        "certificate": shown.held,
        "type": shown.type_id,
        "claims": [list(path) for path in shown.paths],
    }
