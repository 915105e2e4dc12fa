"""Who is meant by a handle, and which handles are somebody's: the only way from a person to what is kept about them.

At each recipient a person has another handle, random, and nothing in the clear says that two are one person's. A person
leads to their handles through numbered slots, whose tags only their own key can make; a handle leads to its person, so
that what is due can be provided, by a record under the handle's key. Once the keys are destroyed neither way is left.
Whoever comes back after that is somebody new, with a key under another name (:meth:`People.name`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Final

from ewallet import jose
from ewallet.env import Random
from ewallet.errors import NotFound, UsageError
from ewallet.history import new_handle
from ewallet.mydata.store import MyDataStore, Relation
from ewallet.shape import Json, json_object, member, to_base64url
from ewallet.vault import Vault

_NEXT: Final = "\x1f"
_PAGE: Final = 8  # slots that are asked for at once: few people have more recipients


@dataclass(frozen=True)
class Slot:
    """One handle of a person, and the party at which they have it."""

    tag: bytes
    party: str
    handle: str


@dataclass(frozen=True)
class People:
    """Relations of people and parties, sealed; and whatever else is sealed under a handle."""

    vault: Vault = field(repr=False)
    store: MyDataStore
    random: Random = field(repr=False)

    def name(self, subject: str) -> str:
        """The name of a person's key: that of the person, until it is destroyed, and then the next one.

        ``usage.argument`` for a person whom an agency names as if they were somebody else's next.
        """
        if _NEXT in subject:
            raise UsageError("usage.argument", "a person's identifier with a unit separator")
        names = chain([subject], (f"{subject}{_NEXT}{number}" for number in count(1)))
        return next(name for name in names if not self.vault.is_destroyed(name))

    def slots(self, subject: str) -> list[Slot]:
        """All handles of a person; none of somebody who is unknown, or forgotten."""
        try:
            return list(self._slots(self.name(subject)))
        except NotFound:
            return []

    def handle(self, subject: str, party: str) -> str:
        """The handle of a person at a party, a new one the first time; :class:`NotFound` of somebody forgotten."""
        while True:
            name, slots = self.name(subject), self.slots(subject)
            found = next((slot.handle for slot in slots if slot.party == party), None)
            if found:
                return found
            self.store.open_relation(subject, self._relation(subject, name, party, len(slots)))

    def meant(self, handle: str) -> tuple[str, str]:
        """The person and the party of a handle; :class:`NotFound` where they are forgotten."""
        found = self.unseal(handle, self.store.relation(handle), "relation", handle)
        return member(found, "subject", str), member(found, "party", str)

    def seal(self, handle: str, members: Mapping[str, Json], what: str, id_: str) -> bytes:
        """An object that belongs to a handle, sealed for its place."""
        return self.vault.seal(handle, jose.to_json(members), what, id_)

    def unseal(self, handle: str, sealed: bytes, what: str, id_: str) -> dict[str, Json]:
        """The object; :class:`NotFound` once the key is destroyed."""
        return json_object(self.vault.unseal(handle, sealed, what, id_), what)

    def _slots(self, name: str) -> Iterator[Slot]:
        for first in count(0, _PAGE):
            tags = [self.vault.tag(name, "slot", str(number)) for number in range(first, first + _PAGE)]
            found = self.store.slots(tags)
            for tag in tags:
                if tag not in found:
                    return
                yield self._opened(name, tag, found[tag])

    def _opened(self, name: str, tag: bytes, sealed: bytes) -> Slot:
        found = json_object(self.vault.unseal(name, sealed, "slot", to_base64url(tag)), "a slot")
        return Slot(tag, member(found, "party", str), member(found, "handle", str))

    def _relation(self, subject: str, name: str, party: str, number: int) -> Relation:
        handle = new_handle(self.random)
        sealed = self.seal(handle, {"subject": subject, "party": party}, "relation", handle)
        self.vault.seal(name, b"")  # so that there is a key to make tags with
        tag = self.vault.tag(name, "slot", str(number))
        slot = self.vault.seal(name, jose.to_json({"party": party, "handle": handle}), "slot", to_base64url(tag))
        return Relation(tag=tag, slot=slot, handle=handle, sealed=sealed)
