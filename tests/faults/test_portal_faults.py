"""A portal whose disk is full, whose clock jumps, and that has two workers which are asked for the same at once.

Rows F-04, F-05, F-13, F-14, F-20 and F-21 for consents, downloads, withdrawals and deletions; kills and failing writes
are in ``test_portal.py``.
"""

from __future__ import annotations

import os
import resource
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import count
from threading import Barrier

import pytest

from ewallet.env import Env
from ewallet.errors import ProtocolError
from ewallet.testing.nursery import free_port
from ewallet.testing.sites import shifted
from ewallet.testing.visit import PortalSite, Visit

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
CROWD = 8
DAYS = 86_400
ONCE = {
    "consent.given": 1,
    "package.downloaded": 1,
    "consent.withdrawn": 1,
    "package.revoked": 1,
    "data.deleted": 1,
}


class Pair(PortalSite):
    """A portal of two workers on one database, which are asked in turn."""

    turns = count()

    def ask(self, method, path, **said):
        """Of whoever's turn it is, unless one is named."""
        ports = [*self.children]
        port = said.pop("port", 0) or ports[next(self.turns) % len(ports)]
        return super().ask(method, path, port=port, **said)


@pytest.fixture
def portal(nursery, town, tmp_path):
    """The service, not started."""
    with closing(PortalSite(nursery, town, tmp_path)) as site:
        yield site


@pytest.fixture
def pair(nursery, town, tmp_path):
    """Two workers, started."""
    with closing(Pair(nursery, town, tmp_path)) as site:
        site.start()
        site.start(free_port())
        yield site


@contextmanager
def _full(child):
    """No file of the process may be written to, as where something else has filled the disk."""
    before = resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, before)


def _at_once(do):
    """What a crowd is answered that asks at the same moment: results, and errors by their name."""
    barrier = Barrier(CROWD)

    def one(_):
        barrier.wait()
        try:
            return do()
        except ProtocolError as exc:
            return exc.error

    with ThreadPoolExecutor(CROWD) as pool:
        return [*pool.map(one, range(CROWD))]


def test_replies_of_the_portal_follow_the_disk(portal, strace):
    """Every answer from the pushed request to the deletion leaves after its transaction (F-04)."""
    child = portal.start()
    visit = Visit(portal, portal.wallet())
    with strace.attached(child, "trace=fdatasync,pwrite64,sendto"):
        assert visit.go_on(), portal.log

    assert [] == strace.early
    assert sum(name == "fdatasync" for _, name, _ in strace.lines) >= len(Visit.STEPS)


def test_a_full_disk_stops_every_step_and_undoes_none(portal):
    """503 and not ready; when there is room the same process goes on, and nothing is on record twice (F-05)."""
    child = portal.start()
    visit = Visit(portal, portal.wallet())
    for step in (
        "asking",
        "address",
        "confirmed",
        "way",
        "back",
        "granted",
        "package",
        "signed",
        "withdrawn",
        "erased",
    ):
        with _full(child):
            assert not visit.go_on(step), step
            assert not portal.is_ready(), step
        assert portal.is_ready(), step
        assert visit.go_on(step), (step, portal.log)

    assert child.ended is None
    assert ONCE == Counter(portal.entries())


def test_a_code_that_was_over_stays_over_when_the_clock_goes_back(portal, tmp_path):
    """Whoever showed it too late has used it up (F-13)."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    portal.start(before=shifted(clock))
    visit = Visit(portal, portal.wallet())
    assert visit.go_on("back")
    clock.write_text("61")
    portal.env = Env(now=lambda: Env().now() + timedelta(seconds=61))
    refused = _error(visit)
    clock.write_text("0")
    portal.env = Env()
    assert ["invalid_grant"] * 2 == [refused, _error(visit)]


def _error(visit):
    with pytest.raises(ProtocolError) as refused:
        visit.site.client().token(visit.heard["asking"], visit.heard["back"])
    assert "request.invalid" == refused.value.code
    return refused.value.error


@pytest.mark.parametrize("seconds", [-3 * DAYS, *([-61, 61] if FULL else [])])
def test_withdrawal_and_deletion_do_not_wait_for_the_clock(portal, tmp_path, seconds):
    """Wherever it jumps to: they take effect, and the log goes on from where it was (F-13, I6)."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    portal.start(before=shifted(clock))
    visit = Visit(portal, portal.wallet())
    assert visit.go_on("signed")
    clock.write_text(str(seconds))
    assert visit.go_on("withdrawn"), portal.log
    clock.write_text("0")
    assert "consent.withdrawn" == _download_error(visit)
    clock.write_text(str(seconds))
    assert visit.go_on(), portal.log

    assert portal.is_ready()
    assert ONCE | {"package.downloaded": 2} == Counter(portal.entries()), "the one in vain is on record, too"


def _download_error(visit):
    with pytest.raises(ProtocolError) as refused:
        visit.site.client().package(visit.heard["granted"])
    assert "request.invalid" == refused.value.code
    return refused.value.error


def test_two_workers_are_one_portal(pair):
    """Each step is taken at another than the one before, and nothing of it is known to one alone."""
    visit = Visit(pair, pair.wallet())
    assert visit.go_on(), pair.log
    assert ONCE == Counter(pair.entries())


def test_a_crowd_gets_one_token_for_a_code(pair):
    """The others are told that it was used, and what was given for it ends with that (F-20)."""
    visit = Visit(pair, pair.wallet())
    assert visit.go_on("back")
    answers = _at_once(lambda: pair.client().token(visit.heard["asking"], visit.heard["back"]))
    assert CROWD - 1 == answers.count("invalid_grant")
    visit.heard["granted"] = next(each for each in answers if each != "invalid_grant")
    assert "invalid_token" == _download_error(visit)


def test_a_crowd_gets_one_package(pair):
    """All the same bytes, and one entry; so with a withdrawal and a deletion that come all at once (F-21)."""
    visit = Visit(pair, pair.wallet())
    assert visit.go_on("granted")
    packages = _at_once(lambda: pair.client().package(visit.heard["granted"]).to_bytes())
    assert 1 == len({*packages})
    visit.heard["package"] = packages[0]
    for step in ("withdrawn", "erased"):
        answers = _at_once(getattr(visit, f"_{step}"))
        assert CROWD == len(answers), answers
    assert ONCE == Counter(pair.entries())
    assert pair.finding() is None
