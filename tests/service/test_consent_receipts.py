"""The receipt of a consent at a portal: how far the log was, one event for each provision, and each with its place."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ewallet import receipt
from ewallet.history import Believed, key_of
from ewallet.keys import SigningKey
from ewallet.receipt import Receipt
from ewallet.testing.bank import Bank
from ewallet.testing.clock import Clock
from ewallet.verdict import Accepted
from issuer_service.jobs import Jobs

ORIGIN = "issuer.example.go.kr/mydata/log"
HTML = {"accept": "text/html"}

pytestmark = pytest.mark.usefixtures("granted")


@pytest.fixture
def loan_bank():
    """An office of a city, which may be provided for each month."""
    return Bank.make(Clock().now(), class_="local_government")


@pytest.fixture
def granted(portal):
    """A standing consent, given with the wallet."""
    portal.site.sign_in()
    portal.hold()
    address = portal.chosen(portal.asked("local_youth_job_support", days=90))
    portal.confirm(address)
    return portal.back(address)


def _downloaded(portal):
    (given,) = portal.site.desk.mydata.consents("hong")
    return portal.site.browser.get(f"/my/consents/{given.consent.id}/receipt", headers=HTML, follow_redirects=False)


def _verdict(portal, raw, **options):
    key = SigningKey.load(portal.site.service.settings.data / "issuer" / "log.key").public
    terms = {"at": portal.site.clock.now(), "believed": Believed(log=(key_of(ORIGIN, key),)), **options}
    return receipt.verify(raw, portal.wallet._trust, portal.site.service.issuer.catalog, **terms)


def test_each_provision_is_in_the_receipt_with_its_place_in_the_log(portal):
    """Given, two runs of the clock, withdrawn: signed by the portal, under the newest checkpoint, and it holds."""
    desk = portal.site.desk
    for _ in range(2):
        Jobs(desk.mydata, desk.log).run()
        portal.site.clock.advance(timedelta(days=31))
    desk.mydata.withdraw(desk.mydata.consents("hong")[0].consent.id, "hong")
    portal.site.sign_in()
    answer = _downloaded(portal)
    made = Receipt.parse(answer.content)
    assert ["given", "fulfilled", "fulfilled", "withdrawn"] == [event.event for event in made.signed]
    assert [0, 1, 2, 3] == [event.logged and event.logged.seq for event in made.signed]
    assert isinstance(_verdict(portal, answer.content, seen=[desk.log.checkpoint()]), Accepted)
    assert "attachment; filename=consent-receipt.json" in answer.headers["content-disposition"]


def test_the_wallet_has_how_far_the_log_was(portal):
    """Before the consent is on record: whoever has it can hold the log to that."""
    (kept,) = portal.wallet.receipts()
    assert kept.signed[0].logged.seq is None
    first = kept.signed[0].logged.checkpoint.encode()
    assert isinstance(_verdict(portal, kept.to_bytes()), Accepted)
    assert isinstance(_verdict(portal, _downloaded(portal).content, seen=[first], send=portal.site.send), Accepted)


def test_a_receipt_is_for_whoever_gave_the_consent(portal):
    """MYD-06: to anybody else it is not there, and who is not signed in is led to where one signs in."""
    (given,) = portal.site.desk.mydata.consents("hong")
    portal.site.sign_in("seong")
    assert 404 == portal.site.browser.get(f"/my/consents/{given.consent.id}/receipt", headers=HTML).status_code
    portal.site.browser.cookies.clear()
    answer = portal.site.browser.get(f"/my/consents/{given.consent.id}/receipt", headers=HTML, follow_redirects=False)
    assert 303 == answer.status_code


def test_the_page_leads_to_the_receipt(portal):
    """With the name of the receiver for whoever hears the page."""
    page = portal.site.page("/my/consents")
    (given,) = portal.site.desk.mydata.consents("hong")
    assert f'href="/my/consents/{given.consent.id}/receipt"' in page
    assert "동의 영수증 내려받기: 가상은행" in page


def test_a_receipt_with_one_event_twice_is_none(portal):
    """What is there twice is seen."""
    Jobs(portal.site.desk.mydata, portal.site.desk.log).run()
    found = json.loads(_downloaded(portal).content)
    found["events"] = [found["events"][0], *found["events"][1:] * 2]
    assert "receipt.invalid" == _verdict(portal, json.dumps(found)).code
