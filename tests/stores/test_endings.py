"""What ends while something is issued under it, in each store: it was issued before the end, or it never is."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from threading import Thread
from types import SimpleNamespace

import pytest

from ewallet.credential import StatusRef
from ewallet.errors import NotFound
from ewallet.intents import Certificate, Intent
from ewallet.order import Order
from ewallet.sql import Database
from ewallet.testing.clock import START as AT
from ewallet.testing.issuance import MemoryIssuanceStore
from ewallet.testing.stores import MemoryIssuerStore

UNTIL = AT + timedelta(hours=1)
ENDED = b"an appointment that was ended"
ORDER = Order(
    digest=b"order-1",
    holders=b"keys-1",
    once={b"nonce-1": UNTIL},
    until=UNTIL,
    seal=lambda *_: b"sealed",
    unless=frozenset({ENDED}),
)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request):
    """An issuer's two stores, of each kind."""
    if request.param == "memory":
        issuer = MemoryIssuerStore()
        yield SimpleNamespace(issuer=issuer, issuance=MemoryIssuanceStore(issuer))
        return
    database = Database(request.getfixturevalue("postgres").empty() if request.param == "postgres" else "sqlite://")
    yield SimpleNamespace(issuer=database.issuer, issuance=database.issuance)
    database.close()


def _intend(store):
    uri = store.status_list(100, "https://issuer.example/status/{}".format)
    certificate = Certificate(id="c-1", type_id="kind", subject="s-1", issued=AT, until=UNTIL)
    store.intend(certificate, [Intent(status=StatusRef(uri, 1), digest=bytes(32))], ORDER)


def _listed(store):
    return [found.id for found in store.certificates("s-1")]


def test_nothing_is_completed_after_the_end(stores):
    """Though it was begun before: whoever revokes all there is by then has revoked all there ever is."""
    _intend(stores.issuer)
    stores.issuance.end(ENDED, UNTIL)
    with pytest.raises(NotFound) as refused:
        stores.issuer.complete("c-1", ORDER, b"sealed")

    assert ("storage.not_found", []) == (refused.value.code, _listed(stores.issuer))


def test_what_was_completed_before_the_end_is_listed_then(stores):
    """And the end may come again, and for what else there is."""
    _intend(stores.issuer)
    stores.issuance.end(b"another appointment", UNTIL)
    stores.issuer.complete("c-1", ORDER, b"sealed")
    for _ in range(2):
        stores.issuance.end(ENDED, UNTIL)

    assert ["c-1"] == _listed(stores.issuer)
    assert stores.issuance.is_taken(ENDED)


def test_the_end_waits_for_what_is_being_completed(shared_url):
    """It is seen that nothing has ended, and the end comes before that is on disk: it waits, and then finds it."""
    ours, theirs = Database(shared_url), Database(shared_url)
    _intend(ours.issuer)
    found: list[list[str]] = []

    def end():
        theirs.issuance.end(ENDED, UNTIL)
        found.append(_listed(theirs.issuer))

    ending = Thread(target=end)

    class Slow(Order):
        """An order during whose completion somebody ends what it is placed under."""

        def check_lasting(self, ended):
            super().check_lasting(ended)
            ending.start()
            ending.join(0.3)

    _ = theirs.issuer, theirs.issuance
    slow = Slow(**{each.name: getattr(ORDER, each.name) for each in fields(ORDER)})
    ours.issuer.complete("c-1", slow, b"sealed")
    ending.join()
    ours.close()
    theirs.close()

    assert [["c-1"]] == found
