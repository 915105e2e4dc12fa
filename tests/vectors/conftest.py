"""Where the outside vectors are: the folder ``EWALLET_VECTORS`` names, else ``../shared`` beside the repository.

A test marked ``vectors(pattern, ..., count=n)`` runs once a file of those patterns and takes its path as ``vector``;
``without`` is a pattern of names it leaves to others. With ``each`` it runs once an entry of that array of the one
file, which comes as ``entry``. Where files are missing a skip says how many.
"""

from __future__ import annotations

import json
import os
from fnmatch import fnmatch
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

_BESIDE = Path(__file__).resolve().parents[3] / "shared"
_HOME = Path(os.environ.get("EWALLET_VECTORS") or _BESIDE)


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker, because unknown ones are errors."""
    config.addinivalue_line("markers", "vectors(pattern, ..., count, without, each): once per outside file or entry")


def _files(marker: pytest.Mark) -> list[Path]:
    without = marker.kwargs.get("without", "")
    found = [path for pattern in marker.args for path in sorted(_HOME.glob(pattern))]
    return [path for path in found if not fnmatch(path.name, without)]


def _absent(marker: pytest.Mark, number: int, values: tuple[None, ...]) -> ParameterSet:
    reason = f"{number} of {marker.kwargs['count']} outside vectors {', '.join(marker.args)} are not here"
    return pytest.param(*values, id="absent", marks=pytest.mark.skip(reason=reason))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per file of the marker's patterns, or per entry of the one file."""
    marker = metafunc.definition.get_closest_marker("vectors")
    if marker is None:
        return
    files, count, each = _files(marker), marker.kwargs["count"], marker.kwargs.get("each")
    if each is None:
        cases = [pytest.param(path, id=path.stem) for path in files]
        names: tuple[str, ...] = ("vector",)
    else:
        cases = [
            pytest.param(path, entry, id=entry["id"]) for path in files for entry in json.loads(path.read_bytes())[each]
        ]
        names = ("vector", "entry")
    if len(cases) < count:
        cases.append(_absent(marker, count - len(cases), (None,) * len(names)))
    metafunc.parametrize(names, cases)
