"""A wallet in a file for bad days, and back from there: whole, and with nothing in it that passes for fresh."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ewallet.collection import Pending
from ewallet.errors import EWalletError, UsageError
from ewallet.holding import Copy, Held, Shown
from ewallet.oauth import Authorization
from ewallet.ranks import fresh_ranks
from ewallet.sql import Database

FULL = bool(os.environ.get("EWALLET_FULL"))
AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PASSPHRASE, ANOTHER = "correct horse battery staple", "that of the wallet which is there"
BANK, SHOP = "x509_san_dns:bank.example", "x509_san_dns:shop.example"
USES = ("once", "per_verifier", "reuse")
PENDING = Pending(
    issuer="https://issuer.example",
    configuration_id="kind.dc+sd-jwt",
    type_id="urn:example:kr-ewallet:kind:1",
    due=AT,
    transaction_id="transaction",
    token=Authorization(scheme="DPoP", token="token"),
    bound=None,
    keys={"pending-key": b"secret" * 8},
)


def _held(use):
    return Held(id=use, format="dc+sd-jwt", type_id="urn:example:kr-ewallet:kind:1", received=AT, use=use)


def _copies(use):
    return [Copy(id=f"{use}-{i}", key=f"key-{use}-{i}", raw=f"raw-{use}-{i}", rank=i) for i in range(3)]


def _shown(use, audience=BANK):
    return Shown(at=AT, audience=audience, purpose="", held=use, type_id=PENDING.type_id, paths=())


def _fill(store):
    """A certificate for each way of use, one copy of each shown to the bank; a receipt, and what is on its way."""
    for use in USES:
        store.put_keys({copy.key: copy.key.encode() * 4 for copy in _copies(use)})
        store.put(_held(use), _copies(use))
        store.spend(_shown(use), use)
    store.put_receipt(b"{}")
    store.put_keys({"unbound-key": b"secret" * 8})
    store.receive([], pending=[PENDING])


@contextmanager
def _wallet(path, passphrase=PASSPHRASE, *, create=False):
    with closing(Database(f"sqlite:///{path}")) as database:
        yield database.wallet(passphrase, create=create, unsafe_fast_kdf=create)


@pytest.fixture
def backup(tmp_path):
    """The backup of a wallet that has everything."""
    path = tmp_path / "backup"
    with _wallet(tmp_path / "first" / "wallet.db", create=True) as store:
        _fill(store)
        for rank in range(3):
            store.salt(rank, bytes([rank]) * 32)
        store.show_rank(0, BANK)
        store.backup(path)
    return path


@pytest.fixture
def live(tmp_path):
    """Another wallet, which is there already, with a passphrase of its own."""
    path = tmp_path / "live" / "wallet.db"
    with _wallet(path, ANOTHER, create=True) as store:
        _fill(store)
    return path


def _restore(backup, path, passphrase=PASSPHRASE, *, replace=False):
    with closing(Database(f"sqlite:///{path}")) as database:
        return _everything(database.restore(backup, passphrase, replace=replace))


def _everything(store):
    copies = [(copy.id, copy.raw, store.key(copy.key)) for use in USES for copy in store.copies(use)]
    return store.held(), copies, store.history(), store.receipts()


def _code(action, *arguments, **named):
    with pytest.raises(EWalletError) as caught:
        action(*arguments, **named)
    return caught.value.code


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# -- what comes back -------------------------------------------------------------------------------------------


def test_a_backup_is_one_file_for_its_owner_alone(tmp_path, live):
    """Sealed as the wallet is, under any umask, and while the wallet is open."""
    mask = os.umask(0)
    try:
        with _wallet(live, ANOTHER) as store:
            (tmp_path / "backups").mkdir()
            store.backup(tmp_path / "backups" / "wallet.db")
    finally:
        os.umask(mask)
    (made,) = (tmp_path / "backups").iterdir()

    assert 0o600 == made.stat().st_mode & 0o777
    assert [] == [canary for canary in (b"raw-once", b"key-once", b"issuer.example") if canary in made.read_bytes()]


def test_everything_that_was_kept_comes_back(tmp_path, backup):
    """Into an empty place, whose folder is made, and it opens again by itself."""
    path = tmp_path / "new" / "wallet.db"
    restored = _restore(backup, path)
    with _wallet(tmp_path / "first" / "wallet.db") as first, _wallet(path) as again:
        assert _everything(first) == restored == _everything(again)

    assert ["wallet.db"] == [*_files(path.parent)]
    assert (0o700, 0o600) == (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777)


def test_a_wallet_in_memory_has_a_backup_too(tmp_path):
    """Which is a file like any other."""
    with closing(Database.memory()) as database:
        store = database.wallet(PASSPHRASE, unsafe_fast_kdf=True)
        _fill(store)
        store.backup(tmp_path / "backup")
        expected = _everything(store)

    assert expected == _restore(tmp_path / "backup", tmp_path / "new" / "wallet.db")


def test_a_backup_has_what_was_there_at_one_moment(tmp_path, live):
    """Not half of what another program is writing."""
    with _wallet(live, ANOTHER) as store, closing(sqlite3.connect(live, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM copies")
        store.backup(tmp_path / "backup")
        other.execute("ROLLBACK")

    assert 9 == len(_restore(tmp_path / "backup", tmp_path / "new" / "wallet.db", ANOTHER)[1])


# -- what is not fresh any more --------------------------------------------------------------------------------


def test_copies_that_may_have_been_shown_since_are_not_shown(tmp_path, backup):
    """One that somebody has seen goes to them alone, as before; one for everybody goes to everybody."""
    path = tmp_path / "new" / "wallet.db"
    _restore(backup, path)
    with _wallet(path) as store:
        assert {1} == {copy.uses for use in USES for copy in store.copies(use)}
        assert "storage.already_used" == _code(store.spend, _shown("once"), "once")
        assert "storage.already_used" == _code(store.spend, _shown("per_verifier", SHOP), "per_verifier")
        assert "per_verifier-0" == store.spend(_shown("per_verifier"), "per_verifier").id
        assert 2 == store.spend(_shown("reuse", SHOP), "reuse").uses


def test_ranks_that_may_have_been_seen_since_are_not_given_again(tmp_path, backup):
    """A reference made with such a salt would tell two recipients that it is one person."""
    path, chance = tmp_path / "new" / "wallet.db", random.Random(1)
    _restore(backup, path)
    with _wallet(path) as store:
        assert {0: BANK, 1: "", 2: ""} == dict(store.rank_audiences(range(40)))
        assert [3, 4] == [rank.number for rank in fresh_ranks(store, 2, chance.randbytes)]
        assert "storage.already_used" == _code(store.show_rank, 1, SHOP)


def test_what_was_on_its_way_does_not_arrive_twice(tmp_path, backup):
    """Copies for those keys may have come since, and been shown."""
    path = tmp_path / "new" / "wallet.db"
    _restore(backup, path)
    with _wallet(path) as store:
        assert () == store.pending()
        assert "storage.not_found" == _code(store.key, "unbound-key")


def test_a_wallet_that_was_copied_by_hand_is_no_fresher(tmp_path, live):
    """Whatever wrote the file, the rule is that of restoring."""
    copied = tmp_path / "copied"
    copied.write_bytes(live.read_bytes())
    copied.chmod(0o600)
    path = tmp_path / "new" / "wallet.db"
    _restore(copied, path, ANOTHER)
    with _wallet(path, ANOTHER) as store:
        assert "storage.already_used" == _code(store.spend, _shown("once"), "once")


# -- what is refused -------------------------------------------------------------------------------------------


def _cut(length):
    return lambda path: path.write_bytes(path.read_bytes()[:length])


def _filled(content):
    return lambda path: path.write_bytes(content)


def _ran(statement):
    def change(path):
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(statement)

    return change


def _linked(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


REFUSED = {
    "half written": (_cut(20_000), "storage.corrupt"),
    "cut at a page": (_cut(8192), "storage.corrupt"),
    "one byte short": (_cut(-1), "storage.corrupt"),
    "empty": (_filled(b""), "storage.corrupt"),
    "a pickle": (_filled(b"\x80\x04K\x01."), "storage.corrupt"),
    "too large": (lambda path: os.truncate(path, 10 << 30), "storage.corrupt"),
    "another database": (_ran("DROP TABLE receipts"), "storage.corrupt"),
    "a trigger": (_ran("CREATE TRIGGER t AFTER UPDATE ON copies BEGIN DELETE FROM keys; END"), "storage.corrupt"),
    "a record changed": (_ran("UPDATE history SET sealed = zeroblob(600)"), "storage.corrupt"),
    "a counter changed": (_ran("UPDATE copies SET uses = 0"), "storage.corrupt"),
    "a key gone": (_ran("DELETE FROM keys"), "storage.corrupt"),
    "a certificate moved": (_ran("UPDATE held SET id = 'twice' WHERE id = 'once'"), "storage.corrupt"),
    "no wallet in it": (_ran("DELETE FROM master"), "storage.not_found"),
    "newer": (_ran("UPDATE schema_versions SET version = 99"), "usage.configuration"),
    "a link": (_linked, "storage.loose_mode"),
    "a folder": (lambda path: path.rename(path.with_name("aside")) and path.mkdir(), "storage.loose_mode"),
    "open to others": (lambda path: path.chmod(0o640), "storage.loose_mode"),
    "open": (lambda path: path.with_name("backup-wal").touch(), "usage.file"),
    "missing": (lambda path: path.unlink(), "usage.file"),
}


@pytest.mark.parametrize(("spoil", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_good_backup_leaves_the_wallet_as_it_is(backup, live, spoil, code):
    """Byte for byte, with nothing beside it, and no wallet is made where there was none (STO-17)."""
    spoil(backup)
    before, new = _files(live.parent), live.parents[1] / "new" / "wallet.db"

    assert code == _code(_restore, backup, live, replace=True)
    assert before == _files(live.parent)
    assert code == _code(_restore, backup, new)
    assert not new.parent.exists() or {} == _files(new.parent)


def test_a_wrong_passphrase_leaves_the_wallet_as_it_is(backup, live):
    """Also that of the wallet which would be replaced (STO-17)."""
    before = _files(live.parent)

    assert "storage.auth_failed" == _code(_restore, backup, live, ANOTHER, replace=True)
    assert before == _files(live.parent)


@pytest.mark.sweep
def test_a_flipped_bit_never_gives_a_wrong_wallet(tmp_path, backup, live):
    """Anywhere in the backup: what is restored is what was kept, else the wallet stays (STO-17)."""
    original, chance, outcomes = backup.read_bytes(), random.Random(17), set()
    expected, before = _restore(backup, tmp_path / "new" / "wallet.db"), _files(live.parent)
    for number in range(1000 if FULL else 25):
        changed = bytearray(original)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        backup.write_bytes(changed)
        try:
            assert expected == _restore(backup, tmp_path / f"{number}" / "wallet.db")
            outcomes.add("restored")
        except EWalletError as exc:
            outcomes.add(exc.code)
            assert exc.code == _code(_restore, backup, live, replace=True)
        assert before == _files(live.parent)

    assert {"restored", "storage.corrupt"} <= outcomes
    assert outcomes <= {"restored", "storage.corrupt", "storage.auth_failed", "usage.configuration"}


# -- whose place it takes --------------------------------------------------------------------------------------


def test_a_wallet_that_is_there_is_replaced_only_if_that_is_said(backup, live):
    """Neither by accident nor in part."""
    before = _files(live.parent)

    assert "usage.file" == _code(_restore, backup, live)
    assert before == _files(live.parent)
    assert 9 == len(_restore(backup, live, replace=True)[1])
    assert ["wallet.db"] == [*_files(live.parent)]


def test_a_wallet_that_is_open_is_not_replaced(backup, live):
    """Its log would be taken for that of the new one."""
    with _wallet(live, ANOTHER) as store:
        assert "storage.locked" == _code(_restore, backup, live, replace=True)
        assert 9 == len(_everything(store)[1])
    _restore(backup, live, replace=True)
    with _wallet(live) as store:
        assert 9 == len(_everything(store)[1])


def test_what_a_wallet_was_about_to_forget_stays_out_of_the_new_one(backup, live, tmp_path):
    """The log of one that was killed belongs to it alone."""
    with _wallet(live, ANOTHER) as store:
        store.put_receipt(b"newer")
        killed = _files(live.parent)
    for name, content in killed.items():
        (live.parent / name).write_bytes(content)
        (live.parent / name).chmod(0o600)
    expected = _restore(backup, tmp_path / "new" / "wallet.db")

    assert "wallet.db-wal" in killed
    assert expected == _restore(backup, live, replace=True)


@pytest.mark.parametrize("content", [b"", b"S", b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_wallet_can_be_replaced(backup, live, content):
    """That is what backups are for; whatever lies beside it goes as well."""
    live.write_bytes(content)
    for suffix in ("-wal", "-journal"):
        beside = live.with_name(f"wallet.db{suffix}")
        beside.write_bytes(b"of another wallet")
        beside.chmod(0o600)

    assert 9 == len(_restore(backup, live, replace=True)[1])
    with _wallet(live) as store:
        assert 9 == len(_everything(store)[1])


def test_a_link_in_the_place_of_either_is_refused(tmp_path, backup, live):
    """What it leads to is left alone."""
    elsewhere = live.rename(live.with_name("elsewhere"))
    live.symlink_to(elsewhere)
    before = elsewhere.read_bytes()

    assert "storage.loose_mode" == _code(_restore, backup, live, replace=True)
    assert before == elsewhere.read_bytes()
    with _wallet(tmp_path / "first" / "wallet.db") as store:
        assert "storage.loose_mode" == _code(store.backup, live, replace=True)
    assert before == elsewhere.read_bytes()


def test_a_backup_replaces_another_only_if_that_is_said(tmp_path, backup):
    """And no wallet at all that is open, least of all its own."""
    first, before = tmp_path / "first" / "wallet.db", backup.read_bytes()
    with _wallet(first) as store:
        assert "usage.file" == _code(store.backup, backup)
        assert before == backup.read_bytes()
        store.put_receipt(b"newer")
        store.backup(backup, replace=True)
        assert "usage.file" == _code(store.backup, first, replace=True)

    assert (b"newer", b"{}") == _restore(backup, tmp_path / "new" / "wallet.db")[3]
    assert "usage.file" == _code(_restore, first, first, replace=True)


def test_a_backup_that_could_not_be_restored_is_not_made(tmp_path, live):
    """Better to know it now."""
    _ran("DELETE FROM keys")(live)
    with _wallet(live, ANOTHER) as store:
        assert "storage.corrupt" == _code(store.backup, tmp_path / "backup")

    assert not (tmp_path / "backup").exists()


def test_what_a_killed_program_left_is_cleared_away(tmp_path, backup):
    """And nothing else that has a name like it."""
    left, kept = "backup.0123456789abcdef.new-wal", "backup.old.new"
    for name in (left, kept):
        (tmp_path / name).touch()
    with _wallet(tmp_path / "first" / "wallet.db") as store:
        store.backup(backup, replace=True)

    assert {"backup", kept, "first"} == {path.name for path in tmp_path.iterdir()}


def test_a_folder_that_is_not_there_is_named(tmp_path, live):
    """As for any file."""
    with _wallet(live, ANOTHER) as store:
        assert "usage.file" == _code(store.backup, tmp_path / "none" / "backup")


@pytest.mark.parametrize("url", ["sqlite://", "postgres"])
def test_only_a_file_is_restored(request, backup, url):
    """PostgreSQL has backups of its own, and of these copies nobody can say what was shown since."""
    url = request.getfixturevalue("postgres").empty() if url == "postgres" else url
    with closing(Database(url)) as database, pytest.raises(UsageError) as caught:
        database.restore(backup, PASSPHRASE)

    assert "usage.configuration" == caught.value.code


def test_a_wallet_in_postgres_has_no_backup_of_ours(request, tmp_path):
    """A file of half a server helps nobody."""
    with closing(Database(request.getfixturevalue("postgres").empty())) as database:
        store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
        assert "usage.configuration" == _code(store.backup, tmp_path / "backup")

    assert [] == [*tmp_path.glob("backup*")]


def test_counting_as_shown_twice_changes_nothing(tmp_path, backup):
    """A restored wallet has a backup like any other."""
    once, twice = tmp_path / "once" / "wallet.db", tmp_path / "twice" / "wallet.db"
    first = _restore(backup, once)
    with _wallet(once) as store:
        store.backup(backup, replace=True)

    assert first == _restore(backup, twice)
    with _wallet(once) as one, _wallet(twice) as other:
        assert [one.copies(use) for use in USES] == [other.copies(use) for use in USES]
        assert [replace(copy, uses=1) for copy in one.copies("once")] == [*one.copies("once")]
