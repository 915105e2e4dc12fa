"""Everything that stands on the page of a certificate, in its order, made from the kind and its claims.

A form is words, not drawing: the PDF, the page on screen and the text for reading aloud are made from the same form, so
that they say the same. What is left out of it (:mod:`ewallet.printed`) is on none of them.

Fields keep their claims path, so that whoever reads a page back can say which value differs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Claims, Path
from ewallet.errors import Language
from ewallet.labels import won
from ewallet.paper import picture, written
from ewallet.paper.glyphs import printable
from ewallet.paper.picture import Picture
from ewallet.paper.words import word
from ewallet.printed import MASKED, on_paper
from ewallet.shape import Json

_NUMBER: Final = "document_number"
_ISSUED: Final = "issue_date"
_AUTHORITY: Final = "issuing_authority"
_PLACED: Final = frozenset({_NUMBER, _ISSUED, _AUTHORITY})  # they have places of their own on the page
_PORTRAIT: Final = "portrait"
_GIVEN: Final = {"receiver": "submit_to", "purpose": "purpose"}  # claims of many kinds say the same


@dataclass(frozen=True, kw_only=True)
class Field:
    """A label and what stands beside it; ``path`` is None for what is no claim."""

    label: str
    value: str
    path: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Box:
    """Fields that belong together; those at the top level have no heading."""

    label: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under common headings; a column that is empty in every row is not there. No row at all is said so."""

    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Field, ...], ...]


Section = Box | Table | Picture


@dataclass(frozen=True, kw_only=True)
class Form:
    """One certificate as it is printed."""

    kind: str
    lang: Language
    title: str
    subtitle: str | None
    number: Field | None
    fee: str | None
    portrait: Picture | None
    sections: tuple[Section, ...]
    attestation: str
    issued: Field | None
    authority: Field
    seal: str
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        kind: CredentialType,
        claims: Claims,
        *,
        lang: Language = "ko",
        receiver: str | None = None,
        purpose: str | None = None,
        answers: Collection[str] = (),
        check_page: str | None = None,
    ) -> Form:
        """The form of these claims.

        ``receiver`` and ``purpose`` are what the applicant said this copy is for, ``answers`` names the yes/no
        claims to print, ``check_page`` is the address where the document number can be checked.
        ``issue.invalid_value`` for a picture that is none.
        """
        shown = on_paper(kind, claims, answers=answers)
        fields = {name: _field(kind.signed[name], shown[name], (name,), lang) for name in _PLACED & shown.keys()}
        face = shown.pop(_PORTRAIT, None)
        authority = fields.get(_AUTHORITY) or Field(label=word("authority", lang), value=kind.agency(lang))
        return cls(
            kind=kind.id,
            lang=lang,
            title=title(kind, lang),
            subtitle=kind.label("ko") if lang == "en" else None,
            number=fields.get(_NUMBER),
            fee=_fee(kind, lang),
            portrait=picture.read(face, _PORTRAIT, printable(kind.label_of((_PORTRAIT,), lang))) if face else None,
            sections=(*_sections(kind, shown, lang), *_given(receiver, purpose, shown, lang)),
            attestation=_attestation(kind, lang),
            issued=fields.get(_ISSUED),
            authority=authority,
            seal=_seal(authority.value),
            notes=tuple(_notes(_NUMBER in shown, check_page, lang)),
        )

    @property
    def fields(self) -> Iterator[Field]:
        """Every label and value on the page, in the order in which they are printed."""
        yield from filter(None, (self.number,))
        for section in self.sections:
            if isinstance(section, Box):
                yield from section.fields
            elif isinstance(section, Table):
                yield from (cell for row in section.rows for cell in row)
        yield from filter(None, (self.issued, self.authority))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture on the page."""
        below = (section for section in self.sections if isinstance(section, Picture))
        return (*filter(None, (self.portrait,)), *below)


def title(kind: CredentialType, lang: Language = "ko") -> str:
    """The name of the kind as it heads the page: 주민등록표(등본)."""
    name = kind.label(lang)
    head, _, tail = name.rpartition(" ")
    return f"{head}({tail})" if tail in {"등본", "초본"} and head and not head.endswith(")") else name


def _sections(kind: CredentialType, shown: Claims, lang: Language) -> Iterator[Section]:
    """In the order of the kind; what has neither rows nor members of its own stands together."""
    listed = [kind.signed[name] for name in shown if name not in _PLACED]
    own = {claim.name for claim in kind.claims}
    for how, group in groupby(listed, lambda claim: _how(claim, shown[claim.name], claim.name in own)):
        claims = list(group)
        if how in ("box", "answers"):
            label = word("answers", lang) if how == "answers" else ""
            names = _labels(kind.claims, lang)
            yield Box(label=label, fields=tuple(_field(c, shown[c.name], (c.name,), lang, names) for c in claims))
        else:
            yield from (_section(claim, shown[claim.name], lang) for claim in claims)


def _how(claim: ClaimType, found: Json, own: bool) -> str:  # noqa: FBT001 - a key to group by
    if not own:
        return "answers"
    return "section" if claim.format == "image" or isinstance(found, Mapping | list) else "box"


def _section(claim: ClaimType, found: Json, lang: Language) -> Section:
    if isinstance(found, list) and claim.members:
        return _table(claim, found, lang)
    if isinstance(found, Mapping) and claim.members:
        return _box(claim, found, lang)
    if claim.format == "image":
        return picture.read(found, claim.name, printable(claim.label(lang)))
    return Box(label="", fields=(_field(claim, found, (claim.name,), lang),))


def _box(claim: ClaimType, found: Mapping[str, Json], lang: Language) -> Box:
    names = _labels(claim.members, lang)
    inside = (member for member in claim.members if member.name in found)
    fields = tuple(_field(member, found[member.name], (claim.name, member.name), lang, names) for member in inside)
    return Box(label=printable(claim.label(lang)), fields=fields)


def _table(claim: ClaimType, found: list[Json], lang: Language) -> Table:
    rows = [row if isinstance(row, Mapping) else {claim.members[0].name: row} for row in found]
    columns = [member for member in claim.members if any(member.name in row for row in rows)]
    names = _labels(claim.members, lang)
    return Table(
        label=printable(claim.label(lang)),
        columns=tuple(names[member.name] for member in columns or claim.members),
        rows=tuple(
            tuple(_cell(member, row, (claim.name, index, member.name), lang, names) for member in columns)
            for index, row in enumerate(rows)
        ),
    )


def _cell(member: ClaimType, row: Mapping[str, Json], path: Path, lang: Language, names: Mapping[str, str]) -> Field:
    if member.name in row:
        return _field(member, row[member.name], path, lang, names)
    return Field(label=names[member.name], value="")


def _field(claim: ClaimType, found: Json, path: Path, lang: Language, names: Mapping[str, str] | None = None) -> Field:
    label = names[claim.name] if names and claim.name in names else printable(claim.label(lang))
    return Field(label=label, value=written.value(claim, found, lang), path=path)


def _labels(members: Collection[ClaimType], lang: Language) -> dict[str, str]:
    """The labels by name; a masked number stands under the name of the number, for its stars say that it is masked."""
    labels = {member.name: printable(member.label(lang)) for member in members}
    return {name: labels.get(name.removesuffix(MASKED), label) for name, label in labels.items()}


def _given(receiver: str | None, purpose: str | None, shown: Claims, lang: Language) -> Iterator[Box]:
    """What this copy is for, unless a claim says the same."""
    said = {"receiver": receiver, "purpose": purpose}
    fields = tuple(
        Field(label=word(name, lang), value=printable(text))
        for name, text in said.items()
        if text and shown.get(_GIVEN[name]) != text
    )
    if fields:
        yield Box(label="", fields=fields)


def _fee(kind: CredentialType, lang: Language) -> str | None:
    cost = kind.fee.get("electronic_krw")
    if cost is None:
        return None
    return word("fee", lang).format(amount=won(cost, lang)) if cost else word("free", lang)


def _attestation(kind: CredentialType, lang: Language) -> str:
    own = (kind.attestation or {}).get(lang)
    return printable(own) if own else word("confirmed" if "확인" in kind.label("ko") else "certified", lang)


def _seal(authority: str) -> str:
    """The letters of the seal: the office and 의인 or 인, whichever fills a square better."""
    office = "".join(sign for sign in authority.partition("(")[0] if sign.isalnum())[-14:]
    side = next(side for side in range(2, 5) if side * side > len(office))
    return office + ("의인" if len(office) + 2 <= side * side else "인")


def _notes(numbered: bool, check_page: str | None, lang: Language) -> Iterator[str]:  # noqa: FBT001
    yield word("online", lang)
    yield word("check" if numbered else "scan", lang)
    if numbered and check_page:
        yield word("page", lang).format(address=printable(check_page))
