"""What the pages around a consent say to the person: the portal's own, and those of the bank in the demo."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

from starlette.testclient import TestClient

from ewallet.history import Believed, key_of
from ewallet.keys import SigningKey
from ewallet.package import Receiving
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.verifier import Verifier
from issuer_service.demo.desk import Desk, app
from issuer_service.demo.portal import lines

ISSUER = "https://issuer.example.go.kr"


def _desk(portal, folder):
    """The bank's pages, for whoever the portal sends back."""
    bank, service = portal.bank, portal.site.service
    key = SigningKey.load(service.settings.data / "issuer" / "log.key")
    receiving = Receiving(
        recipient=bank.recipient.id,
        key=bank.key.public.thumbprint,
        believed=Believed(log=(key_of("issuer.example.go.kr/mydata/log", key.public),)),
        catalog=service.issuer.catalog,
    )
    verifier = Verifier(bank.recipient.id, trust=portal.wallet._trust, store=MemoryVerifierStore())
    return Desk(portal.client, verifier, receiving, folder)


def test_the_period_on_the_page_is_the_one_that_was_signed(portal):
    """To the day: what ends at midnight holds until the day before."""
    portal.granted()
    page = portal.site.page("/my/consents")
    assert "동의 기간: 2026. 11. 21.부터 2026. 12. 21.까지" in page
    assert ["2026. 11. 21.", "2026. 12. 21."] == re.findall(r'<span class="whole">([^<]+)</span>', page)


def test_what_a_bank_asks_for_is_listed_item_by_item(portal):
    """Also an item in whose name there is a comma."""
    portal.site.sign_in()
    page = portal.site.page(portal.asked().url.removeprefix(ISSUER) + "&lang=en")
    items = re.findall(r"<li>([^<]+)</li>", page.partition("<details>")[2].partition("</details>")[0])

    assert ["Name", "Current address", "Date moved in"] == items[:3]
    assert ["Aged 19 or over (adult, Civil Act art. 4) (yes or no only)"] == items[3:]


def test_the_other_language_is_of_the_same_page(portal):
    """Whoever was sent by a bank is still asked by that bank, before and after they sign in; a search goes on."""
    asked = portal.asked().url.removeprefix(ISSUER)
    pages = [portal.site.page(_in_english(portal.site.page(f"{asked}&lang=ko")))]
    portal.site.sign_in()
    pages += [portal.site.page(_in_english(portal.site.page(f"{address}&lang=ko"))) for address in (asked, "/?q=등본")]

    assert "Sign in as Hong Gildong" in pages[0]
    assert asked.partition("request_uri=")[2] in quote(pages[0], safe="")
    assert "Example Bank asks for your administrative data." in pages[1]
    assert "match “등본”" in pages[2]


def _in_english(page):
    (address,) = re.findall(r'href="([^"]+)" lang="en" hreflang="en"', page)
    return unescape(address)


def test_the_demo_reads_a_notice_as_its_page_shows_it(portal):
    """Line by line, whatever else is marked within a line."""
    portal.client.package(portal.granted())
    (notice,) = portal.site.desk.mydata.notices("hong")
    (told,) = re.findall(r"<dt>정보</dt><dd>(.*?)</dd>", portal.site.page("/my/notices"))

    assert notice.information["ko"].splitlines() == lines(told)


def test_the_bank_says_to_whoever_refused_that_nothing_came(portal, tmp_path):
    """In words, beside the code that programs read."""
    portal.site.sign_in()
    desk = _desk(portal, tmp_path)
    bank = TestClient(app(desk, f"{ISSUER}/mydata", "bank.example"), base_url="https://bank.example")
    asked = desk.ask("ko").removeprefix(ISSUER)
    hidden = re.findall(r'<input type="hidden" name="(client_id|request_uri)" value="([^"]+)"', portal.site.page(asked))
    page = portal.site.page("/mydata/refuse", **dict(hidden))
    (back,) = re.findall(r'<a class="button" href="(https://bank[^"]+)"', page)
    told = bank.get(f"/return?{unescape(back).partition('?')[2]}")

    assert (403, True) == (told.status_code, "동의하지 않으셨습니다. 아무것도 받지 않았습니다." in told.text)
