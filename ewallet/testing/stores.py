"""The stores of the three roles in memory: no file, no database, gone with the object. Safe for threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import RLock

from ewallet.credential import StatusRef
from ewallet.errors import AlreadyUsed, NotFound, StatusError
from ewallet.issuer import Certificate, Intent
from ewallet.status import Status
from ewallet.wallet import Copy, Held, Shown, Use


@dataclass
class _List:
    uri: str
    size: int
    given: int = 0


@dataclass
class _Issue:
    certificate: Certificate
    entries: tuple[StatusRef, ...]
    completed: bool = False
    reason: str = ""


class MemoryIssuerStore:
    """An :class:`ewallet.issuer.IssuerStore`."""

    def __init__(self) -> None:
        self._lists: list[_List] = []
        self._issues: dict[str, _Issue] = {}
        self._given: set[StatusRef] = set()
        self._lock = RLock()

    def status_list(self, size: int, uri: Callable[[int], str]) -> str:
        with self._lock:
            if not self._lists or self._lists[-1].given * 2 >= self._lists[-1].size:
                self._lists.append(_List(uri(len(self._lists) + 1), size))
            return self._lists[-1].uri

    def intend(self, certificate: Certificate, intents: Sequence[Intent]) -> frozenset[StatusRef]:
        entries = tuple(intent.status for intent in intents)
        with self._lock:
            taken = self._given.intersection(entries)
            if not taken:
                self._given.update(entries)
                self._list(entries[0].uri).given += len(entries)
                self._issues[certificate.id] = _Issue(certificate, entries)
            return frozenset(taken)

    def complete(self, certificate_id: str) -> None:
        with self._lock:
            self._issue(certificate_id).completed = True

    def void(self, before: datetime) -> int:
        with self._lock:
            dead = [i for i in self._issues.values() if not i.completed and i.certificate.issued < before]
            for issue in dead:
                del self._issues[issue.certificate.id]  # the entries stay given
            return sum(len(issue.entries) for issue in dead)

    def certificates(self, subject: str) -> tuple[Certificate, ...]:
        with self._lock:
            found = [i.certificate for i in self._issues.values() if i.completed and i.certificate.subject == subject]
        return tuple(reversed(found))

    def set_status(self, certificate_id: str, value: Status, reason: str, at: datetime) -> None:
        with self._lock:
            issue = self._issue(certificate_id)
            if issue.certificate.status is Status.REVOKED and value is not Status.REVOKED:
                raise StatusError("status.transition", "a revoked certificate stays revoked")
            issue.certificate, issue.reason = replace(issue.certificate, status=value), reason

    def statuses(self, uri: str) -> tuple[int, Mapping[int, Status]]:
        with self._lock:
            size = self._list(uri).size
            return size, {
                entry.index: issue.certificate.status
                for issue in self._issues.values()
                for entry in issue.entries
                if entry.uri == uri and issue.certificate.status is not Status.VALID
            }

    def _list(self, uri: str) -> _List:
        for found in self._lists:
            if found.uri == uri:
                return found
        raise NotFound("storage.not_found", "no status list of that uri")

    def _issue(self, certificate_id: str) -> _Issue:
        if certificate_id not in self._issues:
            raise NotFound("storage.not_found", "no certificate of that identifier")
        return self._issues[certificate_id]


class MemoryWalletStore:
    """A :class:`ewallet.wallet.WalletStore`; nothing is sealed, because nothing is written down."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._held: dict[str, Held] = {}
        self._copies: dict[str, list[Copy]] = {}
        self._seen: dict[str, set[str]] = {}  # audiences by copy
        self._history: list[Shown] = []
        self._lock = RLock()

    def put_keys(self, keys: Mapping[str, bytes]) -> None:
        with self._lock:
            self._keys.update(keys)

    def key(self, thumbprint: str) -> bytes:
        with self._lock:
            if thumbprint not in self._keys:
                raise NotFound("storage.not_found", "no key of that thumbprint")
            return self._keys[thumbprint]

    def put(self, held: Held, copies: Sequence[Copy]) -> None:
        with self._lock:
            self._held[held.id] = held
            self._copies[held.id] = list(copies)

    def held(self) -> tuple[Held, ...]:
        with self._lock:
            return tuple(reversed(self._held.values()))

    def copies(self, held_id: str) -> tuple[Copy, ...]:
        with self._lock:
            return tuple(self._copies.get(held_id, ()))

    def spend(self, shown: Shown, use: Use) -> Copy:
        with self._lock:
            copies = self._copies.get(shown.held, [])
            chosen = self._choose(copies, shown.audience, use)
            used = replace(chosen, uses=chosen.uses + 1)
            copies[copies.index(chosen)] = used
            self._seen.setdefault(used.id, set()).add(shown.audience)
            self._history.append(shown)
            return used

    def _choose(self, copies: Sequence[Copy], audience: str, use: Use) -> Copy:
        if use == "reuse" and copies:
            return min(copies, key=lambda copy: copy.uses)
        known = [copy for copy in copies if use == "per_verifier" and audience in self._seen.get(copy.id, ())]
        fit = known or [copy for copy in copies if copy.uses == 0]
        if not fit:
            raise AlreadyUsed("storage.already_used", "no copy is left to use")
        return fit[0]

    def history(self) -> tuple[Shown, ...]:
        with self._lock:
            return tuple(reversed(self._history))

    def forget(self, held_id: str) -> None:
        with self._lock:
            if self._held.pop(held_id, None) is None:
                raise NotFound("storage.not_found", "no certificate of that identifier")
            for copy in self._copies.pop(held_id):
                self._keys.pop(copy.key, None)


class MemoryVerifierStore:
    """A :class:`ewallet.verifier.VerifierStore` and :class:`ewallet.trust.TrustVersions`."""

    def __init__(self) -> None:
        self._nonces: set[str] = set()
        self._tokens: dict[str, tuple[datetime, str]] = {}
        self._versions: dict[str, int] = {}
        self._lock = RLock()

    def take_nonce(self, nonce: str, until: datetime) -> None:
        with self._lock:
            if nonce in self._nonces:
                raise AlreadyUsed("storage.already_used", "the nonce was used before")
            self._nonces.add(nonce)

    def status_token(self, uri: str) -> str | None:
        with self._lock:
            return self._tokens[uri][1] if uri in self._tokens else None

    def put_status_token(self, uri: str, raw: str, issued: datetime) -> bool:
        with self._lock:
            if uri in self._tokens and self._tokens[uri][0] > issued:
                return False
            self._tokens[uri] = issued, raw
            return True

    def trust_version(self, operator: str) -> int:
        with self._lock:
            return self._versions.get(operator, 0)

    def put_trust_version(self, operator: str, version: int) -> bool:
        with self._lock:
            newest = max(version, self._versions.get(operator, version))
            self._versions[operator] = newest
            return newest == version
