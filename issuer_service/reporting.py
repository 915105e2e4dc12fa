"""What becomes of each row of a batch, for programs and for people: never a value, only where it stands."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from ewallet import terminal
from ewallet.bulk import Result
from ewallet.errors import Language, words

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SCHEMA: Final = "ewallet.bulk/1"
OUTCOMES: Final = ("issued", "offered", "already", "ready", "refused")
_WORDS: Final[Mapping[str, Mapping[Language, str]]] = {
    "issued": {"ko": "발급", "en": "issued"},
    "offered": {"ko": "제안", "en": "offered"},
    "already": {"ko": "이전에 완료", "en": "done before"},
    "ready": {"ko": "발급 가능", "en": "ready"},
    "refused": {"ko": "거부", "en": "refused"},
    "row": {"ko": "{0}행 {1}: {2} [{3}]", "en": "line {0} {1}: {2} [{3}]"},
    "more": {"ko": "거부된 행이 {0}개 더 있습니다.", "en": "and {0} more that were refused"},
    "stopped": {
        "ko": "{0}개 행을 처리하고 멈추었습니다. 같은 명령을 다시 실행하면 이어서 합니다.",
        "en": "stopped after {0} rows; the same command goes on from there",
    },
    "working": {"ko": "처리 중", "en": "working"},
}


@dataclass(kw_only=True)
class Report:
    """Takes the results as they come; within a ``with`` block a terminal shows how far the file is read."""

    lang: Language
    machine: bool
    shown: int
    quiet: bool
    file: BinaryIO
    counts: Counter[str] = field(default_factory=Counter)
    _bar: tuple[Progress, TaskID] | None = None

    def add(self, result: Result) -> None:
        """Say what became of a row."""
        self.counts[result.outcome] += 1
        if self.machine:
            print(json.dumps(_document(result)))
        elif result.outcome == "refused" and self.counts["refused"] <= self.shown:
            self._say(self._sentence(result))
        if self._bar:
            progress, task = self._bar
            progress.update(task, completed=self.file.tell())

    def summarise(self) -> None:
        """Say how many rows came to what."""
        found = {outcome: self.counts[outcome] for outcome in OUTCOMES}
        if self.machine:
            print(json.dumps({"schema": SCHEMA, "rows": self.counts.total(), **found}))
            return
        more = self.counts["refused"] - self.shown
        if more > 0:
            print(self._word("more").format(more))
        told = [f"{self._word(outcome)} {number}" for outcome, number in found.items() if number]
        print(" · ".join(told) or f"{self._word('ready')} 0")

    def interrupted(self) -> None:
        """Say on stderr how to go on."""
        sys.stdout.flush()
        print(self._word("stopped").format(self.counts.total()), file=sys.stderr)

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self.quiet and os.environ.get("TERM") != "dumb":
            self._bar = self._started()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar[0].stop()
            self._bar = None

    def _started(self) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        screen = Console(stderr=True)
        progress = Progress(*columns, TimeRemainingColumn(), console=screen, transient=True, redirect_stdout=False)
        progress.start()
        return progress, progress.add_task(self._word("working"), total=os.fstat(self.file.fileno()).st_size)

    def _say(self, text: str) -> None:
        """On stdout; a bar on the same screen makes room."""
        if self._bar and sys.stdout.isatty():
            self._bar[0].console.out(text, highlight=False)
        else:
            print(text)

    def _sentence(self, result: Result) -> str:
        detail = f"{result.code}: {terminal.plain(result.detail)}" if result.detail else result.code
        told = words(result.code, self.lang).what
        return self._word("row").format(result.number, terminal.plain(result.id, 40), told, detail)

    def _word(self, name: str) -> str:
        return _WORDS[name][self.lang]


def report_of(args: Namespace, file: BinaryIO, lang: Language) -> Report:
    """The report that the arguments ask for."""
    machine = bool(args.json or not (args.text or sys.stdout.isatty()))
    return Report(lang=lang, machine=machine, shown=args.shown, quiet=args.quiet, file=file)


def _document(result: Result) -> dict[str, Any]:
    about: dict[str, Any] = {"row": result.number, "id": result.id or None, "outcome": result.outcome}
    if result.code:
        about |= {"code": result.code, "path": result.path or None, "detail": result.detail}
    return about
