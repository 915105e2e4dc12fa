"""What recipients sign of packages that they took: compared with what was provided, and kept with it, sealed.

It is under the key of the person at that recipient, so that it goes with everything else when that is destroyed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ewallet.errors import AlreadyUsed
from ewallet.history import Believed, Checkpoint, Entry, NoteKey
from ewallet.mydata.consents import Consents, Opened
from ewallet.mydata.notices import notices
from ewallet.mydata.store import PackageRow
from ewallet.package import Package
from ewallet.receipt.countersignature import checking, invalid
from ewallet.receipt.taken import Expected, Taken
from ewallet.shape import Json, base64url, member, strings

_SEALED: Final = "receipt"


@dataclass(frozen=True, kw_only=True)
class Provided:
    """One provision: under which consent, its place in the log, when, and the half of its recipient, once signed."""

    consent_id: str
    seq: int
    at: datetime
    half: str | None = field(default=None, repr=False)

    @property
    def signed(self) -> datetime | None:
        """When the recipient signed for it, as it says; None as long as it has not."""
        return Taken.parse(self.half).at if self.half else None


@dataclass(frozen=True)
class Taking:
    """Keeps what recipients signed."""

    consents: Consents

    def keep(self, opened: Opened, half: str, expected: Expected, at: datetime) -> int:
        """Keep a half, again too, if it is for what was provided under that consent; the place of the provision.

        Raises ``receipt.invalid``, ``log.*``, ``storage.already_used`` with the ``receipt`` that is kept, where the
        recipient has signed another one for the same package, ``storage.not_found`` of somebody who was forgotten.
        """
        with checking("the recipient's half"):
            taken = Taken.parse(half)
            row = self._row(opened, taken)
            if self._kept(opened, row, row.receipt) != half:
                self._check(opened, row, taken, expected, at)
                self._keep(opened, row, half)
        return row.seq

    def all(self, subject: str) -> Iterator[Provided]:
        """What was provided of a person, each with the half of its recipient."""
        people = self.consents.people
        times = {notice.seq: notice.at for notice in notices(people, subject)}
        for slot in people.slots(subject):
            for consent in people.store.consents(slot.handle):
                for row in people.store.packages(consent.id):
                    half = _half(people.unseal(slot.handle, row.receipt, _SEALED, row.id)) if row.receipt else None
                    yield Provided(consent_id=consent.id, seq=row.seq, at=times[row.seq], half=half)

    def _row(self, opened: Opened, taken: Taken) -> PackageRow:
        rows = self.consents.people.store.packages(opened.consent.id)
        found = next((row for row in rows if row.seq == taken.logged.seq), None)
        return found or invalid("signed for a package that was not provided under this consent")

    def _check(self, opened: Opened, row: PackageRow, taken: Taken, expected: Expected, at: datetime) -> None:
        """Return if it is for what was provided, which is put together again under the checkpoint that it names."""
        log = self.consents.ledger.log
        checkpoint, believed = taken.logged.checkpoint.encode(), Believed(log=(NoteKey.read(log.key),))
        if Checkpoint.read(checkpoint, believed).head.size <= row.seq:
            invalid("signed under a checkpoint from before it was provided")
        found = self.consents.people.unseal(opened.row.handle, row.sealed, "package", row.id)
        if member(found, "key", str) != expected.key:
            invalid("the package was made for another key of the recipient")
        blinding = base64url(member(found, "blinding", str), "blinding")
        logged = self.consents.ledger.logged(row.seq, blinding, checkpoint)
        package = Package(consent=opened.consent, members=strings(found.get("members"), "members"), logged=logged)
        taken.check_package(package, expected, Entry.read(logged.entry).event.at, at)

    def _keep(self, opened: Opened, row: PackageRow, half: str) -> None:
        people = self.consents.people
        sealed = people.seal(opened.row.handle, {"half": half}, _SEALED, row.id)
        kept = self._kept(opened, row, people.store.countersign(row.id, sealed))
        if kept != half:
            raise SignedForError(kept or "")

    def _kept(self, opened: Opened, row: PackageRow, sealed: bytes | None) -> str | None:
        return _half(self.consents.people.unseal(opened.row.handle, sealed, _SEALED, row.id)) if sealed else None


class SignedForError(AlreadyUsed):
    """The recipient has signed another half for that package, which is in the answer."""

    def __init__(self, kept: str) -> None:
        super().__init__("storage.already_used", "the recipient has signed for this package before")
        self.extensions = {"receipt": kept}


def _half(found: Mapping[str, Json]) -> str:
    return member(found, "half", str)
