"""What a person downloads of their own, and how they look through who looked."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from ewallet.consent import Party
from ewallet.mydata.notices import Seen
from issuer_service.records import FolderRecords

HTML = {"accept": "text/html"}
KINDS = ["local_tax_payment_certificate", "resident_register_copy"]


class _Unlisted:
    """Records that do not say what they have, as those of an agency's own service."""

    def __init__(self, records):
        self.claims = records.claims


def _downloaded(site, format_id):
    site.sign_in()
    site.page("/my/data")
    answer = site.browser.post("/my/data/export", data={"csrf": site.csrf, "format": format_id}, headers=HTML)
    assert 200 == answer.status_code, answer.text
    return answer


@pytest.mark.parametrize("listed", [True, False])
def test_every_record_that_is_in_a_folder_is_downloaded(portal_settings, open_site, tmp_path, ewallet_catalog, listed):
    """Whether the records say which kinds those are or not."""
    (tmp_path / "records" / "hong").mkdir(parents=True)
    for kind in KINDS:
        sample = json.dumps(ewallet_catalog.type(kind).sample)
        (tmp_path / "records" / "hong" / f"{kind}.json").write_text(sample, "utf-8")
    records = FolderRecords(tmp_path / "records", ewallet_catalog)
    site = open_site(portal_settings, records if listed else _Unlisted(records))
    assert KINDS == [record["type"] for record in _downloaded(site, "json").json()["records"]]


def _look(site, id_, name):
    said = {"ko": name, "en": f"Example {id_}"}
    by = Party(id=id_, names=said)
    site.desk.mydata.note("hong", Seen(by=by, purposes=said, information=said, at=site.clock.now()))


@pytest.fixture
def looked(portal_settings, open_site):
    """A portal where two have looked at Hong's data, one of them twice, and an official who acts for people."""
    site = open_site(portal_settings)
    for id_, name in (("a&b", "가상구청"), ("b", "가상은행"), ("a&b", "가상구청"), ("mandates", "김가상")):
        _look(site, id_, name)
    site.sign_in()
    return site


def _lookers(page):
    return [unescape(name) for name in re.findall(r"<h2><a [^>]+>([^<]+)</a>, ", page)]


@pytest.mark.parametrize(
    ("lang", "lookers", "none"),
    [
        ("ko", ["김가상", "가상구청", "가상은행", "가상구청"], "이 곳이 본 것은 없습니다."),
        ("en", ["Example mandates", "Example a&b", "Example b", "Example a&b"], "There is no look by that party."),
    ],
)
def test_looks_of_one_recipient_are_shown_by_its_name(looked, lang, lookers, none):
    """The name leads to them; of an unknown recipient there are none."""
    page = looked.page(f"/my/notices?lang={lang}")
    links = dict.fromkeys(unescape(link) for link in re.findall(r'<h2><a href="([^"]+)"', page))
    unknown = looked.page("/my/notices?recipient=c")

    assert lookers == _lookers(page)
    official, office, bank, _ = lookers
    assert [[official], [office, office], [bank]] == [_lookers(looked.page(link)) for link in links]
    assert ([], True, False) == (_lookers(unknown), none in unknown, none in page)


def test_those_who_act_for_people_are_told_apart(looked):
    """Offices and guardians are one party in the log, and the name is in the link."""
    _look(looked, "mandates", "이가상")
    assert ["이가상"] == _lookers(looked.page("/my/notices?recipient=mandates:이가상"))
