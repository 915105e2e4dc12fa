"""The tree as static files (C2SP tlog-tiles): 256 hashes a tile, so that anybody can mirror the log and check it.

Hashes only: the bundles of entries that the specification also has are not published, for an entry is nobody's business
but that of whoever it is about. A checkpoint is put there last, when all that it speaks of is there.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ewallet.errors import NotFound, PolicyError
from ewallet.history import tree
from ewallet.history.checkpoint import Believed, Checkpoint, Head
from ewallet.history.durable import replace_durably
from ewallet.history.log import Log
from ewallet.history.note import Note
from ewallet.history.tree import WIDTH, Edge
from ewallet.shape import MAX_NOTE

HEIGHT: Final = 8
FULL: Final = 1 << HEIGHT
CHECKPOINT: Final = "checkpoint"
_LEVELS: Final = 7  # of a tree of 2^63 entries
_PLACE: Final = re.compile(r"((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


@dataclass(frozen=True)
class Tile:
    """Some hashes of one level that stand beside each other; ``width`` is how many there are."""

    level: int
    index: int
    width: int

    @classmethod
    def at(cls, level: int, place: str) -> Tile:
        """The tile of a place behind ``tile/<level>/``, as :attr:`path` writes it; ``storage.not_found``."""
        found = _PLACE.fullmatch(place)
        if found is None or not 0 <= level <= _LEVELS:
            raise NotFound("storage.not_found", "no tile of that address")
        index = int(re.sub("[x/]", "", found[1]))
        tile = cls(level, index, int(found[2] or FULL))
        if not 0 < tile.width <= FULL or tile.path != f"tile/{level}/{place}":
            raise NotFound("storage.not_found", "no tile of that address")
        return tile

    def hashes(self, log: Log) -> bytes:
        """What is in it; ``storage.not_found`` where the log is not that large."""
        last, size = FULL * self.index + self.width, log.store.edge().size
        if last > size >> (HEIGHT * self.level):
            raise NotFound("storage.not_found", "a tile that the log has not reached")
        found = log.store.nodes(self.nodes)
        return b"".join(found[node] for node in self.nodes)

    @property
    def path(self) -> str:
        """Where it is, below the log's address."""
        digits = f"{self.index:d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        *above, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
        place = "/".join([*(f"x{part}" for part in above), last])
        return f"tile/{self.level}/{place}" + (f".p/{self.width}" if self.width < FULL else "")

    @property
    def nodes(self) -> list[tree.Node]:
        """What its hashes are of."""
        return [(HEIGHT * self.level, FULL * self.index + at) for at in range(self.width)]


def tiles(size: int, *, since: int = 0) -> Iterator[Tile]:
    """The tiles of a tree of that size, those left out that one of the size ``since`` had too."""
    level, count, before = 0, size, since
    while count:
        for index in range(before // FULL, -(-count // FULL)):
            width = min(FULL, count - FULL * index)
            if FULL * index + width > before:
                yield Tile(level, index, width)
        level, count, before = level + 1, count // FULL, before // FULL


def publish(log: Log, folder: Path, checkpoint: bytes) -> int:
    """Write what is new in the checkpoint, and the checkpoint; how many tiles there were.

    It may be broken off at any moment and called again, by one process at a time. ``log.rollback`` where a larger
    checkpoint is published, ``log.forked`` where that of another history is: what was published is evidence then, and
    stays as it is.
    """
    head, before = Head.read(Note.read(checkpoint).text), _published(folder)
    if before:
        path = log.consistency(before.size, head.size) if before.size <= head.size else ()
        before.check_successor(head, path)
    written = 0
    for tile in tiles(head.size, since=before.size if before else 0):
        _put(folder / tile.path, tile.hashes(log))
        if tile.width == FULL:
            shutil.rmtree(folder / f"{tile.path}.p", ignore_errors=True)  # the full one does for every smaller tree
        written += 1
    _put(folder / CHECKPOINT, checkpoint)
    return written


def _published(folder: Path) -> Head | None:
    path = folder / CHECKPOINT
    return Head.read(Note.read(path.read_bytes()).text) if path.exists() else None


def _put(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_durably(path, raw)


def check_mirror(folder: Path, believed: Believed) -> Checkpoint:
    """The checkpoint of a folder of tiles, all of which are what it says.

    Raises ``log.tampered`` naming the tile, and what :meth:`Checkpoint.read` raises.
    """
    raw = _whole(folder / CHECKPOINT, MAX_NOTE)
    checkpoint = Checkpoint.read(raw, believed)
    edge, above = Edge(), dict[tree.Node, bytes]()
    for leaf in leaves(folder, checkpoint.head.size):
        edge, completed = edge.append(leaf)
        above.update((node, hash_) for node, hash_ in completed if node[0] % HEIGHT == 0)
    for tile in tiles(checkpoint.head.size):
        if tile.level and _read(folder, tile) != b"".join(above[node] for node in tile.nodes):
            raise PolicyError("log.tampered", f"{tile.path} is not of the hashes below it")
    if edge.root != checkpoint.head.root:
        raise PolicyError("log.tampered", "the tiles are of another tree than the checkpoint")
    return checkpoint


def leaves(folder: Path, size: int) -> Iterator[bytes]:
    """The leaf hashes that are published there; ``log.tampered`` naming a tile that is missing or cut."""
    for tile in tiles(size):
        if tile.level:
            return
        raw = _read(folder, tile)
        yield from (raw[at : at + WIDTH] for at in range(0, len(raw), WIDTH))


def _read(folder: Path, tile: Tile) -> bytes:
    """A tile, or the beginning of the full one that has taken its place."""
    path = folder / tile.path
    if tile.width < FULL and not path.exists():
        path = folder / replace(tile, width=FULL).path
    raw = _whole(path, WIDTH * FULL)[: WIDTH * tile.width]
    if len(raw) != WIDTH * tile.width:
        raise PolicyError("log.tampered", f"{tile.path} is missing or cut")
    return raw


def _whole(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError:
        raise PolicyError("log.tampered", f"{path.name} is missing") from None
