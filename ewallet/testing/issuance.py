"""The issuing endpoints of tests: their store in memory, and records that say the sample of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha512
from threading import RLock

from ewallet.authorization import LATE, Attempt, Code, Grant, Redemption
from ewallet.catalog import Catalog
from ewallet.credential import Claims
from ewallet.errors import NotFound
from ewallet.issuance import Deferral
from ewallet.issuer import IssuerStore
from ewallet.records import Pending
from ewallet.testing.failures import Failures
from ewallet.testing.stores import MemoryIssuerStore


@dataclass
class _Kept:
    code: Code
    tries: int = 0
    redeemed: bool = False


class MemoryIssuanceStore:
    """An :class:`ewallet.issuance.IssuanceStore`; ``events`` are what wallets said became of their certificates.

    ``issuer`` is the store of its issuer, which shares what was taken with it.
    """

    def __init__(self, issuer: IssuerStore | None = None) -> None:
        self.events: dict[tuple[str, str], datetime] = {}
        self._secret = b""
        self._codes: dict[bytes, _Kept] = {}
        self._tokens: dict[bytes, Grant] = {}
        self._taken = issuer.taken if isinstance(issuer, MemoryIssuerStore) else {}
        self._failures = Failures()
        self._deferrals: dict[bytes, Deferral] = {}
        self._lock = RLock()

    def secret(self, fresh: bytes) -> bytes:
        with self._lock:
            self._secret = self._secret or fresh
            return self._secret

    def put_code(self, code: Code, at: datetime | None = None) -> None:
        with self._lock:
            if at:
                self._forget(at - LATE)
            self._codes[code.digest] = _Kept(code)

    def code(self, digest: bytes, at: datetime) -> Code | None:
        with self._lock:
            kept = self._open(digest, at)
            return kept.code if kept else None

    def withdraw(self, digest: bytes) -> bool:
        with self._lock:
            kept = self._codes.get(digest)
            if kept is None or kept.redeemed:
                return False
            del self._codes[digest]
            return True

    def redeem(self, attempt: Attempt, at: datetime) -> tuple[Redemption, Grant | None]:
        with self._lock:
            if self._failures.failed(attempt.source, at) >= attempt.max_failures:
                return "too_many", None
            if self.take(attempt.once):
                return "proof_used", None
            kept = self._open(attempt.code, at)
            if kept is None or kept.tries >= attempt.max_tries or kept.code.tx_code != attempt.tx_code:
                return self._failure(attempt, kept, at), None
            kept.redeemed = True
            grant = replace(kept.code.grant, until=attempt.until, thumbprint=attempt.thumbprint)
            self._tokens[attempt.token] = grant
            return "redeemed", grant

    def token(self, digest: bytes) -> Grant | None:
        return self._tokens.get(digest)

    def take(self, once: Mapping[bytes, datetime]) -> frozenset[bytes]:
        with self._lock:
            before = self._taken.keys() & once.keys()
            if not before:
                self._taken.update(once)
            return frozenset(before)

    def end(self, digest: bytes, until: datetime) -> None:
        self.take({digest: until})

    def is_taken(self, digest: bytes) -> bool:
        return digest in self._taken

    def defer(self, deferral: Deferral) -> None:
        with self._lock:
            self._deferrals[deferral.digest] = deferral

    def deferral(self, digest: bytes, token: bytes, at: datetime) -> Deferral | None:
        found = self._deferrals.get(digest)
        return found if found and found.token == token and at < found.until else None

    def arrived(self, token: bytes, configuration_id: str) -> bool:
        over = token, configuration_id
        with self._lock:
            kept = {digest: it for digest, it in self._deferrals.items() if (it.token, it.configuration_id) != over}
            gone, self._deferrals = len(kept) < len(self._deferrals), kept
            return gone

    def notify(self, certificate_id: str, event: str, at: datetime) -> None:
        with self._lock:
            self.events.setdefault((certificate_id, event), at)

    def _forget(self, ended: datetime) -> None:
        self._codes = {digest: kept for digest, kept in self._codes.items() if kept.code.grant.until >= ended}
        self._tokens = {digest: grant for digest, grant in self._tokens.items() if grant.until >= ended}
        for digest in [digest for digest, until in self._taken.items() if until < ended]:
            del self._taken[digest]

    def _open(self, digest: bytes, at: datetime) -> _Kept | None:
        kept = self._codes.get(digest)
        return kept if kept and not kept.redeemed and at < kept.code.grant.until else None

    def _failure(self, attempt: Attempt, kept: _Kept | None, at: datetime) -> Redemption:
        if kept and kept.tries < attempt.max_tries and (kept.code.tx_code is None) != (attempt.tx_code is None):
            return "tx_code_unexpected" if kept.code.tx_code is None else "tx_code_missing"
        if kept:
            kept.tries += 1
        self._failures.count([attempt.source], at, attempt.window)
        return "unknown"


def invented_ci(handle: str) -> bytes:
    """Connecting information of somebody who does not exist, the same each time."""
    return sha512(f"invented connecting information of {handle}".encode()).digest()


@dataclass
class SampleRecords:
    """Everybody's record of a kind is its sample, unless ``given``; kinds in ``pending`` are not ready yet.

    People have invented connecting information, other ``people`` that which is given.
    """

    catalog: Catalog
    given: dict[tuple[str, str], Claims] = field(default_factory=dict)
    pending: dict[str, timedelta] = field(default_factory=dict)
    people: dict[str, bytes | None] = field(default_factory=dict)

    def ci(self, subject: str) -> bytes | None:
        return self.people[subject] if subject in self.people else invented_ci(subject)

    def claims(self, subject: str, type_id: str) -> Claims | Pending:
        if type_id in self.pending:
            return Pending(self.pending[type_id])
        if type_id not in self.catalog:
            raise NotFound("storage.not_found", "no such kind")
        return self.given.get((subject, type_id)) or self.catalog.type(type_id).sample
