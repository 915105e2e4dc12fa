"""What comes in between: a person ends something, or something is put on record, while something else is half way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ewallet.errors import ConsentError, NotFound
from ewallet.mydata.store import ConsentRow, Opening
from ewallet.testing.history import Register
from ewallet.testing.mydata import BANK, CITIZEN, CITY, MemoryMyDataStore, World

MONTHLY = "local_youth_job_support"


class Busy(MemoryMyDataStore):
    """A store that has somebody else come first, once, before it does what it is named for."""

    def __init__(self, log: Any) -> None:
        super().__init__(log)
        self.before: dict[str, Callable[[], object]] = {}

    def _let(self, name: str) -> None:
        first = self.before.pop(name, None)
        if first:
            first()

    def provide(self, *arguments: Any, **named: Any) -> int:
        self._let("provide")
        return super().provide(*arguments, **named)

    def record(self, *arguments: Any, **named: Any) -> int:
        self._let("record")
        return super().record(*arguments, **named)

    def openings(self, handle: str) -> Sequence[Opening]:
        self._let("openings")
        return super().openings(handle)

    def consents(self, handle: str) -> Sequence[ConsentRow]:
        self._let("consents")
        return super().consents(handle)


@pytest.fixture
def register() -> Register:
    """The log of that world."""
    return Register()


@pytest.fixture
def store(register: Register) -> Busy:
    """Its store."""
    return Busy(register.store)


@pytest.fixture
def world(register: Register, store: Busy) -> World:
    """A portal in whose store others come in between."""
    return World.make(register=register, store=store)


ENDS: dict[str, tuple[str, Callable[[World, str], object]]] = {
    "withdrawn": ("consent.withdrawn", lambda world, id_: world.mydata.withdraw(id_, CITIZEN)),
    "stopped": ("consent.withdrawn", lambda world, _: world.mydata.stop(BANK, CITIZEN)),
    "fulfilled": ("consent.expired", lambda world, id_: world.mydata.fulfil(id_, recipient=BANK)),
    "erased": ("consent.required", lambda world, _: world.mydata.erase(CITIZEN)),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_ends_while_a_package_is_made_ends_it(world: World, store: Busy, how: str) -> None:
    """Nothing is handed over, whoever asked is told why, and what was issued for it is revoked."""
    code, end = ENDS[how]
    consent = world.given()
    store.before["provide"] = lambda: end(world, consent.id)
    with pytest.raises(ConsentError) as refused:
        world.mydata.download(consent.id, recipient=BANK)

    assert code == refused.value.code
    assert {"REVOKED"} == {each.status.name for each in world.kit.issuer.certificates(consent.id)}
    assert () == world.mydata.notices(CITIZEN)


@pytest.mark.parametrize(
    ("moment", "recipient", "code"),
    [("provide", BANK, "consent.required"), ("record", "another", "consent.recipient")],
    ids=["provide", "record"],
)
def test_refusal_of_somebody_who_was_forgotten_leaves_nothing(
    world: World, store: Busy, moment: str, recipient: str, code: str
) -> None:
    """Not even that somebody asked is kept under a handle that is gone."""
    consent = world.given()
    store.before[moment] = lambda: world.mydata.erase(CITIZEN)
    with pytest.raises(ConsentError) as refused:
        world.mydata.download(consent.id, recipient=recipient)

    assert code == refused.value.code
    assert [] == [opening for opening in store._openings if opening.sealed]


def test_somebody_who_is_forgotten_while_all_are_provided_stops_nobody_else(world: World, store: Busy) -> None:
    """The others get theirs."""
    world.kit.records.given.update({("citizen-2", kind.id): kind.sample for kind in world.catalog})
    given = {world.given(MONTHLY, subject=who, recipient=CITY, days=60).id: who for who in (CITIZEN, "citizen-2")}
    first, second = sorted(given)
    store.before["provide"] = lambda: world.mydata.erase(given[first])

    assert [second] == [run.consent_id for run in world.mydata.run_due() if run.package]


def test_history_is_shown_while_something_is_put_on_record(world: World, store: Busy) -> None:
    """Every entry that is shown has a proof, the newest too."""
    world.given()
    world.mydata.export(CITIZEN, "json")
    store.before["openings"] = lambda: world.mydata.export(CITIZEN, "json")
    shown = world.mydata.history(CITIZEN)

    for past in shown:
        past.logged.check(world.register.believed)
    assert {"consent.given"} <= {past.entry.event.type for past in shown}


def test_consents_are_shown_while_another_is_given(world: World, store: Busy) -> None:
    """As above."""
    world.given()
    store.before["consents"] = world.given

    for given in world.mydata.consents(CITIZEN):
        given.logged.check(world.register.believed)
    assert 2 == len(world.mydata.consents(CITIZEN))


def test_attempt_to_end_the_consent_of_somebody_else_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """MYD-06: it is not there for them, and the log says that somebody tried, without a name."""
    consent = world.given()
    with caplog.at_level(logging.WARNING, "ewallet"), pytest.raises(NotFound) as refused:
        world.mydata.withdraw(consent.id, "citizen-2")
    with pytest.raises(NotFound) as unknown:
        world.mydata.withdraw("there is none such", "citizen-2")

    assert ("storage.not_found", "storage.not_found") == (refused.value.code, unknown.value.code)
    (said,) = [record.getMessage() for record in caplog.records if "did not give it" in record.getMessage()]
    assert consent.id[:16] in said
    assert "citizen" not in said
