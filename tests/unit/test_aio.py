"""The awaited wallet and verifier: the same road as without async."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ewallet.aio import AsyncVerifier, AsyncWallet, threaded
from ewallet.errors import NotFound, TransportError
from ewallet.flow import Response
from ewallet.oid4vp.response import Declined
from ewallet.testing.peers import IssuerPeer, VerifierPeer
from ewallet.testing.stores import MemoryVerifierStore, MemoryWalletStore
from ewallet.verdict import Accepted, Rejected, Undecided

KIND = "resident_register_copy"


@pytest.fixture
def wallet(ewallet_kit):
    """An empty wallet on the kit's network."""
    return AsyncWallet(
        store=MemoryWalletStore(),
        trust=ewallet_kit.pki.trust_list(),
        send=threaded(ewallet_kit.network),
        catalog=ewallet_kit.catalog,
        env=ewallet_kit.env,
    )


@pytest.fixture
def verifier(ewallet_kit):
    """A verifier that makes its verdicts of what it has at hand, or of what it is given to fetch with."""

    def make(**options):
        kit = ewallet_kit
        terms = {"trust": kit.pki.trust_list(), "store": MemoryVerifierStore(), "env": kit.env}
        return AsyncVerifier(kit.verifier.client_id, **terms, **options)

    return make


def test_an_awaited_wallet_walks_the_whole_road(ewallet_kit, wallet):
    """An offer is accepted, a request opened and answered, another declined, the history kept."""
    issuer, bank = IssuerPeer(ewallet_kit), VerifierPeer(ewallet_kit)
    query = ewallet_kit.query(KIND, ["resident_address"])

    async def walk():
        (document,) = await wallet.accept(wallet.offered(issuer.offer(KIND)), copies=2)
        request = await wallet.open(bank.ask(query))
        await wallet.answer(request, await wallet.match(request.query))
        outcome = bank.verdict()
        await wallet.decline(await wallet.open(bank.ask(query)))
        return document, outcome, await wallet.history()

    document, outcome, history = asyncio.run(walk())

    assert (KIND, 2) == (document.type.id, document.copies_left)
    assert isinstance(outcome, Accepted)
    assert Declined(error="access_denied") == bank.verdict()
    assert ["x509_san_dns:bank.example"] == [shown.audience for shown in history]


def test_what_was_deferred_is_collected_later(ewallet_kit, wallet):
    """Pending until then, held from then on, gone when it is forgotten."""
    issuer = IssuerPeer(ewallet_kit)
    issuer.records.pending[KIND] = timedelta(minutes=1)

    async def walk():
        assert () == await wallet.accept(issuer.offer(KIND), copies=1)
        (pending,) = await wallet.pending()
        issuer.records.pending.clear()
        ewallet_kit.clock.set(pending.due)
        (document,) = await wallet.collect()
        assert document == await wallet.get(document.id)
        assert (document,) == await wallet.documents()
        await wallet.forget(document.id)
        await wallet.get(document.id)

    with pytest.raises(NotFound) as refused:
        asyncio.run(walk())
    assert "storage.not_found" == refused.value.code


def test_an_awaited_verifier_judges_as_the_other_one(ewallet_kit, verifier):
    """Accepted with the status list, undecided without a network, rejected the second time."""
    document = ewallet_kit.issue(KIND, copies=2)
    judge, blind = verifier(send=threaded(ewallet_kit.network)), verifier()
    query = ewallet_kit.query(KIND, ["resident_address"])
    request = judge.ask(query, purpose="가상 대출 심사")
    token = ewallet_kit.answer(request).token

    async def walk():
        return [await each.verify(token, request) for each in (blind, judge, judge)]

    unknown, accepted, replayed = asyncio.run(walk())

    assert document.copies_left == 2
    assert isinstance(unknown, Undecided)
    assert isinstance(accepted, Accepted)
    assert isinstance(replayed, Rejected)


def test_an_exchange_is_answered_in_an_async_program(ewallet_kit, verifier):
    """The bank's endpoint is an exchange, the status list is fetched by the awaited verifier."""
    ewallet_kit.issue(KIND)
    bank, judge, posted = VerifierPeer(ewallet_kit), verifier(send=threaded(ewallet_kit.network)), []
    request = ewallet_kit.wallet.open(bank.ask(ewallet_kit.query(KIND, ["resident_address"])))

    def endpoint(asked):
        posted.append(asked.body)
        return Response(200, {"content-type": "application/json"}, b"{}")

    ewallet_kit.network.route(f"{bank.exchange.url}/response/", endpoint)
    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))

    body = asyncio.run(judge.respond(bank.exchange, bank.asked[0].handle, posted[0]))

    assert (b"{}", True) == (body, isinstance(bank.verdict(), Accepted))


def test_without_a_network_nothing_is_sent(ewallet_kit):
    """The wallet's own default."""
    wallet = AsyncWallet(store=MemoryWalletStore(), trust=ewallet_kit.pki.trust_list(), env=ewallet_kit.env)

    with pytest.raises(TransportError) as refused:
        asyncio.run(wallet.accept(IssuerPeer(ewallet_kit).offer(KIND)))

    assert ("fetch.unavailable", []) == (refused.value.code, ewallet_kit.network.requests)
