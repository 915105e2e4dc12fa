"""What a portal keeps between two steps, in memory and in databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from ewallet.sql import Database
from ewallet.steps import Step
from ewallet.testing.clock import Clock
from ewallet.testing.portal import MemoryPortalStore

AT = Clock().now()
LATER = AT + timedelta(minutes=1)
STEP = b"d" * 32


@pytest.fixture(params=[False, True], ids=["in-database", "in-memory"])
def store(request, store_url):
    """An empty store of each kind; the one in memory beside each of the databases."""
    if request.param:
        yield MemoryPortalStore()
        return
    database = Database(store_url)
    yield database.portal
    database.close()


def test_a_step_is_there_until_its_time_is_over(store):
    """It is read as often as one likes, and not at the very moment at which it ends."""
    assert store.put_step(STEP, b"sealed", LATER)
    assert [b"sealed", b"sealed", None] == [store.step(STEP, at) for at in (AT, AT, LATER)]


def test_a_digest_is_kept_once(store):
    """The second one is told so, and what was there stays, so that identifiers can be used up."""
    assert [True, False] == [store.put_step(STEP, sealed, LATER) for sealed in (b"first", b"second")]
    assert b"first" == store.step(STEP, AT)


def test_a_step_is_taken_once(store):
    """It is gone with that."""
    store.put_step(STEP, b"sealed", LATER)
    assert [b"sealed", None] == [store.take_step(STEP, AT) for _ in range(2)]


def test_what_is_over_is_not_taken_but_forgotten(store):
    """Nobody has it any more, and it does not stay."""
    store.put_step(STEP, b"sealed", LATER)
    store.put_step(b"e" * 32, b"longer", LATER + timedelta(seconds=1))
    assert store.take_step(STEP, LATER) is None
    assert [1, 0] == [store.forget_steps(LATER) for _ in range(2)]


def test_of_many_who_come_at_once_one_takes_a_step(shared_url):
    """Exactly once is the database's job."""
    database = Database(shared_url)
    store = database.portal
    store.put_step(STEP, b"sealed", LATER)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: store.take_step(STEP, AT), range(16)))
    database.close()
    assert [b"sealed"] == [each for each in taken if each is not None]


def test_a_step_is_turned_into_others_or_nothing_happens(store):
    """What was there is gone and what comes after it is there; for the second who comes there is neither."""
    others = [Step(digest=bytes([number]) * 32, sealed=b"next", until=LATER) for number in (1, 2, 3)]
    store.put_step(STEP, b"sealed", LATER)
    assert [True, False] == [store.turn_step(STEP, AT, *each) for each in (others[:2], others[2:])]
    assert [None, b"next", b"next", None] == [store.step(digest, AT) for digest in (STEP, *(o.digest for o in others))]


def test_what_is_over_is_not_turned_into_anything(store):
    """At its very end nothing comes of it any more."""
    store.put_step(STEP, b"sealed", LATER)
    other = Step(digest=b"o" * 32, sealed=b"next", until=LATER + timedelta(days=1))
    assert not store.turn_step(STEP, LATER, other)
    assert store.step(other.digest, LATER) is None


def test_a_step_is_turned_into_its_successor_under_the_same_digest(store):
    """The newer one takes its place."""
    store.put_step(STEP, b"sealed", LATER)
    assert store.turn_step(STEP, AT, Step(digest=STEP, sealed=b"newer", until=LATER))
    assert b"newer" == store.step(STEP, AT)


def test_of_many_who_come_at_once_one_turns_a_step(shared_url):
    """Exactly once is the database's job, and what the others brought is not kept."""
    database = Database(shared_url)
    store = database.portal
    store.put_step(STEP, b"sealed", LATER)
    steps = [Step(digest=bytes([number]) * 32, sealed=b"next", until=LATER) for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        turned = list(pool.map(lambda step: store.turn_step(STEP, AT, step), steps))
    kept = [store.step(step.digest, AT) is not None for step in steps]
    database.close()
    assert (1, turned) == (sum(turned), kept)
