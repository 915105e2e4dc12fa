"""The words of the pages, Korean first. A page asks for words by their name; missing ones are a fault.

In ``pages/words.txt`` and ``words_mydata.txt`` each name is followed by a Korean and an English line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ewallet.errors import Language

_FILES: Final = [Path(__file__).parent / "pages" / name for name in ("words.txt", "words_mydata.txt")]
_LANGUAGES: Final[Mapping[Language, int]] = {"ko": 1, "en": 2}
_ENTRIES: Final = [entry.split("\n") for file in _FILES for entry in file.read_text("utf-8").strip().split("\n\n")]
_WORDS: Final = {entry[0]: entry for entry in _ENTRIES}

_PLACES: Final = {name: place for place, name in enumerate(_WORDS)}


def word(name: str, language: Language, /, **values: object) -> str:
    """The words of that name, with the values put in."""
    return _WORDS[name][_LANGUAGES[language]].format(**values)


def category(name: str, language: Language) -> str:
    """What a field of certificates is called; its own name where the pages have none."""
    return word(name, language) if name in _WORDS else name


def place(category_: str) -> int:
    """Where a field of certificates stands on a page: in the order of the file, what has no words at the end."""
    return _PLACES.get(category_, len(_PLACES))


def problem(status: int, language: Language) -> str:
    """What a status means to a person."""
    name = f"problem_{status}"
    return word(name if name in _WORDS else f"problem_{500 if status >= 500 else 400}", language)
