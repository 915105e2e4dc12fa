"""The keys of people: one for each, destroyed for good, and not found in any file after that."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from ewallet.errors import NotFound, StoreError, UsageError
from ewallet.sql import Database
from ewallet.sql.vault import destroyed_keys, person_keys
from ewallet.testing.clock import START, Clock
from ewallet.testing.keystore import MemoryKeyStore
from ewallet.vault import Vault

MASTER = bytes(range(32))
CANARY = b"\xeb\x82\x98\xec\x9d\x98 canary of a record"


@pytest.fixture(params=[False, True], ids=["in-database", "in-memory"])
def keys(request, store_url):
    """An empty store of each kind; the one in memory beside each of the databases."""
    if request.param:
        yield MemoryKeyStore()
        return
    database = Database(store_url)
    yield database.keys
    database.close()


def _vault(keys, master=MASTER):
    return Vault(keys, master, Clock().env("vault").random)


def _code(call, *arguments):
    with pytest.raises(StoreError) as refused:
        call(*arguments)
    return refused.value.code


def test_what_was_sealed_is_opened_in_its_place_only(keys):
    """By the same person's key, for the same object; the record does not show what is in it."""
    vault = _vault(keys)
    sealed = vault.seal("hong", CANARY, "consent", "1")
    assert CANARY not in sealed
    assert CANARY == vault.unseal("hong", sealed, "consent", "1")
    assert "storage.corrupt" == _code(vault.unseal, "hong", sealed, "consent", "2")
    vault.seal("seong", b"other", "consent", "1")
    assert "storage.corrupt" == _code(vault.unseal, "seong", sealed, "consent", "1")
    assert "storage.not_found" == _code(vault.unseal, "nobody", sealed, "consent", "1")


def test_first_key_of_a_person_is_the_key(keys):
    """Whoever comes second takes that, so that nothing is sealed under a key that is lost."""
    assert b"first" == keys.put_key("hong", b"first")
    assert b"first" == keys.put_key("hong", b"second")
    assert b"first" == keys.key("hong")


def test_destroyed_key_opens_nothing_and_stays_destroyed(keys):
    """Nor is another one taken for that person; others are not concerned."""
    vault = _vault(keys)
    sealed, other = vault.seal("hong", CANARY), vault.seal("seong", b"other")
    vault.destroy("hong", START)
    vault.destroy("hong", START)

    assert "storage.not_found" == _code(vault.unseal, "hong", sealed)
    assert "storage.not_found" == _code(vault.seal, "hong", CANARY)
    with pytest.raises(NotFound) as refused:
        keys.put_key("hong", b"again")
    assert "storage.not_found" == refused.value.code
    assert keys.is_destroyed("hong")
    assert not keys.is_destroyed("seong")
    assert b"other" == vault.unseal("seong", other)


def test_other_master_key_opens_nothing(keys):
    """Nor does it look like damage: it is the wrong key."""
    sealed = _vault(keys).seal("hong", CANARY)
    assert "storage.auth_failed" == _code(_vault(keys, bytes(32)).unseal, "hong", sealed)
    with pytest.raises(UsageError) as refused:
        _vault(keys, b"short")
    assert "usage.configuration" == refused.value.code


def test_key_that_a_backup_brings_back_is_destroyed_again(tmp_path):
    """Whoever remembers the deletion says so at the next start."""
    file, backup = tmp_path / "keys.db", tmp_path / "backup.db"
    database = Database(f"sqlite:///{file}")
    vault = _vault(database.keys)
    sealed = vault.seal("hong", CANARY)
    vault.seal("seong", b"other")
    database.close()
    shutil.copy(file, backup)
    database = Database(f"sqlite:///{file}")
    _vault(database.keys).destroy("hong", START)
    database.close()
    shutil.copy(backup, file)

    restored = Database(f"sqlite:///{file}")
    vault = _vault(restored.keys)
    assert CANARY == vault.unseal("hong", sealed)  # until somebody remembers
    assert 1 == vault.forget(["hong", "nobody"], START)
    assert 0 == vault.forget(["hong", "nobody"], START)
    assert "storage.not_found" == _code(vault.unseal, "hong", sealed)
    restored.close()


def test_destroyed_key_is_in_no_file(tmp_path):
    """MYD-11: neither in the database nor in its log, while the process still runs."""
    database = Database(f"sqlite:///{tmp_path / 'keys.db'}")
    vault = _vault(database.keys)
    vault.seal("hong", CANARY)
    key = database.keys.key("hong")
    assert key is not None
    assert any(key in file.read_bytes() for file in tmp_path.iterdir())
    vault.destroy("hong", START)

    assert [] == [file.name for file in tmp_path.iterdir() if key in file.read_bytes()]
    database.close()


def test_crowd_seals_under_one_key(shared_url):
    """Twenty threads that meet a person for the first time; what each sealed can be opened."""
    database = Database(shared_url)
    vault = _vault(database.keys)
    with ThreadPoolExecutor(20) as crowd:
        sealed = list(crowd.map(lambda number: vault.seal("hong", str(number).encode()), range(20)))
    assert [str(number).encode() for number in range(20)] == [vault.unseal("hong", each) for each in sealed]
    database.close()


def test_no_file_tells_which_keys_were_made_or_destroyed_one_after_the_other(tmp_path):
    """Those of one person are: what is kept is in the order of its random names, and no row has a number."""
    database = Database(f"sqlite:///{tmp_path}/keys.db")
    vault = _vault(database.keys)
    names = ["q", "hong", "b", "z", "a"]
    for name in names:
        vault.seal(name, b"")
        vault.destroy(name, START)
        vault.seal(f"{name} again", b"")
    with database._engine.reading() as connection:
        asked = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0"
        numbered = set(connection.exec_driver_sql(asked).scalars())
        found = [list(connection.execute(select(table.c.subject)).scalars()) for table in (person_keys, destroyed_keys)]
    assert not {person_keys.name, destroyed_keys.name} & numbered
    assert [[f"{name} again" for name in sorted(names)], sorted(names)] == found
    database.close()
