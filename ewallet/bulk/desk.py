"""Where the rows of a batch are worked on: by whichever worker, with an issuer and a database handle of its own.

A piece of a batch is looked up, prepared, recorded in one transaction, and then signed. Rule of this file: a key is
used after the status entries of what it signs are on record, and what one row asks too much does not stop the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache, partial
from hashlib import sha256
from itertools import islice
from typing import Any, Final, Literal

from ewallet.authorization import Code, Grant, Offered
from ewallet.bulk.rows import Begun, BulkStore, Result, Row, Step, row_name
from ewallet.catalog.eligibility import KIND
from ewallet.command import understood
from ewallet.credential import Claims, StatusRef
from ewallet.env import Env, Random
from ewallet.errors import NotFound, StoreError, UsageError
from ewallet.formats import ToSign
from ewallet.intents import Intent
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer, Plan
from ewallet.keys import PublicKey
from ewallet.records import Pending, Records

OFFER_LIFE: Final = timedelta(days=7)  # a letter takes days; the offer of a page, which is looked at, has minutes
Offers = Literal["tx_code", "open", "none"]
_DESKS: Final = 8  # that threads of one process keep at hand


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What all rows of a batch have in common: its name in the store, whose run it is, and how offers are made.

    An ``open`` offer is for whoever has the link; the other kind also takes a transaction code.
    """

    batch: bytes
    run: bytes = b""
    offers: Offers = "tx_code"
    offer_life: timedelta = OFFER_LIFE


@dataclass(frozen=True, kw_only=True)
class Desk:
    """An issuer with its records and its memory of batches; without ``issuance`` nothing is offered."""

    issuer: Issuer
    records: Records
    store: BulkStore
    issuance: Issuance | None = None
    env: Env = field(default_factory=Env)

    def issue(self, terms: Terms, rows: Sequence[Row]) -> list[Result]:
        """What becomes of these rows, in their order: signed or offered, on record, and not yet written anywhere.

        Raises ``storage.*``, and ``usage.in_progress`` where another run has taken the batch over.
        """
        begun = self.store.begun([row_name(terms.batch, row.id) for row in rows])
        looked = [self._looked(terms, row, begun) for row in rows]
        self._record(terms, [each for each in looked if isinstance(each, _Todo)])
        return [_signed(each) for each in looked]

    def check(self, terms: Terms, rows: Sequence[Row]) -> list[Result]:
        """What would become of them, as far as that can be told without recording anything."""
        begun = self.store.begun([row_name(terms.batch, row.id) for row in rows])
        return [_ready(self._looked(terms, row, begun)) for row in rows]

    def _looked(self, terms: Terms, row: Row, begun: Mapping[bytes, Begun]) -> _Todo | Result:
        name = row_name(terms.batch, row.id)
        found = begun.get(name)
        try:
            _check_same(row, found)
            if found and found.is_done:
                return Result(number=row.number, id=row.id, outcome="already")
            self.issuer.catalog.type(row.type_id)  # before the records are asked for one
            _check_no_answer(row)
            return self._planned(row, name, found) if row.keys else self._drafted(terms, row, name, found)
        except StoreError as exc:
            if not isinstance(exc, NotFound):
                raise
            return Result.refused(row.number, row.id, exc)
        except Exception as exc:  # noqa: BLE001 - one row's trouble is not that of the next
            return Result.refused(row.number, row.id, understood(exc))

    def _planned(self, row: Row, name: bytes, found: Begun | None) -> _Todo:
        """A certificate for the keys of the row; one that was begun keeps its identifier and its entries."""
        claims = self._claims(row) if row.claims is None else row.claims
        keys = [PublicKey.of_jwk(jwk) for jwk in row.keys]
        plan = self.issuer.plan(row.type_id, claims, subject=row.subject, holders=keys, format_id=row.format_id)
        if found:
            plan = replace(plan, certificate=replace(plan.certificate, id=found.certificate_id))
        return _Todo(row=row, name=name, again=found is not None, plan=plan, refs=list(found.refs if found else ()))

    def _drafted(self, terms: Terms, row: Row, name: bytes, found: Begun | None) -> _Todo:
        """An offer to the person, of what the records say when it is taken."""
        if self.issuance is None or terms.offers == "none":
            raise UsageError("usage.argument", "no key of the holder, and no offers are to be made")
        if row.claims is not None:
            raise UsageError(
                "usage.argument", "no key of the holder, and claims; what is offered comes from the records"
            )
        configuration = f"{row.type_id}.{row.format_id}"
        if configuration not in self.issuance.metadata.configurations:
            raise UsageError("usage.argument", "a kind that is not issued here in that format")
        self._claims(row)
        until = self.env.now() + terms.offer_life
        grant = Grant(subject=row.subject, configuration_ids=(configuration,), until=until)
        code, offered = self.issuance.server.draft(grant, name=name.hex(), tx_code=terms.offers == "tx_code")
        return _Todo(row=row, name=name, again=found is not None, code=code, offered=offered)

    def _claims(self, row: Row) -> Claims:
        claims = self.records.claims(row.subject, row.type_id)
        if isinstance(claims, Pending):
            raise NotFound("storage.not_found", "the record is not ready yet")
        return claims

    def _record(self, terms: Terms, todo: Sequence[_Todo]) -> None:
        """All of it in one transaction; entries that others have are drawn again."""
        taken: frozenset[StatusRef] | None = None
        while todo and (taken is None or taken):
            for each in todo:
                each.give_back(taken or frozenset())
            drawn = iter(self.issuer.entries(sum(each.lacking for each in todo)))
            steps = [each.step(drawn, self.env.random) for each in todo]
            taken = self.store.begin(terms.batch, terms.run, steps)


@dataclass(kw_only=True)
class _Todo:
    """A row on its way from what it asks for to what it gets: by a plan, or by an offer."""

    row: Row
    name: bytes
    again: bool
    plan: Plan | None = None
    code: Code | None = None
    offered: Offered | None = None
    refs: list[StatusRef] = field(default_factory=list)
    copies: dict[StatusRef, ToSign] = field(default_factory=dict)

    @property
    def lacking(self) -> int:
        """How many entries are still to be drawn."""
        return len(self.plan.drafts) - len(self.refs) if self.plan else 0

    def give_back(self, taken: AbstractSet[StatusRef]) -> None:
        """Others have these; what a row has on record is its own."""
        if not self.again and taken:
            self.refs = [ref for ref in self.refs if ref not in taken]

    def step(self, drawn: Iterator[StatusRef], random: Random) -> Step:
        """What is to be recorded before the key is used."""
        step = Step(name=self.name, fingerprint=self.row.fingerprint, code=self.code, again=self.again)
        if self.plan is None:
            return step
        self.refs += islice(drawn, self.lacking)
        # a place among the copies may have changed with the entries that others had
        self.copies = {ref: self.plan.copy(number, ref, random) for number, ref in enumerate(self.refs)}
        intents = [Intent(status=ref, digest=sha256(copy.data).digest()) for ref, copy in self.copies.items()]
        return replace(step, certificate=self.plan.certificate, intents=intents, document=self.plan.document)

    def result(self) -> Result:
        """What is written for it; here a certificate is signed."""
        made = Result(number=self.row.number, id=self.row.id, outcome="issued", type_id=self.row.type_id)
        made = replace(made, format_id=self.row.format_id)
        if self.offered:
            offered = self.offered
            uri = offered.reference.uri
            return replace(made, outcome="offered", offer=uri, tx_code=offered.tx_code, until=offered.until)
        if self.plan is None:
            return made
        signer, certificate = self.plan.signer, self.plan.certificate
        credentials = tuple(copy.complete(signer.sign(copy.data)) for copy in self.copies.values())
        return replace(made, certificate_id=certificate.id, credentials=credentials, until=certificate.until)


def _check_same(row: Row, found: Begun | None) -> None:
    if found and found.fingerprint != row.fingerprint:
        raise UsageError("usage.key_reused", "a row of that id asked for something else")


def _check_no_answer(row: Row) -> None:
    """An answer is worked out when its person asks, and they are told: no list of people is answered."""
    if row.type_id == KIND:
        raise UsageError("usage.argument", "answers to rules are not issued in batches")


def _signed(todo: _Todo | Result) -> Result:
    """Where signing fails the row stays begun, and the next run finishes it."""
    if isinstance(todo, Result):
        return todo
    try:
        return todo.result()
    except Exception as exc:  # noqa: BLE001 - one row's trouble is not that of the next
        return Result.refused(todo.row.number, todo.row.id, understood(exc))


def _ready(todo: _Todo | Result) -> Result:
    if isinstance(todo, Result):
        return todo
    return Result(number=todo.row.number, id=todo.row.id, outcome="ready", type_id=todo.row.type_id)


def work(make: Callable[[], Desk], terms: Terms, rows: Sequence[Row]) -> list[Result]:
    """What a worker does with a piece of a batch, at the desk that it has or makes."""
    return opened(make).issue(terms, rows)


def opened(make: Callable[[], Desk]) -> Desk:
    """The desk of this process: what it holds (a database, a hardware module) is made here and goes nowhere else."""
    if isinstance(make, partial):  # one that was pickled is equal to no other; what it is made of may be
        return _opened(make.func, make.args, tuple(make.keywords.items()))
    return _opened(make, (), ())


@lru_cache(maxsize=_DESKS)
def _opened(make: Callable[..., Desk], args: tuple[Any, ...], keywords: tuple[tuple[str, Any], ...]) -> Desk:
    return make(*args, **dict(keywords))
