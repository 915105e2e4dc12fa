"""What a batch consists of: rows that ask for a certificate each, what became of them, and what must not be forgotten.

A row is named by its batch and its ``id``. What was begun under a name is finished under it, with the same certificate
and the same status entries, by whichever run comes to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, Protocol

from ewallet.authorization import Code
from ewallet.credential import Claims, StatusRef
from ewallet.documents import Entry
from ewallet.errors import EWalletError
from ewallet.intents import Certificate, Intent
from ewallet.shape import Json

Outcome = Literal["issued", "offered", "already", "refused", "ready"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One certificate that is wanted; ``number`` is the line of the file it came from, ``keys`` are public JWKs.

    Without keys it is offered to the person. Without claims, what is certified is read from the records.
    """

    number: int
    id: str
    subject: str
    type_id: str
    format_id: str
    keys: tuple[Mapping[str, Json], ...] = field(default=(), repr=False)
    claims: Claims | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> bytes:
        """A digest of everything that the row asks for."""
        asked = [self.subject, self.type_id, self.format_id, self.keys, self.claims]
        return sha256(json.dumps(asked, ensure_ascii=True, sort_keys=True).encode()).digest()


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a row.

    ``issued`` with its credentials, ``offered`` with a link, ``already`` where an earlier run has written the result,
    ``refused`` with a code and a detail that has no value in it, ``ready`` in a preview.
    """

    number: int
    id: str
    outcome: Outcome
    type_id: str = ""
    format_id: str = ""
    certificate_id: str = ""
    credentials: tuple[str, ...] = field(default=(), repr=False)
    offer: str = field(default="", repr=False)
    tx_code: str | None = field(default=None, repr=False)
    until: datetime | None = None
    code: str = ""
    detail: str = ""

    @classmethod
    def refused(cls, number: int, id_: str, error: EWalletError) -> Result:
        """The row was refused for that reason."""
        return cls(number=number, id=id_, outcome="refused", code=error.code, detail=error.detail)

    @property
    def path(self) -> str:
        """The claim that is wrong, where it is one."""
        return self.detail.partition(":")[0] if self.code.startswith("issue.") and ":" in self.detail else ""

    @property
    def is_new(self) -> bool:
        """Whether there is something to be written for it."""
        return self.outcome in {"issued", "offered"}


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What is on record of a row: whether its result was written, and the entries of its certificate in their order."""

    fingerprint: bytes
    is_done: bool
    certificate_id: str = ""
    refs: tuple[StatusRef, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is about to be signed, or offered, for the row of that name."""

    name: bytes
    fingerprint: bytes
    certificate: Certificate | None = None
    intents: Sequence[Intent] = ()
    document: Entry | None = None
    code: Code | None = None
    again: bool = False


class BulkStore(Protocol):
    """What a batch must not forget. Every method is one transaction, on disk when it returns."""

    def take_over(self, batch: bytes, run: bytes) -> None:
        """From now on the batch is worked on by that run, and by no earlier one."""

    def begun(self, names: Sequence[bytes]) -> Mapping[bytes, Begun]:
        """What is on record of these rows."""

    def begin(self, batch: bytes, run: bytes, steps: Sequence[Step]) -> frozenset[StatusRef]:
        """Record all of these steps, or none: the entries that were given to others before, none if recorded.

        A step that is taken ``again`` keeps its certificate and its entries. ``usage.in_progress`` where another run
        has taken over, or has begun one of the rows.
        """

    def complete(self, batch: bytes, run: bytes, names: Sequence[bytes]) -> int:
        """The results of these rows are written; how many of them were begun. ``usage.in_progress``."""


def batch_digest(name: str) -> bytes:
    """What a batch of that name is called in the store."""
    return sha256(b"batch:" + name.encode("utf-8", "surrogatepass")).digest()


def row_name(batch: bytes, id_: str) -> bytes:
    """What a row of that batch is called in the store."""
    return sha256(batch + id_.encode("utf-8", "surrogatepass")).digest()


def content_id(content: Mapping[str, Any]) -> str:
    """The id of a row that has none: a digest of what it says."""
    return sha256(json.dumps(content, ensure_ascii=True, sort_keys=True).encode()).hexdigest()[:32]
