"""How values are written on paper."""

from __future__ import annotations

import pytest

from ewallet.catalog.claims import ClaimType
from ewallet.paper.written import value


def _claim(type_: str = "string", format_: str | None = None, name: str = "claim", members: tuple = ()) -> ClaimType:
    return ClaimType(path=(name,), type=type_, labels={}, sensitivity="doc", format=format_, members=members)


@pytest.mark.parametrize(
    ("claim", "found", "ko", "en"),
    [
        (_claim("date"), "2026-11-21", "2026년 11월 21일", "21 November 2026"),
        (_claim("date"), "2026-02-30", "2026-02-30", "2026-02-30"),
        (_claim("date"), "상세불명", "상세불명", "상세불명"),
        (_claim("datetime"), "2026-09-09T09:05:00+09:00", "2026년 9월 9일 9시 05분", "9 September 2026 09:05"),
        (_claim("datetime"), "2026-09-09T00:05:00Z", "2026년 9월 9일 9시 05분", "9 September 2026 09:05"),
        (_claim("amount_krw"), 48_000_000, "48,000,000원", "KRW 48,000,000"),
        (_claim("amount_krw"), 0, "0원", "KRW 0"),
        (_claim("string", "year-month"), "2026-11", "2026년 11월", "November 2026"),
        (_claim("string", "year-month"), "2026-13", "2026-13", "2026-13"),
        (_claim("string", "year"), "2025", "2025년", "2025"),
        (_claim("integer", "year"), 2025, "2025년", "2025"),
        (_claim("string", "phone"), "010-0000-0000", "010-0000-0000", "010-0000-0000"),
        (_claim("boolean"), True, "예", "Yes"),
        (_claim("boolean"), False, "아니요", "No"),
        (_claim("integer"), 2500, "2500", "2500"),
        (_claim("integer"), 400_000, "400,000", "400,000"),
        (_claim("number"), 35.0, "35", "35"),
        (_claim("number"), 84.95, "84.95", "84.95"),
        (_claim("number"), 1_200_000.0, "1,200,000", "1,200,000"),
        (_claim("integer", name="sex"), 1, "남", "Male"),
        (_claim("integer", name="sex"), 9, "9", "9"),
        (_claim("array"), ["1종", "2종"], "1종, 2종", "1종, 2종"),
        (_claim("object", members=(_claim("amount_krw", name="fee"),)), {"fee": 1000}, "1,000원", "KRW 1,000"),
    ],
)
def test_a_value_is_written_as_offices_write_it(claim, found, ko, en):
    """Dates, amounts and numbers in the reader's way; what is not of its type, as it is."""
    assert (ko, en) == (value(claim, found, "ko"), value(claim, found, "en"))
