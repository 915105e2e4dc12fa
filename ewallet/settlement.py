"""What is kept of an exchange between a verifier and a wallet (:mod:`ewallet.exchange`), and the store of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An exchange as it is kept, under the digests of its id and handle.

    ``record`` is what was asked, sealed, until it is answered. ``open`` until the first answer is settled; ``outcome``
    is what came of it, as JSON and without claims. ``guarded`` where it takes a response code to read that.
    """

    id: bytes
    handle: bytes
    until: datetime
    guarded: bool = False
    open: bool = True
    record: bytes | None = field(default=None, repr=False)
    outcome: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """Claims that wait to be read, at most until then."""

    record: bytes = field(repr=False)
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What came of an exchange, ``outcome`` as JSON; ``nonce`` is used up with it, ``code`` is a digest.

    ``once`` is what else is used up, such as a mandate, and until when that has to be remembered.
    """

    outcome: str
    nonce: str = field(repr=False)
    until: datetime
    code: bytes | None = None
    claims: Sealed | None = None
    once: tuple[tuple[str, datetime], ...] = field(default=(), repr=False)


class ExchangeStore(Protocol):
    """What outlives the process that asked. Every method is one transaction, on disk when it returns."""

    def put_exchange(self, kept: Kept) -> None:
        """Keep a new exchange."""

    def exchange(self, id_: bytes) -> Kept:
        """The exchange of that id's digest; :class:`NotFound`."""

    def exchange_of(self, handle: bytes) -> Kept:
        """The exchange of that handle's digest; :class:`NotFound`."""

    def settle_exchange(self, id_: bytes, settled: Settled) -> None:
        """Close it to other answers, and keep what came of it in place of what was asked.

        :class:`AlreadyUsed` for whoever comes second, and where the nonce or what else is used up was used; nothing is
        changed then.
        """

    def take_code(self, id_: bytes, code: bytes) -> None:
        """Use up the response code; :class:`AlreadyUsed` for another one, and the second time."""

    def take_claims(self, id_: bytes, at: datetime, *, keep: bool = False) -> bytes | None:
        """The claims, if their time is not over, and unless ``keep`` they are gone with that."""

    def pace_exchange(self, id_: bytes, at: datetime, before: datetime) -> bool:
        """Note that somebody looks at it, unless somebody has since ``before``; whether it was noted."""

    def drop_exchange(self, id_: bytes) -> bool:
        """Delete an exchange and its claims; whether there was one."""

    def forget_exchanges(self, at: datetime, before: datetime) -> int:
        """Delete claims whose time is over, and exchanges that were over before that; how many."""
