"""Checkpoints (C2SP tlog-checkpoint): what a log says that it is, signed, and cosigned by those who watch it.

Whoever holds a checkpoint holds the log to it: a later one must have everything in it that this one had, and an
earlier one is refused. :class:`Believed` says whose signatures are wanted; nothing is believed that is not in it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.errors import CryptoError, PolicyError, TrustError, UsageError
from ewallet.history.note import LOG, WITNESS, Kind, Note, NoteKey
from ewallet.history.tree import EMPTY, MAX_SIZE, WIDTH, proves_consistency
from ewallet.keys import PublicKey, Signer
from ewallet.shape import base64, refuse
from ewallet.trust import TrustList

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)

#: What an anchor of purpose ``log`` may be trusted for (its ``types``): to sign checkpoints, or to cosign them.
CHECKPOINTS: Final = "checkpoint"
COSIGNATURES: Final = "cosignature"
_KINDS: Final[Mapping[str, Kind]] = {CHECKPOINTS: LOG, COSIGNATURES: WITNESS}


@dataclass(frozen=True)
class Head:
    """How large a log is, and the root of its tree."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def read(cls, text: str) -> Head:
        """The head of a checkpoint's text; ``malformed.encoding``. Lines that it does not need are refused."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            refuse("malformed.encoding", f"a checkpoint of {len(lines) - 1} lines, expected origin, size and root")
        origin, size, encoded, _ = lines
        root = base64(encoded, "a checkpoint's root")
        if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE or len(root) != WIDTH:
            refuse("malformed.encoding", "a checkpoint whose size or root is none")
        if size == "0" and root != EMPTY:
            refuse("malformed.encoding", "a checkpoint of nothing with the root of something")
        return cls(origin, int(size), root)

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode('ascii')}\n"

    def signed(self, signer: Signer) -> Note:
        """The checkpoint as its log signs it, under the origin as the key's name; ``usage.argument``."""
        return Note(self.text, (NoteKey(self.origin, signer.public).signed(self.text, signer),))

    def check_successor(self, later: Head, path: Sequence[bytes]) -> None:
        """Return if the later one has all that is in this one.

        Raises ``log.rollback`` for a smaller one, ``log.forked`` where the proof does not hold or another log speaks.
        """
        if later.origin != self.origin:
            raise PolicyError("log.forked", "a checkpoint of another log than the one seen before")
        if later.size < self.size:
            raise PolicyError("log.rollback", f"a checkpoint of size {later.size}, but {self.size} was seen before")
        if not proves_consistency(path, old=self.size, old_root=self.root, size=later.size, root=later.root):
            raise PolicyError("log.forked", f"sizes {self.size} and {later.size} are of two histories")


@dataclass(frozen=True)
class Cosigned:
    """Who saw a checkpoint as the newest of its log, and when."""

    name: str
    at: datetime


@dataclass(frozen=True)
class Checkpoint:
    """A head whose signatures were checked, the note as it came, and who cosigned. Make one with :meth:`read`."""

    head: Head
    note: Note = field(repr=False)
    cosigned: tuple[Cosigned, ...] = ()

    @classmethod
    def read(cls, raw: bytes, believed: Believed) -> Checkpoint:
        """The checkpoint of a note that is signed as it must be.

        Raises ``malformed.*``, ``limit.*``, ``trust.no_path`` for another log, ``crypto.signature_invalid``, or
        ``log.unwitnessed`` where fewer have cosigned than must.
        """
        note = Note.read(raw)
        head = Head.read(note.text)
        believed.check_log(note, head.origin)
        cosigned = tuple(believed.cosigned(note))
        if len(cosigned) < believed.quorum:
            raise PolicyError("log.unwitnessed", f"{len(cosigned)} witnesses, expected {believed.quorum}")
        return cls(head, note, cosigned)

    def to_bytes(self) -> bytes:
        """The note."""
        return self.note.to_bytes()


@dataclass(frozen=True, kw_only=True)
class Believed:
    """Whose checkpoints are believed: the keys of one log, those of its witnesses, and how many must have cosigned."""

    log: tuple[NoteKey, ...]
    witnesses: tuple[NoteKey, ...] = ()
    quorum: int = 0

    def __post_init__(self) -> None:
        if not self.log or len({key.name for key in self.log}) != 1 or any(key.kind != LOG for key in self.log):
            raise UsageError("usage.argument", "the keys of one log are expected, all of one name")
        if any(key.kind != WITNESS for key in self.witnesses):
            raise UsageError("usage.argument", "a witness whose key does not cosign")
        if not 0 <= self.quorum <= len(self.witnesses):
            raise UsageError("usage.argument", f"a quorum of {self.quorum} among {len(self.witnesses)} witnesses")
        if len({key.public.thumbprint for key in (*self.log, *self.witnesses)}) != len(self.log) + len(self.witnesses):
            raise UsageError("usage.argument", "one key for two: a log does not witness itself, nor a witness twice")

    @classmethod
    def of(cls, trust: TrustList, origin: str, at: datetime, *, quorum: int = 0) -> Believed:
        """Those whom a trust list names, each by an anchor of its own, for what its ``types`` say.

        The anchor's ``issuers`` are the names that it signs under: the origin, or the names of a witness. Raises
        ``trust.*``: ``trust.no_path`` where the list knows no such log.
        """
        log = cls.of_log(trust, origin, at).log
        return cls(log=log, witnesses=_listed(trust, COSIGNATURES, at), quorum=quorum)

    @classmethod
    def of_log(cls, trust: TrustList, origin: str, at: datetime) -> Believed:
        """As :meth:`of`, whoever watches it: what is wrong with a witness or another log says nothing of this one."""
        log = _listed(trust, CHECKPOINTS, at, origin)
        if not log:
            raise TrustError("trust.no_path", "no anchor of the trust list is that log")
        return cls(log=log)

    @property
    def origin(self) -> str:
        """The one log that is meant."""
        return self.log[0].name

    @property
    def alone(self) -> Believed:
        """The same without a quorum: what was seen before is believed as its log's word."""
        return replace(self, quorum=0)

    def check_log(self, note: Note, origin: str) -> None:
        """Return if the log signed it; ``trust.no_path``, ``crypto.signature_invalid``."""
        if origin != self.origin:
            raise TrustError("trust.no_path", "a checkpoint of another log than the one that is believed")
        signed = [(key, line) for key in self.log if (line := note.of(key))]
        if not signed:
            raise CryptoError("crypto.signature_invalid", "a checkpoint that its log has not signed")
        for key, line in signed:
            key.check(note.text, line)

    def cosigned(self, note: Note) -> list[Cosigned]:
        """The witnesses that cosigned; ``crypto.signature_invalid`` where one of them is said to, and has not."""
        found = []
        for key in self.witnesses:
            line = note.of(key)
            at = key.check(note.text, line) if line else None
            if at:
                found.append(Cosigned(key.name, at))
        return found


def _listed(trust: TrustList, what: str, at: datetime, name: str | None = None) -> tuple[NoteKey, ...]:
    """The keys of that kind on the list: their very certificates are listed, for a note carries none.

    A key is one key however many certificates it has had. One whose certificate is over counts no more, and takes no
    other with it: only where none of the one that is asked for is left, the reason is raised.
    """
    found: dict[tuple[str, str], NoteKey] = {}
    refused: list[TrustError] = []
    for anchor in trust.anchors:
        names = [each for each in sorted(anchor.issuers) if name in (None, each)]
        if names and anchor.purpose == "log" and anchor.end_entity and what in anchor.types and anchor.trusted(at):
            try:
                key = trust.check((anchor.certificate.public_bytes(Encoding.DER),), "log", at, type_id=what).key
            except TrustError as exc:
                refused.append(exc)
                continue
            found |= {(each, key.thumbprint): NoteKey(each, key, _KINDS[what]) for each in names}
    if refused and not found and name is not None:
        raise refused[0]
    return tuple(found.values())


def key_of(name: str, public: PublicKey, *, witness: bool = False) -> NoteKey:
    """The key under which a log of that origin, or a witness of that name, signs; ``usage.argument``."""
    return NoteKey(name, public, WITNESS if witness else LOG)
