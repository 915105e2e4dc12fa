"""Row 3: a credential issued, 24 disclosures with fresh salts, bound to the holder's key."""

from __future__ import annotations

import limits
import peers
from measure import Target, judge, ratio
from tables import Entry, check_issues, table
from work import World

TITLE = "Row 3: SD-JWT VC issue"
ENTRIES = (
    Entry("ewallet", lambda world: world.issue, check_issues, "nested"),
    Entry("sd-jwt", peers.sd_jwt_issue, check_issues, "nested"),
    Entry("openvc-core", peers.openvc_issue, check_issues, "flat"),
    Entry("openid4vci", peers.openid4vci_issue, check_issues, "flat, no x5c"),
)


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    times = table(world, limits.sign(world), ENTRIES, rounds)
    targets = [Target("ewallet, of the limit", ratio(times, limits.LIMIT, "ewallet"), 0.24, 0.35)]
    if "sd-jwt" in times:
        targets.append(Target("sd-jwt over ewallet", ratio(times, "sd-jwt", "ewallet"), 3.3, 4.5, unit="x"))
    return judge(targets)
