"""Row 5: a presentation of four elements made from the mdoc's text, with a signature of the device."""

from __future__ import annotations

from limits import LIMIT
from mdoc_tables import Entry, check_presents, device_limit, table
from mdoc_work import MdocWorld
from measure import Target, judge, ratio
from work import World

TITLE = "Row 5: mdoc present"
ENTRIES = (Entry("ewallet", lambda mdocs: mdocs.present, check_presents, "from the mdoc's text"),)


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds. None of the peers has a holder."""
    mdocs = MdocWorld(world)
    times = table(mdocs, device_limit(mdocs), ENTRIES, rounds)
    return judge([Target("ewallet, of the limit", ratio(times, LIMIT, "ewallet"), 0.24, 0.34)])
