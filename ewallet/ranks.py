"""Ranks of copies: the first copy of every certificate has one salt, the second another, and so on.

What is made with a salt (:mod:`ewallet.subject`) is alike for copies of one rank, so that they can be shown together,
and for no others. A rank that a recipient has seen is not shown to another one, nor given to new copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from ewallet.env import Random
from ewallet.subject import SALT_SIZE

_AT_ONCE: Final = 32  # looked up: more than a certificate has copies


@dataclass(frozen=True)
class Rank:
    """A rank, counted from 0, and its salt."""

    number: int
    salt: bytes = field(repr=False)


class RankStore(Protocol):
    """What a wallet keeps of ranks, sealed. Every method is one transaction."""

    def salt(self, rank: int, fresh: bytes) -> bytes:
        """The salt of a rank; the fresh one is that from now on, where it had none."""

    def rank_audiences(self, ranks: Sequence[int]) -> Mapping[int, str]:
        """Who has seen these ranks; those that nobody has seen are left out."""

    def show_rank(self, rank: int, audience: str) -> None:
        """Note who sees a rank; again is allowed; :class:`AlreadyUsed` where somebody else has seen it."""


def fresh_ranks(store: RankStore, count: int, random: Random) -> tuple[Rank, ...]:
    """The first ranks that nobody has seen."""
    found: list[int] = []
    first = 0
    while len(found) < count:
        looked = range(first, first + _AT_ONCE)
        seen = store.rank_audiences(looked)
        found.extend(number for number in looked if number not in seen)
        first = looked.stop
    return tuple(Rank(number, store.salt(number, random(SALT_SIZE))) for number in found[:count])
