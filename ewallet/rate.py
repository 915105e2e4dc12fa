"""How often one source may ask: a bucket that leaks evenly, for each of the sources seen of late (GCRA, ITU-T I.371).

Of a source one number is kept, the time at which its bucket is empty, and of sources a bounded number: it takes no more
memory however many ask. Each process counts for itself. What must be counted exactly, guesses of a code above all, is
counted in the database.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import Final

from ewallet.env import Env
from ewallet.errors import UsageError

#: What services take from one source unless they are told otherwise: behind one address of a mobile network are many.
RATE: Final = "6000/60"
_SOURCES: Final = 1 << 16  # some 15 MB
_PORT: Final = re.compile(r"\A(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?\Z")
_FORM: Final = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,4})")


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds, at once or evenly."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate | None:
        """``6000/60``, or ``off`` for none; ``usage.configuration``."""
        found = _FORM.fullmatch(text)
        if found is None and text != "off":
            raise UsageError("usage.configuration", "a rate is requests/seconds, such as 6000/60, or off")
        return cls(int(found[1]), int(found[2])) if found else None


class Limiter:
    """Counts by source; ``sources`` is how many are remembered, of which the one seen longest ago goes first."""

    def __init__(self, rate: Rate, *, env: Env | None = None, sources: int = _SOURCES) -> None:
        self._interval = rate.seconds / rate.requests
        self._room = rate.seconds - self._interval
        self._env = env or Env()
        self._sources = sources
        self._empty: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def wait(self, source: str) -> float:
        """The seconds after which that source may ask again; 0 where it may now, and then it has."""
        now, name = self._env.now().timestamp(), network(source)
        with self._lock:
            empty = max(self._empty.get(name, now), now)
            over = empty - now - self._room
            if over > 0:
                return over
            self._empty[name] = empty + self._interval
            self._empty.move_to_end(name)
            self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """An empty bucket says no more than none."""
        while len(self._empty) > self._sources or next(iter(self._empty.values())) <= now:
            self._empty.popitem(last=False)


def network(source: str) -> str:
    """Whose address that is: an IPv6 subscriber has a whole network of them, of 64 bits at least (RFC 6177).

    The port that some proxies write behind an address says nothing of who asks.
    """
    try:
        address = ip_address(_PORT.sub(r"\1\2", source))
    except ValueError:
        return source[:64]
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or int(address) >> 64)
