"""Witnesses of the log of use: who is asked to cosign its checkpoints, so that nobody has to take the portal's word.

A line of the file is ``key https-address``, the key as ``ewallet-witness key`` prints it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ewallet import oauth
from ewallet.errors import EWalletError, Malformed, UsageError
from ewallet.files import read_own
from ewallet.flow import Send, run
from ewallet.history import Believed, Head, Log, Note, NoteKey, cosign, key_of

_LOG: Final = logging.getLogger("ewallet")
_MAX: Final = 8  # each has a line in every checkpoint, and those go in a header with every certificate


@dataclass(frozen=True)
class Known:
    """A witness by its key, and where it is asked."""

    key: NoteKey
    url: str


@dataclass(frozen=True)
class Witnesses:
    """Asks each in turn. What it saw last is remembered here, and by the witness itself."""

    log: Log
    known: tuple[Known, ...]
    send: Send
    _seen: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    def ask(self) -> None:
        """Have the newest checkpoint cosigned by those who have not yet; one that does not is named with its code."""
        checkpoint = self.log.checkpoint()
        for witness in self.known:
            if Note.read(checkpoint).of(witness.key):
                continue
            try:
                checkpoint = self._cosigned(checkpoint, witness)
            except EWalletError as exc:
                if not self._overtaken(checkpoint):
                    _LOG.warning("witness %s: %s", witness.key.name, exc.code)

    def _cosigned(self, checkpoint: bytes, witness: Known) -> bytes:
        old = self._seen.get(witness.url, 0)
        asked = cosign(checkpoint, witness.url, key=witness.key, prove=self.log.consistency, old=old)
        signature = run(asked, self.send)
        self._seen[witness.url] = _size(checkpoint)
        return self.log.add_signatures(checkpoint, [signature])

    def _overtaken(self, checkpoint: bytes) -> bool:
        """Whether another worker was faster with a larger one, which is no fault of the witness."""
        newest = self.log.store.checkpoint()
        return newest is not None and _size(newest) > _size(checkpoint)


def read(path: Path, log: Log, *, loopback: bool = False) -> tuple[Known, ...]:
    """The witnesses of a file for that log; ``usage.configuration``, ``usage.file``."""
    text = read_own(str(path), limit=1 << 16, what="the witnesses' file").decode("utf-8", "replace")
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    known = tuple(_known(words, number, loopback=loopback) for number, words in lines)
    if len(known) > _MAX:
        raise UsageError("usage.configuration", f"{len(known)} lines in the witnesses' file, at most {_MAX} are asked")
    try:
        Believed(log=(key_of(log.origin, log.signer.public),), witnesses=tuple(each.key for each in known))
    except UsageError as exc:
        raise UsageError("usage.configuration", f"the witnesses' file: {exc.detail}") from None
    return known


def _known(words: list[str], number: int, *, loopback: bool) -> Known:
    try:
        key, url = words
        return Known(NoteKey.read(key), oauth.url(url, "the address of a witness", loopback=loopback))
    except (ValueError, Malformed):
        detail = f"line {number} of the witnesses' file is not: name+id+key https-address"
        raise UsageError("usage.configuration", detail) from None


def _size(checkpoint: bytes) -> int:
    return Head.read(Note.read(checkpoint).text).size
