"""What is kept between two steps of a conversation: sealed with a secret that the next step brings, under its digest.

A copy of the database opens nothing, and of all who bring one secret at once, one is first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol

from ewallet.env import Env
from ewallet.sealing import Sealer
from ewallet.shape import to_base64url

_TIDY: Final = timedelta(minutes=1)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)  # every step ends later
_ENTROPY: Final = 32


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is kept of one step, under the digest of its secret."""

    digest: bytes
    sealed: bytes
    until: datetime


class PortalStore(Protocol):
    """What is kept between two steps. Every method is one transaction, on disk when it returns."""

    def put_step(self, digest: bytes, sealed: bytes, until: datetime) -> bool:
        """Keep a step until then; whether there was none of that digest before."""

    def step(self, digest: bytes, at: datetime) -> bytes | None:
        """A step whose time is not over."""

    def take_step(self, digest: bytes, at: datetime) -> bytes | None:
        """The same, and it is gone with that: of all who come at once, one has it."""

    def turn_step(self, digest: bytes, at: datetime, *into: Step) -> bool:
        """Take a step and keep these in its place, in one; False, and nothing is kept, where it is gone or over."""

    def forget_steps(self, at: datetime) -> int:
        """Delete those whose time is over; how many."""


class Steps:
    """Steps, each kept under the digest of a secret that is told once, and sealed with it."""

    def __init__(self, store: PortalStore, env: Env) -> None:
        self._store = store
        self._env = env
        self._tidied = datetime.min.replace(tzinfo=UTC)

    def begin(self, use: str, record: bytes, *, life: timedelta, secret: str = "") -> str:
        """Keep a record; the secret that opens it, a fresh one unless it is given. Again, the newest is kept."""
        at, told = self._env.now(), secret or self.secret()
        if at - self._tidied >= _TIDY:
            self._tidied = at
            self._store.forget_steps(at)
        step = self.step(use, told, record, life=life)
        if not self._store.put_step(step.digest, step.sealed, step.until):
            self._store.turn_step(step.digest, at, step)
        return told

    def secret(self) -> str:
        """A fresh one."""
        return to_base64url(self._env.random(_ENTROPY))

    def step(self, use: str, secret: str, record: bytes, *, life: timedelta) -> Step:
        """A record as it is kept under a secret, for :meth:`turn`."""
        sealed = self._sealer(secret).seal(record, use)
        return Step(digest=_digest(use, secret), sealed=sealed, until=self._env.now() + life)

    def turn(self, use: str, secret: str, *into: Step) -> bool:
        """Take a record, and keep these in its place: all of that, or nothing, and only for the first who comes."""
        return self._store.turn_step(_digest(use, secret), self._env.now(), *into)

    def see(self, use: str, secret: str) -> bytes | None:
        """The record, if it is there and not over."""
        return self._opened(use, secret, self._store.step(_digest(use, secret), self._env.now()))

    def take(self, use: str, secret: str) -> bytes | None:
        """The same, once."""
        return self._opened(use, secret, self._store.take_step(_digest(use, secret), self._env.now()))

    def burn(self, use: str, secret: str) -> bool:
        """Whether there was a record, which is gone now; also one that was over, lest a clock go back and revive it."""
        return self._store.take_step(_digest(use, secret), _EPOCH) is not None

    def use_up(self, use: str, name: str, until: datetime) -> bool:
        """Whether that name was not used up before; now it is."""
        return self._store.put_step(_digest(use, name), b"", until)

    def _opened(self, use: str, secret: str, sealed: bytes | None) -> bytes | None:
        return None if sealed is None else self._sealer(secret).unseal(sealed, use)

    def _sealer(self, secret: str) -> Sealer:
        return Sealer(secret.encode("utf-8", "surrogatepass"), self._env.random)


def _digest(use: str, secret: str) -> bytes:
    return sha256(f"{use}:{secret}".encode("utf-8", "surrogatepass")).digest()
