"""What is judged, wherever it comes from: a file, standard input, or pictures of its QR codes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final

from ewallet import qr
from ewallet.errors import Malformed, UsageError
from ewallet.files import read
from ewallet.shape import MAX_DOCUMENT

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
LONGEST_LINE: Final = 2 * MAX_DOCUMENT  # bytes of one line of a batch: an answer and its request


def presented(names: Sequence[str], limit: int | None = None) -> str | bytes:
    """The presentation in a file of text, or in one or more PNG or JPEG pictures.

    Raises ``usage.file`` where there is nothing to read, :class:`Malformed` where it is nothing we know.
    """
    raws = [read(name, limit=qr.MAX_PICTURE if limit is None else limit, what="the presentation") for name in names]
    if qr.is_picture(raws[0]):
        return qr.read_all(raws)
    if len(raws) > 1:
        raise UsageError("usage.argument", "several files, of which the first is no picture; one presentation a time")
    return raws[0]


def moment(text: str) -> datetime:
    """The time of an RFC 3339 text; ``usage.argument``."""
    try:
        if _TIME.fullmatch(text) and "1970" < text[:4] < "9999":  # a day more or less is then a time too
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError:
        pass
    raise UsageError("usage.argument", "a time that is not RFC 3339, such as 2026-11-21T09:00:00+09:00")


def lines(file: BinaryIO) -> Iterator[bytes | Malformed]:
    """The lines of a batch, empty ones left out; in place of one that is too long, what is wrong with it."""
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE)
            yield Malformed("limit.size", f"a line has more than {LONGEST_LINE} bytes")
        elif line.strip():
            yield line
