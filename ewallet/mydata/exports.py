"""Self-download (본인정보 내려받기): a person's own records, and what is kept about their consents, as a file.

The file is theirs to open in whatever they have, so nothing in it does anything: a cell that a spreadsheet would take
for a formula stands behind an apostrophe (OWASP, CSV injection), a text is on one line, and JSON has no sign in it that
a browser could take for a tag. Whole resident numbers are left out; the masked ones are claims of their own.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from typing import Final

from ewallet.catalog import CredentialType
from ewallet.catalog.claims import Pattern
from ewallet.credential import Claims
from ewallet.errors import Language
from ewallet.mydata.consents import Given
from ewallet.mydata.notices import Notice
from ewallet.mydata.taking import Provided
from ewallet.shape import Json

SCHEMA: Final = "ewallet.own-data/1"
_FORMULAS: Final = frozenset("=+-@|%\u2212")
_FILLING: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters that nobody sees
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,10})?", re.ASCII)
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TAGS: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, kw_only=True)
class Own:
    """What a person downloads: records by kind, and what is kept of their consents and of looks at their data.

    ``checkpoint`` is that of the log of use, in which the download itself is already.
    """

    day: date
    records: Sequence[tuple[CredentialType, Claims]] = field(repr=False)
    consents: Sequence[Mapping[str, Json]] = field(repr=False)
    notices: Sequence[Mapping[str, Json]] = field(repr=False)
    lang: Language
    checkpoint: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file: its name, which is made of nothing that came from outside, its media type, and its bytes."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


def _nothing() -> None:
    """What the formats need that need nothing further."""


@dataclass(frozen=True)
class Exporter:
    """One format; ``check`` raises ``usage.missing_extra`` before anything is on record, where it lacks something."""

    suffix: str
    media_type: str
    write: Callable[[Own], bytes]
    check: Callable[[], None] = _nothing

    def export(self, own: Own) -> Exported:
        """The file."""
        return Exported(
            name=f"mydata-{own.day.isoformat()}.{self.suffix}",
            media_type=self.media_type,
            content=self.write(own),
        )


def listed(consents: Iterable[Given], provided: Sequence[Provided]) -> list[dict[str, Json]]:
    """Consents, each with what was provided under it, and with what its recipient signed of that."""
    return [
        {
            "record": given.consent.to_json(),
            "state": given.state.name.lower(),
            "provided": [_provided(each) for each in provided if each.consent_id == given.consent.id],
        }
        for given in consents
    ]


def _provided(provided: Provided) -> dict[str, Json]:
    signed = {"signed": provided.signed.isoformat(), "receipt": provided.half} if provided.signed else {"signed": None}
    return {"seq": provided.seq, "at": provided.at.isoformat(), **signed}


def notices_of(notices: Iterable[Notice]) -> list[dict[str, Json]]:
    """Looks at somebody's data."""
    return [
        {
            "recipient": dict(notice.recipient.names),
            "purpose": dict(notice.purposes),
            "information": dict(notice.information),
            "at": notice.at.isoformat(),
            **({"acting": notice.acting.to_json()} if notice.acting else {}),
        }
        for notice in notices
    ]


def as_json(own: Own) -> bytes:
    """Everything, in one object."""
    found: dict[str, Json] = {
        "schema": SCHEMA,
        "day": own.day.isoformat(),
        "records": [
            {"type": kind.id, "name": kind.label(own.lang), "claims": without_numbers(kind, claims)}
            for kind, claims in own.records
        ],
        "consents": [dict(consent) for consent in own.consents],
        "notices": [dict(notice) for notice in own.notices],
        "checkpoint": own.checkpoint.decode(),
    }
    return json.dumps(found, ensure_ascii=False, indent=2).translate(_TAGS).encode()


def as_csv(own: Own) -> bytes:
    """Everything, a line for each value, the checkpoint in base64; first the mark by which UTF-8 is known.

    A line of a record has its kind as the type, others ``consent``, ``notice`` and ``log``. Consents and notices are
    counted: ``[0].state`` is a claim of the first one.
    """
    file = StringIO()
    lines = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    lines.writerow(("type", "name", "claim", "label", "value"))
    for kind, claims in own.records:
        for path, value in _leaves(without_numbers(kind, claims)):
            cells = (kind.id, kind.label(own.lang), _joined(path), kind.label_of(path, own.lang), _said(value))
            lines.writerow([cell(text) for text in cells])
    for type_, kept in (("consent", own.consents), ("notice", own.notices)):
        for path, value in _leaves([*kept]):
            lines.writerow([cell(text) for text in (type_, "", _joined(path), "", _said(value))])
    lines.writerow(("log", "", "checkpoint", "", b64encode(own.checkpoint).decode("ascii")))
    return b"\xef\xbb\xbf" + file.getvalue().encode()


#: The formats that need nothing further; others are given to :class:`ewallet.MyData`.
EXPORTERS: Final[Mapping[str, Exporter]] = {
    "json": Exporter("json", "application/json", as_json),
    "csv": Exporter("csv", "text/csv; charset=utf-8; header=present", as_csv),
}


def cell(text: str) -> str:
    """A text as a cell that says it and does nothing."""
    line = _UNSEEN.sub(" ", text)
    return f"'{line}" if _first_seen(line) in _FORMULAS and not _NUMBER.fullmatch(text) else line


def _first_seen(line: str) -> str:
    """The first character that is seen, whatever stands before it, and wide ones as the narrow ones they stand for."""
    seen = (sign for sign in line if unicodedata.category(sign)[0] not in "CMZ" and sign not in _FILLING)
    return unicodedata.normalize("NFKC", next(seen, ""))[:1]


def without_numbers(kind: CredentialType, claims: Json, at: Pattern = ()) -> Json:
    """A record without whole resident numbers."""
    if isinstance(claims, Mapping):
        return {
            name: without_numbers(kind, value, (*at, name))
            for name, value in claims.items()
            if (*at, name) not in kind.numbers
        }
    if isinstance(claims, list):
        return [without_numbers(kind, value, (*at, None)) for value in claims]
    return claims


def _leaves(value: Json, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, (*at, step))
    elif value is not None:
        yield at, value


def _said(value: Json) -> str:
    return "true" if value is True else "false" if value is False else str(value)


def _joined(path: tuple[str | int, ...]) -> str:
    """As the columns of a batch are named: ``household_members[0].name``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
