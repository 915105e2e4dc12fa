"""The results of a batch in a file that is there when all of them are; until then it is ``NAME.part``.

JSON Lines, one for each row that got something. A line counts when it is whole: what a killed run left of one is cut
off. Transaction codes go to a file of their own, for whoever hands them over does not hand over the links; each is
written before its offer, so the n-th code belongs to the n-th offer that has one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Self

from ewallet.bulk.rows import Result
from ewallet.errors import Malformed, UsageError
from ewallet.jose import to_json
from ewallet.shape import Json, json_object
from ewallet.terminal import stamp

_LONGEST: Final = 64 << 20  # bytes of one line: ten copies of the largest credential, and room
_CHUNK: Final = 500  # ids at once
_OURS: Final = frozenset({"offer", "certificate", "tx_code"})  # of which each line has one


class Spool:
    """An :class:`ewallet.bulk.Output` in files for their owner alone, which one run at a time may write.

    Raises ``usage.file``, and ``usage.in_progress`` while another run writes it.
    """

    def __init__(self, path: Path | str, *, tx_codes: Path | str | None = None) -> None:
        self._path = Path(path)
        self._part = self._path.with_name(f"{self._path.name}.part")
        for each in (self._path, self._part, tx_codes):
            _check_ours(each)
        self._file = _locked(self._part)
        if self._path.exists():
            self._file = self._reopened(self._file)
        self._codes = None if tx_codes is None else _locked(Path(tx_codes))
        _sync_folder(self._part.parent)

    def written(self) -> Iterator[Sequence[str]]:
        """The ids of the rows whose results are there, in pieces; what is torn is cut off, the rest on disk."""
        end, codes, ids = 0, 0, list[str]()
        self._file.seek(0)
        while (found := _whole(self._file.readline(_LONGEST))) is not None:
            end, codes = self._file.tell(), codes + bool(found.get("tx_code"))
            ids.append(str(found["id"]))
            if len(ids) == _CHUNK:
                os.fsync(self._file.fileno())  # what is said to be there stays
                yield ids
                ids = []
        _cut(self._file, end)
        if self._codes:
            _cut(self._codes, _end_of_line(self._codes, codes))
        yield ids

    def write(self, results: Sequence[Result]) -> None:
        """Add these results, each on a line of its own."""
        coded = [result for result in results if result.tx_code]
        if coded and self._codes is None:
            raise UsageError("usage.argument", "transaction codes, and no file for them")
        if self._codes and coded:
            _append(self._codes, [{"id": each.id, "tx_code": each.tx_code} for each in coded])
        _append(self._file, [_document(each) for each in results])

    def finish(self) -> None:
        """All results are there: give the file its name."""
        self._part.rename(self._path)
        _sync_folder(self._path.parent)

    def _reopened(self, empty: BinaryIO) -> BinaryIO:
        """The file of a run that came to its end, under its other name again."""
        with empty:
            if os.fstat(empty.fileno()).st_size:
                raise UsageError("usage.file", "there are both an output and its .part, expected one of them")
            self._path.replace(self._part)
            return _locked(self._part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._codes:
            self._codes.close()


def _document(result: Result) -> dict[str, Json]:
    about: dict[str, Json] = {"id": result.id, "type": result.type_id, "format": result.format_id}
    about["until"] = stamp(result.until) if result.until else None
    if result.outcome == "offered":
        return about | {"offer": result.offer, "tx_code": bool(result.tx_code)}
    return about | {"certificate": result.certificate_id, "credentials": list(result.credentials)}


def _whole(line: bytes) -> dict[str, Json] | None:
    """The members of a line that is whole; a torn one, or one that a lost page left full of zeros, is none."""
    with suppress(Malformed):
        found = json_object(line, "a line of the output", limit=_LONGEST) if line.endswith(b"\n") else {}
        return found if "id" in found else None
    return None


def _check_ours(path: Path | str | None) -> None:
    """Return unless a file that is there has a first line that no run has written; ``usage.file``, and it stays."""
    if path is None or not Path(path).is_file():
        return
    try:
        with Path(path).open("rb") as file:
            first = file.readline(_LONGEST)
    except OSError:
        raise UsageError("usage.file", "the output cannot be opened for writing") from None
    is_torn = not first.endswith(b"\n") or first.startswith(b"\0")  # as a killed run leaves one
    if not is_torn and not (_whole(first) or {}).keys() & _OURS:
        raise UsageError("usage.file", "the output is a file that no batch has written")


def _append(file: BinaryIO, documents: Sequence[dict[str, Json]]) -> None:
    file.write(b"".join(to_json(each) + b"\n" for each in documents))
    file.flush()
    os.fsync(file.fileno())


def _cut(file: BinaryIO, end: int) -> None:
    """Leave that many bytes, on disk, and stand behind them."""
    file.truncate(end)
    file.seek(end)
    os.fsync(file.fileno())


def _end_of_line(file: BinaryIO, count: int) -> int:
    """Where the line of that number ends; ``usage.file`` where there are fewer."""
    file.seek(0)
    for _ in range(count):
        if not file.readline(_LONGEST).endswith(b"\n"):
            raise UsageError("usage.file", "the file of transaction codes lacks some, expected that of the earlier run")
    return file.tell()


def _locked(path: Path) -> BinaryIO:
    """The file, open for this process alone, made if it is not there."""
    try:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        file = os.fdopen(os.open(path, flags, 0o600), "r+b")
    except (OSError, ValueError):
        raise UsageError("usage.file", "the output cannot be opened for writing") from None
    if not _is_ours(file, path):
        file.close()
        raise UsageError("usage.in_progress", "another run is writing to this output")
    return file


def _is_ours(file: BinaryIO, path: Path) -> bool:
    """Whether nobody else holds the file, and it still has that name."""
    try:
        import fcntl
    except ImportError:  # elsewhere the store alone sees to it that one run goes on
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _sync_folder(folder: Path) -> None:
    """See the name of a file on disk, where folders can be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
