"""The memory of a portal in each store: what happened is on record with it, once, whoever comes at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.errors import AlreadyUsed, ConsentError, EWalletError, NotFound
from ewallet.history import Entry
from ewallet.mydata import State
from ewallet.mydata.store import Erasure
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.history import Register
from ewallet.testing.kit import Kit
from ewallet.testing.mydata import BANK, CITIZEN, EVIDENCE, World

STANDING = "youth_savings_account"


@pytest.fixture(scope="module")
def catalog():
    """Read once."""
    return Kit.make().catalog


def _world(catalog, stack, urls):
    """A world whose issuer, log and memory are in one database, and the keys in another."""
    clock = Clock()
    if urls is None:
        return World.make(kit=Kit.make(clock=clock, catalog=catalog))
    database, keys = (stack.enter_context(closing(Database(url))) for url in urls)
    return World.make(
        kit=Kit.make(clock=clock, catalog=catalog, issuer_store=database.issuer),
        register=Register(clock=clock, store=database.history),
        store=database.mydata,
        keys=keys.keys,
    )


@pytest.fixture(params=["memory", "sqlite-memory", "sqlite-file", "postgres"])
def world(request, tmp_path, catalog):
    """A portal with each kind of store."""
    urls = {
        "memory": lambda: None,
        "sqlite-memory": lambda: ("sqlite://", "sqlite://"),
        "sqlite-file": lambda: (f"sqlite:///{tmp_path}/portal.db", f"sqlite:///{tmp_path}/keys.db"),
        "postgres": lambda: tuple(request.getfixturevalue("postgres").empty() for _ in range(2)),
    }
    with ExitStack() as stack:
        yield _world(catalog, stack, urls[request.param]())


def _types(world):
    raws = world.register.store.entries(0, 1000)
    return [Entry.read(raw).event.type for raw in raws]


def _code(call, *arguments, **named):
    with pytest.raises(EWalletError) as refused:
        call(*arguments, **named)
    return refused.value.code


def test_one_journey_leaves_the_same_everywhere(world):
    """Given, provided, withdrawn: each once on record, with what opens it, and a notice."""
    consent = world.given()
    package = world.mydata.download(consent.id, recipient=BANK)
    world.mydata.withdraw(consent.id, CITIZEN)
    expected = ["consent.given", "package.downloaded", "consent.withdrawn", "package.revoked"]

    assert expected == _types(world) == [past.entry.event.type for past in world.mydata.history(CITIZEN)]
    assert [State.WITHDRAWN] == [given.state for given in world.mydata.consents(CITIZEN)]
    assert [BANK] == [notice.recipient.id for notice in world.mydata.notices(CITIZEN)]
    assert [("consent.withdrawn", consent.id)] == [(each.about, each.consent) for each in world.mydata.messages(BANK)]
    assert package.check_logged(world.register.believed)


def test_crowd_gets_one_package(world):
    """Of all who come at once one provides, and the others get the same; one entry, one notice."""
    consent = world.given()
    with ThreadPoolExecutor(6) as crowd:
        got = list(crowd.map(lambda _: world.mydata.download(consent.id, recipient=BANK).members, range(6)))

    assert 1 == len(set(got))
    assert ["consent.given", "package.downloaded"] == _types(world)
    assert 1 == len(world.mydata.notices(CITIZEN))


def test_crowd_gives_one_consent(world):
    """The same call six times: one consent, one handle, one entry."""
    consent = world.mydata.propose("bank_personal_loan", recipient=BANK, days=30)
    with ThreadPoolExecutor(6) as crowd:
        given = list(crowd.map(lambda _: world.mydata.give(consent, CITIZEN, evidence=EVIDENCE), range(6)))

    assert 1 == len({each.logged.entry for each in given})
    assert ["consent.given"] == _types(world)


def test_withdrawal_and_download_at_once_end_in_one_of_two_ways(world):
    """Either it was provided before and is revoked, or it was not provided: never provided and left."""
    for _ in range(4):
        consent = world.given()
        with ThreadPoolExecutor(2) as pair:
            downloading = pair.submit(world.mydata.download, consent.id, recipient=BANK)
            pair.submit(world.mydata.withdraw, consent.id, CITIZEN).result()
        statuses = {certificate.status.name for certificate in world.kit.issuer.certificates(consent.id)}
        refused = isinstance(downloading.exception(), ConsentError)
        assert statuses <= {"REVOKED"}
        assert refused == (world.store.packages(consent.id) == [])


def test_giving_again_is_the_same_and_another_is_refused(world):
    """The answer was lost; somebody else's consent under that identifier is nothing they may know of."""
    consent = world.given()
    again = world.mydata.give(consent, CITIZEN, evidence=EVIDENCE)

    assert consent == again.consent
    assert "storage.already_used" == _code(world.mydata.give, consent, CITIZEN, evidence=b"another")
    assert "storage.not_found" == _code(world.mydata.give, consent, "citizen-2", evidence=EVIDENCE)
    assert ["consent.given"] == _types(world)


def test_states_only_go_up(world):
    """What was withdrawn is not fulfilled or stopped after that, nor put on record as if it were."""
    consent = world.given()
    world.mydata.withdraw(consent.id, CITIZEN)
    world.mydata.withdraw(consent.id, CITIZEN)
    world.mydata.fulfil(consent.id, recipient=BANK)

    assert 0 == world.mydata.stop(BANK, CITIZEN)
    assert ["consent.given", "consent.withdrawn"] == _types(world)


def test_renewal_takes_the_place_once(world):
    """And only of one that is given."""
    former = world.given()
    first, second = (world.mydata.propose("bank_personal_loan", recipient=BANK, days=60) for _ in range(2))
    world.mydata.renew(former.id, first, CITIZEN, evidence=EVIDENCE)
    world.mydata.renew(former.id, first, CITIZEN, evidence=EVIDENCE)

    assert "consent.expired" == _code(world.mydata.renew, former.id, second, CITIZEN, evidence=EVIDENCE)
    assert "consent.expired" == _code(world.mydata.download, former.id, recipient=BANK)
    assert world.mydata.download(first.id, recipient=BANK).members
    row = world.store.consent(first.id)
    opening = world.mydata._ledger.event("consent.given", row.handle, b"", at=row.at, about=row.id).happened
    with pytest.raises(AlreadyUsed) as refused:
        world.store.give(CITIZEN, row, opening)
    assert "storage.already_used" == refused.value.code
    with pytest.raises(NotFound) as missing:
        world.store.give(CITIZEN, replace(row, id=former.id[::-1]), opening, renews=former.id)
    assert "storage.not_found" == missing.value.code


def test_standing_consents_are_found_when_they_are_due(world):
    """In each cycle once, page by page, and not after the end."""
    consents = [world.given(STANDING, days=70, subject=f"citizen-{number}") for number in range(3)]
    now = world.kit.clock.now()

    assert sorted(consent.id for consent in consents) == [row.id for row in world.store.due(now, 10)]
    first = world.store.due(now, 1)[0]
    assert sorted(consent.id for consent in consents)[1:] == [row.id for row in world.store.due(now, 10, first.id)]
    assert [] == world.store.due(now - timedelta(seconds=1), 10)
    assert [] == world.store.due(consents[0].until, 10)
    assert 3 == len(world.mydata.run_due())
    assert () == world.mydata.run_due()


def test_messages_are_told_once(world):
    """Those of one recipient, the oldest first."""
    ids = [world.given().id for _ in range(2)]
    for consent_id in ids:
        world.mydata.withdraw(consent_id, CITIZEN)
        world.kit.clock.advance(timedelta(seconds=1))
    told = world.mydata.messages(BANK)
    world.mydata.told(told[0].id)
    world.mydata.told(told[0].id)

    assert ids == [message.consent for message in told]
    assert told[1:] == world.mydata.messages()
    assert () == world.mydata.messages("bank-0002")


def test_a_package_is_signed_for_once(world):
    """Whoever comes first, and it goes with the person; of a package that there is not, nothing is kept."""
    consent = world.given()
    world.mydata.download(consent.id, recipient=BANK)
    (row,) = world.store.packages(consent.id)
    assert row.receipt is None
    with ThreadPoolExecutor(4) as crowd:
        kept = {*crowd.map(lambda half: world.store.countersign(row.id, half), (b"1", b"2", b"3", b"4"))}

    (row,) = world.store.packages(consent.id)
    assert kept == {row.receipt}
    assert "storage.not_found" == _code(world.store.countersign, "nothing", b"1")
    world.mydata.erase(CITIZEN)
    assert "storage.not_found" == _code(world.store.countersign, row.id, b"1")


def test_deletion_takes_everything_of_one_person_only(world):
    """And another one's is read as before; the second time nothing happens again."""
    consent, other = world.given(), world.given(subject="citizen-2")
    world.mydata.download(consent.id, recipient=BANK)
    first, again = world.mydata.erase(CITIZEN), world.mydata.erase(CITIZEN)

    assert (first.id, first.at) == (again.id, again.at)
    assert ((), (), ()) == tuple(
        each(CITIZEN) for each in (world.mydata.consents, world.mydata.notices, world.mydata.history)
    )
    assert "consent.required" == _code(world.mydata.download, consent.id, recipient=BANK)
    assert [other] == [given.consent for given in world.mydata.consents("citizen-2")]
    assert world.mydata.download(other.id, recipient=BANK).members
    assert 1 == _types(world).count("data.deleted")
    assert 2 == len(world.store.tombstones())


def test_nothing_is_kept_for_somebody_who_is_being_deleted(world):
    """From the first step on: neither a consent nor a relation nor a notice."""
    consent = world.mydata.propose("bank_personal_loan", recipient=BANK, days=30)
    given = world.given()
    clock = world.kit.clock
    world.store.begin_erasure(Erasure(id=given.id, subject=CITIZEN, at=clock.now(), blinding=bytes(32)))

    assert "storage.not_found" == _code(world.mydata.give, consent, CITIZEN, evidence=EVIDENCE)
    assert "storage.not_found" == _code(world.mydata.export, CITIZEN, "json")
    assert ["consent.given"] == _types(world)
    assert 1 == world.mydata.recover()
    assert 0 == world.mydata.recover()
    assert ["consent.given", "data.deleted"] == _types(world)


def test_withdrawal_that_was_cut_short_is_ended_at_start(world):
    """Everything that was provided is revoked then, and on record as revoked once."""
    consent = world.given()
    world.mydata.download(consent.id, recipient=BANK)
    opened = world.mydata._consents.opened(consent.id)
    world.mydata._consents.end(opened, State.WITHDRAWN, "consent.withdrawn", world.kit.clock.now(), tell=True)

    assert [consent.id] == world.store.unsettled()
    assert 1 == world.mydata.recover()
    assert 0 == world.mydata.recover()
    assert {"REVOKED"} == {each.status.name for each in world.kit.issuer.certificates(consent.id)}
    assert 1 == _types(world).count("package.revoked")
