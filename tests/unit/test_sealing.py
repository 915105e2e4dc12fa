"""Sealed records: what opens them, what does not, and what they tell to whoever only has the file."""

from __future__ import annotations

import copy
import json
import os
import pickle
import random
import traceback

import pytest

from ewallet.env import Env
from ewallet.errors import StoreError
from ewallet.sealing import Sealer

RANDOM = Env().random
PASSPHRASE = "correct horse"
WRITES = 100_000 if os.environ.get("EWALLET_FULL") else 5_000


@pytest.fixture
def sealer():
    """A new master key."""
    return Sealer.create(RANDOM)


def _record_of(sealer, passphrase=PASSPHRASE):
    return sealer.key_record(passphrase, unsafe_fast_kdf=True)


def _code_of(action, *arguments):
    with pytest.raises(StoreError) as caught:
        action(*arguments)
    return str(caught.value)


def test_the_passphrase_opens_what_was_sealed(sealer):
    """In another process too, where only the key record and the sealed record are left."""
    key_record, sealed = _record_of(sealer), sealer.seal(b"a record", "held", "1")

    assert b"a record" == Sealer.open(key_record, "correct horse", RANDOM).unseal(sealed, "held", "1")


def test_the_standard_cost_opens_as_well(sealer):
    """64 MiB and three passes."""
    opened = Sealer.open(sealer.key_record("correct horse"), "correct horse", RANDOM)

    assert sealer.tag("x") == opened.tag("x")


@pytest.mark.parametrize("passphrase", ["", "correct hors", "Correct horse", "correct horse ", "\ud800", "가" * 1000])
def test_another_passphrase_does_not_open_it(sealer, passphrase):
    """Whatever is typed."""
    assert _code_of(Sealer.open, _record_of(sealer), passphrase, RANDOM).startswith("storage.auth_failed")


def test_every_changed_byte_of_a_key_record_looks_like_a_wrong_passphrase(sealer):
    """The error is the same, word for word (STO-01)."""
    key_record = _record_of(sealer)
    wrong = _code_of(Sealer.open, key_record, "wrong", RANDOM)
    for position in range(len(key_record)):
        changed = bytearray(key_record)
        changed[position] ^= 0x10
        assert wrong == _code_of(Sealer.open, bytes(changed), "correct horse", RANDOM)
    for length in (0, 1, len(key_record) - 1):
        assert wrong == _code_of(Sealer.open, key_record[:length], "correct horse", RANDOM)


def test_a_passphrase_is_the_same_on_every_keyboard(sealer):
    """Hangul in syllables and in single letters, as some systems send it."""
    composed, decomposed = "\uac00\ub098", "\u1100\u1161\u1102\u1161"

    assert sealer.tag("x") == Sealer.open(_record_of(sealer, composed), decomposed, RANDOM).tag("x")


def test_a_new_passphrase_opens_old_records(sealer):
    """Only the key record is written again; the old passphrase no longer opens it."""
    sealed = sealer.seal(b"a record", "held", "1")
    changed = _record_of(sealer, "another passphrase")

    assert b"a record" == Sealer.open(changed, "another passphrase", RANDOM).unseal(sealed, "held", "1")
    assert _code_of(Sealer.open, changed, "correct horse", RANDOM).startswith("storage.auth_failed")


@pytest.mark.parametrize(
    "place", [(), ("held",), ("held", "2"), ("copies", "1"), ("hel", "d1"), ("held1",), ("held", "1", "")]
)
def test_a_record_opens_in_its_own_place_only(sealer, place):
    """Moved to another row, it is damage."""
    assert _code_of(sealer.unseal, sealer.seal(b"a record", "held", "1"), *place).startswith("storage.corrupt")


def test_a_record_of_another_master_key_does_not_open(sealer):
    """As after restoring the wrong key record."""
    sealed = Sealer.create(RANDOM).seal(b"a record", "held", "1")

    assert _code_of(sealer.unseal, sealed, "held", "1").startswith("storage.corrupt")


def test_every_changed_byte_of_a_record_is_noticed(sealer):
    """And every lost one."""
    sealed = sealer.seal(b"a record", "held", "1")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 0x01
        assert _code_of(sealer.unseal, bytes(changed), "held", "1").startswith("storage.corrupt")
    for length in (0, 1, 33, len(sealed) - 1):
        assert _code_of(sealer.unseal, sealed[:length], "held", "1").startswith("storage.corrupt")


@pytest.mark.parametrize("length", [0, 1, 507, 508, 509, 100_000])
def test_records_of_all_sizes_come_back(sealer, length):
    """Filled up to a block, which is taken off again."""
    plain = random.Random(length).randbytes(length)
    sealed = sealer.seal(plain, "held", "1")

    assert plain == sealer.unseal(sealed, "held", "1")
    assert 0 == (len(sealed) - 49) % 512


@pytest.mark.sweep
def test_no_record_shares_its_key_with_another(sealer):
    """The random part that makes the key never repeats (STO-11)."""
    fresh = {sealer.seal(b"", "held", "1")[1:33] for _ in range(WRITES)}

    assert WRITES == len(fresh)


def test_the_same_record_looks_different_each_time(sealer):
    """Nobody sees that it was written again unchanged."""
    assert sealer.seal(b"a record", "held", "1") != sealer.seal(b"a record", "held", "1")


def test_tags_find_the_same_parts_again(sealer):
    """And differ from other parts, other divisions of them, and other wallets."""
    parts = [("audience", "a"), ("audience", "b"), ("audiencea",), ("audience", "a", "")]

    assert sealer.tag("audience", "a") == sealer.tag("audience", "a")
    assert 4 == len({sealer.tag(*part) for part in parts})
    assert sealer.tag("audience", "a") != Sealer.create(RANDOM).tag("audience", "a")


MASTER = bytes(range(65, 97))


@pytest.fixture
def known():
    """A master key that would be seen wherever it appeared."""
    return Sealer(MASTER, RANDOM)


def _tells(text):
    return MASTER.decode() in text or MASTER.hex() in text or repr(MASTER)[2:-1] in text


def test_a_sealer_prints_without_its_key(known):
    """However it is printed (STO-09)."""
    assert not any(_tells(text) for text in (repr(known), str(known), f"{known}", f"{[known]}"))


@pytest.mark.parametrize(
    "copier", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps], ids=["pickle", "copy", "deepcopy", "json"]
)
def test_a_sealer_is_not_copied_out(known, copier):
    """Neither pickled nor turned into JSON (STO-09)."""
    with pytest.raises(TypeError):
        copier(known)


def test_a_traceback_with_locals_tells_no_key(known):
    """Error reporters collect them (STO-09)."""
    record = _record_of(known)
    for action in (lambda: known.unseal(bytes(600), "x"), lambda: Sealer.open(record, "wrong", RANDOM)):
        try:
            action()
        except StoreError as exc:
            report = "".join(traceback.TracebackException.from_exception(exc, capture_locals=True).format())
            assert "storage." in report
            assert not _tells(report)
