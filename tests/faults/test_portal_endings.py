"""A portal killed at any write of the other ends of a consent: data taken along, a recipient stopped, a purpose met.

As ``test_portal.py`` does for withdrawal and deletion, over HTTP and with ``strace``: for every n in a sweep and for
some in a plain run. The consent is given and the package is there before the watcher comes: only the ends are cut.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing

import pytest

from ewallet.env import Env
from ewallet.errors import ProtocolError
from ewallet.testing import bank
from ewallet.testing.visit import PortalSite, Visit

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
WRITES = ("fdatasync", "pwrite64", "sendto")
POINTS = 1 << 20 if FULL else 2
APART = {"pwrite64": 8}  # between two syncs one write is as another: all of them are there, or none counts
BEGUN = Visit.STEPS[: Visit.STEPS.index("package") + 1]
STANDING = "local_youth_job_support"


class Standing(Visit):
    """A consent that is provided for each month."""

    def _asking(self):
        return self.site.client().ask(STANDING, days=60)

    def refused(self):
        """What the recipient is told who comes back under it."""
        with pytest.raises(ProtocolError) as refused:
            self.site.client().again(self.heard["granted"].consent_id)
        return refused.value.error


class Leaving(Standing):
    """The person takes their data along and stops the recipient, which hears of it."""

    STEPS = (*BEGUN, "taken", "stopped", "told")

    def _taken(self):
        return self.exported("json")

    def _stopped(self):
        return self.stopped()

    def _told(self):
        """Again the same, until the recipient says that it was."""
        told = self.heard.setdefault("messages", {})
        told |= {each.id: each.about for each in self.site.client().messages()}
        assert () == self.site.client().messages(told=told)
        return sorted(told.values())

    def check(self, happened):
        """Once each; what was taken along twice, because the first did not arrive, is on record twice."""
        assert happened.pop("data.exported") - 1 in {0, self.interrupted == "taken"}
        assert {"recipient.stopped": 1} == happened
        assert ["recipient.stopped"] == self.heard["told"]
        assert "consent.withdrawn" == self.refused()


class Met(Standing):
    """The purpose is met, says the recipient."""

    STEPS = (*BEGUN, "fulfilled")

    def _fulfilled(self):
        return self.site.client().messages(fulfilled=self.heard["granted"].consent_id)

    def check(self, happened):
        """Once, and nobody is told of what the recipient said itself."""
        assert {"consent.fulfilled": 1} == happened
        assert () == self.heard["fulfilled"]
        assert "consent.expired" == self.refused()


@pytest.fixture
def portal(nursery, town, tmp_path):
    """The service, started, with an office of a city in the place of the bank."""
    with closing(PortalSite(nursery, town, tmp_path)) as site:
        site.bank = bank.Bank.make(Env().now(), class_="local_government")
        site.settings = bank.portal(town.folder, site.bank)
        site.start()
        yield site


def _begun(portal, ending):
    """A visit that has come to its package, and how many entries there are."""
    visit = ending(portal, portal.wallet())
    assert visit.go_on("package"), portal.log
    return visit, len(portal.entries())


def _points(strace, portal, ending):
    """Every call of one undisturbed end, by name and number among those of its thread."""
    visit, before = _begun(portal, ending)
    (child,) = portal.children.values()
    with strace.attached(child, f"trace={','.join(WRITES)}"):
        assert visit.go_on(), portal.log
    visit.check(Counter(portal.entries()[before:]))
    counts = Counter((thread, name) for thread, name, _ in strace.lines)
    most = {name: max((count for (_, of), count in counts.items() if of == name), default=0) for name in WRITES}
    found = [(name, number) for name in WRITES for number in range(1, most[name] + 1, APART.get(name, 1))]
    return found[:: max(1, len(found) // POINTS)]


@pytest.mark.parametrize("ending", [Leaving, Met])
def test_a_portal_killed_at_any_write_ends_a_consent_once(portal, strace, ending):
    """Nothing is lost, half done, unlogged or logged twice; the log recomputes under all of its checkpoints (I6)."""
    points, killed = _points(strace, portal, ending), 0
    for name, number in points:
        visit, before = _begun(portal, ending)
        (child,) = portal.children.values()
        with strace.attached(child, f"trace={name}", f"inject={name}:signal=KILL:when={number}"):
            done = visit.go_on()
        if not (done and portal.is_ready()):
            child.wait()
            killed += 1
            portal.restart()
        assert visit.go_on(), (name, number, portal.log)
        visit.check(Counter(portal.entries()[before:]))
        assert portal.finding() is None, (name, number)

    assert killed >= max(1, len(points) // 3)
    assert "Traceback" not in portal.log
