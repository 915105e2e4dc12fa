"""The stores of the three roles in memory: no file, no database, gone with the object. Safe for threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import RLock

from ewallet.collection import Pending
from ewallet.credential import StatusRef
from ewallet.documents import Entry, Inquiry, Outcome
from ewallet.errors import AlreadyUsed, NotFound, StatusError
from ewallet.holding import Arrival, Copy, Held, Shown, Use
from ewallet.intents import Certificate, Intent
from ewallet.order import Order, RepeatedError
from ewallet.settlement import Kept, Sealed, Settled
from ewallet.sighting import Departure, Sighting
from ewallet.status import Status
from ewallet.testing.failures import Failures
from ewallet.trace import Trace


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
    document: Entry | None = None


def _place(certificate: Certificate) -> tuple[float, str]:
    """The newest first, and of those issued at the same time by their ids."""
    return -certificate.issued.timestamp(), certificate.id


@dataclass
class _Ordered:
    order: Order
    certificate: str
    sealed: bytes | None = None


class MemoryIssuerStore:
    """An :class:`ewallet.issuer.IssuerStore`; ``taken`` is what orders used up, ``leave`` puts traces on record."""

    def __init__(self, leave: Callable[[Trace], object] | None = None) -> None:
        self.taken: dict[bytes, datetime] = {}
        self._leave = leave
        self._orders: dict[bytes, _Ordered] = {}
        self._lists: list[_List] = []
        self._issues: dict[str, _Issue] = {}
        self._given: set[StatusRef] = set()
        self._changes = 0
        self._secret = b""
        self._misses = Failures()
        self._lock = RLock()

    def status_list(self, size: int, uri: Callable[[int], str]) -> str:
        with self._lock:
            if not self._lists or self._lists[-1].given * 2 >= self._lists[-1].size:
                self._lists.append(_List(uri(len(self._lists) + 1), size))
            return self._lists[-1].uri

    def intend(
        self, certificate: Certificate, intents: Sequence[Intent], order: Order | None = None
    ) -> frozenset[StatusRef]:
        entries = tuple(intent.status for intent in intents)
        with self._lock:
            taken = self._given.intersection(entries)
            if not taken and order:
                self._begin(order, certificate.id)
            if not taken:
                self._given.update(entries)
                self._list(entries[0].uri).given += len(entries)
                self._issues[certificate.id] = _Issue(certificate, entries)
            return frozenset(taken)

    def complete(
        self, certificate_id: str, order: Order | None = None, sealed: bytes = b"", document: Entry | None = None
    ) -> None:
        with self._lock:
            issue = self._issue(certificate_id)
            if order:
                order.check_lasting(self.taken)
                if order.trace and self._leave:
                    self._leave(order.trace)
                self._orders[order.digest].sealed = sealed
            issue.completed, issue.document = True, document

    def void(self, before: datetime) -> int:
        with self._lock:
            dead = [i for i in self._issues.values() if not i.completed and i.certificate.issued < before]
            for issue in dead:
                del self._issues[issue.certificate.id]  # the entries stay given
            return sum(len(issue.entries) for issue in dead)

    def certificates(
        self, subject: str, *, after: tuple[datetime, str] | None = None, limit: int | None = None
    ) -> tuple[Certificate, ...]:
        with self._lock:
            found = [i.certificate for i in self._issues.values() if i.completed and i.certificate.subject == subject]
        listed = sorted(found, key=_place)
        return tuple(each for each in listed if after is None or _place(each) > (-after[0].timestamp(), after[1]))[
            :limit
        ]

    def set_status(self, certificate_id: str, value: Status, reason: str, at: datetime) -> None:
        with self._lock:
            issue = self._issue(certificate_id)
            if issue.certificate.status is Status.REVOKED and value is not Status.REVOKED:
                raise StatusError("status.transition", "a revoked certificate stays revoked")
            issue.certificate, issue.reason = replace(issue.certificate, status=value), reason
            self._changes += 1

    def statuses(self, uri: str) -> tuple[int, Mapping[int, Status]]:
        with self._lock:
            size = self._list(uri).size
            return size, {
                entry.index: issue.certificate.status
                for issue in self._issues.values()
                for entry in issue.entries
                if entry.uri == uri and issue.certificate.status is not Status.VALID
            }

    def status_lists(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(found.uri for found in self._lists)

    def status_changes(self) -> int:
        return self._changes

    def secret(self, fresh: bytes) -> bytes:
        with self._lock:
            self._secret = self._secret or fresh
            return self._secret

    def inquire(self, inquiry: Inquiry, at: datetime) -> Outcome:
        with self._lock:
            if max(self._misses.failed(counter, at) for counter in inquiry.counters) >= inquiry.max_misses:
                return "too_many"
            if self._has_document(inquiry.digest, at):
                return "match"
            self._misses.count(inquiry.counters, at, inquiry.window)
            return "no_match"

    def _has_document(self, digest: bytes, at: datetime) -> bool:
        return any(
            issue.document and digest in issue.document.digests and at < issue.document.until
            for issue in self._issues.values()
            if issue.certificate.status is Status.VALID
        )

    def _begin(self, order: Order, certificate_id: str) -> None:
        used = self.taken.keys() & order.once.keys()
        if used:
            raise RepeatedError(used=frozenset(used))
        self.taken.update(order.once)
        begun = self._orders.get(order.digest)
        if begun and begun.sealed is not None:
            raise RepeatedError(sealed=begun.sealed, holders=begun.order.holders)
        if begun:
            self._issues.pop(begun.certificate, None)  # the entries stay given
        self._orders[order.digest] = _Ordered(order, certificate_id)

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
        self._pending: dict[str, Pending] = {}
        self._receipts: list[bytes] = []
        self._sightings: dict[str, Sighting] = {}
        self._departures: list[Departure] = []
        self._salts: dict[int, bytes] = {}
        self._rank_audiences: dict[int, str] = {}
        self._lock = RLock()

    def salt(self, rank: int, fresh: bytes) -> bytes:
        with self._lock:
            return self._salts.setdefault(rank, fresh)

    def rank_audiences(self, ranks: Sequence[int]) -> Mapping[int, str]:
        with self._lock:
            return {rank: self._rank_audiences[rank] for rank in ranks if rank in self._rank_audiences}

    def show_rank(self, rank: int, audience: str) -> None:
        with self._lock:
            if self._rank_audiences.setdefault(rank, audience) != audience:
                raise AlreadyUsed("storage.already_used", "somebody else has seen that rank")

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

    def receive(
        self, arrivals: Sequence[Arrival], *, pending: Sequence[Pending] = (), over: Sequence[str] = ()
    ) -> None:
        with self._lock:
            for id_ in over:
                self._pending.pop(id_, None)
            self._pending.update({one.id: one for one in pending})
            for arrival in arrivals:
                self.put_keys(arrival.keys)
                self.put(arrival.held, arrival.copies)

    def pending(self) -> tuple[Pending, ...]:
        with self._lock:
            return tuple(sorted(self._pending.values(), key=lambda one: one.due))

    def held(self) -> tuple[Held, ...]:
        with self._lock:
            return tuple(reversed(self._held.values()))

    def copies(self, held_id: str) -> tuple[Copy, ...]:
        with self._lock:
            return tuple(self._copies.get(held_id, ()))

    def spend(self, shown: Shown, use: Use, copy: str | None = None) -> Copy:
        with self._lock:
            copies = self._copies.get(shown.held, [])
            chosen = self._choose([each for each in copies if copy in (None, each.id)], shown.audience, use)
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

    def note(self, shown: Shown) -> None:
        with self._lock:
            self._history.append(shown)

    def history(self) -> tuple[Shown, ...]:
        with self._lock:
            return tuple(reversed(self._history))

    def put_receipt(self, raw: bytes) -> None:
        with self._lock:
            self._receipts.append(raw)

    def change_receipt(self, before: bytes, after: bytes) -> None:
        with self._lock:
            self._receipts = [after if raw == before else raw for raw in self._receipts]

    def receipts(self) -> tuple[bytes, ...]:
        with self._lock:
            return tuple(reversed(self._receipts))

    def sightings(self) -> tuple[Sighting, ...]:
        with self._lock:
            return tuple(self._sightings[origin] for origin in sorted(self._sightings))

    def put_sighting(self, sighting: Sighting, *, after: Sighting | None) -> None:
        with self._lock:
            if self._sightings.get(sighting.head.origin) == after:
                self._sightings[sighting.head.origin] = sighting

    def departures(self) -> tuple[Departure, ...]:
        with self._lock:
            return tuple(reversed(self._departures))

    def put_departure(self, departure: Departure) -> None:
        with self._lock:
            self._departures.append(departure)

    def forget(self, held_id: str) -> None:
        with self._lock:
            if self._held.pop(held_id, None) is None:
                raise NotFound("storage.not_found", "no certificate of that identifier")
            for copy in self._copies.pop(held_id):
                self._keys.pop(copy.key, None)


class MemoryVerifierStore:
    """In memory: what :mod:`ewallet.verifier`, :mod:`ewallet.exchange` and :mod:`ewallet.trust` remember."""

    def __init__(self) -> None:
        self._nonces: set[str] = set()
        self._tokens: dict[str, tuple[datetime, str]] = {}
        self._exchanges: dict[bytes, Kept] = {}
        self._codes: dict[bytes, bytes] = {}
        self._claims: dict[bytes, Sealed] = {}
        self._seen: dict[bytes, datetime] = {}
        self._versions: dict[str, int] = {}
        self._crls: dict[bytes, tuple[int, bytes]] = {}
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

    def crl(self, authority: bytes) -> bytes | None:
        with self._lock:
            return self._crls[authority][1] if authority in self._crls else None

    def put_crl(self, authority: bytes, raw: bytes, number: int) -> bool:
        with self._lock:
            kept = self._crls.setdefault(authority, (number, raw))
            if kept[0] < number:
                self._crls[authority] = number, raw
            return kept[0] < number or kept[1] == raw

    def trust_version(self, operator: str) -> int:
        with self._lock:
            return self._versions.get(operator, 0)

    def put_trust_version(self, operator: str, version: int) -> bool:
        with self._lock:
            newest = max(version, self._versions.get(operator, version))
            self._versions[operator] = newest
            return newest == version

    def put_exchange(self, kept: Kept) -> None:
        with self._lock:
            self._exchanges[kept.id] = kept

    def exchange(self, id_: bytes) -> Kept:
        with self._lock:
            if id_ not in self._exchanges:
                raise NotFound("storage.not_found", "no request of that identifier")
            return self._exchanges[id_]

    def exchange_of(self, handle: bytes) -> Kept:
        with self._lock:
            return self.exchange(next((kept.id for kept in self._exchanges.values() if kept.handle == handle), b""))

    def settle_exchange(self, id_: bytes, settled: Settled) -> None:
        with self._lock:
            if not self.exchange(id_).open:
                raise AlreadyUsed("storage.already_used", "the request was answered before")
            if any(used in self._nonces for used, _ in settled.once):
                raise AlreadyUsed("storage.already_used", "something was used before")
            self.take_nonce(settled.nonce, settled.until)
            self._nonces.update(used for used, _ in settled.once)
            self._exchanges[id_] = replace(self._exchanges[id_], open=False, record=None, outcome=settled.outcome)
            if settled.code:
                self._codes[id_] = settled.code
            if settled.claims:
                self._claims[id_] = settled.claims

    def take_code(self, id_: bytes, code: bytes) -> None:
        with self._lock:
            if self._codes.get(id_) != code:
                raise AlreadyUsed("storage.already_used", "another code, or used before")
            del self._codes[id_]

    def take_claims(self, id_: bytes, at: datetime, *, keep: bool = False) -> bytes | None:
        with self._lock:
            found = self._claims.get(id_)
            if found is None or found.until <= at:
                return None
            if not keep:
                del self._claims[id_]
            return found.record

    def pace_exchange(self, id_: bytes, at: datetime, before: datetime) -> bool:
        with self._lock:
            if id_ not in self._exchanges or self._seen.get(id_, before) > before:
                return False
            self._seen[id_] = at
            return True

    def drop_exchange(self, id_: bytes) -> bool:
        with self._lock:
            self._claims.pop(id_, None)
            return self._exchanges.pop(id_, None) is not None

    def forget_exchanges(self, at: datetime, before: datetime) -> int:
        with self._lock:
            unread = [id_ for id_, claims in self._claims.items() if claims.until <= at]
            over = [kept.id for kept in self._exchanges.values() if kept.until < before]
            for id_ in unread:
                del self._claims[id_]
            for id_ in over:
                del self._exchanges[id_]
            return len(unread) + len(over)
