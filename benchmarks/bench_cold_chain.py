"""Row 6: a presentation verified, the issuer's certificate chain read and checked from scratch each time."""

from __future__ import annotations

import limits
import ours
import peers
from measure import Target, judge, ratio
from tables import Entry, check_verifies, table
from work import World

TITLE = "Row 6: SD-JWT VC verify, cold chain"
ENTRIES = (
    Entry("ewallet", ours.verify_cold, check_verifies, "as row 1, and the path of x5c to the root"),
    Entry("openvc-core", peers.openvc_verify_cold, check_verifies, "as row 1, and the path of x5c to the root"),
)


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds. sd-jwt knows no certificates."""
    times = table(world, limits.verify(world), ENTRIES, rounds)
    return judge([Target("ewallet, of the limit", ratio(times, limits.LIMIT, "ewallet"), 0.32, 0.42)])
