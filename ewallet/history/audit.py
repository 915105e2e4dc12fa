"""A whole log as one file, and the check that finds the first place where it is not what was signed.

The file is JSON Lines: what it is, then each entry with its hash, and each checkpoint after the last entry that it
covers; the newest checkpoint ends it. Whoever holds checkpoints of before, or a mirror of the hashes, adds them to the
check: then also the log's own key cannot write another history. Memory does not grow with the file.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, Final, Protocol

from ewallet.env import SKEW
from ewallet.errors import EWalletError, PolicyError
from ewallet.history.checkpoint import Believed, Checkpoint, Head
from ewallet.history.entry import MAX_ENTRY, Entry
from ewallet.history.log import PAGE, Log
from ewallet.history.note import Note
from ewallet.history.tree import Edge
from ewallet.jose import to_json
from ewallet.shape import MAX_NOTE, Json, base64, instance, json_object, member, refuse

SCHEMA: Final = "ewallet.history/1"
_LINE: Final = 2 * MAX_NOTE + MAX_ENTRY  # bytes of one line; a newline of a note has two

Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong, from which place on; ``until`` is the last place it may be at, where it cannot be said exactly."""

    code: str
    detail: str
    position: int
    until: int | None = None


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was found: entries and checkpoints that were read, the newest head, and the first thing that is wrong.

    ``backwards`` is the first entry that is dated before its predecessor by more than clocks differ: that may have been
    a clock, and is for people to judge.
    """

    entries: int
    checkpoints: int
    head: Head | None
    finding: Finding | None
    backwards: int | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.finding is None


def export(log: Log, file: BinaryIO) -> Head:
    """Write the whole log, up to a checkpoint that is made now; the head of that.

    Where the log refuses to sign what it has, up to the last one that it signed: it is evidence then.
    """
    newest = Head.read(Note.read(_newest(log)).text)
    notes = {Head.read(Note.read(raw).text).size: raw for raw in log.store.checkpoints()}
    file.write(to_json({"schema": SCHEMA, "origin": log.origin}) + b"\n")
    if 0 in notes:
        _write_note(file, notes[0])
    for first in range(0, newest.size, PAGE):
        entries = log.store.entries(first, min(PAGE, newest.size - first))
        leaves = log.store.nodes([(0, first + at) for at in range(len(entries))])
        for seq, raw in enumerate(entries, first):
            leaf = b64encode(leaves[0, seq])
            file.write(b'{"entry":' + raw.replace(b"\n", b" ") + b',"leaf":"' + leaf + b'"}\n')
            if seq + 1 in notes:
                _write_note(file, notes[seq + 1])
    return newest


def _newest(log: Log) -> bytes:
    try:
        return log.checkpoint()
    except PolicyError:
        kept = log.store.checkpoint()
        if kept is None:
            raise
        return kept


def _write_note(file: BinaryIO, raw: bytes) -> None:
    file.write(to_json({"checkpoint": raw.decode()}) + b"\n")


class Lines(Protocol):
    """What is read line by line, such as a file."""

    def readline(self, limit: int, /) -> bytes:
        """The next line, or so much of it."""


def check_history(
    file: Lines,
    believed: Believed,
    *,
    seen: Sequence[bytes] = (),
    mirror: Iterable[bytes] = (),
    progress: Progress | None = None,
) -> Audit:
    """Read a log to its end, or to the first thing that is wrong.

    ``seen`` are checkpoints held from before, ``mirror`` the leaf hashes that were published (a prefix will do);
    ``progress`` is told how many bytes were read. Where a quorum is asked for, that many witnesses must have cosigned a
    checkpoint over all of it. Raises what the checkpoints of ``seen`` raise.
    """
    held = [Checkpoint.read(raw, believed.alone).head for raw in seen]
    check = _Check(believed, {head.size: head for head in sorted(held, key=lambda head: head.size)}, iter(mirror))
    try:
        _check_distinct(held)
        for line in _lines(file, progress):
            check.line(line)
        check.end()
    except _FoundError as exc:
        return replace(check.audit(), finding=exc.finding)
    except EWalletError as exc:
        return replace(check.audit(), finding=Finding(code=exc.code, detail=exc.detail, position=check.edge.size))
    return check.audit()


class _FoundError(Exception):
    """Ends the check: here is something wrong."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding


def _check_distinct(heads: Sequence[Head]) -> None:
    roots = {(head.size, head.root) for head in heads}
    if len(roots) != len({size for size, _ in roots}):
        raise PolicyError("log.forked", "two checkpoints of one size that were seen before have two roots")


def _lines(file: Lines, progress: Progress | None) -> Iterator[bytes]:
    done = 0
    while line := file.readline(_LINE + 1):
        if len(line) > _LINE:
            refuse("limit.size", f"a line has more than {_LINE} bytes")
        done += len(line)
        if progress:
            progress(done)
        yield line


@dataclass
class _Check:
    """How far a check has come: the tree so far, and up to where checkpoints vouch for it."""

    believed: Believed
    seen: dict[int, Head]
    mirror: Iterator[bytes]
    edge: Edge = Edge()  # noqa: RUF009 - it is frozen
    origin: str = ""
    newest: Head | None = None
    witnessed: int = 0
    checkpoints: int = 0
    latest: datetime | None = None
    backwards: int | None = None

    def line(self, raw: bytes) -> None:
        """Take one line."""
        members = json_object(raw, "a line")
        if not self.origin:
            self._begin(members)
        elif "checkpoint" in members:
            self._checkpoint(member(members, "checkpoint", str).encode("utf-8"))
        else:
            self._entry(members)

    def end(self) -> None:
        """Nothing more comes: everything must be covered."""
        if not self.origin:
            refuse("malformed.claim_type", "an export of nothing, not even of its origin")
        covered = self.newest.size if self.newest else 0
        if not self.newest or covered < self.edge.size:
            raise _FoundError(self._tampered("from here on no checkpoint covers what is there", covered))
        if self.seen and max(self.seen) > covered:
            raise _FoundError(self._cut(f"{max(self.seen)} was seen before"))
        if next(self.mirror, None) is not None:
            raise _FoundError(self._cut("the mirror goes on"))
        if self.believed.quorum and self.witnessed < covered:
            detail = f"from here on fewer than {self.believed.quorum} witnesses have cosigned"
            raise _FoundError(Finding(code="log.unwitnessed", detail=detail, position=self.witnessed))

    def audit(self) -> Audit:
        """What there is to say so far."""
        return Audit(
            entries=self.edge.size,
            checkpoints=self.checkpoints,
            head=self.newest,
            finding=None,
            backwards=self.backwards,
        )

    def _begin(self, members: dict[str, Json]) -> None:
        if members.get("schema") != SCHEMA:
            refuse("malformed.claim_type", f"a first line of another schema than {SCHEMA}")
        self.origin = member(members, "origin", str)
        if self.origin != self.believed.origin:
            refuse("malformed.claim_type", "an export of another log than the one that is believed")

    def _entry(self, members: dict[str, Json]) -> None:
        entry = Entry.of_json(instance(members.get("entry"), dict, "entry"))
        position, leaf = self.edge.size, entry.leaf
        if entry.seq != position:
            raise _FoundError(self._tampered(f"entry {entry.seq} stands here: one is missing, or they were moved"))
        if leaf != base64(member(members, "leaf", str), "leaf"):
            raise _FoundError(self._tampered("the entry is not the one that was hashed"))
        if next(self.mirror, leaf) != leaf:
            raise _FoundError(self._tampered("the mirror has the hash of another entry here"))
        self._date(entry)
        self.edge, _ = self.edge.append(leaf)
        head = self.seen.get(self.edge.size)
        if head and head.root != self.edge.root:
            raise _FoundError(self._forked(head))

    def _date(self, entry: Entry) -> None:
        at = entry.event.at
        if self.latest and at < self.latest - SKEW and self.backwards is None:
            self.backwards = entry.seq
        self.latest = max(at, self.latest or at)

    def _checkpoint(self, raw: bytes) -> None:
        checkpoint = Checkpoint.read(raw, self.believed.alone)
        head = checkpoint.head
        if self.newest and head.size == self.newest.size:
            detail = "two checkpoints stand here" if head == self.newest else "two checkpoints of one size differ"
            code = "log.tampered" if head == self.newest else "log.forked"
            raise _FoundError(Finding(code=code, detail=detail, position=head.size))
        if head.size != self.edge.size:
            detail = f"a checkpoint of size {head.size} stands after {self.edge.size} entries"
            raise _FoundError(self._tampered(detail, min(head.size, self.edge.size)))
        if head.root != self.edge.root:
            raise _FoundError(self._departed(head))
        self.newest = head
        self.checkpoints += 1
        if len(checkpoint.cosigned) >= self.believed.quorum:
            self.witnessed = head.size

    def _cut(self, known: str) -> Finding:
        return Finding(
            code="log.rollback", detail=f"the log ends at {self.edge.size}, but {known}", position=self.edge.size
        )

    def _tampered(self, detail: str, position: int | None = None) -> Finding:
        place = self.edge.size if position is None else position
        return Finding(code="log.tampered", detail=detail, position=place)

    def _departed(self, head: Head) -> Finding:
        """Somewhere after the last checkpoint that held: entry and hash were changed together."""
        first = self.newest.size if self.newest else 0
        detail = f"the entries up to here are not those that the checkpoint of size {head.size} was signed for"
        last = max(first, head.size - 1)
        return Finding(code="log.tampered", detail=detail, position=first, until=last if last > first else None)

    def _forked(self, head: Head) -> Finding:
        first = self.newest.size if self.newest else 0
        detail = f"the history departs from the checkpoint of size {head.size} that was seen before"
        last = head.size - 1
        return Finding(code="log.forked", detail=detail, position=first, until=last if last > first else None)
