"""Joint cases as they are kept: under a digest, sealed, settled once, forgotten when they are over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet.errors import NotFound
from ewallet.joint import KeptCase
from ewallet.sql import Database
from ewallet.testing.cases import MemoryCaseStore
from ewallet.testing.clock import START

CASE = KeptCase(id=b"one", until=START, record=b"sealed")


@pytest.fixture(params=[False, True], ids=["in-database", "in-memory"])
def store(request, database):
    """An empty store of each kind."""
    return MemoryCaseStore() if request.param else database.cases


def test_a_case_is_found_as_it_was_put(store):
    """By its digest; another is not there."""
    store.put_case(CASE)
    assert CASE == store.case(b"one")
    with pytest.raises(NotFound) as refused:
        store.case(b"two")
    assert "storage.not_found" == refused.value.code


def test_what_comes_first_of_a_case_stays(store):
    """However many come to the end of it at once."""
    store.put_case(CASE)
    assert "first" == store.settle_case(b"one", "first")
    assert "first" == store.settle_case(b"one", "second")
    assert "first" == store.case(b"one").outcome
    with pytest.raises(NotFound) as refused:
        store.settle_case(b"two", "x")
    assert "storage.not_found" == refused.value.code


def test_cases_that_are_over_are_forgotten(store):
    """Those before, and no others."""
    store.put_case(CASE)
    assert 0 == store.forget_cases(START)
    assert 1 == store.forget_cases(START + timedelta(seconds=1))
    with pytest.raises(NotFound) as refused:
        store.case(b"one")
    assert "storage.not_found" == refused.value.code


def test_cases_lie_beside_the_tables_of_the_verifier(store_url):
    """In one database, whose readiness covers them."""
    database = Database(store_url)
    database.cases.put_case(CASE)
    database.ready()
    assert database.verifier.trust_version("nobody") == 0
    database.close()
