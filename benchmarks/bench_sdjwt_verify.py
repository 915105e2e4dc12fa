"""Row 1: a presentation verified, the issuer's key and path remembered by its certificate chain."""

from __future__ import annotations

import limits
import ours
import peers
from measure import Target, judge, ratio
from tables import Entry, check_verifies, table
from work import World

TITLE = "Row 1: SD-JWT VC verify, issuer key cached"
ENTRIES = (
    Entry("ewallet", ours.verify_claims, check_verifies, "signature, path, disclosures, binding, dates"),
    Entry("ewallet, whole ladder", ours.ladder, check_verifies, "Verifier.verify: nine rungs, query and status too"),
    Entry("openvc-core", peers.openvc_verify, check_verifies, "signature, disclosures, binding, dates"),
    Entry("sd-jwt", peers.sd_jwt_verify, check_verifies, "signature, disclosures, binding"),
)


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    times = table(world, limits.verify(world), ENTRIES, rounds)
    return judge([Target("ewallet, of the limit", ratio(times, limits.LIMIT, "ewallet"), 0.55, 0.70)])
