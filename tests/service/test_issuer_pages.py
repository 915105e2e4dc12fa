"""The issuer's pages as citizens use them, and as other sites try to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from PIL import Image

from ewallet.formats import FORMATS
from ewallet.records import Pending
from ewallet.status import StatusToken
from ewallet.testing.caller import KIND, issued
from issuer_service import words
from issuer_service.records import CITIZENS

HTML = {"accept": "text/html"}


def test_a_citizen_takes_a_certificate_to_a_wallet_and_revokes_it(site):
    """Sign in, look, scan the QR, receive, see it listed, revoke; the status list says so at once."""
    site.sign_in()
    assert "홍길동 님" in site.page("/")
    assert "가상특별시 예시구 견본로 1, 101동 101호(표본동)" in site.page(f"/kinds/{KIND}")
    offer = site.scanned(site.page(f"/kinds/{KIND}/offer"))
    caller = site.caller()
    received = issued(caller.credential(caller.token(offer)))
    (row,) = re.findall(r'action="/my/certificates/([^/]+)/revoke"', site.page("/my/certificates"))
    after = site.page(f"/my/certificates/{row}/revoke", reason="lost")

    claims = FORMATS["dc+sd-jwt"].read(received.credentials[0])
    assert ("홍길동", True) == (claims.claims["subject_name"], claims.claims["is_householder"])
    assert "증명서를 폐지했습니다." in after
    assert claims.status
    assert 1 == StatusToken.read(caller.get("/status/1").body).list[claims.status.index]


def test_the_qr_code_is_there_as_two_pictures_for_its_owner_only(site):
    """PNG and SVG; nobody else can draw it, nor anybody after its time."""
    site.sign_in()
    (picture,) = re.findall(r'src="(/my/offers/[^"]+)\.svg"', site.page(f"/kinds/{KIND}/offer"))
    drawn = [site.browser.get(f"{picture}.{form}") for form in ("png", "svg", "gif")]
    site.sign_in("seong")
    stranger = site.browser.get(f"{picture}.png").status_code
    site.sign_in()
    site.clock.advance(timedelta(minutes=5))

    assert ["image/png", "image/svg+xml"] == [answer.headers["content-type"] for answer in drawn[:2]]
    assert Image.open(BytesIO(drawn[0].content)).size[0] > 200
    assert [404, 404, 404] == [drawn[2].status_code, stranger, site.browser.get(f"{picture}.png").status_code]


def test_a_qr_code_holds_no_name_number_or_token(site):
    """QRC-05: a handle that is good once, and nothing about the person."""
    site.sign_in()
    (link,) = re.findall(r'<input id="link" value="([^"]+)"', site.page(f"/kinds/{KIND}/offer"))

    assert re.fullmatch(
        r"openid-credential-offer://\?credential_offer_uri=https%3A%2F%2Fissuer\.example\.go\.kr%2Foffers%2F[\w-]{32}",
        link,
    )


def test_digits_on_the_screen_are_asked_by_the_wallet(site):
    """With the box ticked, the code alone is not enough."""
    site.sign_in()
    page = site.page(f"/kinds/{KIND}/offer", tx_code="on")
    (digits,) = re.findall(r'<strong class="digits">(\d{6})</strong>', page)
    offer, caller = site.scanned(page), site.caller()

    assert offer.tx_code_required
    assert [400, 200] == [caller.redeem(offer, given).status for given in (None, digits)]


def test_the_pages_speak_korean_and_english(site):
    """By the link on every page, remembered; else as the browser prefers, else Korean."""
    korean, english = site.page("/"), site.page("/?lang=en")
    remembered = site.page("/")
    site.browser.cookies.clear()
    preferred = site.browser.get("/", headers=HTML | {"accept-language": "en-GB,en;q=0.9"})

    assert ['<html lang="ko">'] + ['<html lang="en">'] * 3 == [
        text.splitlines()[1] for text in (korean, english, remembered, preferred.text)
    ]
    assert ("ko", "en") == (site.browser.get("/").headers["content-language"], preferred.headers["content-language"])


@pytest.mark.parametrize("citizen", CITIZENS)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_kind_has_its_page(site, ewallet_catalog, citizen, language):
    """What is on record is shown and offered; what is not, is said so."""
    site.sign_in(citizen)
    offered = {kind.id: "/offer" in site.page(f"/kinds/{kind.id}?lang={language}") for kind in ewallet_catalog}

    assert CITIZENS[citizen].records.keys() == {kind for kind, is_offered in offered.items() if is_offered}


def test_a_picture_is_told_and_not_spelled(site):
    """Two thousand letters of base64 say nothing to anybody."""
    site.sign_in()
    page = site.page("/kinds/mobile_driver_license?lang=ko")

    assert "(그림이 들어 있습니다)" in page
    assert "/9j/" not in page


def test_the_picture_of_a_code_is_offered_as_what_it_is(site):
    """No other word of the pages has its name."""
    site.sign_in()

    assert "QR 코드 그림(PNG) 내려받기</a>" in site.page(f"/kinds/{KIND}/offer")


def test_a_name_has_its_words_once():
    """In one file or the other: of two, the first would be lost."""
    files = (Path(words.__file__).parent / "pages").glob("words*.txt")
    names = [entry.split("\n")[0] for file in files for entry in file.read_text("utf-8").split("\n\n")]

    assert [] == [name for name, times in Counter(names).items() if times > 1]


def test_a_certificate_shows_the_last_day_on_which_it_holds(site):
    """What is valid for 90 days from the 21st ends at midnight before the 19th of February."""
    site.sign_in()
    made = site.service.issuance.offer(KIND, subject="hong")
    site.caller().credential(site.caller().token(made))
    (certificate,) = site.service.issuer.certificates("hong")
    page = site.page("/my/certificates")

    assert "2027-02-18T15:00:00+00:00" == certificate.until.isoformat()
    assert "<dt>유효기간</dt><dd>2027. 2. 18.</dd>" in page


def test_what_a_print_may_have_is_chosen_under_words_that_say_so(site):
    """Each box says one thing, which is there where it is ticked."""
    site.sign_in()
    page = site.page("/kinds/resident_register_copy")

    words = "표시한 항목만 종이에 나옵니다."
    (group,) = re.findall(rf"<legend>{words}</legend>(.*?)</fieldset>\s*<details", page, re.DOTALL)
    assert ["과거의 주소변동 사항", "세대구성 사유 및 일자"] == re.findall(r"> ([^<]+)</label>", group)


def test_a_search_without_a_find_says_so(site):
    """And does not count to nought."""
    site.sign_in()

    assert "“없는말”에 맞는 증명서가 없습니다." in site.page("/?q=없는말")


def test_nobody_sees_or_ends_the_certificates_of_another(site):
    """Her list is empty, and his certificate is not found by her."""
    site.sign_in()
    made = site.service.issuance.offer(KIND, subject="hong")
    site.caller().credential(site.caller().token(made))
    (certificate,) = site.service.issuer.certificates("hong")
    site.sign_in("seong")
    refused = site.browser.post(f"/my/certificates/{certificate.id}/revoke", data={"csrf": site.csrf}, headers=HTML)

    assert "발급받은 증명서가 없습니다." in site.page("/my/certificates")
    assert (404, "VALID") == (refused.status_code, site.service.issuer.certificates("hong")[0].status.name)


def test_who_is_not_signed_in_is_asked_to(site):
    """Pages lead to the sign-in; forms do nothing."""
    asked = [
        site.browser.get("/my/certificates", follow_redirects=False),
        site.browser.get(f"/kinds/{KIND}", follow_redirects=False),
        site.browser.post(f"/kinds/{KIND}/offer", follow_redirects=False),
        site.browser.post("/my/certificates/x/revoke", follow_redirects=False),
        site.browser.post("/sign-out", follow_redirects=False),
    ]

    assert [(303, "/")] * 5 == [(answer.status_code, answer.headers["location"]) for answer in asked]
    assert [404, 404] == [
        site.browser.post("/sign-in", data={"citizen": "nobody"}).status_code,
        site.browser.get("/my/offers/x.png").status_code,
    ]


def test_the_session_cookie_is_for_this_host_and_ends_for_good(site):
    """WEB-10: flags, a new one at each sign-in, an end on the server."""
    first = site.browser.post("/sign-in", data={"citizen": "hong"}, follow_redirects=False).headers["set-cookie"]
    site.sign_in()
    cookies = dict(site.browser.cookies)
    site.page("/sign-out", any="")
    site.browser.cookies.update(cookies)

    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} == set(first.split("; ")[1:])
    assert ("__Host-ewallet", False) == (first.partition("=")[0], cookies["__Host-ewallet"] in first)
    assert "시민" in site.page("/")


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c.d", "a.hong.99999999999.AAAA", "." * 600])
def test_a_made_up_cookie_is_no_session(site, cookie):
    """Whatever it says."""
    site.browser.cookies.set("__Host-ewallet", cookie)

    assert "시연용 시민 한 명" in site.page("/")


def test_a_session_ends_by_itself(site):
    """After half an hour."""
    site.sign_in()
    site.clock.advance(timedelta(minutes=30))

    assert "시연용 시민 한 명" in site.page("/")


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {}],
    ids=["origin", "cross-site", "same-site", "no token"],
)
def test_a_form_of_another_site_does_nothing(site, headers):
    """WEB-03: 403, and the certificate is still valid."""
    site.sign_in()
    site.caller().credential(site.caller().token(site.service.issuance.offer(KIND, subject="hong")))
    (certificate,) = site.service.issuer.certificates("hong")
    path, fields = f"/my/certificates/{certificate.id}/revoke", {"csrf": site.csrf} if headers else {}
    refused = [
        site.browser.post(path, data=fields, headers=headers),
        site.browser.post(path, content='{"csrf":"x"}', headers={"content-type": "text/plain", **headers}),
    ]

    assert [403, 403] == [answer.status_code for answer in refused]
    assert "VALID" == site.service.issuer.certificates("hong")[0].status.name


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "javascript:alert(1)", "&lt;b&gt;"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(open_site, settings, ewallet_catalog, text):
    """WEB-01: in every claim; the policy allows no script or style but our own files."""
    site = open_site(settings, _Hostile(ewallet_catalog, text))
    site.sign_in()
    page = site.page(f"/kinds/{KIND}")

    policy = site.browser.get("/").headers["content-security-policy"]
    assert f"<dd>{escape(text)}</dd>" in page
    assert ("default-src 'self'", False) == (policy.partition(";")[0], "unsafe" in policy)


@dataclass
class _Hostile:
    catalog: Any
    text: str

    def claims(self, _subject, type_id):
        sample = self.catalog.type(type_id).sample
        return {
            name: self.text if isinstance(value, str) and name.endswith("name") else value
            for name, value in sample.items()
        }


def test_a_record_in_preparation_can_be_applied_for(open_site, settings):
    """The page says that it takes time, and the wallet is promised the credential."""

    class Slow:
        def claims(self, _subject, _type_id):
            return Pending(timedelta(seconds=5))

    site = open_site(settings, Slow())
    site.sign_in()
    assert "기록을 준비하고 있습니다" in site.page(f"/kinds/{KIND}")
    offer, caller = site.scanned(site.page(f"/kinds/{KIND}/offer")), site.caller()

    assert 202 == caller.credential(caller.token(offer)).status


def test_older_certificates_are_on_a_page_of_their_own(site):
    """Twenty on each, the newest first, and a link to the older ones as long as there are any."""
    site.sign_in()
    for _ in range(21):
        site.clock.advance(timedelta(seconds=1))
        caller = site.caller()
        caller.credential(caller.token(site.service.issuance.offer("resident_register_copy", subject="hong")))
    first = site.page("/my/certificates")
    (link,) = re.findall(r'href="(/my/certificates\?cursor=[^"]+)"', first)
    second = site.page(link)

    assert (20, 1) == tuple(page.count("<li>\n<h2>") for page in (first, second))
    assert '<a class="button" href="/my/certificates?cursor=' in first
    assert '<a class="button"' not in second


@pytest.mark.parametrize(
    ("language", "company"), [("ko", "주식회사 가상전자(대표 홍재외)"), ("en", "Gasang Electronics (by Hong Jaeoe)")]
)
def test_all_of_the_register_can_sign_in(site, language, company):
    """The six citizens and the company by its representative, each by a name in the language of the page."""
    page = site.page(f"/?lang={language}")
    greeted = {who: site.page("/sign-in", citizen=who) and site.page(f"/?lang={language}") for who in CITIZENS}

    assert list(CITIZENS) == re.findall(r'name="citizen" value="([^"]+)"', page)
    assert company in page
    assert [] == [who for who, text in greeted.items() if str(escape(CITIZENS[who].label(language))) not in text]
