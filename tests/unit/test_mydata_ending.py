"""What ends something in MyData: withdrawal, deletion, stopping a recipient, and that none does the work of another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ewallet.errors import EWalletError, UsageError
from ewallet.history import new_handle
from ewallet.mydata import Deletion, State
from ewallet.mydata.erasure import facts_of, read_acknowledgement
from ewallet.mydata.store import Erasure
from ewallet.testing.mydata import BANK, CITIZEN, CITY, World
from ewallet.vault import KEY_BACKUP
from ewallet.verdict import Accepted

MONTHLY = "local_youth_job_support"


@pytest.fixture
def world() -> World:
    """A portal, a bank, a city, and a person."""
    return World.make()


def _code(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(EWalletError) as refused:
        call(*arguments, **named)
    return refused.value.code


def _past(world: World, subject: str = CITIZEN) -> list[tuple[str, str]]:
    return [(past.entry.event.type, past.entry.event.outcome) for past in world.mydata.history(subject)]


def _minute(world: World) -> None:
    """Let status lists be fetched anew."""
    world.kit.clock.advance(timedelta(minutes=2))


def test_withdrawal_does_its_own_only(world: World) -> None:
    """MYD-13: no more is provided, what was is revoked, the recipient is told; what is kept and held stays."""
    document = world.kit.issue("resident_register_copy")
    consent = world.given()
    package = world.mydata.download(consent.id, recipient=BANK)
    world.mydata.withdraw(consent.id, CITIZEN)
    _minute(world)

    assert "consent.withdrawn" == _code(world.mydata.download, consent.id, recipient=BANK)
    assert "status.revoked" == world.judge(package).code
    assert ["consent.withdrawn"] == [message.about for message in world.mydata.messages(BANK)]
    assert 1 == len(world.mydata.consents(CITIZEN)) == len(world.mydata.notices(CITIZEN))
    assert {"VALID"} == {each.status.name for each in world.kit.issuer.certificates(CITIZEN)}
    assert document.id


def test_deletion_does_its_own_only(world: World) -> None:
    """MYD-13: nothing is left to read; what was handed over holds, and nobody is told that it does not."""
    world.kit.issue("resident_register_copy")
    consent = world.given()
    package = world.mydata.download(consent.id, recipient=BANK)
    world.mydata.erase(CITIZEN)
    _minute(world)

    assert isinstance(world.judge(package), Accepted)
    assert ((), ()) == (world.mydata.messages(), world.mydata.consents(CITIZEN))
    assert {"VALID"} == {each.status.name for each in world.kit.issuer.certificates(CITIZEN)}


class _EndsMeanwhile:
    """A store whose deletions another process carries out as soon as they were looked for."""

    def __init__(self, world: World) -> None:
        self._store, self._other = world.store, world.mydata._erasing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def last_erasure(self, subject: str) -> Erasure | None:
        found = self._store.last_erasure(subject)
        if found:
            self._other.resume(found)
        return found


def test_a_deletion_that_ends_meanwhile_is_no_second_one(world: World) -> None:
    """Whoever finds one under way joins it, and the log has it once."""
    world.given()
    erasing = world.mydata._erasing
    at, id_ = world.kit.clock.now(), new_handle(world.kit.env.random)
    begun = world.store.begin_erasure(Erasure(id=id_, subject=CITIZEN, at=at, blinding=b"x" * 32))
    store: Any = _EndsMeanwhile(world)
    joined = replace(erasing, people=replace(erasing.people, store=store))

    assert begun.id == joined.erase(CITIZEN, at).id
    assert [begun.id] == [each.id for each in world.store.erasures()]


def test_revocation_does_its_own_only(world: World) -> None:
    """MYD-13: one certificate is over; the consent holds and what was provided under it does, too."""
    world.kit.issue("resident_register_copy")
    consent = world.given(MONTHLY, recipient=CITY, days=90)
    (certificate,) = world.kit.issuer.certificates(CITIZEN)
    world.kit.issuer.revoke(certificate.id, reason="a test")

    assert [State.GIVEN] == [given.state for given in world.mydata.consents(CITIZEN)]
    assert world.mydata.download(consent.id, recipient=CITY).members


def test_stopping_one_recipient_stops_no_other(world: World) -> None:
    """All consents given to it so far, in one call; what it has holds, and a consent that is given later does."""
    first, second = world.given(), world.given()
    other = world.given(MONTHLY, recipient=CITY, days=90)
    package = world.mydata.download(first.id, recipient=BANK)
    assert 2 == world.mydata.stop(BANK, CITIZEN)
    _minute(world)

    assert "consent.withdrawn" == _code(world.mydata.download, second.id, recipient=BANK)
    assert isinstance(world.judge(package), Accepted)
    assert world.mydata.download(other.id, recipient=CITY).members
    assert world.mydata.download(world.given().id, recipient=BANK).members
    assert ["recipient.stopped"] == [message.about for message in world.mydata.messages(BANK)]


# -- deletion --------------------------------------------------------------------------------------------------


def test_acknowledgement_says_what_stays_and_until_when(world: World) -> None:
    """MYD-11: signed, in the log, with laws and dates, and the day from which no backup has the keys."""
    world.given()
    erased = world.mydata.erase(CITIZEN)
    claims, logged = read_acknowledgement(erased.acknowledgement, world.kit.issuer.metadata_signer.public)
    entry, _ = logged.check_payload(facts_of(claims), "data.deleted", world.register.believed)

    assert erased.id == entry.event.subject == claims["id"]
    assert (erased.at + KEY_BACKUP).date() < erased.final
    assert erased.final.isoformat() == claims["final"]
    assert ["2028-11-21", "2029-11-21"] == [kept["until"] for kept in claims["kept"]]
    assert all(kept["law"] and kept["what"]["ko"] for kept in claims["kept"])
    assert "keys" in claims["destroyed"]


def test_deletion_forgets_in_other_places_too() -> None:
    """Whatever else was told to."""
    forgotten: list[str] = []

    class Pages:
        def forget(self, subject: str) -> None:
            forgotten.append(subject)

    world = World.make(deletion=Deletion(caches=(Pages(),)))
    world.given()
    world.mydata.erase(CITIZEN)
    assert [CITIZEN] == forgotten


def test_whoever_comes_back_is_somebody_new(world: World) -> None:
    """Nothing of before is there, and what is given now is deleted in its turn, with an answer of its own."""
    first_consent = world.given()
    first = world.mydata.erase(CITIZEN)
    consent = world.given()

    assert [consent] == [given.consent for given in world.mydata.consents(CITIZEN)]
    assert [("consent.given", "done")] == _past(world)
    assert "consent.required" == _code(world.mydata.download, first_consent.id, recipient=BANK)
    second = world.mydata.erase(CITIZEN)
    assert first.id != second.id
    assert second.id == world.mydata.erase(CITIZEN).id
    assert () == world.mydata.consents(CITIZEN)


def test_nobody_is_named_like_whoever_somebody_becomes(world: World) -> None:
    """An identifier that would lead to what is kept of another person, who has come back, is refused."""
    world.mydata.erase(CITIZEN)
    world.given()
    with pytest.raises(UsageError) as refused:
        world.mydata.consents(f"{CITIZEN}\x1f1")

    assert "usage.argument" == refused.value.code


def test_somebody_who_never_came_is_deleted_too(world: World) -> None:
    """There is nothing, which the answer does not tell."""
    assert world.mydata.erase("citizen-9").acknowledgement
    assert () == world.mydata.history("citizen-9")
