"""Every peer that misbehaves is refused where and as its entry says, and nothing is fetched for it too early."""

from __future__ import annotations

import pytest

from ewallet.errors import UNDECIDED
from ewallet.testing.misbehave import HOLDERS, ISSUERS
from ewallet.testing.pki import ISSUER
from ewallet.testing.stage import Stage
from ewallet.testing.status_hosts import STATUS_HOSTS, host
from ewallet.verdict import Accepted, Rejected, Undecided


@pytest.fixture
def presented(ewallet_kit):
    """An honest answer with two claims."""
    ewallet_kit.issue("resident_register_copy")
    return ewallet_kit.present(ewallet_kit.query("resident_register_copy", ["resident_address", "is_householder"]))


def _stopped_at(verdict):
    return next(check for check in verdict.checks if check.outcome in ("failed", "unknown"))


@pytest.mark.parametrize("misdeed", HOLDERS + ISSUERS, ids=str)
def test_a_forged_presentation_is_refused(misdeed, ewallet_kit, presented):
    """It fails on the rung of its entry, with that code, and no claim of it is handed out."""
    verdict = ewallet_kit.verify(misdeed.act(Stage.of(ewallet_kit, presented)), presented.request)

    stopped = _stopped_at(verdict)
    assert (misdeed.rung, misdeed.code) == (stopped.name, stopped.code)
    assert (Undecided if misdeed.code in UNDECIDED else Rejected) is type(verdict)
    assert [] == ewallet_kit.network.requests


@pytest.mark.parametrize("misdeed", STATUS_HOSTS, ids=str)
def test_a_status_host_cannot_make_anything_valid(misdeed, ewallet_kit, presented):
    """Whatever it answers, the code is that of its entry, after one request."""
    ewallet_kit.network.route(f"{ISSUER}/status/", host(misdeed, ewallet_kit))

    verdict = ewallet_kit.verify(*presented)

    assert (misdeed.rung, misdeed.code) == (_stopped_at(verdict).name, verdict.code)
    assert (Undecided if misdeed.code in UNDECIDED else Rejected) is type(verdict)
    assert 1 == len(ewallet_kit.network.requests)


@pytest.mark.parametrize("misdeed", HOLDERS + ISSUERS + STATUS_HOSTS, ids=str)
def test_a_misdeed_says_in_words_which_row_it_belongs_to(misdeed):
    """The words of an entry begin with its row."""
    assert misdeed.row == misdeed.act.__doc__.partition(":")[0]


def test_the_honest_presentation_is_accepted(ewallet_kit, presented):
    """What the misdeeds start from holds: only the one thing they change can be what is refused."""
    stage = Stage.of(ewallet_kit, presented)

    assert isinstance(ewallet_kit.verify(stage.forge(), presented.request), Accepted)
