"""The rows of a batch from a file: CSV with a head line, or JSON Lines. A line that is none is refused and named.

``id``, ``subject``, ``kind``, ``format`` and ``keys`` say what is wanted, and every other column of a CSV file is a
claim of the record, named as in :mod:`ewallet.catalog.columns`; in JSON Lines the record is the member ``claims``.
Where a row has none, the records are asked.

Rules of this file: one row is one line, in UTF-8, also where a cell is in quotation marks (a text with line breaks goes
into JSON Lines), so that one bad mark does not swallow the rows behind it. A cell is a value and nothing else: what
looks like a formula stays what it says. Memory does not grow with the file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from ewallet.bulk.rows import Result, Row, content_id
from ewallet.catalog import Catalog
from ewallet.catalog.columns import Columns
from ewallet.errors import EWalletError, Malformed, UsageError
from ewallet.shape import Json, instance, json_object, json_value, member, optional, refuse

MAX_LINE: Final = 1 << 20  # bytes: ten keys and the longest record
MAX_ID: Final = 200  # characters
_OWN: Final = ("id", "subject", "kind", "format", "keys")
_NEEDED: Final = ("subject", "kind")
_BOM: Final = b"\xef\xbb\xbf"  # spreadsheets write it

Numbered = tuple[int, bytes | Malformed]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads the rows of a file; ``kind`` and ``format_id`` are those of rows that name none."""

    catalog: Catalog
    kind: str = ""
    format_id: str = "dc+sd-jwt"

    def csv(self, file: BinaryIO) -> Iterator[Row | Result]:
        """The rows of a CSV file; ``usage.file`` where its head line makes no sense."""
        lines = _lines(file)
        table = _Table(self._head(next(lines, None)), self)
        return self._each(lines, table.members)

    def jsonl(self, file: BinaryIO) -> Iterator[Row | Result]:
        """The rows of a JSON Lines file."""
        return self._each(_lines(file), lambda line: json_object(line, "the line", limit=MAX_LINE))

    def _each(self, lines: Iterable[Numbered], parse: Callable[[bytes], Mapping[str, Json]]) -> Iterator[Row | Result]:
        for number, line in lines:
            try:
                if isinstance(line, Malformed):
                    raise line
                yield self._row(number, parse(line))
            except EWalletError as exc:
                yield Result.refused(number, "", exc)

    def _head(self, first: Numbered | None) -> Sequence[str]:
        """The names of the columns."""
        if first is None or isinstance(first[1], Malformed):
            raise UsageError("usage.file", "line 1: no head line, or one that is too long")
        try:
            names = [name.strip() for name in _cells(first[1].removeprefix(_BOM))]
        except Malformed as exc:
            raise UsageError("usage.file", f"line 1: {exc.detail}") from None
        needed = [name for name in _NEEDED if not (name == "kind" and self.kind)]
        missing = [name for name in needed if name not in names]
        if len(set(names)) < len(names) or "" in names or missing:
            told = f"lacks {', '.join(missing)}" if missing else "has a column twice, or one without a name"
            raise UsageError("usage.file", f"line 1: the head line {told}")
        return names

    def _row(self, number: int, members: Mapping[str, Json]) -> Row:
        if members.keys() - {*_OWN, "claims"}:
            raise UsageError("usage.argument", f"a member that is none of {', '.join(_OWN)} and claims")
        id_ = optional(members, "id", str)
        subject, kind = member(members, "subject", str), optional(members, "kind", str) or self.kind
        if not (subject and kind) or id_ == "" or len(id_ or "") > MAX_ID:
            raise UsageError("usage.argument", f"no subject, no kind, or an id not of 1 to {MAX_ID} characters")
        return Row(
            number=number,
            id=content_id(members) if id_ is None else id_,
            subject=subject,
            type_id=kind,
            format_id=optional(members, "format", str) or self.format_id,
            keys=_keys(members.get("keys")),
            claims=optional(members, "claims", dict),
        )


@dataclass(frozen=True)
class _Table:
    """The columns of a CSV file; which of them are claims is a question of each row's kind."""

    names: Sequence[str]
    reader: Reader
    known: dict[str, tuple[Columns, frozenset[int]]] = field(default_factory=dict)

    def members(self, line: bytes) -> Mapping[str, Json]:
        """The members that the same row has in JSON Lines."""
        cells = _cells(line)
        if len(cells) != len(self.names):
            refuse("malformed.encoding", f"{len(cells)} cells, expected {len(self.names)}")
        filled = {name: cell for name, cell in zip(self.names, cells, strict=True) if cell}
        members: dict[str, Json] = {name: cell for name, cell in filled.items() if name in _OWN}
        if "keys" in members:
            members["keys"] = json_value(filled["keys"], "the keys", limit=MAX_LINE)
        if len(members) == len(filled):
            return members
        return members | {"claims": self._claims(filled.get("kind", self.reader.kind), cells)}

    def _claims(self, kind: str, cells: Sequence[str]) -> Mapping[str, Json]:
        if kind not in self.known:
            self.known[kind] = self._columns(kind)
        columns, own = self.known[kind]
        foreign = {place: name for place, name in self._places() if cells[place] and place not in own}
        if foreign:
            Columns.parse(foreign, self.reader.catalog.type(kind))
        return columns.claims(cells)

    def _columns(self, kind: str) -> tuple[Columns, frozenset[int]]:
        """The columns that are claims of that kind; others may be those of the other kinds in the file."""
        type_ = self.reader.catalog.type(kind)
        own = {}
        for place, name in self._places():
            with suppress(UsageError):
                Columns.parse({place: name}, type_)
                own[place] = name
        return Columns.parse(own, type_), frozenset(own)

    def _places(self) -> Iterator[tuple[int, str]]:
        return ((place, name) for place, name in enumerate(self.names) if name not in _OWN)


def _keys(value: Json) -> tuple[Mapping[str, Json], ...]:
    """The public keys of the holder: a JWK, several, or a JWK Set as ``ewallet keys`` prints it."""
    if isinstance(value, dict) and "keys" in value:
        value = value["keys"]
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(instance(jwk, dict, "a key of the holder") for jwk in listed)


def _cells(line: bytes) -> list[str]:
    """The cells of one line; ``malformed.encoding`` where it is no CSV."""
    try:
        text = line.decode("utf-8").rstrip("\r\n")
        (cells,) = list(csv.reader([text], strict=True)) or [[]]
    except UnicodeDecodeError:
        refuse("malformed.encoding", "not utf-8")
    except (csv.Error, ValueError):
        refuse("malformed.encoding", "quotation marks that do not close on their line, or a cell that is too long")
    if "\0" in text:
        refuse("malformed.encoding", "a nul character")
    return cells


def _lines(file: BinaryIO) -> Iterator[Numbered]:
    """The lines and their numbers, empty ones left out; in place of one that is too long, what is wrong with it."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
            yield number, Malformed("limit.size", f"a line has more than {MAX_LINE} bytes")
        elif line.strip():
            yield number, line
