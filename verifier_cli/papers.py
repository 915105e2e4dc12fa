"""A certificate on paper at the counter: what was printed, what was signed, and what a clerk has to compare."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ewallet.errors import Language
from ewallet.labels import path_name
from ewallet.terminal import coloured, plain
from ewallet.verdict import Accepted
from verifier_cli import render

if TYPE_CHECKING:  # a form is made of the catalogue, and is wanted for paper only
    from ewallet.catalog import Catalog
    from ewallet.paper.reading import PaperVerdict
    from ewallet.verifier import Verifier

_HEADS: Final = ("%PDF-", "EWP1:")
_SAYS: Final = {
    "holder": {
        "ko": "소지자: 확인되지 않음. 종이에 인쇄한 것은 누구나 복사할 수 있습니다.",
        "en": "holder not bound: anybody may have copied what is on paper",
    },
    "revocation": {"ko": "정지·폐지 여부: 확인하지 않음", "en": "revocation not checked"},
    "compared": {
        "ko": "인쇄된 내용: 발급기관이 서명한 값과 하나씩 대조함",
        "en": "print: compared with what the issuer signed, value by value",
    },
    "not_read": {
        "ko": "인쇄된 내용: 읽지 않음. 서명된 값을 종이와 눈으로 대조하십시오.",
        "en": "print: not read; compare the signed values with the page",
    },
    "number": {"ko": "문서번호", "en": "document number"},
    "recipient": {"ko": "제출처", "en": "made for"},
    "purpose": {"ko": "용도", "en": "purpose"},
    "differs": {"ko": "서명된 값과 다르게 인쇄된 항목", "en": "printed otherwise than signed"},
    "signed": {"ko": "서명된 값", "en": "signed"},
    "unsigned": {"ko": "서명되지 않은 글이 종이에 있음", "en": "text on the page that nobody signed"},
}


def is_paper(given: str | bytes) -> bool:
    """Whether it is a file to print from, or the code of one."""
    head = given[:5]
    return (head if isinstance(head, str) else head.decode("latin-1")) in _HEADS


def verdict(verifier: Verifier, given: str | bytes) -> PaperVerdict:
    """The verdict on it; ``usage.missing_extra``."""
    from ewallet.catalog import Catalog
    from ewallet.paper import reading

    return reading.verify(verifier, given, catalog=Catalog.bundled())


def lines(judged: PaperVerdict, lang: Language) -> Iterator[str]:
    """The lines of one verdict, and what to look at on the page."""
    from ewallet.catalog import Catalog

    yield from render.verdict(judged.verdict, None, lang)
    yield ""
    yield f"  {_SAYS['holder'][lang]}"
    if not judged.checked_online:
        yield f"  {_SAYS['revocation'][lang]}"
    if judged.signed is not None:
        yield f"  {_SAYS[judged.print][lang]}"
        yield from _page(judged, Catalog.bundled(), lang)


def _page(judged: PaperVerdict, catalog: Catalog, lang: Language) -> Iterator[str]:
    kind = catalog.by_type_id(judged.type_id or "")
    for name, text in (("number", judged.number), ("recipient", judged.recipient), ("purpose", judged.purpose)):
        if text:
            yield f"  {_SAYS[name][lang]}: {plain(text)}"
    if judged.differences:
        yield f"  {coloured(_SAYS['differs'][lang], 'red', sys.stdout)}:"
    for each in judged.differences:
        name = path_name(kind, each.path, lang) if each.path else plain(each.label)
        signed = f"{name} ({_SAYS['signed'][lang]}: {plain(each.signed)})"
        yield f"    {signed if name else _SAYS['unsigned'][lang]}"
    if judged.print == "not_read" and not isinstance(judged.verdict, Accepted) and judged.signed:
        yield from render.claims(kind, judged.signed, lang)
