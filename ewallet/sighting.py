"""How far logs of use were when they were last seen, so that whoever saw it can hold them to that.

An issuer says with each certificate how far its log is (the header ``log-checkpoint``), a portal in each receipt. Whose
log that is, the trust list says; a checkpoint of another log, or one that its log has not signed, says nothing.

* A smaller log is ``log.rollback``, one of the same size with another root ``log.forked``: what was seen stays, and
  both checkpoints are kept. What came along is as genuine as before.
* A larger one must prove that it goes on from what was seen, else ``log.forked``. Who gives no proof is not believed
  for that, and not accused: what was seen stays.
* A log is asked for the proof only where it lies with whoever showed the checkpoint: nobody else learns of it.
* It is held to what was known before anything was asked, so that two programs with one wallet accuse nobody.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

from ewallet.env import Env
from ewallet.errors import CryptoError, EWalletError, Malformed, PolicyError, TransportError
from ewallet.flow import Flow
from ewallet.history import Believed, Checkpoint, Head, Note, NoteKey
from ewallet.history.inclusion import ask_consistency
from ewallet.shape import base64
from ewallet.trust import TrustList

T = TypeVar("T")

HEADER: Final = "log-checkpoint"  # a signed note in base64

_LOG: Final = logging.getLogger("ewallet")


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """The newest checkpoint of a log that is believed: ``raw`` as it was signed, who showed it (a host), and when."""

    raw: bytes = field(repr=False)
    by: str
    at: datetime

    @cached_property
    def head(self) -> Head:
        """How far the log was."""
        return Head.read(Note.read(self.raw).text)


@dataclass(frozen=True, kw_only=True)
class Departure:
    """A log that was shown as it cannot be if it was ever as it was seen before; both are signed.

    Two roots of one size prove that the log signed two histories. A smaller log may also be one that whoever showed it
    (``by``) had kept.
    """

    code: str
    earlier: bytes = field(repr=False)
    later: bytes = field(repr=False)
    by: str
    at: datetime

    @property
    def heads(self) -> tuple[Head, Head]:
        """How far the log was when it was seen, and how far it was shown to be after that."""
        seen, shown = (Head.read(Note.read(raw).text) for raw in (self.earlier, self.later))
        return seen, shown

    @property
    def error(self) -> PolicyError:
        """The same as an error, to be put in words."""
        seen, shown = self.heads
        detail = f"{self.by} shows {shown.origin} at size {shown.size}, and size {seen.size} was seen before"
        return PolicyError(self.code, detail)


class SightingStore(Protocol):
    """What is remembered of logs. Every method is one transaction."""

    def sightings(self) -> tuple[Sighting, ...]:
        """The newest of each log, by origin."""

    def put_sighting(self, sighting: Sighting, *, after: Sighting | None) -> None:
        """Keep it as the newest of its log, if that still is the one named, or there still is none."""

    def departures(self) -> tuple[Departure, ...]:
        """Everything that was noticed, the newest first."""

    def put_departure(self, departure: Departure) -> None:
        """Keep what was noticed."""


class Lookout:
    """What is shown of logs in one conversation, held against what is known as this is made; ``by`` is an address."""

    def __init__(self, store: SightingStore, trust: TrustList, env: Env, by: str) -> None:
        self._store, self._trust, self._env = store, trust, env
        self._by = by
        self._known = {sighting.head.origin: sighting for sighting in store.sightings()}
        self._shown: dict[bytes, str] = {}

    def hear(self, header: str, by: str = "") -> None:
        """A checkpoint as :data:`HEADER` has it; ``by`` is the address that it is from, where that is another one."""
        with suppress(Malformed):
            self._shown.setdefault(base64(header, "a checkpoint"), by or self._by)

    def see(self, raw: bytes) -> None:
        """A checkpoint, signed-note text."""
        self._shown.setdefault(raw, self._by)

    def watch(self, conversation: Flow[T]) -> Flow[T]:
        """What comes of the conversation, once what was shown in it is judged: also where nothing comes of it."""
        try:
            found = yield from conversation
        except EWalletError:
            yield from self.judge()
            raise
        yield from self.judge()
        return found

    def judge(self) -> Flow[None]:
        """Keep what goes on from what is known, and what does not; nothing is raised but what the store raises."""
        at = self._env.now()
        judged: set[tuple[Head, str]] = set()  # once: anybody can add lines to a note until it is another one
        for raw, address in self._shown.items():
            believed, (scheme, by) = self._believed(raw, at), urlsplit(address)[:2]
            shown = Sighting(raw=raw, by=by, at=at)
            if believed and (shown.head, by) not in judged:
                judged.add((shown.head, by))
                yield from self._follow(shown, believed, scheme)

    def _believed(self, raw: bytes, at: datetime) -> Believed | None:
        """Whose checkpoint it is; None where the trust list has nobody of that name, or they have not signed it."""
        try:
            believed = Believed.of_log(self._trust, Head.read(Note.read(raw).text).origin, at)
            Checkpoint.read(raw, believed)
        except EWalletError:
            return None
        return believed

    def _follow(self, shown: Sighting, believed: Believed, scheme: str) -> Flow[None]:
        known = self._known.get(believed.origin)
        if known and _is_signed(known, believed):
            if known.head == shown.head:
                return
            try:
                if not (yield from self._goes_on(known.head, shown, scheme)):
                    return
            except PolicyError as exc:
                self._notice(exc.code, known, shown)
                return
        self._store.put_sighting(shown, after=known)
        self._known[believed.origin] = shown
        self._compare(shown)

    def _compare(self, shown: Sighting) -> None:
        """Another program may have been faster: what it kept may be newer, but of one size there is one root."""
        for kept in self._store.sightings():
            if (kept.head.origin, kept.head.size) == (shown.head.origin, shown.head.size) and kept.head != shown.head:
                self._notice("log.forked", kept, shown)

    def _goes_on(self, known: Head, shown: Sighting, scheme: str) -> Flow[bool]:
        """Whether the log proves that it goes on; ``log.rollback``, ``log.forked`` where it does not."""
        head, path = shown.head, tuple[bytes, ...]()
        if 0 < known.size < head.size:
            if head.origin.partition("/")[0] != shown.by:
                return False
            try:
                path = yield from ask_consistency(known, head, scheme=scheme)
            except (TransportError, Malformed):
                return False
        known.check_successor(head, path)
        return True

    def _notice(self, code: str, known: Sighting, shown: Sighting) -> None:
        _LOG.warning("log of use %s: %s", shown.head.origin, code)
        noticed = Departure(code=code, earlier=known.raw, later=shown.raw, by=shown.by, at=shown.at)
        self._store.put_departure(noticed)


def _is_signed(known: Sighting, believed: Believed) -> bool:
    """Whether the trust list still has a key that signed it: given another one, a log begins anew.

    What else stands under it does not count: the log itself may have put a line there in the name of a key to come.
    """
    note = Note.read(known.raw)
    return any(_has_signed(key, note) for key in believed.log)


def _has_signed(key: NoteKey, note: Note) -> bool:
    line = note.of(key)
    try:
        return line is not None and key.check(note.text, line) is None
    except CryptoError:
        return False
