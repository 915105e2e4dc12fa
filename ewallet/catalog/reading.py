"""What the files of ``schemas/`` consist of, read strictly: a member that is not known is refused, not ignored.

Every function takes where in the file its value stands, and raises ``malformed.*`` or ``usage.configuration`` with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, NoReturn, TypeVar

from ewallet import shape
from ewallet.errors import UsageError

LANGUAGES: Final = frozenset({"ko", "en"})

MAX_TEXT: Final = 2_000  # characters of one text; the longest has 168

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")

Json = Any
T = TypeVar("T")


def refuse(reason: str) -> NoReturn:
    """Raise ``usage.configuration``."""
    raise UsageError("usage.configuration", reason)


def members(value: Json, where: str, needed: AbstractSet[str], optional: Collection[str] = ()) -> dict[str, Json]:
    """The members of an object: all that are needed, and no others but the optional."""
    found = shape.instance(value, dict, where)
    for member in found:
        if member not in needed and member not in optional:
            refuse(f"{where} has the unknown member {member[:40]!r}")
    if not found.keys() >= needed:
        refuse(f"{where} lacks {min(needed - found.keys())}")
    return found


def words(value: Json, where: str, needed: AbstractSet[str] = LANGUAGES) -> Mapping[str, str]:
    """A text in each language that is needed."""
    found = members(value, where, needed, LANGUAGES)
    for language, said in found.items():
        if type(said) is not str or not _is_line(said):  # nearly never: the place is not spelled out before
            text(said, f"{where}.{language}")
    return found


def _is_line(said: str) -> bool:
    return len(said) <= MAX_TEXT and said.isprintable() and bool(said.strip())


def text(value: Json, where: str) -> str:
    """A text with something in it."""
    found = shape.instance(value, str, where)
    if not found.strip():
        refuse(f"{where} is empty")
    if not found.isprintable():
        refuse(f"{where} has line breaks, control characters, or others that are not seen")
    if len(found) > MAX_TEXT:
        refuse(f"{where} has {len(found)} characters, at most {MAX_TEXT} are read")
    return found


def one_of(value: Json, allowed: Collection[T], where: str) -> Any:
    """A value that is one of these; a number is neither yes nor no."""
    if value not in allowed or type(value) not in (str, bool):
        refuse(f"{where} is none of {', '.join(map(str, allowed))}")
    return value


def name(value: Json, where: str) -> str:
    """The name of a claim, a kind, a bundle."""
    found = shape.instance(value, str, where)
    if not _NAME.match(found):
        refuse(f"{where} is not a lower case name")
    return found


def each(value: Json, where: str, reader: Callable[[Json, str], T]) -> tuple[T, ...]:
    """The items of an array, each read by that reader."""
    items = shape.instance(value, list, where)
    return tuple(reader(item, f"{where}[{index}]") for index, item in enumerate(items))


def texts(value: Json, where: str) -> tuple[str, ...]:
    """The texts of an array, none of them empty."""
    return each(value, where, text)


def count(value: Json, where: str, least: int = 1, *, most: int = 100_000_000) -> int:
    """A whole number that is not absurd."""
    number = shape.instance(value, int, where)
    if not least <= number <= most:
        refuse(f"{where} is out of range")
    return number
