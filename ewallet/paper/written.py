"""How a claim's value is written on paper: dates, amounts and numbers as Korean offices write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kinds import KST
from ewallet.errors import Language
from ewallet.labels import won
from ewallet.paper.glyphs import printable
from ewallet.paper.words import word
from ewallet.shape import Json

_SEXES: Final = {1: ("남", "Male"), 2: ("여", "Female")}  # ISO/IEC 5218, in the cards of ISO/IEC 18013-5
_MONTHS: Final = "January February March April May June July August September October November December".split()
_YEAR_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])\Z")
_LEAST_GROUPED: Final = 10_000  # a comma in four digits says nothing


def value(claim: ClaimType, found: Json, lang: Language) -> str:
    """The value as it is printed, on one line; what is not of the claim's type is printed as it is."""
    if isinstance(found, bool):
        return word("yes" if found else "no", lang)
    if isinstance(found, Mapping):
        return ", ".join(value(_member(claim, name), item, lang) for name, item in found.items())
    if isinstance(found, list):
        return ", ".join(value(claim, item, lang) for item in found)
    if isinstance(found, int | float):
        return _number(claim, found, lang)
    return _text(claim, str(found), lang)


def day(at: date, lang: Language) -> str:
    """A date in words: ``2026년 11월 21일``, ``21 November 2026``."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}" if lang == "en" else f"{at.year}년 {at.month}월 {at.day}일"


def _member(claim: ClaimType, name: str) -> ClaimType:
    return next((member for member in claim.members if member.name == name), claim)


def _number(claim: ClaimType, found: Json, lang: Language) -> str:
    if claim.type == "amount_krw":
        return won(found, lang)
    if claim.format == "year":
        return f"{found:g}" if lang == "en" else f"{found:g}년"
    if claim.name == "sex" and found in _SEXES:
        return _SEXES[int(found)][lang == "en"]
    whole = isinstance(found, float) and found.is_integer()
    plain = int(found) if whole else found  # JSON has one kind of number: 35.0 may come back as 35
    return f"{plain:,}" if abs(plain) >= _LEAST_GROUPED else str(plain)


def _text(claim: ClaimType, text: str, lang: Language) -> str:
    writer = _WRITERS.get(claim.format or claim.type)
    try:
        return writer(text, lang) if writer else printable(text)
    except ValueError:  # a date that is none
        return printable(text)


def _date(text: str, lang: Language) -> str:
    return day(date.fromisoformat(text), lang)


def _moment(text: str, lang: Language) -> str:
    at = datetime.fromisoformat(text)
    at = at.astimezone(KST) if at.tzinfo else at
    return f"{day(at, lang)} {at:%H:%M}" if lang == "en" else f"{day(at, lang)} {at.hour}시 {at.minute:02}분"


def _month(text: str, lang: Language) -> str:
    found = _YEAR_MONTH.match(text)
    if not found:
        return printable(text)
    year, month = int(found[1]), int(found[2])
    return f"{_MONTHS[month - 1]} {year}" if lang == "en" else f"{year}년 {month}월"


def _year(text: str, lang: Language) -> str:
    return f"{text}년" if lang == "ko" and text.isascii() and text.isdigit() else printable(text)


_WRITERS: Final[Mapping[str, Callable[[str, Language], str]]] = {
    "date": _date,
    "datetime": _moment,
    "year-month": _month,
    "year": _year,
}
