"""The store of joint cases in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from threading import RLock

from ewallet.errors import NotFound
from ewallet.joint import KeptCase


class MemoryCaseStore:
    """An :class:`ewallet.joint.CaseStore`, gone with the object. Safe for threads."""

    def __init__(self) -> None:
        self._cases: dict[bytes, KeptCase] = {}
        self._lock = RLock()

    def put_case(self, kept: KeptCase) -> None:
        with self._lock:
            self._cases[kept.id] = kept

    def case(self, id_: bytes) -> KeptCase:
        with self._lock:
            if id_ not in self._cases:
                raise NotFound("storage.not_found", "no case of that number")
            return self._cases[id_]

    def settle_case(self, id_: bytes, outcome: str) -> str:
        with self._lock:
            kept = self.case(id_)
            settled = kept.outcome or outcome
            self._cases[id_] = replace(kept, outcome=settled)
            return settled

    def forget_cases(self, before: datetime) -> int:
        with self._lock:
            over = [id_ for id_, kept in self._cases.items() if kept.until < before]
            for id_ in over:
                del self._cases[id_]
            return len(over)
