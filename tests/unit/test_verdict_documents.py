"""Verdict documents read back: what one process wrote, another believes only in its shape."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ewallet.errors import Malformed
from ewallet.verdict import Accepted, Check, Rejected, Undecided, Verdict, parse

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PASSED = Check("format", "passed")
VERDICTS: list[Verdict] = [
    Accepted(checks=(PASSED,), at=AT, claims={"register": {"name": "x"}}),
    Rejected(checks=(PASSED, Check("issuer", "failed", "trust.no_path", "a detail")), at=AT),
    Undecided(checks=(PASSED, Check("status", "unknown", "status.unavailable")), at=AT),
]


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: type(verdict).__name__)
def test_a_verdict_is_read_as_it_was_written(verdict):
    """With every check, and the claims where it was accepted."""
    assert verdict == parse(verdict.to_json())


GOOD = VERDICTS[0].to_json()


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "error"},
        {"verdict": None},
        {"checks": {}},
        {"checks": [1]},
        {"checks": [{"name": "format", "outcome": "perhaps"}]},
        {"checks": [{"name": 1, "outcome": "passed"}]},
        {"checks": [{"name": "format", "outcome": "passed", "code": 1}]},
        {"claims": None},
        {"at": "yesterday"},
        {"at": 1},
    ],
)
def test_what_is_no_verdict_is_not_taken_for_one(changed):
    """An accepted one least of all."""
    with pytest.raises(Malformed) as refused:
        parse(GOOD | changed)

    assert "malformed.claim_type" == refused.value.code
