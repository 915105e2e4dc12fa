"""Proofs as they travel: that an entry is in a checkpoint, and that one checkpoint goes on from another.

``Logged`` is what a recipient gets with a package: the entry that says so, its proof, and the key that opens its
commitment. Without it, what was released does not verify.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ewallet.errors import PolicyError, TransportError
from ewallet.flow import Flow, Request
from ewallet.history.checkpoint import Believed, Checkpoint, Head
from ewallet.history.entry import Entry, EventType
from ewallet.history.tree import MAX_PATH, MAX_SIZE, WIDTH, leaf_hash, proves_inclusion
from ewallet.shape import Json, base64, base64url, instance, json_object, member, optional, refuse, to_base64url

INCLUSION: Final = "ewallet.inclusion/1"
CONSISTENCY: Final = "ewallet.consistency/1"
_MAX_ANSWER: Final = 1 << 16  # bytes of a log's answer with a proof


@dataclass(frozen=True)
class Inclusion:
    """The way from the leaf at ``index`` to the root of a checkpoint, not yet believed."""

    checkpoint: bytes
    index: int
    path: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of_json(cls, members: Mapping[str, Json]) -> Inclusion:
        """The proof of its members; ``malformed.*``, ``limit.count``."""
        index = member(members, "index", int)
        if not 0 <= index < MAX_SIZE:
            refuse("malformed.claim_type", "an index that is none")
        return cls(member(members, "checkpoint", str).encode("utf-8"), index, _path(members))

    def to_json(self) -> dict[str, Json]:
        """The members that :meth:`of_json` reads."""
        return {"checkpoint": self.checkpoint.decode(), "index": self.index, "path": _encoded(self.path)}

    def check(self, entry: bytes, believed: Believed) -> Checkpoint:
        """The checkpoint that the entry is in; ``log.omitted``, and what :meth:`Checkpoint.read` raises."""
        checkpoint = Checkpoint.read(self.checkpoint, believed)
        head = checkpoint.head
        if not proves_inclusion(self.path, leaf_hash(entry), self.index, size=head.size, root=head.root):
            raise PolicyError("log.omitted", "the entry is not where the proof says that it is")
        return checkpoint


@dataclass(frozen=True)
class Logged:
    """An entry, the proof that it is on record, and for whoever may know what it is about, the key that opens it."""

    entry: bytes
    inclusion: Inclusion
    blinding: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, raw: bytes) -> Logged:
        """As :meth:`of_json`, of the text of a document."""
        return cls.of_json(json_object(raw, "the proof"))

    @classmethod
    def of_json(cls, members: Mapping[str, Json]) -> Logged:
        """What a document of schema ``ewallet.inclusion/1`` says; ``malformed.*``."""
        _check_schema(members, INCLUSION)
        blinding = optional(members, "blinding", str)
        return cls(
            entry=member(members, "entry", str).encode("utf-8"),
            inclusion=Inclusion.of_json(members),
            blinding=base64url(blinding, "blinding") if blinding else b"",
        )

    def to_json(self) -> dict[str, Json]:
        """The document."""
        told = {"schema": INCLUSION, "entry": self.entry.decode(), **self.inclusion.to_json()}
        return told | ({"blinding": to_base64url(self.blinding)} if self.blinding else {})

    def check(self, believed: Believed) -> tuple[Entry, Checkpoint]:
        """The entry and the checkpoint it is in; ``log.omitted``, ``malformed.*``, as :meth:`Checkpoint.read`."""
        entry = Entry.read(self.entry)
        if entry.seq != self.inclusion.index:
            raise PolicyError("log.omitted", "the entry says that it is at another place than the proof")
        return entry, self.inclusion.check(self.entry, believed)

    def check_payload(self, payload: bytes, type_: EventType, believed: Believed) -> tuple[Entry, Checkpoint]:
        """As :meth:`check`, and the entry says that just this was done with just these bytes; ``log.omitted``."""
        entry, checkpoint = self.check(believed)
        if (entry.event.type, entry.event.outcome) != (type_, "done"):
            raise PolicyError("log.omitted", f"an entry of another event than {type_}")
        entry.check_payload(payload, self.blinding)
        return entry, checkpoint


@dataclass(frozen=True)
class Consistency:
    """Two checkpoints of one log, and why the later one has all of the earlier one."""

    earlier: bytes
    later: bytes
    path: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of_json(cls, members: Mapping[str, Json]) -> Consistency:
        """What a document of schema ``ewallet.consistency/1`` says; ``malformed.*``, ``limit.count``."""
        _check_schema(members, CONSISTENCY)
        earlier, later = (member(members, name, str).encode("utf-8") for name in ("earlier", "later"))
        return cls(earlier, later, _path(members))

    def to_json(self) -> dict[str, Json]:
        """The document."""
        notes = {"earlier": self.earlier.decode(), "later": self.later.decode()}
        return {"schema": CONSISTENCY, **notes, "path": _encoded(self.path)}

    def check(self, believed: Believed) -> tuple[Head, Checkpoint]:
        """The earlier head and the later checkpoint.

        Raises ``log.rollback``, ``log.forked``, and what :meth:`Checkpoint.read` raises. A quorum is asked of the later
        one alone.
        """
        earlier = Checkpoint.read(self.earlier, believed.alone)
        later = Checkpoint.read(self.later, believed)
        earlier.head.check_successor(later.head, self.path)
        return earlier.head, later


def ask_consistency(earlier: Head, later: Head, *, scheme: str = "https") -> Flow[tuple[bytes, ...]]:
    """What the log gives as the proof that the later head goes on from the earlier one, not yet believed.

    It is asked at its origin. Raises ``fetch.*``, ``malformed.*``, ``limit.count``.
    """
    url = f"{scheme}://{later.origin}/consistency?old={earlier.size}&size={later.size}"
    response = yield Request("GET", url, limit=_MAX_ANSWER, signed=True)
    if response.status != 200:
        raise TransportError("fetch.unavailable", f"the log answered with status {response.status}")
    return _path(json_object(response.body, "the proof"))


def _check_schema(members: Mapping[str, Json], schema: str) -> None:
    if member(members, "schema", str) != schema:
        refuse("malformed.claim_type", f"a document of another schema than {schema}")


def _path(members: Mapping[str, Json]) -> tuple[bytes, ...]:
    return read_path([instance(item, str, "a hash") for item in member(members, "path", list)])


def read_path(lines: Sequence[str]) -> tuple[bytes, ...]:
    """The hashes of a proof, each in base64; ``malformed.encoding``, ``limit.count``."""
    if len(lines) > MAX_PATH:
        refuse("limit.count", f"a proof of {len(lines)} hashes, at most {MAX_PATH} are read")
    path = tuple(base64(line, "a hash") for line in lines)
    if any(len(hash_) != WIDTH for hash_ in path):
        refuse("malformed.encoding", f"a hash that has not {WIDTH} bytes")
    return path


def _encoded(path: Sequence[bytes]) -> list[str]:
    return [b64encode(hash_).decode("ascii") for hash_ in path]
