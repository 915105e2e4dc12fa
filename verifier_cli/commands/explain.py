"""``ewallet-verify explain``: what a code means and what to do about it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ewallet.shape import Json
    from verifier_cli.session import Session

SCHEMA: Final = "ewallet.explain/1"


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="such as status.revoked")
    parser.add_argument("--all", action="store_true", help="every code there is")
    parser.set_defaults(at=None)


def run(session: Session) -> int:
    """Say the words; an unknown code is a wrong argument."""
    from ewallet.codes import TABLE
    from verifier_cli import render

    codes = list(TABLE) if session.args.all else [_known(session.args.code)]
    if session.machine:
        session.emit({"schema": SCHEMA, "codes": [_document(session, code) for code in codes]})
        return 0
    for code in codes:
        session.say(render.explanation(code, session.lang))
    return 0


def _known(code: str | None) -> str:
    from difflib import get_close_matches

    from ewallet.codes import TABLE
    from ewallet.errors import UsageError

    if code in TABLE:
        return str(code)
    near = get_close_matches((code or "")[:100], TABLE, n=3, cutoff=0.5)
    alike = f", did you mean {' or '.join(near)}" if near else ", --all lists them"
    raise UsageError("usage.argument", f"no code of that name{alike}" if code else "no code, expected one or --all")


def _document(session: Session, code: str) -> dict[str, Json]:
    from ewallet.errors import words

    told = words(code, session.lang)
    return {"code": code, "lang": session.lang, "what": told.what, "remedy": told.remedy}
