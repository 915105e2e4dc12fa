"""``ewallet restore``: a wallet from its backup, with copies that may have been shown since counted as sent."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewallet.cli.session import Session


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument(
        "file", metavar="FILE", help="what `ewallet backup` has written; the passphrase is that of then"
    )
    parser.add_argument("--replace", action="store_true", help="in place of the wallet that is there, which is lost")
    parser.epilog = (
        "Copies that were fresh when the backup was made may have been shown since, so they count as sent: "
        "certificates that are shown once are to be received anew. What was sent since is not in the history."
    )


def run(session: Session) -> int:
    """All of the backup, or the wallet that was there; nobody is told that a copy is fresh which may not be."""
    from ewallet.cli import words
    from ewallet.terminal import plain

    with session.keeping_trust():
        store = session.database().restore(session.args.file, session.passphrase(), replace=session.args.replace)
    documents, folder = session.wallet_of(store).documents(), str(session.folder)
    says = [words.SAYS[name][session.lang] for name in ("put_back", "counted")]
    lines = [says[0].format(plain(folder)), *words.listed(documents, session.lang), says[1]]
    session.answer(lines, folder=folder, certificates=[words.summary(document) for document in documents])
    return 0
