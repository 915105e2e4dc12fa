"""What is printed, compared with what is signed: the text of the pages is read as the form says it, from end to end.

The text of a page has no reliable spaces and lines, so both sides are compared without any. At each place there must be
the next value of the form, or something that stands on the form besides: a label, a heading that is repeated on the
next page, a note. What is neither was not signed: text that was changed or added, or that hides below other text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from ewallet.credential import Path
from ewallet.errors import Language
from ewallet.paper.form import Box, Form, Section, Table
from ewallet.paper.words import word

_AHEAD: Final = 40  # values that may be missing in a row before reading finds its way again
_NEAR: Final = 4  # values before and behind those that seem to differ, of which one alone may be what was changed
_CHANGE: Final = 120  # characters that may stand in the place of the changed one
_LONGEST: Final = 20_000  # characters of a text that is read once more
_MOST: Final = 100  # differences that are named; a page with more is another page


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A signed value that is not printed as it is, or text on the page that nobody signed, which has no path."""

    path: Path | None
    label: str
    signed: str


def differences(form: Form, pages: Sequence[str]) -> tuple[Difference, ...]:
    """Where the pages differ from their form, in its order; at most a hundred places."""
    fields = [field for field in form.fields if plain(field.value)]
    text, values, beside = _text(pages, form), [plain(field.value) for field in fields], _Beside.of(form)
    walk = _Walk(text, values, beside)
    walk.read()
    alone = _Alone(text, values, beside).found(walk.other)
    other = walk.other if alone is None else {alone}
    found = [Difference(path=fields[i].path, label=fields[i].label, signed=fields[i].value) for i in sorted(other)]
    if walk.unsigned and alone is None:
        found.append(Difference(path=None, label="", signed=""))
    return tuple(found[:_MOST])


def _text(pages: Sequence[str], form: Form) -> str:
    """What stands on all pages without the foot of each, which may stand in the middle of a long value."""
    count, foot = len(pages), plain(f"{form.number.label}{form.number.value}") if form.number else ""
    numbered = (plain(page).removesuffix(f"{number}/{count}") for number, page in enumerate(pages, 1))
    return "".join(page.removesuffix(foot) for page in numbered)


def plain(text: str) -> str:
    """The text as it is compared: composed, without spaces, lines and what a renderer leaves of them."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(sign for sign in composed if not sign.isspace() and unicodedata.category(sign) not in _UNSEEN)


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn"})


class _Walk:
    """The way through the text of the pages; ``other`` are the values that are not there, by their places in the form.

    A stray is text that is neither a value nor beside one. It belongs to the values that are missing there, else
    to the value that it touches, else to none.
    """

    def __init__(self, text: str, values: Sequence[str], beside: _Beside) -> None:
        self._text = text
        self._values = values
        self._beside = beside
        self._next = 0  # the value that is expected
        self._at = 0
        self._value_end = -1  # where the last value ended
        self._touched: list[int | None] = []  # for each stray that waits, the value before it that it touches
        self._stray_end = -1
        self.other: set[int] = set()
        self.unsigned = False

    def read(self) -> None:
        """From end to end."""
        while self._at < len(self._text):
            beside = self._beside.longest(self._text, self._at)
            if self._is_next(self._next, beside):
                self._take_value()
            elif beside:
                self._at += beside
            else:
                self._stray()
        self._miss(len(self._values))
        self._settle(None)

    def _is_next(self, number: int, least: int) -> bool:
        if number >= len(self._values):
            return False
        value = self._values[number]
        return len(value) >= max(least, 1) and self._text.startswith(value, self._at)

    def _take_value(self) -> None:
        self._settle(self._next if self._stray_end == self._at else None)
        self._at += len(self._values[self._next])
        self._value_end = self._at
        self._next += 1

    def _stray(self) -> None:
        found = self._ahead()
        if found:
            self._miss(found)
            return
        if self._stray_end != self._at:
            self._touched.append(self._next - 1 if self._value_end == self._at else None)
        self._at += 1
        self._stray_end = self._at

    def _ahead(self) -> int | None:
        """The value that stands here, if it is one of the next; one further on only if the one after it follows."""
        for number in range(self._next + 1, min(self._next + _AHEAD, len(self._values))):
            if self._is_next(number, 2) and (number == self._next + 1 or self._is_followed(number)):
                return number
        return None

    def _is_followed(self, number: int) -> bool:
        at, follower = self._at + len(self._values[number]), "".join(self._values[number + 1 : number + 2])
        while at < len(self._text) and not self._text.startswith(follower, at):
            beside = self._beside.longest(self._text, at)
            if not beside:
                return False
            at += beside
        return True

    def _miss(self, until: int) -> None:
        """The values up to that one are not there; the strays that wait are what stands in their place."""
        if until > self._next:
            self.other.update(range(self._next, until))
            self._touched.clear()
            self._next = until

    def _settle(self, follows: int | None) -> None:
        """Say whose the strays are, none of which stands in the place of a value."""
        for last, touched in enumerate(self._touched, 1):
            owner = touched if touched is not None else follows if last == len(self._touched) else None
            if owner is None:
                self.unsigned = True
            else:
                self.other.add(owner)
        self._touched.clear()


@dataclass(frozen=True)
class _Alone:
    """Which value it is whose change alone makes the page what it is: who reads on cannot tell it from a neighbour."""

    text: str
    values: Sequence[str]
    beside: _Beside

    def found(self, suspects: AbstractSet[int]) -> int | None:
        """The one value near the suspects, if there is just one."""
        if not 0 < len(suspects) <= _NEAR or len(self.text) > _LONGEST:
            return None
        around = range(max(min(suspects) - _NEAR, 0), min(max(suspects) + _NEAR + 1, len(self.values)))
        if any(len(self.values[number]) >= _CHANGE for number in around):
            return None  # what stands in the place of so long a value is not looked for
        found = [number for number in around[: 3 * _NEAR] if self._explains(number)]
        return found[0] if len(found) == 1 else None

    def _explains(self, number: int) -> bool:
        """Whether all others are there, with nothing else between them than what may stand in its place."""
        start = self._end(0, 0, number)
        if start is None:
            return False
        seen: set[tuple[int, int]] = set()
        until = min(start + _CHANGE, len(self.text)) + 1
        return any(self._end(at, number + 1, None, seen) is not None for at in range(start, until))

    def _end(self, at: int, number: int, until: int | None, seen: set[tuple[int, int]] | None = None) -> int | None:
        """Where the values up to that one end, or all of the text; None where there is something else.

        What was ``seen``, a place with the value that is expected there, was read before and in vain.
        """
        tried = set() if seen is None else seen
        while number != until and at < len(self.text):
            length = self._length(at, number)
            if not length or (at, number) in tried:
                return None
            tried.add((at, number))
            at, number = at + length[0], number + length[1]
        return at if number == (len(self.values) if until is None else until) else None

    def _length(self, at: int, number: int) -> tuple[int, int] | None:
        """How long what may stand there is, and whether it is the value that is expected."""
        value, beside = "".join(self.values[number : number + 1]), self.beside.longest(self.text, at)
        if len(value) >= max(beside, 1) and self.text.startswith(value, at):
            return len(value), 1
        return (beside, 0) if beside else None


@dataclass(frozen=True)
class _Beside:
    """What stands on a form besides its values, by its first letter, the longest first."""

    pieces: Mapping[str, Sequence[str]]
    checked_at: re.Pattern[str]

    @classmethod
    def of(cls, form: Form) -> _Beside:
        """That of a form; the address where a number can be checked is the issuer's, and not signed."""
        pieces: dict[str, list[str]] = defaultdict(list)
        for piece in sorted({plain(text) for text in _texts(form)} - {""}, key=len, reverse=True):
            pieces[piece[0]].append(piece)
        address = plain(word("page", form.lang)).replace("{address}", "https://[!-~]{1,200}")
        return cls(pieces, re.compile(rf"{address}\Z"))

    def longest(self, text: str, at: int) -> int:
        """How long what stands there is, 0 for nothing of the form's."""
        address = self.checked_at.match(text, at)
        if address:
            return address.end() - at
        return next((len(piece) for piece in self.pieces.get(text[at], ()) if text.startswith(piece, at)), 0)


def _texts(form: Form) -> Iterator[str]:
    """Labels, headings and notes, and the values that stand on a form in several places."""
    yield from (form.title, form.subtitle or "", form.fee or "", form.attestation, form.seal, *form.notes)
    for field in filter(None, (form.number, form.issued, form.authority)):
        yield from (field.label, f"{field.label}:", field.value)
    for section in form.sections:
        yield section.label
        yield from _labels(section, form.lang)


def _labels(section: Section, lang: Language) -> Iterator[str]:
    if isinstance(section, Box):
        yield from (field.label for field in section.fields)
    elif isinstance(section, Table):
        yield from (*section.columns, word("none", lang))
        title = word("row", lang)
        yield from (title.format(label=section.label, number=number) for number in range(1, len(section.rows) + 1))
