"""A pytest plugin that looks for whole resident numbers in everything that a test run wrote.

At the end it reads every file below the run's temporary folder (databases, logs, wallets, pages, pictures) and what
the tests printed, and fails the run where six digits and a back part that begins with 1 to 8 stand together: as text,
or within base64, hexadecimal, UTF-16, compressed streams and QR codes, and these within each other. It names the place
and the way there, never the number.
"""

from __future__ import annotations

import binascii
import os
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ewallet import qr
from ewallet.errors import EWalletError

DEPTH: Final = 4  # a text in a disclosure in a presentation in an encrypted answer that was printed
MAX_FILE: Final = 64 << 20  # bytes; nothing that a test writes is larger
_MAX_INFLATED: Final = 4 << 20
_MOST_SEEN: Final = 2_000_000  # parts; a set of them takes about 200 MiB

#: With a dash whatever the front is, for ours are days that do not exist; without one only where it could be a day,
#: because thirteen digits may be milliseconds.
_TEXT: Final = re.compile(
    rb"(?<![0-9A-Za-z])(?:[0-9]{6}-|[0-9]{2}(?:0[0-9]|1[0-2])(?:[0-2][0-9]|3[01]|99))[1-8][0-9]{6}(?![0-9A-Za-z])"
)
_UTF16: Final = re.compile(rb"(?:[0-9]\0){6}(?:-\0)?[1-8]\0(?:[0-9]\0){6}(?![0-9]\0)")
_HEX: Final = re.compile(rb"(?i)(?<![0-9a-f])(?:[0-9a-f]{2}){13,}(?![0-9a-f])")
_LEAST: Final = 18  # characters of base64 for 13 digits
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % _LEAST)
_PERCENT: Final = re.compile(rb"%[0-9A-Fa-f]{2}")
_STREAM: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
#: Without these there is nothing within: most of what is decoded is a hash or a signature.
_WORTHWHILE: Final = re.compile(rb"[A-Za-z0-9+/_-]{%d}|%%[0-9A-Fa-f]{2}|\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08" % _LEAST)
_URLSAFE: Final = bytes.maketrans(b"-_", b"+/")
_NOT_OURS: Final = frozenset(
    {
        "node_modules",
        ".git",
        ".venv",
        ".wheel-venv",
        ".sbom-venv",
        "__pycache__",
        ".hypothesis",
        ".mypy_cache",
        ".ruff_cache",
        ".demo",
    }
)


def ways(data: bytes, *, depth: int = DEPTH, seen: set[int] | None = None) -> Iterator[str]:
    """How each number in these bytes is reached: ``text``, ``base64 > text``.

    ``seen`` are the encoded parts that have been looked into, which are not again: many files have the same ones.
    """
    seen = set() if seen is None else seen
    for name, pattern in (("text", _TEXT), ("utf-16", _UTF16)):
        yield from (name for _ in pattern.finditer(data))
    if depth and _WORTHWHILE.search(data):
        for name, part, opened in _layers(data):
            if (mark := hash(part)) not in seen:
                seen.add(mark)
                yield from (f"{name} > {way}" for way in ways(opened(part), depth=depth - 1, seen=seen))


def _layers(data: bytes) -> Iterator[tuple[str, bytes, Callable[[bytes], bytes]]]:
    """What of these bytes is encoded, how, and what opens it."""
    for found in _HEX.finditer(data):
        yield "hex", found[0], binascii.unhexlify
    for found in _BASE64.finditer(data):
        yield "base64", found[0], _decoded
        parts = found[0].split(b"/") if b"/" in found[0] else ()  # a path ends where its last part begins
        yield from (("base64", part, _decoded) for part in parts if len(part) >= _LEAST)
    for found in _STREAM.finditer(data):
        yield "stream", data[found.start() :], _inflated
    if _PERCENT.search(data):
        yield "percent", data, _unescaped


def _unescaped(data: bytes) -> bytes:
    return _PERCENT.sub(lambda sign: bytes.fromhex(sign[0][1:].decode()), data)


def _decoded(run: bytes) -> bytes:
    whole = run.translate(_URLSAFE)[: len(run) - (len(run) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=47)  # zlib or gzip
    try:
        return stream.decompress(data, _MAX_INFLATED)
    except zlib.error:
        return b""


def leaks(folder: Path) -> Iterator[str]:
    """``file: way`` for each number in the files of a folder; folders of other people's things are left out."""
    seen: set[int] = set()
    for path in _files(folder):
        if len(seen) > _MOST_SEEN:  # some are looked into again then
            seen.clear()
        raw = _beginning(path)
        depth = (
            0 if qr.is_picture(raw) else DEPTH
        )  # what a picture holds compressed is pixels, which may look like digits
        for way in dict.fromkeys((*ways(raw, depth=depth, seen=seen), *_pictured(raw))):
            yield f"{path.relative_to(folder)}: {way}"


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_OURS]
        ours = (Path(place, name) for name in files if not name.startswith(".coverage"))
        yield from (path for path in ours if path.is_file() and not path.is_symlink())


def _beginning(path: Path) -> bytes:
    """A file may say that it is far longer than all memory, and have nothing but zeros, which take long to search."""
    with path.open("rb") as file:
        return file.read(MAX_FILE).rstrip(b"\0")


def _pictured(raw: bytes) -> Iterator[str]:
    if qr.is_picture(raw):
        try:
            text = qr.read(raw)
        except EWalletError:
            return
        yield from (f"qr > {way}" for way in ways(text.encode("utf-8", "replace")))


class Lookout:
    """What one run found so far."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What a test printed and logged."""
        for name, text in report.sections:
            self.found += [f"{report.nodeid}: {name}: {way}" for way in ways(text.encode("utf-8", "replace"))]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Everything that was written; a run with a find has failed."""
        factory = getattr(session.config, "_tmp_path_factory", None)
        written = getattr(factory, "_basetemp", None)  # asking by the public method would make a folder
        self.found += leaks(written) if written else ()
        if self.found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where they are."""
        for line in self.found:
            terminalreporter.write_line(f"RESIDENT NUMBER {line}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Look in the run itself, not in each of its workers: their folders are within its own."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Lookout(), "ewallet-leaks")
