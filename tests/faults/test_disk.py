"""A disk that is full, a database that somebody else holds, files that are not what they were: said, not guessed.

Rows F-05, F-08, F-11 and F-13 through real processes; what the stores do by themselves is in ``test_database.py``.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager

import pytest

from ewallet.oid4vci import TokenRequest
from ewallet.testing.caller import FORM, error, issued
from ewallet.testing.crowd import crowd
from ewallet.testing.nursery import free_port
from ewallet.testing.sites import IssuerSite, shifted

pytestmark = pytest.mark.loopback

FULL = bool(os.environ.get("EWALLET_FULL"))
MOUNT = ["mount", "-t", "tmpfs", "-o", "size=2m", "none"]
REMOUNT = ["mount", "-o"]
UNMOUNT = ["umount", "-l"]
BUSY = 5.0 if FULL else 0.5  # seconds that a service waits for another program; five outside of tests
IMPATIENT = f'from ewallet.sql import engine as e; e._PRAGMAS = ("busy_timeout = {BUSY * 1000:.0f}", *e._PRAGMAS[1:])'


def _received(issuer, ledger, port=0):
    """Issue to a wallet, which notes what it was told."""
    caller = issuer.caller(port)
    answer = caller.credential(caller.token(issuer.offer(port=port)))
    ledger.told.append(issued(answer).credentials)


def _told(answers):
    return {(answer.status, answer.document.get("code")) for answer in answers}


# -- a full disk -----------------------------------------------------------------------------------------------


@contextmanager
def _quota(_folder, child):
    """No file of the process may grow."""
    before = resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def _ballast(folder, _child):
    """Something else fills the disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            yield
    ballast.unlink()


@pytest.fixture
def small(tmp_path):
    """A disk of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run([*MOUNT, str(folder)], check=False, stderr=subprocess.DEVNULL)
    if os.geteuid() or mounted.returncode:
        pytest.skip("no small disk can be mounted here, which takes root and the right to mount (tmpfs)")
    yield folder
    subprocess.run([*UNMOUNT, str(folder)], check=True)


@pytest.fixture(params=[_quota, _ballast], ids=["quota", "tmpfs"])
def full(request, tmp_path):
    """A folder, and what fills it for a while."""
    return request.getfixturevalue("small") if request.param is _ballast else tmp_path, request.param


def test_a_full_disk_is_told_and_got_over(nursery, town, full, ledger_of):
    """503 with Retry-After and not ready; when there is room again the same process works on (F-05)."""
    folder, filled = full
    with closing(IssuerSite(nursery, town, folder)) as issuer:
        child, ledger = issuer.start(), ledger_of(issuer)
        _received(issuer, ledger)
        caller, offer = issuer.caller(), issuer.offer()
        token = caller.token(issuer.offer())
        (certificate,) = ledger.stages()
        with filled(folder, child):
            refused = [
                issuer.offering(),
                issuer.ask("GET", "/readyz"),
                issuer.call("POST", f"/v1/certificates/{certificate}/revoke", reason="a test"),
            ]
            answers = [caller.redeem(offer), caller.credential(token)]
            healthy = issuer.is_ready(path="/healthz")
        later = [issuer.is_ready(), caller.redeem(offer).status, caller.credential(token).status]

        assert {(503, "storage.unavailable")} == _told(refused)
        assert {(503, True)} == {(each.status, "retry-after" in each.headers) for each in refused}
        assert {(503, True)} == {(each.status, "retry-after" in each.headers) for each in answers}
        assert healthy
        assert [True, 200, 200] == later
        assert child.ended is None
        ledger.unknown = 1
        _received(issuer, ledger)
        ledger.check()


# -- held by another program -----------------------------------------------------------------------------------


def _redeeming(issuer, offer):
    body = TokenRequest(code=issuer.caller().code(offer)).to_bytes()
    return issuer.sent("POST", "/token", body=body, headers={"content-type": FORM})


@pytest.mark.sweep
def test_a_held_database_is_waited_for_a_while_and_then_told(issuer):
    """Everybody gets 503, nobody waits for ever, and afterwards the codes are still good (F-08)."""
    issuer.start(before=IMPATIENT)
    caller, offers = issuer.caller(), [issuer.offer() for _ in range(30 if FULL else 8)]
    begun = time.monotonic()
    with closing(sqlite3.connect(issuer.file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        answers = crowd([_redeeming(issuer, offer) for offer in offers])
        took = time.monotonic() - begun
        ready = issuer.is_ready()
    after = [error(caller.redeem(offer)) for offer in offers]

    assert {(503, True)} == {(answer.status, "retry-after" in answer.headers) for answer in answers}
    assert not ready
    assert took < 60
    assert {""} == set(after)
    assert "Traceback" not in issuer.log


# -- files that are not what they were -------------------------------------------------------------------------


def _refusal(issuer):
    """How a service that should not start ends: its exit code, whether there was a traceback, and what it said."""
    begun = len(issuer.log)
    code = issuer.begin(before="from ewallet import sql; sql._PATIENCE = 1").wait()
    said = issuer.log[begun:]
    return code, "Traceback" in said, said


def _cut(file):
    file.write_bytes(file.read_bytes()[:5000])


def _emptied(file):
    file.write_bytes(b"")


def _foreign(file):
    file.write_bytes(b"SQLite format 4\0" + file.read_bytes()[16:])


def _flipped(file):
    content = bytearray(file.read_bytes())
    content[100] ^= 0xFF  # the kind of the first page
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [_cut, _emptied, _foreign, _flipped])
def test_a_service_does_not_start_with_a_damaged_file(issuer, ledger, damage):
    """It ends with a code and says which file, and the file stays as it is (F-11)."""
    issuer.start()
    _received(issuer, ledger)
    assert 0 == issuer.end()
    damage(issuer.file)
    content = issuer.file.read_bytes()
    code, traced, said = _refusal(issuer)

    assert (2, False) == (code, traced)
    assert "storage.corrupt" in said
    assert issuer.file.name in said
    assert content == issuer.file.read_bytes()


def test_a_service_does_not_start_where_it_may_not_write(nursery, town, ledger_of, small):
    """It ends with a code; when it may again, all is there (F-11)."""
    with closing(IssuerSite(nursery, town, small)) as issuer:
        ledger = ledger_of(issuer)
        issuer.start()
        _received(issuer, ledger)
        assert 0 == issuer.end()
        log = small.parent / "said"
        subprocess.run([*REMOUNT, "remount,ro", str(small)], check=True)
        child = nursery.run(
            issuer.program, log=log, env={**issuer.environment(issuer.port), "EWALLET_UNSAFE_LOOPBACK": "1"}
        )
        code = child.wait()
        subprocess.run([*REMOUNT, "remount,rw", str(small)], check=True)
        issuer.start()
        _received(issuer, ledger)
        said = log.read_text("utf-8")

        assert (2, False) == (code, "Traceback" in said)
        assert "[storage.unavailable" in said
        assert 2 == ledger.check()


def test_a_missing_log_loses_nothing_that_was_closed(issuer, ledger):
    """A service that ended has everything in the file itself (F-11)."""
    issuer.start()
    _received(issuer, ledger)
    assert 0 == issuer.end()
    left = sorted(path.name for path in issuer.file.parent.iterdir() if path.name.startswith(issuer.file.name))
    issuer.start()
    _received(issuer, ledger)

    assert [issuer.file.name] == left
    assert 2 == ledger.check()


@pytest.mark.sweep
def test_a_second_worker_may_come_and_go(issuer, ledger):
    """Two processes on one file, either of them killed and started anew: one history (F-02)."""
    issuer.start()
    other = free_port()
    for _ in range(5 if FULL else 2):
        issuer.start(other)
        for port in (issuer.port, other):
            _received(issuer, ledger, port)
        issuer.kill(other)
        _received(issuer, ledger)

    assert len(ledger.told) == ledger.check()


# -- a clock that jumps ----------------------------------------------------------------------------------------


def test_a_clock_that_jumps_revives_nothing(issuer, ledger, tmp_path):
    """What is used stays used, whichever way it jumps, and a code is over three days later (F-13)."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    issuer.start(before=shifted(clock))
    caller, offer = issuer.caller(), issuer.offer()
    token, nonce = caller.token(issuer.offer()), caller.nonce()
    proof = caller.proof(nonce)
    ledger.told.append(issued(caller.credential(token, [proof])).credentials)
    told = {}
    for name, seconds in {"ahead": 3 * 86_400, "a step": 61, "behind": -3 * 86_400, "right": 0}.items():
        clock.write_text(str(seconds))
        told[name] = error(caller.credential(token, [proof]))
    clock.write_text(str(3 * 86_400))
    late = error(caller.redeem(offer))
    clock.write_text("-86400")
    ttl = issuer.ask("GET", "/status/1").headers["cache-control"]

    assert "" not in told.values()
    assert "invalid_grant" == late
    assert "max-age=-" not in ttl
    assert ledger.check() == 1


@pytest.mark.parametrize("seconds", [61, 3 * 86_400, -3 * 86_400])
def test_two_workers_with_different_clocks_do_not_agree_on_more(issuer, ledger, tmp_path, seconds):
    """A code and a nonce that one has used are used for the other (F-13)."""
    clock, other = tmp_path / "clock", free_port()
    clock.write_text(str(seconds))
    issuer.start()
    issuer.start(other, before=shifted(clock))
    caller, away, offer = issuer.caller(), issuer.caller(other), issuer.offer()
    token = caller.token(offer)
    proof = caller.proof(caller.nonce())
    ledger.told.append(issued(caller.credential(token, [proof])).credentials)

    assert "invalid_grant" == error(away.redeem(offer))
    assert 400 <= away.credential(token, [proof]).status < 500
    assert 1 == ledger.check()
