"""The databases that every store test runs on, and a crowd of processes that use one at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

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


class Worker:
    """One process on the far side of a pipe."""

    def __init__(self, number):
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self.number = number
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )
        self.ear, self.mouth = cast(IO[str], self.process.stdin), cast(IO[str], self.process.stdout)

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
        self.process.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
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
def crowd():
    """Twenty processes, a hundred in full."""
    with ExitStack() as stack:
        yield Crowd([stack.enter_context(Worker(number)) for number in range(CROWD)])


@pytest.fixture
def worker():
    """One process, to be killed."""
    with Worker(0) as worker:
        yield worker
