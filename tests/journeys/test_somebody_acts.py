"""Somebody shows a certificate for somebody else: a guardian with a copy of their own, an official, a delegate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet import delegation
from ewallet.acting import Act, Mandate
from ewallet.delegation import Delegate, Terms
from ewallet.errors import ConsentError, EWalletError
from ewallet.expectation import Expectation
from ewallet.keys import SigningKey
from ewallet.testing.kit import PURPOSE, SUBJECT
from ewallet.testing.peers import IssuerPeer
from ewallet.verdict import Accepted, Rejected

KIND = "resident_register_abstract"
CASE = "2026-가상-0001"
HELPER = "성춘향"


@pytest.fixture
def person(ewallet_catalog):
    """The name of whom it is about."""
    return ewallet_catalog.type(KIND).sample["name"]


def _named(verdict):
    return verdict.acting["principal"]["name"], verdict.acting["agent"]["name"]


def test_guardian_receives_a_copy_and_shows_it(ewallet_kit, person):
    """The agency's records say who acts by which law; a bank that expects no guardian refuses the same wallet."""
    issuer = IssuerPeer(ewallet_kit)
    act = Act(name=HELPER, principal=person, law="민법 제911조")
    sample = ewallet_kit.catalog.type(KIND).sample
    issuer.records.given[SUBJECT, KIND] = {**sample, **act.claims()}
    (document,) = ewallet_kit.wallet.accept(issuer.offer(KIND), copies=2)
    query = ewallet_kit.query(KIND, ["name"])

    guardian = Expectation(role="guardian")
    believed = ewallet_kit.verifier.verify(*ewallet_kit.present(query, expected=guardian))
    request = ewallet_kit.verifier.ask(query, purpose=PURPOSE)
    shown = ewallet_kit.wallet.present(request, ewallet_kit.wallet.match(query, expected=guardian))
    unexpected = ewallet_kit.verifier.verify(shown, request)

    assert isinstance(believed, Accepted), believed
    assert ((person, HELPER), {KIND: {"name": person}}) == (_named(believed), believed.claims)
    assert isinstance(unexpected, Rejected)
    assert "consent.authority" == unexpected.code
    assert act == Act.of(document.credential.claims)


def test_official_acts_once_for_a_person_without_a_phone(ewallet_kit, person):
    """Identified in person, with a paper to take home; the second time the mandate is used up."""
    now = ewallet_kit.clock.now()
    mandate = Mandate(
        office="가상특별시 예시구청",
        identified="주민등록증과 얼굴",
        case=CASE,
        recipient=ewallet_kit.verifier.client_id,
        since=now,
        until=now + timedelta(hours=4),
    )
    act = Act(name=HELPER, principal=person, law="민원처리법 제10조", mandate=mandate)
    paper = act.receipt([ewallet_kit.catalog.type(KIND).label()])
    ewallet_kit.issue(KIND, claims={**ewallet_kit.catalog.type(KIND).sample, **act.claims()})
    expected = Expectation(role="official", case=CASE)
    shown, request = ewallet_kit.present(ewallet_kit.query(KIND, ["name"]), expected=expected)

    verdict = ewallet_kit.verifier.verify(shown, request)
    again = ewallet_kit.verifier.verify(shown, request)

    assert isinstance(verdict, Accepted), verdict
    assert verdict.acting
    assert ((person, HELPER), CASE) == (_named(verdict), verdict.acting["case"])
    assert "replay.response_used" == again.code
    assert [] == [each for each in (CASE, person, HELPER, mandate.office) if each not in paper]


def _terms(kit, person, agent, **changes):
    made = {
        "delegate": agent.public,
        "delegate_name": HELPER,
        "principal": person,
        "query": kit.query(KIND, ["name"]),
        "case": CASE,
        "until": kit.clock.now() + timedelta(days=7),
        "recipient": kit.verifier.client_id,
    }
    return Terms(**(made | changes))


def test_delegate_answers_for_a_person_and_for_nobody_else(ewallet_kit, person):
    """The wallet signs for one query in one case; the bank asks the delegate, and sees one name and both people."""
    document, agent = ewallet_kit.issue(KIND, copies=2), SigningKey.generate()
    terms = _terms(ewallet_kit, person, agent)
    kept = ewallet_kit.wallet.delegate(terms)
    acting = Delegate(terms.query, CASE)

    def shown(verifier):
        request = verifier.ask(terms.query, purpose=PURPOSE)
        at = ewallet_kit.clock.now()
        return {
            id_: [delegation.present(each, request.binding, agent, at) for each in all_]
            for id_, all_ in kept.delegated.items()
        }, request

    verdict = ewallet_kit.verifier.verify(*shown(ewallet_kit.verifier), acting=acting)
    other = ewallet_kit.another_verifier("x509_san_dns:other.example")

    assert isinstance(verdict, Accepted), verdict
    assert ((person, HELPER), {KIND: {"name": person}}) == (_named(verdict), verdict.claims)
    assert "consent.recipient" == other.verify(*shown(other), acting=acting).code
    (noted,) = ewallet_kit.wallet.history()
    assert (agent.public.thumbprint, HELPER, CASE) == (noted.audience, noted.name, noted.purpose)
    assert 1 == ewallet_kit.wallet.get(document.id).copies_left


def _guardians_copy(kit, person):
    act = Act(name=HELPER, principal=person, law="민법 제911조")
    kit.issue(KIND, claims={**kit.catalog.type(KIND).sample, **act.claims()})
    return {}


def _mdoc(kit, _person):
    kit.issue(KIND, format_id="mso_mdoc")
    return {}


def _too_long(kit, _person):
    kit.issue(KIND)
    return {"until": kit.clock.now() + timedelta(days=31)}


def _number(kit, _person):
    number = "resident_registration_number"
    kit.issue(KIND, claims={**kit.catalog.type(KIND).sample, number: "a number of nobody"})
    return {"query": kit.query(KIND, [number])}


def _nothing(_kit, _person):
    return {}


@pytest.mark.parametrize(
    ("held", "code"),
    [
        (_guardians_copy, "dcql.unsatisfied"),
        (_mdoc, "kb.missing"),
        (_too_long, "usage.argument"),
        (_number, "request.no_legal_basis"),
        (_nothing, "dcql.unsatisfied"),
    ],
)
def test_wallet_signs_over_only_what_can_be_delegated(ewallet_kit, person, held, code):
    """And spends no copy where it does not."""
    changes = held(ewallet_kit, person)
    with pytest.raises(EWalletError) as refused:
        ewallet_kit.wallet.delegate(_terms(ewallet_kit, person, SigningKey.generate(), **changes))
    assert (code, ()) == (refused.value.code, ewallet_kit.wallet.history())
    assert {1} >= {document.copies_left for document in ewallet_kit.wallet.documents()}


def test_guardian_does_not_delegate_what_they_hold_for_their_ward(ewallet_kit, person):
    """Not even where they pick it themselves."""
    _guardians_copy(ewallet_kit, person)
    terms = _terms(ewallet_kit, person, SigningKey.generate())
    picked = ewallet_kit.wallet.match(terms.query, expected=Expectation(role="guardian"))
    with pytest.raises(ConsentError) as refused:
        ewallet_kit.wallet.delegate(terms, picked)
    assert ("consent.authority", ()) == (refused.value.code, ewallet_kit.wallet.history())
