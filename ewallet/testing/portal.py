"""The store of a portal, in memory."""

from __future__ import annotations

from datetime import datetime
from threading import RLock

from ewallet.steps import Step


class MemoryPortalStore:
    """A :class:`ewallet.steps.PortalStore`."""

    def __init__(self) -> None:
        self._steps: dict[bytes, tuple[bytes, datetime]] = {}
        self._lock = RLock()

    def put_step(self, digest: bytes, sealed: bytes, until: datetime) -> bool:
        with self._lock:
            return self._steps.setdefault(digest, kept := (sealed, until)) is kept

    def step(self, digest: bytes, at: datetime) -> bytes | None:
        with self._lock:
            sealed, until = self._steps.get(digest, (b"", at))
            return sealed if at < until else None

    def take_step(self, digest: bytes, at: datetime) -> bytes | None:
        with self._lock:
            found = self.step(digest, at)
            if found is not None:
                del self._steps[digest]
            return found

    def turn_step(self, digest: bytes, at: datetime, *into: Step) -> bool:
        with self._lock:
            if self.take_step(digest, at) is None:
                return False
            self._steps |= {step.digest: (step.sealed, step.until) for step in into}
            return True

    def forget_steps(self, at: datetime) -> int:
        with self._lock:
            over = [digest for digest, (_, until) in self._steps.items() if until <= at]
            for digest in over:
                del self._steps[digest]
            return len(over)
