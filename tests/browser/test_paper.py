"""A certificate on paper, and the check of its number, with a mouse, with a keyboard, and without JavaScript."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ewallet.testing.caller import KIND
from issuer_service import printing

pytestmark = pytest.mark.loopback
needs_paper = pytest.mark.skipif(not printing.is_available(), reason="the extra paper is absent: nothing is drawn")

_NAMES = {"ko": "주민등록표 등본", "en": "Certified Copy of Resident Registration"}
_SOUGHT = {"ko": "주민등록표등본", "en": "copy resident"}


def _say(citizen):
    citizen.page.get_by_label(citizen.word("recipient")).fill("가상은행")
    citizen.page.get_by_label(citizen.word("purpose")).fill("대출 심사 <b>")


def _saved(citizen, button):
    with citizen.page.expect_download() as found:
        citizen.button(button).click()
    return found.value


def _verdict(town, file):
    """What the bank's command says of it: the code it ends with, and the rows of its answer."""
    trust = [
        "--trust",
        str(town.log.with_name("trust-list.jwt")),
        "--trust-key",
        str(town.log.with_name("operator.jwk")),
    ]
    command = [sys.executable, "-m", "verifier_cli", "verify", str(file), *trust, "--json"]
    done = subprocess.run(
        command, env=os.environ | {"EWALLET_UNSAFE_LOOPBACK": "1"}, capture_output=True, check=False, timeout=60
    )
    return done.returncode, json.loads(done.stdout)


@needs_paper
@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("scripted", [True, False], ids=["scripted", "plain"])
def test_a_citizen_finds_a_kind_and_prints_it(visit, town, language, scripted):
    """Sign in, search, open, say for whom and what for, save the PDF; a bank accepts it, and its number is found."""
    citizen = visit(language=language, java_script_enabled=scripted)
    citizen.sign_in()
    citizen.search(_SOUGHT[language])
    citizen.page.get_by_role("link", name=_NAMES[language], exact=True).click()
    _say(citizen)
    saved = _saved(citizen, "as_pdf")
    code, verdict = _verdict(town, saved.path())
    citizen.button("sign_out").click()

    assert saved.suggested_filename.startswith(_NAMES[language])
    assert (0, "accepted") == (code, verdict["verdict"])
    assert ("가상은행", "대출 심사 <b>") == (verdict["paper"]["recipient"], verdict["paper"]["purpose"])
    assert citizen.word("document_match") == citizen.check(verdict["paper"]["document_number"], "홍길동")


def test_a_document_that_there_is_not_is_said_to_be_none(visit):
    """To whoever holds it, without a word about why."""
    citizen = visit()

    assert citizen.word("document_no_match") == citizen.check("9999-9999-9999-9999", "홍길동")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_certificate_can_be_read_on_screen_and_as_text(visit, language):
    """The same words as on paper; what was said is text, whatever it looks like."""
    citizen = visit(language=language)
    citizen.sign_in()
    citizen.open(f"/kinds/{KIND}")
    _say(citizen)
    text = Path(_saved(citizen, "as_text").path()).read_text("utf-8")
    citizen.button("as_page").click()
    citizen.page.get_by_role("article").wait_for()

    assert "대출 심사 <b>" in text
    assert citizen.page.get_by_text("대출 심사 <b>").is_visible()
    assert language == citizen.page.locator("html").get_attribute("lang")


def test_what_is_printed_is_listed_and_can_be_revoked(visit):
    """Like what a wallet received."""
    citizen = visit()
    citizen.sign_in("seong")
    citizen.open(f"/kinds/{KIND}")
    _say(citizen)
    _saved(citizen, "as_text")
    citizen.open("/my/certificates")
    before = citizen.valid()
    citizen.revoke()

    assert (1, 0) == (before, citizen.valid())


def test_a_page_tells_what_is_missing_before_it_is_sent(visit):
    """By the browser's own words: nothing is printed without a recipient and a purpose."""
    citizen = visit()
    citizen.sign_in()
    citizen.open(f"/kinds/{KIND}")
    citizen.button("as_text").click()

    assert "recipient" == citizen.page.evaluate("document.activeElement.id")


def test_one_s_own_kinds_come_first(visit):
    """What is on record, by its field; the others are behind one step, and a field is reached by its link."""
    citizen = visit()
    citizen.sign_in()
    own = citizen.page.locator("section:not(details section) .kinds a").count()
    others = citizen.page.locator("details .kinds a")
    hidden = others.first.is_visible()
    citizen.page.get_by_text(citizen.word("without_record", n=others.count())).click()
    citizen.page.get_by_role("navigation", name=citizen.word("fields")).get_by_role("link").last.click()

    assert 205 == own + others.count()  # what answers a rule is asked for elsewhere
    assert (False, True) == (hidden, others.first.is_visible())
    assert citizen.page.url.endswith("/#mobile_id")


@pytest.mark.parametrize("sought", ["없는증명서", "<script>alert(1)</script>", "없는' OR 1=1 --"])
def test_a_search_that_finds_nothing_says_so(visit, sought):
    """And shows what was sought as text."""
    citizen = visit()
    citizen.sign_in()
    citizen.search(sought)

    assert citizen.word("search_nothing", query=sought) in citizen.page.get_by_role("status").inner_text()
