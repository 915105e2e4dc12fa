"""The wallet: a holder's certificates and keys, what a request would disclose, and a record of what left.

Everything is kept sealed; a store that is not unlocked gives nothing away. A copy of a certificate is used as often as
its kind allows, usually once, and is spent before the presentation exists: nothing leaves that is not in the history.

Who offers and who asks is established before anything else happens. While something is shown, nobody is contacted but
the one who asks: no status list, no issuer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from ewallet import acceptance
from ewallet import answer as answers
from ewallet.acceptance import Acceptance, Offering, TxCodeSource, is_final
from ewallet.answer import Answer, Candidate, Choice
from ewallet.catalog import Catalog
from ewallet.catalog.kinds import CredentialType
from ewallet.collection import Pending, Received, check, said, thumbprint
from ewallet.consent.consenting import agreeable, consent_in
from ewallet.credential import Binding, Credential
from ewallet.dcql import Query
from ewallet.delegation import Delegation, Terms
from ewallet.deletion import demand
from ewallet.entrusting import Entrusting, proxy_of
from ewallet.env import Env
from ewallet.errors import (
    AlreadyUsed,
    CryptoError,
    EWalletError,
    NotFound,
    ProtocolError,
    UsageError,
    VerificationError,
)
from ewallet.expectation import Expectation, fits
from ewallet.flow import Flow, Send, offline, run
from ewallet.formats import FORMATS
from ewallet.holding import Arrival, Copy, Held, Shown, WalletStore
from ewallet.keys import PublicKey, SigningKey
from ewallet.oid4vp import AuthorizationRequest, TransactionTypes, VpToken
from ewallet.oid4vp import response as oid4vp_response
from ewallet.oid4vp.request import RequestLink, RequestObject, authenticate, fetched
from ewallet.ranks import fresh_ranks
from ewallet.receipt import Receipt
from ewallet.resident_number import check_delegated, check_leaving, lawful
from ewallet.shape import to_base64url
from ewallet.showing import together
from ewallet.sighting import Departure, Lookout, Sighting
from ewallet.trust import TrustList, authorities

_MAX_KEYS: Final = 30  # made at a time


@dataclass(frozen=True, kw_only=True)
class Document:
    """A held certificate as its holder sees it; ``type`` is None for a kind that is not in the catalogue."""

    held: Held
    credential: Credential
    authorities: frozenset[str]
    type: CredentialType | None
    copies_left: int

    @property
    def id(self) -> str:
        """The wallet's own identifier of it."""
        return self.held.id


class Wallet:
    """Holds certificates for one person: ``trust`` says whose, ``store`` keeps them, ``catalog`` explains them.

    ``send`` is the way to issuers and verifiers; without it certificates and answers travel as files.
    ``transaction_types`` are the transactions that whoever asks for consent can show.
    """

    def __init__(
        self,
        *,
        store: WalletStore,
        trust: TrustList,
        send: Send = offline,
        catalog: Catalog | None = None,
        transaction_types: TransactionTypes | None = None,
        env: Env | None = None,
    ) -> None:
        self._store = store
        self._trust = trust
        self._send = send
        self._catalog = catalog or Catalog.bundled()
        self._transaction_types = transaction_types or {}
        self._env = env or Env()
        self._entrusting = Entrusting(store, self._held)
        self._acceptance = Acceptance(
            trust=trust,
            catalog=self._catalog,
            env=self._env,
            ranks=lambda count: fresh_ranks(store, count, self._env.random),
        )

    def offered(self, uri: str) -> Offering:
        """Who offers what a link or QR leads to, nothing fetched yet: ask the person before it is accepted.

        Raises ``offer.untrusted_issuer``, ``malformed.offer``, ``limit.*``.
        """
        return acceptance.offered(uri, self._trust, self._env.now())

    def accept(
        self, offer: str | Offering, *, tx_code: TxCodeSource = None, copies: int | None = None
    ) -> tuple[Document, ...]:
        """The certificates of an offer, received, checked and kept; what the issuer defers is then :attr:`pending`.

        ``tx_code`` is the code that came by another way, or what asks the person for it: it is called with the offer
        once the issuer is known. ``copies`` is how many of each to ask for, as its kind is used up unless said. Raises
        ``offer.*``, ``request.issuer_mismatch``, ``fetch.*``, ``malformed.*``, ``limit.*``, ``usage.argument`` for a
        code of the wrong form, and what :meth:`put` raises; nothing is kept then, no key either. An issuer whose log
        of use departs from what was seen of it raises nothing: that is in :meth:`departures` then.
        """
        return run(self._accept(offer, tx_code, copies), self._send)

    @property
    def pending(self) -> tuple[Pending, ...]:
        """What issuers have deferred."""
        return self._store.pending()

    def collect(self) -> tuple[Document, ...]:
        """Ask for everything deferred whose time has come: the certificates that are there now.

        Raises what :meth:`accept` raises. What an issuer refuses for good is pending no longer.
        """
        return run(self._collect(), self._send)

    def new_keys(self, count: int = 1, *, alg: str = "ES256") -> tuple[PublicKey, ...]:
        """The public halves of fresh keys, one for each copy that an issuer is asked for."""
        if not 0 < count <= _MAX_KEYS:
            raise UsageError("usage.argument", f"{count} keys, expected 1 to {_MAX_KEYS}")
        keys = [SigningKey.generate(alg) for _ in range(count)]
        self._store.put_keys({key.public.thumbprint: key.secret() for key in keys})
        return tuple(key.public for key in keys)

    def put(self, credentials: Sequence[str]) -> Document:
        """Keep the copies of one certificate as the issuer sent them, once each of them has been checked.

        Raises ``trust.*``, ``crypto.*``, ``sdjwt.*``, ``time.*``, ``malformed.*``; nothing is kept then.
        """
        at = self._env.now()
        checked = [check(raw, self._trust, at) for raw in credentials]
        if len({(credential.format, credential.type_id) for credential in checked}) != 1:
            raise UsageError("usage.argument", "copies of no or of several kinds, expected one")
        if any(said(credential) != said(checked[0]) for credential in checked):
            raise UsageError("usage.argument", "copies that do not say the same, expected those of one certificate")
        bound = {thumbprint(credential) for credential in checked}
        self._check_new(bound, len(checked))
        for name in bound:
            self._store.key(name)
        arrival = self._arrival(Received(raws=tuple(credentials), credentials=tuple(checked)), at)
        self._store.put(arrival.held, arrival.copies)
        return self._document(arrival.held)

    def _check_new(self, keys: AbstractSet[str], count: int) -> None:
        """Return if each copy has a key of its own that no copy had before: what is shown twice under one key links."""
        if len(keys) < count:
            raise CryptoError("crypto.key_invalid", "two copies bound to the same key")
        known = {copy.key for held in self._store.held() for copy in self._store.copies(held.id)}
        if not keys.isdisjoint(known):
            raise AlreadyUsed("storage.already_used", "a copy bound to a key that another copy is bound to")

    def documents(self) -> tuple[Document, ...]:
        """Every held certificate, the newest first."""
        return tuple(self._document(held) for held in self._store.held())

    def get(self, held_id: str) -> Document:
        """One held certificate; :class:`ewallet.errors.NotFound`."""
        return self._document(self._held(held_id))

    def open(self, uri: str) -> AuthorizationRequest:
        """The request behind a link or QR, once it is established who asks (``verifier_name``); nothing is answered.

        Raises ``request.*``, ``dcql.invalid``, ``fetch.*``, ``trust.list_invalid``, and for a consent that nobody
        should give ``receipt.invalid`` or ``consent.*``. A verifier that is known, but whose request cannot be
        answered, is told so.
        """
        return run(self._open(uri), self._send)

    def answer(self, request: AuthorizationRequest, answer: Answer | Delegation) -> str | None:
        """Send the verifier the answer to a request of :meth:`open`; where it wants the person to go on, if anywhere.

        Raises what :meth:`present` raises, ``fetch.*``, ``request.invalid``, and ``receipt.invalid`` for a receipt that
        came back and is none; the others are kept. A copy is spent in any case: what was sent once, heard or not, is
        not sent again.
        """
        return run(self._answer(request, answer), self._send)

    def decline(self, request: AuthorizationRequest) -> str | None:
        """Tell the verifier ``access_denied``, whatever the reason; where it wants the person to go on."""
        return run(self._decline(request), self._send)

    def match(self, query: Query, *, expected: Expectation | None = None) -> Answer:
        """The least of what is held that satisfies the query; ``dcql.unsatisfied``.

        Of certificates about somebody else, only those of whoever is ``expected`` to act for them; none usually.
        """
        candidates = [
            Candidate(id=document.id, credential=document.credential, authorities=document.authorities)
            for document in self.documents()
            if (document.copies_left or document.held.use != "once") and fits(expected, document.credential)
        ]
        return answers.match(query, candidates)

    def present(self, request: AuthorizationRequest, answer: Answer | Delegation) -> VpToken:
        """The presentations that answer the request: exactly what the answer discloses, bound to who asked.

        With a :class:`Delegation` it is what somebody else has signed over to a key of this wallet, in this case.

        Raises :class:`ewallet.errors.AlreadyUsed` where no copy is left, ``usage.argument`` for a request that is over,
        ``policy.transaction_data`` where nothing in the answer can confirm a transaction, ``request.no_legal_basis``
        where a resident number would leave that nobody may ask for, and of a consent what :meth:`open` raises; of a
        delegation ``consent.*``, ``time.*`` where it is not for this.
        """
        at = self._env.now()
        if at >= request.until:
            raise UsageError("usage.argument", "the request has expired")
        if isinstance(answer, Delegation):
            return self._entrusting.present(agreeable(lawful(request, self._catalog), self._catalog, at), answer, at)
        check_leaving(agreeable(request, self._catalog, at), answer, self._catalog)
        bindings = request.bindings(choice.query.id for choice in answer.choices)
        chosen = together(self._store, answer, request.client_id)
        return _token(answer, lambda choice: self._present(request, choice, at, bindings[choice.query.id], chosen))

    def delegate(self, terms: Terms, answer: Answer | None = None) -> Delegation:
        """What a delegate keeps: the least that satisfies the query, or that answer to it, signed over to them.

        A copy of each is spent, and the history says to whom, by the thumbprint of their key, and in which case. Raises
        ``dcql.unsatisfied``, :class:`ewallet.errors.AlreadyUsed`, ``usage.argument``, ``kb.missing`` for what cannot be
        delegated, ``consent.authority`` for what one holds for somebody else, ``request.no_legal_basis`` for resident
        numbers.
        """
        chosen = answer or self.match(terms.query)
        check_delegated(chosen, self._catalog)
        return self._entrusting.delegate(terms, chosen, self._env.now())

    def rehearse(self, request: AuthorizationRequest, answer: Answer) -> VpToken:
        """What :meth:`present` would give, but signed with keys of nobody: as long, give or take a few characters.

        No copy is spent, and nobody accepts it.
        """
        at = self._env.now()
        bindings = request.bindings(choice.query.id for choice in answer.choices)
        return _token(answer, lambda choice: self._rehearse(choice, at, bindings[choice.query.id]))

    def history(self) -> tuple[Shown, ...]:
        """Everything that left, the newest first."""
        return self._store.history()

    def receipts(self) -> tuple[Receipt, ...]:
        """The receipts of consents that were given, the newest first."""
        return tuple(Receipt.parse(raw) for raw in self._store.receipts())

    def sightings(self) -> tuple[Sighting, ...]:
        """How far each log of use was when it was last seen, in what issuers and receivers sent."""
        return self._store.sightings()

    def departures(self) -> tuple[Departure, ...]:
        """When a log was shown smaller than it had been, or with another history, the newest first."""
        return self._store.departures()

    def demand_deletion(self, receipt_id: str) -> Receipt:
        """Have whoever received an answer delete what it keeps of it; the receipt that says so, which is kept.

        Again is allowed. Raises :class:`NotFound` for a receipt that is not here, or whose consent somebody else
        confirmed, ``usage.argument`` where the receiver cannot be asked, ``fetch.*``, ``request.invalid`` where it
        refuses, ``receipt.invalid`` for an answer that says something else.
        """
        return run(self._demand_deletion(receipt_id), self._send)

    def forget(self, held_id: str) -> None:
        """Delete a certificate with its copies and keys; :class:`ewallet.errors.NotFound`."""
        self._store.forget(held_id)

    def _accept(self, offer: str | Offering, tx_code: TxCodeSource, copies: int | None) -> Flow[tuple[Document, ...]]:
        if copies is not None and not 0 < copies <= _MAX_KEYS:
            raise UsageError("usage.argument", f"{copies} copies, expected 1 to {_MAX_KEYS}")
        found = self.offered(offer) if isinstance(offer, str) else offer
        lookout = Lookout(self._store, self._trust, self._env, found.address)
        return (yield from lookout.watch(self._acceptance.receive(found, tx_code, copies, self._keep, lookout.hear)))

    def _collect(self) -> Flow[tuple[Document, ...]]:
        documents: list[Document] = []
        for pending in self._store.pending():
            if pending.due <= self._env.now():
                documents.extend((yield from self._collect_one(pending)))
        return tuple(documents)

    def _collect_one(self, pending: Pending) -> Flow[tuple[Document, ...]]:
        lookout = Lookout(self._store, self._trust, self._env, pending.issuer)
        try:
            keep = partial(self._keep, over=(pending.id,))
            return (yield from lookout.watch(self._acceptance.collect(pending, keep, lookout.hear)))
        except EWalletError as exc:
            if is_final(exc):
                self._store.receive([], over=(pending.id,))
            raise

    def _keep(self, results: Sequence[Received | Pending], *, over: Sequence[str] = ()) -> tuple[Document, ...]:
        at = self._env.now()
        arrivals = [self._arrival(result, at) for result in results if isinstance(result, Received)]
        pending = [result for result in results if isinstance(result, Pending)]
        self._store.receive(arrivals, pending=pending, over=over)
        return tuple(self._document(arrival.held) for arrival in arrivals)

    def _arrival(self, received: Received, at: datetime) -> Arrival:
        first = received.credentials[0]
        type_ = self._catalog.by_type_id(first.type_id)
        held = Held(
            id=to_base64url(self._env.random(9)),
            format=first.format,
            type_id=first.type_id,
            received=at,
            use=type_.copies if type_ else "once",
        )
        pairs = zip(received.raws, received.credentials, strict=True)
        copies = tuple(
            Copy(id=to_base64url(self._env.random(9)), key=name, raw=raw, rank=received.ranks.get(name))
            for raw, credential in pairs
            for name in [thumbprint(credential)]
        )
        return Arrival(held=held, copies=copies, keys=received.keys)

    def _open(self, uri: str) -> Flow[AuthorizationRequest]:
        asked = RequestLink.read(uri)
        at, nonce = self._env.now(), to_base64url(self._env.random(24))
        compact = fetched((yield asked.fetch(nonce))) if asked.request_uri is not None else None
        sender = authenticate(asked, compact, trust=self._trust, at=at, wallet_nonce=nonce)
        try:
            request = lawful(sender.request(at, transaction_types=self._transaction_types), self._catalog)
            return agreeable(request, self._catalog, at)
        except (ProtocolError, VerificationError) as exc:
            yield from _refuse(sender, exc)
            raise

    def _answer(self, request: AuthorizationRequest, answer: Answer | Delegation) -> Flow[str | None]:
        lookout = Lookout(self._store, self._trust, self._env, _check_sendable(request))
        token = self.present(request, answer)
        response = yield oid4vp_response.answer(request, token)
        address = oid4vp_response.read_reply(response)
        countersigned = oid4vp_response.read_receipt(response)
        if countersigned is not None and consent_in(request):
            yield from self._keep_receipt(Receipt.of_answer(request, token, countersigned), lookout)
        return address

    def _keep_receipt(self, receipt: Receipt, lookout: Lookout) -> Flow[None]:
        receipt.check(self._trust, self._catalog)
        self._store.put_receipt(receipt.to_bytes())
        if receipt.signed[0].logged:
            lookout.see(receipt.signed[0].logged.checkpoint.encode())
        yield from lookout.judge()

    def _demand_deletion(self, receipt_id: str) -> Flow[Receipt]:
        found = [receipt for receipt in self.receipts() if receipt.id == receipt_id]
        if not found:
            raise NotFound("storage.not_found", "no receipt of that identifier")
        receipt = next((receipt for receipt in found if receipt.event != "deleted"), None)  # receivers name them
        if receipt is None:
            return found[0]
        signer = SigningKey.of_secret(self._store.key(receipt.holder.thumbprint))
        told = yield from demand(receipt, signer, self._trust, self._env.now())
        self._store.change_receipt(receipt.to_bytes(), told.to_bytes())
        return told

    def _decline(self, request: AuthorizationRequest) -> Flow[str | None]:
        address = _check_sendable(request)
        response = yield oid4vp_response.refusal(address, request.state, "access_denied")
        return oid4vp_response.read_reply(response)

    def _held(self, held_id: str) -> Held:
        for held in self._store.held():
            if held.id == held_id:
                return held
        raise NotFound("storage.not_found", "no certificate of that identifier")

    def _present(
        self, request: AuthorizationRequest, choice: Choice, at: datetime, binding: Binding, chosen: Mapping[str, str]
    ) -> str:
        held = self._held(choice.candidate.id)
        shown = Shown(
            at=at,
            audience=request.client_id,
            purpose=request.purpose,
            held=held.id,
            type_id=held.type_id,
            paths=choice.paths,
            name=request.verifier_name,
            acting=proxy_of(choice.candidate.credential),
        )
        copy = self._store.spend(shown, held.use, chosen.get(choice.query.id))
        signer = SigningKey.of_secret(self._store.key(copy.key))
        return FORMATS[held.format].present(copy.raw, choice.paths, binding, signer, at)

    def _rehearse(self, choice: Choice, at: datetime, binding: Binding) -> str:
        held = self._held(choice.candidate.id)
        longest = max((copy.raw for copy in self._store.copies(held.id)), key=len)
        return FORMATS[held.format].present(longest, choice.paths, binding, SigningKey.generate(), at)

    def _document(self, held: Held) -> Document:
        copies = self._store.copies(held.id)
        credential = FORMATS[held.format].read(copies[0].raw)
        chain = FORMATS[held.format].open(copies[0].raw).chain
        return Document(
            held=held,
            credential=credential,
            authorities=authorities(chain),
            type=self._catalog.by_type_id(held.type_id),
            copies_left=sum(copy.uses == 0 for copy in copies),
        )


def _token(answer: Answer, presented: Callable[[Choice], str]) -> VpToken:
    token: dict[str, tuple[str, ...]] = {}
    for choice in answer.choices:
        token[choice.query.id] = (*token.get(choice.query.id, ()), presented(choice))
    return token


def _refuse(sender: RequestObject, exc: EWalletError) -> Flow[None]:
    """Tell a verifier that is known what is wrong with its request (OpenID4VP 1.0 §8.5); it is told once."""
    if sender.response_uri is None:
        return
    try:
        yield oid4vp_response.refusal(sender.response_uri, sender.state, oid4vp_response.error_of(exc))
    except EWalletError:
        return  # it had its chance


def _check_sendable(request: AuthorizationRequest) -> str:
    """The address of whoever asks, if it is known who that is and the answer can be made as it wants it."""
    if request.response_uri is None or not request.verifier_name:
        raise UsageError("usage.argument", "a request of which it is not known who asks, or where the answer goes")
    request.recipient  # noqa: B018 - refuses where there is none to encrypt to, before a copy is spent
    return request.response_uri
