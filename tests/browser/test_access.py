"""The pages for people who see, move or read otherwise: KWCAG 2.2 and WCAG 2.2 AA, as far as machines can tell."""

from __future__ import annotations

from typing import Any

import pytest

from ewallet import qr

pytestmark = pytest.mark.loopback

_LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"width": 360, "height": 740, "has_touch": True, "is_mobile": True},
    "dark": {"width": 360, "height": 740, "color_scheme": "dark"},
}
_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_FOREIGN = """() => [...document.querySelectorAll('body *')]
  .filter(found => [...found.childNodes].some(node => node.nodeType === 3 && /[\\uac00-\\ud7a3]/.test(node.data)))
  .filter(found => found.closest('[lang]').lang !== 'ko').map(found => found.innerText)"""


@pytest.mark.parametrize(("language", "look"), [("ko", "desktop"), ("en", "phone"), ("ko", "dark")])
def test_no_page_breaks_a_rule_of_axe(visit, axe, language, look):
    """Names, roles, contrast, order of headings, languages."""
    citizen = visit(language=language, **_LOOKS[look])

    broken = {name: axe(citizen.page) for name in citizen.walk()}

    assert (9, []) == (len(broken), [f"{name}: {rule}" for name, rules in broken.items() for rule in rules])


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_says_its_language_and_its_name(visit, language):
    """``lang`` of the page and of what is Korean in an English one; one heading, and a title that begins with it."""
    citizen = visit(language=language)
    for name in citizen.walk():
        heading = citizen.page.locator("h1")
        assert (language, 1) == (citizen.page.locator("html").get_attribute("lang"), heading.count()), name
        assert citizen.page.title().startswith(heading.inner_text()), name
        assert language == "ko" or [] == citizen.page.evaluate(_FOREIGN), name


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_fits_hands_and_eyes(visit, language):
    """No page scrolls sideways at 320 pixels, nor at 640 with letters of twice the size (WCAG 1.4.4, 1.4.10).

    And whatever is pressed is at least 44 by 44 pixels (WCAG 2.5.5; KWCAG 2.2 6.1.3 asks for 6 mm).
    """
    citizen, wide, small = visit(language=language), [], []
    for name in citizen.walk():
        for width, size in ((1280, "100%"), (640, "200%"), (320, "100%")):
            citizen.page.set_viewport_size({"width": width, "height": 512})
            citizen.page.wait_for_load_state()  # an offer's page loads itself anew, and its style with it
            citizen.page.evaluate("size => { document.documentElement.style.fontSize = size }", size)
            wide += [f"{name} at {width}"] * (citizen.page.evaluate(_WIDE) > 0)
            small += [f"{name} at {width}: {found}" for found in citizen.small()]
        citizen.page.set_viewport_size({"width": 1280, "height": 800})

    assert ([], []) == (wide, small)


@pytest.mark.parametrize("look", [*_LOOKS, "small", "double"])
def test_the_code_can_be_scanned_as_it_is_shown(visit, look):
    """What a decoder sees on the screen is the link beside it."""
    more = {"small": {"width": 320}, "double": {"width": 640, "device_scale_factor": 2}}
    citizen = visit(**(_LOOKS | more)[look])
    citizen.sign_in()
    link = citizen.offer(digits=True)

    assert link == qr.read(citizen.page.screenshot(full_page=True))


def test_the_picture_has_words(visit):
    """For who cannot see it: what it is, and where the same is as text."""
    citizen = visit()
    citizen.sign_in()
    citizen.offer()

    assert citizen.page.get_by_role("img", name=citizen.word("qr_alt")).is_visible()
