"""The claim that every kind about a person has besides those of its file: that several certificates are about one.

Its value is made when a certificate is issued (:mod:`ewallet.subject`), so that no record has it and no kind file may
name it. A kind is about a person if it says who was born when or whose resident number it is, as a trader's tax
certificates do, or has the ``self`` of a family register.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ewallet.catalog.claims import ClaimType

SUBJECT_REF: Final = "subject_ref"

#: Under which names kinds have the name and the date of birth of whom they are about.
PERSON: Final[tuple[tuple[str, str], ...]] = (("name", "birth_date"), ("subject_name", "subject_birth_date"))
_SELF: Final = "self"  # a row of a family register has name and date of birth in it
_NUMBER: Final = "resident_registration_number"
_ANIMAL: Final = "animal_name"  # whose date of birth is nobody's

CLAIM: Final = ClaimType(
    path=(SUBJECT_REF,),
    type="string",
    labels={"ko": "동일인 확인값", "en": "Same-person reference"},
    sensitivity="unique_id",
    derived=True,
)


def is_about_person(names: Iterable[str]) -> bool:
    """Whether a kind with claims of these names is about one person, by whose side others can be laid."""
    known = set(names)
    named = any(known.issuperset(pair) for pair in PERSON) or not known.isdisjoint({_SELF, _NUMBER})
    return named and _ANIMAL not in known
