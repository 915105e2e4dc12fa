"""Whose log of use is meant, by flags: its keys, or its name in the trust list."""

from __future__ import annotations

from argparse import ArgumentParser, _ArgumentGroup
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ewallet.command import count

if TYPE_CHECKING:  # what a log needs is loaded when one is checked
    from ewallet.history import Believed, NoteKey
    from verifier_cli.session import Session

_WHOSE: Final = "whose log it is; else the trust list knows, by --origin"


def add(parser: ArgumentParser, title: str = _WHOSE) -> _ArgumentGroup:
    """The arguments that say it."""
    keys = parser.add_argument_group(title)
    keys.add_argument("--log-key", action="append", metavar="KEY", help="name+id+key of the log; may be repeated")
    keys.add_argument("--witness-key", action="append", metavar="KEY", help="that of a witness; may be repeated")
    keys.add_argument("--origin", metavar="NAME", help="the log's name in the trust list")
    keys.add_argument("--quorum", type=count, default=0, metavar="N", help="how many witnesses must have cosigned (0)")
    return keys


def believed(session: Session) -> Believed:
    """Whose checkpoints are believed; ``usage.argument``, ``trust.*``."""
    from ewallet.errors import UsageError
    from ewallet.history import Believed
    from verifier_cli import judge

    args = session.args
    if args.log_key and not args.origin:
        return Believed(log=_keys(args.log_key), witnesses=_keys(args.witness_key), quorum=args.quorum)
    if args.log_key or args.witness_key or not args.origin:
        raise UsageError("usage.argument", "expected --log-key, or --origin and a trust list, one of them")
    return Believed.of(judge.trust(session, judge.store(session)), args.origin, session.at, quorum=args.quorum)


def _keys(texts: Sequence[str] | None) -> tuple[NoteKey, ...]:
    from ewallet.errors import Malformed, UsageError
    from ewallet.history import NoteKey

    try:
        return tuple(NoteKey.read(text) for text in texts or ())
    except Malformed as exc:
        raise UsageError("usage.argument", exc.detail) from None
