"""Guides as they are followed: their files are written, their commands typed into terminals, what is said compared.

The first line of a block says what it is::

    ```python bank.py            a file of that name (sh, json, toml and csv likewise)
    ```console                   commands after "$ ", and what they say
    ```console issuer running    in another terminal, where the last command goes on when the block is over
    ```console issuer            without a command first: what the one that goes on has still to say

``…`` stands for what is different each time: within a line for any text, on a line of its own for any lines. What
follows ``[y/N]`` is typed. A command ends with 0, unless ``echo $?`` comes next. Ports are mapped to free ones.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

import pytest

from ewallet.testing.nursery import free_port

GUIDES: Final = Path(__file__).parents[2] / "docs" / "guides"
FIRST: Final = "issue-your-first-certificate"
_BLOCK: Final = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", flags=re.DOTALL | re.MULTILINE)
_FILES: Final = frozenset({"python", "sh", "json", "toml", "csv"})
_PORT: Final = re.compile(r"(?<![0-9])80[0-9]0(?![0-9])")
_PROGRAMS: Final = {
    "python": "",
    "ewallet": "-m ewallet.cli",
    "ewallet-issuer": "-m issuer_service.commands",
    "ewallet-verify": "-m verifier_cli",
}
_PATIENCE: Final = 60.0  # seconds for one command, on a machine that has other things to do
_END: Final = re.compile("\x1e([0-9]+)\x1e")
_COLOUR: Final = re.compile("\x1b\\[[0-9;]*m")
_PROMPT: Final = "[y/N] "


# -- what a guide says ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A command and what it says; without a command, what the one before goes on to say."""

    command: str
    expected: str


@dataclass(frozen=True)
class Block:
    """One block of a guide; ``line`` is where it begins."""

    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def steps(self) -> tuple[Step, ...]:
        """The commands of a console, in order."""
        found: list[Step] = []
        lines = iter(self.text.splitlines())
        for line in lines:
            if line.startswith("$ "):
                found.append(Step(_joined(line[2:], lines), ""))
            else:
                last = found.pop() if found else Step("", "")
                found.append(Step(last.command, f"{last.expected}{line.rstrip()}\n"))
        return tuple(found)


def _joined(line: str, lines: Iterator[str]) -> str:
    while line.endswith("\\"):
        line = f"{line}\n{next(lines)}"
    return line


def blocks_of(path: Path) -> tuple[Block, ...]:
    """The blocks of a guide, in order."""
    text = path.read_text("utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        language, *words = match["info"].split() or [""]
        found.append(Block(text.count("\n", 0, match.start()) + 1, language, tuple(words), match["text"]))
    return tuple(found)


# -- a terminal ----------------------------------------------------------------------------------------------------

# Commands come on a pipe, so that what a program reads is what is typed; the status of each follows what it said.
_LOOP: Final = r"""
while IFS= read -r -d '' -u {fd} line; do
    eval "(exit ${{status:-0}})
$line" {fd}<&-
    status=$?
    printf '\036%d\036' "$status"
done
"""


class Terminal:
    """A shell on a pseudo-terminal, in a folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 2000, 0, 0))  # pages show lines whole
        commands, self._commands = os.pipe()
        self._process = subprocess.Popen(
            [str(shutil.which("bash")), "--norc", "--noprofile", "-c", _LOOP.format(fd=commands)],
            cwd=folder,
            env=dict(environment),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=[commands],
            start_new_session=True,
        )
        os.close(slave)
        os.close(commands)
        self._said = b""
        self._heard = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def type(self, command: str) -> None:
        """Give the shell a command."""
        os.write(self._commands, command.encode() + b"\0")

    def answer(self, text: str) -> None:
        """Type what a program asks for."""
        os.write(self._master, f"{text}\n".encode())

    def said(self) -> str:
        """What was said and not yet taken, without colours."""
        return _COLOUR.sub("", self._said.decode("utf-8", "replace").replace("\r\n", "\n"))

    def take(self, length: int) -> None:
        """Have read so many characters."""
        with self._heard:
            self._said = self.said()[length:].encode()

    def until(self, held: Callable[[str], bool]) -> bool:
        """Wait until that holds of what was said; whether it does."""
        end = monotonic() + _PATIENCE
        with self._heard:
            while not held(self.said()):
                if not self._heard.wait(max(0.0, end - monotonic())):
                    return held(self.said())
        return True

    def close(self) -> None:
        """End the shell and whatever runs in it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            self._reader.join(10)
        self._process.wait()
        os.close(self._commands)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._master, 1 << 16)
            except OSError:  # nobody is left to write
                return
            with self._heard:
                self._said += piece
                self._heard.notify_all()


# -- following a guide ---------------------------------------------------------------------------------------------


def _pattern(expected: str) -> re.Pattern[str]:
    lines = []
    for line in expected.splitlines():
        if line.strip() == "…":
            lines.append(r"(?:[^\n]*\n)*?")
        else:
            lines.append(r"[^\n]*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t]*\n")
    return re.compile("".join(lines))


@dataclass
class Desk:
    """A folder with the files of a guide, and its terminals; one guide after another is followed there."""

    folder: Path
    programs: Path
    terminals: dict[tuple[str, ...], Terminal] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    followed: dict[str, int] = field(default_factory=dict)

    def follow(self, path: Path) -> None:
        """From its first block to its last, in terminals of its own; ``followed`` counts its blocks."""
        for block in blocks_of(path):
            where = f"{path.parent.name}/{path.name}:{block.line}"
            if block.language == "console":
                self._work(block, path.stem, where)
            elif block.language in _FILES and len(block.words) == 1:
                (self.folder / block.words[0]).write_text(self._mapped(block.text), "utf-8")
            else:
                pytest.fail(f"{where}: a block that nothing runs")
            self.followed[path.stem] = self.followed.get(path.stem, 0) + 1

    def close(self) -> None:
        """End what is still running."""
        for terminal in self.terminals.values():
            terminal.close()

    def _work(self, block: Block, guide: str, where: str) -> None:
        running = "running" in block.words
        name = (guide, *(word for word in block.words if word != "running"))
        if name not in self.terminals:
            self.terminals[name] = Terminal(self.folder, self._environment)
        terminal, steps = self.terminals[name], block.steps
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            if step.command:
                terminal.type(self._mapped(step.command))
            if running and following is None:
                self._begun(terminal, _pattern(self._mapped(step.expected)), where)
            else:
                status = self._ended(terminal, self._mapped(step.expected), where)
                told = following is not None and "$?" in following.command
                assert told or not status, f"{where}: {step.command} ended with {status}"

    def _begun(self, terminal: Terminal, expected: re.Pattern[str], where: str) -> None:
        assert terminal.until(lambda said: bool(expected.match(said))), f"{where}: said {terminal.said()}"
        found = expected.match(terminal.said())
        assert found
        terminal.take(found.end())

    def _ended(self, terminal: Terminal, expected: str, where: str) -> int:
        for answer in re.findall(r"\[y/N\] (\S+)$", expected, flags=re.MULTILINE):
            assert terminal.until(lambda said: said.endswith(_PROMPT)), f"{where}: said {terminal.said()}"
            terminal.answer(answer)
        assert terminal.until(lambda said: bool(_END.search(said))), f"{where}: said {terminal.said()}"
        end = _END.search(terminal.said())
        assert end
        said = terminal.said()[: end.start()]
        terminal.take(end.end())
        whole = said if not said or said.endswith("\n") else f"{said}\n"
        if not _pattern(expected).fullmatch(whole):
            pytest.fail(f"{where}: the page shows\n{expected}\nand the terminal\n{whole}", pytrace=False)
        return int(end[1])

    @property
    def _environment(self) -> dict[str, str]:
        """That of whoever runs the tests, without settings and language, and with the programs in front."""
        ours = ("EWALLET_", "LANG", "LC_", "XDG_", "VIRTUAL_ENV", "COLUMNS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        return kept | {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(paths),
            "TERM": "dumb",
        }

    def _mapped(self, text: str) -> str:
        return _PORT.sub(lambda match: self.ports.setdefault(match[0], str(free_port())), text)


def _write_programs(folder: Path) -> Path:
    """The commands, whether the package is installed or not."""
    folder.mkdir()
    for name, arguments in _PROGRAMS.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', "utf-8")
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def blocks() -> Callable[[str, str], tuple[Block, ...]]:
    """The blocks of a guide, by language and name."""
    return lambda language, name: blocks_of(GUIDES / language / f"{name}.md")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Desk]]:
    """For each language the folder of whoever has followed the first guide, its issuer still running."""
    desks: dict[str, Desk] = {}

    def of(language: str) -> Desk:
        if language not in desks:
            programs = _write_programs(tmp_path_factory.mktemp("programs") / "bin")
            desks[language] = Desk(tmp_path_factory.mktemp(language), programs)
            desks[language].follow(GUIDES / language / f"{FIRST}.md")
        return desks[language]

    yield of
    for each in desks.values():
        each.close()
