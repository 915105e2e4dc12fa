"""The claims of a certificate in the words of its kind, line by line, with the members of what has members."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from ewallet.credential import Path
from ewallet.errors import Language, UsageError
from ewallet.shape import Json
from ewallet.terminal import plain, value

if TYPE_CHECKING:
    from ewallet.catalog.kinds import CredentialType

_PICTURE: Final[dict[Language, str]] = {"ko": "(그림, {0}바이트)", "en": "(a picture, {0} bytes)"}
_FEES: Final = ("electronic_krw", "counter_krw")
_FREE: Final[dict[Language, str]] = {"ko": "무료", "en": "free"}
_UNKNOWN: Final[dict[Language, str]] = {"ko": "수수료 확인 필요", "en": "fee not known"}
_WON: Final[dict[Language, str]] = {"ko": "수수료 {0:,}원", "en": "fee {0:,} won"}
#: What the code on a page says of every kind, also of one that calls it something else.
_OF_A_CODE: Final[dict[str, dict[Language, str]]] = {
    "name": {"ko": "성명", "en": "Name"},
    "document_number": {"ko": "문서번호", "en": "Document number"},
    "issue_date": {"ko": "발급일", "en": "Date of issue"},
}
_YES_NO: Final[dict[str, dict[Language, str]]] = {"Y": {"ko": "예", "en": "yes"}, "N": {"ko": "아니요", "en": "no"}}
_ANSWER: Final = re.compile(r"(\w+)\((\w+=[^()]*)\)", re.ASCII)
_LINES: Final = 1_000  # of one claim; a household of twenty has 200


def kind_name(kind: CredentialType | None, type_id: str, lang: Language) -> str:
    """The name of a kind, or its identifier where it is not in the catalogue."""
    return plain(kind.label(lang) if kind else type_id)


def fee(kind: CredentialType, lang: Language) -> str:
    """What it costs to have it issued, online where that is possible."""
    cost = next((kind.fee[name] for name in _FEES if kind.fee.get(name) is not None), None)
    if not cost:
        return _FREE[lang] if cost == 0 else _UNKNOWN[lang]
    return _WON[lang].format(cost)


def won(amount: float, lang: Language) -> str:
    """An amount of money: ``48,000,000원``, ``KRW 48,000,000``."""
    return f"KRW {amount:,}" if lang == "en" else f"{amount:,}원"


def answers_rule(kind: CredentialType) -> bool:
    """Whether certificates of that kind are answers to rules."""
    from ewallet.catalog.eligibility import KIND  # whoever has a kind has loaded it

    return kind.id == KIND


def answered(claims: Mapping[str, Json], lang: Language) -> str:
    """An answer on one line: what somebody is eligible for, and yes or no."""
    return f"{_answered(('rule',), claims['rule'], lang)}: {_answered(('answer',), claims['answer'], lang)}"


def _answered(path: Path, found: Json, lang: Language) -> str:
    """What an answer says under that path: a rule by its name, and yes or no."""
    from ewallet.catalog import Catalog

    if path == ("answer",) and isinstance(found, str) and found in _YES_NO:
        return _YES_NO[found][lang]
    if path == ("rule",) and isinstance(found, str):
        with suppress(UsageError):  # a rule of another house, or one that there is no more
            return plain(Catalog.bundled().rule(found).label(lang))
    return value(found, lang)


def path_name(kind: CredentialType | None, path: Path, lang: Language) -> str:
    """The words for a claims path, member by member: ``Members 2 > Name``."""
    path = kind.own_path(path) if kind else path
    parts: list[str] = []
    for position, step in enumerate(path, 1):
        if isinstance(step, str):
            parts.append(_name(kind, path[:position], lang))
        elif step is not None and parts:
            parts[-1] += f" {step + 1}"
    return plain(" > ".join(parts))


def claim(kind: CredentialType | None, path: Path, found: Json, lang: Language) -> Iterator[str]:
    """The lines of one claim."""
    return islice(_lines(kind, path, found, lang, "  "), _LINES)


def _name(kind: CredentialType | None, path: Path, lang: Language) -> str:
    if kind and kind.claim(path):
        return plain(kind.label_of(path, lang))
    if kind and len(path) == 1 and (question := _question(kind, str(path[0]), lang)):
        return plain(question)
    return (
        _OF_A_CODE[str(path[-1])][lang] if kind and len(path) == 1 and path[-1] in _OF_A_CODE else plain(str(path[-1]))
    )


def _question(kind: CredentialType, name: str, lang: Language) -> str:
    """The words of ``income_at_least(n=30000000)``, as packages name an answer; empty where it is none of the kind."""
    found = _ANSWER.fullmatch(name)
    predicate = kind.predicate(found[1]) if found else None
    if not found or not predicate:
        return ""
    params = (each.partition("=") for each in found[2].split(", "))
    return predicate.asked([(key, int(value) if value.isdecimal() else value) for key, _, value in params], lang)


def _last(kind: CredentialType | None, path: Path, lang: Language) -> str:
    """The name at the end of a path, numbered where it is one of several."""
    if isinstance(path[-1], str):
        return _name(kind, path, lang)
    name = _last(kind, path[:-1], lang)
    return name if path[-1] is None else f"{name} {path[-1] + 1}"


def _lines(kind: CredentialType | None, path: Path, found: Json, lang: Language, indent: str) -> Iterator[str]:
    name = _last(kind, path, lang)
    if isinstance(found, Mapping) and found:
        yield f"{indent}{name}:"
        for member, item in found.items():
            yield from _lines(kind, (*path, str(member)), item, lang, indent + "  ")
    elif isinstance(found, list) and any(isinstance(item, Mapping) for item in found):
        for number, item in enumerate(found):
            yield from _lines(kind, (*path, number), item, lang, indent)
    else:
        yield f"{indent}{name}: {item_value(kind, path, found, lang)}"


def item_value(kind: CredentialType | None, path: Path, found: Json, lang: Language) -> str:
    """The value of a claim on one line; a picture, which a terminal cannot show, by its size."""
    told = kind.claim(path) if kind else None
    if kind and answers_rule(kind):
        return _answered(kind.own_path(path), found, lang)
    if told and told.format == "image" and isinstance(found, str):
        return _PICTURE[lang].format(len(found) * 3 // 4)
    if told and told.type == "amount_krw" and isinstance(found, int | float) and not isinstance(found, bool):
        return won(found, lang)
    return value(found, lang)
