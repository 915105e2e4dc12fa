"""The databases that every store test runs on, and a crowd of processes that use one at the same time."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from ewallet.sql import Database
from ewallet.testing.clock import Clock

WORKER = Path(__file__).parent / "worker.py"
CROWD = 100 if os.environ.get("EWALLET_FULL") else 20


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "postgres"])
def store_url(request, tmp_path):
    """An empty database of each engine."""
    return _empty(request, tmp_path / "store.db")


@pytest.fixture(params=["sqlite-file", "postgres"])
def shared_url(request, tmp_path):
    """An empty database of each engine that several processes can use."""
    return _empty(request, tmp_path / "shared.db")


def _empty(request, path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres").empty()
    return f"sqlite:///{path}" if request.param == "sqlite-file" else "sqlite://"


@pytest.fixture
def database(store_url):
    """That database, opened."""
    database = Database(store_url, env=Clock().env("stores"))
    yield database
    database.close()


class Mother:
    """The process that has imported what workers need, and forks them: a hundred are there in a second."""

    def __init__(self):
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self.socket, far = socket.socketpair()
        with far:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER), str(far.fileno())],
                env=os.environ | {"PYTHONPATH": path},
                pass_fds=[far.fileno()],
            )

    def bear(self):
        """A new process, and the ends of the pipes to and from it."""
        (heard, mouth), (ear, spoken) = os.pipe(), os.pipe()
        socket.send_fds(self.socket, [b"."], [heard, spoken])
        pid = int(self.socket.recv(32))
        os.close(heard)
        os.close(spoken)
        return pid, os.fdopen(mouth, "w"), os.fdopen(ear)

    def close(self):
        """End."""
        self.socket.close()
        self.process.wait()


class Worker:
    """One process on the far side of a pipe."""

    def __init__(self, mother, number):
        self.number = number
        self.pid, self.ear, self.mouth = mother.bear()

    def tell(self, do, *, at=0.0, **arguments):
        """Send a command."""
        self.ear.write(json.dumps({"do": do, "at": at, "number": self.number, **arguments}) + "\n")
        self.ear.flush()

    def hear(self):
        """The next line it says, None when it is gone."""
        line = self.mouth.readline()
        return json.loads(line) if line.endswith("\n") else None

    def told(self, number):
        """The numbers that it says next; an error is not waited upon."""
        told: list[int] = []
        while len(told) < number:
            told.append(self.hear())
            assert isinstance(told[-1], int), told[-1]
        return told

    def kill(self):
        """End it in the middle of whatever it does."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        with suppress(BrokenPipeError):
            self.ear.close()
        self.mouth.close()


class Crowd:
    """Processes that do the same at the same moment."""

    def __init__(self, workers):
        self.workers = workers

    def some(self, number):
        """A smaller crowd."""
        return Crowd(self.workers[:number])

    def do(self, name, **arguments):
        """The answers of all, sorted by worker."""
        at = time.time() + 0.05
        for worker in self.workers:
            worker.tell(name, at=at, **arguments)
        return [worker.hear() for worker in self.workers]


@pytest.fixture(scope="package")
def mother():
    """The process that workers are forked from."""
    with closing(Mother()) as mother:
        yield mother


@pytest.fixture(scope="package")
def crowd(mother):
    """Twenty processes, a hundred in full."""
    with ExitStack() as stack:
        yield Crowd([stack.enter_context(Worker(mother, number)) for number in range(CROWD)])


@pytest.fixture
def worker(mother):
    """One process, to be killed."""
    with Worker(mother, 0) as worker:
        yield worker
