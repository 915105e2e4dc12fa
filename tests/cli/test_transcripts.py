"""The transcripts of ``transcripts/``: what is typed, and what comes of it on stdout, stderr and as exit code.

``$`` begins a command, with variables before it and ``< file`` after it; ``{name}`` stands for a name of the desk.
Lines of stderr begin with ``2> ``, the exit code with ``exit``; all others are stdout. ``...`` stands for anything.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "transcripts"
STEP = re.compile(r"^\$ (?P<command>.*)\n(?P<shown>(?:(?!\$ ).*\n)*)", re.MULTILINE)
VARIABLE = re.compile(r"([A-Z_]+)=(.*)")


def _steps(path: Path) -> Iterator[tuple[str, str]]:
    for step in STEP.finditer(path.read_text("utf-8")):
        yield step["command"], _lines(step["shown"].splitlines())


def _lines(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _run(desk, command: str):
    words = shlex.split(command.format_map(desk.names))
    env: dict[str, str] = {}
    while match := VARIABLE.fullmatch(words[0]):
        env[match[1]] = match[2]
        del words[0]
    stdin = b""
    if "<" in words:
        stdin = (desk.folder / words.pop()).read_bytes()
        words.remove("<")
    return desk.run(*words, env=env, stdin=stdin)


def _shown(ended) -> str:
    errors = [f"2> {line}" for line in ended.stderr.splitlines()]
    return _lines([*ended.stdout.splitlines(), *errors, f"exit {ended.code}"])


def _agree(expected: str, shown: str) -> bool:
    return bool(re.fullmatch(".*?".join(map(re.escape, expected.split("..."))), shown, re.DOTALL))


def _check(desk, path: Path) -> None:
    steps = list(_steps(path))
    assert steps
    for command, expected in steps:
        shown = _shown(_run(desk, command))
        if not _agree(expected.format_map(desk.names) if "{held}" in expected else expected, shown):
            assert expected == shown, command


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("verify-*.txt")))
def test_the_bank_sees_what_the_transcript_says(desk, name):
    """Each command of a transcript ends as written down."""
    _check(desk, FOLDER / f"{name}.txt")


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("wallet-*.txt")))
def test_the_holder_sees_what_the_transcript_says(wallet, name):
    """Each command of a transcript ends as written down."""
    _check(wallet, FOLDER / f"{name}.txt")
