"""What a bank asks for as optional: the holder gives it or not, and both signatures say which."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ewallet import receipt
from ewallet.acting import Proxy
from ewallet.catalog import Catalog
from ewallet.consent import TRANSACTION, Choice, Consent, Party, consenting
from ewallet.consent.options import offer
from ewallet.dcql import CredentialSet
from ewallet.errors import EWalletError, ProtocolError, UsageError
from ewallet.formats import FORMATS
from ewallet.keys import SigningKey
from ewallet.oid4vp import AuthorizationRequest, TransactionData
from ewallet.oid4vp.request import subject_name
from ewallet.receipt import Countersigner, Receipt
from ewallet.receipt.countersignature import sign
from ewallet.shape import base64url, json_object
from ewallet.testing.kit import CLIENT_ID, PURPOSE, Kit
from ewallet.testing.peers import IssuerPeer, VerifierPeer
from ewallet.transactions import KNOWN
from ewallet.verdict import Accepted, Rejected
from ewallet.wallet import Wallet
from verifier_cli import bundles

CATALOG = Catalog.bundled()
LOAN = CATALOG.bundle("bank_personal_loan")
REQUIRED = [item.type_id for item in LOAN.items if item.required]
HOUSEHOLD, PREMIUMS = OPTIONAL = [item.type_id for item in LOAN.items if not item.required]


class Bank:
    """A bank that offers optional members, and a citizen."""

    def __init__(self):
        self.kit = kit = Kit.make()
        self.name = subject_name(kit.pki.verifier.chain[0])
        self.peer = VerifierPeer(kit)
        self.kept: list[Receipt] = []
        self.peer.exchange._confirmed = Countersigner(signer=kit.pki.verifier, env=kit.env, keep=self.kept.append)
        self.wallet = Wallet(
            store=kit.wallet_store,
            trust=kit.pki.trust_list(),
            send=kit.network,
            catalog=kit.catalog,
            transaction_types=KNOWN,
            env=kit.env,
        )

    def issued(self, *kinds):
        """The same, once the citizen has all that is required, and these."""
        issuer = IssuerPeer(self.kit)
        for kind in (*REQUIRED, *kinds):
            self.kit.wallet.accept(issuer.offer(kind), copies=2)
        return self

    def consent(self, **terms):
        """A consent that the bank proposes."""
        return Consent.propose(
            LOAN,
            CATALOG,
            Choice(road="wallet", days=30),
            id_="consent-1",
            recipient=Party(id=CLIENT_ID, names=dict.fromkeys(("ko", "en"), self.name)),
            since=self.kit.clock.now(),
            **terms,
        )

    def asked(self, consent=None, options=None):
        """What is asked with a consent and its options, and the transactions of both."""
        consent = consent or self.consent()
        options = offer(consent, LOAN, OPTIONAL, CATALOG) if options is None else options
        query = consenting.query(consent, CATALOG, options)
        return query, [consenting.transaction(each, query, CATALOG) for each in (consent, *options)]

    def opened(self):
        """The request for it in the citizen's wallet, as far as that agrees."""
        query, transactions = self.asked()
        return self.wallet.open(self.peer.ask(query, transaction_data=transactions))

    def answered(self, *names):
        """The request, and the verdict on an answer with these optional members."""
        request = self.opened()
        answer = self.wallet.match(request.query)
        for name in names:
            answer = answer.give(name)
        self.wallet.answer(request, answer)
        return request, self.peer.verdict()


@pytest.fixture(scope="module")
def served():
    """A bank whose citizen has everything: of what is optional both."""
    return Bank().issued(*OPTIONAL)


@pytest.fixture
def bank():
    """A bank, and a citizen with an empty wallet."""
    return Bank()


def _code(call, *arguments):
    with pytest.raises(EWalletError) as refused:
        call(*arguments)
    return refused.value.code


def _confirmed(made):
    """How many transactions the holder's signature of a receipt confirms."""
    return len(json_object(base64url(made.confirmation.rpartition("~")[2].split(".")[1]))["transaction_data_hashes"])


@pytest.mark.parametrize("given", [[], [PREMIUMS], [HOUSEHOLD, PREMIUMS]], ids=len)
def test_what_is_optional_is_given_or_not_and_everything_names_it(given):
    """The verdict, both halves of the receipt, its view and the wallet's history; without it nothing is lost."""
    bank = Bank().issued(*OPTIONAL)
    _, verdict = bank.answered(*given)
    left = [kind for kind in OPTIONAL if kind not in given]
    (made,) = bank.wallet.receipts()

    assert isinstance(verdict, Accepted)
    assert {*REQUIRED, *given} == {*verdict.claims}
    assert left == list(verdict.left_out)
    assert Counter([*REQUIRED, *given]) == Counter(
        bank.kit.catalog.by_type_id(s.type_id).id for s in bank.wallet.history()
    )
    assert [bank.kept[0].to_bytes()] == [made.to_bytes()]
    assert [(kind, kind in given) for kind in OPTIONAL] == [(o.items[0].type_id, told) for o, told in made.options]
    assert 1 + len(given) == _confirmed(made)
    assert [*REQUIRED, *given] == [data["type"] for data in made.view()["dpv:hasPersonalData"]]
    assert [each["given"] for each in made.view()["optional"]] == [kind in given for kind in OPTIONAL]
    judged = receipt.verify(made.to_bytes(), bank.kit.pki.trust_list(), CATALOG, at=bank.kit.clock.now())
    assert isinstance(judged, Accepted)


def test_what_is_not_given_stands_as_left_out_and_not_as_a_problem(served):
    """Each optional member in words that are no reproach."""
    _, verdict = served.answered(PREMIUMS)
    told = {each["type"]: each for each in bundles.report(verdict, [*REQUIRED, *OPTIONAL])}

    assert ("left_out", None) == (told[HOUSEHOLD]["standing"], told[HOUSEHOLD]["code"])
    assert "shown" == told[PREMIUMS]["standing"]
    (line,) = [line for line in bundles.lines(told.values(), "en") if CATALOG.type(HOUSEHOLD).label("en") in line]
    assert line.startswith("  [optional, not given] ")


def test_an_answer_gives_nothing_optional_until_its_holder_says_so(served):
    """Ticked by name, and unticked; what is required is nobody's to tick."""
    answer = served.wallet.match(served.opened().query)
    ticked = answer.give(PREMIUMS)

    assert (tuple(OPTIONAL), tuple(OPTIONAL)) == (answer.left_out, answer.offerable)
    assert ((HOUSEHOLD,), 1) == (ticked.left_out, len(ticked.choices) - len(answer.choices))
    assert answer.choices == ticked.withhold(PREMIUMS).choices
    for name in (REQUIRED[0], "unheard_of"):
        assert "usage.argument" == _code(answer.give, name)


def test_whoever_has_nothing_optional_answers_all_the_same(bank):
    """It can be named as missing, with what it is, and is no reason to be refused."""
    bank.issued()
    answer = bank.wallet.match(bank.opened().query)
    with pytest.raises(EWalletError) as refused:
        answer.give(PREMIUMS)

    assert ((), tuple(OPTIONAL)) == (answer.offerable, answer.left_out)
    assert ("dcql.unsatisfied", (PREMIUMS,)) == (refused.value.code, refused.value.members)
    assert isinstance(bank.answered()[1], Accepted)


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_an_optional_consent_says_that_it_is_one(served, lang):
    """In its words, which no other consent has, and in its record, which is read again."""
    consent = replace(served.consent(), lang=lang).worded(CATALOG)
    (option,) = offer(consent, LOAN, [PREMIUMS], CATALOG)

    assert {"ko": "선택 동의입니다.", "en": "This is optional."}[lang] in option.words(CATALOG)
    assert option == Consent.parse(option.to_bytes())
    assert "optional" not in consent.to_json()
    assert consent.digest != option.digest


def test_only_what_a_bundle_has_as_optional_is_offered(served):
    """And nothing to somebody who was told beforehand what to consent to, nor through a portal."""
    consent = served.consent()
    by_delegate = served.consent(acting=Proxy(role="delegate", principal="가상인", agent="가상대리"))
    for asked, kinds in (
        (consent, [REQUIRED[0]]),
        (consent, ["unheard_of"]),
        (replace(consent, road="portal"), [PREMIUMS]),
        (by_delegate, [PREMIUMS]),
    ):
        assert "usage.argument" == _code(offer, asked, LOAN, kinds, CATALOG)


def test_a_member_of_a_case_is_offered_the_same(bank):
    """Of the identity credentials one is required, which the bank may name; a wallet agrees to it as to any other."""
    card, party = LOAN.identity[1], Party(id=CLIENT_ID, names=dict.fromkeys(("ko", "en"), bank.name))
    members = {"bundle": LOAN.id, "days": 30, "optional": [card, PREMIUMS]}
    consent = bundles.consent(members, party, joint=True)
    options = bundles.optional_consents(consent, members)
    query, transactions = bank.asked(consent, options)
    plain = bank.kit.verifier.ask(query, purpose=PURPOSE)
    request = replace(plain, transaction_data=tuple(transactions), verifier_name=bank.name)

    assert {card, *REQUIRED} == {item.type_id for item in consent.items}
    assert ([PREMIUMS], (PREMIUMS,)) == ([each.items[0].type_id for each in options], query.optional)
    assert request == consenting.agreeable(request, CATALOG, consent.since)


def test_nothing_optional_is_chosen_for_whoever_shows_copies(served):
    """A bank that tried would ask what every wallet refuses."""
    choice = Choice(road="wallet", days=30, optional=frozenset([PREMIUMS]))
    with pytest.raises(UsageError) as refused:
        Consent.propose(
            LOAN,
            CATALOG,
            choice,
            id_="consent-1",
            recipient=Party(id=CLIENT_ID, names={"ko": "가상은행", "en": "Invented Bank"}),
            since=served.kit.clock.now(),
        )
    assert "usage.argument" == refused.value.code


# -- what a verifier refuses -------------------------------------------------------------------------------


def _token(bank, request, sent, signed):
    """An answer with what was ``sent``, whose holder confirmed what goes with what was ``signed``."""
    answer = bank.wallet.match(request.query).give(PREMIUMS).give(HOUSEHOLD)
    choices = {choice.query.name: choice for choice in answer.choices}
    bindings = request.bindings(choices[name].query.id for name in signed)
    token = {}
    for name in sent:
        choice = choices[name]
        copy = bank.kit.wallet_store.copies(choice.candidate.id)[0]
        key = SigningKey.of_secret(bank.kit.wallet_store.key(copy.key))
        binding = bindings.get(choice.query.id, request.binding)
        present = FORMATS[choice.query.format].present
        token[choice.query.id] = (present(copy.raw, choice.paths, binding, key, bank.kit.clock.now()),)
    return token


ANSWERS: dict[str, Any] = {
    "all that was signed": ([*REQUIRED, PREMIUMS], [*REQUIRED, PREMIUMS], None),
    "more than was signed": ([*REQUIRED, PREMIUMS], REQUIRED, "policy.transaction_data"),
    "less than was signed": (REQUIRED, [*REQUIRED, PREMIUMS], "policy.transaction_data"),
    "another than was signed": ([*REQUIRED, HOUSEHOLD], [*REQUIRED, PREMIUMS], "policy.transaction_data"),
    "something required missing": ([*REQUIRED[:-1], PREMIUMS], [*REQUIRED[:-1], PREMIUMS], "dcql.unsatisfied"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_what_its_holder_signed(served, name):
    """MYD-02: An optional member that was not consented to is not accepted, nor one that was and is not there."""
    sent, signed, code = ANSWERS[name]
    request = served.opened()
    verdict = served.kit.verifier.verify(_token(served, request, sent, signed), request)

    assert (code, Rejected if code else Accepted) == (verdict.code, type(verdict))


# -- what a wallet refuses ---------------------------------------------------------------------------------


def _refused(bank, query, transactions):
    """The code by which a wallet refuses what a bank asks, and the error that the bank hears."""
    link = bank.peer.ask(query, transaction_data=transactions)
    with pytest.raises(EWalletError) as refused:
        bank.wallet.open(link)
    return refused.value.code, bank.peer.verdict().error


def _unrefusable(bank):
    asked = bank.consent()
    (option,) = offer(asked, LOAN, [PREMIUMS], CATALOG)
    return bank.asked(replace(asked, items=(*asked.items, *option.items)).worded(CATALOG), ())


def _without_consent(bank):
    query, transactions = bank.asked()
    return query, transactions[:-1]


def _only_optional(bank):
    query, transactions = bank.asked()
    return query, transactions[1:]


def _twice(bank):
    query, transactions = bank.asked()
    return query, [*transactions, transactions[-1]]


def _required_as_optional(bank):
    consent = bank.consent()
    query, _ = bank.asked(consent, ())
    sets = (replace(query.credential_sets[0], required=False), *query.credential_sets[1:])
    query = replace(query, credential_sets=sets)
    return query, [consenting.transaction(consent, query, CATALOG)]


def _changed(**changes):
    """The last option with other members."""

    def asked(bank):
        consent = bank.consent()
        *options, last = offer(consent, LOAN, OPTIONAL, CATALOG)
        return bank.asked(consent, (*options, replace(last, **changes).worded(CATALOG)))

    return asked


def _more_claims(bank):
    consent = bank.consent()
    *options, last = offer(consent, LOAN, OPTIONAL, CATALOG)
    item = replace(last.items[0], claims=(*last.items[0].claims, ("name",)))
    return bank.asked(consent, (*options, replace(last, items=(item,)).worded(CATALOG)))


def _marked_required(bank):
    """An option in the place of the consent: its words say that it may be refused, and it may not."""
    query, transactions = bank.asked()
    main = Consent.of(transactions[0])
    optional = replace(main, optional=True).worded(CATALOG)
    made = TransactionData.make(TRANSACTION, transactions[0].credential_ids, _fields(optional))
    return query, [made, *transactions[1:]]


def _fields(consent):
    return {"text": consent.words(CATALOG), "record": consent.to_bytes().decode()}


def _confirmed_with_itself(bank):
    query, transactions = bank.asked()
    last = transactions[-1]
    ids = [each.id for each in query.credentials if each.name == last.only_with and each.format == "dc+sd-jwt"]
    return query, [*transactions[:-1], TransactionData.make(TRANSACTION, ids, last.fields, only_with=last.only_with)]


def _confirmed_with_optional(bank):
    query, transactions = bank.asked()
    ids = [each.id for each in query.credentials if each.name in OPTIONAL and each.format == "dc+sd-jwt"]
    return query, [TransactionData.make(TRANSACTION, ids, t.fields, only_with=t.only_with) for t in transactions]


def _about_another(bank):
    query, transactions = bank.asked()
    one, other = transactions[1:]
    swapped = [
        TransactionData.make(TRANSACTION, t.credential_ids, t.fields, only_with=name.only_with)
        for t, name in ((one, other), (other, one))
    ]
    return query, [transactions[0], *swapped]


def _of_a_delegate(bank):
    proxy = Proxy(role="delegate", principal="가상인", agent="가상대리")
    options = offer(bank.consent(), LOAN, OPTIONAL, CATALOG)
    return bank.asked(
        bank.consent(acting=proxy), tuple(replace(each, acting=proxy).worded(CATALOG) for each in options)
    )


REFUSED: dict[str, Any] = {
    "something optional that cannot be refused": (_unrefusable, "consent.scope"),
    "something optional without a consent": (_without_consent, "consent.scope"),
    "something required as optional": (_required_as_optional, "consent.scope"),
    "optional consents alone": (_only_optional, "receipt.invalid"),
    "an optional consent twice": (_twice, "receipt.invalid"),
    "more in an option than the bundle has": (_more_claims, "consent.scope"),
    "an option kept for longer": (_changed(retention=replace(LOAN.retention, days=9999)), "receipt.invalid"),
    "an option of another consent": (_changed(id="consent-2"), "receipt.invalid"),
    "an optional consent that cannot be refused": (_marked_required, "receipt.invalid"),
    "an option that its own credential confirms": (_confirmed_with_itself, "receipt.invalid"),
    "a consent that an optional credential confirms": (_confirmed_with_optional, "consent.scope"),
    "options that change places": (_about_another, "receipt.invalid"),
    "options of a delegate": (_of_a_delegate, "consent.scope"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_agrees_to_what_they_could_not_refuse_alone(bank, name):
    """MYD-02: The bank hears invalid_transaction_data, whatever the holder has."""
    asked, code = REFUSED[name]

    assert (code, "invalid_transaction_data") == _refused(bank, *asked(bank))


def test_an_optional_consent_goes_with_what_may_be_left_out(bank):
    """Where that is asked of everybody, a bank sends no such request and a wallet reads none."""
    query, transactions = bank.asked()
    required = tuple(CredentialSet(set_.options) for set_ in query.credential_sets)
    plain = bank.kit.verifier.ask(replace(query, credential_sets=required), purpose=PURPOSE)
    request = replace(plain, transaction_data=tuple(transactions))
    with pytest.raises(UsageError):
        bank.peer.ask(request.query, transaction_data=transactions)
    with pytest.raises(ProtocolError) as refused:
        AuthorizationRequest.parse(request.to_bytes())
    assert ("request.invalid", "invalid_transaction_data") == (refused.value.code, refused.value.error)


# -- what a receipt does not say ---------------------------------------------------------------------------


def _claims(made):
    return dict(made.signed[0].claims)


def test_a_recipient_cannot_say_that_something_optional_was_given(served):
    """MYD-07: Neither as answered, which the holder did not sign, nor as shown without an answer."""
    served.answered(HOUSEHOLD)
    made, trust = served.kept[-1], served.kit.pki.trust_list()
    claims, at = _claims(made), made.at
    told: list[tuple[dict[str, Any], str | None]] = [
        ({}, None),
        ({"answer": claims["answer"] | {PREMIUMS: ["x"]}}, "receipt.invalid"),
        ({"disclosed": claims["disclosed"] | {PREMIUMS: [["no_premium_arrears"]]}}, "receipt.invalid"),
        ({"answer": {name: each for name, each in claims["answer"].items() if name != HOUSEHOLD}}, "receipt.invalid"),
    ]
    for changes, code in told:
        event = sign(
            "given",
            claims["iss"],
            served.kit.pki.verifier,
            id_=made.id,
            at=at,
            logged=None,
            stated={name: value for name, value in (claims | changes).items() if name not in ("jti", "iss", "iat")},
        )
        forged = replace(made, events=(event,))
        assert code == receipt.verify(forged.to_bytes(), trust, CATALOG, at=at).code
