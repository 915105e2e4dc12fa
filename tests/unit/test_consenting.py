"""What a wallet agrees to: words that are those of the record, of whoever asks, for what is asked, and for now."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from ewallet.catalog import Catalog
from ewallet.consent import TRANSACTION, Choice, Consent, Party, consenting
from ewallet.dcql import Query
from ewallet.errors import EWalletError
from ewallet.oid4vp import TransactionData
from ewallet.oid4vp.request import subject_name
from ewallet.receipt import Countersigner
from ewallet.shape import to_base64url
from ewallet.testing.kit import CLIENT_ID, PURPOSE, SUBJECT, Kit
from ewallet.testing.peers import IssuerPeer, VerifierPeer
from ewallet.transactions import KNOWN
from ewallet.verdict import Accepted
from ewallet.wallet import Wallet
from verifier_cli import bundles

CATALOG = Catalog.bundled()
LOAN = CATALOG.bundle("bank_personal_loan")
KINDS = [item.type_id for item in LOAN.items if item.required]


class Bank:
    """A bank that asks a citizen who has everything, and countersigns what it gets."""

    def __init__(self):
        self.kit = kit = Kit.make()
        self.name = subject_name(kit.pki.verifier.chain[0])
        self.peer = VerifierPeer(kit)
        self.kept: list[Any] = []
        self.peer.exchange._confirmed = Countersigner(signer=kit.pki.verifier, env=kit.env, keep=self.kept.append)
        self.wallet = Wallet(
            store=kit.wallet_store,
            trust=kit.pki.trust_list(),
            send=kit.network,
            catalog=kit.catalog,
            transaction_types=KNOWN,
            env=kit.env,
        )

    def issued(self):
        """The same, once the citizen has everything."""
        issuer = IssuerPeer(self.kit)
        for kind in KINDS:
            self.kit.wallet.accept(issuer.offer(kind), copies=2)
        return self

    def consent(self, *, road="wallet", recipient=CLIENT_ID, name=None, days=30, bundle=LOAN, lang="ko", later=0):
        """A consent that the bank proposes."""
        names = dict.fromkeys(("ko", "en"), name or self.name)
        chosen = frozenset(set_[0] for set_ in bundle.one_of)
        return Consent.propose(
            bundle,
            CATALOG,
            Choice(road=road, days=days, lang=lang, optional=chosen),
            id_="consent-1",
            recipient=Party(id=recipient, names=names),
            since=self.kit.clock.now() + timedelta(seconds=later),
        )

    def link(self, consent, query=None, transaction=None):
        """The link to a request for it."""
        query = query or consenting.query(consent, CATALOG)
        agreed = transaction or consenting.transaction(consent, query, CATALOG)
        return self.peer.ask(query, transaction_data=[agreed])


@pytest.fixture
def bank():
    """A bank, and a citizen with an empty wallet."""
    return Bank()


def _refused(bank, link):
    """The code by which the wallet refuses, and the error that the bank hears."""
    with pytest.raises(EWalletError) as refused:
        bank.wallet.open(link)
    return refused.value.code, bank.peer.verdict().error


def test_what_was_agreed_to_is_answered_and_both_keep_the_receipt(bank):
    """The wallet keeps what the bank countersigned, in its own history, and it holds."""
    bank.issued()
    request = bank.wallet.open(bank.link(bank.consent()))
    bank.wallet.answer(request, bank.wallet.match(request.query))

    verdict = bank.peer.verdict()
    assert isinstance(verdict, Accepted)
    assert KINDS == list(verdict.claims)
    assert [each.to_bytes() for each in bank.kept] == [each.to_bytes() for each in bank.wallet.receipts()]
    bank.kept[0].check(bank.kit.pki.trust_list(), CATALOG)
    assert SUBJECT not in bank.kept[0].to_bytes().decode()


def test_a_member_that_is_over_is_named_with_where_to_get_it(bank):
    """The verdict on a bundle says which of its members it is about; there is no receipt for what was not accepted."""
    bank.issued()
    bank.kit.clock.advance(timedelta(days=31))
    request = bank.wallet.open(bank.link(bank.consent()))
    bank.wallet.answer(request, bank.wallet.match(request.query))

    verdict, over = bank.peer.verdict(), "national_tax_payment_certificate"
    told = {each["type"]: each for each in bundles.report(verdict, KINDS)}
    assert ("time.expired", (over,)) == (verdict.code, verdict.reasons[0].members)
    assert KINDS == list(told)
    assert ("problem", "time.expired") == (told[over]["standing"], told[over]["code"])
    assert dict(CATALOG.type(over).agencies) == told[over]["agency"]
    assert dict(CATALOG.type(over).fee) == told[over]["fee"]
    assert {"not_judged"} == {each["standing"] for kind, each in told.items() if kind != over}
    assert ([], ()) == (bank.kept, bank.wallet.receipts())
    (line,) = [line for line in bundles.lines(told.values(), "en") if over in line or "PROBLEM" in line]
    assert CATALOG.type(over).agency("en") in line


def test_a_receipt_that_is_none_is_not_kept(bank):
    """The holder is told by name, although the answer has left."""
    bank.issued()
    wrong = Countersigner(signer=bank.kit.pki.signers["resident"], env=bank.kit.env, keep=lambda _: None)
    bank.peer.exchange._confirmed = wrong
    request = bank.wallet.open(bank.link(bank.consent()))
    with pytest.raises(EWalletError) as refused:
        bank.wallet.answer(request, bank.wallet.match(request.query))

    assert "receipt.invalid" == refused.value.code
    assert () == bank.wallet.receipts()
    assert 5 == len(bank.wallet.history())


def test_without_a_consent_there_is_no_receipt(bank):
    """Of what was answered without one, and of what nobody countersigns."""
    bank.issued()
    bank.peer.exchange._confirmed = None
    request = bank.wallet.open(bank.link(bank.consent()))
    bank.wallet.answer(request, bank.wallet.match(request.query))

    assert () == bank.wallet.receipts()
    plain = bank.kit.verifier.ask(bank.kit.query(KINDS[0], ["name"]), purpose=PURPOSE)
    assert Countersigner(signer=bank.kit.pki.verifier, env=bank.kit.env, keep=bank.kept.append)(plain, {}) is None
    assert [] == bank.kept


@pytest.mark.parametrize("bundle", list(CATALOG.bundles()), ids=lambda bundle: bundle.id)
def test_every_bundle_asks_for_what_its_consent_covers(bank, bundle):
    """And a wallet of this catalogue agrees to it, in both languages."""
    for lang in ("ko", "en"):
        consent = bank.consent(bundle=bundle, lang=lang)
        query = consenting.query(consent, CATALOG)
        request = replace(
            bank.kit.verifier.ask(query, purpose=PURPOSE),
            transaction_data=(consenting.transaction(consent, query, CATALOG),),
            verifier_name=bank.name,
        )
        assert request == consenting.agreeable(request, CATALOG, bank.kit.clock.now())
        assert all(set_.required for set_ in query.credential_sets)


CONSENTS = {
    "another recipient": ({"recipient": "x509_san_dns:other.example"}, "consent.recipient"),
    "the name of another": ({"name": "다른가상은행"}, "consent.recipient"),
    "a name that moves the cursor": ({"name": "가상\u202e은행"}, "consent.recipient"),
    "of tomorrow": ({"later": 86_400}, "consent.not_yet_valid"),
    "of last month": ({"later": -86_400 * 40}, "consent.expired"),
    "for a portal": ({"road": "portal"}, "consent.scope"),
}


@pytest.mark.parametrize("name", CONSENTS)
def test_nobody_agrees_to_the_consent_of_somebody_else_or_of_another_time(bank, name):
    """The bank hears invalid_transaction_data, and nothing about the holder."""
    terms: Any
    terms, code = CONSENTS[name]
    assert (code, "invalid_transaction_data") == _refused(bank, bank.link(bank.consent(**terms)))


def test_a_clock_that_is_a_little_ahead_is_forgiven(bank):
    """Sixty seconds, at the beginning only."""
    bank.wallet.open(bank.link(bank.consent(later=60)))
    assert "consent.not_yet_valid" == _refused(bank, bank.link(bank.consent(later=62)))[0]


def test_more_than_the_consent_covers_is_not_shown(bank):
    """Another claim of a member, and another kind."""
    consent = bank.consent()
    for kind, claims in (("income_amount_certificate", ["name"]), ("disabled_person_certificate", ["name"])):
        more = Query.for_type(CATALOG.type(kind), claims)
        assert ("consent.scope", "invalid_transaction_data") == _refused(bank, bank.link(consent, more))


def _transaction(consent, text, asked=None):
    """The consent with these words, and their digest in the record."""
    record = consent.to_json() | {"text": to_base64url(sha256(text.encode()).digest())}
    raw = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    ids = [each.id for each in consenting.query(asked or consent, CATALOG).credentials if each.format == "dc+sd-jwt"]
    return TransactionData.make(TRANSACTION, ids, {"text": text, "record": raw})


def test_words_that_the_record_does_not_bear_are_not_believed(bank):
    """Although the record names their digest: the wallet writes the words itself, and compares."""
    consent = bank.consent()
    mild = consent.words(CATALOG).replace("최근 귀속연도 합계 소득", "최근 귀속연도")

    link = bank.link(consent, transaction=_transaction(consent, mild))
    assert ("receipt.invalid", "invalid_transaction_data") == _refused(bank, link)


HOSTILE = {
    "a line more in a name": lambda c: replace(c, purposes={"ko": "심사\n제공 방식: 한 번만", "en": "x"}),
    "for a hundred years": lambda c: replace(c, until=c.until + timedelta(days=36_500)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_record_that_reads_otherwise_than_it_says_is_refused(bank, name):
    """Line breaks in a value, and times that nobody may ask for."""
    consent = HOSTILE[name](bank.consent())
    link = bank.link(bank.consent(), transaction=_transaction(consent, consent.words(CATALOG)))
    assert ("receipt.invalid", "invalid_transaction_data") == _refused(bank, link)


OTHERWISE: dict[str, Any] = {
    "kept for longer than the words say": lambda c: replace(c, retention=replace(c.retention, days=36_500)),
    "another purpose in the language that is not read": lambda c: replace(c, purposes={**c.purposes, "en": "to sell"}),
    "another purpose": lambda c: replace(c, purposes={"ko": "\u3164", "en": "x"}),
    "another law": lambda c: replace(c, legal_basis="가상법 제1조"),
    "another right": lambda c: replace(c, route="shared_use"),
    "every day": lambda c: replace(c, provision=replace(c.provision, mode="periodic", cycle="P1D", longest="P9Y")),
    "another bundle": lambda c: replace(c, bundle_id="customs_declaration"),
    "an unknown bundle": lambda c: replace(c, bundle_id="unheard_of"),
    "until another time of the day": lambda c: replace(c, until=c.until - timedelta(hours=5)),
    "a member twice": lambda c: replace(c, items=(*c.items, c.items[0])),
    "a claim twice": lambda c: replace(
        c, items=(replace(c.items[0], claims=(*c.items[0].claims, c.items[0].claims[0])), *c.items[1:])
    ),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_record_that_nobody_proposes_is_refused(bank, name):
    """Words have one language and not every member of the record: the rest is what the bundle says, or nothing."""
    asked = bank.consent()
    consent = OTHERWISE[name](asked)
    link = bank.link(asked, transaction=_transaction(consent, consent.words(CATALOG), asked))

    assert ("consent.scope", "invalid_transaction_data") == _refused(bank, link)


def test_a_record_of_what_is_unknown_here_is_refused(bank):
    """A kind or a claim that this catalogue has not cannot be put into words."""
    consent = bank.consent()
    kind = replace(consent, items=(replace(consent.items[0], type_id="unheard_of"), *consent.items))
    claim = replace(consent, items=(replace(consent.items[0], claims=(("x",),)), *consent.items))
    for unknown in (kind, claim):
        link = bank.link(consent, transaction=_transaction(unknown, "x"))
        assert ("consent.scope", "invalid_transaction_data") == _refused(bank, link)


def test_one_request_asks_for_one_consent(bank):
    """Two would be two to read and to refuse."""
    consent = bank.consent()
    query = consenting.query(consent, CATALOG)
    agreed = consenting.transaction(consent, query, CATALOG)
    link = bank.peer.ask(query, transaction_data=[agreed, agreed])
    assert ("receipt.invalid", "invalid_transaction_data") == _refused(bank, link)


def test_nobody_consents_to_a_stranger(bank):
    """A request that came as a file says who asks, and nobody has checked it: what is not opened is not answered."""
    bank.issued()
    consent = bank.consent()
    query = consenting.query(consent, CATALOG)
    request = replace(
        bank.kit.verifier.ask(query, purpose=PURPOSE),
        transaction_data=(consenting.transaction(consent, query, CATALOG),),
    )
    with pytest.raises(EWalletError) as refused:
        bank.wallet.present(request, bank.wallet.match(query))

    assert "consent.recipient" == refused.value.code
    assert () == bank.wallet.history()


def test_a_portal_asks_for_an_identity_and_nothing_else(bank):
    """What is consented to does not travel with the consent; the recipient is not the one who asks."""
    consent = bank.consent(road="portal", recipient="bank-0001", name="가상은행")
    identity = Query.for_type(CATALOG.type(LOAN.identity[0]), ["name"])
    request = bank.wallet.open(bank.link(consent, identity))

    assert consent == consenting.consent_in(request)
