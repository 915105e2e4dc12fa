"""A log of use in memory, invented events for it, and what a dishonest operator makes of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import Final

from ewallet.env import Random
from ewallet.errors import StoreError
from ewallet.history import Believed, Commitment, Entry, Event, EventType, Log, NoteKey, commit, key_of, new_handle
from ewallet.history.log import Heads
from ewallet.history.tree import Edge, Node
from ewallet.keys import SigningKey
from ewallet.testing.clock import START, Clock

ORIGIN: Final = "issuer.example.go.kr/history"
WITNESS: Final = "witness.example.org"


class MemoryLogStore:
    """An :class:`ewallet.history.LogStore`, gone with the object. Safe for threads."""

    def __init__(self) -> None:
        self.raws: list[bytes] = []
        self.hashes: dict[Node, bytes] = {}
        self._edge = Edge()
        self._notes: dict[int, bytes] = {}
        self._lock = RLock()

    def append(self, event: Event) -> Entry:
        with self._lock:
            entry = Entry(self._edge.size, event)
            self.hashes[0, entry.seq] = entry.leaf
            self._edge, completed = self._edge.append(entry.leaf)
            self.hashes.update(completed)
            self.raws.append(entry.to_bytes())
            return entry

    def edge(self) -> Edge:
        with self._lock:
            return self._edge

    def nodes(self, wanted: Collection[Node]) -> Mapping[Node, bytes]:
        with self._lock:
            if not set(wanted) <= self.hashes.keys():
                raise StoreError("storage.corrupt", "a log that lacks some of its hashes")
            return {node: self.hashes[node] for node in wanted}

    def entries(self, first: int, limit: int) -> Sequence[bytes]:
        with self._lock:
            return self.raws[first : first + limit]

    def about(self, subject: str) -> Sequence[bytes]:
        with self._lock:
            return [raw for raw in self.raws if Entry.read(raw).event.subject == subject]

    def put_checkpoint(self, size: int, note: bytes, *, replace: bool = False) -> None:
        with self._lock:
            if replace or size not in self._notes:
                self._notes[size] = note

    def checkpoint(self) -> bytes | None:
        with self._lock:
            return self._notes[max(self._notes)] if self._notes else None

    def checkpoints(self) -> Sequence[bytes]:
        with self._lock:
            return [self._notes[size] for size in sorted(self._notes)]


def event(
    random: Random,
    *,
    type_: EventType = "package.downloaded",
    at: datetime = START,
    subject: str = "",
    committed: Commitment | None = None,
) -> Event:
    """Something that happened to nobody: every handle is drawn anew."""
    made = committed or commit(random(8), random)
    return Event(
        type=type_,
        at=at,
        subject=subject or new_handle(random),
        object=new_handle(random),
        parties=(new_handle(random),),
        consent=new_handle(random),
        commitment=made.value,
    )


@dataclass(frozen=True)
class Register:
    """A log with its key, and its witness's; ``fill`` logs some events, others for another ``seed``."""

    seed: str = "history"
    clock: Clock = field(default_factory=Clock)
    key: SigningKey = field(default_factory=lambda: SigningKey.generate("EdDSA"))
    witness_key: SigningKey = field(default_factory=lambda: SigningKey.generate("EdDSA"))
    store: MemoryLogStore = field(default_factory=MemoryLogStore)
    heads: Heads | None = None

    @property
    def log(self) -> Log:
        """The log, as its operator uses it."""
        return Log(ORIGIN, self.key, self.store, self.heads)

    @property
    def witness(self) -> NoteKey:
        """The key that the witness cosigns with."""
        return key_of(WITNESS, self.witness_key.public, witness=True)

    @property
    def believed(self) -> Believed:
        """Its checkpoints are believed on its word alone."""
        return Believed(log=(key_of(ORIGIN, self.key.public),), witnesses=(self.witness,))

    def fill(self, count: int, *, checkpoint_each: int = 0) -> Register:
        """Itself, with so many events more, and a checkpoint after each so many."""
        random = self.clock.env(f"{self.seed} {self.store.edge().size}").random
        for number in range(1, count + 1):
            self.store.append(event(random, at=self.clock.now()))
            if checkpoint_each and number % checkpoint_each == 0:
                self.log.checkpoint()
        return self
