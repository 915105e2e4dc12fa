"""The citizen's road through the pages, with a mouse, with a keyboard, and without JavaScript."""

from __future__ import annotations

import pytest

from ewallet import qr

pytestmark = pytest.mark.loopback

_NAMES = {"ko": "주민등록표 등본", "en": "Certified Copy of Resident Registration"}
_FOCUSED = """() => {
  const found = document.activeElement, style = getComputedStyle(found), box = found.getBoundingClientRect();
  return {
    name: found.getAttribute('aria-label') || found.labels?.[0]?.innerText || found.innerText,
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_citizen_takes_a_certificate_to_a_wallet_and_revokes_it(visit, language):
    """Sign in, choose, look, scan, receive, find it in the list, revoke it, sign out."""
    citizen = visit(language=language)
    citizen.sign_in()
    citizen.page.get_by_role("link", name=_NAMES[language]).click()
    assert citizen.page.get_by_text("가상특별시 예시구 견본로 1, 101동 101호(표본동)").first.is_visible()
    link = citizen.offer()
    assert link == qr.read(citizen.page.screenshot(full_page=True))
    assert 1 == citizen.receive(link)
    citizen.page.get_by_role("main").get_by_role("link", name=citizen.word("mine")).click()
    before = citizen.valid()
    citizen.revoke()
    told = citizen.page.get_by_role("status").inner_text()
    after = citizen.valid()
    citizen.button("sign_out").click()

    assert (citizen.word("was_revoked"), before - 1) == (told, after)
    assert citizen.page.get_by_text(citizen.word("sign_in_lead")).is_visible()


def test_everything_can_be_done_without_javascript(visit):
    """What only it can do is not shown."""
    citizen = visit(java_script_enabled=False)
    citizen.sign_in()
    link = citizen.offer()
    shown = citizen.page.locator("#copy").is_visible()
    received = citizen.receive(link)
    citizen.open("/my/certificates")
    before = citizen.valid()
    citizen.revoke()

    assert (False, 1, before - 1) == (shown, received, citizen.valid())


class _Keys:
    """Somebody who has a keyboard only."""

    def __init__(self, page):
        self._page = page

    def press(self, key):
        self._page.keyboard.press(key)

    def follow(self, key="Enter"):
        """To the next page."""
        with self._page.expect_navigation():
            self._page.keyboard.press(key)

    def to(self, name):
        """Tab on until something of that name has the focus; everything on the way shows it."""
        for _ in range(60):
            self._page.keyboard.press("Tab")
            found = self._page.evaluate(_FOCUSED)
            assert (True, True) == (found["ring"], found["seen"]), found
            if found["name"].strip() == name:
                return
        pytest.fail(f"no key leads to {name}")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_whole_road_can_be_walked_by_keyboard(visit, language):
    """Tab, Enter, the space bar and the arrows; where the focus is can always be seen."""
    citizen = visit(language=language)
    citizen.open()
    keys, word, name = _Keys(citizen.page), citizen.word, _NAMES[language]
    _to_contents(citizen, keys)
    keys.to(word("sign_in_as", name={"ko": "홍길동", "en": "Hong Gildong"}[language]))
    keys.follow()
    _to_contents(citizen, keys)
    keys.to(name)
    keys.follow()
    keys.to(word("use_tx_code"))
    keys.press("Space")
    keys.to(word("get_qr"))
    keys.follow()
    received = citizen.receive(
        citizen.page.locator("#link").input_value(), citizen.page.locator(".digits").inner_text()
    )
    keys.to(word("mine"))
    keys.follow()
    before = citizen.valid()
    keys.to(word("revoke_this", name=name))
    keys.press("Enter")
    keys.to(word("reason"))
    keys.press("ArrowDown")
    keys.to(word("revoke_now_this", name=name))
    keys.follow()
    after = citizen.valid()
    keys.to(word("sign_out"))
    keys.follow("Space")

    assert (1, before - 1) == (received, after)
    assert citizen.page.get_by_text(word("sign_in_lead")).is_visible()


def _to_contents(citizen, keys):
    """Over the menu, by the first link of the page."""
    keys.to(citizen.word("skip"))
    keys.press("Enter")
    assert "content" == citizen.page.evaluate("document.activeElement.id")


def test_the_link_is_copied(visit):
    """Into the clipboard, with a word about it that is read aloud."""
    citizen = visit(permissions=["clipboard-read", "clipboard-write"])
    citizen.sign_in()
    link = citizen.offer()
    citizen.button("copy").click()
    citizen.page.get_by_text(citizen.word("copied")).wait_for()

    assert link == citizen.page.evaluate("navigator.clipboard.readText()")


def test_a_link_that_cannot_be_copied_is_selected(visit):
    """And the page says so."""
    citizen = visit()
    citizen.sign_in()
    link = citizen.offer()
    citizen.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()) }")
    citizen.button("copy").click()
    citizen.page.get_by_text(citizen.word("not_copied")).wait_for()

    assert link == citizen.page.evaluate("getSelection().toString()")


def test_a_code_whose_time_is_over_is_said_to_be(visit):
    """Aloud, and the way to another one is there (WCAG 2.2.1)."""
    citizen = visit()
    citizen.page.clock.install()
    citizen.sign_in()
    first = citizen.offer()
    citizen.page.wait_for_load_state("load")  # the script has set its timer
    citizen.page.clock.fast_forward("04:00")
    early = citizen.page.locator("#until").inner_text()
    citizen.page.clock.fast_forward("01:05")
    late = citizen.page.locator("#until").inner_text()
    citizen.button("again").click()
    citizen.page.wait_for_function("first => document.getElementById('link').value !== first", arg=first)

    assert (False, citizen.word("over")) == (early == late, late)
    assert "status" == citizen.page.locator("#until").get_attribute("role")


def test_addresses_of_forms_lead_back_to_their_pages(visit):
    """Whoever opens one by hand, or anew the next day."""
    citizen = visit()
    citizen.open("/sign-in")
    assert citizen.page.get_by_text(citizen.word("sign_in_lead")).is_visible()
    citizen.sign_in()
    citizen.offer()
    citizen.page.goto(citizen.page.url)

    assert citizen.button("get_qr").is_visible()
