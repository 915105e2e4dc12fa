"""Calls that may be made again and have their effect once (draft-ietf-httpapi-idempotency-key-header-07).

Whoever calls names the call with the header ``Idempotency-Key``. The same call under the same name gets the answer of
the first time, for a day; another call under it is refused, and so is the same one while the first is being worked on.
A call that failed had no effect and leaves no trace. What was begun by a process that is gone may be made again after a
minute.

Answers hold secrets. They are kept under a digest and sealed, both with the secret that the caller shows besides: a
copy of the database alone opens nothing, and callers do not get in each other's way.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol

from ewallet.env import Env
from ewallet.errors import UsageError
from ewallet.sealing import Sealer

LIFE: Final = timedelta(days=1)
_WORK: Final = timedelta(minutes=1)  # longer than any call of ours takes
_NAME: Final = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\]){1,200}"')  # a string of RFC 8941 §3.3.3


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A call that was made before: what it asked for, as a digest, and its sealed answer once there is one."""

    fingerprint: bytes
    answer: bytes | None = field(default=None, repr=False)


class CallStore(Protocol):
    """What outlives the process that was called. Every method is one transaction, on disk when it returns."""

    def begin_call(self, name: bytes, fingerprint: bytes, at: datetime, until: datetime) -> Begun | None:
        """Keep that a call has begun, and forget those whose time is over; the one that had begun before, if any."""

    def end_call(self, name: bytes, answer: bytes, until: datetime, *, work: datetime) -> None:
        """Keep the answer until then; of the call that began until ``work``, not of one that came after it."""

    def drop_call(self, name: bytes, *, work: datetime) -> None:
        """Forget a call that failed; that one, as above."""


class Calls:
    """The calls of one service."""

    def __init__(self, store: CallStore, *, env: Env | None = None) -> None:
        self._store = store
        self._env = env or Env()

    def once(self, key: str | None, *, caller: str, asked: bytes, perform: Callable[[], bytes]) -> bytes:
        """The answer of ``perform``, or that of the first time; without a key it is performed whatever was before.

        ``key`` is the value of the header, ``caller`` the secret of whoever calls, ``asked`` all that tells one call
        from another. Raises ``usage.argument`` for a key that is no string in quotes, ``usage.key_reused``,
        ``usage.in_progress``, and what ``perform`` raises.
        """
        if key is None:
            return perform()
        if not _NAME.fullmatch(key):
            raise UsageError("usage.argument", "idempotency-key is not a text of 1 to 200 characters in double quotes")
        name, sealer = _digest(caller, "name", key), Sealer(_digest(caller, "seal", key), self._env.random)
        at, fingerprint = self._env.now(), sha256(asked).digest()
        work = at + _WORK
        begun = self._store.begin_call(name, fingerprint, at, work)
        return _again(begun, fingerprint, sealer) if begun else self._perform(name, sealer, perform, work)

    def _perform(self, name: bytes, sealer: Sealer, perform: Callable[[], bytes], work: datetime) -> bytes:
        try:
            answer = perform()
        except BaseException:
            self._store.drop_call(name, work=work)
            raise
        self._store.end_call(name, sealer.seal(answer, "answer"), self._env.now() + LIFE, work=work)
        return answer


def _again(begun: Begun, fingerprint: bytes, sealer: Sealer) -> bytes:
    if begun.fingerprint != fingerprint:
        raise UsageError("usage.key_reused", "the idempotency-key of another call, expected a new one")
    if begun.answer is None:
        raise UsageError("usage.in_progress", "the first call of that idempotency-key has not ended")
    return sealer.unseal(begun.answer, "answer")


def _digest(caller: str, purpose: str, key: str) -> bytes:
    text = f"ewallet idempotency {purpose}\0{key}"
    return hmac.digest(caller.encode("utf-8", "surrogatepass"), text.encode("ascii"), "sha256")
