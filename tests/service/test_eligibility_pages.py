"""The yes/no service of a portal: its pages, what a wallet gets, and what the person is told."""

from __future__ import annotations

import json
import re

import pytest

from ewallet.catalog import Catalog
from ewallet.dcql import Query
from ewallet.eligibility import KIND
from ewallet.errors import QueryError, TransportError
from ewallet.oid4vci.metadata import IssuerMetadata
from issuer_service.records import DemoRecords

CATALOG = Catalog.bundled()
RULES = tuple(CATALOG.rules())
ISSUER = "https://issuer.example.go.kr"
HTML = {"accept": "text/html"}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_each_rule_has_its_page(portal, language):
    """The name, the law, and all that is looked at; nothing of it is looked at for the page."""
    portal.site.sign_in()
    listed = portal.site.page(f"/eligibility?lang={language}")
    assert {rule.id for rule in RULES} == set(re.findall(r'href="/eligibility/([a-z_]+)"', listed))
    for rule in RULES:
        page = portal.site.page(f"/eligibility/{rule.id}?lang={language}")
        assert f"<h1>{rule.label(language)}</h1>" in page
        assert rule.legal_basis in page
        assert [CATALOG.type(branch.type_id).label(language) for branch in rule.branches] == [
            line.partition(":")[0] for line in re.findall(r"<li>([^<]+)", page.partition('id="content"')[2])
        ]
    assert () == portal.site.desk.mydata.history("hong")


def _accepted(portal, rule, who="hong"):
    """What the wallet of that person gets by the code on the page."""
    portal.site.sign_in(who)
    page = portal.site.page(f"/eligibility/{rule}/offer")
    assert CATALOG.rule(rule).label("ko") in page
    return portal.wallet.accept(portal.site.scanned(page).uri, copies=2)


@pytest.mark.parametrize(("who", "answer"), [("hong", "Y"), ("sim", "Y"), ("jo", "Y"), ("jaeim", "N"), ("jane", "N")])
def test_everybody_is_answered_by_their_own_records(portal, who, answer):
    """A father of two, a pensioner and a disabled veteran pay less, a student and a tenant do not."""
    (document,) = _accepted(portal, "public_facility_discount", who)
    claims = document.credential.claims
    assert ("public_facility_discount", 1, answer) == tuple(claims[name] for name in ("rule", "version", "answer"))


def test_a_person_reads_that_they_were_looked_up(portal):
    """In the inbox with the five fields, and in the history with its proof; the answer is in neither."""
    _accepted(portal, "public_facility_discount")
    _accepted(portal, "museum_free_admission")
    notices = portal.site.page("/my/notices?lang=ko")
    for rule in ("public_facility_discount", "museum_free_admission"):
        assert f"<dd>{CATALOG.rule(rule).label('ko')}</dd>" in notices
    assert 2 == notices.count("<dd>자격확인 시스템</dd>")
    assert '장애인증명서: 등록장애인 여부 <span class="whole">(예/아니요만)</span>' in notices
    history = portal.site.page("/my/history?lang=ko")
    assert 2 == history.count("<h2>자격 여부에 답함</h2>") == history.count("<dd>자격확인 시스템</dd>")
    assert [] == re.findall(r"&#34;answer&#34;|>[YN]<", notices + history)


def test_the_kind_itself_is_not_offered(portal):
    """An answer is to a rule: the page of the kind leads to the rules, and the wallet finds one of each there."""
    portal.site.sign_in()
    answer = portal.site.browser.get(f"/kinds/{KIND}", headers=HTML, follow_redirects=False)
    assert (303, "/eligibility") == (answer.status_code, answer.headers["location"])
    metadata = IssuerMetadata.parse(
        portal.site.browser.get("/.well-known/openid-credential-issuer").content, ISSUER
    ).configurations
    own = {id_: found for id_, found in metadata.items() if id_.startswith(KIND)}
    assert {f"{rule.asked}.{form}" for rule in RULES for form in ("dc+sd-jwt", "mso_mdoc")} == own.keys()
    assert 2 == len({found.type_id for found in own.values()})
    assert {rule.label("ko") for rule in RULES} == {found.display[0].name for found in own.values()}


def test_an_operator_offers_an_answer_as_any_other_kind(portal):
    """By the name of the kind and the rule; without a rule there is nothing to offer."""
    wanted = [f"{KIND}:telecom_welfare_discount", KIND, f"{KIND}:no_such_rule"]
    made = [portal.site.operator("POST", "/v1/offers", subject="jo", types=[each]) for each in wanted]
    assert [201, 400, 400] == [each.status_code for each in made]
    (document,) = portal.wallet.accept(made[0].json()["uri"])
    assert "Y" == document.credential.claims["answer"]


@pytest.mark.parametrize("path", [f"/kinds/{KIND}/paper", "/eligibility/public_facility_discount/paper"])
def test_an_answer_is_never_printed(portal, path):
    """Neither is it offered: paper is good for whoever has it."""
    portal.site.sign_in()
    assert "/paper" not in portal.site.page("/eligibility/public_facility_discount")
    form = {"csrf": portal.site.csrf, "recipient": "가상은행", "purpose": "감면", "shape": "text"}
    assert 404 == portal.site.browser.post(path, data=form, headers=HTML).status_code


def test_who_keeps_no_log_answers_nobody(site):
    """Without an inbox there could be no notice: there is neither a page nor an offer."""
    site.sign_in()
    assert "/eligibility" not in site.page("/")
    assert "/offer" not in site.page(f"/kinds/{KIND}")
    assert 404 == site.browser.get("/eligibility", headers=HTML).status_code
    made = site.operator("POST", "/v1/offers", subject="jo", types=[f"{KIND}:telecom_welfare_discount"])
    assert 400 == made.status_code


class _Down(DemoRecords):
    """The demo register while one agency is not to be reached."""

    def claims(self, subject, type_id):
        if type_id == "national_merit_certificate":
            raise TransportError("fetch.unavailable", "the records answered 503")
        return super().claims(subject, type_id)


def test_while_an_agency_is_down_everybody_waits(open_site, portal_settings):
    """The same answer for who is eligible without it and who is not; nothing is on record of either."""
    site = open_site(portal_settings, _Down(CATALOG))
    answers = []
    for who in ("hong", "jaeim"):
        site.sign_in(who)
        offer, caller = site.scanned(site.page("/eligibility/public_facility_discount/offer")), site.caller()
        answer = caller.credential(caller.token(offer), kind=f"{KIND}:public_facility_discount")
        told = json.loads(answer.body)
        answers.append((answer.status, sorted(told), told["interval"], len(answer.body)))
        assert () == site.desk.mydata.history(who)
    assert [(202, ["interval", "transaction_id"], 600, len(answer.body))] * 2 == answers


def test_form_needs_its_token_and_a_rule(portal):
    """As every form; an address of a form that was opened leads back, and what is no rule is not there."""
    portal.site.sign_in()
    path = "/eligibility/public_facility_discount/offer"
    browser = portal.site.browser
    assert 403 == browser.post(path, data={"csrf": "x"}, headers=HTML).status_code
    assert 404 == browser.get("/eligibility/no_such_rule", headers=HTML).status_code
    again = browser.get(path, headers=HTML, follow_redirects=False)
    assert (303, "/eligibility/public_facility_discount") == (again.status_code, again.headers["location"])
    browser.cookies.clear()
    ways = [browser.get("/eligibility", headers=HTML), browser.get("/eligibility/museum_free_admission", headers=HTML)]
    assert ["/"] * 2 == [way.history[0].headers["location"] for way in ways]


def test_a_counter_that_asks_for_a_yes_gets_one_or_nothing(portal):
    """The wallet has nothing for whoever asks about a rule that was answered with no."""
    _accepted(portal, "museum_free_admission")
    kind = CATALOG.type(KIND)
    with pytest.raises(QueryError) as refused:
        portal.wallet.match(Query.for_rule(CATALOG.rule("museum_free_admission"), kind))
    assert "dcql.unsatisfied" == refused.value.code
