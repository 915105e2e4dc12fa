"""A form as an A4 PDF: PDF/A-3a and PDF/UA-1 in one, tagged, the credential attached, the same bytes each time.

The page is drawn by typst from ``form.typ``, own data from ``own.typ``. What stands on it goes there as one JSON text,
never as markup. typst refuses to write what breaks either standard, a letter without a glyph among it, so that what
comes out keeps to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

from ewallet import qr
from ewallet.errors import Language, UsageError
from ewallet.paper import layout
from ewallet.paper.form import Box, Field, Form, Section, Table
from ewallet.paper.glyphs import FONTS
from ewallet.paper.layout import STYLES, Style, width
from ewallet.paper.picture import Picture
from ewallet.paper.words import word

StyleName = Literal["standard", "large_print"]

_FOLDER: Final = Path(__file__).parent
_STANDARDS: Final = ["a-3a", "ua-1"]
_MODULE: Final = 0.34  # mm of one module of the code: 300 dpi draw it with four dots, and a phone reads it at 15 cm
_VIEW_BOX: Final = re.compile(r'viewBox="0 0 ([0-9]+) ')
_TITLE_ROOM: Final = {"standard": 490.0, "large_print": 480.0}  # points between the margins
_TIGHT: Final = range(28, 46)  # lines that fill a page together with the seal, if they stand closer
_PORTRAIT: Final = 6  # lines, as high as a portrait
_SENTENCE: Final = 18  # letters; a column with more in a cell is set from the left
_drawing: Final = Lock()  # one compiler serves all threads of a process, one after the other


def pdf(form: Form, *, credential: str, code: str, at: datetime, style: StyleName = "standard") -> bytes:
    """The form as a PDF; ``credential`` is attached, ``code`` is what the QR code says, ``at`` the time in the file.

    ``usage.argument`` for a style there is not, ``limit.size`` for more than one code holds.
    """
    if style not in STYLES:
        raise UsageError("usage.argument", f"no such style, expected one of {', '.join(STYLES)}")
    return compiled("form", _page(form, credential, code, style), at=at)


def compiled(template: str, page: Mapping[str, Any], *, at: datetime) -> bytes:
    """A page of one of the templates as a PDF; ``at`` is the time in the file."""
    said = json.dumps(page, ensure_ascii=False)
    with _drawing:
        made = _compiler(template).compile(
            format="pdf", sys_inputs={"form": said}, pdf_standards=_STANDARDS, timestamp=int(at.timestamp())
        )
    return bytes(made)


def png(form: Form, *, code: str, style: StyleName = "standard", ppi: float = 96) -> list[bytes]:
    """The same pages as pictures, as they are looked at in documentation."""
    return pictures("form", _page(form, None, code, style), ppi=ppi)


def pictures(template: str, page: Mapping[str, Any], *, ppi: float = 96) -> list[bytes]:
    """The pages of one of the templates as PNG."""
    said = json.dumps(page, ensure_ascii=False)
    with _drawing:
        made = _compiler(template).compile(format="png", sys_inputs={"form": said}, ppi=ppi)
    return [bytes(page) for page in made] if isinstance(made, list) else [bytes(made)]


@cache
def _compiler(template: str) -> Any:
    import typst  # the extra ``paper``

    file = str(_FOLDER / f"{template}.typ")
    return typst.Compiler(file, root=str(_FOLDER), font_paths=[str(FONTS)], ignore_system_fonts=True)


def _page(form: Form, credential: str | None, code: str, style: str) -> dict[str, Any]:
    sizes = STYLES[style]
    large = style == "large_print"
    size, tracking = _title(form, style)
    parts = [part(section, sizes, form.lang) for section in form.sections]
    return {
        "large": large,
        "tight": not large and sum(map(_lines, parts)) in _TIGHT,
        "size": sizes.size,
        "lang": form.lang,
        "title": form.title,
        "title-size": size,
        "tracking": tracking,
        "subtitle": form.subtitle,
        "description": f"{form.title}, {form.number.value}" if form.number else form.title,
        "number": _line(form.number) if form.number else None,
        "fee": form.fee,
        "portrait": _picture(form.portrait) if form.portrait else None,
        "parts": parts,
        "beside": _beside(parts),
        "attestation": form.attestation,
        "issued": _line(form.issued) if form.issued else None,
        "authority": _line(form.authority),
        "authority-size": 20 if large else 17,
        "seal": _seal(form),
        "notes": form.notes,
        "code": _code(code, form),
        "credential": credential,
    }


def _title(form: Form, style: str) -> tuple[float, float]:
    """The size in points and the space between letters in em with which the title fills one line at most."""
    em = width(form.title)
    largest, spaced = (26.0, 0.08) if style == "large_print" else (23.0, 0.42)
    room = _TITLE_ROOM[style]
    tracking = spaced if form.lang == "ko" else 0.0
    for space in (tracking, tracking / 2, 0.0):
        if (em + len(form.title) * space) * largest <= room:
            return largest, round(space, 3)
    return max(round(room / em, 1), 15.0 if style == "standard" else 20.0), 0.0


def part(section: Section, style: Style, lang: Language) -> dict[str, Any]:
    """A section as the templates take it."""
    if isinstance(section, Picture):
        return {"is": "picture", **_picture(section)}
    if isinstance(section, Box):
        return {"is": "pairs", "label": section.label, "rows": _rows(section.fields, style)}
    widths = layout.columns(section, style)
    if widths is None and section.rows:
        return {"is": "blocks", "label": section.label, "blocks": _blocks(section, style, lang)}
    return {"is": "table", "label": section.label, "none": word("none", lang), **_cells(section, widths)}


def _lines(part: Mapping[str, Any]) -> int:
    """About how many lines of the page a part takes, with its heading and what is between it and the next."""
    if part["is"] == "picture":
        return 12 if part["wide"] else 7
    if part["is"] == "blocks":
        return 2 + sum(1 + len(block["rows"]) for block in part["blocks"])
    return len(part["rows"]) + (3 if part["is"] == "table" else 1 + bool(part["label"]))


def _beside(parts: Sequence[Mapping[str, Any]]) -> int:
    """How many parts stand beside the portrait, until they are as high as it is."""
    heights = accumulate(map(_lines, parts))
    return next((number for number, height in enumerate(heights, 1) if height >= _PORTRAIT), len(parts))


def _cells(table: Table, widths: Sequence[float] | None) -> dict[str, Any]:
    """The columns and cells; those of a table without rows are left out where they would not stand side by side."""
    columns = table.columns if widths else ()
    return {
        "columns": columns,
        "widths": widths or (1,),
        "left": [any(len(row[index].value) > _SENTENCE for row in table.rows) for index in range(len(columns))],
        "rows": [[cell.value for cell in row] for row in table.rows],
    }


def _blocks(table: Table, style: Style, lang: Language) -> list[dict[str, Any]]:
    title = word("row", lang)
    return [
        {
            "title": title.format(label=table.label, number=number),
            "rows": _rows([cell for cell in row if cell.value], style),
        }
        for number, row in enumerate(table.rows, 1)
    ]


def _rows(fields: Sequence[Field], style: Style) -> list[list[dict[str, str]]]:
    return [[_line(field) for field in row] for row in layout.rows(fields, style)]


def _line(field: Field) -> dict[str, str]:
    return {"label": field.label, "value": field.value}


def _picture(picture: Picture) -> dict[str, Any]:
    return {
        "label": picture.label,
        "format": picture.media_type.removeprefix("image/").replace("jpeg", "jpg"),
        "data": list(picture.data),  # typst makes bytes of a list of integers; JSON has nothing closer
        "wide": picture.wide,
    }


def _seal(form: Form) -> Mapping[str, Any]:
    letters = form.seal
    columns = next(side for side in range(2, 9) if side * side >= len(letters))
    rows = [list(letters[start : start + columns]) for start in range(0, len(letters), columns)]
    rows[-1] += [""] * (columns - len(rows[-1]))
    return {
        "alt": word("seal", form.lang).format(authority=form.authority.value),
        "columns": columns,
        "rows": rows,
        "side": 17,
        "letter": {2: 16, 3: 11.5, 4: 8.8}.get(columns, 7),
    }


def _code(text: str, form: Form) -> Mapping[str, Any]:
    svg = qr.svg(text)
    found = _VIEW_BOX.search(svg)
    side = int(found[1]) if found else 0
    return {"svg": svg, "side": round(side * _MODULE, 2), "alt": word("code", form.lang)}
