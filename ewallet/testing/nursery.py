"""Programs as processes of their own, forked from one that has imported what they need: they start in milliseconds.

A :class:`Nursery` runs modules as ``python -m`` does, and files as ``python`` does, each in a process that can be
killed; what they print goes into a log::

    with closing(Nursery("issuer_service.app")) as nursery:
        service = nursery.run("issuer_service", log=folder / "log", env=settings)
        service.kill()

It is for Linux and other systems that fork.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, cast

from ewallet.env import Env
from ewallet.errors import TransportError
from ewallet.shape import json_value

_NOTHING: Final[Mapping[str, str]] = {}
_PARENT_DEATH: Final = 1  # PR_SET_PDEATHSIG of Linux
_PAUSE: Final = 0.01  # seconds between two looks
_PORTS: Final = range(20_000, 32_768)  # where Linux begins with those of its own choice
_TRIES: Final = 100


@dataclass(frozen=True)
class Child:
    """A running program; ``log`` is what it has printed."""

    pid: int
    log: Path
    _nursery: Nursery = field(repr=False)

    def send(self, number: int) -> None:
        """A signal, to it and to the processes it has started; nothing if it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> int:
        """End it at once, whatever it does, and return when it is gone."""
        self.send(signal.SIGKILL)
        return self.wait()

    @property
    def ended(self) -> int | None:
        """Its exit code, below zero for a signal; None while it runs."""
        return self._nursery.ended(self.pid)

    def wait(self, seconds: float = 60) -> int:
        """Its exit code, as soon as it has ended."""
        deadline = time.monotonic() + seconds
        while (code := self.ended) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(self.log.read_text("utf-8", "replace"))
            time.sleep(_PAUSE)
        return code


class Nursery:
    """The process that has imported these modules, and whose children run programs."""

    def __init__(self, *modules: str) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "ewallet.testing.nursery", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=plain | {"PYTHONPATH": path},
            text=True,
        )
        self._ended: dict[int, int] = {}
        self._running: set[int] = set()
        self._runs = 0
        assert self._heard() == "ready"

    def run(
        self,
        program: str,
        *arguments: str,
        log: Path,
        env: Mapping[str, str] = _NOTHING,
        before: str = "",
    ) -> Child:
        """Start a module, or a file if it ends with ``.py``.

        ``before`` is Python that is run first, to shorten a delay or to move the clock; it is written beside the log.
        """
        self._runs += 1
        asked = {
            "program": program,
            "arguments": arguments,
            "log": str(log),
            "env": dict(env),
            "before": _written(log.with_name(f"{log.name}.{self._runs}.py"), before),
        }
        pid = int(self._asked(asked))
        self._running.add(pid)
        return Child(pid, log, self)

    def ended(self, pid: int) -> int | None:
        """The exit code of a child, None while it runs."""
        if pid not in self._ended:
            code = self._asked({"ended": pid})
            if code is None:
                return None
            self._ended[pid] = int(code)
            self._running.discard(pid)
        return self._ended[pid]

    def clear(self) -> None:
        """Kill every child that runs."""
        for pid in tuple(self._running):
            Child(pid, Path(os.devnull), self).kill()

    def close(self) -> None:
        """End, and let no child outlive it."""
        self.clear()
        for pipe in (self._process.stdin, self._process.stdout):
            cast("IO[str]", pipe).close()
        self._process.wait()

    def _asked(self, asked: Mapping[str, Any]) -> Any:
        pipe = cast("IO[str]", self._process.stdin)
        pipe.write(json.dumps(asked) + "\n")
        pipe.flush()
        return self._heard()

    def _heard(self) -> Any:
        return json_value(cast("IO[str]", self._process.stdout).readline())


def _written(file: Path, program: str) -> str:
    """The file's name, where there is anything to write."""
    if program:
        file.write_text(program, "utf-8")
    return str(file) if program else ""


def free_port() -> int:
    """A port of this machine that nobody listens on, below those that are given to whoever connects somewhere."""
    random = Env().random
    for _ in range(_TRIES):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", _PORTS[int.from_bytes(random(4)) % len(_PORTS)]))
            return int(probe.getsockname()[1])
    raise TransportError("fetch.unavailable", "no free port")


# -- the far side ----------------------------------------------------------------------------------------------


def _main(modules: Sequence[str]) -> None:
    for name in modules:
        import_module(name)
    gc.collect()
    gc.freeze()  # else every child copies all of it at its first collection
    _say("ready")
    for line in sys.stdin:
        asked = json_value(line)
        _say(_started(asked) if "program" in asked else _ended(asked["ended"]))


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _started(asked: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)
        return pid
    code = 1
    try:
        _settle(asked)
        code = _ran(asked)
    except BaseException:  # noqa: BLE001 - nothing of this process may go on
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _settle(asked: Mapping[str, Any]) -> None:
    """Become a process of its own: group, streams and environment; it ends when the nursery does, however that ends."""
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)
    with suppress(PermissionError):
        os.setpgid(0, 0)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, source in enumerate((null, log, log)):
        os.dup2(source, number)
    os.environ.update(asked["env"])


def _ran(asked: Mapping[str, Any]) -> int:
    program = asked["program"]
    sys.argv = [program, *asked["arguments"]]
    try:
        if asked["before"]:
            runpy.run_path(asked["before"])
        if program.endswith(".py"):
            sys.path.insert(0, str(Path(program).parent))
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    return 0


if __name__ == "__main__":
    _main(sys.argv[1:])
