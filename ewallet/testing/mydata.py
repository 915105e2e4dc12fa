"""A portal in memory: its store, and a world around it with an issuer, a log, a bank, and people who consent.

::

    world = World.make()
    consent = world.given("bank_personal_loan")
    package = world.mydata.download(consent.id, recipient=world.bank.id)
    assert isinstance(world.judge(package), Accepted)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, Final

from ewallet.catalog import Catalog
from ewallet.consent import Consent
from ewallet.env import Env
from ewallet.errors import AlreadyUsed, NotFound
from ewallet.history import LogStore
from ewallet.keys import SigningKey
from ewallet.mydata import MyData, MyDataStore, Registers, State
from ewallet.mydata.store import READY, ConsentRow, Erasure, Message, Opening, PackageRow, Relation
from ewallet.package import Package, Receiving
from ewallet.recipients import Recipient, RecipientTable
from ewallet.sql import Database
from ewallet.testing.clock import START, Clock
from ewallet.testing.history import Register
from ewallet.testing.keystore import MemoryKeyStore
from ewallet.testing.kit import Kit
from ewallet.trace import Happened, NoticeRow, Trace
from ewallet.vault import KeyStore, Vault
from ewallet.verdict import Verdict

BANK: Final = "bank-0001"
CITY: Final = "city-0001"
CITIZEN: Final = "citizen-1"
EVIDENCE: Final = b"the presentation that confirmed it"
MASTER: Final = bytes(range(32))


class MemoryMyDataStore:
    """A :class:`ewallet.mydata.MyDataStore`, gone with the object. Safe for threads."""

    def __init__(self, log: LogStore) -> None:
        self._log = log
        self._slots: dict[bytes, bytes] = {}
        self._relations: dict[str, bytes] = {}
        self._consents: dict[str, ConsentRow] = {}
        self._unsettled: dict[str, None] = {}
        self._packages: dict[tuple[str, int], PackageRow] = {}
        self._notices: list[NoticeRow] = []
        self._openings: list[Opening] = []
        self._messages: dict[str, Message] = {}
        self._erasures: dict[str, Erasure] = {}
        self._tombstones: set[str] = set()
        self._lock = RLock()

    def slots(self, tags: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return {tag: self._slots[tag] for tag in tags if tag in self._slots}

    def relation(self, handle: str) -> bytes:
        if handle not in self._relations:
            raise NotFound("storage.not_found", "nobody has that handle")
        return self._relations[handle]

    def open_relation(self, subject: str, relation: Relation) -> bool:
        with self._lock:
            self._check_kept(subject)
            if relation.tag in self._slots:
                return False
            self._slots[relation.tag] = relation.slot
            self._relations[relation.handle] = relation.sealed
            return True

    def give(self, subject: str, row: ConsentRow, happened: Happened, renews: str = "") -> int:
        with self._lock:
            self._check_kept(subject, row.handle)
            if row.id in self._consents:
                raise AlreadyUsed("storage.already_used", "a consent of that identifier was given before")
            if renews and not self._moved(renews, State.RENEWED, given=True):
                raise NotFound("storage.not_found", "no consent of that identifier is given")
            self._consents[row.id] = replace(row, seq=self._logged(happened))
            return self._consents[row.id].seq

    def consent(self, consent_id: str) -> ConsentRow | None:
        return self._consents.get(consent_id)

    def consents(self, handle: str) -> Sequence[ConsentRow]:
        with self._lock:
            return [row for row in self._consents.values() if row.handle == handle]

    def package(self, consent_id: str, cycle: int) -> PackageRow | None:
        return self._packages.get((consent_id, cycle))

    def packages(self, consent_id: str) -> Sequence[PackageRow]:
        with self._lock:
            return [self._packages[key] for key in sorted(self._packages) if key[0] == consent_id]

    def countersign(self, package_id: str, receipt: bytes) -> bytes:
        with self._lock:
            for key, row in self._packages.items():
                if row.id == package_id:
                    self._packages[key] = replace(row, receipt=row.receipt or receipt)
                    return row.receipt or receipt
        raise NotFound("storage.not_found", "no package of that identifier")

    def provide(
        self,
        row: PackageRow,
        notice: NoticeRow,
        happened: Happened,
        *,
        due: datetime | None,
        message: Message | None = None,
        anew: bool = False,
    ) -> int:
        with self._lock:
            consent = self._consents.get(row.consent)
            if consent is None or consent.state is not State.GIVEN:
                raise NotFound("storage.not_found", "no consent of that identifier is given")
            waiting = anew and self.is_waiting(row.consent)
            if (row.consent, row.cycle) in self._packages and not waiting:
                raise AlreadyUsed("storage.already_used", "that cycle was provided")
            self._consents[row.consent] = replace(consent, due=due)
            if anew:
                self.collect(row.consent)
            self._tell(message)
            seq = self._logged(happened)
            self._packages[row.consent, row.cycle] = replace(row, seq=seq)
            self._notices.append(replace(notice, seq=seq))
            return seq

    def is_waiting(self, consent_id: str) -> bool:
        with self._lock:
            return any(_is_ready(each, consent_id) for each in self._messages.values())

    def collect(self, consent_id: str) -> None:
        with self._lock:
            self._messages = {id_: each for id_, each in self._messages.items() if not _is_ready(each, consent_id)}

    def end(self, consent_id: str, state: State, happened: Happened, message: Message | None = None) -> bool:
        with self._lock:
            if not self._moved(consent_id, state):
                return False
            self._tell(message)
            self._logged(happened)
            return True

    def stop(self, handle: str, happened: Happened, message: Message) -> int:
        with self._lock:
            found = [row.id for row in self.consents(handle) if self._moved(row.id, State.STOPPED)]
            if found:
                self._tell(message)
                self._logged(happened)
            return len(found)

    def unsettled(self) -> Sequence[str]:
        return list(self._unsettled)

    def settle(self, consent_id: str, happened: Sequence[Happened]) -> bool:
        with self._lock:
            if consent_id not in self._unsettled:
                return False
            del self._unsettled[consent_id]
            for each in happened:
                self._logged(each)
            return True

    def record(self, happened: Happened, *, notice: NoticeRow | None = None, subject: str = "") -> int:
        with self._lock:
            if subject:
                self._check_kept(subject, happened.event.subject)
            seq = self._logged(happened)
            self._notices += [replace(notice, seq=seq)] if notice else []
            return seq

    def leave(self, trace: Trace) -> int:
        """Put a look on record; what a :class:`ewallet.testing.stores.MemoryIssuerStore` calls."""
        return self.record(trace.happened, notice=trace.notice, subject=trace.subject)

    def skip(self, consent_id: str, was: datetime, due: datetime | None, happened: Happened) -> bool:
        with self._lock:
            row = self._consents.get(consent_id)
            if row is None or row.state is not State.GIVEN or row.due != was:
                return False
            self._consents[consent_id] = replace(row, due=due)
            self._logged(happened)
            return True

    def due(self, at: datetime, limit: int, after: str = "") -> Sequence[ConsentRow]:
        with self._lock:
            found = [row for row in self._consents.values() if row.due and row.due <= at < row.until]
        waiting = [row for row in found if row.state is State.GIVEN and row.id > after]
        return sorted(waiting, key=lambda row: row.id)[:limit]

    def notices(self, handle: str) -> Sequence[NoticeRow]:
        return [row for row in self._notices if row.handle == handle]

    def openings(self, handle: str) -> Sequence[Opening]:
        return [opening for opening in self._openings if opening.handle == handle]

    def messages(self, recipient: str = "", limit: int = 100) -> Sequence[Message]:
        with self._lock:
            found = [each for each in self._messages.values() if recipient in ("", each.recipient)]
        return sorted(found, key=lambda each: (each.at, each.id))[:limit]

    def told(self, message_id: str) -> None:
        with self._lock:
            self._messages.pop(message_id, None)

    def last_erasure(self, subject: str) -> Erasure | None:
        with self._lock:
            found = [each for each in self._erasures.values() if each.subject == subject]
        return found[-1] if found else None

    def begin_erasure(self, erasure: Erasure, after: str = "") -> Erasure:
        with self._lock:
            last = self.last_erasure(erasure.subject)
            if last and (last.id != after or last.seq is None):
                return last
            return self._erasures.setdefault(erasure.id, erasure)

    def plan_erasure(self, erasure_id: str, plan: bytes, handles: Sequence[str]) -> bytes:
        with self._lock:
            erasure = self._erasures[erasure_id]
            if erasure.plan or erasure.seq is not None:
                return erasure.plan
            self._erasures[erasure_id] = replace(erasure, plan=plan)
            for row in self._consents.values():
                if row.handle in handles:
                    self._consents[row.id] = replace(row, state=State.ERASED)
            return plan

    def finish_erasure(
        self, erasure_id: str, handles: Sequence[str], tags: Sequence[bytes], happened: Happened, names: Sequence[str]
    ) -> int:
        with self._lock:
            erasure = self._erasures[erasure_id]
            if erasure.seq is not None:
                return erasure.seq
            self._delete(set(handles), set(tags))
            self._tombstones.update(names)
            seq = self._log.append(happened.event).seq
            self._erasures[erasure_id] = replace(erasure, plan=b"", seq=seq)
            return seq

    def erasures(self, *, open_only: bool = False) -> Sequence[Erasure]:
        return [each for each in self._erasures.values() if each.seq is None or not open_only]

    def tombstones(self) -> Sequence[str]:
        return sorted(self._tombstones)

    def scrub(self) -> None:
        """There is no file."""

    def _check_kept(self, subject: str, handle: str = "") -> None:
        last = self.last_erasure(subject)
        if (last and last.seq is None) or (handle and handle not in self._relations):
            raise NotFound("storage.not_found", "the data of this person is being deleted, or was just now")

    def _moved(self, consent_id: str, state: State, *, given: bool = False) -> bool:
        row = self._consents.get(consent_id)
        if row is None or row.state >= state or (given and row.state is not State.GIVEN):
            return False
        self._consents[consent_id] = replace(row, state=state)
        if state is State.WITHDRAWN:
            self._unsettled[consent_id] = None
        return True

    def _logged(self, happened: Happened) -> int:
        seq = self._log.append(happened.event).seq
        self._openings.append(Opening(seq=seq, handle=happened.event.subject, sealed=happened.opening))
        return seq

    def _tell(self, message: Message | None) -> None:
        if message:
            self._messages[message.id] = message

    def _delete(self, handles: set[str], tags: set[bytes]) -> None:
        gone = {row.id for row in self._consents.values() if row.handle in handles}
        self._packages = {key: row for key, row in self._packages.items() if key[0] not in gone}
        self._consents = {id_: row for id_, row in self._consents.items() if id_ not in gone}
        self._unsettled = {id_: None for id_ in self._unsettled if id_ not in gone}
        self._notices = [row for row in self._notices if row.handle not in handles]
        self._openings = [row for row in self._openings if row.handle not in handles]
        self._relations = {handle: raw for handle, raw in self._relations.items() if handle not in handles}
        self._slots = {tag: raw for tag, raw in self._slots.items() if tag not in tags}


def _is_ready(message: Message, consent_id: str) -> bool:
    return (message.about, message.consent) == (READY, consent_id)


@dataclass(kw_only=True)
class World:
    """A portal and who has to do with it; its clock is that of the kit."""

    kit: Kit
    register: Register
    key: SigningKey
    bank: Recipient
    mydata: MyData
    store: MyDataStore
    vault: Vault
    registers: Registers
    citizen: str = CITIZEN

    @classmethod
    def make(
        cls,
        *,
        kit: Kit | None = None,
        register: Register | None = None,
        store: MyDataStore | None = None,
        keys: KeyStore | None = None,
        bank_key: SigningKey | None = None,
        **more: Any,
    ) -> World:
        """A fresh world, in memory but for the stores that are given; the log and the store go together."""
        kit = kit or Kit.make()
        register = register or Register(clock=kit.clock)
        store = store or MemoryMyDataStore(register.store)
        key = bank_key or SigningKey.generate()
        bank = _recipient(BANK, "bank", {"ko": "가상은행", "en": "Example Bank"}, key, kit)
        city = _recipient(CITY, "local_government", {"ko": "가상시", "en": "Example City"}, key, kit)
        vault = Vault(keys or MemoryKeyStore(), MASTER, kit.clock.env("vault").random)
        registers = Registers(records=kit.records, recipients=RecipientTable((bank, city)), trust=kit.pki.trust_list())
        mydata = MyData(
            kit.issuer,
            registers=registers,
            vault=vault,
            store=store,
            log=register.log,
            env=kit.clock.env("mydata"),
            **more,
        )
        return cls(
            kit=kit,
            register=register,
            key=key,
            bank=bank,
            mydata=mydata,
            store=store,
            vault=vault,
            registers=registers,
        )

    @classmethod
    def on(
        cls,
        portal: Database,
        keys: Database,
        key: SigningKey,
        *,
        at: datetime = START,
        bank_key: SigningKey | None = None,
        **kit: Any,
    ) -> World:
        """On these databases, whose log goes on under that key; another world may have used them before."""
        clock = _Honest(at)
        log: Any = portal.history  # any log will do, but for tests that look into one in memory
        return cls.make(
            kit=Kit.make(clock=clock, issuer_store=portal.issuer, **kit),
            register=Register(clock=clock, key=key, store=log, heads=keys.heads),
            store=portal.mydata,
            keys=keys.keys,
            bank_key=bank_key,
        )

    @property
    def catalog(self) -> Catalog:
        """The kinds and bundles."""
        return self.kit.catalog

    @property
    def receiving(self) -> Receiving:
        """How the bank takes packages."""
        believed = self.register.believed
        return Receiving(recipient=BANK, key=self.key.public.thumbprint, believed=believed, catalog=self.catalog)

    def given(self, bundle_id: str = "bank_personal_loan", *, subject: str = CITIZEN, **choice: Any) -> Consent:
        """A consent that the person has given, to the bank where nobody else is named."""
        chosen: dict[str, Any] = {"days": 30, "recipient": BANK} | choice
        consent = self.mydata.propose(bundle_id, **chosen)
        return self.mydata.give(consent, subject, evidence=EVIDENCE).consent

    def judge(self, package: Package) -> Verdict:
        """What the bank makes of a package."""
        return self.kit.verifier.verify_package(package.to_bytes(), self.receiving)


class _Honest(Clock):
    """A clock whose entropy is that of the machine: whoever comes after another draws other names."""

    def env(self, seed: str = "") -> Env:
        """An environment with this clock."""
        return Env(now=self.now)


def _recipient(id_: str, class_: str, names: Mapping[str, str], key: SigningKey, kit: Kit) -> Recipient:
    """Registered for all bundles of its class, with one key."""
    bundles = frozenset(bundle.id for bundle in kit.catalog.bundles() if bundle.recipient_class == class_)
    until = kit.clock.now() + timedelta(days=3650)
    return Recipient(id=id_, names=names, class_=class_, keys=(key.public,), bundles=bundles, until=until)
