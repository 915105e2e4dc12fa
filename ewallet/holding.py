"""What a wallet holds, and the store that keeps it: certificates, copies of them, and lines of its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from ewallet.acting import Proxy
from ewallet.collection import Pending
from ewallet.credential import Path
from ewallet.ranks import RankStore
from ewallet.sighting import SightingStore

Use = Literal["once", "per_verifier", "reuse"]


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy of a held certificate, its rank, and the thumbprint of the key it is bound to."""

    id: str
    key: str
    raw: str = field(repr=False)
    uses: int = 0
    rank: int | None = None


@dataclass(frozen=True, kw_only=True)
class Held:
    """A held certificate: ``format`` and ``type_id`` of its copies, when it came, how its copies may be used."""

    id: str
    format: str
    type_id: str
    received: datetime
    use: Use


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A certificate that came, its copies, and the keys of theirs that are not kept yet."""

    held: Held
    copies: tuple[Copy, ...]
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One line of the history: when which claims of which certificate left, for whom (``name``, if known) and why.

    ``acting`` are both people where somebody acts for the person. What a delegate shows is nothing ``held``.
    """

    at: datetime
    audience: str
    purpose: str
    held: str
    type_id: str
    paths: tuple[Path, ...]
    name: str = ""
    acting: Proxy | None = None


class WalletStore(RankStore, SightingStore, Protocol):
    """What a wallet keeps, sealed. Every method is one transaction; ``storage.corrupt`` where a record was changed."""

    def put_keys(self, keys: Mapping[str, bytes]) -> None:
        """Keep private keys by thumbprint."""

    def key(self, thumbprint: str) -> bytes:
        """A private key; :class:`NotFound`."""

    def put(self, held: Held, copies: Sequence[Copy]) -> None:
        """Keep a certificate with its copies."""

    def receive(
        self, arrivals: Sequence[Arrival], *, pending: Sequence[Pending] = (), over: Sequence[str] = ()
    ) -> None:
        """Keep certificates and what is pending, and drop the pending of those identifiers: all of it, or nothing."""

    def pending(self) -> tuple[Pending, ...]:
        """What issuers have deferred, with its keys."""

    def held(self) -> tuple[Held, ...]:
        """Every certificate, the newest first."""

    def copies(self, held_id: str) -> tuple[Copy, ...]:
        """The copies of a certificate, with their uses, in the order they came; empty if there is none."""

    def spend(self, shown: Shown, use: Use, copy: str | None = None) -> Copy:
        """Take a copy for this showing and write it down; :class:`AlreadyUsed` when none is left to use.

        ``once``: a copy never used. ``per_verifier``: the copy this audience has seen, else one never used.
        ``reuse``: the copy used least. With the identifier of a ``copy`` it is that one, or none.
        """

    def note(self, shown: Shown) -> None:
        """Write down a showing that takes no copy of the wallet's own."""

    def history(self) -> tuple[Shown, ...]:
        """Everything that left, the newest first."""

    def put_receipt(self, raw: bytes) -> None:
        """Keep a receipt of consent."""

    def change_receipt(self, before: bytes, after: bytes) -> None:
        """Put a receipt in the place of the same one, to which something has happened since."""

    def receipts(self) -> tuple[bytes, ...]:
        """Every receipt of consent, the newest first."""

    def forget(self, held_id: str) -> None:
        """Delete a certificate, its copies and their keys; :class:`NotFound`."""
