"""Ranks of copies as a wallet keeps them: one salt each, and one recipient who has seen it."""

from __future__ import annotations

import pytest

from ewallet.env import Env
from ewallet.errors import AlreadyUsed
from ewallet.ranks import fresh_ranks
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.stores import MemoryWalletStore

BANK, HALL = "x509_san_dns:bank.example", "x509_san_dns:hall.example"


@pytest.fixture(params=[False, True], ids=["in-database", "in-memory"])
def store(request, database):
    """An empty wallet of each kind."""
    return MemoryWalletStore() if request.param else database.wallet("가상 암호", create=True, unsafe_fast_kdf=True)


def test_the_first_salt_of_a_rank_is_the_salt(store):
    """However often it is asked for; another rank has another."""
    assert b"first" == store.salt(0, b"first")
    assert b"first" == store.salt(0, b"second")
    assert b"other" == store.salt(1, b"other")


def test_a_rank_is_seen_by_one(store):
    """Who may see it again; nobody else, whatever becomes of the copies."""
    assert {} == store.rank_audiences([0, 1])
    store.show_rank(1, BANK)
    store.show_rank(1, BANK)
    with pytest.raises(AlreadyUsed) as refused:
        store.show_rank(1, HALL)
    assert "storage.already_used" == refused.value.code
    assert {1: BANK} == store.rank_audiences([0, 1, 2])


def test_new_copies_get_the_first_ranks_that_nobody_has_seen(store):
    """With the salts that they have; more are made where none are left."""
    random = Clock().env("ranks").random
    first = fresh_ranks(store, 3, random)
    store.show_rank(1, BANK)
    again = fresh_ranks(store, 40, random)

    assert [0, 1, 2] == [rank.number for rank in first]
    assert [0, *range(2, 41)] == [rank.number for rank in again]
    assert [first[0], first[2]] == list(again[:2])
    assert 40 == len({rank.salt for rank in again})


def test_salts_and_recipients_are_sealed(tmp_path):
    """Neither is in the file."""
    database = Database(f"sqlite:///{tmp_path}/w.db", env=Env(random=Clock().env("ranks").random))
    store = database.wallet("가상 암호", create=True, unsafe_fast_kdf=True)
    store.salt(0, b"canary of a salt, thirty-two long")
    store.show_rank(0, BANK)
    database.close()

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"canary of a salt" not in kept
    assert BANK.encode() not in kept
