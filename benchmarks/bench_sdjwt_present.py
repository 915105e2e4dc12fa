"""Row 5: a presentation of four claims made from the credential's text, with a key binding JWT."""

from __future__ import annotations

import limits
import peers
from measure import Target, judge, ratio
from tables import Entry, check_presents, table
from work import World

TITLE = "Row 5: SD-JWT VC present"
ENTRIES = (
    Entry("ewallet", lambda world: world.present, check_presents, "from the credential's text"),
    Entry("sd-jwt", peers.sd_jwt_present, check_presents, "from the credential's text"),
)


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds. openvc-core has no choice of claims, openid4vci no holder."""
    times = table(world, limits.sign(world), ENTRIES, rounds)
    return judge([Target("ewallet, of the limit", ratio(times, limits.LIMIT, "ewallet"), 0.27, 0.36)])
