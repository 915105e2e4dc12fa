"""What a verifier must not forget: nonces that were used, and the newest lists."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ewallet.errors import AlreadyUsed
from ewallet.sql import Database

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
URI = "https://issuer.example/status/1"


def test_a_nonce_is_taken_once(database):
    """The second time it is used up; another is not."""
    database.verifier.take_nonce("nonce-1", AT)
    database.verifier.take_nonce("nonce-2", AT)
    with pytest.raises(AlreadyUsed) as caught:
        database.verifier.take_nonce("nonce-1", AT)

    assert "storage.already_used" == caught.value.code


@pytest.mark.parametrize("nonce", ["", "\ud800", "0", "가" * 100_000, "' OR 1=1 --"])
def test_a_nonce_may_be_any_text(database, nonce):
    """It was chosen by whoever made the request."""
    database.verifier.take_nonce(nonce, AT)
    with pytest.raises(AlreadyUsed) as caught:
        database.verifier.take_nonce(nonce, AT)
    assert "storage.already_used" == caught.value.code


def test_nonces_of_long_ago_can_be_forgotten(database):
    """The others are still used up."""
    database.verifier.take_nonce("old", AT - timedelta(days=2))
    database.verifier.take_nonce("new", AT)

    assert 1 == database.verifier.forget_nonces(AT - timedelta(days=1))
    database.verifier.take_nonce("old", AT)
    with pytest.raises(AlreadyUsed) as caught:
        database.verifier.take_nonce("new", AT)
    assert "storage.already_used" == caught.value.code


def test_the_newest_token_is_kept(database):
    """One of the same second replaces it, an older one does not."""
    store = database.verifier

    assert store.status_token(URI) is None
    assert store.put_status_token(URI, "first", AT)
    assert store.put_status_token(URI, "same second", AT)
    assert not store.put_status_token(URI, "older", AT - timedelta(seconds=1))
    assert "same second" == store.status_token(URI)
    assert store.put_status_token(URI, "newer", AT + timedelta(seconds=1))
    assert "newer" == store.status_token(URI)


def test_tokens_of_other_lists_are_left_alone(database):
    """Each list has its own."""
    database.verifier.put_status_token(URI, "one", AT)
    database.verifier.put_status_token(f"{URI}0", "ten", AT - timedelta(days=1))

    assert ["one", "ten"] == [database.verifier.status_token(uri) for uri in (URI, f"{URI}0")]


def test_all_outlive_the_process(shared_url):
    """A restart is no second chance."""
    first = Database(shared_url)
    first.verifier.take_nonce("nonce-1", AT)
    first.verifier.put_status_token(URI, "token", AT)
    first.verifier.put_trust_version("operator", 7)
    first.verifier.put_crl(b"authority", b"list", 7)
    first.close()
    second = Database(shared_url)

    assert (b"list", False) == (second.verifier.crl(b"authority"), second.verifier.put_crl(b"authority", b"older", 6))
    assert ("token", 7) == (second.verifier.status_token(URI), second.verifier.trust_version("operator"))
    with pytest.raises(AlreadyUsed) as caught:
        second.verifier.take_nonce("nonce-1", AT)
    assert "storage.already_used" == caught.value.code
    second.close()


def test_issuer_and_verifier_may_share_a_database(database):
    """Their tables have nothing in common."""
    assert "list-1" == database.issuer.status_list(8, lambda number: f"list-{number}")
    database.verifier.take_nonce("nonce-1", AT)


def test_one_of_many_threads_takes_the_nonce(database):
    """A service answers on several threads with one store (I3)."""
    store = database.verifier

    def take(_):
        try:
            store.take_nonce("nonce-1", AT)
        except AlreadyUsed as exc:
            return exc.code
        return "taken"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(take, range(40)))

    assert ["storage.already_used"] * 39 + ["taken"] == sorted(answers)


def test_one_of_a_crowd_takes_the_nonce(crowd, shared_url):
    """Of twenty that use it at once, one has it (I3)."""
    crowd.do("open_all", url=shared_url)
    for number in range(10):
        answers = crowd.do("take_nonce", url=shared_url, nonce=f"nonce-{number}")
        assert ["storage.already_used"] * (len(crowd.workers) - 1) + ["taken"] == sorted(answers)


def test_a_crowd_keeps_the_newest_token(crowd, shared_url):
    """In whatever order they come."""
    crowd.do("open_all", url=shared_url)
    answers = crowd.do("put_token", url=shared_url)

    assert answers[-1] is True
    database = Database(shared_url)
    assert f"{len(crowd.workers) - 1}" == database.verifier.status_token("https://issuer.example/1")
    database.close()


def test_a_crowd_remembers_the_highest_version(crowd, shared_url):
    """X5T-17: whoever comes late with a lower one is told, and it is not remembered."""
    crowd.do("open_all", url=shared_url)
    answers = crowd.do("put_version", url=shared_url)

    assert answers[19] is True
    database = Database(shared_url)
    assert 20 == database.verifier.trust_version("operator")
    database.close()
