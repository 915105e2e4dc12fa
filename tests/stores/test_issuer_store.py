"""What an issuer must not forget: entries given once, intents before signatures, revocations for good."""

from __future__ import annotations

import os
import random
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from ewallet.credential import StatusRef
from ewallet.errors import AlreadyUsed, NotFound, StatusError, StoreError, UsageError
from ewallet.intents import Certificate, Intent, Intents
from ewallet.sql import Database
from ewallet.status import Status

AT = datetime(2026, 11, 21, 3, 0, 0, 123456, tzinfo=UTC)
LIST = "https://issuer.example/status/1"


@dataclass(frozen=True)
class _Text:
    """What would be signed."""

    data: bytes


def _uri(number):
    return f"https://issuer.example/status/{number}"


def _certificate(id_="c-1", subject="subject-1", issued=AT):
    return Certificate(
        id=id_, type_id="resident_register_copy", subject=subject, issued=issued, until=issued + timedelta(days=90)
    )


def _intents(*entries, of=LIST):
    return [Intent(status=StatusRef(of, entry), digest=b"\7" * 32) for entry in entries]


@pytest.fixture
def store(database):
    """An issuer's store with one list open."""
    database.issuer.status_list(1000, _uri)
    return database.issuer


def _issue(store, id_, *entries, **fields):
    assert frozenset() == store.intend(_certificate(id_, **fields), _intents(*entries))
    store.complete(id_)


def test_a_certificate_is_listed_once_its_copies_are_signed(store):
    """What is only intended is not issued yet; afterwards all of it comes back, times to the microsecond."""
    store.intend(_certificate(), _intents(1, 2))
    before = store.certificates("subject-1")
    store.complete("c-1")

    assert ((), (_certificate(),)) == (before, store.certificates("subject-1"))


@pytest.mark.parametrize("carrier", ["wallet", "paper", "package"])
def test_what_a_certificate_was_made_for_is_kept(store, carrier):
    """A print is told from what went to a wallet, whoever reads the list."""
    made = replace(_certificate(), carrier=carrier)
    store.intend(made, _intents(1))
    store.complete("c-1")

    assert (made,) == store.certificates("subject-1")


def test_a_subject_sees_its_own_certificates_newest_first(store):
    """Others' certificates are not among them."""
    _issue(store, "old", 1, issued=AT - timedelta(days=1))
    _issue(store, "new", 2)
    _issue(store, "other", 3, subject="subject-2")

    assert ["new", "old"] == [found.id for found in store.certificates("subject-1")]


def test_an_entry_is_never_given_twice(store):
    """The ones given before are named, and nothing of that intent is recorded."""
    _issue(store, "c-1", 1, 2)

    assert {StatusRef(LIST, 2)} == store.intend(_certificate("c-2"), _intents(2, 3))
    assert frozenset() == store.intend(_certificate("c-2"), _intents(3, 4))


def test_the_entries_of_a_voided_intent_stay_burnt(store):
    """A copy may have been signed with them."""
    store.intend(_certificate("c-1"), _intents(1, 2))
    store.intend(_certificate("c-2", issued=AT + timedelta(minutes=5)), _intents(3))

    assert 2 == store.void(AT + timedelta(minutes=1))
    assert {StatusRef(LIST, 1), StatusRef(LIST, 2)} == store.intend(_certificate("c-3"), _intents(1, 2, 4))


def test_voided_copies_are_published_as_revoked(store):
    """The process that was taken for dead may have signed one and sent it."""
    store.intend(_certificate(), _intents(1, 2))
    store.void(AT + timedelta(minutes=1))

    assert {1: Status.REVOKED, 2: Status.REVOKED} == store.statuses(LIST)[1]
    with pytest.raises(NotFound) as caught:
        store.complete("c-1")
    assert "storage.not_found" == caught.value.code


def test_what_is_signed_is_not_voided(store):
    """Recovery leaves certificates alone."""
    _issue(store, "c-1", 1)

    assert 0 == store.void(AT + timedelta(days=1))
    assert {} == store.statuses(LIST)[1]


@pytest.mark.parametrize("entries", [(), (1, 1)])
def test_copies_without_entries_of_their_own_are_refused(store, entries):
    """Each copy has one entry, and no two the same."""
    with pytest.raises(UsageError) as caught:
        store.intend(_certificate(), _intents(*entries))

    assert "usage.argument" == caught.value.code


def test_an_entry_of_no_list_is_refused(store):
    """Nothing is given from a list that was not opened here."""
    with pytest.raises(NotFound) as caught:
        store.intend(_certificate(), _intents(1, of="https://issuer.example/status/99"))

    assert "storage.not_found" == caught.value.code


def test_a_certificate_is_recorded_once(store):
    """Its identifier is taken, whatever entries come with it."""
    _issue(store, "c-1", 1)
    with pytest.raises(AlreadyUsed) as caught:
        store.intend(_certificate("c-1"), _intents(2))

    assert "storage.already_used" == caught.value.code


def test_a_list_is_followed_by_another_when_half_full(database):
    """Entries stay easy to find at random, and hard to guess."""
    store = database.issuer
    first = store.status_list(8, _uri)
    store.intend(_certificate(), _intents(0, 1, 2))
    still = store.status_list(8, _uri)
    store.intend(_certificate("c-2"), _intents(3))

    assert (_uri(1), _uri(1), _uri(2)) == (first, still, store.status_list(8, _uri))


def test_a_list_of_another_size_or_name_is_not_shared(database):
    """An issuer that changes either starts a list of its own."""
    store = database.issuer

    assert _uri(1) == store.status_list(8, _uri)
    assert _uri(2) == store.status_list(16, _uri)
    assert "https://new.example/3" == store.status_list(16, lambda number: f"https://new.example/{number}")
    assert _uri(2) == store.status_list(16, _uri)


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ([Status.SUSPENDED], Status.SUSPENDED),
        ([Status.SUSPENDED, Status.VALID], Status.VALID),
        ([Status.SUSPENDED, Status.SUSPENDED, Status.VALID, Status.VALID], Status.VALID),
        ([Status.SUSPENDED, Status.REVOKED], Status.REVOKED),
        ([Status.REVOKED, Status.REVOKED], Status.REVOKED),
    ],
)
def test_status_changes_that_are_allowed(store, changes, last):
    """Suspension ends as it began; to revoke again is no error (STA-20)."""
    _issue(store, "c-1", 1)
    for change in changes:
        store.set_status("c-1", change, "reason", AT)

    assert last == store.certificates("subject-1")[0].status


@pytest.mark.parametrize("value", [Status.VALID, Status.SUSPENDED])
def test_revoked_is_final(store, value):
    """Nothing follows it (STA-20)."""
    _issue(store, "c-1", 1)
    store.set_status("c-1", Status.REVOKED, "lost", AT)
    with pytest.raises(StatusError) as caught:
        store.set_status("c-1", value, "found again", AT)

    assert "status.transition" == caught.value.code
    assert {1: Status.REVOKED} == store.statuses(LIST)[1]


def test_the_status_of_an_unknown_certificate_is_not_found(store):
    """Whatever it is to become."""
    with pytest.raises(NotFound) as caught:
        store.set_status("c-9", Status.REVOKED, "lost", AT)

    assert "storage.not_found" == caught.value.code


def test_all_copies_change_together(store):
    """A batch of ten is revoked in one published list, and no neighbour with it (STA-23)."""
    _issue(store, "c-1", *range(10))
    _issue(store, "c-2", 10)
    store.set_status("c-1", Status.REVOKED, "lost", AT)

    assert (1000, dict.fromkeys(range(10), Status.REVOKED)) == store.statuses(LIST)


def test_statuses_of_an_unknown_list_are_not_found(store):
    """There is no list to sign."""
    with pytest.raises(NotFound) as caught:
        store.statuses("https://issuer.example/status/99")

    assert "storage.not_found" == caught.value.code


def test_what_is_kept_outlives_the_process(shared_url):
    """Another process finds entries given and statuses set."""
    first = Database(shared_url)
    first.issuer.status_list(1000, _uri)
    _issue(first.issuer, "c-1", 1)
    first.issuer.set_status("c-1", Status.SUSPENDED, "checking", AT)
    first.close()
    second = Database(shared_url)

    assert {1: Status.SUSPENDED} == second.issuer.statuses(LIST)[1]
    assert {StatusRef(LIST, 1)} == second.issuer.intend(_certificate("c-2"), _intents(1))
    second.close()


def test_a_list_that_others_have_filled_is_drawn_from_no_more(shared_url):
    """A worker remembers which list had room; that it has none left it learns when an entry is taken (F-23)."""
    tries = iter(range(100))

    def prepare(refs):
        next(tries)  # that it ends at all is what is at stake
        return [_Text(b"a text")] * len(refs)

    with closing(Database(shared_url)) as one, closing(Database(shared_url)) as other:
        intents = Intents(
            store=one.issuer, identifier="https://issuer.example", size=8, random=random.Random(1).randbytes
        )
        intents.record(_certificate("c-1"), 1, prepare)
        given = {entry for entry in range(8) if other.issuer.intend(_certificate(f"c-2-{entry}"), _intents(entry))}
        intents.record(_certificate("c-3"), 3, prepare)

        assert 1 == len(given)
        assert (LIST, _uri(2)) == one.issuer.status_lists()


def test_a_database_of_a_newer_program_is_refused(shared_url):
    """What an older program wrote there would be missing something."""
    with closing(Database(shared_url)) as database:
        _ = database.issuer
        with database._engine.writing() as connection:
            connection.exec_driver_sql("UPDATE schema_versions SET version = 99")
    with closing(Database(shared_url)) as database, pytest.raises(UsageError) as caught:
        _ = database.issuer

    assert "usage.configuration" == caught.value.code


def test_a_file_that_is_no_database_is_corrupt(tmp_path):
    """And stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("the quick brown fox jumps over the lazy dog\n" * 100)
    with pytest.raises(StoreError) as caught:
        _ = Database(f"sqlite:///{path}").issuer

    assert "storage.corrupt" == caught.value.code
    assert path.read_text().startswith("the quick brown fox")


def test_a_database_held_by_another_program_is_locked(shared_url, monkeypatch):
    """After waiting for it."""
    monkeypatch.setattr("ewallet.sql.engine._PRAGMAS", ("busy_timeout = 10", "foreign_keys = ON"))
    monkeypatch.setattr("ewallet.sql.engine._SETTINGS", ("SET lock_timeout = 10",))
    with closing(Database(shared_url)) as one, closing(Database(shared_url)) as other:
        one.issuer.status_list(8, _uri)
        one.verifier.put_status_token(LIST, "one", AT)
        _ = other.verifier
        with one._engine.writing() as connection:
            connection.exec_driver_sql("UPDATE status_tokens SET raw = 'two'")
            with pytest.raises(StoreError) as caught:
                other.verifier.put_status_token(LIST, "three", AT)

    assert "storage.locked" == caught.value.code


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:///a.db?mode=memory", "mysql://user:secret@host/db", "oracle://x", "://"]
)
def test_a_url_we_do_not_know_is_not_repeated(url):
    """It may hold a password."""
    with pytest.raises(UsageError) as caught:
        Database(url)

    assert "usage.configuration" == caught.value.code
    assert "secret" not in str(caught.value)


def test_a_file_that_cannot_be_made_is_said_so(tmp_path):
    """Its folder is not made up."""
    with pytest.raises(UsageError) as caught:
        _ = Database(f"sqlite:///{tmp_path}/missing/issuer.db").issuer

    assert "usage.file" == caught.value.code


def test_a_new_file_is_for_its_owner_alone(tmp_path):
    """It names subjects; the files beside it have the same mode."""
    mask = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/issuer.db")
        database.issuer.status_list(8, _uri)
    finally:
        os.umask(mask)

    assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    database.close()


# -- several processes -------------------------------------------------------------------------------------


def test_a_crowd_opens_a_new_database(crowd, shared_url):
    """Twenty processes that find no database all find one."""
    assert ["open"] * len(crowd.workers) == crowd.do("open_all", url=shared_url)


def test_a_crowd_opens_one_list(crowd, shared_url):
    """Twenty processes that find no list open the same one."""
    crowd.do("open_all", url=shared_url)

    assert [LIST] * len(crowd.workers) == crowd.do("status_list", url=shared_url)


def test_one_of_a_crowd_is_given_the_entry(crowd, shared_url):
    """Of twenty that want it one gets it, and what the others wanted besides stays free (I2)."""
    crowd.do("open_all", url=shared_url)
    crowd.do("status_list", url=shared_url)
    free = []
    for contested in range(5):
        first = 100 + len(crowd.workers) * contested
        answers = crowd.do("intend", url=shared_url, contested=contested, first=first)
        assert [[]] + [[contested]] * (len(crowd.workers) - 1) == sorted(answers)
        free += [first + number for number, taken in enumerate(answers) if taken]

    database = Database(shared_url)
    assert frozenset() == database.issuer.intend(_certificate("after"), _intents(*free))
    database.close()


def test_revocation_by_a_crowd_is_one_revocation(crowd, shared_url):
    """All twenty are told that it is revoked."""
    database = Database(shared_url)
    database.issuer.status_list(1000, _uri)
    _issue(database.issuer, "c-1", 1)

    assert ["revoked"] * len(crowd.workers) == crowd.do("revoke", url=shared_url, certificate="c-1")
    with database._engine.reading() as connection:
        assert 1 == connection.exec_driver_sql("SELECT count(*) FROM status_events").scalar()
    database.close()


@pytest.mark.sweep
def test_what_was_on_record_survives_a_kill(worker, shared_url):
    """Each entry of which we were told is burnt, and at most one more (I2, I4)."""
    database = Database(shared_url)
    database.issuer.status_list(1 << 20, _uri)
    worker.tell("intend_for_ever", url=shared_url, first=0)
    told = worker.told(random.Random(7).randrange(20, 60))
    worker.kill()
    while (said := worker.hear()) is not None:
        told.append(said)

    wanted = _intents(*range(len(told) + 2))
    taken = {ref.index for ref in database.issuer.intend(_certificate("after"), wanted)}
    assert taken in (set(told), {*told, len(told)})
    database.close()
