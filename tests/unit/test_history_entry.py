"""Entries say what happened and nothing about anybody; their proofs say that they are on record (MYD-10)."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet.errors import EWalletError, Malformed, NotFound, UsageError
from ewallet.history import Consistency, Entry, Event, EventType, Inclusion, Log, Logged, commit, new_handle
from ewallet.history.entry import MAX_ENTRY
from ewallet.shape import to_base64url
from ewallet.testing.clock import START, Entropy
from ewallet.testing.history import ORIGIN, Register, event

RANDOM = Entropy("entries")
ENTRY = Entry(7, event(RANDOM))
RAW = ENTRY.to_bytes()
KST = timezone(timedelta(hours=9))
NUMBER = "-".join(("990230", "1" * 7))  # put together here: none is written down


def _code(call, *args):
    with pytest.raises(EWalletError) as caught:
        call(*args)
    return caught.value.code


def test_an_entry_comes_back_from_its_bytes():
    """Which are canonical JSON: members in order, no space, ASCII."""
    assert ENTRY == Entry.read(RAW)
    assert RAW == json.dumps(json.loads(RAW), sort_keys=True, separators=(",", ":")).encode("ascii")
    assert len(RAW) < 700


def test_every_kind_of_event_is_an_entry():
    """And the largest is well within what is read."""
    parties = tuple(new_handle(RANDOM) for _ in range(8))
    for type_ in get_args(EventType):
        entry = Entry((1 << 62), replace(event(RANDOM, type_=type_), parties=parties, outcome="refused"))
        assert entry == Entry.read(entry.to_bytes())
        assert len(entry.to_bytes()) < MAX_ENTRY / 4


def test_times_are_of_the_second_in_utc():
    """Midnight in Korea is three in the afternoon."""
    at = datetime(2028, 2, 29, 0, 0, 0, 999_999, tzinfo=KST)

    assert b'"time":"2028-02-28T15:00:00Z"' in Entry(0, event(RANDOM, at=at)).to_bytes()


def _with(**changes):
    members = json.loads(RAW) | changes
    return json.dumps({name: members[name] for name in sorted(members)}, separators=(",", ":")).encode()


BAD = {
    "space": (RAW.replace(b":", b": ", 1), "malformed.json"),
    "order": (json.dumps(dict(reversed(json.loads(RAW).items())), separators=(",", ":")).encode(), "malformed.json"),
    "escape": (RAW.replace(b"package", b"\\u0070ackage"), "malformed.json"),
    "newline": (RAW + b"\n", "malformed.json"),
    "member twice": (RAW[:-1] + b',"type":"data.deleted"}', "malformed.json_duplicate"),
    "member more": (_with(name="nobody"), "malformed.claim_type"),
    "no subject": (_with(subject=""), "malformed.claim_type"),
    "subject of a name": (_with(subject="honggildong"), "malformed.claim_type"),
    "subject of a number": (_with(subject=NUMBER), "malformed.claim_type"),
    "subject of other bits": (_with(subject=ENTRY.event.subject[:-1] + "B"), "malformed.claim_type"),
    "party of an address": (_with(parties=["https://bank.example"]), "malformed.claim_type"),
    "party of a number": (_with(parties=[1]), "malformed.claim_type"),
    "nine parties": (_with(parties=[ENTRY.event.subject] * 9), "malformed.claim_type"),
    "answer": (_with(outcome="yes"), "malformed.claim_type"),
    "event": (_with(type="bundle.presented"), "malformed.claim_type"),
    "time with zone": (_with(time="2026-11-21T12:00:00+09:00"), "malformed.claim_type"),
    "time of no day": (_with(time="2026-02-30T12:00:00Z"), "malformed.claim_type"),
    "seq as text": (_with(seq="7"), "malformed.claim_type"),
    "seq below": (_with(seq=-1), "malformed.claim_type"),
    "seq as truth": (_with(seq=True), "malformed.claim_type"),
    "seq beyond": (_with(seq=(1 << 63) - 1), "malformed.claim_type"),
    "short commitment": (_with(commitment="AAAA"), "malformed.claim_type"),
    "long": (_with(parties=["A" * 5000]), "limit.size"),
}


@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD)
def test_nothing_else_is_an_entry(raw, code):
    """No name, number, address or answer has a place, and one entry is written in one way."""
    assert code == _code(Entry.read, raw)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_by_our_own_error(raw):
    """Never by another one."""
    with pytest.raises(Malformed) as caught:
        Entry.read(raw)
    assert caught.value.code in {"malformed.json", "malformed.json_duplicate", "malformed.claim_type", "limit.depth"}


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "홍길동"},
        {"object": ""},
        {"parties": ("bank.example",)},
        {"consent": "c-1"},
        {"at": START.replace(tzinfo=None)},
        {"commitment": b"short"},
        {"type": "bundle.presented"},
        {"outcome": "yes"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_event_takes_handles_only(change):
    """What is no handle is a mistake of whoever logs it."""
    with pytest.raises(UsageError) as caught:
        replace(ENTRY.event, **change)
    assert "usage.argument" == caught.value.code


def test_nothing_of_a_payload_is_in_an_entry():
    """Neither its bytes nor a hash that is found by trying all numbers: the same payload is never twice the same."""
    payload = NUMBER.encode()
    made = [commit(payload, RANDOM) for _ in range(2)]
    raws = [Entry(0, event(RANDOM, committed=each)).to_bytes() for each in made]

    assert made[0].value != made[1].value
    assert not any(payload in raw for raw in raws)
    assert {field.name for field in fields(Event)} | {"seq", "time"} == {*json.loads(RAW), "at"}
    assert [] == re.findall(rb"[0-9]{7,}", re.sub(rb'"(?:commitment|subject|object|consent)":"[^"]*"', b"", raws[0]))


def test_a_commitment_is_opened_by_its_key_alone():
    """Once that is destroyed, the entry is about nothing."""
    made = commit(b"a package", RANDOM)
    entry = Entry(0, event(RANDOM, committed=made))
    entry.check_payload(b"a package", made.blinding)

    assert "log.omitted" == _code(entry.check_payload, b"another", made.blinding)
    assert "log.omitted" == _code(entry.check_payload, b"a package", RANDOM(32))
    assert "log.omitted" == _code(entry.check_payload, b"a package", made.blinding + b"\0")


# -- proofs ------------------------------------------------------------------------------------------------


PACKAGE = b"what was downloaded"
COMMITTED = commit(PACKAGE, RANDOM)
REGISTER = Register().fill(20)
OWN = REGISTER.store.append(event(RANDOM, committed=COMMITTED))
LOGGED = Logged(OWN.to_bytes(), REGISTER.fill(13).log.inclusion(OWN.seq), COMMITTED.blinding)


def _check(logged, payload=PACKAGE, type_="package.downloaded"):
    return logged.check_payload(payload, type_, REGISTER.believed)


def test_a_package_is_believed_with_its_entry():
    """Through a document, as it is sent."""
    sent = json.dumps(LOGGED.to_json()).encode()
    entry, checkpoint = _check(Logged.read(sent))

    assert (20, 34) == (entry.seq, checkpoint.head.size)
    assert LOGGED == Logged.read(sent)


PROOFS = {
    "another package": lambda: _check(LOGGED, b"another"),
    "another event": lambda: _check(LOGGED, type_="data.deleted"),
    "another place": lambda: _check(replace(LOGGED, inclusion=replace(LOGGED.inclusion, index=21))),
    "another entry": lambda: _check(replace(LOGGED, entry=REGISTER.store.entries(19, 1)[0])),
    "no key": lambda: _check(replace(LOGGED, blinding=b"")),
    "no path": lambda: _check(replace(LOGGED, inclusion=replace(LOGGED.inclusion, path=()))),
    "refused": lambda: _check(_of(replace(OWN.event, outcome="refused"))),
    "never logged": lambda: _check(replace(LOGGED, entry=Entry(20, event(RANDOM, committed=COMMITTED)).to_bytes())),
}


def _of(event_):
    register = REGISTER
    entry = register.store.append(event_)
    return Logged(entry.to_bytes(), register.log.inclusion(entry.seq), COMMITTED.blinding)


@pytest.mark.parametrize("check", PROOFS.values(), ids=PROOFS)
def test_a_package_that_is_not_on_record_is_useless(check):
    """Whatever of it was changed, dropped or never written."""
    assert "log.omitted" == _code(check)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"schema": "ewallet.consistency/1"}, "malformed.claim_type"),
        ({"index": -1}, "malformed.claim_type"),
        ({"index": 1 << 63}, "malformed.claim_type"),
        ({"path": ["AAAA"]}, "malformed.encoding"),
        ({"path": ["A" * 44]}, "malformed.encoding"),
        ({"path": [to_base64url(bytes(32))]}, "malformed.encoding"),
        ({"path": ["A" * 43 + "="] * 64}, "limit.count"),
        ({"path": [7]}, "malformed.claim_type"),
        ({"blinding": "="}, "malformed.encoding"),
        ({"checkpoint": ""}, "malformed.encoding"),
        ({"entry": "{}"}, "malformed.claim_type"),
    ],
    ids=str,
)
def test_a_proof_that_is_none_is_refused(change, code):
    """Before anything is computed from it."""
    assert code == _code(lambda: _check(Logged.read(json.dumps(LOGGED.to_json() | change).encode())))


def test_a_later_checkpoint_is_proved_to_go_on():
    """Through a document; the other way round it is a step back."""
    register = Register("later").fill(4)
    seen = register.log.checkpoint()
    proof = register.fill(7).log.since(seen)
    earlier, later = Consistency.of_json(json.loads(json.dumps(proof.to_json()))).check(register.believed)

    assert (4, 11) == (earlier.size, later.head.size)
    back = Consistency(proof.later, proof.earlier, proof.path)
    assert "log.rollback" == _code(back.check, register.believed)
    assert "log.forked" == _code(Consistency(proof.earlier, proof.later, ()).check, register.believed)


def test_a_person_sees_their_entries_with_proofs():
    """Only theirs, all under the newest checkpoint."""
    register = Register("person").fill(5)
    own = event(RANDOM)
    places = [register.store.append(own).seq, register.fill(3).store.append(own).seq]
    found = register.log.about(own.subject)
    for entry, inclusion in found:
        inclusion.check(entry.to_bytes(), register.believed)

    assert places == [entry.seq for entry, _ in found]
    assert [] == register.log.about(new_handle(RANDOM))


def test_there_is_no_proof_of_what_is_not_there():
    """Nor between sizes that the log has not had."""
    log = Register("none").fill(3).log
    for ask in (lambda: log.inclusion(3), lambda: log.inclusion(-1), lambda: log.consistency(2, 4)):
        with pytest.raises(NotFound) as caught:
            ask()
        assert "storage.not_found" == caught.value.code
    with pytest.raises(NotFound) as caught:
        log.consistency(3, 2)
    assert "storage.not_found" == caught.value.code


def test_a_log_that_was_changed_signs_nothing():
    """A checkpoint of another history would be proof against its operator."""
    register = Register("changed").fill(6)
    register.log.checkpoint()
    other = Register("other", key=register.key).fill(6)
    for note in register.store.checkpoints():
        other.store.put_checkpoint(6, note)
    shorter = Register("changed", key=register.key).fill(2)
    shorter.store.put_checkpoint(6, note)

    assert "log.tampered" == _code(other.fill(1).log.checkpoint)
    assert "log.tampered" == _code(shorter.log.checkpoint)
    assert "log.tampered" == _code(Log("elsewhere", register.key, register.store).checkpoint)


def test_an_inclusion_is_not_moved_to_another_log():
    """Its checkpoint is signed by one key for one origin."""
    other = Register("elsewhere").fill(40)

    assert "crypto.signature_invalid" == _code(LOGGED.check, other.believed)
    assert "log.omitted" == _code(
        Inclusion(other.log.checkpoint(), 20, LOGGED.inclusion.path).check, LOGGED.entry, other.believed
    )
    assert ORIGIN == other.believed.origin
