"""What a portal must not forget, as rows: who gave which consent, what was provided under it, and what was noted.

In the clear are only random handles, states, and times. Everything else is sealed (:class:`ewallet.vault.Vault`): the
rows of one person at one recipient under that handle's key, what leads from the person to their handles under theirs.
Whatever happened is in the log from the same transaction on, so that neither is there without the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final, Protocol

from ewallet.shape import Json
from ewallet.trace import Happened, NoticeRow


class State(IntEnum):
    """Of a consent. Only under one that is GIVEN is anything provided, and none goes back to a lower state."""

    GIVEN = 0
    STOPPED = 1
    FULFILLED = 2
    RENEWED = 3
    WITHDRAWN = 4
    ERASED = 5


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A person at a recipient: ``tag`` finds the handle for the person, the handle finds the person for us."""

    tag: bytes
    slot: bytes = field(repr=False)
    handle: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ConsentRow:
    """A consent; ``due`` is when it is to be provided under again, None where nothing is provided unasked."""

    id: str
    handle: str
    state: State
    at: datetime
    until: datetime
    due: datetime | None
    sealed: bytes = field(repr=False)
    seq: int = -1


@dataclass(frozen=True, kw_only=True)
class PackageRow:
    """What was provided in one cycle of a consent, until its members are over; and what its recipient signed of it."""

    id: str
    consent: str
    cycle: int
    until: datetime
    sealed: bytes = field(repr=False)
    seq: int = -1
    receipt: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What shows a person what an entry of the log is about."""

    seq: int
    handle: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a recipient has to be told: that a consent was withdrawn, stopped, or provided under."""

    id: str
    recipient: str
    about: str
    consent: str
    at: datetime

    def to_json(self) -> dict[str, Json]:
        """As the recipient is told."""
        return {"id": self.id, "about": self.about, "consent": self.consent, "at": int(self.at.timestamp())}


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """A deletion: of whom, how far it is, and sealed under a key of its own, which names it concerns."""

    id: str
    subject: str
    at: datetime
    plan: bytes = field(default=b"", repr=False)
    blinding: bytes = field(default=b"", repr=False)
    seq: int | None = None


#: What a message is about that something waits to be fetched.
READY: Final = "package.ready"


class MyDataStore(Protocol):
    """Every method is one transaction, on disk when it returns. What is refused has changed nothing.

    Whatever takes a ``subject`` raises :class:`ewallet.errors.NotFound` where that person's data is being deleted.
    """

    def slots(self, tags: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The sealed handles of those tags that there are."""

    def relation(self, handle: str) -> bytes:
        """Who is meant, sealed; :class:`NotFound`."""

    def open_relation(self, subject: str, relation: Relation) -> bool:
        """Keep a relation; False where the tag has another."""

    def give(self, subject: str, row: ConsentRow, happened: Happened, renews: str = "") -> int:
        """Keep a consent, and its place in the log. One that it renews is RENEWED.

        :class:`AlreadyUsed` where its id was given before, :class:`NotFound` where what it renews is not GIVEN.
        """

    def consent(self, consent_id: str) -> ConsentRow | None:
        """That consent."""

    def consents(self, handle: str) -> Sequence[ConsentRow]:
        """Those of a handle, in the order in which they were given."""

    def package(self, consent_id: str, cycle: int) -> PackageRow | None:
        """What was provided in that cycle."""

    def provide(
        self,
        row: PackageRow,
        notice: NoticeRow,
        happened: Happened,
        *,
        due: datetime | None,
        message: Message | None = None,
        anew: bool = False,
    ) -> int:
        """Keep what is provided, with its notice, and its place in the log; the consent is next due then.

        :class:`AlreadyUsed` where that cycle has something, :class:`NotFound` where the consent is not GIVEN. With
        ``anew`` it takes the place of what the cycle has, if that is waiting, and waits no more.
        """

    def is_waiting(self, consent_id: str) -> bool:
        """Whether something was made ready under a consent that its recipient has not fetched."""

    def collect(self, consent_id: str) -> None:
        """It was fetched: there is no message about it any more. Again is allowed."""

    def end(self, consent_id: str, state: State, happened: Happened, message: Message | None = None) -> bool:
        """Let a consent be in that state; False where it is in it, or in a higher one."""

    def stop(self, handle: str, happened: Happened, message: Message) -> int:
        """Let all consents of a handle that are GIVEN be STOPPED; how many."""

    def unsettled(self) -> Sequence[str]:
        """The consents that are WITHDRAWN, and whose packages may not be revoked yet."""

    def packages(self, consent_id: str) -> Sequence[PackageRow]:
        """What was provided under a consent, in order."""

    def countersign(self, package_id: str, receipt: bytes) -> bytes:
        """Keep what its recipient signed of a package, unless something is kept: that is given; :class:`NotFound`."""

    def settle(self, consent_id: str, happened: Sequence[Happened]) -> bool:
        """What was provided under a withdrawn consent is revoked; False where that is on record already."""

    def record(self, happened: Happened, *, notice: NoticeRow | None = None, subject: str = "") -> int:
        """Something that changes nothing else; its place in the log."""

    def skip(self, consent_id: str, was: datetime, due: datetime | None, happened: Happened) -> bool:
        """Let a consent that was due at that time be due later or never; False where it is not due then any more."""

    def due(self, at: datetime, limit: int, after: str = "") -> Sequence[ConsentRow]:
        """Consents that are GIVEN, not over, and due, in the order of their ids, from behind that id on."""

    def notices(self, handle: str) -> Sequence[NoticeRow]:
        """The notices of a handle, in order."""

    def openings(self, handle: str) -> Sequence[Opening]:
        """The openings of a handle, in the order of the log."""

    def messages(self, recipient: str = "", limit: int = 100) -> Sequence[Message]:
        """What is to be told, to one recipient or to all, the oldest first."""

    def told(self, message_id: str) -> None:
        """It was."""

    def last_erasure(self, subject: str) -> Erasure | None:
        """The deletion of a person that is not finished, else the last one."""

    def begin_erasure(self, erasure: Erasure, after: str = "") -> Erasure:
        """From now on until it is finished nothing is kept for that person.

        Another deletion, where the last one of that person is not the one of the id ``after``, or is not finished.
        """

    def plan_erasure(self, erasure_id: str, plan: bytes, handles: Sequence[str]) -> bytes:
        """Keep what is to be deleted, and let the consents of these handles be ERASED; the plan that was kept first."""

    def finish_erasure(
        self, erasure_id: str, handles: Sequence[str], tags: Sequence[bytes], happened: Happened, names: Sequence[str]
    ) -> int:
        """Delete all rows of the handles, forget the plan, keep the names as tombstones; the place in the log.

        Again is allowed, and gives the place of the first time.
        """

    def erasures(self, *, open_only: bool = False) -> Sequence[Erasure]:
        """All deletions, or those that are not finished."""

    def tombstones(self) -> Sequence[str]:
        """The names whose keys were destroyed, in no order that says who they belonged to."""

    def scrub(self) -> None:
        """Let no file have what was deleted."""
