"""``ewallet-verify history``: whether a log of use, or a proof from one, is what its checkpoints were signed for."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from verifier_cli import logs
from verifier_cli.arguments import add_trust

if TYPE_CHECKING:
    from ewallet.errors import VerificationError
    from ewallet.history import Audit, Believed, Finding, Head
    from ewallet.shape import Json
    from verifier_cli.session import Session

SCHEMA: Final = "ewallet.history-check/1"
_FILE: Final = 1 << 36  # bytes of an export in a file: a hundred million entries
_BAR: Final = 30  # characters
_STEP: Final = 1 << 20  # bytes between two pictures of the bar
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "holds": {"ko": "이용내역이 온전함", "en": "THE HISTORY HOLDS"},
    "broken": {"ko": "이용내역이 온전하지 않음", "en": "THE HISTORY DOES NOT HOLD"},
    "log": {"ko": "이력", "en": "log"},
    "size": {"ko": "기록 수", "en": "entries"},
    "root": {"ko": "루트", "en": "root"},
    "checkpoints": {"ko": "확인한 체크포인트", "en": "checkpoints checked"},
    "entry": {"ko": "증명된 기록", "en": "entry proved"},
    "earlier": {"ko": "이어진 이전 크기", "en": "goes on from size"},
    "witnesses": {"ko": "외부 증인", "en": "witnesses"},
    "position": {"ko": "처음 어긋난 자리", "en": "first bad position"},
    "until": {"ko": "{0}번부터 {1}번 사이", "en": "from {0} to {1}"},
    "backwards": {
        "ko": "{0}번 기록의 시각이 앞선 기록보다 이릅니다. 시계가 바뀌었을 수 있습니다.",
        "en": "entry {0} is dated before the one in front of it; a clock may have been set back",
    },
}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("file", metavar="FILE", help="an export of a log, a proof from it, or - for stdin")
    logs.add(parser)
    known = parser.add_argument_group("what is known from before")
    known.add_argument("--seen", action="append", metavar="FILE", help="a checkpoint that the log must go on from")
    known.add_argument("--mirror", metavar="DIR", help="tiles that were published: then a place is found exactly")
    add_trust(parser)


def run(session: Session) -> int:
    """Check it, and say the first thing that is wrong, and where."""
    from ewallet.errors import VerificationError

    believed = logs.believed(session)
    try:
        document, lines = _judged(session, believed)
    except VerificationError as exc:
        document, lines = _refused(session, exc)
    if session.machine:
        session.emit({"schema": SCHEMA, **document})
    else:
        session.say(lines)
    return 0 if document["holds"] else 1


#: The members of the document, and the lines of words.
Told = tuple[dict[str, Any], list[str]]


def _judged(session: Session, believed: Believed) -> Told:
    """What the file is, its first line says."""
    from ewallet.files import stream

    with stream(session.args.file, limit=_FILE, what="the history") as file:
        first = file.readline(_STEP)
        return _FORMS.get(_schema(first), _whole_log)(session, believed, _Joined(first, file))


class _Joined:
    """A stream whose first line was looked at, read from its beginning again."""

    def __init__(self, first: bytes, file: BinaryIO) -> None:
        self._first = first
        self._file = file
        self.size = _size(file)

    def readline(self, limit: int = -1) -> bytes:
        """The next line."""
        line, self._first = self._first, b""
        return line or self._file.readline(limit)

    def read(self, limit: int) -> bytes:
        """Everything, or so many bytes of it."""
        return self.readline() + self._file.read(limit)


def _size(file: BinaryIO) -> int:
    import os
    import stat

    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _schema(first: bytes) -> str:
    """What the first line says that it begins."""
    from ewallet.errors import Malformed
    from ewallet.shape import json_object

    try:
        return str(json_object(first).get("schema", ""))
    except Malformed:
        return ""


def _whole_log(session: Session, believed: Believed, file: _Joined) -> Told:
    from ewallet.files import read_own
    from ewallet.history import check_history

    seen = [read_own(name, what="a checkpoint") for name in session.args.seen or ()]
    mirror = _mirror(session, believed)
    with _Bar(session, file.size) as progress:
        audit = check_history(file, believed, seen=seen, mirror=mirror, progress=progress)
    return _audited(session, audit, believed)


def _mirror(session: Session, believed: Believed) -> Iterable[bytes]:
    """The published hashes, themselves checked first: a damaged mirror says nothing about the log."""
    from pathlib import Path

    from ewallet.history import tiles

    if not session.args.mirror:
        return ()
    folder = Path(session.args.mirror)
    return tiles.leaves(folder, tiles.check_mirror(folder, believed.alone).head.size)


def _audited(session: Session, audit: Audit, believed: Believed) -> Told:
    document = {
        "holds": audit.holds,
        "code": audit.finding.code if audit.finding else None,
        "position": audit.finding.position if audit.finding else None,
        "until": audit.finding.until if audit.finding else None,
        "detail": audit.finding.detail if audit.finding else None,
        "entries": audit.entries,
        "checkpoints": audit.checkpoints,
        "backwards": audit.backwards,
        **_of_head(audit.head),
        "origin": believed.origin,
    }
    lines = [_title(session, holds=audit.holds), _row(session, "log", believed.origin)]
    lines += _found(session, audit.finding) if audit.finding else []
    lines += _head_rows(session, audit.head) if audit.head and audit.holds else []
    lines.append(_row(session, "checkpoints", str(audit.checkpoints)))
    if audit.backwards is not None:
        lines.append(_word(session, "backwards").format(audit.backwards))
    return document, lines


def _inclusion(session: Session, believed: Believed, file: _Joined) -> Told:
    from ewallet.history import Logged
    from ewallet.shape import MAX_DOCUMENT
    from ewallet.terminal import stamp

    entry, checkpoint = Logged.read(file.read(MAX_DOCUMENT + 1)).check(believed)
    event = entry.event
    told = {"seq": entry.seq, "type": event.type, "time": stamp(event.at), "outcome": event.outcome}
    names = [cosigned.name for cosigned in checkpoint.cosigned]
    document = {"holds": True, "code": None, "entry": told, "witnesses": names, **_of_head(checkpoint.head)}
    return document, [
        _title(session, holds=True),
        _row(session, "entry", f"{entry.seq}, {event.type}, {told['time']}"),
        *_head_rows(session, checkpoint.head),
        _row(session, "witnesses", ", ".join(names) or "-"),
    ]


def _consistency(session: Session, believed: Believed, file: _Joined) -> Told:
    from ewallet.history import Consistency
    from ewallet.shape import MAX_DOCUMENT, json_object

    proof = Consistency.of_json(json_object(file.read(MAX_DOCUMENT + 1), "the proof"))
    earlier, later = proof.check(believed)
    names = [cosigned.name for cosigned in later.cosigned]
    document = {"holds": True, "code": None, "earlier": earlier.size, "witnesses": names, **_of_head(later.head)}
    return document, [
        _title(session, holds=True),
        _row(session, "earlier", str(earlier.size)),
        *_head_rows(session, later.head),
        _row(session, "witnesses", ", ".join(names) or "-"),
    ]


_Form = Callable[["Session", "Believed", _Joined], Told]
_FORMS: Final[Mapping[str, _Form]] = {
    "ewallet.inclusion/1": _inclusion,
    "ewallet.consistency/1": _consistency,
}


def _refused(session: Session, exc: VerificationError) -> Told:
    """A proof has no places: it holds or it does not."""
    from verifier_cli import render

    document = {"holds": False, "code": exc.code, "detail": exc.detail}
    return document, [_title(session, holds=False), *render.explanation(exc.code, session.lang)]


def _of_head(head: Head | None) -> dict[str, Json]:
    from base64 import b64encode

    if head is None:
        return {"origin": None, "size": None, "root": None}
    return {"origin": head.origin, "size": head.size, "root": b64encode(head.root).decode("ascii")}


def _head_rows(session: Session, head: Head) -> list[str]:
    root = str(_of_head(head)["root"])
    return [_row(session, "size", str(head.size)), _row(session, "root", root)]


def _found(session: Session, finding: Finding) -> list[str]:
    from verifier_cli import render

    place = str(finding.position)
    if finding.until is not None:
        place = _word(session, "until").format(finding.position, finding.until)
    return [_row(session, "position", place), *render.explanation(finding.code, session.lang), f"  {finding.detail}"]


def _title(session: Session, *, holds: bool) -> str:
    from ewallet.terminal import coloured

    return coloured(_word(session, "holds" if holds else "broken"), "green" if holds else "red", sys.stdout)


def _row(session: Session, word: str, value: str) -> str:
    from ewallet.terminal import plain

    return f"{_word(session, word)}: {plain(value)}"


def _word(session: Session, word: str) -> str:
    return _WORDS[word][session.lang]


class _Bar:
    """How much was read, on stderr where somebody looks at it; gone when it is done."""

    def __init__(self, session: Session, size: int) -> None:
        self._shown = size > _STEP and not session.args.quiet and sys.stderr.isatty()
        self._size = size
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __call__(self, done: int) -> None:
        if self._shown and done >= self._next:
            self._next = done + _STEP
            full = min(_BAR, _BAR * done // self._size)
            print(f"\r[{'#' * full}{'.' * (_BAR - full)}] {100 * done // self._size:3d}%", end="", file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
