"""Files that people name: regular ones, whole, bounded; secrets only where nobody else may read them."""

from __future__ import annotations

import os

import pytest

from ewallet import files
from ewallet.errors import Malformed, StoreError, UsageError
from ewallet.testing.kit import Kit
from ewallet.testing.stores import MemoryVerifierStore


def test_a_file_up_to_the_limit_is_read_whole(tmp_path):
    """The limit itself is allowed."""
    (tmp_path / "file").write_bytes(b"1234")

    assert b"1234" == files.read(str(tmp_path / "file"), limit=4)


def test_a_larger_file_is_not_read(tmp_path):
    """From a stranger it is a hostile message, of our own a wrong argument."""
    (tmp_path / "file").write_bytes(b"12345")

    with pytest.raises(Malformed) as theirs:
        files.read(str(tmp_path / "file"), limit=4)
    with pytest.raises(UsageError) as ours:
        files.read_own(str(tmp_path / "file"), limit=4, what="the list")
    assert ("limit.size", "usage.file") == (theirs.value.code, ours.value.code)


@pytest.mark.parametrize("name", [".", "missing", "empty", "nul\0", "fifo", "/dev/null"])
def test_what_is_no_file_with_something_in_it_is_refused(tmp_path, name):
    """A folder, a device, a pipe, nothing at all."""
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(UsageError) as refused:
        files.read(str(tmp_path) + "/" + name if name[0] != "/" else name)
    assert "usage.file" == refused.value.code


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_passphrase_that_others_may_read_is_refused(tmp_path, mode):
    """Also where only a group may."""
    (tmp_path / "secret").write_text("one\ntwo\n")
    (tmp_path / "secret").chmod(mode)

    with pytest.raises(StoreError) as refused:
        files.read_secret(str(tmp_path / "secret"), what="the passphrase file")
    assert "storage.loose_mode" == refused.value.code


def test_a_passphrase_is_the_first_line(tmp_path):
    """What editors add at the end belongs to no passphrase."""
    (tmp_path / "secret").write_text("one two \nthree\n")
    (tmp_path / "secret").chmod(0o600)

    assert "one two " == files.read_secret(str(tmp_path / "secret"), what="the passphrase file")


def test_a_passphrase_is_text(tmp_path):
    """Bytes that are no UTF-8 are refused."""
    (tmp_path / "secret").write_bytes(b"\xff\n")
    (tmp_path / "secret").chmod(0o600)

    with pytest.raises(UsageError, match="not utf-8") as refused:
        files.read_secret(str(tmp_path / "secret"), what="the passphrase file")
    assert "usage.file" == refused.value.code


def test_a_trust_list_is_read_with_the_key_of_its_operator(tmp_path):
    """The list that was signed comes back; a private key or rubbish in the place of the key is a wrong setting."""
    kit = Kit.make()
    kit.pki.save(tmp_path)
    list_, key = str(tmp_path / "trust-list.jwt"), tmp_path / "operator.jwk"

    assert kit.pki.trust_list() == files.read_trust(list_, str(key), kit.clock.now(), MemoryVerifierStore())
    wrong = {"operator.key": "usage.configuration", "pki.json": "usage.configuration", "trust-list.jwt": "usage.file"}
    for name, code in wrong.items():  # the last is too long for a key
        with pytest.raises(UsageError) as refused:
            files.read_trust(list_, str(tmp_path / name), kit.clock.now(), MemoryVerifierStore())
        assert code == refused.value.code
