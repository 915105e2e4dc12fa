"""A damaged record: it is what its person cannot have, and keeps nobody else from anything."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from ewallet.errors import StoreError
from ewallet.mydata import State
from ewallet.testing.history import Register
from ewallet.testing.mydata import CITIZEN, CITY, MemoryMyDataStore, World

OTHER = "citizen-2"
STANDING = "local_youth_job_support"


class Damaged(MemoryMyDataStore):
    """Some of what it keeps has changed since."""

    def damage_slots(self) -> None:
        """No handle is found any more by the person's key."""
        self._slots = {tag: _damaged(slot) for tag, slot in self._slots.items()}

    def damage(self, consent_id: str) -> None:
        """What is in that consent."""
        row = self._consents[consent_id]
        self._consents[consent_id] = replace(row, sealed=_damaged(row.sealed))


def _damaged(sealed: bytes) -> bytes:
    return sealed[:60] + bytes([sealed[60] ^ 1]) + sealed[61:]


@pytest.fixture
def register() -> Register:
    """The log."""
    return Register()


@pytest.fixture
def store(register: Register) -> Damaged:
    """The store that writes to it."""
    return Damaged(register.store)


@pytest.fixture
def world(register: Register, store: Damaged) -> World:
    """A portal on both."""
    made = World.make(register=register, store=store)
    for item in made.catalog.bundle(STANDING).items:
        for person in (CITIZEN, OTHER):
            made.kit.records.given[person, item.type_id] = made.catalog.type(item.type_id).sample
    return made


def test_deletion_that_cannot_be_read_stops_no_start(
    world: World, store: Damaged, caplog: pytest.LogCaptureFixture
) -> None:
    """Its person is told each time, an operator reads of it, and others are deleted."""
    world.given(STANDING, recipient=CITY)
    store.damage_slots()
    with pytest.raises(StoreError) as refused:
        world.mydata.erase(CITIZEN)
    world.given(STANDING, recipient=CITY, subject=OTHER)
    assert world.mydata.erase(OTHER).acknowledgement
    with caplog.at_level(logging.ERROR, "ewallet"):
        assert 0 == world.mydata.recover()

    assert "storage.corrupt" == refused.value.code
    assert "storage.corrupt" in caplog.text
    assert CITIZEN not in caplog.text


def test_withdrawal_that_cannot_be_read_keeps_nobody_from_being_deleted(world: World, store: Damaged) -> None:
    """What was provided under it is revoked all the same."""
    consent = world.given(STANDING, recipient=CITY)
    world.mydata.download(consent.id, recipient=CITY)
    opened = world.mydata._consents.opened(consent.id)
    world.mydata._consents.end(opened, State.WITHDRAWN, "consent.withdrawn", world.kit.clock.now(), tell=True)
    store.damage(consent.id)
    world.given(STANDING, recipient=CITY, subject=OTHER)

    assert world.mydata.erase(OTHER).acknowledgement
    assert 0 == world.mydata.recover()
    assert [consent.id] == store.unsettled()
    assert {"REVOKED"} == {each.status.name for each in world.kit.issuer.certificates(consent.id)}


def test_consent_that_cannot_be_read_keeps_no_other_one_waiting(world: World, store: Damaged) -> None:
    """It is tried again, and says why it is not provided under."""
    consents = [world.given(STANDING, recipient=CITY, subject=person) for person in (CITIZEN, OTHER)]
    first, second = sorted(consents, key=lambda consent: consent.id)
    store.damage(first.id)
    runs = {run.consent_id: run for run in world.mydata.run_due()}

    assert "storage.corrupt" == runs[first.id].code
    assert runs[second.id].package is not None
