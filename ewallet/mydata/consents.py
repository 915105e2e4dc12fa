"""Consents on record: proposed, given with what proves it, and ended, each with its entry in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, NoReturn

from ewallet.acting import Proxy
from ewallet.catalog import Bundle, Catalog
from ewallet.consent import Choice, Consent, consenting
from ewallet.errors import AlreadyUsed, ConsentError, NotFound
from ewallet.history import EventType, Logged, new_handle
from ewallet.mydata import terms
from ewallet.mydata.ledger import Ledger, said
from ewallet.mydata.people import People
from ewallet.mydata.store import ConsentRow, Message, State
from ewallet.recipients import Recipient
from ewallet.shape import base64url, member, to_base64url

_LOG: Final = logging.getLogger("ewallet")
_ENDED: Final[dict[State, tuple[str, str]]] = {
    State.STOPPED: ("consent.withdrawn", "the person has stopped this recipient"),
    State.FULFILLED: ("consent.expired", "the purpose of the consent was met"),
    State.RENEWED: ("consent.expired", "another consent has taken the place of this one"),
    State.WITHDRAWN: ("consent.withdrawn", "the consent was withdrawn"),
    State.ERASED: ("consent.required", "no consent of that identifier"),
}


@dataclass(frozen=True, kw_only=True)
class Given:
    """A consent on record. ``evidence`` is what proves it: the holder's presentation that confirmed it."""

    consent: Consent
    state: State
    at: datetime
    evidence: bytes = field(repr=False)
    logged: Logged = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A consent as it is kept, opened: whose it is, and what is in it."""

    row: ConsentRow
    subject: str
    consent: Consent
    evidence: bytes = field(repr=False)
    blinding: bytes = field(repr=False)

    def check_given(self, at: datetime) -> None:
        """Return if something may be provided under it at that time.

        Raises ``consent.withdrawn``, ``consent.expired``, ``consent.not_yet_valid``.
        """
        if self.row.state is not State.GIVEN:
            raise ConsentError(*_ENDED[self.row.state])
        self.consent.check_in_force(at)


@dataclass(frozen=True)
class Consents:
    """Keeps consents."""

    catalog: Catalog
    people: People
    ledger: Ledger

    def propose(
        self, bundle: Bundle, choice: Choice, recipient: Recipient, *, at: datetime, acting: Proxy | None = None
    ) -> Consent:
        """A consent to read and to sign; ``usage.argument``, also where it would be too long for a standing one."""
        id_, party = new_handle(self.people.random), recipient.party
        consent = Consent.propose(bundle, self.catalog, choice, id_=id_, recipient=party, since=at, acting=acting)
        terms.check_period(consent)
        return consent

    def give(self, consent: Consent, subject: str, evidence: bytes, at: datetime, renews: str = "") -> Given:
        """Keep it; that it was kept before under the same evidence is the same as now."""
        again = self._again(consent, subject, evidence)
        if again:
            return again
        consent.check_in_force(at)
        handle = self.people.handle(subject, consent.recipient.id)
        type_: EventType = "consent.renewed" if renews else "consent.given"
        payload = given_payload(consent, evidence)
        noted = self.ledger.event(type_, handle, payload, at=at, about=consent.id, consent=renews or consent.id)
        sealed = {
            "record": consent.to_bytes().decode(),
            "evidence": to_base64url(evidence),
            "blinding": to_base64url(noted.blinding),
        }
        row = ConsentRow(
            id=consent.id,
            handle=handle,
            state=State.GIVEN,
            at=at,
            until=consent.until,
            due=consent.since if consent.provision.cycle and consent.road == "portal" else None,
            sealed=self.people.seal(handle, sealed, "consent", consent.id),
        )
        try:
            seq = self.people.store.give(subject, row, noted.happened, renews)
        except AlreadyUsed:  # the same call at the same time
            return self._again(consent, subject, evidence) or _other()
        logged = self.ledger.logged(seq, noted.blinding)
        return Given(consent=consent, state=State.GIVEN, at=at, evidence=evidence, logged=logged)

    def opened(self, consent_id: str) -> Opened:
        """That consent, whosoever it is; ``consent.required``."""
        row = self.people.store.consent(consent_id)
        try:
            if row is not None and row.state is not State.ERASED:
                subject, _ = self.people.meant(row.handle)
                return self._opened(row, subject)
        except NotFound:  # its keys are gone: what is there came back from a backup
            pass
        raise ConsentError("consent.required", "no consent of that identifier")

    def own(self, consent_id: str, subject: str) -> Opened:
        """That consent of that person; :class:`NotFound` for anybody else's, as for none, and the attempt is logged."""
        row = self.people.store.consent(consent_id)
        if row is None or row.handle not in {slot.handle for slot in self.people.slots(subject)}:
            if row is not None:
                _LOG.warning("consent %s: asked for by somebody who did not give it", row.id[:16])
            raise NotFound("storage.not_found", "no consent of that identifier is this person's")
        return self._opened(row, subject)

    def given(self, consent_id: str, subject: str) -> Given:
        """As :meth:`own`, with the proof that it is on record."""
        opened = self.own(consent_id, subject)
        return self._given(opened, self.ledger.logged(opened.row.seq, opened.blinding))

    def all(self, subject: str) -> Iterator[Given]:
        """A person's consents, recipient by recipient."""
        rows = [row for slot in self.people.slots(subject) for row in self.people.store.consents(slot.handle)]
        checkpoint = self.ledger.log.checkpoint()  # after them, so that it has them all
        for row in rows:
            opened = self._opened(row, subject)
            yield self._given(opened, self.ledger.logged(row.seq, opened.blinding, checkpoint))

    def end(self, opened: Opened, state: State, type_: EventType, at: datetime, *, tell: bool) -> bool:
        """Let it be in that state, with an entry, and a message to its recipient; whether it was not before."""
        consent = opened.consent
        payload = said(consent=consent.digest)
        noted = self.ledger.event(type_, opened.row.handle, payload, at=at, about=consent.id, consent=consent.id)
        told = self.message(type_, consent.recipient.id, at, consent.id) if tell else None
        return self.people.store.end(consent.id, state, noted.happened, told)

    def message(self, about: str, recipient: str, at: datetime, consent_id: str = "") -> Message:
        """Something to tell a recipient."""
        id_ = new_handle(self.people.random)
        return Message(id=id_, recipient=recipient, about=about, consent=consent_id, at=at)

    def _again(self, consent: Consent, subject: str, evidence: bytes) -> Given | None:
        row = self.people.store.consent(consent.id)
        if row is None:
            return None
        opened = self.own(consent.id, subject)
        if opened.consent != consent or opened.evidence != evidence:
            _other()
        return self._given(opened, self.ledger.logged(row.seq, opened.blinding))

    def _given(self, opened: Opened, logged: Logged) -> Given:
        row = opened.row
        return Given(consent=opened.consent, state=row.state, at=row.at, evidence=opened.evidence, logged=logged)

    def _opened(self, row: ConsentRow, subject: str) -> Opened:
        found = self.people.unseal(row.handle, row.sealed, "consent", row.id)
        return Opened(
            row=row,
            subject=subject,
            consent=Consent.parse(member(found, "record", str)),
            evidence=base64url(member(found, "evidence", str), "evidence"),
            blinding=base64url(member(found, "blinding", str), "blinding"),
        )


def given_payload(consent: Consent, evidence: bytes) -> bytes:
    """What the log commits to when a consent is given or renewed: its digest, and that of what proves it."""
    return said(consent=consent.digest, evidence=to_base64url(sha256(evidence).digest()))


def check_proposed(consent: Consent, bundle: Bundle, catalog: Catalog, recipient: Recipient) -> None:
    """Return if it is, word for word, what would be proposed for what was chosen; ``consent.scope``.

    What came back from a wallet is compared with what was sent to it by its identifier alone; here is why that is
    enough.
    """
    if consent.recipient != recipient.party:
        raise ConsentError("consent.scope", "a consent that calls its recipient otherwise than it is registered")
    consenting.check_proposed(consent, bundle, catalog)


def check_renews(former: Consent, consent: Consent) -> None:
    """Return if one may take the place of the other: the same to the same, for longer; ``consent.scope``."""
    same = ("bundle_id", "recipient", "items", "road", "acting")
    if any(getattr(former, name) != getattr(consent, name) for name in same) or consent.id == former.id:
        raise ConsentError("consent.scope", "a renewal of another consent")


def _other() -> NoReturn:
    raise AlreadyUsed("storage.already_used", "another consent was given under that identifier")
