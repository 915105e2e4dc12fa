"""A form as plain text, in the order in which it is read aloud: one fact on each line, nothing drawn with characters.

Screen readers and speech machines read it line by line, braille displays show it; letters are not spaced, tables become
sentences of their own, and what only the eye has (seal, code, lines) is named or left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from ewallet.paper.form import Box, Field, Form, Section, Table
from ewallet.paper.words import word


def text(form: Form) -> str:
    """The whole form, a line for each fact and an empty line between its parts."""
    parts = (_head(form), *(_section(section, form) for section in form.sections), _foot(form))
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _head(form: Form) -> list[str]:
    lines = [form.title, *filter(None, (form.subtitle,))]
    lines += [_line(form.number)] if form.number else []
    lines += [form.fee] if form.fee else []
    return lines + ([_picture(form.portrait.label, form)] if form.portrait else [])


def _section(section: Section, form: Form) -> list[str]:
    if isinstance(section, Box):
        return [*([section.label] if section.label else []), *map(_line, section.fields)]
    if isinstance(section, Table):
        return list(_table(section, form))
    return [_picture(section.label, form)]


def _table(table: Table, form: Form) -> Iterator[str]:
    if not table.rows:
        yield f"{table.label}: {word('none', form.lang)}"
    for number, row in enumerate(table.rows, 1):
        yield word("row", form.lang).format(label=table.label, number=f"{number}/{len(table.rows)}")
        yield from (_line(cell) for cell in row if cell.value)


def _foot(form: Form) -> list[str]:
    issued = [_line(form.issued)] if form.issued else []
    return [form.attestation, *issued, _line(form.authority), *form.notes, word("end", form.lang)]


def _line(field: Field) -> str:
    return f"{field.label}: {field.value}"


def _picture(label: str, form: Form) -> str:
    return word("picture", form.lang).format(label=label)
