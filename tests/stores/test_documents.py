"""What the document-number check keeps, in memory as in each database, and in many processes at once (QRC-12)."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from ewallet.credential import StatusRef
from ewallet.documents import Entry, Inquiry
from ewallet.intents import Certificate, Intent
from ewallet.sql import Database
from ewallet.status import Status
from ewallet.testing.clock import START as AT
from ewallet.testing.stores import MemoryIssuerStore

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
KEPT = Entry(digests=frozenset({b"with a name", b"with a day"}), at=AT, until=AT + 90 * DAY)
ASKED = Inquiry(digest=b"with a name", counters=frozenset({b"source", b"number"}), window=HOUR, max_misses=3)
OTHER = replace(ASKED, digest=b"nothing")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request):
    """An empty store of each kind."""
    if request.param == "memory":
        yield MemoryIssuerStore()
        return
    database = Database(request.getfixturevalue("postgres").empty() if request.param == "postgres" else "sqlite://")
    yield database.issuer
    database.close()


def _issue(store, id_="c-1", entry=0, document=KEPT):
    uri = store.status_list(1000, "https://issuer.example/status/{}".format)
    certificate = Certificate(id=id_, type_id="kind", subject="s-1", issued=AT, until=AT + 90 * DAY)
    store.intend(certificate, [Intent(status=StatusRef(uri, entry), digest=bytes(32))])
    store.complete(id_, document=document)


def test_the_first_secret_stays(store):
    """Whoever comes later gets the same."""
    assert [b"1" * 32] * 2 == [store.secret(b"1" * 32), store.secret(b"2" * 32)]


def test_a_document_is_known_by_each_of_its_digests(store):
    """And by nothing else."""
    _issue(store)
    asked = [replace(ASKED, digest=digest) for digest in (b"with a name", b"with a day", b"nothing")]

    assert ["match", "match", "no_match"] == [store.inquire(each, AT) for each in asked]


def test_a_document_is_not_known_before_it_is_signed(store):
    """What is on record as an intent may never have been delivered."""
    uri = store.status_list(1000, "https://issuer.example/status/{}".format)
    certificate = Certificate(id="c-1", type_id="kind", subject="s-1", issued=AT, until=AT + DAY)
    store.intend(certificate, [Intent(status=StatusRef(uri, 1), digest=bytes(32))])
    before = store.inquire(ASKED, AT)
    store.complete("c-1", document=KEPT)

    assert ("no_match", "match") == (before, store.inquire(ASKED, AT))


@pytest.mark.parametrize("status", [Status.REVOKED, Status.SUSPENDED])
def test_what_is_not_valid_is_no_match(store, status):
    """Unless another certificate of the same number is."""
    _issue(store)
    store.set_status("c-1", status, "a reason", AT)
    alone = store.inquire(ASKED, AT)
    _issue(store, "c-2", 1)

    assert ("no_match", "match") == (alone, store.inquire(ASKED, AT))


def test_after_its_time_a_document_is_no_match(store):
    """To the microsecond."""
    _issue(store)
    assert "match" == store.inquire(ASKED, KEPT.until - timedelta(microseconds=1))
    assert "no_match" == store.inquire(ASKED, KEPT.until)


def test_misses_are_counted_for_each_source_and_each_number(store):
    """Three are enough for both, until the hour of the first of them is over; a match counts for nothing."""
    _issue(store)
    matched = {store.inquire(ASKED, AT) for _ in range(5)}
    missed = [store.inquire(OTHER, AT) for _ in range(4)]
    elsewhere = replace(ASKED, counters=frozenset({b"another", b"number"}))
    another = replace(ASKED, counters=frozenset({b"source", b"another number"}))
    free = replace(ASKED, counters=frozenset({b"another", b"another number"}))

    assert ({"match"}, ["no_match"] * 3 + ["too_many"]) == (matched, missed)
    assert ["too_many", "too_many", "match"] == [store.inquire(each, AT) for each in (elsewhere, another, free)]
    assert "match" == store.inquire(ASKED, AT + HOUR)


def test_there_is_no_hour_in_which_more_may_be_missed(store):
    """Wherever it begins: a miss counts for an hour of its own, and not until the full one."""
    minutes = [50, 52, 54, 60, 70, 109, 110, 111, 112, 115]
    outcomes = [store.inquire(OTHER, AT + timedelta(minutes=minute)) for minute in minutes]

    refused = "too_many"
    assert ["no_match"] * 3 + [refused] * 3 + ["no_match", refused, "no_match", "no_match"] == outcomes


def test_a_source_has_as_many_rows_as_it_may_miss(database):
    """However long it goes on: what is over makes room."""
    for hour in range(4):
        for _ in range(5):
            database.issuer.inquire(OTHER, AT + hour * HOUR)
    with database._engine.reading() as connection:
        assert 2 * 3 == connection.exec_driver_sql("SELECT count(*) FROM failures").scalar()


def test_what_is_over_is_deleted(database):
    """By the next document, and by the next question."""
    _issue(database.issuer)
    rows = "SELECT count(*) FROM documents"
    over = replace(KEPT, digests=frozenset({b"new"}), at=KEPT.until, until=KEPT.until + DAY)
    _issue(database.issuer, "c-2", 1, over)
    with database._engine.reading() as connection:
        left = connection.exec_driver_sql(rows).scalar()
    database.issuer.inquire(ASKED, over.until)
    with database._engine.reading() as connection:
        assert (1, 0) == (left, connection.exec_driver_sql(rows).scalar())


def test_every_miss_does_the_same(request):
    """Unknown, revoked and of old: the same statements in the same order, so that time tells none from another."""
    with closing(Database(request.getfixturevalue("postgres").empty())) as database:
        store = database.issuer
        said: list[list[str]] = []
        _issue(store, "c-1", 0)
        store.set_status("c-1", Status.REVOKED, "a reason", AT)
        _issue(store, "c-2", 1, replace(KEPT, digests=frozenset({b"old"}), until=AT + HOUR))
        event.listen(
            database._engine._engine, "before_cursor_execute", lambda *given: said[-1].append(given[2]), named=False
        )
        for number, digest in enumerate((b"nothing", b"with a name", b"old")):
            said.append([])
            later = AT + (number + 2) * HOUR
            asked = replace(ASKED, digest=digest, counters=frozenset({b"%d" % number, b"n"}))
            assert "no_match" == store.inquire(asked, later)

        assert said[0]
        assert said[0] == said[1] == said[2]


@pytest.mark.sweep
def test_a_crowd_misses_ten_times(crowd, shared_url):
    """Guesses that are made at once, by whatever process, are counted one by one."""
    crowd.do("open_all", url=shared_url)
    answers = [
        answer for number in range(5) for answer in crowd.do("inquire", url=shared_url, digest=f"guess-{number}")
    ]

    assert (10, len(answers) - 10) == (answers.count("no_match"), answers.count("too_many"))
