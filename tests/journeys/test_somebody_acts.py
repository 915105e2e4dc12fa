"""Somebody shows a certificate for somebody else: a guardian with a copy of their own, an official, a delegate."""

from __future__ import annotations

import json

import pytest

from ewallet import delegation
from ewallet.acting import Act, Guardian, Mandate, Official
from ewallet.delegation import Delegate, Terms
from ewallet.keys import SigningKey
from ewallet.testing.kit import PURPOSE, SUBJECT
from ewallet.testing.peers import IssuerPeer
from ewallet.testing.pki import VERIFIER
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

    believed = ewallet_kit.verifier.verify(*ewallet_kit.present(query), acting=Guardian())
    unexpected = ewallet_kit.verifier.verify(*ewallet_kit.present(query))

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
        until=now.replace(hour=now.hour + 4),
    )
    act = Act(name=HELPER, principal=person, law="민원처리법 제10조", mandate=mandate)
    paper = act.receipt([ewallet_kit.catalog.type(KIND).label()])
    ewallet_kit.issue(KIND, claims={**ewallet_kit.catalog.type(KIND).sample, **act.claims()})
    shown, request = ewallet_kit.present(ewallet_kit.query(KIND, ["name"]))

    verdict = ewallet_kit.verifier.verify(shown, request, acting=Official(CASE))
    again = ewallet_kit.verifier.verify(shown, request, acting=Official(CASE))

    assert isinstance(verdict, Accepted), verdict
    assert ((person, HELPER), CASE) == (_named(verdict), verdict.acting["case"])
    assert "replay.response_used" == again.code
    assert [] == [each for each in (CASE, person, HELPER, mandate.office) if each not in paper]


def test_delegate_answers_for_a_person_and_for_nobody_else(ewallet_kit, person):
    """The person signs for one query in one case; the bank asks the delegate, and sees one name and both people."""
    holder, agent, at = SigningKey.generate(), SigningKey.generate(), ewallet_kit.clock.now()
    sample, query = ewallet_kit.catalog.type(KIND).sample, ewallet_kit.query(KIND, ["name"])
    (held,) = ewallet_kit.issuer.issue(KIND, sample, subject=SUBJECT, holders=[holder.public]).credentials
    terms = Terms(
        delegate=agent.public,
        delegate_name=HELPER,
        principal=person,
        query=query,
        case=CASE,
        until=at.replace(day=at.day + 7),
        recipient=ewallet_kit.verifier.client_id,
    )
    kept = delegation.delegate(held, [("name",)], terms, holder, at)

    request = ewallet_kit.verifier.ask(query, purpose=PURPOSE)
    shown = {query.credentials[0].id: [delegation.present(kept, request.binding, agent, at)]}
    verdict = ewallet_kit.verifier.verify(shown, request, acting=Delegate(query, CASE))
    other = ewallet_kit.another_verifier(f"x509_san_dns:{VERIFIER}.other")
    asked = other.ask(query, purpose=PURPOSE)
    elsewhere = {query.credentials[0].id: [delegation.present(kept, asked.binding, agent, at)]}

    assert isinstance(verdict, Accepted), verdict
    assert ((person, HELPER), {KIND: {"name": person}}) == (_named(verdict), verdict.claims)
    assert sample["resident_address"] not in json.dumps(verdict.to_json(), ensure_ascii=False)
    assert "consent.recipient" == other.verify(elsewhere, asked, acting=Delegate(query, CASE)).code
