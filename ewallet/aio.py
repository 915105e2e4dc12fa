"""The wallet and the verifier for async programs: the same verbs, awaited, over the same conversations.

::

    wallet = AsyncWallet(store=store, trust=trust, send=threaded(Http()))
    for document in await wallet.accept(offer_uri):
        ...

What reads the disk is done in a thread. Between two messages of a conversation, keys are made and copies are spent in
the event loop: some milliseconds each.
"""

from __future__ import annotations

from asyncio import create_task, to_thread, wait
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from ewallet.acceptance import Offering, TxCodeSource
from ewallet.acting import Acting
from ewallet.answer import Answer
from ewallet.catalog import Catalog
from ewallet.collection import Pending
from ewallet.credential import Binding
from ewallet.dcql import Query
from ewallet.delegation import Delegation, Terms
from ewallet.env import Env
from ewallet.errors import TransportError
from ewallet.exchange import Exchange
from ewallet.expectation import Expectation
from ewallet.flow import AsyncSend, Request, Response, Send, arun
from ewallet.holding import Shown, WalletStore
from ewallet.keys import PublicKey
from ewallet.oid4vp import AuthorizationRequest, TransactionTypes, VpToken
from ewallet.policy import Policy, StatusFresh
from ewallet.presented import Answered
from ewallet.receipt import Receipt
from ewallet.shape import Json
from ewallet.sighting import Departure, Sighting
from ewallet.trust import TrustList
from ewallet.verdict import Verdict
from ewallet.verifier import LIFE, Printout, Verifier, VerifierStore
from ewallet.wallet import Document, Wallet

if TYPE_CHECKING:  # as in ewallet.verifier
    from ewallet.package import Receiving


async def offline(request: Request) -> Response:
    """As :func:`ewallet.flow.offline`."""
    raise TransportError("fetch.unavailable", f"offline, {request.method} not sent")


def threaded(send: Send) -> AsyncSend:
    """A ``send`` such as :class:`ewallet.http.Http`, each request in a thread of its own."""

    async def sent(request: Request) -> Response:
        return await to_thread(send, request)

    return sent


class AsyncWallet:
    """A :class:`ewallet.wallet.Wallet` whose verbs are awaited."""

    def __init__(
        self,
        *,
        store: WalletStore,
        trust: TrustList,
        send: AsyncSend = offline,
        catalog: Catalog | None = None,
        transaction_types: TransactionTypes | None = None,
        env: Env | None = None,
    ) -> None:
        self._send = send
        self._wallet = Wallet(store=store, trust=trust, catalog=catalog, transaction_types=transaction_types, env=env)

    def offered(self, uri: str) -> Offering:
        """As :meth:`ewallet.wallet.Wallet.offered`; it reads nothing but the link."""
        return self._wallet.offered(uri)

    async def accept(
        self, offer: str | Offering, *, tx_code: TxCodeSource = None, copies: int | None = None
    ) -> tuple[Document, ...]:
        """As :meth:`ewallet.wallet.Wallet.accept`."""
        return await arun(self._wallet._accept(offer, tx_code, copies), self._send)

    async def pending(self) -> tuple[Pending, ...]:
        """As :attr:`ewallet.wallet.Wallet.pending`."""
        return await to_thread(lambda: self._wallet.pending)

    async def collect(self) -> tuple[Document, ...]:
        """As :meth:`ewallet.wallet.Wallet.collect`."""
        return await arun(self._wallet._collect(), self._send)

    async def new_keys(self, count: int = 1, *, alg: str = "ES256") -> tuple[PublicKey, ...]:
        """As :meth:`ewallet.wallet.Wallet.new_keys`."""
        return await to_thread(lambda: self._wallet.new_keys(count, alg=alg))

    async def put(self, credentials: Sequence[str]) -> Document:
        """As :meth:`ewallet.wallet.Wallet.put`."""
        return await to_thread(self._wallet.put, credentials)

    async def documents(self) -> tuple[Document, ...]:
        """As :meth:`ewallet.wallet.Wallet.documents`."""
        return await to_thread(self._wallet.documents)

    async def get(self, held_id: str) -> Document:
        """As :meth:`ewallet.wallet.Wallet.get`."""
        return await to_thread(self._wallet.get, held_id)

    async def open(self, uri: str) -> AuthorizationRequest:
        """As :meth:`ewallet.wallet.Wallet.open`."""
        return await arun(self._wallet._open(uri), self._send)

    async def match(self, query: Query, *, expected: Expectation | None = None) -> Answer:
        """As :meth:`ewallet.wallet.Wallet.match`."""
        return await to_thread(lambda: self._wallet.match(query, expected=expected))

    async def present(self, request: AuthorizationRequest, answer: Answer | Delegation) -> VpToken:
        """As :meth:`ewallet.wallet.Wallet.present`."""
        return await to_thread(self._wallet.present, request, answer)

    async def rehearse(self, request: AuthorizationRequest, answer: Answer) -> VpToken:
        """As :meth:`ewallet.wallet.Wallet.rehearse`."""
        return await to_thread(self._wallet.rehearse, request, answer)

    async def delegate(self, terms: Terms, answer: Answer | None = None) -> Delegation:
        """As :meth:`ewallet.wallet.Wallet.delegate`."""
        return await to_thread(self._wallet.delegate, terms, answer)

    async def answer(self, request: AuthorizationRequest, answer: Answer | Delegation) -> str | None:
        """As :meth:`ewallet.wallet.Wallet.answer`."""
        return await arun(self._wallet._answer(request, answer), self._send)

    async def decline(self, request: AuthorizationRequest) -> str | None:
        """As :meth:`ewallet.wallet.Wallet.decline`."""
        return await arun(self._wallet._decline(request), self._send)

    async def demand_deletion(self, receipt_id: str) -> Receipt:
        """As :meth:`ewallet.wallet.Wallet.demand_deletion`."""
        return await arun(self._wallet._demand_deletion(receipt_id), self._send)

    async def history(self) -> tuple[Shown, ...]:
        """As :meth:`ewallet.wallet.Wallet.history`."""
        return await to_thread(self._wallet.history)

    async def receipts(self) -> tuple[Receipt, ...]:
        """As :meth:`ewallet.wallet.Wallet.receipts`."""
        return await to_thread(self._wallet.receipts)

    async def sightings(self) -> tuple[Sighting, ...]:
        """As :meth:`ewallet.wallet.Wallet.sightings`."""
        return await to_thread(self._wallet.sightings)

    async def departures(self) -> tuple[Departure, ...]:
        """As :meth:`ewallet.wallet.Wallet.departures`."""
        return await to_thread(self._wallet.departures)

    async def forget(self, held_id: str) -> None:
        """As :meth:`ewallet.wallet.Wallet.forget`."""
        await to_thread(self._wallet.forget, held_id)


class AsyncVerifier:
    """A :class:`ewallet.verifier.Verifier` whose verdicts are awaited."""

    def __init__(
        self,
        client_id: str,
        *,
        trust: TrustList,
        store: VerifierStore,
        send: AsyncSend = offline,
        policy: Policy | None = None,
        status: StatusFresh | None = StatusFresh(),  # noqa: B008 - frozen
        drop_extra: bool = False,
        env: Env | None = None,
    ) -> None:
        self.client_id = client_id
        self._send = send
        self._verifier = Verifier(
            client_id, trust=trust, store=store, policy=policy, status=status, drop_extra=drop_extra, env=env
        )

    def ask(
        self,
        query: Query,
        *,
        purpose: str,
        life: timedelta = LIFE,
        verifier_info: Iterable[Mapping[str, Json]] = (),
    ) -> AuthorizationRequest:
        """As :meth:`ewallet.verifier.Verifier.ask`."""
        return self._verifier.ask(query, purpose=purpose, life=life, verifier_info=verifier_info)

    async def verify(
        self, presented: Answered, request: AuthorizationRequest | Binding | None, *, acting: Acting | None = None
    ) -> Verdict:
        """As :meth:`ewallet.verifier.Verifier.verify`."""
        return await arun(self._verifier.judge(presented, request, acting=acting), self._send)

    async def unsafe_verify_unbound(self, presented: Answered) -> Verdict:
        """As :meth:`ewallet.verifier.Verifier.unsafe_verify_unbound`."""
        return await arun(self._verifier._verify_unbound(presented), self._send)

    async def verify_paper(self, read: Callable[[], Printout]) -> Verdict:
        """As :meth:`ewallet.verifier.Verifier.verify_paper`, read in a thread."""
        reading = create_task(to_thread(read))
        await wait({reading})
        return await arun(self._verifier._verify_paper(reading.result), self._send)

    async def verify_package(self, raw: bytes | str, receiving: Receiving) -> Verdict:
        """As :meth:`ewallet.verifier.Verifier.verify_package`."""
        return await arun(self._verifier._verify_package(raw, receiving), self._send)

    async def put_status_token(self, raw: str | bytes) -> None:
        """As :meth:`ewallet.verifier.Verifier.put_status_token`."""
        await to_thread(self._verifier.put_status_token, raw)

    async def put_crl(self, raw: bytes) -> None:
        """As :meth:`ewallet.verifier.Verifier.put_crl`."""
        await to_thread(self._verifier.put_crl, raw)

    async def respond(self, exchange: Exchange, handle: str, body: bytes) -> bytes:
        """As :meth:`ewallet.exchange.Exchange.respond`, status lists fetched by this verifier's ``send``."""
        return await arun(exchange.responding(handle, body), self._send)
