"""Row 6: an mdoc verified, the issuer's certificate chain read and checked from scratch each time."""

from __future__ import annotations

import mdoc_peers
from limits import LIMIT
from mdoc_tables import Entry, check_verifies, table, verify_limit
from mdoc_work import MdocWorld
from measure import Target, judge, ratio
from work import World

TITLE = "Row 6: mdoc verify, cold chain"
ENTRIES = (
    Entry("ewallet", mdoc_peers.ours_cold, check_verifies, "as row 2, and the path of x5chain to the root"),
    Entry("openvc-core", mdoc_peers.openvc_verify, check_verifies, "as row 2, and the path of x5chain to the root"),
)


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds. isomdoc follows no path."""
    mdocs = MdocWorld(world)
    times = table(mdocs, verify_limit(mdocs), ENTRIES, rounds)
    return judge([Target("ewallet, of the limit", ratio(times, LIMIT, "ewallet"), 0.32, 0.42)])
