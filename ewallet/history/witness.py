"""A witness (C2SP tlog-witness): it cosigns the newest checkpoint of a log, and never one that departs from it.

``POST <prefix>/add-checkpoint`` brings the size that the witness saw last, a consistency proof from there, and the new
checkpoint. What the witness cosigned is on disk before it says so; asked again for the same, it says it again.
:func:`cosign` is the other side, at the log.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from ewallet.env import Env
from ewallet.errors import CryptoError, Malformed, PolicyError, TransportError, TrustError
from ewallet.flow import Flow, Request, Response
from ewallet.history.checkpoint import Believed, Head
from ewallet.history.inclusion import read_path
from ewallet.history.note import WITNESS, Note, NoteKey, Signature, read_signatures
from ewallet.history.tree import EMPTY, MAX_PATH, MAX_SIZE
from ewallet.keys import Signer
from ewallet.shape import MAX_NOTE, refuse

PATH: Final = "/add-checkpoint"
MAX_REQUEST: Final = MAX_NOTE + 64 * MAX_PATH  # bytes: a checkpoint, and before it a line of 45 for each hash
_SIZE_TYPE: Final = "text/x.tlog.size"
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_TRIES: Final = 3  # what the witness saw last, then from there, and once more if another one was faster

Prove = Callable[[int, int], Sequence[bytes]]


class Seen(NamedTuple):
    """What a witness saw last of a log, and the time that it gave."""

    head: Head
    at: datetime


class WitnessState(Protocol):
    """What a witness must not forget."""

    def latest(self, origin: str) -> Seen | None:
        """What it cosigned last; None for a log of which it cosigned nothing yet."""

    def advance(self, before: Seen | None, seen: Seen) -> bool:
        """Remember that, on disk when this returns, unless something else than ``before`` is remembered by now."""


def check_newest(head: Head, path: Sequence[bytes], *, state: WitnessState, at: datetime) -> None:
    """Return if a head goes on from the last one that was seen, and remember it: whoever relies on a log is a witness.

    Raises ``log.rollback`` for one older than was seen, ``log.forked`` for one of another history. The first one is
    believed; ``path`` proves the way from what ``state`` has (:meth:`ewallet.history.log.Log.since`).
    """
    before = state.latest(head.origin)
    if before:
        before.head.check_successor(head, path)
    if not state.advance(before, Seen(head, at)):
        raise PolicyError("log.rollback", "a newer checkpoint has just been seen by another program")


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A checkpoint that somebody brings: how far the witness had seen, and why this one goes on from there."""

    old: int
    path: tuple[bytes, ...] = field(repr=False)
    note: Note

    @classmethod
    def read(cls, raw: bytes) -> Submission:
        """The submission of a request's body; ``malformed.encoding``, ``limit.*``."""
        if len(raw) > MAX_REQUEST:
            refuse("limit.size", f"a submission of {len(raw)} bytes, at most {MAX_REQUEST} are read")
        told, blank, note = raw.partition(b"\n\n")
        if not blank or not told.isascii():
            refuse("malformed.encoding", "a submission without a blank line before its checkpoint")
        first, *lines = told.decode("ascii").split("\n")
        old = _OLD.fullmatch(first)
        if not old or int(old[1]) > MAX_SIZE:
            refuse("malformed.encoding", "a submission whose first line is not old and a size")
        return cls(old=int(old[1]), path=read_path(lines), note=Note.read(note))

    def to_bytes(self) -> bytes:
        """The body of the request."""
        lines = [f"old {self.old}", *(b64encode(hash_).decode("ascii") for hash_ in self.path)]
        return "\n".join([*lines, "", ""]).encode("ascii") + self.note.to_bytes()


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Cosigns for the logs it knows, whose keys it is given; it needs an Ed25519 key that is used for nothing else."""

    name: str
    signer: Signer
    logs: Mapping[str, Believed]
    state: WitnessState
    env: Env = field(default_factory=Env)

    @property
    def key(self) -> NoteKey:
        """What others know it by."""
        return NoteKey(self.name, self.signer.public, WITNESS)

    def answer(self, body: bytes) -> Response:
        """The answer to a request; what the state raises is raised."""
        try:
            submission = Submission.read(body)
            head = self._known(submission)
        except Malformed as exc:
            return _said(400, str(exc))
        except TrustError:
            return _said(404, "a log that this witness does not know")
        except CryptoError as exc:
            return _said(403, str(exc))
        return self._answered(submission, head)

    def _known(self, submission: Submission) -> Head:
        head = Head.read(submission.note.text)
        if head.origin not in self.logs:
            raise TrustError("trust.no_path", "an origin that is not on the list")
        self.logs[head.origin].check_log(submission.note, head.origin)
        if submission.old > head.size:
            refuse("malformed.encoding", "an old size that is larger than that of the checkpoint")
        return head

    def _answered(self, submission: Submission, head: Head) -> Response:
        before = self.state.latest(head.origin)
        last = before.head if before else Head(head.origin, 0, EMPTY)
        if submission.old != last.size:
            return _conflict(last.size)
        try:
            last.check_successor(head, submission.path)
        except PolicyError as exc:
            return _conflict(last.size) if last.size == head.size else _said(422, str(exc))
        now = self.env.now().replace(microsecond=0)
        at = max(now, before.at) if before else now  # a clock that was set back makes no earlier statement
        if not self.state.advance(before, Seen(head, at)):
            latest = self.state.latest(head.origin)
            return _conflict(latest.head.size if latest else 0)
        return _cosigned(self.key.signed(submission.note.text, self.signer, at))


def _said(status: int, words: str) -> Response:
    return Response(status, {"content-type": "text/plain; charset=utf-8"}, f"{words}\n".encode())


def _conflict(size: int) -> Response:
    return Response(409, {"content-type": _SIZE_TYPE}, f"{size}\n".encode())


def _cosigned(signature: Signature) -> Response:
    return Response(200, {"content-type": "text/plain; charset=utf-8"}, str(signature).encode())


def cosign(checkpoint: bytes, url: str, *, key: NoteKey, prove: Prove, old: int = 0) -> Flow[Signature]:
    """The cosignature of the witness at that address, checked; ``old`` is what it is known to have seen.

    ``prove`` gives the consistency proof between two sizes. Raises ``log.rollback`` where the witness has seen a larger
    log, ``log.forked`` where it has seen another one, ``fetch.unavailable`` where it answers something else.
    """
    note = Note.read(checkpoint)
    head = Head.read(note.text)
    for _ in range(_TRIES):
        body = Submission(old=old, path=tuple(prove(old, head.size)), note=note).to_bytes()
        response = yield Request("POST", url.rstrip("/") + PATH, {"content-type": "text/plain"}, body, MAX_NOTE, True)
        if response.status == 200:
            return _checked(response.body, note, key)
        known = _known_size(response)
        if known is not None and known > head.size:
            raise PolicyError("log.rollback", f"the witness has seen size {known}, this is {head.size}")
        if response.status == 422 or known == old:
            raise PolicyError("log.forked", "the witness has seen another history than this one")
        if known is None:
            raise TransportError("fetch.unavailable", f"the witness answers with status {response.status}")
        old = known
    raise TransportError("fetch.unavailable", "the witness is asked by somebody else at the same time")


def _known_size(response: Response) -> int | None:
    size = _SIZE.fullmatch(response.body) if response.status == 409 else None
    return int(size[1]) if size else None


def _checked(body: bytes, note: Note, key: NoteKey) -> Signature:
    try:
        lines = body.decode("utf-8")
    except UnicodeDecodeError:
        refuse("malformed.encoding", "cosignatures that are not utf-8")
    signature = Note(note.text, tuple(read_signatures(lines))).of(key)
    if signature is None:
        raise CryptoError("crypto.signature_invalid", "a cosignature of another key than the witness's")
    key.check(note.text, signature)
    return signature
