"""Who failed how often of late, in memory (:mod:`ewallet.sql.failures`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta


class Failures:
    """Until when each failure of a source counts."""

    def __init__(self) -> None:
        self._until: defaultdict[bytes, list[datetime]] = defaultdict(list)

    def failed(self, source: bytes, at: datetime) -> int:
        """How often that source failed of late."""
        return sum(until > at for until in self._until[source])

    def count(self, sources: Iterable[bytes], at: datetime, window: timedelta) -> None:
        """Once more for each, for so long."""
        for source in sources:
            self._until[source].append(at + window)
