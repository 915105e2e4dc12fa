"""The Merkle tree of RFC 9162 §2.1: roots, inclusion and consistency proofs, from hashes only.

A perfect subtree is a :data:`Node`, ``(level, index)``: the hash over the 2^level leaves that begin at index * 2^level.
A log keeps the nodes that are complete and never change; from them any proof about any of its sizes is made, and its
right edge (:class:`Edge`) is all that an append needs. Everything here is total: a proof that does not hold is False,
however long or short it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from typing import Final, TypeAlias

WIDTH: Final = 32  # bytes of a hash
MAX_SIZE: Final = (1 << 63) - 1  # leaves; C2SP tlog-cosignature has times of as many bits
MAX_PATH: Final = 63  # hashes of a proof about a tree of that size; C2SP tlog-witness allows as many lines
EMPTY: Final = sha256(b"").digest()  # the root of no leaves

Node: TypeAlias = tuple[int, int]
#: Gives the hashes of complete nodes, all at once: a database is asked once for a proof.
Nodes: TypeAlias = Callable[[Collection[Node]], Mapping[Node, bytes]]
_Range: TypeAlias = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf; its first byte is another one than a node's, so that no node can be shown as an entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: its size, and the roots of its perfect subtrees, the largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> tuple[Edge, tuple[tuple[Node, bytes], ...]]:
        """The edge with one leaf more, and the nodes above the leaf that it completes."""
        peaks, level, index = [*self.peaks, leaf], 0, self.size
        completed: list[tuple[Node, bytes]] = []
        while index & 1:
            level, index = level + 1, index >> 1
            peaks[-2:] = [node_hash(*peaks[-2:])]
            completed.append(((level, index), peaks[-1]))
        return Edge(self.size + 1, tuple(peaks)), tuple(completed)

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        return _folded(self.peaks) if self.peaks else EMPTY

    @property
    def whole(self) -> bool:
        """Whether there are as many peaks as a tree of that size has."""
        return len(self.peaks) == self.size.bit_count()


def grown(leaves: Iterable[bytes]) -> Edge:
    """The edge of a tree of these leaf hashes."""
    edge = Edge()
    for leaf in leaves:
        edge, _ = edge.append(leaf)
    return edge


def peaks(size: int) -> tuple[Node, ...]:
    """The perfect subtrees that make up a tree of that size, the largest first."""
    return tuple(_perfect((0, size)))


def root(size: int, nodes: Nodes) -> bytes:
    """The root that the tree had at that size."""
    return _hashes([(0, size)], nodes)[0] if size else EMPTY


def inclusion_proof(index: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """PATH(index, D[size]) of RFC 9162 §2.1.3.1, for ``0 <= index < size``."""
    return _hashes(list(_siblings(index, (0, size))), nodes)


def consistency_proof(old: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """PROOF(old, D[size]) of RFC 9162 §2.1.4.1, for ``0 <= old <= size``; empty where one of them is no tree."""
    return _hashes(list(_differences(old, size)), nodes) if 0 < old < size else ()


def proves_inclusion(path: Sequence[bytes], leaf: bytes, index: int, *, size: int, root: bytes) -> bool:
    """Whether the path leads from the leaf hash at that index to the root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size <= MAX_SIZE:
        return False
    inner = (index ^ (size - 1)).bit_length()
    if not _of_hashes(path) or len(path) != inner + (index >> inner).bit_count():
        return False
    found = leaf
    for level, sibling in enumerate(path):
        from_left = level >= inner or index >> level & 1
        found = node_hash(sibling, found) if from_left else node_hash(found, sibling)
    return found == root


def proves_consistency(path: Sequence[bytes], *, old: int, old_root: bytes, size: int, root: bytes) -> bool:
    """Whether the smaller tree is the beginning of the larger one (RFC 9162 §2.1.4.2).

    Every tree begins with the empty one, and with itself.
    """
    if not 0 <= old <= size <= MAX_SIZE:
        return False
    if old in (0, size):
        return not path and old_root == (root if old else EMPTY)
    if not path or not _of_hashes(path):
        return False
    first, *rest = (old_root, *path) if old.bit_count() == 1 else path
    return _climbed(first, rest, old, size) == (old_root, root)


def _of_hashes(path: Sequence[bytes]) -> bool:
    """Whether each is as wide as a hash: else the same bytes could be divided into other ones."""
    return all(len(hash_) == WIDTH for hash_ in path)


def _climbed(first: bytes, rest: Sequence[bytes], old: int, size: int) -> tuple[bytes, bytes] | None:
    """Both roots that the path leads to; None where it is too long or too short."""
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    smaller = larger = first
    for hash_ in rest:
        if not last:
            return None
        if at & 1 or at == last:
            smaller, larger = node_hash(hash_, smaller), node_hash(hash_, larger)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            larger = node_hash(larger, hash_)
        at, last = at >> 1, last >> 1
    return None if last else (smaller, larger)


def _split(lo: int, hi: int) -> int:
    """Where the largest power of two below the width divides it."""
    return lo + (1 << (hi - lo - 1).bit_length() - 1)


def _siblings(index: int, whole: _Range) -> Iterator[_Range]:
    """The ranges beside the way from a leaf to the root, the lowest first."""
    way, (lo, hi) = [], whole
    while hi - lo > 1:
        middle = _split(lo, hi)
        beside, (lo, hi) = ((middle, hi), (lo, middle)) if index < middle else ((lo, middle), (middle, hi))
        way.append(beside)
    return reversed(way)


def _differences(old: int, size: int) -> Iterator[_Range]:
    """The ranges of a consistency proof in its order: what both trees have, then what either has besides."""
    way: list[_Range] = []
    lo, hi = 0, size
    while hi != old:
        middle = _split(lo, hi)
        beside, (lo, hi) = ((middle, hi), (lo, middle)) if old <= middle else ((lo, middle), (middle, hi))
        way.append(beside)
    if lo:  # else it is the whole smaller tree, whose root is known to whoever asks
        way.append((lo, hi))
    return reversed(way)


def _perfect(span: _Range) -> Iterator[Node]:
    """A range that begins where RFC 9162 divides trees, as perfect subtrees, the largest first."""
    lo, hi = span
    while lo < hi:
        level = (hi - lo).bit_length() - 1
        yield level, lo >> level
        lo += 1 << level


def _hashes(ranges: Sequence[_Range], nodes: Nodes) -> tuple[bytes, ...]:
    parts = [tuple(_perfect(span)) for span in ranges]
    found = nodes({node for part in parts for node in part})
    return tuple(_folded([found[node] for node in part]) for part in parts)


def _folded(parts: Sequence[bytes]) -> bytes:
    """The hash over perfect subtrees: each is the left half of what begins with it."""
    return reduce(lambda right, left: node_hash(left, right), reversed(parts))
