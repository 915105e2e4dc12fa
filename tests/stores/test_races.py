"""One-time means once: many processes that use one code, nonce, key proof, answer or result at the same moment.

Rows F-20, F-21, F-23 and F-26, VCI-02: twenty processes in a plain run, a hundred in full, on each engine.
"""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from ewallet.authorization import MAX_TRIES, Code, Grant
from ewallet.issuance import Deferral
from ewallet.settlement import Kept
from ewallet.sql import Database

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
ROUNDS = 5
FULL = bool(os.environ.get("EWALLET_FULL"))

pytestmark = pytest.mark.sweep


@pytest.fixture
def url(crowd, shared_url):
    """A database that every process has open."""
    crowd.do("open_all", url=shared_url)
    return shared_url


def _codes(url, *names, tx_code=None):
    grant = Grant(subject="subject-1", configuration_ids=("resident_register_copy",), until=LATER)
    with closing(Database(url)) as database:
        for name in names:
            database.issuance.put_code(Code(digest=name.encode(), grant=grant, tx_code=tx_code), AT)


def _tokens(url, code, count):
    with closing(Database(url)) as database:
        found = [database.issuance.token(f"token-{code}-{number}".encode()) for number in range(count)]
    return sum(token is not None for token in found)


def test_one_of_a_crowd_redeems_the_code(crowd, url):
    """The others are refused, and there is one token (F-20)."""
    _codes(url, *(f"code-{number}" for number in range(ROUNDS)))
    others = len(crowd.workers) - 1
    for number in range(ROUNDS):
        answers = crowd.do("redeem", url=url, code=f"code-{number}", tx_code=None)

        assert ["redeemed"] + ["unknown"] * others == sorted(answers)
        assert 1 == _tokens(url, f"code-{number}", len(crowd.workers))


def test_a_crowd_guesses_five_times(crowd, url):
    """Guesses that are made at once are counted one by one: afterwards the right one comes too late."""
    _codes(url, "code-1", tx_code=b"right")

    assert {"unknown"} == set(crowd.do("redeem", url=url, code="code-1", tx_code="wrong"))
    assert {"unknown"} == set(crowd.do("redeem", url=url, code="code-1", tx_code="right"))
    with closing(Database(url)) as database, database._engine.reading() as connection:
        assert MAX_TRIES == connection.exec_driver_sql("SELECT tries FROM codes").scalar()


def test_the_failures_of_one_source_are_counted_one_by_one(crowd, url):
    """However many processes it asks at the same time (L-07)."""
    answers = [
        answer
        for number in range(ROUNDS)
        for answer in crowd.do("redeem", url=url, code=f"none-{number}", tx_code=None, source="one")
    ]

    assert (30, len(answers) - 30) == (answers.count("unknown"), answers.count("too_many"))


def test_one_of_a_crowd_uses_the_key_proof(crowd, url):
    """Of requests with one ``jti`` at most one is accepted, whatever the code."""
    _codes(url, "code-1")
    answers = crowd.do("redeem", url=url, code="code-1", tx_code=None, once="jti-1")

    assert ["proof_used"] * (len(crowd.workers) - 1) + ["redeemed"] == sorted(answers)


def test_one_of_a_crowd_takes_the_nonce_of_the_issuer(crowd, url):
    """One proof in many credential requests is one credential (F-21)."""
    for number in range(ROUNDS):
        answers = crowd.do("take", url=url, digest=f"nonce-{number}")

        assert [0] + [1] * (len(crowd.workers) - 1) == sorted(answers)


def test_one_of_a_crowd_ends_what_was_deferred(crowd, url):
    """The others find that it is gone."""
    with closing(Database(url)) as database:
        deferral = Deferral(digest=b"d-1", token=b"t", configuration_id="c", keys=(), due=AT, until=LATER)
        database.issuance.defer(deferral)

    ended = crowd.do("arrived", url=url, token="t", configuration="c")

    assert [False] * (len(crowd.workers) - 1) + [True] == sorted(ended)


def test_one_of_a_crowd_answers_and_one_reads_the_result(crowd, url):
    """One verdict is kept, one response code is good once, and the claims are read once (F-26)."""
    with closing(Database(url)) as database:
        database.verifier.put_exchange(Kept(id=b"e-1", handle=b"h-1", until=LATER, record=b"sealed", guarded=True))
    found = [sorted(crowd.do(step, url=url, id="e-1")) for step in ("settle", "take_code", "read_claims")]

    assert [[False] * (len(crowd.workers) - 1) + [True]] * 3 == found


def test_a_nonce_that_was_used_elsewhere_settles_nothing(crowd, url):
    """The request stays as it was."""
    with closing(Database(url)) as database:
        database.verifier.put_exchange(Kept(id=b"e-1", handle=b"h-1", until=LATER))
        database.verifier.take_nonce("nonce-1", LATER)

        assert {False} == set(crowd.do("settle", url=url, id="e-1", nonce="nonce-1"))
        assert (True, None) == (database.verifier.exchange(b"e-1").open, database.verifier.exchange(b"e-1").outcome)


def test_four_workers_fill_list_after_list(crowd, url):
    """Each entry is given once, and no list is filled much beyond its half (F-23)."""
    count, size = 250 if FULL else 25, 4096 if FULL else 512
    answers = crowd.some(4).do("fill", url=url, count=count, size=size)
    with closing(Database(url)) as database, database._engine.reading() as connection:
        given = connection.exec_driver_sql("SELECT list, entry FROM entries").all()
        lists = connection.exec_driver_sql("SELECT number, given FROM status_lists ORDER BY number").all()

    assert ["done"] * 4 == answers
    assert 4 * count * 10 == len(given) == len(set(given)) == sum(used for _, used in lists)
    assert list(range(1, len(lists) + 1)) == [number for number, _ in lists]
    assert {size // 2 <= used < size // 2 + 40 for _, used in lists[:-1]} == {True}
