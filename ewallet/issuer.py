"""The issuer: certificates signed into a holder's keys, and their status for as long as they live.

What is about to be signed is on record before the key is used, so that anything the key ever signed can be revoked:
even what a crash kept from being delivered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, Protocol, TypedDict

from ewallet import status
from ewallet.catalog import Catalog, CredentialType
from ewallet.catalog.kinds import KST
from ewallet.catalog.person import CLAIM
from ewallet.consent import Consent
from ewallet.credential import Claims, Draft, Path, StatusRef, Validity
from ewallet.documents import Documents, DocumentStore, Entry
from ewallet.env import Env, Random
from ewallet.errors import Malformed, UsageError
from ewallet.formats import FORMATS, Format, ToSign, lean, member, paper
from ewallet.formats.member import MemberDraft
from ewallet.formats.paper import Sheet
from ewallet.intents import Carrier, Certificate, Intents, IntentStore
from ewallet.keys import PublicKey, Signer
from ewallet.order import Order
from ewallet.provision import provided
from ewallet.shape import base64url, certificate, to_base64url
from ewallet.sheet import sheet
from ewallet.status import Status, StatusList
from ewallet.subject import placed

MAX_COPIES: Final = 10  # of one certificate: what a wallet uses up in a few weeks
PAGE: Final = 50  # certificates in a listing
MAX_PAGE: Final = 200
LIST_SIZE: Final = 1 << 20  # entries; shared by all kinds and holders, so that an index says nothing
MEMBER_LIFE: Final = timedelta(days=1)  # to fetch and judge a member; what is kept longer is the recipient's record
_BITS: Final = 2  # valid, revoked, suspended
_DECOYS: Final = 8  # the number of digests is a multiple of it, so that it does not tell how much is recorded
_TOKEN_LIFE: Final = timedelta(hours=24)
TOKEN_TTL: Final = timedelta(minutes=1)  # a revocation is to be seen within a minute
_UNDECIDED: Final = timedelta(seconds=60)  # an intent this old belongs to a process that is gone
_ROUNDED_FROM: Final = timedelta(days=2)  # shorter validities are kept exact
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR: Final = re.compile(rb"(?s:(.{8}))([A-Za-z0-9_-]{1,64})")  # microseconds and the id


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A page of certificates; ``next`` is the cursor of the page after it, if there is one."""

    certificates: tuple[Certificate, ...]
    next: str | None = None


class IssuerStore(IntentStore, DocumentStore, Protocol):
    """What an issuer must not forget. Every method is one transaction, on disk when it returns."""

    def complete(
        self, certificate_id: str, order: Order | None = None, sealed: bytes = b"", document: Entry | None = None
    ) -> None:
        """The copies of that certificate are signed, and that is what is kept for whoever places the order again.

        With it, what may be asked about the document, and the trace of the order.

        :class:`NotFound` where the intent has been given up, or the data of the person who leaves a trace.
        """

    def void(self, before: datetime) -> int:
        """Give up the intents older than that, their entries burnt; how many."""

    def certificates(
        self, subject: str, *, after: tuple[datetime, str] | None = None, limit: int | None = None
    ) -> tuple[Certificate, ...]:
        """What was issued to a subject, the newest first; the first of those after that time of issue and id."""

    def set_status(self, certificate_id: str, value: Status, reason: str, at: datetime) -> None:
        """Change the status of all copies, and keep the reason; :class:`NotFound`, ``status.transition``."""

    def statuses(self, uri: str) -> tuple[int, Mapping[int, Status]]:
        """The size of a list and its entries that are not valid; :class:`NotFound`."""

    def status_lists(self) -> tuple[str, ...]:
        """The uris of all lists, in the order of their numbers."""

    def status_changes(self) -> int:
        """A number that is another after every change of any status."""


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate and its copies, one for each holder's key, in the order of the keys."""

    certificate: Certificate
    credentials: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class IssuedPaper:
    """A certificate of paper: the credential that is attached to its file, and the code that is drawn on its page."""

    certificate: Certificate
    credential: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class IssuedMember:
    """A member of a package, and the certificate by which it is revoked."""

    certificate: Certificate
    credential: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A certificate that can be issued: its copies but for their status entries, and who signs them."""

    certificate: Certificate
    drafts: tuple[Draft, ...] = field(repr=False)
    format: Format
    signer: Signer = field(repr=False)
    document: Entry | None = field(repr=False)

    def copy(self, number: int, ref: StatusRef, random: Random) -> ToSign:
        """That copy with that entry, to be recorded and then signed."""
        return self.format.prepare(replace(self.drafts[number], status=ref), self.signer, random)


class _Said(TypedDict):
    """What a status list token says beside the list."""

    uri: str
    at: datetime
    until: datetime
    ttl: timedelta


class Issuer:
    """Issues, revokes, suspends and resumes certificates of the kinds in a catalogue.

    ``identifier`` is its https URL; ``signers`` has a signer for each national system
    (:attr:`ewallet.catalog.kinds.CredentialType.system`), ``status_signer`` signs the status lists of them all.
    ``documents`` answers whether a document with a number was issued.
    """

    def __init__(
        self,
        identifier: str,
        *,
        signers: Mapping[str, Signer],
        status_signer: Signer,
        catalog: Catalog,
        store: IssuerStore,
        env: Env | None = None,
        list_size: int = LIST_SIZE,
        decoys: int = _DECOYS,
    ) -> None:
        self.identifier = identifier
        self.catalog = catalog
        self.documents = Documents(store, env=env)
        self._signers = dict(signers)
        self._status_signer = status_signer
        self._store = store
        self._env = env or Env()
        self._intents = Intents(store=store, identifier=identifier, size=list_size, random=self._env.random)
        self._decoys = decoys

    def issue(
        self,
        type_id: str,
        claims: Claims,
        *,
        subject: str,
        holders: Sequence[PublicKey],
        format_id: str = "dc+sd-jwt",
        order: Order | None = None,
        references: Mapping[str, str] | None = None,
    ) -> Issued:
        """A certificate of that kind, one copy for each key, each with its own salts and status entry.

        ``claims`` is a whole record of the kind; yes/no claims are added. ``subject`` is the issuer's own handle for
        the person and never leaves it; ``references`` (:mod:`ewallet.subject`) are by thumbprint of the key, and are
        put into kinds about a person only. Raises ``issue.*`` before anything is recorded, ``usage.*``; with an order,
        :class:`ewallet.order.RepeatedError` where it was carried out before.
        """
        plan = self.plan(type_id, claims, subject=subject, holders=holders, format_id=format_id, references=references)
        issued = plan.certificate
        copies = self._intents.record(
            issued,
            len(plan.drafts),
            lambda refs: [plan.copy(number, ref, self._env.random) for number, ref in enumerate(refs)],
            order,
        )
        credentials = tuple(copy.complete(plan.signer.sign(copy.data)) for copy in copies)
        self._store.complete(issued.id, order, order.seal(issued.id, credentials) if order else b"", plan.document)
        return Issued(certificate=issued, credentials=credentials)

    def plan(
        self,
        type_id: str,
        claims: Claims,
        *,
        subject: str,
        holders: Sequence[PublicKey],
        format_id: str = "dc+sd-jwt",
        references: Mapping[str, str] | None = None,
    ) -> Plan:
        """What :meth:`issue` would issue, checked as it does and not recorded; ``issue.*``, ``usage.*``."""
        type_, format_ = self.catalog.type(type_id), _format(format_id)
        format_type = format_.type_id(type_)
        if format_type is None:
            raise UsageError("usage.argument", f"{type_id} has no form in {format_id}")
        record = type_.issuable(claims, alone=lambda path: format_.path(type_, path) is not None)
        type_.check(record, self._env.now())
        _check_holders(holders)
        issued, validity = self._certificate(type_, subject)
        draft = Draft(
            type_id=format_type,
            issuer=self.identifier,
            claims=format_.arrange(type_, type_.answered(record, issued.issued)),
            validity=validity,
            disclosable=type_.disclosable,
            decoys=self._decoys,
        )
        signer, document = self._signer(type_, issued.until), self.documents.entry(type_, record, issued.issued)
        place = format_.path(type_, CLAIM.path) if type_.is_about_person else None
        drafts = tuple(_bound(draft, key, place, (references or {}).get(key.thumbprint)) for key in holders)
        return Plan(certificate=issued, drafts=drafts, format=format_, signer=signer, document=document)

    def entries(self, count: int) -> tuple[StatusRef, ...]:
        """Entries for copies, drawn at random; that nobody has them is seen when they are recorded."""
        return self._intents.entries(count)

    def issue_paper(
        self,
        type_id: str,
        claims: Claims,
        *,
        subject: str,
        recipient: str,
        purpose: str,
        printed: AbstractSet[str] | None = None,
    ) -> IssuedPaper:
        """A certificate of that kind to be printed, made for one recipient and purpose; it has no holder's key.

        ``claims`` is a whole record; ``printed`` are the names of those that are to stand on the page, None for all.
        Resident registration numbers never do. Raises ``issue.*`` before anything is recorded, ``usage.*``.
        """
        type_ = self.catalog.type(type_id)
        record = type_.issuable(claims)
        type_.check(record, self._env.now())
        issued, validity = self._certificate(type_, subject, "paper")
        signer = self._signer(type_, issued.until)
        made = sheet(
            type_,
            record,
            printed=printed,
            issuer=self.identifier,
            number=issued.id,
            recipient=recipient,
            purpose=purpose,
            validity=validity,
        )
        document = self.documents.entry(type_, record, issued.issued)
        copies = self._intents.record(issued, 2, lambda refs: _sheet_copies(made, refs, signer))
        credential, code = (copy.complete(signer.sign(copy.data)) for copy in copies)
        self._store.complete(issued.id, document=document)
        return IssuedPaper(certificate=issued, credential=credential, code=code)

    def issue_member(
        self, type_id: str, claims: Claims, *, subject: str, consent: Consent, key: str, life: timedelta = MEMBER_LIFE
    ) -> IssuedMember:
        """What a consent covers of a record of that kind, for its recipient and the key with that thumbprint alone.

        Every question of the consent is answered as of now; one that the record does not answer is left out. It holds
        for ``life``, and no longer than the consent. Raises ``issue.*`` before anything is recorded, ``consent.scope``,
        ``usage.*``.
        """
        type_ = self.catalog.type(type_id)
        record = type_.issuable(claims)
        type_.check(record, self._env.now())
        made, _ = self._certificate(type_, subject, "package")
        issued = replace(made, until=min(made.issued + life, consent.until))
        signer = self._signer(type_, issued.until)
        draft = MemberDraft(
            type_id=type_.vct,
            issuer=self.identifier,
            recipient=consent.recipient.id,
            key=key,
            consent=consent.digest,
            claims=provided(type_, record, consent, issued.issued),
            issued=issued.issued,
            until=issued.until,
        )
        (copy,) = self._intents.record(issued, 1, lambda refs: [member.prepare(draft, refs[0], signer)])
        credential = copy.complete(signer.sign(copy.data))
        self._store.complete(issued.id)
        return IssuedMember(certificate=issued, credential=credential)

    def signer(self, type_id: str) -> Signer:
        """Who signs certificates of that kind, and seals the files that they are printed from; ``usage.*``."""
        return self._signer(self.catalog.type(type_id), self._env.now())

    @property
    def algorithms(self) -> Mapping[str, str]:
        """The algorithm of each national system's signer."""
        return {system: signer.public.alg for system, signer in self._signers.items()}

    @property
    def metadata_signer(self) -> Signer:
        """Signs what the issuer says about itself: the first signer by the name of its national system."""
        return self._signers[min(self._signers)]

    def certificates(self, subject: str) -> tuple[Certificate, ...]:
        """What was issued to a subject, the newest first."""
        return self._store.certificates(subject)

    def listing(self, subject: str, *, cursor: str | None = None, limit: int = PAGE) -> Listing:
        """One page of the same; the first, or the one that a cursor leads to. ``usage.argument``.

        What is issued meanwhile moves nothing: no certificate is on two pages, and none of those there were is missing.
        """
        if not 0 < limit <= MAX_PAGE:
            raise UsageError("usage.argument", f"a page of {limit}, expected 1 to {MAX_PAGE}")
        after = None if cursor is None else _read_cursor(cursor)
        found = self._store.certificates(subject, after=after, limit=limit + 1)
        return Listing(certificates=found[:limit], next=_cursor(found[limit - 1]) if len(found) > limit else None)

    def revoke(self, certificate_id: str, *, reason: str) -> None:
        """End a certificate, all its copies, for good; again is allowed. :class:`ewallet.errors.NotFound`."""
        self._store.set_status(certificate_id, Status.REVOKED, reason, self._env.now())

    def suspend(self, certificate_id: str, *, reason: str) -> None:
        """Stop a certificate until it is resumed; ``status.transition`` if it is revoked."""
        self._store.set_status(certificate_id, Status.SUSPENDED, reason, self._env.now())

    def resume(self, certificate_id: str, *, reason: str) -> None:
        """Make a suspended certificate valid again; ``status.transition`` if it is revoked."""
        self._store.set_status(certificate_id, Status.VALID, reason, self._env.now())

    def status_token(self, uri: str) -> str:
        """The signed status list of that uri as it stands now; :class:`ewallet.errors.NotFound`."""
        return status.sign(self._statuses(uri), **self._said_of(uri), signer=self._status_signer)

    def status_cwt(self, uri: str) -> bytes:
        """The same as a CWT, for those who read CBOR anyway."""
        return status.sign_cwt(self._statuses(uri), **self._said_of(uri), signer=self._status_signer)

    def _statuses(self, uri: str) -> StatusList:
        size, statuses = self._store.statuses(uri)
        entries = StatusList.empty(size, bits=_BITS)
        for index, value in statuses.items():
            entries[index] = value
        return entries

    def _said_of(self, uri: str) -> _Said:
        at = self._env.now()
        return {"uri": uri, "at": at, "until": at + _TOKEN_LIFE, "ttl": TOKEN_TTL}

    def status_lists(self) -> tuple[str, ...]:
        """The uris of all status lists."""
        return self._store.status_lists()

    def status_changes(self) -> int:
        """A number that is another after every change of any status: what was signed before it is out of date."""
        return self._store.status_changes()

    def recover(self) -> int:
        """At start: give up what an earlier process left undecided, its status entries burnt; how many copies."""
        return self._store.void(self._env.now() - _UNDECIDED)

    def _certificate(
        self, type_: CredentialType, subject: str, carrier: Carrier = "wallet"
    ) -> tuple[Certificate, Validity]:
        """The record of what is about to be issued, and from when until when it holds."""
        at = self._env.now()
        validity = _validity(type_, at)
        id_ = to_base64url(self._env.random(16))
        until = validity.until or at
        made = Certificate(id=id_, type_id=type_.id, subject=subject, issued=at, until=until, carrier=carrier)
        return made, validity

    def _signer(self, type_: CredentialType, until: datetime) -> Signer:
        """The signer of the kind's national system, whose certificate must outlive what it signs."""
        signer = self._signers.get(type_.system)
        if signer is None:
            raise UsageError("usage.configuration", f"no signer for the national system {type_.system}")
        if signer.chain and _expiry(signer.chain[0]) < until:
            raise UsageError("usage.configuration", f"the signer for {type_.system} expires before what it would sign")
        return signer


def _sheet_copies(made: Sheet, refs: Sequence[StatusRef], signer: Signer) -> tuple[ToSign, ToSign]:
    """The credential and the code of a sheet; each has an entry of its own."""
    whole = paper.prepare(made, refs[0], signer)
    return whole, lean.prepare(made, paper.digest(whole.data), refs[1], signer)


def _bound(draft: Draft, key: PublicKey, place: Path | None, reference: str | None) -> Draft:
    """The draft of a copy for that key, with its reference if it has one."""
    claims = placed(draft.claims, place, reference) if place and reference else draft.claims
    return replace(draft, holder=key, claims=claims)


def _cursor(last: Certificate) -> str:
    micros = (last.issued - _EPOCH) // timedelta(microseconds=1)
    return to_base64url(micros.to_bytes(8, "big") + last.id.encode())


def _read_cursor(text: str) -> tuple[datetime, str]:
    try:
        found = _CURSOR.fullmatch(base64url(text, "the cursor"))
        if found:
            return _EPOCH + timedelta(microseconds=int.from_bytes(found[1], "big")), found[2].decode("ascii")
    except (Malformed, OverflowError):
        pass
    raise UsageError("usage.argument", "a cursor that is none of ours")


@cache
def _expiry(raw: bytes) -> datetime:
    """The end of a signer's certificate, of which there are few."""
    return certificate(raw).not_valid_after_utc


def _format(id_: str) -> Format:
    if id_ not in FORMATS:
        raise UsageError("usage.argument", f"no format of that identifier, expected one of {', '.join(FORMATS)}")
    return FORMATS[id_]


def _check_holders(holders: Sequence[PublicKey]) -> None:
    if not 0 < len(holders) <= MAX_COPIES:
        raise UsageError("usage.argument", f"{len(holders)} keys, expected 1 to {MAX_COPIES}")
    if len({key.thumbprint for key in holders}) < len(holders):
        raise UsageError("usage.argument", "the same key twice, expected another for each copy")


def _validity(type_: CredentialType, at: datetime) -> Validity:
    """From the start of the day in Korea, for as long as the kind holds: the same for everybody that day."""
    life = timedelta(days=type_.validity_days)
    since = at.astimezone(KST).replace(hour=0, minute=0, second=0, microsecond=0) if life >= _ROUNDED_FROM else at
    return Validity(since.astimezone(UTC), (since + life).astimezone(UTC))
