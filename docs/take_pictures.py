# ruff: noqa: INP001, T201 - a script, which says what it makes
"""Pictures of the issuer's pages as they look in Chromium: ``python docs/take_pictures.py [FOLDER]``.

Without a folder, the few that the documentation shows, into ``docs/pictures``; with one, every page in both languages,
for a telephone and for a desk, into that folder. Everybody in them is invented.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ewallet.catalog import Catalog
from ewallet.env import Env
from ewallet.errors import Language
from ewallet.flow import Request
from ewallet.http import Http
from ewallet.oid4vci.offer import CredentialOffer, OfferReference, parse_link
from ewallet.testing.bank import Bank, Town, portal
from ewallet.testing.caller import KIND, Caller
from ewallet.testing.office import office
from issuer_service.records import DemoRecords

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_SIZES: Final = {"phone": (390, 844), "desktop": (1100, 760)}
_SHOWN: Final = {
    "home-ko-phone",
    "kind-ko-phone",
    "offer-ko-phone",
    "certificates-ko-phone",
    "sign_in-ko-desktop",
    "offer-en-desktop",
    "certificates-en-desktop",
    "kind-en-desktop",
    "paper-ko-phone",
    "document-ko-phone",
    "search-ko-desktop",
    "document-en-desktop",
    "consent-ko-phone",
    "signing-ko-phone",
    "notices-ko-phone",
    "data-ko-phone",
    "consent-en-desktop",
    "eligibility-ko-phone",
    "rule-ko-phone",
    "rule-en-desktop",
    "signing-en-desktop",
    "consents-en-desktop",
    "history-en-desktop",
}
_COLOURS: Final = 64  # letters stay smooth, and a picture is a third of its size


def main() -> int:
    """Take them; 0 where there is no browser, too, for pictures are made by whoever has one."""
    browser_path = shutil.which("chromium")
    if browser_path is None:
        print("Chromium is absent: no pictures are taken")
        return 0
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    wanted: Callable[[str], bool] = (lambda _: True) if sys.argv[1:] else _SHOWN.__contains__
    with tempfile.TemporaryDirectory() as data, sync_playwright() as driver, _town(Path(data)) as found:
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        for name, picture in _pictures(browser, found):
            if wanted(name):
                _save(picture, folder / f"{name}.png")
        browser.close()
    return 0


@contextmanager
def _town(folder: Path) -> Iterator[Town]:
    bank = Bank.make(Env().now())
    with office(folder, settings=portal(folder, bank)) as found:
        yield Town.of(found.origin, folder, bank)


def _pictures(browser: Browser, town: Town) -> Iterator[tuple[str, bytes]]:
    languages: tuple[Language, ...] = ("ko", "en")
    for language in languages:
        for size, (width, height) in _SIZES.items():
            context = browser.new_context(locale=language, viewport={"width": width, "height": height})
            page = context.new_page()
            for name in chain(_walk(page, town.origin), _walk_mydata(page, town, language)):
                yield f"{name}-{language}-{size}", page.screenshot()
            context.close()


def _walk(page: Page, origin: str) -> Iterator[str]:
    """Every page, by its name, as a citizen comes by it."""
    page.goto(origin)
    yield "sign_in"
    page.locator('button[value="hong"]').click()
    page.wait_for_selector(".kinds")
    yield "home"
    page.goto(f"{origin}/?q=등본")
    yield "search"
    page.goto(f"{origin}/kinds/{KIND}")
    yield "kind"
    page.locator('[name="tx_code"]').check()
    page.locator(".apply button").first.click()
    page.wait_for_selector("#copy:visible")
    yield "offer"
    _receive(origin, page.locator("#link").input_value(), page.locator(".digits").inner_text())
    page.goto(f"{origin}/kinds/{KIND}")
    page.evaluate("document.getElementById('on-paper').scrollIntoView()")
    yield "paper"
    page.goto(f"{origin}/documents")
    yield "documents"
    _ask(page)
    yield "document"
    page.goto(f"{origin}/my/certificates")
    page.locator("summary").first.click()
    yield "certificates"
    page.locator("details[open] button").click()
    page.wait_for_selector(".notice")
    yield "revoked"
    page.goto(f"{origin}/there-is-no-such-page")
    yield "problem"


def _walk_mydata(page: Page, town: Town, language: Language) -> Iterator[str]:
    """The pages about one's own data, as a citizen whom a bank has sent comes by them."""
    page.goto(f"{town.origin}/kinds/mobile_resident_card")
    page.locator(".apply button").first.click()
    town.wallet.accept(page.locator("#link").input_value())
    asking = town.client.ask("bank_personal_loan", days=30, lang=language)
    page.goto(asking.url)
    yield "consent"
    page.locator("main form button").first.click()
    page.locator("#text").wait_for()
    page.locator("#text").scroll_into_view_if_needed()
    yield "signing"
    town.confirm(str(page.locator('a.button[href^="openid4vp:"]').get_attribute("href")))
    page.locator("main form button").first.click()
    way = page.locator("main a.button").get_attribute("href")
    yield "given"
    answer = page.request.get(f"{town.origin}{way}", max_redirects=0)
    town.client.package(town.client.token(asking, answer.headers["location"]))
    page.goto(f"{town.origin}/eligibility")
    yield "eligibility"
    page.locator('a[href$="/public_facility_discount"]').click()
    page.locator(".apply button").wait_for()
    yield "rule"
    page.locator(".apply button").click()
    town.wallet.accept(page.locator("#link").input_value())
    for name in ("notices", "history", "data", "consents"):
        page.goto(f"{town.origin}/my/{name}")
        yield name


def _ask(page: Page) -> None:
    """About what the demo register certifies of 홍길동."""
    record = DemoRecords(Catalog.bundled()).claims("hong", KIND)
    page.locator("#number").fill(str(record["document_number"]))
    page.locator("#name").fill(str(record["subject_name"]))
    page.locator("main form button").click()
    page.wait_for_selector(".notice")


def _receive(origin: str, link: str, digits: str) -> None:
    """Take the offer, as a wallet does."""
    send = Http(unsafe_loopback=True)
    reference = cast("OfferReference", parse_link(link, loopback=True))
    offer = CredentialOffer.parse(send(Request("GET", reference.url)).body, loopback=True)
    wallet = Caller(send, origin, Env())
    wallet.credential(wallet.token(offer, digits))


def _save(picture: bytes, path: Path) -> None:
    Image.open(BytesIO(picture)).convert("RGB").quantize(_COLOURS).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    sys.exit(main())
