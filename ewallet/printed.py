"""What of a record is put on paper, and whose names stand on it.

Rule of this file: a resident registration number is never printed, only its masked form. An Act decides who may ask for
it, and paper goes on to whoever picks it up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from ewallet.catalog import CredentialType
from ewallet.catalog.claims import ClaimType
from ewallet.shape import Json

MASKED: Final = "_masked"  # how the name of a number's masked form ends
_RESIDENT_NUMBER: Final = "rrn"
_UNPRINTED: Final = frozenset({"connecting_information"})  # it links everything about a person; no form shows it
#: Whom a document is about or who asked for it, a person before a body: a document says one or several of these.
_NAMES: Final = (
    *("subject_name", "name", "applicant_name", "household_head_name", "owner_name", "officer_name"),
    *("company_name", "corporate_name", "trade_name", "business_name", "representative_name", "operator_name"),
    *("child_name", "deceased_name", "lessee_name"),
)
_PEOPLE: Final = ("self", "applicant")  # who has a ``name`` of their own in some records


def names(record: Mapping[str, Any]) -> Iterator[str]:
    """The names at the head of a document of that record, the first one first; none where it names nobody."""
    yield from (record[name] for name in _NAMES if isinstance(record.get(name), str))
    people = (record.get(person) for person in _PEOPLE)
    yield from (str(person["name"]) for person in people if isinstance(person, Mapping) and "name" in person)


def on_paper(
    kind: CredentialType,
    record: Mapping[str, Json],
    *,
    among: AbstractSet[str] | None = None,
    answers: Collection[str] = (),
) -> dict[str, Json]:
    """Those of the claims that a form prints, in the order of the kind: what a paper credential is made of.

    ``among`` are the names of the claims that may be, None for all; ``answers`` names yes/no claims to print as well.
    """
    wanted = (*kind.claims, *(kind.signed[name] for name in kind.signed if name in answers))
    return _printed([claim for claim in wanted if among is None or claim.name in among], record, answers)


def _printed(claims: Iterable[ClaimType], record: Mapping[str, Json], answers: Collection[str]) -> dict[str, Json]:
    return {
        claim.name: _below(claim, record[claim.name])
        for claim in claims
        if not _is_empty(record.get(claim.name)) and _is_printed(claim, answers)
    }


def _is_printed(claim: ClaimType, answers: Collection[str]) -> bool:
    """The masked form of a number is on every form, also where it is made from the number."""
    if claim.sensitivity == _RESIDENT_NUMBER or claim.name in _UNPRINTED:
        return False
    return not claim.derived or claim.name.endswith(MASKED) or claim.name in answers


def _is_empty(value: Json) -> bool:
    return value is None or value in ("", {})


def _below(claim: ClaimType, value: Json) -> Json:
    if not claim.members:
        return value
    if isinstance(value, list):
        return [_below(claim, item) for item in value]
    return _printed(claim.members, value, ()) if isinstance(value, Mapping) else value
