"""Records in files of a folder, of whichever form the agency has them in.

``folder/subject/kind.json``   one record
``folder/kind.csv``            the records of one kind, a row for each subject: see :mod:`.table`
``folder/kind.jsonl``          the same as JSON Lines
``folder/subject/ci.json``     ``{"ci": "..."}``, the connecting information (CI) of a person, 88 characters of base64

A file of its own goes before a row. Nothing outside the folder is read, whatever a handle or a link says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

from ewallet.catalog import Catalog
from ewallet.errors import Malformed, NotFound, UsageError
from ewallet.files import read_own
from ewallet.shape import base64, json_object, member
from issuer_service.records.table import Table

Record = Mapping[str, Any]

#: What may be a handle in a path or an address: nothing that leads elsewhere, and nothing to be escaped.
HANDLE: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,128}\Z")
_TABLES: Final = (".csv", ".jsonl")


class FolderRecords:
    """The records of one folder."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        if not folder.is_dir():
            raise UsageError("usage.configuration", "the folder of records does not exist")
        self._folder = folder.resolve()
        self._catalog = catalog
        self._tables: dict[Path, Table] = {}
        self._lock = Lock()

    def claims(self, subject: str, type_id: str) -> Record:
        if not HANDLE.match(subject) or type_id not in self._catalog:
            raise NotFound("storage.not_found", "nothing is on record")
        path = self._folder / subject / f"{type_id}.json"
        if path.is_file():
            return _single(self._inside(path))
        return self._table(type_id).claims(subject)

    def kinds(self, subject: str) -> frozenset[str]:
        """The kinds that are on record of somebody, and those of which the files are too broken to say that not."""
        if not HANDLE.match(subject):
            return frozenset()
        single = {path.stem for path in (self._folder / subject).glob("*.json") if self._is_ours(path)}
        tables = {path.stem for end in _TABLES for path in self._folder.glob(f"*{end}") if self._is_ours(path)}
        return frozenset(single | {type_id for type_id in tables - single if self._may_have(type_id, subject)})

    def ci(self, subject: str) -> bytes | None:
        """The connecting information of a subject, if it is in a file; ``issue.invalid_value`` where it is none."""
        path = self._folder / subject / "ci.json"
        return read_ci(_single(self._inside(path))) if HANDLE.match(subject) and path.is_file() else None

    def _is_ours(self, path: Path) -> bool:
        return path.stem in self._catalog and path.is_file() and path.resolve() == path

    def _may_have(self, type_id: str, subject: str) -> bool:
        try:
            return self._table(type_id).may_have(subject)
        except UsageError:
            return True

    def _table(self, type_id: str) -> Table:
        found = [path for end in _TABLES if (path := self._folder / f"{type_id}{end}").is_file()]
        if not found:
            raise NotFound("storage.not_found", "nothing is on record")
        if len(found) > 1:
            raise UsageError("usage.configuration", f"{type_id} is in two files: {', '.join(p.name for p in found)}")
        path = self._inside(found[0])
        with self._lock:
            return self._tables.setdefault(path, Table(path, self._catalog.type(type_id)))

    def _inside(self, path: Path) -> Path:
        """The path, if no link leads out of its place."""
        if path.resolve() != path:
            raise NotFound("storage.not_found", "nothing is on record")
        return path


def read_ci(members: Record) -> bytes:
    """The bytes of ``{"ci": "..."}``; ``issue.invalid_value``."""
    try:
        return base64(member(members, "ci", str), "ci")
    except Malformed as exc:
        raise UsageError("issue.invalid_value", f"connecting information: {exc.code}") from None


def _single(path: Path) -> Record:
    try:
        return json_object(read_own(str(path), what="a record"), "a record")
    except Malformed as exc:
        raise UsageError("issue.invalid_value", f"the record is not json: {exc.code}") from None
