"""The log of use in a database: entries, the hashes over them, and the checkpoints that were signed.

One row has the right edge of the tree. Whoever appends holds it until the end of the transaction, so that places are
given in the order in which transactions end, and one that is undone leaves no gap. A node of the tree is kept under its
number in order from the left (leaves are even), and never changes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update

from ewallet.errors import StoreError
from ewallet.history.entry import Entry, Event
from ewallet.history.tree import WIDTH, Edge, Node, leaf_hash
from ewallet.sql.engine import Engine, first, insert_into, put
from ewallet.sql.tables import HISTORY, HISTORY_VERSION, log_checkpoints, log_entries, log_head, log_nodes


class SqlLogStore:
    """An :class:`ewallet.history.log.LogStore` in tables of its own beside those of the issuer."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("history", HISTORY, HISTORY_VERSION)
        self._engine = engine
        with engine.writing() as connection:
            begun = insert_into(log_head, connection).values(id=1, size=0, peaks=b"")
            connection.execute(begun.on_conflict_do_nothing())

    def append(self, event: Event) -> Entry:
        with self._engine.writing() as connection:
            return append(connection, event)

    def edge(self) -> Edge:
        with self._engine.glancing() as connection:
            return _edge(first(connection, _HEAD, {}))

    def nodes(self, wanted: Collection[Node]) -> Mapping[Node, bytes]:
        numbers = {_number(node): node for node in wanted}
        asked = select(log_nodes.c.number, log_nodes.c.hash).where(log_nodes.c.number.in_(numbers))
        with self._engine.glancing() as connection:
            found = {numbers[number]: bytes(hash_) for number, hash_ in connection.execute(asked)}
        if len(found) != len(numbers):
            raise StoreError("storage.corrupt", "a log that lacks some of its hashes")
        return found

    def entries(self, first: int, limit: int) -> Sequence[bytes]:
        asked = select(log_entries.c.entry).where(log_entries.c.seq >= first, log_entries.c.seq < first + limit)
        with self._engine.glancing() as connection:
            return [bytes(row.entry) for row in connection.execute(asked.order_by(log_entries.c.seq))]

    def about(self, subject: str) -> Sequence[bytes]:
        asked = select(log_entries.c.entry).where(log_entries.c.subject == subject).order_by(log_entries.c.seq)
        with self._engine.glancing() as connection:
            return [bytes(row.entry) for row in connection.execute(asked)]

    def put_checkpoint(self, size: int, note: bytes, *, replace: bool = False) -> None:
        with self._engine.writing() as connection:
            made = insert_into(log_checkpoints, connection).values(size=size, note=note)
            over = made.on_conflict_do_update(index_elements=["size"], set_={"note": note})
            connection.execute(over if replace else made.on_conflict_do_nothing())

    def checkpoint(self) -> bytes | None:
        with self._engine.glancing() as connection:
            row = first(connection, _NEWEST, {})
            return None if row is None else bytes(row[0])

    def checkpoints(self) -> Sequence[bytes]:
        with self._engine.glancing() as connection:
            asked = select(log_checkpoints.c.note).order_by(log_checkpoints.c.size)
            return [bytes(row.note) for row in connection.execute(asked)]


def append(connection: Connection, event: Event) -> Entry:
    """The event at the next place, in the transaction of what it is about; others wait until that ends.

    So it comes last in a transaction that does much else. ``storage.corrupt`` where the log was never begun.
    """
    edge = _edge(first(connection, _HEAD_FOR_APPEND, {}))
    entry = Entry(edge.size, event)
    raw = entry.to_bytes()
    leaf = leaf_hash(raw)
    later, completed = edge.append(leaf)
    put(connection, _INSERT_ENTRY, {"seq": entry.seq, "subject": event.subject, "entry": raw})
    for node, hash_ in (((0, entry.seq), leaf), *completed):
        put(connection, _INSERT_NODE, {"number": _number(node), "hash": hash_})
    put(connection, _MOVE_HEAD, {"new_size": later.size, "new_peaks": b"".join(later.peaks)})
    return entry


# Statements of every append, built once: building one costs more than what SQLite does with it.
_NEW_SIZE: Final[BindParameter[Any]] = bindparam("new_size")
_HEAD: Final = select(log_head.c.size, log_head.c.peaks)
_HEAD_FOR_APPEND: Final = _HEAD.with_for_update()  # which SQLite's writers need not ask for
_INSERT_ENTRY: Final = insert(log_entries)
_INSERT_NODE: Final = insert(log_nodes)
_MOVE_HEAD: Final = update(log_head).values(size=_NEW_SIZE, peaks=bindparam("new_peaks"))
_NEWEST: Final = select(log_checkpoints.c.note).order_by(log_checkpoints.c.size.desc()).limit(1)


def _edge(row: Sequence[Any] | None) -> Edge:
    if row is None:
        raise StoreError("storage.corrupt", "a log that was never begun")
    size, raw = int(row[0]), bytes(row[1])
    edge = Edge(size, tuple(raw[at : at + WIDTH] for at in range(0, len(raw), WIDTH)))
    if not edge.whole or len(raw) % WIDTH:
        raise StoreError("storage.corrupt", "a log whose edge is not that of its size")
    return edge


def _number(node: Node) -> int:
    """Its place among all nodes, in order from the left: that of leaf i is 2i."""
    level, index = node
    return ((2 * index + 1) << level) - 1
