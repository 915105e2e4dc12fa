"""Registrations of recipients, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import RLock

from ewallet.recipients import Change, Recipient, unregistered


class MemoryRegistry:
    """A :class:`ewallet.recipients.Registry`."""

    def __init__(self) -> None:
        self._kept: dict[str, list[tuple[Recipient, Change]]] = {}
        self._lock = RLock()

    def recipient(self, id_: str) -> Recipient:
        return self._of(id_)[-1][0]

    def recipients(self) -> Sequence[Recipient]:
        with self._lock:
            return [self._kept[id_][-1][0] for id_ in sorted(self._kept)]

    def register(self, recipient: Recipient, change: Change) -> Recipient:
        with self._lock:
            rows = self._kept.setdefault(recipient.id, [])
            kept = replace(recipient, suspended=bool(rows and rows[-1][0].suspended))
            rows.append((kept, change))
            return kept

    def suspend(self, id_: str, change: Change, *, suspended: bool = True) -> Recipient:
        with self._lock:
            kept = replace(self.recipient(id_), suspended=suspended)
            self._kept[id_].append((kept, change))
            return kept

    def changes(self, id_: str) -> Sequence[Change]:
        with self._lock:
            return [change for _, change in reversed(self._of(id_))]

    def _of(self, id_: str) -> list[tuple[Recipient, Change]]:
        return self._kept.get(id_) or unregistered()
