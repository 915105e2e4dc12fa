"""Somebody gets certificates about somebody else: a guardian by the register, an official by a mandate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from ewallet.acting import Act, Proxy
from ewallet.catalog import Catalog
from ewallet.dcql import Query
from ewallet.errors import EWalletError
from ewallet.expectation import Expectation
from ewallet.files import read_trust
from ewallet.mydata.notices import of_consent
from ewallet.oid4vci.offer import parse_link
from ewallet.shape import json_object
from ewallet.status import Status
from ewallet.testing.caller import error
from ewallet.testing.stores import MemoryVerifierStore, MemoryWalletStore
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier
from ewallet.wallet import Wallet

KIND = "resident_register_abstract"
BANK = "x509_san_dns:bank.example"
CASE = "2026-가상-0001"
OFFICIAL = Expectation(role="official", case=CASE)
GUARDIAN = Expectation(role="guardian")
WARDED = {"guardian": "seong", "ward": "sim", "types": [KIND]}
MANDATED = {
    "subject": "sim",
    "types": [KIND],
    "official": "김가상",
    "office": "가상특별시 예시구청",
    "identified": "주민등록증과 얼굴",
    "law": "민원 처리에 관한 법률 제10조",
    "case": CASE,
    "recipient": BANK,
    "hours": 4,
}


@dataclass
class Counter:
    """An agency's counter, the wallet of whoever acts, and a bank."""

    site: Any
    wallet: Wallet
    bank: Verifier

    def post(self, path, key="mandate-key", **body):
        return self.site.operator("POST", path, key=key, **body)

    def received(self, path, **body):
        """What the offer of a call brings into the wallet, and what the call said."""
        answer = self.post(path, **body)
        assert 201 == answer.status_code, answer.text
        said = answer.json()
        (document,) = self.wallet.accept(said["offer"]["uri"], copies=2)
        return document, said

    def judged(self, expected):
        """The bank's verdict on what the wallet shows."""
        query = Query.for_type(Catalog.bundled().type(KIND), ["name"])
        request = self.bank.ask(query, purpose="가상 심사", verifier_info=[expected.info()] if expected else [])
        return self.bank.verify(self.wallet.present(request, self.wallet.match(query, expected=expected)), request)


@pytest.fixture
def counter(site, keys):
    """A counter before the service."""
    return _counter(site, keys)


def _counter(site, keys):
    pki, env = keys.parent, site.clock.env("wallet")
    trust = read_trust(str(pki / "trust-list.jwt"), str(pki / "operator.jwk"), env.now(), MemoryVerifierStore())
    wallet = Wallet(store=MemoryWalletStore(), trust=trust, send=site.send, env=env)
    return Counter(site, wallet, Verifier(BANK, trust=trust, store=MemoryVerifierStore(), send=site.send, env=env))


def test_guardian_gets_a_copy_for_their_own_key_and_shows_it(counter):
    """The register says who is whose guardian and by which law; the verdict and the wallet's history name both."""
    document, _ = counter.received("/v1/guardians", **WARDED)
    verdict = counter.judged(GUARDIAN)

    assert Act(name="성춘향", principal="심학규", law="민법 제938조 (성년후견)") == Act.of(document.credential.claims)
    assert isinstance(verdict, Accepted), verdict
    assert {KIND: {"name": "심학규"}} == verdict.claims
    people = {"principal": {"name": "심학규"}, "agent": {"name": "성춘향"}}
    assert {"as": "guardian", **people, "law": "민법 제938조 (성년후견)"} == verdict.acting
    (noted,) = counter.wallet.history()
    assert ("guardian", "심학규", "성춘향") == (noted.acting.role, noted.acting.principal, noted.acting.agent)


def test_guardians_copy_answers_nobody_who_expects_the_person(counter):
    """The wallet offers none of it, and spends nothing."""
    counter.received("/v1/guardians", **WARDED)
    for expected in (None, OFFICIAL):
        with pytest.raises(EWalletError) as refused:
            counter.judged(expected)
        assert ("dcql.unsatisfied", ()) == (refused.value.code, counter.wallet.history())


def test_official_acts_once_in_one_case_and_the_person_takes_home_a_paper(counter):
    """Neither another copy nor another recipient nor the evening makes it good again."""
    _, said = counter.received("/v1/mandates", **MANDATED)
    verdict, again = counter.judged(OFFICIAL), counter.judged(OFFICIAL)

    assert isinstance(verdict, Accepted), verdict
    assert verdict.acting
    assert ("official", "심학규", "김가상") == (
        verdict.acting["as"],
        verdict.acting["principal"]["name"],
        verdict.acting["agent"]["name"],
    )
    assert "replay.response_used" == again.code
    kind = Catalog.bundled().type(KIND)
    for text, label in ((said["receipt_ko"], kind.label("ko")), (said["receipt_en"], kind.label("en"))):
        told = [CASE, "심학규", "김가상", MANDATED["office"], MANDATED["identified"], BANK, label]
        assert [] == [each for each in told if each not in text]


def test_the_longest_mandate_is_issued_and_revoked_in_either_database(settings, postgres, keys, open_site):
    """What a counter was given a receipt for can be had, shown and ended."""
    texts = dict.fromkeys(("official", "office", "identified", "law"), "가" * 80)
    for url in ("", postgres.empty()):
        counter = _counter(open_site(settings | {"database": url}), keys)
        _, said = counter.received("/v1/mandates", **(MANDATED | texts))
        ended = counter.post("/v1/mandates/revoke", subject=said["subject"], reason="가상 사유")
        assert (204, "status.revoked") == (ended.status_code, counter.judged(OFFICIAL).code)
        counter.site.service.database.close()


def test_mandate_is_for_its_recipient(counter):
    """Another bank refuses it by name."""
    said = counter.post("/v1/mandates", **(MANDATED | {"recipient": "x509_san_dns:other.example"})).json()
    counter.wallet.accept(said["offer"]["uri"], copies=2)
    assert "consent.recipient" == counter.judged(OFFICIAL).code


def test_mandate_is_over_in_the_evening(counter):
    """What was received is good for nothing any more, and what was not cannot be."""
    counter.received("/v1/mandates", **MANDATED)
    late = counter.post("/v1/mandates", **MANDATED).json()
    offer = counter.site.service.issuance.offer
    counter.site.clock.advance(timedelta(hours=4))
    assert "time.expired" == counter.judged(OFFICIAL).code
    with pytest.raises(EWalletError) as refused:
        counter.wallet.accept(offer(KIND, subject=late["subject"]).offer.uri)
    assert "offer.refused" == refused.value.code


def test_revoked_mandate_is_refused_at_once(counter):
    """By the subject that the call gave."""
    _, said = counter.received("/v1/mandates", **MANDATED)
    ended = counter.post("/v1/mandates/revoke", subject=said["subject"], reason="가상 사유: 본인이 철회")
    assert (204, "status.revoked") == (ended.status_code, counter.judged(OFFICIAL).code)


@pytest.mark.parametrize("path", ["/v1/mandates", "/v1/guardians"])
def test_certificates_of_whoever_acts_are_listed_under_their_subject(counter, path):
    """As the call says that gave it."""
    _, said = counter.received(path, **(MANDATED if path == "/v1/mandates" else WARDED))
    listed = counter.site.operator("GET", f"/v1/certificates?subject={said['subject']}", key="read-key")
    assert (200, [KIND]) == (listed.status_code, [each["type"] for each in listed.json()["certificates"]])


@pytest.mark.parametrize("path", ["/v1/mandates", "/v1/guardians"])
def test_revoked_appointment_gets_nobody_anything_more(counter, path):
    """Neither with a token that was had before, nor with an offer that waits; again is the same."""
    asked = (MANDATED if path == "/v1/mandates" else WARDED) | {"types": [KIND, "resident_register_copy"]}
    said, caller = counter.post(path, **asked).json(), counter.site.caller()
    token = caller.token(parse_link(said["offer"]["uri"]))
    first = caller.credential(token, kind=KIND)
    for _ in range(2):
        ended = counter.post("/v1/mandates/revoke", subject=said["subject"], reason="가상 사유: 본인이 철회")
        assert (200, 204) == (first.status, ended.status_code)
        assert "credential_request_denied" == error(caller.credential(token, kind="resident_register_copy"))
    late = caller.token(counter.site.service.issuance.offer(KIND, subject=said["subject"]))

    assert "credential_request_denied" == error(caller.credential(late, kind=KIND))
    issued = counter.site.service.issuer.certificates(said["subject"])
    assert [(KIND, Status.REVOKED)] == [(each.type_id, each.status) for each in issued]


def test_an_appointment_that_ends_while_its_certificate_is_made_gets_nobody_any(counter):
    """It held when the record was looked up: what is signed by then is neither on record nor handed out."""
    said, caller = counter.post("/v1/mandates", **MANDATED).json(), counter.site.caller()
    token, issuance = caller.token(parse_link(said["offer"]["uri"])), counter.site.service.issuance
    mandates = issuance._records

    class Ending:
        """The records, and somebody who revokes as soon as they were read."""

        def claims(self, subject, type_id):
            found = mandates.claims(subject, type_id)
            ended = counter.post("/v1/mandates/revoke", subject=subject, reason="가상 사유: 본인이 철회")
            assert 204 == ended.status_code
            return found

        def __getattr__(self, name):
            return getattr(mandates, name)

    issuance._records = Ending()

    assert "credential_request_denied" == error(caller.credential(token, kind=KIND))
    assert () == counter.site.service.issuer.certificates(said["subject"])


def test_the_right_to_appoint_ends_nobody_elses_certificates(counter):
    """What a person holds themselves is not an appointment, and stays valid."""
    _, said = counter.received("/v1/mandates", **MANDATED)
    for subject in (MANDATED["subject"], "nobody", "acting.AAAA", said["subject"][:-4] + "AAAA"):
        ended = counter.post("/v1/mandates/revoke", subject=subject, reason="가상 사유")
        assert (404, "storage.not_found") == (ended.status_code, ended.json()["code"]), subject
    assert not counter.judged(OFFICIAL).code


REFUSED = {
    "no guardian": ("/v1/guardians", WARDED | {"ward": "jo"}, 403, "consent.authority"),
    "the wrong way round": ("/v1/guardians", {**WARDED, "guardian": "sim", "ward": "seong"}, 403, "consent.authority"),
    "nobody": ("/v1/mandates", MANDATED | {"subject": "nobody"}, 404, "storage.not_found"),
    "too long": ("/v1/mandates", MANDATED | {"hours": 9}, 422, "request.invalid"),
    "two lines": ("/v1/mandates", MANDATED | {"official": "김가상\n이가상"}, 400, "usage.argument"),
    "two lines to": ("/v1/mandates", MANDATED | {"recipient": f"{BANK}\n효력: 없음"}, 400, "usage.argument"),
    "long texts": (
        "/v1/mandates",
        MANDATED | dict.fromkeys(("official", "office", "identified", "law", "case"), "가" * 120),
        400,
        "usage.argument",
    ),
    "unknown kind": ("/v1/mandates", MANDATED | {"types": ["no_such_kind"]}, 404, "storage.not_found"),
}


@pytest.mark.parametrize(("path", "body", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_nobody_is_appointed_who_may_not(counter, path, body, status, code):
    """With the code that says why."""
    answer = counter.post(path, **body)
    assert (status, code) == (answer.status_code, answer.json()["code"])


def test_only_a_key_with_the_right_appoints(counter):
    """Who may offer certificates may not say who acts for whom."""
    codes = {key: counter.post("/v1/mandates", key=key, **MANDATED).status_code for key in ("offer-key", "")}
    assert {"offer-key": 403, "": 401} == codes


def test_subject_that_was_not_made_here_gets_nothing(counter):
    """A subject that somebody made up, or changed."""
    said = counter.post("/v1/mandates", **MANDATED).json()
    for subject in ("acting.AAAA", said["subject"][:-4] + "AAAA"):
        offer = counter.site.service.issuance.offer(KIND, subject=subject)
        with pytest.raises(EWalletError) as refused:
            counter.wallet.accept(offer.offer.uri)
        assert "offer.refused" == refused.value.code
    assert () == counter.wallet.documents()


def test_person_is_told_who_got_a_certificate_about_them(open_site, portal_settings, keys):
    """Where there is a portal: a notice with both people, and an entry in the log."""
    site = open_site(portal_settings)
    _counter(site, keys).received("/v1/guardians", **WARDED)
    (notice,) = site.desk.mydata.notices("sim")
    assert ("guardian", "심학규", "성춘향") == (notice.acting.role, notice.acting.principal, notice.acting.agent)
    entries = [json_object(raw) for raw in site.desk.log.entries(notice.seq + 1)]
    assert "delegation.given" == entries[notice.seq]["type"]


ACTED = {
    "ko": (("delegate", "제인도", "대리인"), ("guardian", "성춘향", "보호자"), ("official", "김가상", "공무원")),
    "en": (("delegate", "제인도", "delegate"), ("guardian", "성춘향", "guardian"), ("official", "김가상", "official")),
}


@pytest.fixture
def acted_for(open_site, portal_settings, loan_bank, keys):
    """A portal where a delegate, a guardian and an official have acted for Sim, who is signed in."""
    site = open_site(portal_settings)
    counter, mydata = _counter(site, keys), site.desk.mydata
    proxy, bank = Proxy(role="delegate", principal="심학규", agent="제인도"), loan_bank.recipient.id
    consent = mydata.propose("bank_personal_loan", recipient=bank, days=30, acting=proxy)
    given = mydata.give(consent, "sim", evidence=b"-").consent
    mydata.note("sim", of_consent(given, Catalog.bundled(), site.clock.now()), "package.downloaded")
    counter.received("/v1/guardians", **WARDED)
    counter.received("/v1/mandates", **MANDATED)
    site.sign_in("sim")
    return site


@pytest.mark.parametrize("lang", ACTED)
def test_pages_name_both_people(acted_for, lang):
    """Each look and the consent say who acted for whom; guardian and office are no row without a party."""
    pages = {name: acted_for.page(f"/my/{name}?lang={lang}") for name in ("notices", "history", "consents")}
    said = {"ko": "심학규 님을 대신하여 {1} ({2})", "en": "{1} ({2}), on behalf of 심학규"}[lang]
    expected = {role: said.format(role, agent, told) for role, agent, told in ACTED[lang]}
    for name, roles in {"notices": ACTED[lang], "history": ACTED[lang], "consents": ACTED[lang][:1]}.items():
        assert [] == [role for role, *_ in roles if expected[role] not in pages[name]], name
    assert 2 == pages["history"].count(expected["delegate"]), "the consent, and what was provided under it"
    for name in ("notices", "history"):
        assert [] == [who for who in ("성춘향", MANDATED["office"]) if f"<dd>{who}</dd>" not in pages[name]], name


def test_own_data_names_both_people(acted_for):
    """In the notices of the download, as in the consents."""
    own = json_object(acted_for.desk.mydata.export("sim", "json").content)
    people = {"principal": "심학규"}
    expected = [{"as": role, "agent": agent, **people} for role, agent, _ in reversed(ACTED["ko"])]
    assert expected == [each["acting"] for each in own["notices"]]
    assert expected[-1:] == [each["record"]["acting"] for each in own["consents"]]
