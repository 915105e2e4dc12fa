"""Words for a terminal: in the reader's language, in whatever encoding, and nothing in them that commands a terminal.

What a stranger wrote is shown as text only: control characters, direction marks and line separators become
escapes, and long texts are cut. Rules of the terminal: results on stdout, words about them on stderr, no colour unless
somebody looks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:  # a command that only prints its help loads as little as it can
    from datetime import datetime

    from ewallet.errors import Language
    from ewallet.shape import Json

LONGEST: Final = 500  # characters of one value; an address has about 60
_LINE: Final = 4_000  # characters of one claim with all its members
_ITEMS: Final = 100  # members of one object or array
_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_YES_NO: Final = {"ko": ("예", "아니요"), "en": ("yes", "no")}
_FURTHER: Final = 2  # columns by which a broken line goes on further in
_COLOURS: Final = {"green": "32", "red": "31", "yellow": "33"}


def prepare() -> None:
    """Let stdout and stderr take any text: what their encoding lacks is written as an escape.

    What was closed before the program began is replaced by nothing: else what is meant for stderr goes to stdout.
    """
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - for the whole run
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def language(named: str | None, environment: Mapping[str, str] = os.environ) -> Language:
    """The language that was named, else Korean where the locale is, else English."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "ko" if (named or locale).startswith("ko") else "en"


def plain(text: str, limit: int = LONGEST) -> str:
    """The text on one line, escaped and cut."""
    shown = text if text.isascii() and text.isprintable() else "".join(map(escaped, text[:limit]))
    return shown if len(text) <= limit else f"{shown[:limit]}... (+{len(text) - limit})"


def escaped(sign: str, *, always: bool = False) -> str:
    """The character itself where it is shown as text, else its escape, by which everybody sees that it is there."""
    import unicodedata

    if not always and sign.isprintable() and unicodedata.category(sign) not in _ESCAPED:
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


def value(found: Json, lang: Language) -> str:
    """A claim's value on one line: yes or no, a date as it is written here, the members of an object one by one."""
    shown = _value(found, lang)
    return shown if len(shown) <= _LINE else f"{shown[:_LINE]}... (+{len(shown) - _LINE})"


def _value(found: Json, lang: Language) -> str:
    if isinstance(found, bool):
        return _YES_NO[lang][not found]
    if isinstance(found, Mapping):
        return ", ".join(f"{plain(str(name))}: {_value(item, lang)}" for name, item in _first(found.items()))
    if isinstance(found, list):
        return "; ".join(_value(item, lang) for item in _first(found))
    return plain("-" if found is None else _dated(str(found), lang))


def _first(items: Iterable[Json]) -> list[Json]:
    return [item for _, item in zip(range(_ITEMS), items, strict=False)]


def _dated(text: str, lang: Language) -> str:
    if lang != "ko" or len(text) != 10:
        return text
    from datetime import date

    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.year}. {day.month}. {day.day}."


def moment(at: datetime | None, lang: Language) -> str:
    """A time as people here read it: in Korea, to the minute; an UTC time in English."""
    if at is None:
        return "-"
    from datetime import UTC

    from ewallet.catalog.kinds import KST

    if lang == "en":
        return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    local = at.astimezone(KST)
    return f"{local.year}. {local.month}. {local.day}. {local:%H:%M}"


def show(lines: Iterable[str], stream: TextIO) -> None:
    """Print the lines; on a screen they are broken between words, and what belongs together stands further in."""
    from shutil import get_terminal_size

    screen = stream.isatty()
    for line in lines:
        print(folded(line, get_terminal_size().columns) if screen else line, file=stream)


def folded(line: str, columns: int) -> str:
    """The line in rows of so many columns, of which Hangul and Hanja take two each; no word is broken."""
    if _columns(line) <= columns:
        return line
    start = len(line) - len(line.lstrip(" "))
    first, *words = line[start:].split(" ")
    rows = [line[:start] + first]
    for word in words:
        longer = f"{rows[-1]} {word}"
        rows[-1:] = [longer] if _columns(longer) <= columns else [rows[-1], " " * (start + _FURTHER) + word]
    return "\n".join(rows)


def _columns(text: str) -> int:
    from unicodedata import east_asian_width

    return len(text) if text.isascii() else sum(1 + (east_asian_width(sign) in "WF") for sign in text)


def coloured(text: str, colour: str, stream: TextIO) -> str:
    """The text in a colour, where somebody looks at a screen that has some (``NO_COLOR``, ``TERM=dumb``)."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def stamp(at: datetime) -> str:
    """A time as JSON documents write it (RFC 3339)."""
    from datetime import UTC

    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
