"""A real Chromium that has the issuer's service open, and a wallet that takes what its pages offer.

Whatever a test does, its pages ask nobody but the service, break no policy, raise no error and open no dialog: that is
checked when the test is over. Where playwright or Chromium is absent, the tests skip and say which.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from ewallet.catalog import Catalog
from ewallet.env import Env
from ewallet.flow import Request
from ewallet.http import Http
from ewallet.oid4vci.offer import CredentialOffer, OfferReference, parse_link
from ewallet.testing.caller import KIND, Caller, issued
from ewallet.testing.office import office
from issuer_service.records import DemoRecords
from issuer_service.words import word

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

Language = Literal["ko", "en"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_SWITCHES: Final = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
_PATIENCE: Final = 10_000  # milliseconds
_SMALL: Final = """() => [...document.querySelectorAll('a, button, select, summary, input:not([type=hidden])')]
  .map(found => ['checkbox', 'radio'].includes(found.type) ? found.closest('label') : found)
  .filter(found => found.checkVisibility() && !found.matches('.skip'))
  .map(found => [found.innerText || found.id, found.getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44)
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
_RECORD: Final = DemoRecords(Catalog.bundled()).claims("hong", KIND)
#: The number and the name that stand on what the demo register certifies of 홍길동.
PRINTED: Final = (str(_RECORD["document_number"]), str(_RECORD["subject_name"]))


@dataclass
class Visit:
    """A citizen's tab, and what happened in it that should not have."""

    page: Page
    origin: str
    language: Language = "ko"
    strange: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note requests to others, errors, and dialogs."""
        self.page.on("request", lambda request: self._note("request", request.url))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.strange.append(f"error {error}"))
        self.page.on("dialog", lambda dialog: self.strange.append(f"dialog {dialog.message}"))

    def _note(self, what: str, url: str) -> None:
        if not url.startswith(f"{self.origin}/"):
            self.strange.append(f"{what} {url}")

    def _said(self, message: ConsoleMessage) -> None:
        refused = message.text.startswith("Failed to load resource: the server responded with a status of 4")
        if message.type in {"error", "warning"} and not refused:
            self.strange.append(f"console {message.text}")

    def open(self, path: str = "/") -> int:
        """Go to an address of the service; its status."""
        answer = self.page.goto(self.origin + path)
        assert answer
        return answer.status

    def word(self, name: str, /, **values: object) -> str:
        """Words of the pages, in this visit's language."""
        return word(name, self.language, **values)

    def button(self, name: str, /, **values: object) -> Locator:
        """The button with those words."""
        return self.page.get_by_role("button", name=self.word(name, **values), exact=True)

    def sign_in(self, citizen: str = "hong") -> None:
        """By the button of the first page."""
        self.open()
        self.page.locator(f'button[value="{citizen}"]').click()
        self.page.get_by_role("heading", name=self.word("apply")).wait_for()

    def search(self, text: str) -> None:
        """Look for kinds, on the first page."""
        self.open()
        self.page.get_by_role("searchbox", name=self.word("search")).fill(text)
        self.button("search_now").click()
        self.page.get_by_role("status").wait_for()

    def check(self, number: str, name: str) -> str:
        """Ask about a document; what is said first."""
        self.open("/documents")
        self.page.get_by_label(self.word("document_number")).fill(number)
        self.page.get_by_label(self.word("document_name"), exact=True).fill(name)
        self.button("document_ask").click()
        return self.page.get_by_role("status").locator("strong").inner_text()

    def offer(self, *, digits: bool = False) -> str:
        """Apply for a resident register copy; the link that is shown."""
        self.open(f"/kinds/{KIND}")
        if digits:
            self.page.get_by_label(self.word("use_tx_code")).check()
        self.button("get_qr").click()
        link = self.page.get_by_label(self.word("link"), exact=True).input_value()
        self.page.wait_for_load_state()  # the link can be read before the picture and the style have come
        return link

    def receive(self, link: str, digits: str | None = None) -> int:
        """Take what a link offers, as a wallet does; how many credentials came."""
        reference, send = parse_link(link, loopback=True), Http(unsafe_loopback=True)
        assert isinstance(reference, OfferReference)
        offer = CredentialOffer.parse(send(Request("GET", reference.url)).body, loopback=True)
        wallet = Caller(send, self.origin, Env())
        return len(issued(wallet.credential(wallet.token(offer, digits))).credentials)

    def hold(self) -> None:
        """See to it that there is a certificate to revoke, and look at it."""
        self.receive(self.offer())
        self.open("/my/certificates")

    def revoke(self) -> None:
        """Revoke a certificate on the page, in the two steps it takes."""
        card = self.page.locator(".certificates > li", has=self.page.locator("details")).first
        card.locator("summary").click()
        card.get_by_label(self.word("reason")).select_option("lost")
        card.locator("button.danger").click()

    def small(self) -> list[str]:
        """What is pressed and is less than 44 by 44 pixels, with its size."""
        found: list[str] = self.page.evaluate(_SMALL)
        return found

    def valid(self) -> int:
        """How many certificates on the page are."""
        return self.page.locator(".status.valid").count()

    def walk(self) -> Iterator[str]:
        """Every page there is, one after the other, by its name."""
        self.open()
        yield "sign_in"
        self.sign_in()
        yield "home"
        self.search({"ko": "등본", "en": "certified copy"}[self.language])
        yield "search"
        self.open(f"/kinds/{KIND}")
        yield "kind"
        link = self.offer(digits=True)
        yield "offer"
        self.receive(link, self.page.locator(".digits").inner_text())
        self.check(*PRINTED)
        yield "documents"
        self.open("/my/certificates")
        self.page.locator("summary").first.click()
        yield "certificates"
        self.page.locator("details[open] button.danger").click()
        self.page.get_by_text(self.word("was_revoked")).wait_for()
        yield "revoked"
        self.open("/there-is-no-such-page")
        yield "problem"


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium; one for each file, for its driver keeps an event loop from other tests of this thread."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is absent: no browser can be driven")
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("Chromium is absent, and no page can be opened: apt-get install chromium")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=_SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    """The issuer's service as a process."""
    with office(tmp_path_factory.mktemp("town")) as found:
        yield found


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Callable[..., Any]]:
    """Opens tabs; whoever opens one may say the language, the size, and what else playwright's contexts take."""
    opened: list[Visit] = []

    def open_(origin: str, *, language: Language = "ko", width: int = 1280, height: int = 800, **more: Any) -> Visit:
        context = chromium.new_context(locale=language, viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(_PATIENCE)
        visit = Visit(context.new_page(), origin, language)
        visit.watch()
        opened.append(visit)
        return visit

    yield open_
    for each in opened:
        each.page.context.close()
    assert [] == [strange for visit in opened for strange in visit.strange]


@pytest.fixture
def visit(tab, town):
    """As ``tab``, at the service of these tests."""
    return lambda **given: tab(town.origin, **given)


@pytest.fixture
def axe():
    """The rules of axe-core, as what a page breaks of them."""
    api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is absent")
    rules = api.Axe()

    def broken(page):
        return [
            f"{each['id']}: {node['target']}"
            for each in rules.run(page).response["violations"]
            for node in each["nodes"]
        ]

    return broken
