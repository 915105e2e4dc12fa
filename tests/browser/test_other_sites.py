"""What other sites, hostile records and shared computers can do to a citizen's pages in a real browser: nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ewallet.catalog import Catalog
from ewallet.testing.caller import KIND
from ewallet.testing.office import office

pytestmark = pytest.mark.loopback

_HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>",
    "attribute": '"><a href=javascript:alert(4)>x</a><style>body{display:none}</style>',
    "template": "{{7*7}}{% raise %}${7*7}",
    "remote": '<img src="http://127.0.0.1:9/pixel"><link rel=stylesheet href=//127.0.0.1:9/x.css>',
    "bidi": "홍길동\u202e\u2066 moc.live \u2067\u202d",
    "long": "가" * 10_000,
    "unbroken": "W" * 10_000,
}
_LEAVING = """origin => [...document.querySelectorAll('[href], [src], [action]')]
  .map(found => found.href?.animVal || found.href || found.src || found.action)
  .filter(address => !address.startsWith(origin + '/'))"""
_READ = """address => fetch(address, {credentials: 'include'}).then(answer => answer.text(), () => 'refused')"""


@contextmanager
def _site(host: str, pages: dict[str, str]) -> Iterator[str]:
    """Another site on this machine: on 127.0.0.1 the same site at another origin, on localhost a foreign one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            """Nothing is said."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{host}:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_form_of_another_site_is_refused(visit, town, host):
    """WEB-03: also where the browser sends the cookie with it; nothing has happened."""
    citizen = visit()
    citizen.sign_in()
    citizen.hold()
    before = citizen.valid()
    revoke = citizen.page.locator("details form").first.get_attribute("action")
    paths = (revoke, "/sign-out", "/sign-in", f"/kinds/{KIND}/offer")
    form = "<form method=post action='{}'><input name=citizen value=seong><button>x</button></form>"
    with _site(host, {"/": "".join(form.format(town.origin + path) for path in paths)}) as evil:
        page = citizen.page.context.new_page()
        statuses = [_sent(page, evil, number) for number in range(len(paths))]
    citizen.open("/my/certificates")

    assert ([403] * 4, before) == (statuses, citizen.valid())
    assert citizen.page.get_by_text("홍길동 님").is_visible()


def _sent(page, evil, number):
    """The status of a form of that page."""
    page.goto(evil)
    with page.expect_navigation() as sent:
        page.get_by_role("button").nth(number).click()
    return sent.value.status


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_other_site_frames_or_reads_a_page(visit, town, host):
    """WEB-12, WEB-19: the frame stays empty, and a script is refused."""
    citizen = visit()
    citizen.sign_in()
    address = f"{town.origin}/my/certificates"
    with _site(host, {"/": f'<iframe src="{address}"></iframe>'}) as evil:
        page = citizen.page.context.new_page()
        page.goto(evil)
        page.wait_for_function("() => frames.length === 1")
        framed = page.frames[1].url
        read = page.evaluate(_READ, address)

    assert ("chrome-error://chromewebdata/", "refused") == (framed, read)


def test_the_session_is_a_cookie_that_only_the_service_sees(tab, tmp_path):
    """WEB-10: over https with the prefix that browsers enforce; new at each sign-in; of no use after the sign-out."""
    with office(tmp_path, secure=True) as found:
        citizen = tab(found.origin, ignore_https_errors=True)
        citizen.sign_in()
        (first,) = _sessions(citizen)
        seen = citizen.page.evaluate("document.cookie")
        citizen.open()
        citizen.button("sign_out").click()
        citizen.page.context.add_cookies([first])
        citizen.open()
        ended = citizen.page.get_by_text(citizen.word("sign_in_lead")).is_visible()
        citizen.sign_in("seong")
        (second,) = _sessions(citizen)
        citizen.page.context.close()  # a service waits for its connections when it ends

    assert ("__Host-ewallet", True, True, "Lax", "/") == tuple(
        first[name] for name in ("name", "secure", "httpOnly", "sameSite", "path")
    )
    assert ("", True, False) == (seen, ended, first["value"] == second["value"])


def _sessions(citizen):
    return [each for each in citizen.page.context.cookies() if each["name"] == "__Host-ewallet"]


def test_the_next_person_at_the_computer_sees_nothing(visit):
    """After the sign-out, the way back shows no page of before."""
    citizen = visit()
    citizen.sign_in()
    citizen.open(f"/kinds/{KIND}")
    assert citizen.page.get_by_text("990230-1").first.is_visible()
    citizen.button("sign_out").click()
    citizen.page.get_by_text(citizen.word("sign_in_lead")).wait_for()
    citizen.page.go_back()

    assert 0 == citizen.page.get_by_text("990230-1").count()
    assert citizen.page.get_by_text(citizen.word("sign_in_lead")).is_visible()


@pytest.fixture(scope="module")
def hostile_town(tmp_path_factory):
    """A service whose records hold what should never be in one."""
    folder = tmp_path_factory.mktemp("hostile")
    sample = Catalog.bundled().type(KIND).sample
    (folder / "records" / "hong").mkdir(parents=True)
    for name, text in _HOSTILE.items():
        record = {claim: text if claim.endswith("name") else value for claim, value in sample.items()}
        path = folder / "records" / "hong" / f"{KIND}.json"
        path.with_suffix(f".{name}").write_text(json.dumps(record), "utf-8")
    with office(folder, records=f"folder:{folder / 'records'}") as found:
        yield found, folder / "records" / "hong" / f"{KIND}.json"


@pytest.mark.parametrize("name", sorted(_HOSTILE.keys() - {"bidi"}))
def test_hostile_records_are_shown_as_the_text_they_are(tab, hostile_town, name):
    """WEB-01: no element, no request, no dialog comes of it, nothing else is moved, and the page stays in its width."""
    found, path = hostile_town
    path.write_bytes(path.with_suffix(f".{name}").read_bytes())
    citizen = tab(found.origin, width=360)
    citizen.sign_in()
    citizen.open(f"/kinds/{KIND}")
    shown = citizen.page.locator("dd", has_text=_HOSTILE[name][:20]).first
    inside = shown.evaluate("found => [found.textContent, found.children.length, getComputedStyle(found).unicodeBidi]")
    wide = citizen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert [_HOSTILE[name], 0, "isolate"] == inside
    assert (0, []) == (wide, citizen.page.evaluate(_LEAVING, found.origin))


def test_record_with_letters_that_turn_the_line_is_not_shown(tab, hostile_town):
    """WEB-01: nobody could issue it, so nothing of it is on the page."""
    found, path = hostile_town
    path.write_bytes(path.with_suffix(".bidi").read_bytes())
    citizen = tab(found.origin, width=360)
    citizen.sign_in()
    citizen.open(f"/kinds/{KIND}")

    assert 0 == citizen.page.locator("dd").count()
    assert _HOSTILE["bidi"] not in citizen.page.content()
    assert 1 == citizen.page.locator("h1").count()


AWAY = (
    "//evil.example/",
    "/%2F%2Fevil.example",
    "/\\evil.example",
    "/<script>alert(1)</script>",
    "/?lang=%22><script>",
)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_address_makes_a_page_lead_away(visit, town, language):
    """WEB-04: the link to the other language, above all."""
    for path in AWAY:
        citizen = visit(language=language)
        citizen.open(path)
        led = citizen.page.evaluate(_LEAVING, town.origin)
        citizen.page.get_by_role("link", name=citizen.word("other_language")).click()

        assert [] == led, path
        assert citizen.page.url.startswith(f"{town.origin}/"), path
        assert {"ko": "en", "en": "ko"}[language] == citizen.page.locator("html").get_attribute("lang"), path


def test_the_log_of_the_service_names_nobody_and_opens_nothing(visit, town):
    """WEB-17: whatever was done in these pages, it says no name, number, address, digits or link."""
    citizen = visit()
    secrets = {"홍길동", "990230", "견본로"}
    for name in citizen.walk():
        if name == "offer":
            secrets |= {citizen.page.locator(".digits").inner_text(), citizen.page.locator("#link").input_value()[-32:]}
        secrets |= {each["value"] for each in citizen.page.context.cookies()}
    said = town.log.read_text("utf-8")

    assert "serving" in said
    assert [] == [number for number, secret in enumerate(sorted(secrets)) if secret in said]
