"""What services say of themselves while others load them, and what that must not contradict.

Somebody asks again and again whether a service is ready, as whoever runs it does, and keeps a history of it. Whoever
disturbs the service notes when something that it needs is away, and when a process is started::

    with Watch(site) as watch:
        with watch.away():
            ...                      # the database is stopped
        watch.starts(site.port)
        site.start()
    assert [] == watch.found()
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final, Self

from ewallet.testing.sites import Site, descriptors, resident

GROWTH: Final = 64 << 20  # bytes that a process may have more after a load than before
FILES: Final = 5  # and files that it may have more, or fewer
_PAUSE: Final = 0.02  # seconds between two looks
_PATIENCE: Final = 60.0  # seconds


@dataclass(frozen=True)
class Look:
    """One question to a process, and whether it said that it is ready; None where no answer came."""

    port: int
    begun: float
    ended: float
    ready: bool | None


@dataclass(frozen=True)
class Span:
    """A time in which something that every process needs was not there, from its first moment to its last."""

    begun: float
    ended: float

    def holds(self, look: Look) -> bool:
        """Whether the question was asked and answered within it."""
        return self.begun <= look.begun and look.ended <= self.ended

    def meets(self, look: Look) -> bool:
        """Whether there was a moment of it between question and answer."""
        return look.begun <= self.ended and self.begun <= look.ended


@dataclass(frozen=True)
class Start:
    """A process that was started: from then on another one answers there."""

    port: int
    at: float


@dataclass(frozen=True)
class Weight:
    """What a process takes of the machine."""

    resident: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Weight:
        """What it takes now (Linux)."""
        return cls(resident(pid), descriptors(pid))

    def since(self, before: Weight) -> list[str]:
        """What it has not given back (I11)."""
        found = []
        if self.resident > before.resident + GROWTH:
            found.append(f"{(self.resident - before.resident) >> 20} MiB more than before (I11)")
        if abs(self.files - before.files) > FILES:
            found.append(f"{self.files} files, {before.files} before (I11)")
        return found


def contradictions(looks: Sequence[Look], *, away: Iterable[Span] = (), starts: Iterable[Start] = ()) -> list[str]:
    """What is wrong with such a history.

    A process is ready only while all that it needs is there (I8); and one that was started, or had to do without, is
    ready again: a started one with the first answer that it gives (I12).
    """
    gone, begun = [*away], sorted(starts, key=lambda start: start.at)
    found = [f"ready while something was away, {each.begun:.3f} (I8)" for each in looks if _unfounded(each, gone)]
    for number, start in enumerate(begun):
        until = next((later.at for later in begun[number + 1 :] if later.port == start.port), float("inf"))
        mine = [each for each in looks if each.port == start.port and start.at <= each.begun and each.ended <= until]
        found += _not_back(mine, gone, start.port)
    for port in {each.port for each in looks}:
        last = max((span.ended for span in gone), default=0)
        later = [each for each in looks if each.port == port and each.begun >= last]
        if gone and not any(each.ready for each in later):
            found.append(f"{port} not ready again after what was away came back (I12)")
    return found


def _unfounded(look: Look, gone: Sequence[Span]) -> bool:
    return bool(look.ready) and any(span.holds(look) for span in gone)


def _not_back(looks: Sequence[Look], gone: Sequence[Span], port: int) -> list[str]:
    answered = [each for each in looks if each.ready is not None and not any(span.meets(each) for span in gone)]
    if not answered:
        return [f"{port} gave no answer after its start (I12)"]
    return [] if answered[0].ready else [f"{port} was not ready with the first answer after its start (I12)"]


@dataclass
class Watch:
    """Asks all processes of a site in turn while the block runs."""

    site: Site
    looks: list[Look] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    started: list[Start] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = Event()
        self._asking = Thread(target=self._ask, daemon=True)
        self._asking.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._asking.join()

    def starts(self, port: int) -> None:
        """A process is about to be started there; the one before it is gone."""
        self.started.append(Start(port, time.monotonic()))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Something that all of them need is not there while this block runs."""
        begun = time.monotonic()
        yield
        self.spans.append(Span(begun, time.monotonic()))

    def found(self) -> list[str]:
        """What is wrong; empty where nothing is."""
        return contradictions(self.looks, away=self.spans, starts=self.started)

    def sees(self, port: int) -> None:
        """Return when a question that begins now was answered, however; a :class:`TimeoutError` where none is."""
        since = time.monotonic()
        while not any(each.port == port and each.begun >= since and each.ready is not None for each in self.looks):
            if time.monotonic() > since + _PATIENCE:
                raise TimeoutError(self.site.log)
            time.sleep(_PAUSE)

    def _ask(self) -> None:
        while not self._over.wait(_PAUSE):
            for port in tuple(self.site.children):
                begun, ready = time.monotonic(), None
                with suppress(OSError):
                    ready = self.site.ask("GET", "/readyz", port=port).status == 200
                self.looks.append(Look(port, begun, time.monotonic(), ready))
