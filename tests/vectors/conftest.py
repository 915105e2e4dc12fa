"""Where the outside vectors are: the folder ``EWALLET_VECTORS`` names, else ``../shared`` beside the repository.

A test marked ``vectors(pattern, ..., count=n)`` runs once a file of those patterns and takes its path as ``vector``; ``without``
is a pattern of names it leaves to others. Where files are missing a skip says how many.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared"
_HOME = Path(os.environ.get("EWALLET_VECTORS") or _BESIDE)


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker, because unknown ones are errors."""
    config.addinivalue_line("markers", "vectors(pattern, ..., count, without): once per outside file of that pattern")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per file of the marker's pattern."""
    marker = metafunc.definition.get_closest_marker("vectors")
    if marker is None:
        return
    count, without = marker.kwargs["count"], marker.kwargs.get("without", "")
    files = [path for pattern in marker.args for path in sorted(_HOME.glob(pattern)) if not fnmatch(path.name, without)]
    cases = [pytest.param(path, id=path.stem) for path in files]
    if len(files) < count:
        reason = (
            f"{count - len(files)} of {count} outside vectors {', '.join(marker.args)} are not here (EWALLET_VECTORS)"
        )
        cases.append(pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason)))
    metafunc.parametrize("vector", cases)
