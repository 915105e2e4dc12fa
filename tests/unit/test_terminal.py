"""Words for a terminal: the language, nothing that commands it, values as people here write them."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet import terminal


@pytest.mark.parametrize(
    ("named", "environment", "expected"),
    [
        (None, {"LANG": "ko_KR.EUC-KR"}, "ko"),
        (None, {"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LC_ALL": "", "LANG": "ko_KR.UTF-8"}, "ko"),
        (None, {}, "en"),
        ("en", {"LANG": "ko_KR.UTF-8"}, "en"),
        ("ko", {"LANG": "C"}, "ko"),
    ],
)
def test_the_language_is_the_one_named_or_that_of_the_locale(named, environment, expected):
    """Korean where somebody says so, English elsewhere."""
    assert expected == terminal.language(named, environment)


def test_a_line_is_broken_between_words_and_goes_on_further_in():
    """Hangul takes two columns a letter; a word that is too long for a row stays whole."""
    rows = terminal.folded("  보내지 않는 항목: 문서확인번호, issue date, 발급기관", 24).split("\n")

    assert ["  보내지 않는 항목:", "    문서확인번호, issue", "    date, 발급기관"] == rows
    assert "  a short line" == terminal.folded("  a short line", 24)
    assert "link:\n  openid4vp://?client_id=bank.example" == terminal.folded(
        "link: openid4vp://?client_id=bank.example", 24
    )


def test_what_a_program_reads_is_not_broken():
    """Only somebody who looks at a screen has rows."""
    stream = StringIO()
    terminal.show(["word " * 100, "end"], stream)

    assert f"{'word ' * 100}\nend\n" == stream.getvalue()


@given(st.text(alphabet=st.characters(codec=None)))
def test_no_text_commands_a_terminal(text):
    """Whatever it is, what is shown is printable and on one line."""
    shown = terminal.plain(text)

    assert shown.isprintable()
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(sign) for sign in shown}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("홍길동", "홍길동"), ("\x1b[31m", "\\u001b[31m"), ("a\u202eb", "a\\u202eb"), ("\U000e0041", "\\U000e0041")],
)
def test_what_is_escaped_can_still_be_read(text, shown):
    """The escape names the character."""
    assert shown == terminal.plain(text)


def test_a_long_text_is_cut_and_says_by_how_much():
    """One claim does not push the verdict off the screen."""
    assert "aa... (+98)" == terminal.plain("a" * 100, 2)
    assert 4_100 > len(terminal.value(["b" * 400] * 90, "en"))


@pytest.mark.parametrize(
    ("found", "lang", "shown"),
    [
        (True, "ko", "예"),
        (False, "en", "no"),
        (None, "en", "-"),
        ("2026-11-21", "ko", "2026. 11. 21."),
        ("2026-11-21", "en", "2026-11-21"),
        ("2026-13-21", "ko", "2026-13-21"),
        (48_000_000, "ko", "48000000"),
        ({"name": "홍길동", "head": True}, "ko", "name: 홍길동, head: 예"),
        (["a", ["b", {}]], "en", "a; b; "),
    ],
)
def test_values_are_written_as_people_write_them(found, lang, shown):
    """Yes and no in words, dates as on Korean paper, members one by one."""
    assert shown == terminal.value(found, lang)


def test_a_time_is_that_of_korea_or_utc():
    """Midnight in Korea is the day before in UTC."""
    at = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)

    assert ("2026. 11. 21. 00:00", "2026-11-20 15:00 UTC", "-") == (
        terminal.moment(at, "ko"),
        terminal.moment(at, "en"),
        terminal.moment(None, "ko"),
    )
