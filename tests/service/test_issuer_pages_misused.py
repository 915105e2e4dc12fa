"""What the issuer's pages answer to requests that no page of theirs makes."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from ewallet.catalog import Catalog
from ewallet.testing.caller import KIND
from ewallet.testing.clock import Clock
from issuer_service.records import DemoRecords

ISSUER = "https://issuer.example.go.kr"
HTML = {"accept": "text/html"}
BOUNDARY = {"content-type": "multipart/form-data; boundary=b"}
PARTS = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 20_000 + b"--b--\r\n"
FORM = {"content-type": "application/x-www-form-urlencoded"}

BODIES = {
    "twenty thousand parts": (BOUNDARY, PARTS),
    "a part without end": (
        BOUNDARY,
        b'--b\r\nContent-Disposition: form-data; name="citizen"\r\n\r\n' + b"x" * 1_000_000,
    ),
    "a part with a megabyte of header": (BOUNDARY, b"--b\r\n" + b"x: y\r\n" * 150_000),
    "a file for a word": (
        BOUNDARY,
        b'--b\r\nContent-Disposition: form-data; name="citizen"; filename="x"\r\n\r\nhong\r\n--b--\r\n',
    ),
    "no boundary": ({"content-type": "multipart/form-data"}, b"--b--"),
    "a hundred thousand fields": (FORM, b"x=&" * 100_000),
    "a megabyte for a name": (FORM, b"citizen=" + b"x" * 1_000_000),
    "not text": (FORM, b"citizen=%ff%fe%00"),
    "json": ({"content-type": "application/json"}, b'{"citizen": "hong"}'),
    "text": ({"content-type": "text/plain"}, b"citizen=hong"),
    "a type of backslashes": ({"content-type": "multipart/form-data; boundary=" + "\\" * 8_000}, b"citizen=hong"),
    "a type of semicolons": ({"content-type": "application/x-www-form-urlencoded" + ";" * 8_000}, b"x"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_strange_form_is_refused_with_a_page(site, name):
    """WEB-07: nobody is signed in, and the next request is served."""
    headers, body = BODIES[name]
    answer = site.browser.post("/sign-in", content=body, headers=HTML | headers, follow_redirects=False)

    assert answer.status_code in {400, 404, 413, 422}
    assert ('<html lang="ko">', False) == (answer.text.splitlines()[1], "set-cookie" in answer.headers)
    assert "시연용 시민 한 명" in site.page("/")


ELSEWHERE = ["//evil.example", "\\\\evil.example", "https:evil.example", "data:text/html,x", f"{ISSUER}@evil.example"]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_sign_in_leads_to_our_own_page_whatever_it_is_told(site, address):
    """WEB-04: there is no parameter for that, in the address or in the form."""
    told = dict.fromkeys(("next", "redirect_uri", "return_to"), address)
    answer = site.browser.post("/sign-in", params=told, data={"citizen": "hong", **told}, follow_redirects=False)

    assert (303, "/") == (answer.status_code, answer.headers["location"])


@pytest.mark.parametrize(
    "path", ["//evil.example/", "//evil.example/%2e%2e", "/kinds/%22%3E%3Cscript%3E", "/kinds//evil"]
)
def test_an_unknown_address_is_not_repeated(site, path):
    """WEB-01, WEB-04: neither as a link nor as text."""
    site.sign_in()
    answer = site.browser.get(f"{ISSUER}{path}", headers=HTML)

    assert (404, "?lang=en") == (answer.status_code, _language_link(answer.text).removeprefix("/"))
    assert not re.search("evil|script>", answer.text.replace('<script src="/static', ""))


def _language_link(page):
    (found,) = re.findall(r'<a href="([^"]+)" lang="en"', page)
    return found


IMPOSSIBLE = {
    ("GET", "/there-is-no-such-page"): 404,
    ("GET", "/kinds/none"): 404,
    ("GET", "/kinds/none/offer"): 404,
    ("GET", f"/my/offers/{'x' * 32}.png"): 404,
    ("GET", "/sign-out"): 405,
    ("PUT", "/"): 405,
    ("POST", "/sign-in"): 422,
    ("POST", "/sign-out"): 403,
    ("POST", f"/kinds/{KIND}/offer"): 403,
    ("POST", "/my/certificates/x/revoke"): 403,
}


@pytest.mark.parametrize(("language", "heading"), [("ko", "처리하지 못했습니다"), ("en", "This did not work")])
def test_what_cannot_be_done_is_said_in_both_languages(site, language, heading):
    """A page with a way back, and no trace of what is behind it."""
    site.sign_in()
    headers = HTML | {"accept-language": language}
    answers = {asked: site.browser.request(*asked, headers=headers, follow_redirects=False) for asked in IMPOSSIBLE}

    assert IMPOSSIBLE == {asked: answer.status_code for asked, answer in answers.items()}
    for answer in answers.values():
        assert language == answer.headers["content-language"]
        assert f"<h1>{heading}</h1>" in answer.text
        assert '<a class="button" href="/">' in answer.text
        assert not re.search(r"storage\.|request\.|Traceback|starlette|fastapi", answer.text)


def test_every_page_and_picture_keeps_to_itself(site):
    """WEB-19: not stored, not framed, not guessed at, and no address of it told to another site."""
    sign_in = site.browser.get("/", headers=HTML)
    site.sign_in()
    page = site.page(f"/kinds/{KIND}/offer")
    (picture,) = re.findall(r'src="(/my/offers/[^"]+)\.svg"', page)
    paths = ["/", f"/kinds/{KIND}", "/my/certificates", "/nowhere", f"{picture}.svg", f"{picture}.png"]
    answers = [sign_in, *(site.browser.get(path, headers=HTML) for path in paths)]

    assert [("no-store", "nosniff", True, True)] * 7 == [
        (
            answer.headers["cache-control"],
            answer.headers["x-content-type-options"],
            answer.headers["referrer-policy"] in {"same-origin", "no-referrer"},
            "frame-ancestors 'none'" in answer.headers["content-security-policy"],
        )
        for answer in answers
    ]


def test_pages_allow_themselves_no_more_than_they_need(site):
    """WEB-01: no inline script or style, no base, no plugin, no form to elsewhere; and no page has any."""
    site.sign_in()
    pages = [site.page(path) for path in ("/", f"/kinds/{KIND}", f"/kinds/{KIND}/offer", "/my/certificates")]
    policy = site.browser.get("/", headers=HTML).headers["content-security-policy"]

    assert {
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
    } == set(policy.split("; "))
    assert [] == [found for page in pages for found in re.findall(r"<style|style=|<script>|\son\w+=|javascript:", page)]


def test_no_session_that_was_there_before_is_taken_over(site):
    """WEB-10: whoever planted a cookie has nothing of it; a token of an earlier page is of no use either."""
    site.sign_in()
    planted, token = site.browser.cookies["__Host-ewallet"], site.csrf
    site.sign_in()
    mine = site.browser.cookies["__Host-ewallet"]
    stale = site.browser.post(f"/kinds/{KIND}/offer", data={"csrf": token}, headers=HTML).status_code
    site.browser.cookies.clear()
    site.browser.cookies.set("__Host-ewallet", planted)

    assert (False, 403) == (planted == mine, stale)
    assert "시연용 시민 한 명" in site.page("/")


INJECTIONS = [
    "' OR 1=1 --",
    "hong'; DROP TABLE codes; --",
    "hong' UNION SELECT 1--",
    "%27%20OR%201=1",
    "hong\x00",
    "../hong",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_statements_in_forms_are_only_text(site, text):
    """WEB-13: whoever, whichever kind, certificate and reason they name."""
    nobody = site.browser.post("/sign-in", data={"citizen": text}, headers=HTML)
    site.sign_in()
    site.caller().credential(site.caller().token(site.service.issuance.offer(KIND, subject="hong")))
    (own,) = site.service.issuer.certificates("hong")
    tried = [
        site.browser.post(
            f"/my/certificates/{quote(path, safe='')}/revoke", data={"csrf": site.csrf, "reason": reason}, headers=HTML
        )
        for path, reason in ((text, "lost"), (own.id, text))
    ]

    assert [404] * 3 == [answer.status_code for answer in (nobody, *tried)]
    assert ["VALID"] == [each.status.name for each in site.service.issuer.certificates("hong")]


def test_the_language_is_one_of_two(site):
    """Whatever is asked for; and it is kept where scripts cannot read it."""
    chosen = site.browser.get("/?lang=en", headers=HTML).headers["set-cookie"]
    odd = site.browser.get('/?lang="><script>', headers=HTML)

    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=31536000"} == set(chosen.split("; ")[1:])
    assert (200, '<html lang="en">', False) == (odd.status_code, odd.text.splitlines()[1], "set-cookie" in odd.headers)


class _Register:
    """The demo register, one record of which says something else."""

    def __init__(self, said):
        self._records = DemoRecords(Catalog.bundled(), Clock().env())
        self._said = said

    def claims(self, subject, type_id):
        return dict(self._records.claims(subject, type_id)) | (self._said if type_id == KIND else {})


@pytest.mark.parametrize(
    "said",
    [
        {"resident_address": "가상\u202e특별시"},
        {"resident_address": "가상\x1b[31m특별시"},
        {"household_composition_date": "2020"},
        {"household_members": [7]},
        {"household_members": [{"resident_registration_number_masked": f"990230-{1_234_567}"}]},
    ],
    ids=["bidi", "escape", "date", "row", "number"],
)
def test_a_record_that_cannot_be_issued_is_not_shown(said, settings, open_site):
    """Nothing of it is on the page, which says that something is wrong with the request and no more."""
    site = open_site(settings, _Register(said))
    site.sign_in()

    answer = site.browser.get(f"/kinds/{KIND}", headers=HTML)

    assert 400 == answer.status_code
    assert not any(hidden in answer.text for hidden in ("\u202e", "\x1b", "1234567"))


def test_a_whole_resident_number_is_not_on_the_page(settings, open_site):
    """Its masked form is, though the kind has a law for the number in a wallet."""
    register = _Register({})
    rows = [dict(row) for row in register.claims("hong", KIND)["household_members"]]
    rows[0]["resident_registration_number"] = f"990230-{1_234_567}"
    site = open_site(settings, _Register({"household_members": rows}))
    site.sign_in()

    page = site.page(f"/kinds/{KIND}")

    assert "990230-1******" in page
    assert "1234567" not in page
