"""Row 2: an mdoc verified, the issuer's key and path remembered by its certificate chain."""

from __future__ import annotations

import mdoc_peers
from limits import LIMIT
from mdoc_tables import Entry, check_verifies, table, verify_limit
from mdoc_work import MdocWorld
from measure import Target, judge, ratio
from work import World

TITLE = "Row 2: mdoc verify, issuer key cached"
ENTRIES = (
    Entry("ewallet", mdoc_peers.ours, check_verifies, "signature, path, digests, device, dates"),
    Entry("isomdoc", mdoc_peers.isomdoc_verify, check_verifies, "signature, digests, device"),
    Entry("openvc-core", mdoc_peers.openvc_verify, check_verifies, "as ewallet, the path anew each time"),
)


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    mdocs = MdocWorld(world)
    times = table(mdocs, verify_limit(mdocs), ENTRIES, rounds)
    return judge([Target("ewallet, of the limit", ratio(times, LIMIT, "ewallet"), 0.58, 0.72)])
