"""The only reader of the clock and of entropy; everything else gets times and random bytes as arguments."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

Random = Callable[[int], bytes]

SKEW: Final = timedelta(seconds=60)  # what clocks may differ by, wherever a time that somebody else set is compared


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Env:
    """``now()`` gives an aware UTC time, ``random(n)`` gives n unpredictable bytes; a test passes its own."""

    now: Callable[[], datetime] = _now
    random: Random = os.urandom  # which secrets.token_bytes calls, and importing it costs 4 ms
