"""The matrix rows that are gated, and that each is named by a test, or is not built yet.

Those of protocols, documents, certificates, status, pages, QR codes and MyData.

A test names the rows it stands for in its docstring. What is not built yet says so here, so that whoever builds it
finds the row.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
MATRIX = Path(os.environ.get("EWALLET_VECTORS") or TESTS.parents[1] / "shared") / "security" / "MATRIX.md"
LATER = {
    "QRC-03": "a holder's QR that changes is not made yet",
}
ROWS = {"VCI": 25, "VPV": 15, "WAL": 17, "QRC": 8, "MYD": 13, "MDO": 22, "X5T": 14, "STA": 15, "WEB": 12}
NAMED = re.compile(rf"({'|'.join(ROWS)})-(\d\d)((?:, \d\d\b)*(?: and \d\d\b)?)")


def _named() -> Iterator[str]:
    """The rows that tests name: ``VPV-05``, and the further ones of ``WAL-01, 02, 06``."""
    for path in TESTS.glob("**/*.py"):
        if path != Path(__file__) and "node_modules" not in path.parts:
            for family, first, others in NAMED.findall(path.read_text("utf-8")):
                yield from (f"{family}-{number}" for number in (first, *re.findall(r"\d\d", others)))


def _listed(family: str) -> list[str]:
    return re.findall(rf"^\| ({family}-\d\d) \|", MATRIX.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("family", ROWS)
def test_each_row_has_a_test_or_a_reason(family):
    """And the matrix has as many as when this was written."""
    if not MATRIX.exists():
        pytest.skip(f"{ROWS[family]} rows of the matrix are not here")
    rows = _listed(family)

    assert [] == sorted(set(rows) - set(_named()) - LATER.keys())
    assert ROWS[family] == len(rows)


def test_no_reason_has_outlived_itself():
    """A row that has a test by now is taken off the list."""
    assert [] == sorted(LATER.keys() & set(_named()))
