"""The awaited wallet and verifier: the same road as without async."""

from __future__ import annotations

import asyncio
import inspect
import threading
from datetime import timedelta

import pytest

from ewallet.aio import AsyncVerifier, AsyncWallet, threaded
from ewallet.errors import Malformed, NotFound, TransportError, TrustError
from ewallet.flow import Response, offline
from ewallet.history import Believed, key_of
from ewallet.keys import SigningKey
from ewallet.oid4vp.response import Declined
from ewallet.package import Receiving
from ewallet.testing.peers import IssuerPeer, VerifierPeer
from ewallet.testing.stores import MemoryVerifierStore, MemoryWalletStore
from ewallet.verdict import Accepted, Rejected, Undecided
from ewallet.verifier import Verifier
from ewallet.wallet import Wallet

KIND = "resident_register_copy"
STATUS = "https://issuer.example.go.kr/status/1"
OF_FLOWS = {"judge"}  # a flow is driven either way: verify awaits it


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


def _arguments(method):
    """What a method takes, but for the way out: names, kinds, defaults and types."""
    found = inspect.signature(method).parameters.values()
    return [(each.name, each.kind, each.default, each.annotation) for each in found if each.name != "send"]


@pytest.mark.parametrize(("plain", "awaited"), [(Wallet, AsyncWallet), (Verifier, AsyncVerifier)])
def test_whatever_can_be_done_can_be_awaited(plain, awaited):
    """No verb is forgotten, and each takes what the other one takes."""
    verbs = {name: verb for name, verb in vars(plain).items() if not name.startswith("_") and name not in OF_FLOWS}
    methods = [name for name, verb in verbs.items() if not isinstance(verb, property)]

    assert [] == sorted(verbs.keys() - vars(awaited).keys())
    for name in [*methods, "__init__"]:
        assert _arguments(getattr(plain, name)) == _arguments(getattr(awaited, name)), name


def test_what_comes_and_goes_as_files_is_awaited_too(ewallet_kit, wallet):
    """Keys are made, copies put, an answer rehearsed and made, with no network at all."""
    kit = ewallet_kit
    request = kit.verifier.ask(kit.query(KIND, ["resident_address"]), purpose="가상 대출 심사")

    async def walk():
        holders = await wallet.new_keys(2)
        issued = kit.issuer.issue(KIND, kit.catalog.type(KIND).sample, subject="citizen-1", holders=holders)
        document = await wallet.put(issued.credentials)
        answer = await wallet.match(request.query)
        rehearsed, presented = await wallet.rehearse(request, answer), await wallet.present(request, answer)
        return document, rehearsed, presented, await wallet.receipts()

    document, rehearsed, presented, receipts = asyncio.run(walk())

    assert (KIND, 2, ()) == (document.type.id, document.copies_left, receipts)
    assert isinstance(kit.verifier.verify(rehearsed, request), Rejected)
    assert isinstance(kit.verifier.verify(presented, request), Accepted)


def test_what_came_some_other_way_is_judged_without_a_network(ewallet_kit, verifier):
    """Undecided before the status list is put, accepted after that; a list that is none is refused."""
    ewallet_kit.issue(KIND)
    judge = verifier()
    presented = ewallet_kit.present(ewallet_kit.query(KIND, ["resident_address"])).presentation

    async def walk():
        before = await judge.unsafe_verify_unbound(presented)
        await judge.put_status_token(ewallet_kit.issuer.status_token(STATUS))
        return before, await judge.unsafe_verify_unbound(presented)

    before, after = asyncio.run(walk())

    assert ("status.unavailable", "unsafe_no_binding") == (before.code, before.checks[4].code)
    assert isinstance(after, Accepted)
    with pytest.raises(TrustError) as refused:
        asyncio.run(judge.put_crl(b"no list"))
    assert "trust.revocation_unknown" == refused.value.code


def test_paper_and_packages_are_judged_as_by_the_other_one(ewallet_kit, verifier):
    """Here what nobody can read: paper fails where it is read, in a thread, and a package where it is opened."""
    plain = Verifier(
        ewallet_kit.verifier.client_id,
        trust=ewallet_kit.pki.trust_list(),
        store=MemoryVerifierStore(),
        send=offline,
        env=ewallet_kit.env,
    )
    believed = Believed(log=(key_of("log.example.org", SigningKey.generate("EdDSA").public),))
    receiving = Receiving(recipient="bank.example", key="x" * 43, believed=believed, catalog=ewallet_kit.catalog)
    threads = []

    def read():
        threads.append(threading.get_ident())
        raise Malformed("malformed.pdf", "no page")

    async def walk(judge):
        return [await judge.verify_paper(read), await judge.verify_package(b"{}", receiving)]

    awaited = asyncio.run(walk(verifier()))

    assert [plain.verify_paper(read), plain.verify_package(b"{}", receiving)] == awaited
    assert ["malformed.pdf", "malformed.claim_type"] == [verdict.code for verdict in awaited]
    assert threading.get_ident() != threads[0]
