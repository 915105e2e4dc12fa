"""A file with a row for each subject: CSV or JSON Lines, read by an index and not whole each time.

CSV (RFC 4180, UTF-8, a byte order mark or not) has a head; its column ``subject`` is the handle, the others are claims
as :mod:`ewallet.catalog.columns` names them. A line of JSON Lines is ``{"subject": ..., "claims": {...}}``.

The index says at which byte the row of a subject begins. It is made when the file is first asked, and again when the
file is another than it was; what is read is checked to be the row that the index meant. Errors say file and line, as
``path: reason (file, line 7)``, and never a value.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final, NoReturn, Protocol

from ewallet.catalog.columns import Columns
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import EWalletError, Malformed, NotFound, UsageError
from ewallet.files import stream
from ewallet.shape import json_object, member

Json = Any
Record = Mapping[str, Json]

SUBJECT: Final = "subject"
_MAX_FILE: Final = 4 << 30  # bytes; what has more is a database
_MAX_ROWS: Final = 2_000_000  # an index of so many takes some 300 MB
_MAX_ROW: Final = 1 << 20  # bytes, twice the largest record that can be issued
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Row:
    """One row as it lies in its file: the line it begins on, the byte, and what is there."""

    line: int
    offset: int
    raw: bytes


class Reader(Protocol):
    """How rows of one format are read; made from the rows before the first subject's."""

    def subject(self, raw: bytes) -> str: ...

    def claims(self, raw: bytes) -> Record: ...


class CsvReader:
    """Rows of CSV below a head."""

    def __init__(self, head: bytes, kind: CredentialType) -> None:
        names = _cells(head)
        if names.count(SUBJECT) == 0:
            raise UsageError("issue.invalid_value", f"{SUBJECT}: no such column")
        self._width = len(names)
        self._subject = names.index(SUBJECT)
        claims = {place: name for place, name in enumerate(names) if place != self._subject}
        self._columns = Columns.parse(claims, kind)

    def subject(self, raw: bytes) -> str:
        return self._row(raw)[self._subject]

    def claims(self, raw: bytes) -> Record:
        return self._columns.claims(self._row(raw))

    def _row(self, raw: bytes) -> list[str]:
        cells = _cells(raw)
        if len(cells) != self._width:
            raise UsageError("issue.invalid_value", f"record: {len(cells)} columns, expected {self._width}")
        return cells


class JsonReader:
    """Lines of JSON."""

    def subject(self, raw: bytes) -> str:
        return member(json_object(raw, "the line"), SUBJECT, str)

    def claims(self, raw: bytes) -> Record:
        found: Record = member(json_object(raw, "the line"), "claims", dict)
        return found


def _cells(raw: bytes) -> list[str]:
    try:
        rows = list(csv.reader([raw.decode("utf-8")], strict=True))
    except UnicodeDecodeError:
        raise Malformed("malformed.encoding", "not utf-8") from None
    except csv.Error:
        raise Malformed("malformed.encoding", "quotes that are not those of csv") from None
    return rows[0] if rows else []


@dataclass
class _Index:
    """Where the rows of one state of a file are; ``unread`` is the first line that is nobody's, for it is broken."""

    state: tuple[int, ...]
    reader: Reader
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    twice: dict[str, int] = field(default_factory=dict)
    unread: tuple[int, EWalletError] | None = None


class Table:
    """The records of one kind in one file."""

    def __init__(self, path: Path, kind: CredentialType) -> None:
        self._path = path
        self._kind = kind
        self._index: _Index | None = None
        self._lock = Lock()

    def claims(self, subject: str) -> Record:
        """The record of a subject, as it can be issued.

        :class:`NotFound` where there is none; ``issue.invalid_value`` with path, file and line where it is no record of
        this kind; ``usage.file`` for the file itself.
        """
        with stream(str(self._path), limit=_MAX_FILE, what=f"the file {self._path.name}") as file:
            index = self._current(file)
            found = index.rows.get(subject)
            if subject in index.twice:
                self._wrong(index.twice[subject], UsageError("issue.invalid_value", "subject: a second row of one"))
            if found is None:
                self._absent(index)
            line, offset = found
            file.seek(offset)
            row = next(_records(file, line, offset, quoted=self._quoted), Row(line, offset, b""))
        return self._read(index.reader, row, subject)

    def may_have(self, subject: str) -> bool:
        """Whether it has a row of that subject; where it cannot be read that is not said to be no."""
        try:
            with stream(str(self._path), limit=_MAX_FILE, what=f"the file {self._path.name}") as file:
                index = self._current(file)
        except UsageError:
            return True
        return subject in index.rows or index.unread is not None

    @property
    def _quoted(self) -> bool:
        return self._path.suffix == ".csv"

    def _absent(self, index: _Index) -> NoReturn:
        """That somebody has no record can be said only where every row says whose it is."""
        if index.unread:
            self._wrong(*index.unread)
        raise NotFound("storage.not_found", "nothing is on record")

    def _read(self, reader: Reader, row: Row, subject: str) -> Record:
        try:
            _check_subject(reader, row, subject)
            claims = reader.claims(row.raw)
            self._kind.check(self._kind.normalised(self._kind.completed(claims)))
        except (Malformed, UsageError) as exc:
            self._wrong(row.line, exc)
        return claims

    def _wrong(self, line: int, exc: EWalletError) -> NoReturn:
        code = exc.code if isinstance(exc, UsageError) else "issue.invalid_value"
        detail = exc.detail if isinstance(exc, UsageError) else f"record: {exc.detail}"
        raise UsageError(code, f"{detail} ({self._path.name}, line {line})") from None

    def _current(self, file: BinaryIO) -> _Index:
        state = _state(file)
        with self._lock:
            if self._index is None or self._index.state != state:
                self._index = self._indexed(file, state)
            return self._index

    def _indexed(self, file: BinaryIO, state: tuple[int, ...]) -> _Index:
        rows = _records(file, 1, _begin(file), quoted=self._quoted)
        index = _Index(state, self._reader(rows))
        for row in rows:
            try:
                subject = index.reader.subject(row.raw)
            except (Malformed, UsageError) as exc:
                index.unread = index.unread or (row.line, exc)
                continue
            if index.rows.setdefault(subject, (row.line, row.offset))[1] != row.offset:
                index.twice.setdefault(subject, row.line)
            if len(index.rows) > _MAX_ROWS:
                raise UsageError("usage.file", f"{self._path.name} has more than {_MAX_ROWS} rows")
        return index

    def _reader(self, rows: Iterator[Row]) -> Reader:
        if not self._quoted:
            return JsonReader()
        head = next(rows, Row(1, 0, b""))
        try:
            return CsvReader(head.raw, self._kind)
        except (Malformed, UsageError) as exc:
            self._wrong(head.line, exc)


def _check_subject(reader: Reader, row: Row, subject: str) -> None:
    if reader.subject(row.raw) != subject:
        raise UsageError("usage.file", "the file was changed while it was read")


def _state(file: BinaryIO) -> tuple[int, ...]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _begin(file: BinaryIO) -> int:
    """The first byte behind a byte order mark."""
    with suppress(OSError):
        file.seek(0)
    offset = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
    file.seek(offset)
    return offset


def _records(file: BinaryIO, line: int, offset: int, *, quoted: bool) -> Iterator[Row]:
    """The rows from a line on, empty lines left out; a row goes on while a quote is open."""
    while True:
        raw, lines = _next(file, quoted=quoted)
        if not raw:
            return
        if len(raw) > _MAX_ROW:
            raise UsageError("usage.file", f"a row with more than {_MAX_ROW} bytes, line {line}")
        if raw.strip():
            yield Row(line, offset, raw.rstrip(b"\r\n"))
        line, offset = line + lines, offset + len(raw)


def _next(file: BinaryIO, *, quoted: bool) -> tuple[bytes, int]:
    """The next row, as far as one may be long, and how many lines it has; each line is looked at once."""
    lines = [file.readline(_MAX_ROW + 1)]
    size, quotes = len(lines[0]), lines[0].count(b'"')
    while quoted and quotes % 2 and size <= _MAX_ROW and (more := file.readline(_MAX_ROW + 1)):
        lines.append(more)
        size, quotes = size + len(more), quotes + more.count(b'"')
    return b"".join(lines), len(lines)
