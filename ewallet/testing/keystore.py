"""The keys of people in memory."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from ewallet.errors import NotFound


class MemoryKeyStore:
    """A :class:`ewallet.vault.KeyStore` that goes with this object."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._destroyed: set[str] = set()
        self._lock = Lock()

    def key(self, subject: str) -> bytes | None:
        return self._keys.get(subject)

    def put_key(self, subject: str, sealed: bytes) -> bytes:
        with self._lock:
            if subject in self._destroyed:
                raise NotFound("storage.not_found", "the key of this person was destroyed")
            return self._keys.setdefault(subject, sealed)

    def destroy(self, subject: str, at: datetime) -> None:
        with self._lock:
            self._destroyed.add(subject)
            self._keys.pop(subject, None)

    def is_destroyed(self, subject: str) -> bool:
        return subject in self._destroyed
