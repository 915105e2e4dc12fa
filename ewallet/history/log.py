"""The log of use at whoever keeps it: what its store must do, its checkpoints, and its proofs.

The store gives an entry its place in the transaction of what it is about, so that neither is there without the other
and no place is left out. Everything else is made from what the store has, when it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ewallet.errors import NotFound, PolicyError
from ewallet.history import tree
from ewallet.history.checkpoint import Head, key_of
from ewallet.history.entry import Entry, Event
from ewallet.history.inclusion import Consistency, Inclusion
from ewallet.history.note import Note, Signature
from ewallet.history.tree import Edge, Node
from ewallet.keys import Signer

PAGE: Final = 1_000  # entries that are read at once


class LogStore(Protocol):
    """What a log keeps. Every method that writes is on disk when it returns."""

    def append(self, event: Event) -> Entry:
        """The event at the next place, in a transaction of its own.

        A store of other records writes an entry in its own transaction: in a database, by
        :func:`ewallet.sql.history.append`.
        """

    def edge(self) -> Edge:
        """The right edge of the tree, as of the last entry."""

    def nodes(self, wanted: Collection[Node]) -> Mapping[Node, bytes]:
        """The hashes of complete nodes, leaves among them; ``storage.corrupt`` where one is missing."""

    def entries(self, first: int, limit: int) -> Sequence[bytes]:
        """The bytes of so many entries from that place on, in order."""

    def about(self, subject: str) -> Sequence[bytes]:
        """The bytes of all entries about that handle, in order."""

    def put_checkpoint(self, size: int, note: bytes, *, replace: bool = False) -> None:
        """Keep a checkpoint, unless one of that size is kept; with ``replace`` it takes its place."""

    def checkpoint(self) -> bytes | None:
        """The newest one."""

    def checkpoints(self) -> Sequence[bytes]:
        """All of them, the smallest first."""


class Heads(Protocol):
    """How far logs were signed, by their keys; kept where it is not restored from a backup together with the log."""

    def newest(self, log: str) -> Head | None:
        """The largest head that was signed with that key."""

    def remember(self, log: str, head: Head) -> None:
        """Keep a head before it is signed, unless a larger one is kept; on disk when this returns."""


@dataclass(frozen=True)
class Log:
    """A log of that origin, signed with an Ed25519 key of its own (``usage.argument``).

    Without ``heads`` a store that came back from a backup is not noticed here, and goes on as a fork.
    """

    origin: str
    signer: Signer
    store: LogStore
    heads: Heads | None = None

    @property
    def key(self) -> str:
        """Its key, as others are given it."""
        return str(key_of(self.origin, self.signer.public))

    def checkpoint(self) -> bytes:
        """The newest checkpoint, made now if something was logged since the last one.

        ``log.tampered`` where what is stored no longer has all that was signed before, ``log.rollback`` where it is an
        older copy, ``log.forked`` where that has gone on: nothing is signed then.
        """
        kept = self.store.checkpoint()
        head = self.check()
        if kept and Head.read(Note.read(kept).text) == head:
            return kept
        raw = head.signed(self.signer).to_bytes()
        if self.heads:
            self.heads.remember(self.key, head)
        self.store.put_checkpoint(head.size, raw)
        return raw

    def check(self) -> Head:
        """The head as it is now, if it has all that was signed before: for ``/readyz``; else as :meth:`checkpoint`."""
        kept = self.store.checkpoint()  # before the edge, which may move on, and be signed, in between
        newest = self.heads.newest(self.key) if self.heads else None
        edge = self.store.edge()
        head = Head(self.origin, edge.size, edge.root)
        if kept:
            self._check_grown(Head.read(Note.read(kept).text), head)
        if newest:
            newest.check_successor(head, self.consistency(newest.size, head.size) if newest.size <= head.size else ())
        return head

    def add_signatures(self, checkpoint: bytes, signatures: Sequence[Signature]) -> bytes:
        """The checkpoint with what witnesses said about it, kept from now on."""
        note = Note.read(checkpoint).with_signatures(signatures)
        self.store.put_checkpoint(Head.read(note.text).size, note.to_bytes(), replace=True)
        return note.to_bytes()

    def inclusion(self, seq: int, checkpoint: bytes | None = None) -> Inclusion:
        """The proof that the entry of that place is in the checkpoint, else in the newest; ``storage.not_found``."""
        raw = checkpoint or self.checkpoint()
        size = Head.read(Note.read(raw).text).size
        if not 0 <= seq < size:
            raise NotFound("storage.not_found", "no entry of that place is in the checkpoint")
        return Inclusion(raw, seq, tree.inclusion_proof(seq, size, self.store.nodes))

    def consistency(self, old: int, size: int) -> tuple[bytes, ...]:
        """The hashes that prove that the log of the old size is the beginning of that of the other one.

        ``storage.not_found`` for a size that the log has not reached, or sizes in the wrong order.
        """
        if not 0 <= old <= size <= self.store.edge().size:
            raise NotFound("storage.not_found", "sizes that the log has not had in this order")
        return tree.consistency_proof(old, size, self.store.nodes)

    def since(self, seen: bytes) -> Consistency:
        """The newest checkpoint, and the proof that it goes on from one that was seen before."""
        later = self.checkpoint()
        old, size = (Head.read(Note.read(raw).text).size for raw in (seen, later))
        return Consistency(seen, later, self.consistency(old, size))

    def about(self, subject: str) -> list[tuple[Entry, Inclusion]]:
        """All entries about a handle, each with its proof, under one checkpoint."""
        raw = self.checkpoint()
        size = Head.read(Note.read(raw).text).size
        found = [Entry.read(entry) for entry in self.store.about(subject)]
        return [(entry, self.inclusion(entry.seq, raw)) for entry in found if entry.seq < size]

    def entries(self, size: int) -> Iterator[bytes]:
        """The bytes of the first entries, read page by page."""
        for first in range(0, size, PAGE):
            yield from self.store.entries(first, min(PAGE, size - first))

    def _check_grown(self, last: Head, head: Head) -> None:
        """A log must not sign what departs from what it signed: better that it signs nothing."""
        grown = last.size <= head.size and last.origin == head.origin
        if not grown or not tree.proves_consistency(
            tree.consistency_proof(last.size, head.size, self.store.nodes),
            old=last.size,
            old_root=last.root,
            size=head.size,
            root=head.root,
        ):
            raise PolicyError("log.tampered", "what is stored departs from the last checkpoint, so none is signed")
