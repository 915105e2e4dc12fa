"""``ewallet init``: a new, empty, sealed wallet."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ewallet.cli.session import Session


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""


def run(session: Session) -> int:
    """Check the trust list before anything is made, then make the wallet and keep the list beside it."""
    from ewallet.cli.words import SAYS
    from ewallet.files import read_own
    from ewallet.terminal import plain

    named = [name for name in (session.args.trust, session.args.trust_key) if name]
    if named:
        session.trust()
    kept = [read_own(name, what="a file of trust") for name in named]
    session.wallet(create=True)
    for path, raw in zip(session.trust_files, kept, strict=False):
        _write(path, raw)
    folder = str(session.folder)
    session.answer([SAYS["made"][session.lang].format(plain(folder))], folder=folder)
    return 0


def _write(path: Path, raw: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
