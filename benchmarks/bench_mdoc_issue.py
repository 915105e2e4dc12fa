"""Row 4: an mdoc issued, 24 elements with fresh salts, bound to the device's key."""

from __future__ import annotations

import mdoc_peers
from limits import LIMIT
from mdoc_tables import Entry, check_issues, sign_limit, table
from mdoc_work import MdocWorld
from measure import Target, judge, ratio
from work import World

TITLE = "Row 4: mdoc issue"
ENTRIES = (
    Entry("ewallet", lambda mdocs: mdocs.issue, check_issues, "shuffled, with a status"),
    Entry("isomdoc", mdoc_peers.isomdoc_issue, check_issues, "in order, no status"),
    Entry("openid4vci", mdoc_peers.openid4vci_issue, check_issues, "no status"),
)


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    mdocs = MdocWorld(world)
    times = table(mdocs, sign_limit(mdocs), ENTRIES, rounds)
    targets = [Target("ewallet, of the limit", ratio(times, LIMIT, "ewallet"), 0.19, 0.28)]
    if "isomdoc" in times:
        targets.append(Target("isomdoc over ewallet", ratio(times, "isomdoc", "ewallet"), 1.7, 2.4, unit="x"))
    return judge(targets)
