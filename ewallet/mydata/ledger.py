"""What happened, for the log and for the person: an event that says nothing, and under seal what opens it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ewallet import jose
from ewallet.history import Entry, EventType, Log, Logged, Outcome, commit
from ewallet.history.entry import Event
from ewallet.mydata.people import People, Slot
from ewallet.mydata.store import Opening
from ewallet.shape import Json, base64url, member, to_base64url
from ewallet.trace import Happened


@dataclass(frozen=True, kw_only=True)
class Past:
    """Something that happened to a person's data at a party: what is on record, why it is, and what it is about."""

    party: str
    logged: Logged
    payload: bytes = field(repr=False)

    @property
    def entry(self) -> Entry:
        """What is on record."""
        return Entry.read(self.logged.entry)


@dataclass(frozen=True, kw_only=True)
class Noted:
    """An event to be written, and the key of its commitment."""

    happened: Happened
    blinding: bytes = field(repr=False)


@dataclass(frozen=True)
class Ledger:
    """Writes events and reads them again."""

    people: People
    log: Log

    def event(
        self,
        type_: EventType,
        handle: str,
        payload: bytes,
        *,
        at: datetime,
        about: str,
        consent: str = "",
        outcome: Outcome = "done",
    ) -> Noted:
        """What happened to what a handle stands for; ``about`` is the handle of the object."""
        made = commit(payload, self.people.random)
        said = Event(
            type=type_,
            at=at,
            subject=handle,
            object=about,
            commitment=made.value,
            consent=consent,
            outcome=outcome,
        )
        opening = {"payload": to_base64url(payload), "blinding": to_base64url(made.blinding)}
        sealed = self.people.seal(handle, opening, "opening", to_base64url(made.value))
        return Noted(happened=Happened(event=said, opening=sealed), blinding=made.blinding)

    def logged(self, seq: int, blinding: bytes, checkpoint: bytes | None = None) -> Logged:
        """The proof that it is on record, with what opens it."""
        inclusion = self.log.inclusion(seq, checkpoint)
        return Logged(self.log.store.entries(seq, 1)[0], inclusion, blinding)

    def pasts(self, slots: Iterable[Slot]) -> list[Past]:
        """Everything on record about these handles, each with its proof under one checkpoint."""
        found = [(slot.party, opening) for slot in slots for opening in self.people.store.openings(slot.handle)]
        checkpoint = self.log.checkpoint()  # after them, so that it has them all
        return [self._past(party, opening, checkpoint) for party, opening in found]

    def _past(self, party: str, opening: Opening, checkpoint: bytes) -> Past:
        raw = self.log.store.entries(opening.seq, 1)[0]
        bound = to_base64url(Entry.read(raw).event.commitment)
        found = self.people.unseal(opening.handle, opening.sealed, "opening", bound)
        payload, blinding = (base64url(member(found, name, str), name) for name in ("payload", "blinding"))
        return Past(party=party, logged=self.logged(opening.seq, blinding, checkpoint), payload=payload)


def said(**members: Json) -> bytes:
    """What an entry commits to: canonical enough to be made again by whoever has the members."""
    return jose.to_json(dict(sorted(members.items())))
