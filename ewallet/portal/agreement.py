"""Consent on the portal road, signed by the person's own wallet: it shows an identity and confirms the consent with it.

The portal asks as any verifier does (:class:`ewallet.exchange.Exchange`), with the consent as the transaction
(:func:`ewallet.consent.consenting.transaction`). What proves the consent is then the portal's receipt of it, holder's
half and its own (:mod:`ewallet.receipt`). Whoever is signed in and whoever the wallet says must be one person: what is
shown of the identity is compared with what is on record of the one who is signed in.

A proposal waits ten minutes, for the person it was made to. Nobody else learns that there is one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from ewallet import history, jose
from ewallet.answer import Candidate, asked_claims
from ewallet.catalog import Bundle, Catalog
from ewallet.consent import Consent, consenting
from ewallet.credential import Credential, moment
from ewallet.dcql import CredentialSet, Query
from ewallet.env import Env
from ewallet.errors import ConsentError, NotFound, ProtocolError
from ewallet.exchange import Collected, Exchange, Expired, Waiting
from ewallet.formats import FORMATS
from ewallet.history import EventType, Log, new_handle
from ewallet.keys import Signer
from ewallet.mydata import Given, Past, Provided
from ewallet.oid4vp import AuthorizationRequest, VpToken
from ewallet.portal.role import Portal
from ewallet.receipt import WITHDRAWAL, Receipt
from ewallet.receipt.countersignature import Event, Later, Logged
from ewallet.records import Pending, Records
from ewallet.shape import Json, json_object
from ewallet.steps import Steps
from ewallet.verdict import Accepted

_LOG: Final = logging.getLogger("ewallet")

LIFE: Final = timedelta(minutes=10)
#: What a receipt calls what the log has about its consent, after it was given.
_HAPPENED: Final[Mapping[EventType, Event]] = {
    "package.downloaded": "fulfilled",
    "consent.renewed": "renewed",
    "consent.fulfilled": "fulfilled",
    "consent.withdrawn": "withdrawn",
}
#: What tells people apart on an identity, as far as it has them; no number, and nothing that is not on its face.
IDENTIFYING: Final = ("name", "birth_date", "issue_date", "document_number")

State = Literal["waiting", "given", "refused", "over"]


class Giver(Protocol):
    """Whoever keeps consents: :class:`ewallet.mydata.MyData`."""

    def give(self, consent: Consent, subject: str, *, evidence: bytes) -> object:
        """Put a consent on record; again is allowed."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A consent that waits for a wallet: ``link`` is for QR code or button, ``exchange`` finds what became of it.

    ``receipt`` opens the receipt of the answer. Nothing else does: a consent's own identifier is on record for good.
    """

    subject: str
    consent: Consent
    request_uri: str
    exchange: str
    receipt: str = field(repr=False)
    link: str
    until: datetime

    def to_bytes(self) -> bytes:
        """As it is kept."""
        said = {name: getattr(self, name) for name in ("subject", "request_uri", "exchange", "receipt", "link")}
        return jose.to_json({**said, "consent": self.consent.to_bytes().decode(), "until": int(self.until.timestamp())})

    @classmethod
    def read(cls, raw: bytes) -> Proposal:
        """What :meth:`to_bytes` wrote."""
        found = json_object(raw, "the proposal")
        until = moment(found["until"])
        return cls(**{**found, "consent": Consent.parse(found["consent"]), "until": until})


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """An answer that confirmed a consent: its receipt, and what was shown of an identity."""

    receipt: bytes = field(repr=False)
    shown: Mapping[str, Json] = field(repr=False)


class Receipts:
    """Makes the portal's receipt of every consent that was confirmed, and keeps it until the person goes on.

    Each says how far ``log`` was at that time, and once the consent is on record where that is; and ``withdrawal``, the
    address where people withdraw.
    """

    def __init__(self, steps: Steps, signer: Signer, log: Log, env: Env, *, withdrawal: str) -> None:
        self._steps = steps
        self._signer = signer
        self._log = log
        self._env = env
        self._states = {WITHDRAWAL: withdrawal}

    def confirmed(self, request: AuthorizationRequest, token: VpToken) -> str:
        """The portal's half of the receipt, for the wallet; :class:`ewallet.exchange.Exchange` asks for it."""
        id_, far = new_handle(self._env.random), Logged(seq=None, checkpoint=self._log.checkpoint().decode())
        at = self._env.now()
        receipt = Receipt.make(request, token, self._signer, id_=id_, at=at, logged=far, more=self._states)
        kept = jose.to_json({"receipt": receipt.to_bytes().decode(), "shown": _shown(request, token)})
        self._steps.begin("receipt", kept, life=LIFE, secret=_secret(request))
        return receipt.events[0]

    def of(self, proposal: Proposal) -> Confirmed | None:
        """What the newest answer confirmed, if one did: of two at once, another one may have been settled."""
        kept = self._steps.see("receipt", proposal.receipt)
        found = json_object(kept, "what was confirmed") if kept else None
        return Confirmed(receipt=found["receipt"].encode(), shown=found["shown"]) if found else None

    def to_date(self, given: Given, pasts: Iterable[Past], provided: Iterable[Provided] = ()) -> Receipt:
        """The receipt of a consent with all that has happened under it, each with its place in the log.

        So there is one for each provision, whoever was away or was killed when it was made. ``pasts`` are the person's,
        in order, and ``provided`` is what has come to recipients, with what those signed of it. ``receipt.invalid``
        where something else than a receipt proves the consent.
        """
        halves = {each.seq: each.half for each in provided}
        receipt = Receipt.parse(given.evidence).placed(self._signer, _place(given.logged))
        return receipt.after_all(_later(given.consent.id, pasts, halves), self._signer)


def _later(consent_id: str, pasts: Iterable[Past], halves: Mapping[int, str | None]) -> Iterator[Later]:
    for past in pasts:
        event = past.entry.event
        if (event.consent, event.outcome) == (consent_id, "done") and event.type in _HAPPENED:
            half = halves.get(past.entry.seq)
            yield Later(event=_HAPPENED[event.type], at=event.at, logged=_place(past.logged), half=half)


def _place(logged: history.Logged) -> Logged:
    return Logged(seq=logged.inclusion.index, checkpoint=logged.inclusion.checkpoint.decode())


class Agreement:
    """Asks people's wallets to confirm consents, and puts on record what they confirmed."""

    def __init__(
        self,
        portal: Portal,
        *,
        exchange: Exchange,
        receipts: Receipts,
        giver: Giver,
        records: Records,
        catalog: Catalog,
    ) -> None:
        self._portal = portal
        self._exchange = exchange
        self._receipts = receipts
        self._giver = giver
        self._records = records
        self._catalog = catalog

    def ask(self, consent: Consent, subject: str, request_uri: str) -> str:
        """The handle of a fresh proposal, which waits for that person's wallet."""
        bundle = self._catalog.bundle(consent.bundle_id)
        query = identity_query(bundle, self._catalog)
        asked = self._exchange.ask(
            query,
            purpose=consent.purposes[consent.lang],
            transaction_data=(consenting.transaction(consent, query, self._catalog),),
        )
        proposal = Proposal(
            subject=subject,
            consent=consent,
            request_uri=request_uri,
            exchange=asked.id,
            receipt=_secret(asked.request),
            link=asked.link,
            until=asked.until,
        )
        return self._portal.steps.begin("proposal", proposal.to_bytes(), life=LIFE)

    def proposal(self, handle: str, subject: str) -> Proposal:
        """The proposal that was made to that person; :class:`NotFound` for anybody else, and the attempt is logged."""
        raw = self._portal.steps.see("proposal", handle)
        found = Proposal.read(raw) if raw else None
        if found is None or found.subject != subject:
            if found:
                _LOG.warning("consent %s: opened by somebody it was not proposed to", found.consent.id[:16])
            raise NotFound("storage.not_found", "no proposal of that address, or its time is over")
        return found

    def state(self, proposal: Proposal) -> State:
        """What became of a proposal; if the wallet confirmed it, it is on record from now on.

        Unless the person has said no after that, or nobody waits for it any more: then it is over, and never given.
        Raises ``consent.authority`` where the wallet is another person's, ``consent.*`` as
        :meth:`ewallet.mydata.MyData.give`. That it is this person's wallet is all that counts, not which browser comes.
        """
        if self._portal.steps.see("given", proposal.receipt) is not None:
            return "given"  # once: who has deleted everything since is not to find it again
        outcome = self._exchange.verdict(proposal.exchange)
        if isinstance(outcome, Waiting):
            return "waiting"
        if isinstance(outcome, Expired | Collected):
            return "over"
        return self._confirmed(proposal, outcome) if isinstance(outcome, Accepted) else "refused"

    def _confirmed(self, proposal: Proposal, outcome: Accepted) -> State:
        confirmed = self._receipts.of(proposal)
        if confirmed is None:
            raise ProtocolError("request.invalid", "an answer without the receipt that it was given")
        for shown in (outcome.claims, confirmed.shown):
            self.check_person(proposal.subject, shown)
        if not self._portal.agree(proposal.request_uri, proposal.consent.id):
            return "over"
        self._giver.give(proposal.consent, proposal.subject, evidence=confirmed.receipt)
        self._portal.steps.begin("given", proposal.consent.id.encode(), life=LIFE, secret=proposal.receipt)
        return "given"

    def check_person(self, subject: str, shown: Mapping[str, Json]) -> None:
        """Return if what was shown of an identity is on record of that person; ``consent.authority``."""
        if not shown:
            raise ConsentError("consent.authority", "no identity was shown")
        for type_id, claims in shown.items():
            record = self._record(subject, type_id)
            if not claims or any(record.get(name) != value for name, value in claims.items()):
                raise ConsentError("consent.authority", "the wallet is of another person than the one signed in")

    def _record(self, subject: str, type_id: str) -> Mapping[str, Json]:
        try:
            record = self._records.claims(subject, type_id)
        except NotFound:
            raise ConsentError("consent.authority", "the one signed in has no such identity on record") from None
        if isinstance(record, Pending):
            raise ConsentError("consent.authority", "the identity of the one signed in is not on record yet")
        return self._catalog.type(type_id).completed(record)


def _secret(request: AuthorizationRequest) -> str:
    """What only whoever asked and whoever answers know of a request; it is kept nowhere but under seal."""
    if not request.state:
        raise ProtocolError("request.invalid", "a request without a state, by which its answer is found")
    return request.state


def _shown(request: AuthorizationRequest, token: VpToken) -> dict[str, Json]:
    """What was asked for, of an answer that was accepted."""
    return asked_claims(
        request.query,
        {
            asked.id: [Candidate(id=asked.id, credential=_opened(asked.format, raw)) for raw in token[asked.id]]
            for asked in request.query.credentials
            if asked.id in token
        },
    )


def _opened(format_: str, raw: str) -> Credential:
    return FORMATS[format_].open(raw).check_disclosures()


def identity_query(bundle: Bundle, catalog: Catalog) -> Query:
    """Ask for one of the identities that a bundle takes: what tells people apart on its face, and nothing else."""
    asked = [
        Query.for_type(kind, [name for name in IDENTIFYING if kind.claim((name,)) is not None])
        for kind in (catalog.type(id_) for id_ in bundle.identity)
    ]
    credentials = tuple(query for each in asked for query in each.credentials)
    return Query(credentials, (CredentialSet(tuple((query.id,) for query in credentials)),))
