"""What is kept about a person, under a key of theirs that can be destroyed: then nobody can read it, backups included.

Envelope encryption. Every record has a key of its own, derived from the person's; the person's key is random, kept
sealed under the master key in a database of its own, and exists once. Deleting a person's data is destroying that key.
The rows may go later, a copy of the database may come back from a backup: there is nothing in them to be read.

Backups of the keys must be few and short-lived, for as long as one holds a destroyed key, what it opened is not gone
(:data:`KEY_BACKUP`). A key that was destroyed is remembered in two places, here and wherever the caller keeps its own
record of the deletion, and is destroyed again if a restored copy has it back (:meth:`Vault.forget`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

from ewallet.env import Random
from ewallet.errors import NotFound, StoreError, UsageError
from ewallet.sealing import Sealer

KEY_BACKUP: Final = timedelta(days=7)  # how long a backup of the keys may live: what is said to the person
_KEY: Final = 32


class KeyStore(Protocol):
    """Where the keys are. Every method is one transaction, on disk when it returns."""

    def key(self, subject: str) -> bytes | None:
        """The sealed key of a person, if there is one."""

    def put_key(self, subject: str, sealed: bytes) -> bytes:
        """The sealed key of a person from now on: this one, or the one that was there before."""

    def destroy(self, subject: str, at: datetime) -> None:
        """Overwrite it, and remember that it was destroyed: no other key is taken for that person."""

    def is_destroyed(self, subject: str) -> bool:
        """Whether it was."""


class Vault:
    """Seals and opens what belongs to people. ``master`` is 32 bytes that are kept elsewhere than the keys."""

    def __init__(self, keys: KeyStore, master: bytes, random: Random) -> None:
        if len(master) != _KEY:
            raise UsageError("usage.configuration", f"a master key of {len(master)} bytes, expected {_KEY}")
        self._keys = keys
        self._master = Sealer(master, random)
        self._random = random

    def seal(self, subject: str, plain: bytes, *belongs: str) -> bytes:
        """Sealed under the person's key, bound to what it belongs to; :class:`NotFound` once that is destroyed."""
        return self._sealer(subject, create=True).seal(plain, *belongs)

    def unseal(self, subject: str, sealed: bytes, *belongs: str) -> bytes:
        """What was sealed for that place; :class:`NotFound` once the key is destroyed, ``storage.corrupt``."""
        return self._sealer(subject, create=False).unseal(sealed, *belongs)

    def tag(self, subject: str, *parts: str) -> bytes:
        """32 bytes that find what belongs to that person, and cannot be made once the key is gone: then as above."""
        return self._sealer(subject, create=False).tag(*parts)

    def is_destroyed(self, subject: str) -> bool:
        """Whether that person's key was destroyed: nothing is sealed for them under that name any more."""
        return self._keys.is_destroyed(subject)

    def destroy(self, subject: str, at: datetime) -> None:
        """Make unreadable, for good, whatever was sealed for that person; again is allowed."""
        self._keys.destroy(subject, at)

    def forget(self, subjects: Iterable[str], at: datetime) -> int:
        """At start: destroy what was destroyed before and has come back with a restored copy; how many had."""
        returned = [subject for subject in subjects if self._keys.key(subject) is not None]
        for subject in returned:
            self._keys.destroy(subject, at)
        return len(returned)

    def _sealer(self, subject: str, *, create: bool) -> Sealer:
        sealed = self._keys.key(subject)
        if sealed is None and (not create or self._keys.is_destroyed(subject)):
            raise NotFound("storage.not_found", "there is no key for this person, or not any more")
        if sealed is None:
            sealed = self._keys.put_key(subject, self._master.seal(self._random(_KEY), "key", subject))
        try:
            return Sealer(self._master.unseal(sealed, "key", subject), self._random)
        except StoreError:
            raise StoreError("storage.auth_failed", "the key of a person does not open with this master key") from None
