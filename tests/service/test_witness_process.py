"""The witness as a process of its own: asked over HTTP, killed at any moment, and never of two minds (MYD-08)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ewallet.errors import EWalletError, TransportError
from ewallet.flow import Request, run
from ewallet.history import Believed, Checkpoint, Head, Note, cosign, key_of
from ewallet.history.state import StateFile
from ewallet.history.witness import PATH, Seen, Submission
from ewallet.http import Http
from ewallet.testing.clock import START
from ewallet.testing.crowd import Sent, crowd
from ewallet.testing.history import ORIGIN, WITNESS, Register

pytestmark = pytest.mark.loopback
ROUNDS = 20 if os.environ.get("EWALLET_FULL") else 4
SEND = Http(unsafe_loopback=True)


@dataclass
class Post:
    """A witness's folder, and the process that stands there."""

    folder: Path
    register: Register
    url: str = ""
    process: subprocess.Popen | None = field(default=None, repr=False)

    def command(self, *more):
        """Start it with these besides."""
        log = str(self.register.believed.log[0])
        paths = os.pathsep.join(entry for entry in sys.path if entry)
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "ewallet.witness", "serve", "--name", WITNESS, "--key", "witness.pem"),
                *("--log", log, "--state", "state.json", "--listen", "127.0.0.1:0", *more),
            ],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths},
            text=True,
        )

    def start(self, *more):
        """And wait until it serves."""
        self.process = self.command(*more)
        assert self.process.stderr
        line = self.process.stderr.readline()
        found = re.fullmatch(r"ewallet-witness: (\S+) at (http://127\.0\.0\.1:\d+)\n", line)
        assert found, line
        assert str(self.register.witness) == found[1]
        self.url = found[2]

    def stop(self, number=signal.SIGKILL):
        """The exit code."""
        assert self.process
        assert self.process.stderr
        self.process.send_signal(number)
        code = self.process.wait(10)
        self.process.stderr.close()
        return code

    def ask(self, register=None, old=0):
        """The cosignature of a log's newest checkpoint."""
        log = (register or self.register).log
        flow = cosign(log.checkpoint(), self.url, key=self.register.witness, prove=log.consistency, old=old)
        return run(flow, SEND)

    def fork(self, count):
        """Another history under the same keys."""
        return Register("fork", key=self.register.key, witness_key=self.register.witness_key).fill(count)

    @contextmanager
    def remembered(self):
        """What is on disk while nobody stands there."""
        state = StateFile(self.folder / "state.json")
        try:
            yield state.latest(ORIGIN)
        finally:
            state.close()


@pytest.fixture
def post(tmp_path):
    """A witness that is there, and has seen nothing."""
    made = Post(tmp_path, Register().fill(3))
    made.register.witness_key.save(tmp_path / "witness.pem")
    made.start("--new")
    yield made
    if made.process and made.process.poll() is None:
        made.stop()


def _code(call, *args):
    with pytest.raises(EWalletError) as caught:
        call(*args)
    return caught.value.code


def test_checkpoints_are_cosigned_over_http(post):
    """One after the other; forks and steps back are refused by name, before and after a restart."""
    believed = Believed(log=post.register.believed.log, witnesses=(post.register.witness,), quorum=1)
    for count in (0, 4):
        signature = post.ask(post.register.fill(count))
        kept = post.register.log.add_signatures(post.register.log.checkpoint(), [signature])
        assert WITNESS == Checkpoint.read(kept, believed).cosigned[0].name
    for _ in range(2):
        assert "log.forked" == _code(post.ask, post.fork(7))
        assert "log.forked" == _code(post.ask, post.fork(9))
        assert "log.rollback" == _code(post.ask, post.fork(5))
        assert 0 == post.stop(signal.SIGTERM)
        post.start()

    assert "fetch.unavailable" == _code(post.ask, Register("stranger").fill(9))


def test_of_forks_that_come_at_once_one_is_cosigned(post):
    """However many ask at the same moment, the witness tells all of them the same story."""
    forks = [post.register, *(Register(f"fork {n}", key=post.register.key).fill(3) for n in range(7))]
    port = int(post.url.rpartition(":")[2])
    bodies = [Submission(old=0, path=(), note=Note.read(fork.log.checkpoint())).to_bytes() for fork in forks]
    host = f"127.0.0.1:{port}"
    answers = crowd([Sent.of(port, "POST", PATH, host=host, body=body) for body in bodies])

    assert [200] + [409] * 7 == sorted(answer.status for answer in answers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", PATH, 405), ("POST", "/", 404), ("POST", PATH, 400)],
    ids=["get", "elsewhere", "nothing"],
)
def test_other_requests_are_refused(method, path, status, post):
    """As HTTP has it."""
    assert status == SEND(Request(method, post.url + path)).status


def test_a_large_request_is_refused_unread(post):
    """Ten megabytes are more than any submission has."""
    body = b"x" * (10 << 20)
    with suppress(TransportError):  # it closes the connection while we still write
        assert 413 == SEND(Request("POST", post.url + PATH, body=body)).status
    assert 3 == Head.read(Note.read(post.register.log.checkpoint()).text).size
    post.ask()


@pytest.mark.sweep
@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_witness_that_is_killed_remembers_what_it_said(turn, post):
    """Whatever it cosigned before, it has seen afterwards; it goes on from there, and cosigns no fork."""
    said = []

    def grow():
        try:
            while True:
                post.ask(post.register.fill(1), old=post.register.store.edge().size - 1)
                said.append(post.register.store.edge().size)
        except (TransportError, OSError):
            return

    thread = threading.Thread(target=grow)
    thread.start()
    while not said and thread.is_alive():
        time.sleep(0.005)
    time.sleep(0.03 * turn)
    post.stop()
    thread.join()
    with post.remembered() as seen:
        assert seen
        assert said[-1] <= seen.head.size <= post.register.store.edge().size
        size = seen.head.size
    post.start()

    assert "log.forked" == _code(post.ask, post.fork(size))
    assert "log.forked" == _code(post.ask, post.fork(size + 3))
    assert WITNESS == post.ask().name


def _dies_before(number, path, before, seen):
    """Whether a process that remembers something dies at its file operation of that number."""
    child = os.fork()
    if child == 0:
        left = [number]

        def count(event, args):
            if event in ("open", "os.rename") and any("state.json" in str(arg) for arg in args):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            state = StateFile(path)
            sys.addaudithook(count)
            state.advance(before, seen)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_state_is_old_or_new_at_every_moment(tmp_path):
    """A process killed at any of its writes leaves one or the other, whole."""
    path, register = tmp_path / "state.json", Register()
    StateFile.create(path).close()
    number, before = 0, None
    heads = []
    while True:
        register.fill(1)
        seen = Seen(Checkpoint.read(register.log.checkpoint(), register.believed).head, START)
        died = _dies_before(number, path, before, seen)
        state = StateFile(path)
        assert state.latest(ORIGIN) in (before, seen)
        before = state.latest(ORIGIN)
        state.close()
        heads.append(before)
        if not died:
            break
        number += 1

    assert number >= 2
    assert seen == heads[-1]


def test_one_state_is_for_one_witness(post):
    """A second one on the same file would not know what the first cosigns; and one that is there is not made anew."""
    for more, words in (((), "storage.locked"), (("--new",), "usage.file")):
        second = post.command(*more)
        _, errors = second.communicate(timeout=20)
        assert (2, True) == (second.returncode, words in errors)


def test_a_key_is_printed_as_others_are_given_it(post):
    """For the witness, and for a log."""
    printed = []
    for more in ((), ("--log",)):
        command = [sys.executable, "-m", "ewallet.witness", "key", "--name", "n.example", "--key", "witness.pem", *more]
        paths = os.pathsep.join(entry for entry in sys.path if entry)
        ended = subprocess.run(
            command, cwd=post.folder, capture_output=True, check=True, text=True, env=os.environ | {"PYTHONPATH": paths}
        )
        printed.append(ended.stdout.strip())
    public = post.register.witness_key.public

    assert [str(key_of("n.example", public, witness=witness)) for witness in (True, False)] == printed
