"""The role: what a portal does with people's consents, in verbs that each have one effect."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ewallet.acting import Proxy
from ewallet.catalog.claims import Pattern
from ewallet.catalog.kinds import KST
from ewallet.consent import Choice, Consent, Road
from ewallet.env import Env
from ewallet.errors import (
    AlreadyUsed,
    ConsentError,
    EWalletError,
    Language,
    NotFound,
    ProtocolError,
    StoreError,
    UsageError,
)
from ewallet.history import Log, new_handle
from ewallet.issuer import Issuer
from ewallet.mydata import terms
from ewallet.mydata.consents import Consents, Given, Opened, check_proposed, check_renews
from ewallet.mydata.erasure import Deletion, Erased, Erasing
from ewallet.mydata.exports import EXPORTERS, Exported, Exporter, Own, listed, notices_of
from ewallet.mydata.ledger import Ledger, Past, said
from ewallet.mydata.notices import Look, Notice, Seen, notices, sealed_notice
from ewallet.mydata.people import People
from ewallet.mydata.providing import Asked, MembersMissing, Missing, Providing, Refusal, Registers
from ewallet.mydata.store import READY, ConsentRow, Message, MyDataStore, State
from ewallet.mydata.taking import Provided, Taking
from ewallet.package import Package
from ewallet.receipt.taken import Expected
from ewallet.recipients import OWN
from ewallet.shape import Json
from ewallet.trace import Trace
from ewallet.vault import Vault

_LOG: Final = logging.getLogger("ewallet")
_PAGE: Final = 100  # standing consents that are looked up at once
_REFUSALS: Final = (ConsentError, ProtocolError, MembersMissing, AlreadyUsed)
_DELETION: Final = Deletion()
_NOTHING: Final[Mapping[str, Iterable[Pattern]]] = {}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What became of a standing consent in one cycle: its package, or the code of what was in the way."""

    consent_id: str
    cycle: int
    package: Package | None = None
    code: str = ""


class MyData:
    """Keeps consents, and provides under them what agencies have, each time on record and with a notice.

    ``vault`` seals what is kept in ``store``, whose log ``log`` signs; ``exporters`` are formats of own data beside
    JSON and CSV.

    Three verbs end things, and none does the work of another: :meth:`withdraw` a consent, :meth:`erase` a person's
    data, and :meth:`ewallet.Issuer.revoke` a certificate. Errors: ``consent.*`` (no, not any more, not yet, not this),
    ``access.forbidden`` and ``request.no_legal_basis`` (this recipient may not), :class:`MembersMissing`,
    ``storage.already_used`` (it was provided), :class:`ewallet.errors.NotFound` for what is not this person's.
    """

    def __init__(
        self,
        issuer: Issuer,
        *,
        registers: Registers,
        vault: Vault,
        store: MyDataStore,
        log: Log,
        env: Env | None = None,
        deletion: Deletion = _DELETION,
        exporters: Mapping[str, Exporter] = EXPORTERS,
    ) -> None:
        self._env = env or Env()
        self._issuer = issuer
        self._records = registers.records
        self._store = store
        self._vault = vault
        self._people = People(vault, store, self._env.random)
        self._ledger = Ledger(self._people, log)
        self._consents = Consents(issuer.catalog, self._people, self._ledger)
        self._providing = Providing(issuer, registers, self._consents)
        self._taking = Taking(self._consents)
        self._erasing = Erasing(
            people=self._people,
            ledger=self._ledger,
            signer=deletion.signer or issuer.metadata_signer,
            issuer=issuer.identifier,
            terms=deletion,
        )
        self._exporters = {**EXPORTERS, **exporters}

    # -- consent -----------------------------------------------------------------------------------------------

    def propose(
        self,
        bundle_id: str,
        *,
        recipient: str,
        chosen: Collection[str] = (),
        days: int,
        lang: Language = "ko",
        road: Road = "portal",
        acting: Proxy | None = None,
    ) -> Consent:
        """A consent to read, and to sign as a transaction; nothing is kept of it yet.

        ``chosen`` are the optional members, ``acting`` whoever consents for the person. Raises ``usage.argument``,
        ``access.forbidden``, ``request.no_legal_basis``.
        """
        at, bundle = self._env.now(), self._issuer.catalog.bundle(bundle_id)
        choice = Choice(optional=frozenset(chosen), road=road, days=days, lang=lang)
        party = self._providing.registered(recipient, bundle, (), at)
        consent = self._consents.propose(bundle, choice, party, at=at, acting=acting)
        self._providing.registered(recipient, bundle, consent.items, at)
        return consent

    def give(self, consent: Consent, subject: str, *, evidence: bytes) -> Given:
        """Put a consent on record as given by that person, with an entry ``consent.given``; again is allowed.

        ``evidence`` is what proves it, such as the presentation whose key binding confirmed it: the caller has verified
        it. Raises ``consent.scope`` for a consent that was not proposed so, ``consent.expired``, as :meth:`propose`,
        ``storage.already_used`` for another one under its identifier, :class:`NotFound` of somebody who was forgotten.
        """
        return self._give(consent, subject, evidence)

    def renew(self, consent_id: str, consent: Consent, subject: str, *, evidence: bytes) -> Given:
        """As :meth:`give`, and it takes the place of one that is given: the same to the same (``consent.scope``)."""
        former = self._consents.own(consent_id, subject)
        check_renews(former.consent, consent)
        if self._store.consent(consent.id) is None:
            former.check_given(self._env.now())
        return self._give(consent, subject, evidence, consent_id)

    def withdraw(self, consent_id: str, subject: str) -> None:
        """Let nothing more be provided under a consent, revoke what was, and tell the recipient; again is allowed.

        What is kept about the person stays, and so do their own certificates. It is signed for at once, so that no
        backup forgets it (:class:`ewallet.history.Log`). :class:`NotFound`.
        """
        opened = self._consents.own(consent_id, subject)
        self._consents.end(opened, State.WITHDRAWN, "consent.withdrawn", self._env.now(), tell=True)
        if self._store.consent(consent_id) is not None:
            self._settle(opened)
        self._ledger.log.checkpoint()

    def fulfil(self, consent_id: str, *, recipient: str) -> None:
        """Its purpose is met, says its recipient: nothing more is provided. Signed for at once; ``consent.*``."""
        opened = self._consents.opened(consent_id)
        if opened.consent.recipient.id != recipient:
            refused = ConsentError("consent.recipient", "the consent names another recipient")
            self._record_refusal(opened, recipient, refused, self._env.now())
            raise refused
        self._consents.end(opened, State.FULFILLED, "consent.fulfilled", self._env.now(), tell=False)
        self._ledger.log.checkpoint()

    def stop(self, recipient: str, subject: str) -> int:
        """Let that recipient have nothing more under any consent given so far, and tell it; how many those were.

        What was provided before is not revoked, and a consent given later holds. Signed for as a withdrawal is.
        :class:`NotFound`.
        """
        at = self._env.now()
        handle = next((slot.handle for slot in self._people.slots(subject) if slot.party == recipient), None)
        if handle is None:
            raise NotFound("storage.not_found", "this person has given nothing to that recipient")
        noted = self._ledger.event("recipient.stopped", handle, said(recipient=recipient), at=at, about=handle)
        told = self._consents.message("recipient.stopped", recipient, at)
        stopped = self._store.stop(handle, noted.happened, told)
        self._ledger.log.checkpoint()
        return stopped

    def consent(self, consent_id: str, recipient: str) -> Consent:
        """A consent under which that recipient may be provided with something now; as :meth:`download`."""
        at, opened = self._env.now(), self._consents.opened(consent_id)
        try:
            self._providing.check(opened, recipient, at)
        except _REFUSALS as exc:
            self._record_refusal(opened, recipient, exc, at)
            raise
        return opened.consent

    def given(self, consent_id: str, subject: str) -> Given:
        """One consent of a person, with its proof; :class:`NotFound` of anybody else's, and the attempt is logged."""
        return self._consents.given(consent_id, subject)

    def consents(self, subject: str) -> tuple[Given, ...]:
        """All consents of a person, by recipient, each with its proof."""
        return tuple(self._consents.all(subject))

    # -- provision ---------------------------------------------------------------------------------------------

    def download(
        self,
        consent_id: str,
        *,
        recipient: str,
        key: str | None = None,
        asked: Mapping[str, Iterable[Pattern]] = _NOTHING,
    ) -> Package:
        """What was consented to, made for that recipient and one of its keys (by its thumbprint, else the first).

        Once, or once in a cycle; the same package again to the same key while its members hold. What was made ready in
        a cycle and never fetched is made anew where it is over, or is for another of the recipient's keys.

        ``asked`` are kinds and claims that the recipient believes to be in it (``consent.scope``). Whoever asks in vain
        is on record, too.
        """
        at = self._env.now()
        opened = self._consents.opened(consent_id)
        try:
            for type_id, paths in asked.items():
                opened.consent.check_covers(type_id, paths)
            return self._provided(opened, recipient, key, at)
        except _REFUSALS as exc:
            self._record_refusal(opened, recipient, exc, at)
            raise

    def receipted(self, consent_id: str, half: str, expected: Expected) -> int:
        """Keep what a recipient signed of what it was provided with: :meth:`Taking.keep`; ``consent.required``."""
        return self._taking.keep(self._consents.opened(consent_id), half, expected, self._env.now())

    def missing(self, package: Package) -> tuple[Missing, ...]:
        """The optional members that were consented to and could not be provided: where to get them."""
        found = {member.type_id for member in package.evidence()}
        kinds = (self._issuer.catalog.type(item.type_id) for item in package.consent.items)
        return tuple(Missing.of(kind) for kind in kinds if kind.vct not in found)

    def run_due(self) -> tuple[Run, ...]:
        """Provide under every standing consent that is due, once for its cycle, and tell the recipient.

        A cycle that was refused is on record and is not tried again; one that the network or a store failed is, and
        keeps no other one waiting. Of those who run at the same time, one provides each cycle and has its :class:`Run`.
        """
        runs, at, after = list[Run](), self._env.now(), ""
        while rows := self._store.due(at, _PAGE, after):
            runs += [run for row in rows if (run := self._run(row, at))]
            after = rows[-1].id
        return tuple(runs)

    def messages(self, recipient: str = "") -> tuple[Message, ...]:
        """What recipients, or one of them, are still to be told, the oldest hundred: :meth:`told` makes room."""
        return tuple(self._store.messages(recipient))

    def told(self, message_id: str) -> None:
        """They were; again is allowed."""
        self._store.told(message_id)

    # -- the person's own --------------------------------------------------------------------------------------

    def notices(self, subject: str) -> tuple[Notice, ...]:
        """A notice of every look at a person's data, the newest first."""
        return tuple(notices(self._people, subject))

    def provided(self, subject: str) -> tuple[Provided, ...]:
        """What was provided of a person, by recipient, each with what its recipient signed of it."""
        return tuple(self._taking.all(subject))

    def history(self, subject: str) -> tuple[Past, ...]:
        """Everything on record about a person, in order, each with its proof under the newest checkpoint."""
        found = self._ledger.pasts(self._people.slots(subject))
        return tuple(sorted(found, key=lambda past: past.entry.seq))

    def note(self, subject: str, seen: Seen, look: Look = "eligibility.answered") -> int:
        """Put a look at a person's data on record, with a notice, in one; its place in the log."""
        left = self.trace(subject, seen, look)
        return self._store.record(left.happened, notice=left.notice, subject=subject)

    def trace(self, subject: str, seen: Seen, look: Look = "eligibility.answered") -> Trace:
        """The same, for somebody else to put on record with what the look was for; :class:`NotFound` as :meth:`give`.

        The entry commits to what the notice says.
        """
        handle, id_ = self._people.handle(subject, seen.by.id), new_handle(self._env.random)
        told = said(by=seen.by.id, information=dict(seen.information), purposes=dict(seen.purposes))
        noted = self._ledger.event(look, handle, told, at=seen.at, about=id_)
        row = sealed_notice(self._people, handle, id_, seen)
        return Trace(subject=subject, happened=noted.happened, notice=row)

    def export(self, subject: str, format_id: str, *, kinds: Sequence[str] = (), lang: Language = "ko") -> Exported:
        """The person's own data as a file: records of these kinds, consents, notices. On record, without a notice.

        ``usage.argument`` for an unknown format or kind, ``usage.missing_extra``; kinds without a record are left out.
        """
        exporter = self._exporters.get(format_id)
        if exporter is None:
            raise UsageError("usage.argument", f"no such format, expected one of {', '.join(self._exporters)}")
        exporter.check()
        at = self._env.now()
        own = self._own(subject, kinds, lang, at)
        handle, id_ = self._people.handle(subject, OWN), new_handle(self._env.random)
        noted = self._ledger.event("data.exported", handle, said(format=format_id), at=at, about=id_)
        self._store.record(noted.happened, subject=subject)
        return exporter.export(replace(own, checkpoint=self._ledger.log.checkpoint()))

    def erase(self, subject: str) -> Erased:
        """Delete everything that is kept about a person, for good, and say so; again is allowed, and a crash too.

        It neither withdraws nor revokes: what was handed over stays with whoever has it.
        """
        self._settle_all()
        return self._erasing.erase(subject, self._env.now())

    def recover(self) -> int:
        """At start: go on with what an earlier process began, and destroy what a backup brought back; how much.

        Deletions to their end, withdrawals until everything is revoked, and keys of the deleted that are there again.
        ``log.*``, and nothing is done, where the log is not what was signed: a store from before knows of no withdrawal
        since.
        """
        self._ledger.log.check()
        finished = [erasure.id for erasure in self._store.erasures() if erasure.seq is not None]
        done = self._vault.forget([*self._store.tombstones(), *finished], self._env.now())
        done += self._settle_all()
        for erasure in self._store.erasures(open_only=True):
            with _alone(f"deletion {erasure.id}"):
                self._erasing.resume(erasure)
                done += 1
        if done:
            self._store.scrub()
        return done

    # -- within ------------------------------------------------------------------------------------------------

    def _give(self, consent: Consent, subject: str, evidence: bytes, renews: str = "") -> Given:
        at, catalog = self._env.now(), self._issuer.catalog
        bundle = catalog.bundle(consent.bundle_id)
        recipient = self._providing.registered(consent.recipient.id, bundle, consent.items, at)
        check_proposed(consent, bundle, catalog, recipient)
        return self._consents.give(consent, subject, evidence, at, renews)

    def _provided(self, opened: Opened, recipient: str, key: str | None, at: datetime) -> Package:
        registered = self._providing.check(opened, recipient, at)
        thumbprint = registered.key(key).thumbprint
        cycle = terms.cycle_at(opened.consent, at)
        asked = Asked(recipient=registered, cycle=cycle, key=thumbprint, at=at)
        return self._providing.provide(opened, asked)

    def _record_refusal(self, opened: Opened, recipient: str, exc: Refusal, at: datetime) -> None:
        with suppress(NotFound):  # whoever was forgotten meanwhile is told nothing
            refused = self._providing.refusal(opened, recipient, exc.code, at)
            self._store.record(refused, subject=opened.subject)

    def _run(self, row: ConsentRow, at: datetime) -> Run | None:
        try:
            opened = self._consents.opened(row.id)
        except ConsentError:  # forgotten, and back with a backup
            return None
        except StoreError as exc:
            return Run(consent_id=row.id, cycle=0, code=exc.code)
        cycle = terms.cycle_at(opened.consent, at)
        try:
            return self._unasked(opened, cycle, at)
        except EWalletError as exc:
            return Run(consent_id=row.id, cycle=cycle, code=exc.code)

    def _unasked(self, opened: Opened, cycle: int, at: datetime) -> Run | None:
        consent_id, recipient = opened.consent.id, opened.consent.recipient.id
        try:
            registered = self._providing.check(opened, recipient, at)
            asked = Asked(recipient=registered, cycle=cycle, key=registered.key().thumbprint, at=at)
            message = self._consents.message(READY, recipient, at, consent_id)
            return Run(consent_id=consent_id, cycle=cycle, package=self._providing.provide(opened, asked, message))
        except _REFUSALS as exc:
            return self._skipped(opened, cycle, exc, at)

    def _skipped(self, opened: Opened, cycle: int, exc: Refusal, at: datetime) -> Run | None:
        row = opened.row
        happened = self._providing.refusal(opened, opened.consent.recipient.id, exc.code, at)
        due = terms.due_after(opened.consent, cycle)
        skipped = row.due is not None and self._store.skip(row.id, row.due, due, happened)
        return Run(consent_id=row.id, cycle=cycle, code=exc.code) if skipped else None

    def _settle_all(self) -> int:
        """Go on with withdrawals, before what they are about is deleted."""
        done = 0
        for consent_id in self._store.unsettled():
            with _alone(f"withdrawal {consent_id}"):
                done += self._settled(consent_id)
        return done

    def _settled(self, consent_id: str) -> int:
        """Go on with a withdrawal; what was forgotten since needs no entry any more."""
        self._providing.revoke_all(consent_id)
        try:
            return int(self._settle(self._consents.opened(consent_id)))
        except EWalletError as exc:
            if exc.code != "consent.required":
                raise
            return int(self._store.settle(consent_id, ()))

    def _settle(self, opened: Opened) -> bool:
        """Revoke what was provided, and put on record that it is."""
        consent, at = opened.consent, self._env.now()
        self._providing.revoke_all(consent.id)
        handle, payload = opened.row.handle, said(consent=consent.digest)
        revoked = [
            self._ledger.event("package.revoked", handle, payload, at=at, about=row.id, consent=consent.id).happened
            for row in self._store.packages(consent.id)
        ]
        return self._store.settle(consent.id, revoked)

    def _own(self, subject: str, kinds: Sequence[str], lang: Language, at: datetime) -> Own:
        catalog = self._issuer.catalog
        found = [(catalog.type(type_id), self._record(subject, type_id)) for type_id in kinds]
        consents, told = listed(self.consents(subject), self.provided(subject)), notices_of(self.notices(subject))
        records = [(kind, record) for kind, record in found if record is not None]
        return Own(day=at.astimezone(KST).date(), records=records, consents=consents, notices=told, lang=lang)

    def _record(self, subject: str, type_id: str) -> Mapping[str, Json] | None:
        try:
            record = self._records.claims(subject, type_id)
        except (NotFound, ProtocolError):
            return None
        return record if isinstance(record, Mapping) else None


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """A damaged record keeps back what it is about, and nobody else: an operator reads of it."""
    try:
        yield
    except StoreError as exc:
        if exc.code != "storage.corrupt":
            raise
        _LOG.error("%s: %s", what, exc.code)
