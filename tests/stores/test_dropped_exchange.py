"""An exchange that is dropped is gone with its claims, and a mandate is used up once: in memory and in databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet.errors import AlreadyUsed, NotFound
from ewallet.settlement import Kept, Sealed, Settled
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.stores import MemoryVerifierStore

AT = Clock().now()
LATER = AT + timedelta(hours=1)
ID, OTHER = b"i" * 32, b"o" * 32


@pytest.fixture(params=[False, True], ids=["in-database", "in-memory"])
def store(request, store_url):
    """An empty store of each kind; the one in memory beside each of the databases."""
    if request.param:
        yield MemoryVerifierStore()
        return
    database = Database(store_url)
    yield database.verifier
    database.close()


def test_an_exchange_is_dropped_with_its_claims_and_no_other_is(store):
    """Whether there was one is said; the second time there is none."""
    for id_ in (ID, OTHER):
        store.put_exchange(Kept(id=id_, handle=id_[::-1] + b"h", until=LATER, record=b"asked"))
        claims = Sealed(record=b"claims", until=LATER)
        store.settle_exchange(id_, Settled(outcome="{}", nonce=id_.decode(), until=LATER, claims=claims))

    assert [True, False] == [store.drop_exchange(ID) for _ in range(2)]
    with pytest.raises(NotFound) as gone:
        store.exchange(ID)
    assert "storage.not_found" == gone.value.code
    assert (None, b"claims") == (store.take_claims(ID, AT), store.take_claims(OTHER, AT))


def test_what_an_answer_uses_up_beside_its_nonce_is_used_up_once(store):
    """Where it was used before nothing is changed: the exchange is open, and its nonce can still be used."""
    mandate = (("mandate", LATER),)
    for id_ in (ID, OTHER):
        store.put_exchange(Kept(id=id_, handle=id_[::-1] + b"h", until=LATER, record=b"asked"))
    store.settle_exchange(ID, Settled(outcome="{}", nonce="one", until=LATER, once=mandate))
    with pytest.raises(AlreadyUsed) as refused:
        store.settle_exchange(OTHER, Settled(outcome="{}", nonce="two", until=LATER, once=mandate))
    assert "storage.already_used" == refused.value.code
    assert (False, True) == (store.exchange(ID).open, store.exchange(OTHER).open)

    store.settle_exchange(OTHER, Settled(outcome="{}", nonce="two", until=LATER))
    assert not store.exchange(OTHER).open
