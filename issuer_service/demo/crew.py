"""The processes of the demo: each in a group of its own, and none left when the demo ends, however it ends."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, Self

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE: Final = 12.0  # seconds; a service of ours gives its last answers for ten


class Stopped(BaseException):
    """Somebody ends the demo: Ctrl-C, a terminal that is closed, or ``kill``."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Crew:
    """Starts processes, and ends what still runs when its block ends; signals end the block by :class:`Stopped`."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []
        self._starting = False
        self._stopped = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._stop) for number in _ENDINGS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in _ENDINGS:
            signal.signal(number, signal.SIG_IGN)  # whoever presses twice still wants everything ended
        for process in self._running:
            process.terminate()
        for process in self._running:
            _wait(process)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def serve(self, command: Sequence[str], *, env: Mapping[str, str], log: Path) -> subprocess.Popen[str]:
        """A process that goes on, with what it says in a file."""
        with log.open("a", encoding="utf-8") as file:
            return self._start(command, env, stdout=file, stderr=file)

    def begin(self, command: Sequence[str], *, env: Mapping[str, str]) -> subprocess.Popen[str]:
        """A command of which :meth:`ended` tells what it said."""
        return self._start(command, env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ended(self, process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        """What a command said, once it has ended."""
        stdout, stderr = process.communicate()
        self._running.remove(process)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def ended_by_itself(self) -> bool:
        """Whether a process that should go on does not."""
        return any(process.poll() is not None for process in self._running)

    def _start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        stdout: Any,
        stderr: Any,
    ) -> subprocess.Popen[str]:
        self._starting = True  # a signal in between would leave a process that nobody knows
        try:
            process = subprocess.Popen(  # noqa: S603 - our own modules, arguments of the demo
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                encoding="utf-8",
                errors="replace",
                process_group=0,  # Ctrl-C is for the demo, which ends the others in order
            )
            self._running.append(process)
        finally:
            self._starting = False
        if self._stopped:
            raise Stopped(self._stopped)
        return process

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopped = number
        if not self._starting:
            raise Stopped(number)


def _wait(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()
