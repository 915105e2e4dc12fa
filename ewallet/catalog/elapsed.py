"""Days that lie behind whoever issues: nobody was born tomorrow, and no certificate was made out then.

Kinds call them by the same names, at the top and in rows. Other dates may be to come, as an expected birth is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from ewallet.catalog.claims import ClaimType
from ewallet.catalog.person import PERSON

_NAMES: Final = frozenset({"issue_date"} | {born for _name, born in PERSON})


def dated_after(claims: Iterable[ClaimType], values: Mapping[str, Any], today: date) -> Iterator[str]:
    """The paths of such days in a record of well-formed values that are later than today."""
    for claim in claims:
        value = values.get(claim.name)
        if claim.type == "date" and claim.name in _NAMES:
            if value is not None and date.fromisoformat(value) > today:
                yield claim.name
        elif claim.members and value:
            rows = enumerate(value) if claim.type == "array" else [(None, value)]
            for index, row in rows:
                place = claim.name if index is None else f"{claim.name}.{index}"
                yield from (f"{place}.{path}" for path in dated_after(claim.members, row, today))
