"""The demo register: a record is the sample of its kind, told of somebody else.

The samples are about 홍길동. The record of a citizen comes about in four steps, each of which a maintainer can look up:

1. the sample of the kind, in ``schemas/``;
2. in it, at every depth, each particular of 홍길동 (name, birth date, address, ...) becomes the citizen's own:
   ``particulars`` of the citizen's life, beside those of ``sample`` in ``lives/shared.json``;
3. claims about the citizen by whose name it is known what they say (sex, birth date, the halves of a name) are put in
   by their names, at the top and in ``self``: ``claims`` of the life;
4. what this record says otherwise is taken over as it is, claim by claim; ``null`` leaves a claim out: ``records``.

What is certified today is dated today. A kind that is not in ``records`` of a life, is not on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha512
from typing import Any, Final

from ewallet.catalog import Catalog
from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kinds import KST, CredentialType
from ewallet.env import Env
from ewallet.errors import NotFound
from ewallet.mandates import Guardianship
from issuer_service.records.citizens import CITIZENS, Citizen, Json, Record

_CI: Final = b"invented connecting information of the demo register: "
_ISO_SEX: Final = {"남": 1, "여": 2}  # ISO/IEC 5218, as cards have it
_LETTER: Final = {"남": "M", "여": "F"}  # as passports have it


class DemoRecords:
    """The register of the seven; ``env`` dates what is certified today."""

    def __init__(self, catalog: Catalog, env: Env | None = None) -> None:
        self._catalog = catalog
        self._env = env or Env()

    def kinds(self, subject: str) -> frozenset[str]:
        """The kinds that are on record of somebody."""
        citizen = CITIZENS.get(subject)
        return frozenset(citizen.records) if citizen else frozenset()

    def ci(self, subject: str) -> bytes | None:
        """Invented connecting information; a company has none, nor has its head in the company's name."""
        citizen = CITIZENS.get(subject)
        return sha512(_CI + subject.encode()).digest() if citizen and not citizen.is_company else None

    def guardianship(self, guardian: str, ward: str) -> Guardianship | None:
        """By which law one of the seven acts for another; None where they do not."""
        citizen = CITIZENS.get(guardian)
        law = citizen.wards.get(ward) if citizen else None
        return Guardianship(name=citizen.name, law=law) if citizen and law else None

    def claims(self, subject: str, type_id: str) -> Record:
        citizen = CITIZENS.get(subject)
        differing = citizen.records.get(type_id) if citizen else None
        if citizen is None or differing is None or type_id not in self._catalog:
            raise NotFound("storage.not_found", "nothing is on record")
        kind = self._catalog.type(type_id)
        today = self._env.now().astimezone(KST).date()
        told = {**_told(kind, citizen), **_dated(kind.sample, today), **differing}
        return {name: value for name, value in told.items() if value is not None}


def _told(kind: CredentialType, citizen: Citizen) -> dict[str, Json]:
    """The sample of a kind as it is told of a citizen."""
    exchanged = {name: _exchanged(value, citizen.instead) for name, value in kind.sample.items()}
    own = {name: value for claim in kind.claims for name, value in _own(claim, exchanged, citizen)}
    return exchanged | own


def _exchanged(value: Json, instead: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return instead.get(value, value)
    if isinstance(value, Mapping):
        return {name: _exchanged(member, instead) for name, member in value.items()}
    return [_exchanged(item, instead) for item in value] if isinstance(value, list) else value


def _own(claim: ClaimType, told: Record, citizen: Citizen) -> list[tuple[str, Any]]:
    """What a claim says of a citizen by its name, where the sample has it."""
    if claim.name not in told:
        return []
    if claim.name == "self":
        members = told["self"]
        return [("self", members | dict(each for below in claim.members for each in _own(below, members, citizen)))]
    found = _by_name(claim, citizen)
    return [] if found is None else [(claim.name, found)]


def _by_name(claim: ClaimType, citizen: Citizen) -> Json:
    if claim.name == "sex" and claim.type == "integer":
        return _ISO_SEX[citizen.sex]
    if claim.name == "sex":  # of an animal it is another word, and stays
        return next((word for word in (citizen.sex, _LETTER[citizen.sex]) if word in claim.enum), None)
    if claim.name == "age_birth_year":
        return int(citizen.birth_date[:4])
    if claim.name == "birth_date":
        return citizen.birth_date
    if claim.name == "resident_registration_number_masked":
        return citizen.number
    return citizen.claims.get(claim.name)


def _dated(sample: Record, today: date) -> dict[str, str]:
    """Issued today; what expires, and what is of that day or the one before, keeps the days from it that it had."""
    issued = date.fromisoformat(sample["issue_date"])
    moving = {"expiry_date", *(name for name, value in sample.items() if value in _near(issued))}
    return {name: (today + (date.fromisoformat(sample[name]) - issued)).isoformat() for name in moving & sample.keys()}


def _near(issued: date) -> tuple[str, str]:
    return issued.isoformat(), (issued - timedelta(days=1)).isoformat()
