"""A portal killed at any write on the road from a request to a deletion, or told that the write failed.

Pushed request, sign-in, proposal, the wallet's answer, code, token, download, withdrawal and deletion go over HTTP to
the real service, which ``strace`` kills at the n-th call that writes to its databases or to a socket: for every n in a
sweep and for some in a plain run. Then it is started again, and whoever got no answer asks again.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing

import pytest

from ewallet.testing.visit import PortalSite, Visit

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
WRITES = ("fdatasync", "pwrite64", "sendto")
POINTS = 1 << 20 if FULL else 3
APART = {"pwrite64": 8}  # between two syncs one write is as another: all of them are there, or none counts
ENTRIES = {"package.downloaded": 1, "consent.withdrawn": 1, "package.revoked": 1, "data.deleted": 1}


@pytest.fixture
def portal(nursery, town, tmp_path):
    """The service, started, before anybody came."""
    with closing(PortalSite(nursery, town, tmp_path)) as site:
        site.start()
        yield site


def _points(strace, site, names=WRITES):
    """Every call of one undisturbed visit, by name and number among those of its thread."""
    visit = Visit(site, site.wallet())
    (child,) = site.children.values()
    with strace.attached(child, f"trace={','.join(names)}"):
        assert visit.go_on(), site.log
    counts = Counter((thread, name) for thread, name, _ in strace.lines)
    most = {name: max((count for (_, of), count in counts.items() if of == name), default=0) for name in names}
    found = [(name, number) for name in names for number in range(1, most[name] + 1, APART.get(name, 1))]
    return found[:: max(1, len(found) // POINTS)]


def _since(site, before):
    """How often what happened, after that many entries."""
    return Counter(site.entries()[before:])


def _expected(visit):
    return {"consent.given": visit.consents, **ENTRIES}


def test_a_portal_killed_at_any_write_ends_what_it_began(portal, strace):
    """Nothing is lost, half done, unlogged or logged twice, and the log recomputes; who asks again is answered (I6)."""
    points, killed = _points(strace, portal), 0
    for name, number in points:
        before, visit = len(portal.entries()), Visit(portal, portal.wallet())
        (child,) = portal.children.values()
        with strace.attached(child, f"trace={name}", f"inject={name}:signal=KILL:when={number}"):
            done = visit.go_on()
        if not (done and portal.is_ready()):
            child.wait()
            killed += 1
            portal.restart()
        assert visit.go_on(), (name, number, portal.log)
        assert _expected(visit) == _since(portal, before), (name, number)
        assert portal.finding() is None, (name, number)

    assert killed > len(points) // 3
    assert "Traceback" not in portal.log


@pytest.mark.parametrize("reason", ["ENOSPC", "EIO"] if FULL else ["ENOSPC"])
def test_a_portal_whose_write_fails_says_so_and_goes_on(portal, strace, reason):
    """503 or the documented error, nothing half done, and the same process goes on when the disk does (F-05, F-06)."""
    points = _points(strace, portal, names=WRITES[:2])
    (child,) = portal.children.values()
    for name, number in points:
        before, visit = len(portal.entries()), Visit(portal, portal.wallet())
        with strace.attached(child, f"trace={name}", f"inject={name}:error={reason}:when={number}"):
            visit.go_on()
        assert portal.is_ready(), (name, number, portal.log)
        assert visit.go_on(), (name, number, portal.log)
        assert _expected(visit) == _since(portal, before), (name, number)

    assert child.ended is None
    assert "Traceback" not in portal.log
