"""What an order leaves behind, in memory as in each database: entry and notice, with the certificate or never."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ewallet.consent import Party
from ewallet.credential import StatusRef
from ewallet.errors import NotFound
from ewallet.intents import Certificate, Intent
from ewallet.mydata.notices import Seen
from ewallet.mydata.store import Erasure
from ewallet.order import Order, RepeatedError
from ewallet.sql import Database
from ewallet.testing.clock import START as AT
from ewallet.testing.clock import Clock
from ewallet.testing.history import Register
from ewallet.testing.kit import Kit
from ewallet.testing.mydata import CITIZEN, MemoryMyDataStore, World
from ewallet.testing.stores import MemoryIssuerStore

MINUTE = timedelta(minutes=1)
LOOKED = {"ko": "장애인증명서: 등록장애인 여부 (예/아니요만)", "en": "Certificate of Registered Disability"}
SEEN = Seen(by=Party(id="service", names=LOOKED), purposes=LOOKED, information=LOOKED, at=AT)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def world(request):
    """A portal whose issuer keeps its certificates beside the log."""
    clock = Clock()
    if request.param == "memory":
        register = Register(clock=clock)
        kept = MemoryMyDataStore(register.store)
        kit = Kit.make(clock=clock, issuer_store=MemoryIssuerStore(kept.leave))
        yield World.make(kit=kit, register=register, store=kept)
        return
    database = Database(request.getfixturevalue("postgres").empty() if request.param == "postgres" else "sqlite://")
    log: Any = database.history  # any log will do, but for tests that look into one in memory
    register = Register(clock=clock, store=log)
    kit = Kit.make(clock=clock, issuer_store=database.issuer)
    yield World.make(kit=kit, register=register, store=database.mydata)
    database.close()


def _order(world, nonce):
    return Order(
        digest=b"order-1",
        holders=b"keys-1",
        once={nonce: AT + MINUTE},
        until=AT + MINUTE,
        seal=lambda *_: b"sealed",
        trace=world.mydata.trace(CITIZEN, SEEN),
    )


def _begin(world, number, order):
    store = world.kit.issuer_store
    made = Certificate(id=f"c-{number}", type_id="kind", subject=CITIZEN, issued=AT, until=AT + MINUTE)
    ref = StatusRef(store.status_list(100, "https://issuer.example/status/{}".format), number)
    store.intend(made, [Intent(status=ref, digest=b"\0" * 32)], order)


def _left(world):
    """How many certificates, entries and notices there are."""
    issued, mydata = world.kit.issuer_store.certificates(CITIZEN), world.mydata
    return len(issued), len(mydata.history(CITIZEN)), len(mydata.notices(CITIZEN))


def test_a_trace_is_left_with_the_certificate(world):
    """Not when the order is begun, and not once more when it is placed again."""
    order = _order(world, b"n-1")
    _begin(world, 1, order)
    begun = _left(world)
    world.kit.issuer_store.complete("c-1", order, b"sealed")
    done = _left(world)
    with pytest.raises(RepeatedError) as repeated:
        _begin(world, 2, _order(world, b"n-2"))

    assert "storage.already_used" == repeated.value.code
    assert [(0, 0, 0), (1, 1, 1), (1, 1, 1)] == [begun, done, _left(world)]
    assert LOOKED == world.mydata.notices(CITIZEN)[0].information
    assert "eligibility.answered" == world.mydata.history(CITIZEN)[0].entry.event.type


def test_what_was_given_up_leaves_nothing(world):
    """The attempt that was taken over cannot be completed; the one after it leaves its own."""
    first, second = _order(world, b"n-1"), _order(world, b"n-2")
    _begin(world, 1, first)
    _begin(world, 2, second)
    with pytest.raises(NotFound) as gone:
        world.kit.issuer_store.complete("c-1", first, b"sealed")
    assert "storage.not_found" == gone.value.code
    given_up = _left(world)
    world.kit.issuer_store.complete("c-2", second, b"sealed")

    assert [(0, 0, 0), (1, 1, 1)] == [given_up, _left(world)]


def test_nobody_whose_data_is_being_deleted_is_issued_what_leaves_a_trace(world):
    """There is no notice without its person, and so no certificate."""
    order = _order(world, b"n-1")
    _begin(world, 1, order)
    world.store.begin_erasure(Erasure(id="e-1", subject=CITIZEN, at=AT))
    with pytest.raises(NotFound) as gone:
        world.kit.issuer_store.complete("c-1", order, b"sealed")

    assert ("storage.not_found", (0, 0, 0)) == (gone.value.code, _left(world))
