"""The databases that faults are tried on."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def fault_url(request, tmp_path):
    """An empty database of each engine."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres").empty()
    return f"sqlite:///{tmp_path}/service.db"
