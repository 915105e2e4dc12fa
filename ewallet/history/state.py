"""What a witness remembers, in a file of its own: replaced as a whole, and on disk before anybody is told."""

from __future__ import annotations

import fcntl
import json
import os
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final, Self

from ewallet.errors import Malformed, StoreError, UsageError
from ewallet.history.checkpoint import Head
from ewallet.history.durable import replace_durably
from ewallet.history.tree import MAX_SIZE, WIDTH
from ewallet.history.witness import Seen
from ewallet.shape import Json, base64, instance, json_object, member, numeric_date, refuse

SCHEMA: Final = "ewallet.witness/1"


class StateFile:
    """A :class:`ewallet.history.witness.WitnessState` in a file that one process at a time has open.

    A file that is gone is not begun anew, for it would forget what it saw: :meth:`create` is called once, by a person.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = Lock()
        self._held = _locked(path)
        try:
            self._seen = _read(path)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new one, which has seen nothing; ``usage.file`` where there is one."""
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as exc:
            raise UsageError("usage.file", f"cannot create the state: {(exc.strerror or '').lower()}") from None
        _replace(path, {})
        return cls(path)

    def latest(self, origin: str) -> Seen | None:
        with self._turn:
            return self._seen.get(origin)

    def advance(self, before: Seen | None, seen: Seen) -> bool:
        with self._turn:
            if self._seen.get(seen.head.origin) != before:
                return False
            later = {**self._seen, seen.head.origin: seen}
            _replace(self._path, later)
            self._seen = later
            return True

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._held)


def _locked(path: Path) -> int:
    handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StoreError("storage.locked", "another witness has this state open") from None
    return handle


def _read(path: Path) -> dict[str, Seen]:
    try:
        members = json_object(path.read_bytes(), "the state")
        if member(members, "schema", str) != SCHEMA:
            refuse("malformed.claim_type", f"another schema than {SCHEMA}")
        logs = member(members, "logs", dict)
        return {origin: _seen(origin, instance(seen, dict, "a log")) for origin, seen in logs.items()}
    except FileNotFoundError:
        raise UsageError("usage.file", "there is no state; a new one is made with --new") from None
    except Malformed as exc:
        raise StoreError("storage.corrupt", exc.detail) from None


def _seen(origin: str, members: Mapping[str, Json]) -> Seen:
    size, root = member(members, "size", int), base64(member(members, "root", str), "root")
    if not 0 <= size <= MAX_SIZE or len(root) != WIDTH:
        refuse("malformed.claim_type", "a size or a root that is none")
    return Seen(Head(origin, size, root), datetime.fromtimestamp(numeric_date(members.get("at"), "at"), UTC))


def _replace(path: Path, logs: Mapping[str, Seen]) -> None:
    told = {
        origin: {"size": head.size, "root": b64encode(head.root).decode("ascii"), "at": int(at.timestamp())}
        for origin, (head, at) in logs.items()
    }
    try:
        replace_durably(path, json.dumps({"schema": SCHEMA, "logs": told}, indent=1).encode(), mode=0o600)
    except OSError as exc:
        raise StoreError("storage.unavailable", f"the state cannot be written: {exc.strerror}") from None
