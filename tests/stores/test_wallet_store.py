"""What a wallet keeps: sealed, for its owner alone, each copy used as often as allowed and no more."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ewallet.acting import Proxy
from ewallet.env import Env
from ewallet.errors import AlreadyUsed, EWalletError, NotFound, StoreError, UsageError
from ewallet.holding import Copy, Held, Shown
from ewallet.sql import Database
from ewallet.sql.tables import WALLET, WALLET_VERSION

FULL = bool(os.environ.get("EWALLET_FULL"))
AT = datetime(2026, 11, 21, 3, 0, 0, 123456, tzinfo=UTC)
PASSPHRASE = "correct horse battery staple"

#: Invented, and long enough not to occur by chance.
TYPE, AUDIENCE, PURPOSE = "urn:example:kr-ewallet:canary_kind:1", "x509_san_dns:canary.example", "canary purpose"
RAW, SECRET, THUMB = "canary-credential~" * 20, b"canary-private-key" * 4, "canary-thumbprint"


def _held(id_="h-1", **changes):
    return replace(Held(id=id_, format="dc+sd-jwt", type_id=TYPE, received=AT, use="once"), **changes)


def _copies(count=3, of="h-1"):
    return [Copy(id=f"{of}-{i}", key=f"{THUMB}-{of}-{i}", raw=f"{RAW}{i}") for i in range(count)]


def _shown(of="h-1", audience=AUDIENCE, **changes):
    paths = (("subject_name",), ("members", None, "name"), ("members", 0))
    line = Shown(at=AT, audience=audience, purpose=PURPOSE, held=of, type_id=TYPE, paths=paths)
    return replace(line, **changes)


def _create(url, passphrase=PASSPHRASE):
    database = Database(url)
    return database, database.wallet(passphrase, create=True, unsafe_fast_kdf=True)


def _fill(store, count=3, of="h-1"):
    store.put_keys({copy.key: SECRET for copy in _copies(count, of)})
    store.put(_held(of), _copies(count, of))


def _code_of(action, *arguments):
    with pytest.raises(EWalletError) as caught:
        action(*arguments)
    return caught.value.code


@pytest.fixture
def store(store_url):
    """A new wallet."""
    database, store = _create(store_url)
    yield store
    database.close()


@pytest.fixture
def path(tmp_path):
    """A wallet file with three copies of one certificate, one of them used, closed."""
    path = tmp_path / "wallet.db"
    database, store = _create(f"sqlite:///{path}")
    _fill(store)
    store.spend(_shown(), "once")
    database.close()
    return path


def _reopened(path, passphrase=PASSPHRASE):
    return Database(f"sqlite:///{path}").wallet(passphrase)


# -- what is kept ------------------------------------------------------------------------------------------


def test_keys_certificates_and_copies_come_back(store):
    """As they were put in, times to the microsecond."""
    _fill(store)

    assert (_held(),) == store.held()
    assert tuple(_copies()) == store.copies("h-1")
    assert SECRET == store.key(_copies()[0].key)


def test_everything_comes_back_in_another_process(path):
    """The passphrase is all that is needed."""
    store = _reopened(path)

    assert (_held(),) == store.held()
    assert [1, 0, 0] == [copy.uses for copy in store.copies("h-1")]
    assert (_shown(),) == store.history()


def test_receipts_are_listed_newest_first(store):
    """As they came, every byte."""
    for raw in (b"{}", "동의".encode()):
        store.put_receipt(raw)

    assert ("동의".encode(), b"{}") == store.receipts()


def test_what_is_shown_for_somebody_is_noted_with_both_people(store):
    """Without a copy of the wallet's own, which holds nothing of it."""
    people = Proxy(role="delegate", principal="홍길동", agent="성춘향")
    noted = replace(_shown(), held="", acting=people)
    store.note(noted)

    assert (noted,) == store.history()


def test_certificates_and_history_are_listed_newest_first(store):
    """Of the same moment, the last one in comes first."""
    for id_, minutes in (("a", 1), ("b", 0), ("c", 1)):
        store.put(_held(id_, received=AT + timedelta(minutes=minutes)), _copies(2, id_))
    for id_, minutes in (("a", 1), ("b", 0), ("c", 1)):
        store.spend(_shown(id_, at=AT + timedelta(minutes=minutes)), "once")

    assert ["c", "a", "b"] == [found.id for found in store.held()]
    assert ["c", "a", "b"] == [line.held for line in store.history()]


def test_what_is_not_there_is_not_found(store):
    """A key, a certificate to forget; copies are simply none."""
    assert () == store.copies("h-9")
    for action in (store.key, store.forget):
        with pytest.raises(NotFound) as caught:
            action("h-9")
        assert "storage.not_found" == caught.value.code


def test_a_certificate_is_put_once(store):
    """Its identifier is taken, and nothing of the second is kept."""
    _fill(store)
    with pytest.raises(AlreadyUsed) as caught:
        store.put(_held(), _copies(3, "other"))

    assert "storage.already_used" == caught.value.code
    assert tuple(_copies()) == store.copies("h-1")


def test_a_key_is_not_replaced(store):
    """Putting it again changes nothing."""
    store.put_keys({"k": b"first"})
    store.put_keys({"k": b"second", "other": b"third"})

    assert (b"first", b"third") == (store.key("k"), store.key("other"))


def test_a_forgotten_certificate_is_gone_with_copies_and_keys(store):
    """Its history stays; other certificates are not touched."""
    _fill(store)
    _fill(store, of="h-2")
    store.spend(_shown(), "once")
    store.forget("h-1")

    assert ("h-2",) == tuple(found.id for found in store.held())
    assert () == store.copies("h-1")
    assert "storage.not_found" == _code_of(store.key, _copies()[0].key)
    assert SECRET == store.key(_copies(1, "h-2")[0].key)
    assert (_shown(),) == store.history()


def test_a_key_that_another_certificate_needs_is_not_forgotten(store):
    """It goes with the last of them."""
    store.put_keys({"shared": SECRET})
    for id_ in ("a", "b"):
        store.put(_held(id_), [Copy(id=f"copy-{id_}", key="shared", raw=RAW)])
    store.forget("a")
    assert SECRET == store.key("shared")
    store.forget("b")

    assert "storage.not_found" == _code_of(store.key, "shared")


# -- use ---------------------------------------------------------------------------------------------------


def test_once_takes_a_fresh_copy_each_time_until_none_is_left(store):
    """What could not be shown is not in the history."""
    _fill(store, 2)
    used = [store.spend(_shown(), "once") for _ in range(2)]
    with pytest.raises(AlreadyUsed) as caught:
        store.spend(_shown(), "once")

    assert [replace(copy, uses=1) for copy in _copies(2)] == used
    assert "storage.already_used" == caught.value.code
    assert 2 == len(store.history())


def test_per_verifier_shows_each_audience_its_own_copy(store):
    """Again the same to the same; a fresh one to another; none to the one too many."""
    _fill(store, 2)
    audiences = ["bank", "bank", "school", "bank", "school"]
    used = [store.spend(_shown(audience=audience), "per_verifier") for audience in audiences]

    assert ["h-1-0", "h-1-0", "h-1-1", "h-1-0", "h-1-1"] == [copy.id for copy in used]
    assert [1, 2, 1, 3, 2] == [copy.uses for copy in used]
    assert "storage.already_used" == _code_of(store.spend, _shown(audience="third"), "per_verifier")


def test_reuse_takes_the_copy_used_least(store):
    """In turn, without end."""
    _fill(store, 2)

    assert ["h-1-0", "h-1-1", "h-1-0"] == [store.spend(_shown(), "reuse").id for _ in range(3)]


def test_nothing_is_left_of_a_certificate_that_is_not_there(store):
    """As after it was forgotten."""
    assert "storage.already_used" == _code_of(store.spend, _shown("h-9"), "reuse")


def test_one_of_a_crowd_uses_the_copy(crowd, shared_url):
    """Many processes, three copies: three showings, three lines of history, no copy twice."""
    database, store = _create(shared_url)
    _fill(store)
    arguments = {"url": shared_url, "passphrase": PASSPHRASE}
    assert ["open"] * len(crowd.workers) == crowd.do("unlock", **arguments)
    answers = crowd.do("spend", held="h-1", audience=AUDIENCE, use="once", **arguments)

    assert [copy.id for copy in _copies()] + ["storage.already_used"] * (len(crowd.workers) - 3) == sorted(answers)
    assert (3, [1, 1, 1]) == (len(store.history()), [copy.uses for copy in store.copies("h-1")])
    database.close()


def test_a_crowd_shows_one_audience_one_copy(crowd, shared_url):
    """Even when all ask for the first time at once."""
    database, store = _create(shared_url)
    _fill(store)
    arguments = {"url": shared_url, "passphrase": PASSPHRASE}
    crowd.do("unlock", **arguments)
    answers = crowd.do("spend", held="h-1", audience=AUDIENCE, use="per_verifier", **arguments)

    assert {"h-1-0"} == set(answers)
    assert [len(crowd.workers), 0, 0] == [copy.uses for copy in store.copies("h-1")]
    database.close()


# -- creating and opening ----------------------------------------------------------------------------------


def test_another_passphrase_does_not_open_it(path):
    """A wallet with a damaged key record says the same, word for word (STO-01)."""
    with pytest.raises(StoreError) as wrong:
        _reopened(path, "wrong")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE master SET record = zeroblob(length(record))")
    with pytest.raises(StoreError) as damaged:
        _reopened(path)

    assert "storage.auth_failed" == wrong.value.code
    assert str(wrong.value) == str(damaged.value)


def test_a_changed_passphrase_opens_it_and_the_old_one_does_not(path):
    """Nothing else is written again."""
    _reopened(path).change_passphrase("a better one")

    assert (_held(),) == _reopened(path, "a better one").held()
    assert "storage.auth_failed" == _code_of(_reopened, path)


def test_opening_creates_nothing(tmp_path):
    """A wallet that is not there is not found."""
    assert "storage.not_found" == _code_of(_reopened, tmp_path / "wallet.db")
    assert [] == list(tmp_path.iterdir())


def test_creating_does_not_write_over_a_file(path):
    """Neither over a wallet nor over anything else."""
    before = path.read_bytes()
    with pytest.raises(UsageError) as caught:
        _create(f"sqlite:///{path}")

    assert "usage.file" == caught.value.code
    assert before == path.read_bytes()


def test_a_wallet_in_memory_is_created_when_first_asked_for():
    """There is none to open; the second time there is one already."""
    database = Database.memory(env=Env())
    database.wallet(PASSPHRASE, unsafe_fast_kdf=True).put_keys({"k": SECRET})

    assert "usage.file" == _code_of(database.wallet, PASSPHRASE)
    database.close()


def test_an_empty_passphrase_is_refused(tmp_path):
    """And no file is left."""
    with pytest.raises(UsageError) as caught:
        _create(f"sqlite:///{tmp_path}/wallet.db", "")

    assert "usage.argument" == caught.value.code
    assert [] == list(tmp_path.iterdir())


def test_wallet_and_folder_are_for_their_owner_alone(tmp_path):
    """Under any umask, the files beside it too (STO-07)."""
    mask = os.umask(0)
    try:
        database, store = _create(f"sqlite:///{tmp_path}/folder/wallet.db")
        _fill(store)
    finally:
        os.umask(mask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "folder").iterdir()}

    assert dict.fromkeys(["wallet.db", "wallet.db-shm", "wallet.db-wal"], 0o600) == modes
    assert 0o700 == (tmp_path / "folder").stat().st_mode & 0o777
    database.close()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o666])
def test_a_wallet_that_others_may_read_is_refused(path, mode):
    """They may have copied or changed it (STO-07)."""
    path.chmod(mode)

    assert "storage.loose_mode" == _code_of(_reopened, path)


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_so_is_a_file_beside_it(path, suffix):
    """SQLite would read it."""
    beside = path.with_name(path.name + suffix)
    beside.touch(mode=0o600)
    beside.chmod(0o644)

    assert "storage.loose_mode" == _code_of(_reopened, path)


def test_a_folder_that_others_may_enter_is_refused(path, tmp_path):
    """For a new wallet and for one that is there (STO-07)."""
    tmp_path.chmod(0o755)

    assert "storage.loose_mode" == _code_of(_reopened, path)
    assert "storage.loose_mode" == _code_of(_create, f"sqlite:///{tmp_path}/new.db")
    assert not (tmp_path / "new.db").exists()


def test_a_link_in_the_place_of_a_wallet_is_refused(path, tmp_path):
    """Whether it leads anywhere or not, and beside it too (STO-07)."""
    (tmp_path / "link.db").symlink_to(path)
    (tmp_path / "dangling.db").symlink_to(tmp_path / "nothing.db")

    assert "storage.loose_mode" == _code_of(_reopened, tmp_path / "link.db")
    assert "storage.loose_mode" == _code_of(_reopened, tmp_path / "dangling.db")
    assert "usage.file" == _code_of(_create, f"sqlite:///{tmp_path}/dangling.db")
    assert not (tmp_path / "nothing.db").exists()
    path.with_name("wallet.db-wal").symlink_to(tmp_path / "elsewhere")
    assert "storage.loose_mode" == _code_of(_reopened, path)


# -- foreign and damaged files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", b"S", b"SQLite format 3\0", b"\x80\x04K\x01.", b"PK\x03\x04" + bytes(100)],
    ids=["empty", "one-byte", "header-only", "pickle", "zip"],
)
def test_a_file_that_is_no_wallet_is_corrupt(tmp_path, content):
    """Empty, cut off, of another kind (STO-05, STO-13)."""
    path = tmp_path / "wallet.db"
    path.write_bytes(content)
    path.chmod(0o600)

    assert "storage.corrupt" == _code_of(_reopened, path)
    assert content == path.read_bytes()


@pytest.mark.parametrize("length", [4096, 8192, -4096, -1])
def test_a_wallet_that_was_cut_off_is_corrupt(path, length):
    """At a page's end or within one (STO-05)."""
    path.write_bytes(path.read_bytes()[:length])

    assert "storage.corrupt" == _code_of(_reopened, path)


def test_a_huge_file_is_refused_unread(path):
    """However little of the disk it takes (STO-13)."""
    os.truncate(path, 10 << 30)

    assert "storage.corrupt" == _code_of(_reopened, path)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER UPDATE ON copies BEGIN UPDATE copies SET uses = 0; END",
        "CREATE VIEW v AS SELECT * FROM keys",
        "CREATE TABLE more (a)",
        "CREATE INDEX more ON keys (sealed)",
        "ALTER TABLE keys ADD COLUMN more TEXT",
        "DROP TABLE history",
        "DROP TABLE schema_versions",
    ],
)
def test_a_wallet_with_another_schema_is_refused(path, statement):
    """Nothing that came with it is run (STO-13)."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)

    assert "storage.corrupt" == _code_of(_reopened, path)


def test_a_wallet_of_a_newer_program_is_refused(path):
    """It is not damaged, we are old."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE schema_versions SET version = ?", [WALLET_VERSION + 1])
        connection.execute("CREATE TABLE more (a)")

    assert "usage.configuration" == _code_of(_reopened, path)


def test_a_wallet_whose_schema_is_not_text_is_corrupt(path):
    """The driver's own words about it cannot be decoded."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"CREATE TABLE copies", b"CREATE \xa0ABLE copies"))

    assert "storage.corrupt" == _code_of(_reopened, path)


def _everything(path):
    """All that a wallet gives, or the code of why not; each part by itself."""
    with closing(Database(f"sqlite:///{path}")) as database:
        try:
            store = database.wallet(PASSPHRASE)
        except EWalletError as exc:
            return exc.code
        parts = [
            store.held,
            store.history,
            lambda: store.copies("h-1"),
            *(lambda key=copy.key: store.key(key) for copy in _copies()),
            lambda: store.spend(_shown(), "once"),
        ]
        return [_part(part) for part in parts]


def _part(part):
    try:
        return part()
    except EWalletError as exc:
        return exc.code


@pytest.mark.sweep
def test_a_flipped_bit_never_gives_a_wrong_record(path):
    """Anywhere in the file: what still opens is what was kept, all else is one of our errors (STO-02)."""
    original, chance = path.read_bytes(), random.Random(2)
    expected = _everything(path)
    outcomes = set()
    for _ in range(1000 if FULL else 60):
        changed = bytearray(original)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        path.with_name("wallet.db-wal").unlink(missing_ok=True)  # of a file that could not be closed in order
        found = _everything(path)
        outcomes.add(found if isinstance(found, str) else "opened")
        if isinstance(found, str):
            assert found in {"storage.corrupt", "storage.auth_failed", "storage.unavailable", "usage.configuration"}
        else:
            for was, now in zip(expected, found, strict=True):
                assert now in (was, "storage.corrupt", "storage.not_found", "storage.already_used")

    assert {"opened", "storage.corrupt"} <= outcomes


@pytest.mark.parametrize(
    ("statement", "reader"),
    [
        ("UPDATE copies SET uses = 0", "copies"),
        ("UPDATE copies SET uses = 7", "copies"),
        ("UPDATE copies SET position = 5 - position", "copies"),
        ("DELETE FROM copies WHERE position = 1", "copies"),
        ("UPDATE copies SET sealed = (SELECT sealed FROM copies WHERE position = 2)", "copies"),
        ("UPDATE copies SET key = (SELECT key FROM copies WHERE position = 2)", "copies"),
        ("UPDATE copies SET audience = x'00'", "copies"),
        ("UPDATE held SET sealed = (SELECT sealed FROM copies)", "held"),
        ("UPDATE history SET id = 'another'", "history"),
        ("UPDATE keys SET sealed = (SELECT max(sealed) FROM keys)", "key"),
    ],
)
def test_a_row_changed_by_whoever_has_the_file_is_noticed(path, statement, reader):
    """Moved, swapped, counted down or taken away."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    store = _reopened(path)
    readers = {
        "copies": [lambda: store.copies("h-1")],
        "held": [store.held],
        "history": [store.history],
        "key": [lambda key=copy.key: store.key(key) for copy in _copies()],
    }

    assert "storage.corrupt" in [result for read in readers[reader] if isinstance(result := _part(read), str)]


@pytest.mark.sweep
@pytest.mark.parametrize("round_", range(200 if FULL else 3))
def test_a_killed_wallet_keeps_all_or_nothing(worker, shared_url, round_):
    """What was said to be kept is there with all its copies, and at most one certificate more (STO-05)."""
    _create(shared_url)[0].close()
    worker.tell("save_for_ever", url=shared_url, passphrase=PASSPHRASE)
    told = worker.told(random.Random(round_).randrange(5, 30))
    worker.kill()
    while (said := worker.hear()) is not None:
        told.append(said)

    database = Database(shared_url)
    store = database.wallet(PASSPHRASE)
    kept = sorted(int(found.id) for found in store.held())
    assert kept in (told, [*told, len(told)])
    assert {3} == {len(store.copies(str(id_))) for id_ in kept}
    database.close()


# -- a stolen file -----------------------------------------------------------------------------------------

CANARIES = (TYPE, AUDIENCE, PURPOSE, "canary", "subject_name", "dc+sd-jwt", "once", "2026-11", PASSPHRASE)


def test_a_stolen_wallet_tells_nothing(tmp_path, monkeypatch):
    """No claim, kind, verifier, purpose, date, thumbprint or key, in its file, its log or a temporary file."""
    temporary, folder = tmp_path / "tmp", tmp_path / "wallet"
    temporary.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    database, store = _create(f"sqlite:///{folder}/wallet.db")
    _fill(store, 10)
    for use in ("once", "per_verifier", "reuse"):
        store.spend(_shown(), use)
    while_open = [path.read_bytes() for path in (*folder.iterdir(), *temporary.iterdir())]
    store.forget("h-1")
    database.close()
    closed = [path.read_bytes() for path in (*folder.iterdir(), *temporary.iterdir())]

    assert (3, 1) == (len(while_open), len(closed))
    assert [] == [canary for canary in CANARIES for content in while_open + closed if canary.encode() in content]


def test_what_is_forgotten_leaves_the_file(path):
    """Not even the sealed bytes are left, in the file or in its log: whoever learns the passphrase later finds none."""
    union = "SELECT sealed FROM copies UNION SELECT sealed FROM keys UNION SELECT sealed FROM held"
    with closing(sqlite3.connect(path)) as connection:
        sealed = [row[0] for row in connection.execute(union)]
    database = Database(f"sqlite:///{path}")
    store = database.wallet(PASSPHRASE)
    _fill(store, of="h-2")
    store.forget("h-1")
    files = b"".join(each.read_bytes() for each in path.parent.iterdir())

    assert 7 == len(sealed)
    assert [] == [record for record in sealed if record[1:33] in files or record[-32:] in files]
    database.close()


def test_no_column_is_kept_in_the_clear_by_accident():
    """What is not sealed is on this list: random identifiers, tags, counters, the order they came in."""
    clear = {f"{table.name}.{column.name}" for table in WALLET.sorted_tables for column in table.columns}
    expected = {
        "keys": "tag sealed",
        "held": "number id sealed",
        "copies": "id held position key sealed uses audience mark",
        "history": "number id sealed",
        "master": "id record",
        "pending": "tag sealed",
        "receipts": "number id sealed",
        "sightings": "tag sealed",
        "departures": "number id sealed",
    }

    assert {f"{table}.{column}" for table, columns in expected.items() for column in columns.split()} == clear


def test_errors_say_nothing_of_what_is_kept(path):
    """Neither statements nor values nor paths."""
    database, store = Database(f"sqlite:///{path}"), _reopened(path)
    path.write_bytes(b"SQLite format 3\0" + bytes(random.Random(1).randbytes(20_000)))
    seen = []
    for action in (store.held, lambda: database.wallet(PASSPHRASE), lambda: store.put(_held("h-2"), _copies(1, "h-2"))):
        try:
            action()
        except EWalletError as exc:
            seen.append(str(exc))

    assert seen
    assert not any(word in text for text in seen for word in ("SELECT", "INSERT", "canary", Path(path).name, "sqlite3"))


def test_a_database_that_cannot_be_written_is_unavailable(path):
    """It is not called damaged, so that nobody throws it away."""
    store = _reopened(path)
    with store._engine.reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")

    assert "storage.unavailable" == _code_of(store.put_keys, {"k": SECRET})


def test_a_receipt_takes_the_place_of_the_same_one(store):
    """To which something has happened since; the others stay, in their order."""
    for raw in (b"{}", b"[]"):
        store.put_receipt(raw)
    store.change_receipt(b"{}", b"{1}")
    store.change_receipt(b"nothing", b"{2}")

    assert (b"[]", b"{1}") == store.receipts()
