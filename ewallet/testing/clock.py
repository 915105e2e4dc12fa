"""A clock that stands still until it is moved, and entropy that is the same in every run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from itertools import count

from ewallet.env import Env

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # noon in Korea, on the day the samples were issued


class Clock:
    """A clock that only moves when told to.

    >>> clock = Clock()
    >>> clock.advance(timedelta(days=1)).day
    22
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time it shows, aware, UTC."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move it, backwards too, and return the new time."""
        self._now += by
        return self._now

    def set(self, to: datetime) -> None:
        """Move it to a time."""
        self._now = to

    def env(self, seed: str = "ewallet") -> Env:
        """An environment with this clock and reproducible entropy."""
        return Env(now=self.now, random=Entropy(seed))


@dataclass(frozen=True)
class Entropy:
    """Bytes that look random and are the same for the same seed: ``Entropy("a")(16)``. Keys do not come from here."""

    seed: str
    _calls: count[int] = field(default_factory=count, repr=False, compare=False)

    def __call__(self, length: int) -> bytes:
        """The next bytes of the stream."""
        return shake_256(f"{self.seed}:{next(self._calls)}".encode()).digest(length)
