"""Own data as a PDF: records in the boxes of their forms, but whole; consents, and looks at the data.

It is PDF/A-3a and PDF/UA-1, tagged. It is no certificate: it has no seal, no code and no credential, and says so. What
stands in it is text and nothing else, each letter printable, so it does nothing where it is opened. Whole resident
numbers are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time
from importlib.util import find_spec
from typing import Any, Final, TypeAlias

from ewallet.catalog.kinds import KST
from ewallet.errors import Language, UsageError
from ewallet.mydata.exports import Exporter, Own, without_numbers
from ewallet.paper import typeset, written
from ewallet.paper.form import Box, Field, Form, Section
from ewallet.paper.glyphs import printable
from ewallet.paper.layout import STYLES
from ewallet.paper.words import word
from ewallet.shape import Json, instance

Sections: TypeAlias = list[tuple[str, list[Section]]]

_STYLE: Final = STYLES["standard"]


def as_pdf(own: Own) -> bytes:
    """Everything, on as many pages as it takes; ``usage.missing_extra``."""
    return typeset.compiled("own", page(own), at=datetime.combine(own.day, time(), KST))


def check() -> None:
    """Return if it can be drawn here; ``usage.missing_extra``."""
    if find_spec("typst") is None:
        raise UsageError("usage.missing_extra", "pip install 'ewallet[paper]'")


#: The format, for :class:`ewallet.MyData`.
PDF: Final = Exporter("pdf", "application/pdf", as_pdf, check)


def exporters() -> dict[str, Exporter]:
    """By name what can be drawn here: nothing without the extra ``paper``."""
    return {PDF.suffix: PDF} if find_spec("typst") else {}


def page(own: Own) -> dict[str, Any]:
    """What stands in it, as the template takes it."""
    lang = own.lang
    day = written.day(own.day, lang)
    chapters: list[tuple[str, Sections]] = [
        (word("own_records", lang), [*_records(own)]),
        (word("own_consents", lang), [("", [_consent(each, lang)]) for each in own.consents]),
        (word("own_looks", lang), [("", [_look(each, lang)]) for each in own.notices]),
    ]
    if own.checkpoint:
        lines = own.checkpoint.decode("utf-8", "replace").splitlines()
        said = tuple(_field("own_line", line, lang, number=number) for number, line in enumerate(lines, 1) if line)
        chapters.append((word("own_checkpoint", lang), [("", [Box(label="", fields=said)])]))
    return {
        "large": False,
        "tight": False,
        "size": _STYLE.size,
        "lang": lang,
        "title": word("own_title", lang),
        "description": f"{word('own_title', lang)}, {day}",
        "none": word("none", lang),
        "notes": [word("own_day", lang).format(day=day), word("own_note", lang), word("own_numbers", lang)],
        "chapters": [_chapter(title, sections, lang) for title, sections in chapters],
    }


def _chapter(title: str, sections: Sections, lang: Language) -> dict[str, Any]:
    return {
        "title": title,
        "sections": [
            {"title": head, "parts": [typeset.part(each, _STYLE, lang) for each in parts]} for head, parts in sections
        ],
    }


def _records(own: Own) -> Iterator[tuple[str, list[Section]]]:
    for kind, claims in own.records:
        shown = instance(without_numbers(kind, claims), dict, "a record")
        form = Form.of(kind, shown, lang=own.lang, answers=shown.keys())
        head = Box(label="", fields=tuple(each for each in (form.number, form.issued, form.authority) if each))
        faces = [form.portrait] if form.portrait else []
        yield form.title, [head, *faces, *form.sections]


def _consent(consent: Mapping[str, Json], lang: Language) -> Box:
    record = consent["record"]
    said = {
        "own_recipient": record["recipient"]["name"][lang],
        **_acting(record, lang),
        "own_purpose": record["purpose"][lang],
        "own_law": record["legal_basis"],
        "own_period": f"{_moment(record['since'], lang)} ~ {_moment(record['until'], lang)}",
        "own_state": word(f"own_{consent['state']}", lang),
        "own_id": record["id"],
    }
    return Box(label="", fields=tuple(_field(name, text, lang) for name, text in said.items()))


def _look(notice: Mapping[str, Json], lang: Language) -> Box:
    said = {
        "own_recipient": notice["recipient"][lang],
        **_acting(notice, lang),
        "own_purpose": notice["purpose"][lang],
        "own_information": "; ".join(notice["information"][lang].splitlines()),
        "own_at": _moment(notice["at"], lang),
    }
    return Box(label="", fields=tuple(_field(name, text, lang) for name, text in said.items()))


def _acting(said: Mapping[str, Json], lang: Language) -> dict[str, str]:
    """Both people, where somebody acted for the person."""
    if "acting" not in said:
        return {}
    people = said["acting"]
    role = word(f"own_{people['as']}", lang)
    return {"own_acting": word("own_people", lang).format(**people, role=role)}


def _field(name: str, text: str, lang: Language, *, number: int = 0) -> Field:
    return Field(label=word(name, lang).format(number=number), value=printable(text))


def _moment(text: str, lang: Language) -> str:
    at = datetime.fromisoformat(text).astimezone(KST)
    return f"{written.day(at, lang)} {at:%H:%M}"
