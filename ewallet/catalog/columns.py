"""Claims of a kind in the columns of a table: ``name``, ``self.birth_date``, ``household_members[0].name``.

A column is the path of one value; what the value is (a number, a date, yes or no) says the kind. An empty cell is a
claim that is not there; a row of an array of which no cell is filled is left out, and an array without rows is empty.
``claims.`` may stand before a path, and must where a table has a column of the same name that is no claim.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import UsageError

Json = Any
Path = tuple[str | int, ...]

_PREFIX: Final = "claims."
_STEP: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[(0|[1-9][0-9]{0,2})\])?\Z")
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,15})\Z")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,10})?\Z")
_WORDS: Final = {"true": True, "false": False}


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are claims of one kind, each with its place in a row."""

    places: Sequence[tuple[int, Path, ClaimType]]
    arrays: Collection[Path]

    @classmethod
    def parse(cls, names: Mapping[int, str], kind: CredentialType) -> Columns:
        """The columns of these names, by their places; ``issue.invalid_value`` names one that is no claim."""
        places = tuple((place, *_claim(name, kind, place)) for place, name in names.items())
        seen = [path for _, path, _ in places]
        for path in seen:
            if seen.count(path) > 1:
                _invalid(path, "two columns")
        arrays = {path[:depth] for path in seen for depth, step in enumerate(path) if isinstance(step, int)}
        return cls(places, frozenset(arrays))

    def claims(self, cells: Sequence[str]) -> dict[str, Json]:
        """The claims of one row; ``issue.invalid_value`` names the path, and never the value."""
        found = {path: _value(cells[place], path, claim) for place, path, claim in self.places if cells[place]}
        filled = {path[:depth] for path in found for depth in range(1, len(path) + 1)}
        arrays: dict[Path, Json] = {path: [] for path in self.arrays if len(path) == 1 or path[:-1] in filled}
        claims: dict[str, Json] = {}
        for path, value in sorted((arrays | found).items(), key=lambda each: each[0]):  # an array before its rows
            _put(claims, path, value, filled)
        return claims


def _claim(name: str, kind: CredentialType, place: int) -> tuple[Path, ClaimType]:
    path = _path(name.removeprefix(_PREFIX))
    claim = kind.claim(path) if path else None
    known = claim is not None and claim.path == tuple(step if isinstance(step, str) else None for step in path)
    if claim is None or not known or claim.members or claim.type in {"array", "object"}:
        # the name is not told: a table without a head has values there
        raise UsageError("issue.invalid_value", f"column {place + 1}: its name is not the path of a claim of this kind")
    return path, claim


def _path(name: str) -> Path:
    steps: list[str | int] = []
    for part in name.split("."):
        match = _STEP.match(part)
        if match is None:
            return ()
        steps += [match[1]] if match[2] is None else [match[1], int(match[2])]
    return tuple(steps)


def _value(text: str, path: Path, claim: ClaimType) -> Json:
    if claim.type in {"integer", "amount_krw"}:
        return int(text) if _WHOLE.match(text) else _invalid(path, "not a whole number, in digits alone")
    if claim.type == "number":
        return float(text) if _DECIMAL.match(text) else _invalid(path, "not a number, in digits and a point")
    if claim.type == "boolean":
        return _WORDS[text] if text in _WORDS else _invalid(path, "neither true nor false")
    return text


def _put(claims: dict[str, Json], path: Path, value: Json, filled: set[Path]) -> None:
    """Put a value at its path; rows that are not filled have no place of their own."""
    at: Json = claims
    for depth, step in enumerate(path):
        place = step if isinstance(step, str) else sum((*path[:depth], each) in filled for each in range(step))
        last = depth == len(path) - 1
        below: Json = value if last else [] if isinstance(path[depth + 1], int) else {}
        if isinstance(place, str):
            at = at.setdefault(place, below)
        else:
            if place == len(at):
                at.append(below)
            at = at[place]


def _invalid(path: Path, reason: str) -> NoReturn:
    raise UsageError("issue.invalid_value", f"{'.'.join(map(str, path))}: {reason}")
