"""The pages on which a person consents, sees who looked, and ends it: in a browser, with a wallet and a bank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ewallet.env import Env
from ewallet.testing.bank import Bank, Town, portal
from ewallet.testing.office import office

pytestmark = pytest.mark.loopback

ANSWERED = ("eligibility", "rule", "answer")
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOREIGN = """() => [...document.querySelectorAll('body *')]
  .filter(found => [...found.childNodes].some(node => node.nodeType === 3 && /[\\uac00-\\ud7a3]/.test(node.data)))
  .filter(found => found.closest('[lang]').lang !== 'ko').map(found => found.innerText)"""


@pytest.fixture(scope="module")
def portal_town(tmp_path_factory):
    """A portal as a process, a bank that is registered there, and a wallet."""
    folder, bank = tmp_path_factory.mktemp("portal"), Bank.make(Env().now())
    with office(folder, settings=portal(folder, bank)) as found:
        yield Town.of(found.origin, folder, bank)


def _hold(visit: Any, town: Town) -> None:
    """Take a resident card from the page into the wallet."""
    visit.open("/kinds/mobile_resident_card")
    visit.button("get_qr").click()
    town.wallet.accept(visit.page.get_by_label(visit.word("link"), exact=True).input_value())


def _confirm(visit: Any, town: Town) -> None:
    link = visit.page.get_by_role("link", name=visit.word("confirm_with_wallet")).get_attribute("href")
    town.confirm(link)


def _walk(visit: Any, town: Town) -> Iterator[str]:
    """Every page there is about one's data, the forms sent by the keyboard alone."""
    visit.sign_in()
    _hold(visit, town)
    asking = town.client.ask("bank_personal_loan", days=30, lang=visit.language)
    visit.page.goto(asking.url)
    visit.page.locator("summary").first.press("Enter")
    yield "consent"
    visit.button("read_consent").press("Enter")
    visit.page.locator("#text").wait_for()
    yield "signing"
    _confirm(visit, town)
    visit.button("have_confirmed").press("Enter")
    visit.page.get_by_role("heading", name=visit.word("consent_given")).wait_for()
    yield "given"
    way = visit.page.get_by_role("main").locator("a.button").get_attribute("href")
    answer = visit.page.request.get(town.origin + way, max_redirects=0)
    town.client.package(town.client.token(asking, answer.headers["location"]))
    yield from _answered(visit, town)
    for name in ("notices", "history", "data"):
        visit.open(f"/my/{name}")
        for closed in visit.page.locator("details").all():
            closed.locator("summary").press("Enter")
        yield name
    visit.open("/my/consents")
    visit.page.locator("summary").last.press("Enter")
    yield "consents"
    visit.page.locator("details[open] button.danger").press("Enter")
    visit.page.get_by_text(visit.word("done_withdrawn")).wait_for()
    yield "withdrawn"


def _answered(visit: Any, town: Town) -> Iterator[str]:
    """The pages of the yes/no service, and the answer in the wallet."""
    visit.page.get_by_role("link", name=visit.word("eligibility")).press("Enter")
    visit.page.get_by_role("heading", name=visit.word("eligibility")).wait_for()
    yield "eligibility"
    visit.page.locator('a[href$="/public_facility_discount"]').press("Enter")
    visit.button("get_qr").wait_for()
    yield "rule"
    visit.button("get_qr").press("Enter")
    link = visit.page.get_by_label(visit.word("link"), exact=True)
    link.wait_for()
    yield "answer"
    (document,) = town.wallet.accept(link.input_value())
    assert "Y" == document.credential.claims["answer"]


@pytest.mark.parametrize(
    ("language", "look"),
    [
        ("ko", {"width": 360, "height": 740, "color_scheme": "dark"}),
        ("en", {"java_script_enabled": True}),
    ],
)
def test_every_page_about_ones_data_is_for_everybody(tab, axe, portal_town, language, look):
    """Nothing that axe finds, scrolls sideways or is too small to press, no unsaid Korean; by the keyboard."""
    visit = tab(portal_town.origin, language=language, **look)
    broken, wide, foreign, small, names = [], [], [], [], []
    for name in _walk(visit, portal_town):
        names.append(name)
        broken += [f"{name}: {rule}" for rule in axe(visit.page)]
        wide += [name] * (visit.page.evaluate(WIDE) > 0)
        small += [f"{name}: {found}" for found in visit.small()]
        foreign += [f"{name}: {text}" for text in visit.page.evaluate(FOREIGN)] if language == "en" else []
        assert visit.page.title().startswith(visit.page.locator("h1").inner_text()), name

    assert ([], [], [], []) == (broken, wide, foreign, small)
    assert ["consent", "signing", "given", *ANSWERED, "notices", "history", "data", "consents", "withdrawn"] == names


def test_everything_works_without_scripts(tab, portal_town):
    """Consent, notices, withdrawal: links and forms are all it takes."""
    visit = tab(portal_town.origin, language="ko", java_script_enabled=False)

    assert "withdrawn" == list(_walk(visit, portal_town))[-1]


def test_what_is_optional_is_not_ticked(tab, portal_town):
    """MYD-15, in the document that the browser has made of the page."""
    visit = tab(portal_town.origin)
    visit.sign_in()
    visit.page.goto(portal_town.client.ask("bank_personal_loan", days=30).url)

    assert 2 == visit.page.locator('input[type="checkbox"]').count()
    assert 0 == visit.page.locator('input[type="checkbox"]:checked').count()
