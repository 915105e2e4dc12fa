"""A form as HTML for the screen: the same words and the same rows as the PDF, from the same layout.

:func:`article` is one element for a page of the service, whose stylesheet has :data:`STYLE`; :func:`document` is a
whole page by itself. Everything from a claim is escaped. There is no script, no ``style`` attribute and nothing to
fetch, so that it stands under ``default-src 'self'``; pictures are ``data:`` addresses unless the caller has better.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from html import escape
from importlib.resources import files
from typing import Final

from ewallet import qr
from ewallet.paper import layout
from ewallet.paper.form import Box, Field, Form, Section, Table
from ewallet.paper.layout import STYLES
from ewallet.paper.picture import Picture
from ewallet.paper.words import word

Address = Callable[[Picture], str]

STYLE: Final = files("ewallet.paper").joinpath("page.css").read_text("utf-8")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_COLUMNS: Final = 4
_SHORT: Final = 14  # letters: 2026년 11월 21일, 990230-1******


def data_address(picture: Picture) -> str:
    """The picture itself as an address."""
    return f"data:{picture.media_type};base64,{b64encode(picture.data).decode()}"


def document(form: Form, *, code: str, style: str = "standard") -> str:
    """A whole page, which fetches nothing and may be saved."""
    return (
        f'<!DOCTYPE html>\n<html lang="{form.lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(form.title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{article(form, code=code, style=style)}</main>\n</body>\n</html>\n"
    )


def article(form: Form, *, code: str, style: str = "standard", address: Address = data_address) -> str:
    """The form as one ``article`` element; ``address`` says where its pictures are."""
    large = style != "standard"
    parts = "".join(_section(section, form, style, address) for section in form.sections)
    return (
        f'<article class="form{" form-large" if large else ""}" lang="{form.lang}">\n'
        f"{_head(form)}{_portrait(form, address)}{parts}{_foot(form, code)}</article>\n"
    )


def _head(form: Form) -> str:
    number = _said(f"{form.number.label}: {form.number.value}", "form-number") if form.number else ""
    fee = _said(form.fee, "form-fee") if form.fee else ""
    below = f'<p class="form-subtitle" lang="ko">{escape(form.subtitle)}</p>\n' if form.subtitle else ""
    return f'<header>\n<div class="form-top">\n{number}{fee}</div>\n<h1>{escape(form.title)}</h1>\n{below}</header>\n'


def _portrait(form: Form, address: Address) -> str:
    return f'<p class="form-portrait">{_image(form.portrait, address)}</p>\n' if form.portrait else ""


def _section(section: Section, form: Form, style: str, address: Address) -> str:
    if isinstance(section, Picture):
        kind = "form-plan" if section.wide else "form-picture"
        caption = f"<figcaption>{escape(section.label)}</figcaption>"
        return f'<figure class="{kind}">{caption}{_image(section, address)}</figure>\n'
    if isinstance(section, Box):
        return _table(section.label, "form-pairs", _pairs(section.fields, style))
    if layout.columns(section, STYLES[style]) or not section.rows:
        return _table(section.label, "form-rows", _rows(section, form))
    return _table(section.label, "form-pairs", _blocks(section, form, style))


def _table(label: str, kind: str, body: str) -> str:
    caption = f"<caption>{escape(label)}</caption>\n" if label else ""
    reach = f' tabindex="0" role="group" aria-label="{escape(label)}"' if kind == "form-rows" else ""
    return f'<div class="form-scroll"{reach}><table class="{kind}">\n{caption}{body}</table></div>\n'


def _pairs(fields: Sequence[Field], style: str) -> str:
    return f"<tbody>\n{''.join(_pair_rows(fields, style))}</tbody>\n"


def _pair_rows(fields: Sequence[Field], style: str) -> Iterator[str]:
    alone = f' colspan="{_COLUMNS - 1}"' if STYLES[style].paired else ""
    for row in layout.rows(fields, STYLES[style]):
        span = alone if len(row) == 1 else ""
        cells = (f'<th scope="row">{escape(f.label)}</th><td{span}>{escape(f.value)}</td>' for f in row)
        yield f"<tr>{''.join(cells)}</tr>\n"


def _rows(table: Table, form: Form) -> str:
    if not table.rows:
        return f"<tbody>\n<tr><td>{escape(word('none', form.lang))}</td></tr>\n</tbody>\n"
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = ("".join(f"<td{_kept(cell.value)}>{escape(cell.value)}</td>" for cell in row) for row in table.rows)
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    return f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}</tbody>\n"


def _kept(text: str) -> str:
    """The class of a cell whose line is not broken: a date, a number with its hyphens."""
    return ' class="form-short"' if len(text) <= _SHORT else ""


def _blocks(table: Table, form: Form, style: str) -> str:
    span = _COLUMNS if STYLES[style].paired else _COLUMNS // 2
    blocks = []
    for number, row in enumerate(table.rows, 1):
        name = word("row", form.lang).format(label=table.label, number=number)
        title = f'<tr><th class="form-block" scope="rowgroup" colspan="{span}">{escape(name)}</th></tr>\n'
        blocks.append(f"<tbody>\n{title}{''.join(_pair_rows([c for c in row if c.value], style))}</tbody>\n")
    return "".join(blocks)


def _foot(form: Form, code: str) -> str:
    issued = _said(form.issued.value, "form-date") if form.issued else ""
    notes = "".join(_said(note) for note in form.notes)
    seal = escape(word("seal", form.lang).format(authority=form.authority.value))
    letters = f'<span class="form-seal" role="img" aria-label="{seal}">{escape(form.seal)}</span>'
    drawn = f'<div class="form-code" role="img" aria-label="{escape(word("code", form.lang))}">{qr.svg(code)}</div>'
    return (
        f"<footer>\n{_said(form.attestation, 'form-attestation')}{issued}"
        f'<p class="form-authority"><strong>{escape(form.authority.value)}</strong> {letters}</p>\n'
        f'<div class="form-notes">\n<div>\n{notes}</div>\n{drawn}\n</div>\n</footer>\n'
    )


def _said(text: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f"<p{name}>{escape(text)}</p>\n"


def _image(picture: Picture, address: Address) -> str:
    width, height = picture.size
    where, label = escape(address(picture)), escape(picture.label)
    return f'<img src="{where}" alt="{label}" width="{width}" height="{height}">'
