"""Whom a request expects to answer, over the wire: a bank, the person's wallet and their friend's, in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ewallet import delegation
from ewallet.acting import Proxy
from ewallet.aio import AsyncWallet, threaded
from ewallet.consent import Choice, Consent, Party, consenting
from ewallet.delegation import Delegation
from ewallet.errors import ConsentError, EWalletError, ProtocolError, UsageError
from ewallet.exchange import Collected, Exchange
from ewallet.expectation import FORMAT, Expectation, terms_for
from ewallet.jose import to_json
from ewallet.keys import SigningKey
from ewallet.oid4vp import VpToken
from ewallet.oid4vp.request import subject_name
from ewallet.receipt import Countersigner, Receipt
from ewallet.shape import json_object
from ewallet.testing.kit import CLIENT_ID, PURPOSE, Kit
from ewallet.testing.peers import VerifierPeer, bank_host
from ewallet.testing.pki import VERIFIER
from ewallet.testing.stores import MemoryVerifierStore, MemoryWalletStore
from ewallet.transactions import KNOWN
from ewallet.verdict import Accepted
from ewallet.wallet import Wallet

KIND = "resident_register_abstract"
CARD = "mobile_driver_license"
CASE = "2026-가상-0001"
HELPER = "성춘향"
DELEGATE = Expectation(role="delegate", case=CASE)


@dataclass
class World:
    """A person, their friend, and a bank that countersigns consents."""

    kit: Kit
    person: Wallet
    friend: Wallet
    store: MemoryWalletStore
    bank: VerifierPeer
    receipts: list[Receipt]

    @classmethod
    def of(cls, kit):
        store, bank = MemoryWalletStore(), VerifierPeer(kit)
        receipts: list[Receipt] = []
        terms: dict[str, Any] = {"trust": kit.pki.trust_list(), "send": kit.network, "catalog": kit.catalog}
        terms |= {"env": kit.env, "transaction_types": KNOWN}
        confirmed = Countersigner(signer=kit.pki.verifier, env=kit.env, keep=receipts.append)
        bank.exchange = Exchange(
            VERIFIER,
            verifier=kit.verifier,
            signer=kit.pki.verifier,
            store=MemoryVerifierStore(),
            confirmed=confirmed,
            env=kit.env,
        )
        kit.network.route(f"{VERIFIER}/", bank_host(bank.exchange))
        friend = Wallet(store=store, **terms)
        return cls(kit, Wallet(store=kit.wallet_store, **terms), friend, store, bank, receipts)

    @property
    def name(self):
        return self.kit.catalog.type(KIND).sample["name"]

    def ask(self, expected=DELEGATE, claims=("name",), **options):
        return self.bank.ask(self.kit.query(KIND, claims), verifier_info=[expected.info()], **options)

    def ask_consent(self, *, days=30, agent=HELPER):
        catalog, name = self.kit.catalog, subject_name(self.kit.pki.verifier.chain[0])
        consent = Consent.propose(
            catalog.bundle("car_rental"),
            catalog,
            Choice(road="wallet", days=days),
            id_=f"consent-{days}-{len(self.bank.asked)}",
            recipient=Party(id=CLIENT_ID, names={"ko": name, "en": name}),
            since=self.kit.clock.now(),
            acting=Proxy(role="delegate", principal=self.name, agent=agent),
        )
        query = consenting.query(consent, catalog)
        agreed = [consenting.transaction(consent, query, catalog)]
        return self.bank.ask(query, verifier_info=[DELEGATE.info()], transaction_data=agreed)

    def terms(self, request, key=None, **changes):
        key = key or self.friend.new_keys()[0]
        until = self.kit.clock.now() + timedelta(days=7)
        made = terms_for(request, delegate=key, delegate_name=HELPER, principal=self.name, until=until)
        return replace(made, **changes)

    def delegated(self, link, **changes):
        return self.person.delegate(self.terms(self.person.open(link), **changes))

    def shown(self, link, kept):
        self.friend.answer(self.friend.open(link), kept)
        return self.bank.verdict()

    def forced(self, link, kept, key=None):
        """What a friend's wallet without scruples sends, and the bank's verdict on it."""
        request = self.friend.open(link)
        signer = key or SigningKey.of_secret(self.store.key(kept.first.jkt))
        bindings, at = request.bindings(kept.delegated), self.kit.clock.now()
        token: VpToken = {
            id_: tuple(delegation.present(each, bindings[id_], signer, at) for each in all_)
            for id_, all_ in kept.delegated.items()
        }
        return self.kit.verifier.verify(token, request)


@pytest.fixture
def world(ewallet_kit):
    """That world; the person holds a register abstract and a licence."""
    ewallet_kit.issue(KIND, copies=6)
    ewallet_kit.issue(CARD, copies=6)
    return World.of(ewallet_kit)


def test_friend_answers_over_the_wire_once(world):
    """The bank's verdict, once read, tells nobody any more who acted for whom; a second answer is refused."""
    link = world.ask()
    kept = Delegation.parse(world.delegated(link).to_bytes())
    verdict, later = world.shown(link, kept), world.bank.verdict()
    again = world.shown(world.ask(), kept)

    assert isinstance(verdict, Accepted), verdict
    assert verdict.acting
    assert ("delegate", CASE) == (verdict.acting["as"], verdict.acting["case"])
    assert isinstance(later, Collected)
    assert "acting" not in later.to_json()
    assert "replay.response_used" == again.code


def test_what_is_kept_of_an_exchange_names_nobody(world):
    """Neither the person nor the friend is in the clear in what outlives the answer."""
    link = world.ask()
    world.friend.answer(world.friend.open(link), world.delegated(link))
    kept = [each.outcome for each in world.bank.exchange._store._exchanges.values()]
    assert [True] == [each is not None and HELPER not in each and world.name not in each for each in kept]


def test_awaited_wallets_do_the_same(world):
    """Both verbs of the async wallet."""
    kit, link = world.kit, world.ask()
    terms: dict[str, Any] = {"trust": kit.pki.trust_list(), "send": threaded(kit.network), "env": kit.env}
    person = AsyncWallet(store=kit.wallet_store, catalog=kit.catalog, **terms)
    friend = AsyncWallet(store=world.store, catalog=kit.catalog, **terms)

    async def walk():
        kept = await person.delegate(world.terms(await person.open(link)))
        await friend.answer(await friend.open(link), kept)
        return await friend.history()

    (noted,) = asyncio.run(walk())
    assert isinstance(world.bank.verdict(), Accepted)
    assert Proxy(role="delegate", principal=world.name, agent=HELPER) == noted.acting
    assert ((("name",),), "") == (noted.paths, noted.held)


def _stranger(w):
    return w.ask(), {"key": SigningKey.generate()}, {}


def _case(w):
    return w.ask(Expectation(role="delegate", case="2026-가상-0002")), {}, {}


def _query(w):
    return w.ask(claims=("name", "birth_date")), {}, {}


def _person(w):
    return w.bank.ask(w.kit.query(KIND, ["name"])), {}, {}


def _recipient(w):
    return w.ask(), {}, {"recipient": "x509_san_dns:other.example"}


OTHERWISE = {
    "another key": (_stranger, "consent.authority"),
    "another case": (_case, "consent.authority"),
    "another query": (_query, "consent.authority"),
    "the person expected": (_person, "malformed.encoding"),
    "another recipient": (_recipient, "consent.recipient"),
}


@pytest.mark.parametrize(("asked", "code"), OTHERWISE.values(), ids=OTHERWISE)
def test_delegation_is_good_for_nothing_else(world, asked, code):
    """The bank refuses it by code, whatever a friend's wallet sends."""
    first = world.ask()
    link, forced, changes = asked(world)
    assert code == world.forced(link, world.delegated(first, **changes), **forced).code


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (_case, "consent.authority"),
        (_query, "consent.authority"),
        (_person, "consent.authority"),
        (_recipient, "consent.recipient"),
    ],
    ids=["case", "query", "person", "recipient"],
)
def test_friends_wallet_refuses_before_it_sends(world, asked, code):
    """And writes nothing into its history, since nothing left."""
    first = world.ask()
    link, _, changes = asked(world)
    kept = world.delegated(first, **changes)
    with pytest.raises(ConsentError) as refused:
        world.friend.answer(world.friend.open(link), kept)
    assert (code, ()) == (refused.value.code, world.friend.history())


def test_delegation_ends(world):
    """In the friend's wallet and at the bank."""
    kept = world.delegated(world.ask(), until=world.kit.clock.now() + timedelta(minutes=1))
    world.kit.clock.advance(timedelta(minutes=1))
    link = world.ask()
    with pytest.raises(EWalletError) as refused:
        world.friend.answer(world.friend.open(link), kept)
    assert ("time.expired", "time.expired") == (refused.value.code, world.forced(link, kept).code)


def test_wallet_of_somebody_else_shows_nothing_with_it(world):
    """It has not the key."""
    link = world.ask()
    kept = world.delegated(link)
    with pytest.raises(ConsentError) as refused:
        world.person.answer(world.person.open(link), kept)
    assert "consent.authority" == refused.value.code


def test_consent_through_a_friend_is_receipted_and_names_both(world):
    """The person let them, the friend confirmed it; both keep one receipt, and it holds."""
    link = world.ask_consent()
    kept = world.delegated(link)
    again = world.ask_consent()
    verdict = world.shown(again, kept)

    assert isinstance(verdict, Accepted), verdict
    (receipt,) = world.friend.receipts()
    assert [receipt.to_json()] == [each.to_json() for each in world.receipts]
    assert Proxy(role="delegate", principal=world.name, agent=HELPER) == receipt.consent.acting
    receipt.check(world.kit.pki.trust_list(), world.kit.catalog)
    assert kept.first.jkt == receipt.holder.thumbprint


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (lambda w: w.ask_consent(days=31), "consent.required"),
        (lambda w: w.ask_consent(agent="이가상"), "consent.required"),
    ],
    ids=["for longer", "naming another friend"],
)
def test_friend_gives_no_consent_that_the_person_did_not(world, asked, code):
    """A consent that says anything else, refused by the wallet and by the bank."""
    kept, link = world.delegated(world.ask_consent()), asked(world)
    with pytest.raises(ConsentError) as refused:
        world.friend.answer(world.friend.open(link), kept)
    assert (code, code, []) == (refused.value.code, world.forced(link, kept).code, world.receipts)


def test_friend_gives_no_consent_where_the_person_gave_none(world):
    """A delegation for the same query without the consent."""
    link = world.ask_consent()
    kept = world.delegated(link, consent=None)
    with pytest.raises(ConsentError) as refused:
        world.friend.answer(world.friend.open(link), kept)
    assert ("consent.required", "consent.required") == (refused.value.code, world.forced(link, kept).code)


def test_person_signs_over_no_consent_that_names_somebody_else(world):
    """Nothing is signed, and no copy spent."""
    request = world.person.open(world.ask_consent(agent="이가상"))
    with pytest.raises(ConsentError) as refused:
        world.terms(request)
    assert ("consent.authority", ()) == (refused.value.code, world.person.history())


def test_receipt_of_a_delegated_consent_holds_only_with_the_right_delegation(world):
    """The holder's half is judged as a delegate's: another case in the request, and it is no receipt."""
    link = world.ask_consent()
    world.shown(link, world.delegated(link))
    (receipt,) = world.receipts
    other = Expectation(role="delegate", case="2026-가상-0002")
    altered = replace(receipt, request=replace(receipt.request, verifier_info=(other.info(),)))
    with pytest.raises(EWalletError) as refused:
        altered.check_holder(world.kit.pki.trust_list())
    assert "receipt.invalid" == refused.value.code


@pytest.mark.parametrize(
    "made",
    [
        {"role": "delegate"},
        {"role": "official"},
        {"role": "guardian", "case": CASE},
        {"role": "friend", "case": CASE},
        {"role": "delegate", "case": "two\nlines"},
    ],
)
def test_nobody_is_expected_whom_nobody_could_be(made):
    """A delegate and an official without a case, a guardian with one."""
    with pytest.raises(UsageError) as refused:
        Expectation(**made)
    assert "usage.argument" == refused.value.code


@pytest.mark.parametrize(
    "info",
    [
        [DELEGATE.info(), DELEGATE.info()],
        [{"format": FORMAT, "data": "delegate"}],
        [{"format": FORMAT, "data": {"as": "friend"}}],
    ],
    ids=["twice", "a text", "a friend"],
)
def test_request_that_expects_in_other_words_is_refused(world, info):
    """By a wallet that would otherwise not know whom it answers for."""
    request = world.kit.verifier.ask(world.kit.query(KIND, ["name"]), purpose=PURPOSE, verifier_info=info)
    with pytest.raises(ProtocolError) as refused:
        Expectation.of(request)
    assert "request.invalid" == refused.value.code


SPOILT = {
    "another schema": lambda d: d | {"schema": "ewallet.delegation/2"},
    "nothing in it": lambda d: d | {"delegated": {}},
    "an id that is not asked": lambda d: d | {"delegated": {"other": next(iter(d["delegated"].values()))}},
    "no array": lambda d: d | {"delegated": dict.fromkeys(d["delegated"], "x")},
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_file_that_is_no_delegation_is_refused(world, spoil):
    """As malformed, before anything of it is believed."""
    document = json_object(world.delegated(world.ask()).to_bytes())
    with pytest.raises(EWalletError) as refused:
        Delegation.parse(to_json(spoil(document)))
    assert "malformed.claim_type" == refused.value.code
