"""Which letters are printed."""

from __future__ import annotations

import unicodedata

import pytest

from ewallet import terminal
from ewallet.catalog import Catalog
from ewallet.paper.glyphs import printable


def test_everything_in_the_catalogue_can_be_printed():
    """Labels, names and samples of every kind: not one letter of them is escaped."""
    for kind in Catalog.bundled():
        words = [*kind.names.values(), *kind.agencies.values(), *(kind.attestation or {}).values()]
        words += [label for top in kind.claims for claim in top.walk() for label in claim.labels.values()]
        words += list(_texts(kind.sample))
        assert [] == [word for word in words if printable(word) != unicodedata.normalize("NFC", word)], kind.id


def _texts(value):
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)


@pytest.mark.parametrize(
    "text", ["洪吉童", "뷁쏀힣", "金樂鍊 李", "㈜가상", "Nguyễn Văn Ả", "Пример", "1㎡ ① ½ 「법」"]
)
def test_names_of_people_are_printed_as_they_are(text):
    """Hanja with its compatibility forms, every Hangul syllable, Latin with its marks, Cyrillic."""
    assert unicodedata.normalize("NFC", text) == printable(text)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a\u202eb", "a\\u202eb"),
        ("a\x00\x1b[31m\n", "a\\u0000\\u001b[31m\\u000a"),
        ("\U0001f600", "\\U0001f600"),
        ("가\u0301", "가\\u0301"),
        ("\u05e9", "\\u05e9"),
        ("\U00020000", "\\U00020000"),
        ("\u1112\u1161\u11ab", "한"),
        ("<b>&amp; #let", "<b>&amp; #let"),
    ],
)
def test_what_cannot_be_printed_is_an_escape_that_everybody_sees(text, printed):
    """Never an empty box, never nothing; what can be composed is composed."""
    assert printed == printable(text)


def test_what_a_terminal_escapes_is_escaped_on_paper_too():
    """One rule for both; paper adds what its fonts have not."""
    signs = [chr(code) for code in range(0x3000) if terminal.escaped(chr(code)) != chr(code)]

    assert [] == [sign for sign in signs if printable(sign) == sign]
