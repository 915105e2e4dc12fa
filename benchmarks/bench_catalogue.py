"""Row 18: every kind of the catalogue read from its file, and one of them, from cold.

The limit reads the same files and parses them with :mod:`json`, which refuses nothing and builds no kind.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from statistics import median

import limits
from measure import Contender, Target, interleaved, judge, ratio, show
from work import World

from ewallet.catalog import Catalog
from ewallet.catalog.predicate import Predicate

TITLE = "Row 18: the catalogue, read from cold"
_KIND = "resident_register_copy"
_ALL, _ONE = "ewallet, every kind", "ewallet, one kind"


def run(_world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    catalog = Catalog.bundled()
    paths = sorted(catalog.folder.glob("types/*/*.json"))
    assert not catalog.problems, "a file of the catalogue is refused"
    assert len(paths) == len(list(catalog)), "a file of the catalogue is not read"

    def bare() -> None:
        for path in paths:
            json.loads(path.read_bytes())

    contenders = [
        Contender(limits.LIMIT, bare, 1, f"{len(paths)} files through json.loads"),
        Contender(_ALL, partial(_every, catalog.folder), 1, "strictly, predicates parsed and checked"),
        Contender(_ONE, partial(_one, catalog.folder), 1, "of a catalogue that was not opened before"),
    ]
    times = interleaved(contenders, max(5, rounds // 2))
    show(contenders, times, limits.LIMIT)
    return judge(
        [
            Target("every kind over json.loads", ratio(times, _ALL, limits.LIMIT), 14, 8, most=True, unit="x"),
            Target("every kind", median(times[_ALL]) / 1e3, 150, 100, most=True, unit=" ms"),
            Target("one kind", median(times[_ONE]) / 1e3, 5, 2, most=True, unit=" ms"),
        ]
    )


def _every(folder: Path) -> None:
    Predicate.parse.cache_clear()
    list(Catalog.load(folder))


def _one(folder: Path) -> None:
    Predicate.parse.cache_clear()
    Catalog.load(folder).type(_KIND)
