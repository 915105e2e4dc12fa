"""Many presentations in one run: JSON Lines in, one verdict document a line out, in the same order.

A line is an object with ``presentation``, a text or a ``vp_token`` object, and with either the ``request`` that it
answers or ``nonce`` and ``audience``; or with ``paper``, a PDF in base64url. The code of a paper certificate is a text
like another. A line that is none gets a document whose ``verdict`` is ``error``; the others
are judged all the same.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from ewallet.command import MISUSED, understood
from ewallet.credential import Binding
from ewallet.errors import EWalletError, Malformed, UsageError
from ewallet.files import STDIN, stream
from ewallet.jose import to_json
from ewallet.oid4vp import AuthorizationRequest
from ewallet.shape import Json, base64url, json_object, member, optional
from ewallet.verifier import Verifier
from verifier_cli import failure, judge
from verifier_cli.inputs import LONGEST_LINE, lines
from verifier_cli.judge import Asked
from verifier_cli.session import Session

_WORST: Final = (70, 2, 1, 3, 0)
_FILE: Final = 1 << 30  # bytes of a batch in a file; a stream has no limit but that of its lines


def run(session: Session) -> int:
    """Judge every line, and return the worst exit code of them all."""
    _refuse_single(session)
    with _source(session) as source:
        verifier = judge.verifier(session, None)
        codes = {_line(session, verifier, line) for line in lines(source)}
    if not codes:
        raise UsageError("usage.file", "the batch has no line")
    return min(codes, key=_WORST.index)


def _source(session: Session) -> BinaryIO:
    names = session.args.files or [STDIN]
    if len(names) > 1:
        raise UsageError("usage.argument", "several files, a batch is one file or stdin")
    return stream(names[0], limit=_FILE, what="the batch")


def _refuse_single(session: Session) -> None:
    if session.args.request or session.args.nonce:
        raise UsageError("usage.argument", "--batch takes requests and nonces from its lines")


def _line(session: Session, verifier: Verifier, line: bytes | Malformed) -> int:
    try:
        given, asked = _parsed(line)
        verdict = judge.judged(session, verifier, given, asked)
    except Exception as exc:  # noqa: BLE001 - one line's trouble is not that of the next
        error = understood(exc)
        session.emit(failure.document(error, session.at))
        return max(failure.exit_code(error), MISUSED)
    session.emit(verdict.to_json())
    return judge.exit_code(verdict)


def _parsed(line: bytes | Malformed) -> tuple[str | bytes, Asked]:
    if isinstance(line, EWalletError):
        raise line
    members = json_object(line, "the line", limit=LONGEST_LINE)
    if "paper" in members:
        return base64url(member(members, "paper", str), "paper"), None
    return _presented(members)


def parsed(line: bytes) -> tuple[str | bytes, Asked]:
    """What one line, or the body of one call, asks to be judged: the presentation and what it answers."""
    return _presented(json_object(line, "the line", limit=LONGEST_LINE))


def _presented(members: dict[str, Json]) -> tuple[str | bytes, Asked]:
    given = members.get("presentation")
    text = to_json(given) if isinstance(given, dict) else member(members, "presentation", str)
    return text, _asked(members)


def _asked(members: dict[str, Json]) -> Asked:
    if "request" in members:
        return AuthorizationRequest.parse(to_json(member(members, "request", dict)))
    nonce, audience = optional(members, "nonce", str), optional(members, "audience", str)
    return Binding(audience=audience, nonce=nonce) if nonce and audience else None
