"""A witness cosigns what goes on from what it saw, and nothing else (C2SP tlog-witness)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from threading import Lock

import pytest

from ewallet.errors import EWalletError, StoreError, UsageError
from ewallet.flow import Response, run
from ewallet.history import Believed, Checkpoint, Note, Seen, Witness, check_newest, cosign, key_of
from ewallet.history.state import StateFile
from ewallet.history.witness import MAX_REQUEST, Submission
from ewallet.keys import SigningKey
from ewallet.testing.clock import START
from ewallet.testing.history import ORIGIN, WITNESS, Register


class MemoryState:
    """A :class:`ewallet.history.WitnessState` that is gone with the object."""

    def __init__(self):
        self.seen: Mapping[str, Seen] = {}
        self._lock = Lock()

    def latest(self, origin):
        return self.seen.get(origin)

    def advance(self, before, seen):
        with self._lock:
            if self.seen.get(seen.head.origin) != before:
                return False
            self.seen = {**self.seen, seen.head.origin: seen}
            return True


@pytest.fixture
def register():
    """A log of eight entries."""
    return Register().fill(8)


@pytest.fixture
def witness(register):
    """Its witness, which has seen nothing yet."""
    logs = {ORIGIN: Believed(log=register.believed.log)}
    return Witness(
        name=WITNESS, signer=register.witness_key, logs=logs, state=MemoryState(), env=register.clock.env("witness")
    )


def _body(register, old=0, path=None, note=None):
    raw = note or register.log.checkpoint()
    size = int(raw.split(b"\n")[1])
    proof = register.log.consistency(old, size) if path is None else path
    return Submission(old=old, path=tuple(proof), note=Note.read(raw)).to_bytes()


def _believed(register):
    return Believed(log=register.believed.log, witnesses=(register.witness,), quorum=1)


def _forked(register, count):
    return Register("fork", key=register.key, witness_key=register.witness_key, clock=register.clock).fill(count)


def test_the_first_checkpoint_is_believed_and_every_next_one_proved(register, witness):
    """Each answer is a line that makes the note one with a quorum."""
    for old in (0, 8, 13):
        raw = register.log.checkpoint()
        answer = witness.answer(_body(register, old))
        assert 200 == answer.status
        read = Checkpoint.read(raw + answer.body, _believed(register))
        assert (register.store.edge().size, WITNESS) == (read.head.size, read.cosigned[0].name)
        assert register.store.edge().size == witness.state.latest(ORIGIN).head.size
        register.fill(5)


def test_the_same_again_is_cosigned_again(register, witness):
    """With the time that it is by now: an answer that was lost is asked for once more."""
    witness.answer(_body(register))
    register.clock.advance(timedelta(minutes=3))
    answer = witness.answer(_body(register, 8))

    read = Checkpoint.read(register.log.checkpoint() + answer.body, _believed(register))
    assert START + timedelta(minutes=3) == read.cosigned[0].at


def test_a_clock_that_was_set_back_makes_no_earlier_statement(register, witness):
    """What a witness saw last it saw last."""
    witness.answer(_body(register))
    register.clock.advance(timedelta(days=-400))
    answer = witness.answer(_body(register, 8))

    assert START == Checkpoint.read(register.log.checkpoint() + answer.body, _believed(register)).cosigned[0].at


def test_a_fork_is_never_cosigned(register, witness):
    """Neither one of the same size, nor a larger one, with whatever proof; and what was seen stays seen."""
    witness.answer(_body(register))
    before = witness.state.latest(ORIGIN)
    same, larger = _forked(register, 8), _forked(register, 12)
    answers = [
        witness.answer(_body(same, 8)),
        witness.answer(_body(larger, 8)),
        witness.answer(_body(larger, 8, path=register.fill(4).log.consistency(8, 12))),
        witness.answer(_body(larger, 8, path=())),
    ]

    assert [(409, b"8\n"), *[(422, answers[1].body)] * 3] == [(each.status, each.body) for each in answers]
    assert before == witness.state.latest(ORIGIN)


def test_a_log_does_not_shrink(register, witness):
    """An old checkpoint is answered with the size that was seen; so is a first one of a log that is known."""
    small = register.log.checkpoint()
    witness.answer(_body(register))
    witness.answer(_body(register.fill(5), 8))
    answers = [witness.answer(_body(register, 8, note=small)), witness.answer(_body(register, 0, note=small))]

    assert [(409, b"13\n", "text/x.tlog.size")] * 2 == [
        (each.status, each.body, each.headers["content-type"]) for each in answers
    ]
    assert 400 == witness.answer(_body(register, 13, path=(), note=small)).status


def test_whoever_was_faster_is_noticed(register, witness):
    """Between the look and the write another request came: it is not overwritten with less."""
    body = _body(register, 0)
    faster = Seen(witness.logs and Checkpoint.read(register.fill(3).log.checkpoint(), register.believed).head, START)

    class Late(MemoryState):
        def advance(self, before, seen):
            self.seen = {ORIGIN: faster}
            return super().advance(before, seen)

    answer = replace(witness, state=Late()).answer(body)

    assert (409, b"11\n") == (answer.status, answer.body)


def test_only_known_logs_are_cosigned(register, witness):
    """Others are not found; a note that the log did not sign is forbidden."""
    stranger = SigningKey.generate("EdDSA")
    other = Register(key=stranger).fill(8)
    elsewhere = replace(register.log, origin="elsewhere.example", store=Register().fill(1).store)
    unknown = Submission(old=0, path=(), note=Note.read(elsewhere.checkpoint())).to_bytes()

    assert 403 == witness.answer(_body(other)).status
    assert 404 == witness.answer(unknown).status
    assert witness.state.latest(ORIGIN) is None


HASH = b"A" * 43 + b"="
BODIES = {
    "nothing": lambda _: b"",
    "no old": lambda body: body.replace(b"old 0\n", b""),
    "old with zero": lambda body: body.replace(b"old 0\n", b"old 00\n"),
    "old of a word": lambda body: body.replace(b"old 0\n", b"old many\n"),
    "old below": lambda body: body.replace(b"old 0\n", b"old -1\n"),
    "old beyond": lambda body: body.replace(b"old 0\n", b"old 9223372036854775808\n"),
    "old larger": lambda body: body.replace(b"old 0\n", b"old 9\n"),
    "windows": lambda body: body.replace(b"\n", b"\r\n"),
    "hash of other width": lambda body: body.replace(b"old 0\n", b"old 0\nAAAA\n"),
    "hash that is none": lambda body: body.replace(b"old 0\n", b"old 0\n!\n"),
    "many hashes": lambda body: body.replace(b"old 0\n", b"old 0\n" + (HASH + b"\n") * 64),
    "wide digits": lambda body: body.replace(b"old 0\n", "old \uff10\n".encode()),
    "no note": lambda _: b"old 0\n\n",
    "large": lambda body: body + b"x" * MAX_REQUEST,
}


@pytest.mark.parametrize("change", BODIES.values(), ids=BODIES)
def test_what_is_no_submission_is_refused(change, register, witness):
    """With 400, and nothing is remembered."""
    body = _body(register)

    assert 400 == witness.answer(change(body)).status
    assert witness.state.latest(ORIGIN) is None


def test_a_first_checkpoint_comes_without_proof(register, witness):
    """Any tree goes on from none, so a proof of that proves something else."""
    body = _body(register).replace(b"old 0\n", b"old 0\n" + HASH + b"\n")

    assert 422 == witness.answer(body).status


# -- the log's side ----------------------------------------------------------------------------------------


def _send(witness):
    return lambda request: witness.answer(request.body)


def _asked(register, send, old=0):
    flow = cosign(
        register.log.checkpoint(), "https://w.example", key=register.witness, prove=register.log.consistency, old=old
    )
    return run(flow, send)


def test_a_log_gets_its_checkpoints_cosigned(register, witness):
    """Whether or not it remembers what the witness saw; and keeps them so."""
    for count in (0, 5):
        signature = _asked(register.fill(count), _send(witness))
        kept = register.log.add_signatures(register.log.checkpoint(), [signature])
        assert kept == register.store.checkpoint() == register.log.checkpoint()
        assert 8 + count == Checkpoint.read(kept, _believed(register)).head.size


def _code(register, send, **options):
    with pytest.raises(EWalletError) as caught:
        _asked(register, send, **options)
    return caught.value.code


def test_a_log_that_was_set_back_hears_of_it(register, witness):
    """By name: the witness has seen more, or another history."""
    _asked(register, _send(witness))

    assert "log.rollback" == _code(_forked(register, 5), _send(witness))
    assert "log.forked" == _code(_forked(register, 8), _send(witness))
    assert "log.forked" == _code(_forked(register, 12), _send(witness))


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (Response(500), "fetch.unavailable"),
        (Response(404), "fetch.unavailable"),
        (Response(409, body=b"many\n"), "fetch.unavailable"),
        (Response(409, body=b"9999\n"), "log.rollback"),
        (Response(200, body=b""), "crypto.signature_invalid"),
        (Response(200, body=b"\xff"), "malformed.encoding"),
        (Response(200, body=b"thanks\n"), "malformed.encoding"),
        (Response(200, body="— witness.example.org AAAAAAAA\n".encode()), "crypto.signature_invalid"),
    ],
    ids=str,
)
def test_an_answer_that_is_no_cosignature_is_refused(response, code, register):
    """Whatever the witness, or somebody in its place, says."""
    assert code == _code(register, lambda _: response)


def test_a_cosignature_of_another_text_is_refused(register):
    """By the right key."""
    line = register.witness.signed("another\n", register.witness_key, START)

    assert "crypto.signature_invalid" == _code(register, lambda _: Response(200, body=str(line).encode()))


def test_a_witness_that_always_moves_on_is_given_up(register):
    """After three times."""
    sizes = iter([b"1\n", b"2\n", b"3\n"])

    assert "fetch.unavailable" == _code(register, lambda _: Response(409, body=next(sizes)))
    assert [] == list(sizes)


# -- whoever relies on a log ---------------------------------------------------------------------------------


def _newest(register, state, old=0):
    head = _head(register)
    check_newest(head, register.log.consistency(old, head.size), state=state, at=START)


def test_a_recipient_remembers_the_newest_checkpoint(register):
    """The next one goes on from it; an older one, and one of another history, are refused by name."""
    state, old = MemoryState(), _head(register)
    _newest(register, state)
    _newest(register.fill(5), state, 8)
    refused = []
    for head, path in ((old, ()), (_head(_forked(register, 13)), ()), (_head(_forked(register, 20)), ())):
        with pytest.raises(EWalletError) as caught:
            check_newest(head, path, state=state, at=START)
        refused.append(caught.value.code)

    assert ["log.rollback", "log.forked", "log.forked"] == refused
    assert 13 == state.latest(ORIGIN).head.size


def test_of_two_that_see_at_once_the_newer_one_counts(register):
    """Who comes second looks again."""

    class Late(MemoryState):
        def advance(self, before, seen):
            return False

    with pytest.raises(EWalletError) as caught:
        _newest(register, Late())

    assert "log.rollback" == caught.value.code


# -- what it remembers -------------------------------------------------------------------------------------


def _head(register):
    return Checkpoint.read(register.log.checkpoint(), register.believed).head


def test_a_state_is_there_again(tmp_path, register):
    """As it was, and for one process at a time."""
    path, seen = tmp_path / "state.json", Seen(_head(register), START)
    state = StateFile.create(path)
    assert state.advance(None, seen)
    assert not state.advance(None, seen)
    with pytest.raises(StoreError) as caught:
        StateFile(path)
    assert "storage.locked" == caught.value.code
    state.close()
    again = StateFile(path)

    assert seen == again.latest(ORIGIN)
    assert 0o600 == path.stat().st_mode & 0o777
    again.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"schema":"ewallet.witness/2","logs":{}}',
        b'{"schema":"ewallet.witness/1","logs":{"a":{"size":1}}}',
    ],
    ids=["empty", "none", "newer", "cut"],
)
def test_a_damaged_state_is_not_begun_anew(raw, tmp_path):
    """Nor is one that is gone: it would forget what it saw."""
    path = tmp_path / "state.json"
    StateFile.create(path).close()
    path.write_bytes(raw)

    with pytest.raises(StoreError) as caught:
        StateFile(path)
    assert "storage.corrupt" == caught.value.code
    with pytest.raises(UsageError) as refused:
        StateFile.create(path)
    assert "usage.file" == refused.value.code
    path.unlink()
    with pytest.raises(UsageError) as refused:
        StateFile(path)
    assert "usage.file" == refused.value.code


def test_a_witness_has_a_key_of_its_own_kind():
    """P-256 makes no cosignature."""
    with pytest.raises(UsageError) as caught:
        key_of(WITNESS, SigningKey.generate().public, witness=True)
    assert "usage.argument" == caught.value.code
