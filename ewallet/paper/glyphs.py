"""Which letters can be printed, and what stands for those that cannot.

The page, the screen and the text for reading aloud show the same letters: what the fonts in ``fonts/`` have. All else
is written as :mod:`ewallet.terminal` writes what a terminal must not be given, as an escape that everybody sees:
control characters, direction marks, combining marks that have no composed form, emoji. Nothing is left out and nothing
becomes an empty box.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from struct import iter_unpack, unpack_from
from typing import Final

from ewallet.terminal import escaped

FONTS: Final = Path(str(files("ewallet.paper"))) / "fonts"
_MARKS: Final = frozenset({"Mn", "Mc", "Me"})  # they would be drawn over their neighbours
_END: Final = 0xFFFF  # closes the segments, and is no character


def printable(text: str) -> str:
    """The text as it is printed: in NFC, on one line, each letter that no font has as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=8192)  # more than the letters of a thousand forms
def _shown(sign: str) -> str:
    drawn = ord(sign) in _drawn() and unicodedata.category(sign) not in _MARKS
    return escaped(sign, always=not drawn)


@cache
def _drawn() -> frozenset[int]:
    """The code points that are in any of the fonts of regular weight; typst falls back from one to the next."""
    regular = [path for path in sorted(FONTS.glob("*.otf")) if "Bold" not in path.name]
    return frozenset(code for path in regular for first, last in _groups(path) for code in range(first, last + 1))


def _groups(path: Path) -> Iterator[tuple[int, int]]:
    """The ranges of a font's character map (OpenType 1.9, ``cmap``)."""
    raw = path.read_bytes()
    directory = iter_unpack(">4sIII", raw[12 : 12 + 16 * unpack_from(">H", raw, 4)[0]])
    cmap = next(offset for tag, _, offset, _ in directory if tag == b"cmap")
    records = raw[cmap + 4 : cmap + 4 + 8 * unpack_from(">H", raw, cmap + 2)[0]]
    for start in {cmap + offset for _, _, offset in iter_unpack(">HHI", records)}:
        reader = _READERS.get(unpack_from(">H", raw, start)[0])
        yield from reader(raw, start) if reader else ()


def _segments(raw: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Format 4, for what lies in the basic plane: the last codes of all segments, a pad, then the first ones."""
    count = unpack_from(">H", raw, start + 6)[0] // 2
    lasts = unpack_from(f">{count}H", raw, start + 14)
    firsts = unpack_from(f">{count}H", raw, start + 16 + 2 * count)
    yield from ((first, last) for first, last in zip(firsts, lasts, strict=True) if last < _END)


def _all_planes(raw: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Format 12: groups of first code, last code and glyph."""
    count = unpack_from(">I", raw, start + 12)[0]
    yield from ((first, last) for first, last, _ in iter_unpack(">III", raw[start + 16 : start + 16 + 12 * count]))


_READERS: Final = {4: _segments, 12: _all_planes}
