"""What is about to be signed, on record before any key is used: so anything a key ever signed can be revoked.

An intent has the entry of a status list that the signed text will name, and the digest of the bytes to be signed. An
entry is drawn at random, and given once: the store says which of those drawn somebody has, and these are drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, Protocol

from ewallet.credential import StatusRef
from ewallet.env import Random
from ewallet.formats import ToSign
from ewallet.order import Order
from ewallet.status import Status

#: What a certificate was made for: somebody's keys, a page to print, or the key of one recipient.
Carrier = Literal["wallet", "paper", "package"]


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """One certificate issued to one subject, however many copies of it there are; an issuer's own record."""

    id: str
    type_id: str
    subject: str
    issued: datetime
    until: datetime
    status: Status = Status.VALID
    carrier: Carrier = "wallet"


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A copy that is about to be signed: its status entry, and the SHA-256 of the bytes to be signed."""

    status: StatusRef
    digest: bytes


class IntentStore(Protocol):
    """Where intents are kept. Every method is one transaction, on disk when it returns."""

    def status_list(self, size: int, uri: Callable[[int], str]) -> str:
        """The uri of the list to allocate from: the newest that is less than half full, else a new one, numbered."""

    def intend(
        self, certificate: Certificate, intents: Sequence[Intent], order: Order | None = None
    ) -> frozenset[StatusRef]:
        """Record a certificate and its intents, or nothing: the entries that were given before, none if recorded.

        With an order, what it uses up is used up with that, and an intent that was left of it is given up;
        :class:`ewallet.order.RepeatedError` where it was carried out, or what it would use up was used.
        """


@dataclass(frozen=True, kw_only=True)
class Intents:
    """Draws entries of the status lists of ``identifier``, each of ``size`` entries, and records what they are for."""

    store: IntentStore
    identifier: str
    size: int
    random: Random

    def entries(self, count: int) -> tuple[StatusRef, ...]:
        """Entries of the list with room; that nobody has them is seen when they are recorded."""
        return self._filled((), count)

    def record(
        self,
        certificate: Certificate,
        count: int,
        prepare: Callable[[Sequence[StatusRef]], Sequence[ToSign]],
        order: Order | None = None,
    ) -> tuple[ToSign, ...]:
        """The texts ready to be signed, their intents on record. ``prepare`` makes them of so many entries."""
        refs: tuple[StatusRef, ...] = ()
        while True:
            refs = self._filled(refs, count)
            copies = tuple(prepare(refs))
            digests = (sha256(copy.data).digest() for copy in copies)
            intents = [Intent(status=ref, digest=digest) for ref, digest in zip(refs, digests, strict=True)]
            taken = self.store.intend(certificate, intents, order)
            if not taken:
                return copies
            refs = tuple(ref for ref in refs if ref not in taken)

    def _filled(self, refs: Collection[StatusRef], count: int) -> tuple[StatusRef, ...]:
        """These and as many more as make up that number."""
        uri, drawn = self.store.status_list(self.size, self._uri), list(refs)
        while len(drawn) < count:
            ref = StatusRef(uri, int.from_bytes(self.random(8), "big") % self.size)  # unpredictable: HAIP 1.0 §6.1
            if ref not in drawn:
                drawn.append(ref)
        return tuple(drawn)

    def _uri(self, number: int) -> str:
        return f"{self.identifier}/status/{number}"
