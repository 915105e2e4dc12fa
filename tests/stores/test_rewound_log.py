"""A database that came back from a backup: its log is older than what was signed, and is not gone on with."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, closing, contextmanager

import pytest

from ewallet.errors import EWalletError
from ewallet.history import Head, Log, Note
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.history import ORIGIN, event
from ewallet.testing.kit import Kit
from ewallet.testing.mydata import BANK, CITIZEN, World

KEY = SigningKey.generate("EdDSA")
CATALOG = Kit.make().catalog


@contextmanager
def _portal(folder, key=KEY):
    with ExitStack() as stack:
        portal, keys = (
            stack.enter_context(closing(Database(f"sqlite:///{folder}/{name}.db"))) for name in ("portal", "keys")
        )
        yield World.on(portal, keys, key, catalog=CATALOG)


def _put_back(folder, backup):
    for suffix in ("", "-wal", "-shm"):
        (folder / f"portal.db{suffix}").unlink(missing_ok=True)
    shutil.copy(backup / "portal.db", folder / "portal.db")


def _code(call, *arguments, **options):
    with pytest.raises(EWalletError) as refused:
        call(*arguments, **options)
    return refused.value.code


@pytest.fixture
def rewound(tmp_path):
    """A portal whose person withdrew after the backup that it came back from; the folder, and the consent."""
    folder, backup = tmp_path / "portal", tmp_path / "backup"
    folder.mkdir()
    with _portal(folder) as world:
        consent = world.given()
    shutil.copytree(folder, backup)
    with _portal(folder) as world:
        world.mydata.withdraw(consent.id, CITIZEN)
    _put_back(folder, backup)
    return folder, consent


def test_a_withdrawal_is_not_forgotten_with_a_backup(rewound):
    """Nothing is provided under a consent of which the log no longer says that it was withdrawn."""
    folder, consent = rewound
    with _portal(folder) as world:
        assert "log.rollback" == _code(world.mydata.recover)
        assert "log.rollback" == _code(world.register.log.checkpoint)
        assert "log.forked" == _code(world.mydata.download, consent.id, recipient=BANK)


def test_that_a_recipient_was_stopped_is_not_forgotten_either(tmp_path):
    """One call stops it, and a backup does not let it go on."""
    folder, backup = tmp_path / "portal", tmp_path / "backup"
    folder.mkdir()
    with _portal(folder) as world:
        world.given()
    shutil.copytree(folder, backup)
    with _portal(folder) as world:
        assert 1 == world.mydata.stop(BANK, CITIZEN)
    _put_back(folder, backup)
    with _portal(folder) as world:
        assert "log.rollback" == _code(world.mydata.recover)


def test_that_a_purpose_was_met_is_not_forgotten_either(tmp_path):
    """Nor does it begin anew, month after month."""
    folder, backup = tmp_path / "portal", tmp_path / "backup"
    folder.mkdir()
    with _portal(folder) as world:
        consent = world.given()
    shutil.copytree(folder, backup)
    with _portal(folder) as world:
        world.mydata.fulfil(consent.id, recipient=BANK)
    _put_back(folder, backup)
    with _portal(folder) as world:
        assert "log.rollback" == _code(world.mydata.recover)


def test_what_goes_on_all_the_same_is_a_fork(rewound):
    """However large it becomes: no key signs two histories."""
    folder, _ = rewound
    with _portal(folder) as world:
        random = Clock().env("fork").random
        for _number in range(3):
            world.register.store.append(event(random))

        assert "log.forked" == _code(world.register.log.checkpoint)
        assert "log.forked" == _code(world.mydata.recover)


def test_under_another_key_it_is_another_log(rewound):
    """Whoever relies on it has to be given that key, and learns that something was lost."""
    folder, _ = rewound
    with _portal(folder, SigningKey.generate("EdDSA")) as world:
        assert 0 == world.mydata.recover()
        assert 1 == Head.read(Note.read(world.register.log.checkpoint()).text).size


def test_a_head_is_remembered_before_it_is_signed_and_none_that_is_smaller():
    """By key, on disk, and again by whoever comes late."""
    with closing(Database.memory()) as keys:
        small, large = Head(ORIGIN, 3, bytes(32)), Head(ORIGIN, 5, b"\1" * 32)
        for head in (small, large, small):
            keys.heads.remember("one", head)

        assert large == keys.heads.newest("one")
        assert keys.heads.newest("other") is None


def test_a_log_that_grows_is_signed_and_remembered():
    """Each checkpoint, once."""
    with closing(Database.memory()) as portal, closing(Database.memory()) as keys:
        log, random = Log(ORIGIN, KEY, portal.history, keys.heads), Clock().env("log").random
        for size in (1, 2, 3):
            portal.history.append(event(random))
            assert size == Head.read(Note.read(log.checkpoint()).text).size
            assert log.check() == keys.heads.newest(log.key)
