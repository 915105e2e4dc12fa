"""How the parts of a form share the width of the page: one or two fields in a row, a table or a block for each row.

Widths are in em of the text they are about, estimated from the letters; the same estimate serves the PDF and the page
on screen, so that both break alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ewallet.paper.form import Field, Table

_WIDE: Final = frozenset({"W", "F"})
_LETTER: Final = 0.56  # em of a Latin letter or digit in Pretendard; a Hangul syllable has 0.87
_SYLLABLE: Final = 0.87
_LONGEST_WORD: Final = 9.0  # em; what is longer may be broken
_PADDING: Final = 1.3  # em beside the text of a cell
_LEAST: Final = 2.6  # em of the narrowest column, for 번호


@dataclass(frozen=True, kw_only=True)
class Style:
    """A way to print: letters of ``size`` points, and what fits beside each other."""

    size: float
    paired: float  # em of a value that may share its row; 0 for one field in a row
    label: float  # em of a label that may share its row, on two lines
    room: float  # em of a table, in its smaller letters


STYLES: Final = {
    "standard": Style(size=9.5, paired=15.5, label=22, room=57),
    "large_print": Style(size=18, paired=0, label=0, room=24),
}


def width(text: str) -> float:
    """The estimated width in em."""
    wide = sum(unicodedata.east_asian_width(sign) in _WIDE for sign in text)
    return wide * _SYLLABLE + (len(text) - wide) * _LETTER


def rows(fields: Sequence[Field], style: Style) -> Iterator[tuple[Field, ...]]:
    """The fields, two in a row where both are short."""
    waiting: Field | None = None
    for field in fields:
        if waiting and _is_short(field, style):
            yield waiting, field
            waiting = None
            continue
        if waiting:
            yield (waiting,)
        waiting = field if _is_short(field, style) else None
        if not waiting:
            yield (field,)
    if waiting:
        yield (waiting,)


def columns(table: Table, style: Style) -> tuple[float, ...] | None:
    """The widths of the columns, or None where the table is too wide and its rows become blocks."""
    texts = [[row[index].value for row in table.rows] for index in range(len(table.columns))]
    wanted = [_column(label, cells, whole=True) for label, cells in zip(table.columns, texts, strict=True)]
    if sum(wanted) <= style.room:
        return tuple(wanted)
    least = [_column(label, cells, whole=False) for label, cells in zip(table.columns, texts, strict=True)]
    spare = style.room - sum(least)
    missing = sum(wanted) - sum(least)
    if spare < 0:
        return None
    return tuple(low + (high - low) * spare / missing for low, high in zip(least, wanted, strict=True))


def _is_short(field: Field, style: Style) -> bool:
    return width(field.value) <= style.paired and width(field.label) <= style.label


def _column(label: str, cells: Sequence[str], *, whole: bool) -> float:
    """The width at which nothing breaks but between words (``whole``: but in a long text), its label in two lines."""
    longest = max(map(width, cells), default=0.0) if whole else _words(cells)
    head = max(width(label) / 2, _words([label])) if whole else _words([label])
    return max(min(longest, 16.0 if whole else _LONGEST_WORD), min(head, _LONGEST_WORD), _LEAST - _PADDING) + _PADDING


def _words(texts: Sequence[str]) -> float:
    return max((width(word) for text in texts for word in text.replace("(", " (").split()), default=0.0)
