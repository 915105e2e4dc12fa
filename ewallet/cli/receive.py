"""``ewallet receive``: a certificate that came as a file."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ewallet.cli.session import Session


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("file", metavar="FILE", help="its copies as a JSON array of texts, or one copy; - for stdin")


def run(session: Session) -> int:
    """Nothing is kept unless every copy is genuine and bound to a key of this wallet."""
    from ewallet.cli import words
    from ewallet.files import read

    raw = read(session.args.file, what="the certificate")
    document = session.wallet(believing=True).put(_copies(raw))
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
        raise Malformed("malformed.encoding", "the certificate is not ascii") from None
