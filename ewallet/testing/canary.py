"""Looks for words in files, in each spelling that a file may have them in: a canary that nobody may have let out.

assert [] == found(folder, "a name that stands on one record")
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_STANDARD = bytes.maketrans(b"-_", b"+/")


def found(folder: Path, *needles: str | bytes) -> list[tuple[str, str | bytes]]:
    """The files below a folder that have one of these, and which; a file that is gone by then has none."""
    spelled = {needle: [*spellings(needle)] for needle in needles}
    hits: list[tuple[str, str | bytes]] = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with suppress(FileNotFoundError):
            content = file.read_bytes()
            name = str(file.relative_to(folder))
            hits += [(name, needle) for needle, ways in spelled.items() if any(way in content for way in ways)]
    return hits


def spellings(text: str | bytes) -> Iterator[bytes]:
    """As it is, in hexadecimal and base64, and a text as UTF-16 and as JSON escapes it."""
    raw = text if isinstance(text, bytes) else text.encode()
    yield from (raw, raw.hex().encode())
    if isinstance(text, str):
        yield from (text.encode("utf-16-le"), text.encode("unicode-escape"))
    for shift in range(3):  # where it lies in groups of three
        run = base64.urlsafe_b64encode(b"\0" * shift + raw)[4:-4]
        yield from (run, run.translate(_STANDARD))
