"""What is provided under a consent: members issued fresh, their package on record, and a notice to the person.

Once, or once in each cycle. Whoever got no answer asks again and gets the same package, as long as its members hold.
Members that were issued, and then not provided because of a crash, are believed by nobody, for the log does not have
them; they are over in a day, and revoked with the consent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from ewallet.catalog import Bundle, CredentialType
from ewallet.consent import ConsentItem
from ewallet.credential import Claims
from ewallet.errors import AlreadyUsed, ConsentError, NotFound, ProtocolError, Restricted
from ewallet.history import new_handle
from ewallet.issuer import MEMBER_LIFE, IssuedMember, Issuer
from ewallet.mydata import terms
from ewallet.mydata.consents import Consents, Opened
from ewallet.mydata.ledger import said
from ewallet.mydata.notices import of_consent, sealed_notice
from ewallet.mydata.store import Message, PackageRow
from ewallet.package import Package, payload_of
from ewallet.recipients import Recipient, Recipients
from ewallet.records import Pending, Records
from ewallet.resident_number import check_provided
from ewallet.shape import Json, base64url, member, strings, to_base64url
from ewallet.trace import Happened
from ewallet.trust import TrustList


@dataclass(frozen=True, kw_only=True)
class Registers:
    """What agencies have on people, who is registered to receive it, and who may have resident numbers."""

    records: Records
    recipients: Recipients
    trust: TrustList


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A member that could not be provided: where the certificate is to be had, and for how much (KRW, by channel)."""

    type_id: str
    names: Mapping[str, str]
    agencies: Mapping[str, str]
    fee: Mapping[str, int | None]
    pending: bool = False

    @classmethod
    def of(cls, kind: CredentialType, *, pending: bool = False) -> Missing:
        """Of that kind; ``pending`` where its record is only not ready yet."""
        return cls(type_id=kind.id, names=kind.names, agencies=kind.agencies, fee=kind.fee, pending=pending)

    def to_json(self) -> dict[str, Json]:
        """As a recipient is told."""
        about: dict[str, Json] = {"type": self.type_id, "name": dict(self.names), "agency": dict(self.agencies)}
        return about | {"fee": dict(self.fee), "pending": self.pending}


class MembersMissing(NotFound):
    """Nothing was provided, for members that the bundle needs have no record; ``missing`` names them."""

    def __init__(self, missing: tuple[Missing, ...]) -> None:
        names = ", ".join(each.type_id for each in missing)
        super().__init__("storage.not_found", f"there is no record for: {names}")
        self.missing = missing
        self.extensions = {"missing": [each.to_json() for each in missing]}


#: Why nothing is provided: what the person is shown as an attempt.
Refusal = ConsentError | ProtocolError | MembersMissing | AlreadyUsed


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who wants the package of which cycle, and the thumbprint of their key that it is for."""

    recipient: Recipient
    cycle: int
    key: str
    at: datetime


@dataclass(frozen=True)
class Providing:
    """Provides."""

    issuer: Issuer
    registers: Registers
    consents: Consents

    def check(self, opened: Opened, recipient_id: str, at: datetime) -> Recipient:
        """The recipient, if it may be provided with what was consented to, now.

        Raises ``consent.recipient``, ``consent.*`` as :meth:`Opened.check_given`, ``consent.scope`` for a consent to
        show from the wallet, ``access.forbidden``, ``request.no_legal_basis``.
        """
        consent = opened.consent
        if consent.recipient.id != recipient_id:
            raise ConsentError("consent.recipient", "the consent names another recipient")
        opened.check_given(at)
        if consent.road != "portal":
            raise ConsentError("consent.scope", "a consent to what the holder shows, not to what agencies provide")
        return self.registered(recipient_id, self.issuer.catalog.bundle(consent.bundle_id), consent.items, at)

    def registered(self, recipient_id: str, bundle: Bundle, items: Iterable[ConsentItem], at: datetime) -> Recipient:
        """The recipient, if it is registered for that bundle; ``access.forbidden``, ``request.no_legal_basis``."""
        try:
            recipient = self.registers.recipients.recipient(recipient_id)
        except NotFound:
            _forbidden()
        recipient.check(bundle, at)
        asked = ((self.issuer.catalog.type(item.type_id), item.claims) for item in items)
        check_provided(asked, self.registers.trust.rrn_legal_basis(recipient_id, at))
        return recipient

    def provide(self, opened: Opened, asked: Asked, message: Message | None = None) -> Package:
        """The package of that cycle: the one that was provided, or a fresh one; a :data:`Refusal`.

        With a message it is provided unasked: where the cycle has something, that is not done again. What nobody has
        fetched is made anew for whoever comes when it is over, or with another key.
        """
        store = self.consents.people.store
        kept = store.package(opened.consent.id, asked.cycle)
        if kept and (message or not self._is_lapsed(opened, kept, asked)):
            return self._again(opened, kept, asked, unasked=message is not None)
        members = self._members(opened, asked)
        try:
            return self._put(opened, asked, tuple(each.credential for each in members), message)
        except (AlreadyUsed, NotFound) as exc:
            self.revoke(members, "not provided")
            kept = store.package(opened.consent.id, asked.cycle)
            if kept and isinstance(exc, AlreadyUsed):
                return self._again(opened, kept, asked, unasked=message is not None)
            self.consents.opened(opened.consent.id).check_given(asked.at)
            raise ConsentError("consent.withdrawn", "the consent was withdrawn just now") from None

    def revoke(self, members: Iterable[IssuedMember], reason: str) -> None:
        """Revoke what nobody is to believe any more."""
        for each in members:
            self.issuer.revoke(each.certificate.id, reason=reason)

    def revoke_all(self, consent_id: str) -> None:
        """Revoke whatever was ever issued under a consent; again is allowed."""
        for certificate in self.issuer.certificates(consent_id):
            self.issuer.revoke(certificate.id, reason="the consent was withdrawn")

    def refusal(self, opened: Opened, recipient_id: str, code: str, at: datetime) -> Happened:
        """That somebody asked, and why nothing was provided."""
        payload = said(consent=opened.consent.digest, code=code, recipient=recipient_id)
        id_, ledger = opened.consent.id, self.consents.ledger
        noted = ledger.event(
            "package.downloaded", opened.row.handle, payload, at=at, about=id_, consent=id_, outcome="refused"
        )
        return noted.happened

    def _members(self, opened: Opened, asked: Asked) -> list[IssuedMember]:
        return [
            self.issuer.issue_member(type_id, claims, subject=opened.consent.id, consent=opened.consent, key=asked.key)
            for type_id, claims in self._records(opened).items()
        ]

    def _records(self, opened: Opened) -> Mapping[str, Claims]:
        """The record of each kind that there is; those that the bundle needs, there must be."""
        bundle = self.issuer.catalog.bundle(opened.consent.bundle_id)
        found: dict[str, Claims] = {}
        missing = []
        for item in opened.consent.items:
            record = self._record(opened.subject, item.type_id)
            if isinstance(record, Missing):
                missing.append(record)
            else:
                found[item.type_id] = record
        needed = tuple(each for each in missing if _is_needed(bundle, each.type_id))
        if needed or not found:
            raise MembersMissing(needed or tuple(missing))
        return found

    def _record(self, subject: str, type_id: str) -> Claims | Missing:
        kind = self.issuer.catalog.type(type_id)
        try:
            record = self.registers.records.claims(subject, type_id)
        except (NotFound, Restricted):  # why an agency does not provide it is never said
            return Missing.of(kind)
        return Missing.of(kind, pending=True) if isinstance(record, Pending) else record

    def _put(self, opened: Opened, asked: Asked, members: tuple[str, ...], message: Message | None) -> Package:
        consent, people = opened.consent, self.consents.people
        id_, handle = new_handle(people.random), opened.row.handle
        payload = payload_of(consent, members)
        noted = self.consents.ledger.event(
            "package.downloaded", handle, payload, at=asked.at, about=id_, consent=consent.id
        )
        sealed = {"members": list(members), "blinding": to_base64url(noted.blinding), "key": asked.key}
        row = PackageRow(
            id=id_,
            consent=consent.id,
            cycle=asked.cycle,
            until=min(asked.at + MEMBER_LIFE, consent.until),
            sealed=people.seal(handle, sealed, "package", id_),
        )
        told = sealed_notice(people, handle, id_, of_consent(consent, self.issuer.catalog, asked.at))
        due = terms.due_after(consent, asked.cycle)
        seq = people.store.provide(row, told, noted.happened, due=due, message=message, anew=message is None)
        return Package(consent=consent, members=members, logged=self.consents.ledger.logged(seq, noted.blinding))

    def _again(self, opened: Opened, kept: PackageRow, asked: Asked, *, unasked: bool) -> Package:
        """What was provided before, to the same key, while its members hold; it waits no more."""
        found = self._opened(opened, kept)
        if unasked or not _holds(found, kept, asked):
            raise AlreadyUsed("storage.already_used", "it was provided before, and is not provided again")
        store = self.consents.people.store
        if store.is_waiting(opened.consent.id):
            store.collect(opened.consent.id)
        logged = self.consents.ledger.logged(kept.seq, base64url(member(found, "blinding", str), "blinding"))
        return Package(consent=opened.consent, members=strings(found.get("members"), "members"), logged=logged)

    def _is_lapsed(self, opened: Opened, kept: PackageRow, asked: Asked) -> bool:
        """Whether it was made ready for somebody who never fetched it, and is of no use to whoever asks now."""
        waiting = self.consents.people.store.is_waiting(opened.consent.id)
        return waiting and not _holds(self._opened(opened, kept), kept, asked)

    def _opened(self, opened: Opened, kept: PackageRow) -> Mapping[str, Json]:
        return self.consents.people.unseal(opened.row.handle, kept.sealed, "package", kept.id)


def _holds(found: Mapping[str, Json], kept: PackageRow, asked: Asked) -> bool:
    return asked.at < kept.until and member(found, "key", str) == asked.key


def _is_needed(bundle: Bundle, type_id: str) -> bool:
    """Whether the service does not go without it: it is required, or was chosen of several of which one has to be."""
    item = bundle.item(type_id)
    return item is None or item.required or any(type_id in set_ for set_ in bundle.one_of)


def _forbidden() -> NoReturn:
    detail = "nobody is registered as a recipient under that identifier"
    raise ProtocolError("access.forbidden", detail, error="access_denied", status=403) from None
