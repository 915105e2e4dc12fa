"""The cast of the demo register: six citizens and one company, none of whom exists.

========  ======================================================  ===================================================
handle    who                                                     what only they have, for instance
========  ======================================================  ===================================================
hong      홍길동, head of a family of four, employed               등본 of four, flat, car, income, military service
seong     성춘향, his wife, sole trader                            business papers, children's papers, qualifications
jaeim     도제임, a student, a registered foreigner as well        school papers, student, youth and alien cards
sim       심학규, a pensioner who was abroad for long              pensions, house and land, boat, overseas papers
jane      제인도, a registered foreigner                           permanent residence card, lease, university's pension
jo        조웅, a disabled veteran who brings up a grandchild      veterans', disability and welfare papers, farmland
gasang    주식회사 가상전자, signed in for by 홍재외, its head       company papers, and the head's own residence card
========  ======================================================  ===================================================

The family of four is 홍길동, 성춘향 and their children 홍일동 and 홍삼순, who are three and two and sign in nowhere.
Each of the kinds is on record of at least one of the seven: ``docs/reference/demo-register.md`` has the table.
``lives/<handle>.json`` lists them, and says for each what it says otherwise than the sample of its kind. How a record
comes about is told in :mod:`.demo`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ewallet.errors import Language
from ewallet.shape import json_object

Json = Any
Record = Mapping[str, Json]

_LIVES: Final = Path(__file__).parent / "lives"
_HANDLES: Final = ("hong", "seong", "jaeim", "sim", "jane", "jo", "gasang")
_COMPANIES: Final = frozenset({"gasang"})
SHARED: Final[Record] = json_object((_LIVES / "shared.json").read_bytes(), "what the lives share")


@dataclass(frozen=True, kw_only=True)
class Citizen:
    """Somebody in the demo register; ``id`` is the register's own handle and never leaves the issuer.

    ``instead`` has what the samples say of their protagonist, and what is said of this citizen instead; ``claims``
    what a claim of that name says; ``records`` what a record says otherwise than its sample, by kind;
    ``wards`` for whom they act, and by which law.
    """

    id: str
    about: str
    names: Mapping[str, str]
    sex: str
    birth_date: str
    number: str
    instead: Mapping[str, str]
    claims: Record
    records: Mapping[str, Record]
    wards: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name on certificates; of a company, that of its representative."""
        return self.instead.get(SHARED["sample"]["name"], SHARED["sample"]["name"])

    @property
    def is_company(self) -> bool:
        """Whether it is a company, for which its representative signs in."""
        return self.id in _COMPANIES

    def label(self, language: Language) -> str:
        """Who signs in, in the letters of a language."""
        return self.names[language]


def _citizen(handle: str) -> Citizen:
    life = json_object((_LIVES / f"{handle}.json").read_bytes(), "a life")
    said, own = SHARED["sample"], life["particulars"]
    return Citizen(
        id=handle,
        about=life["about"],
        names=life["name"],
        sex=life["sex"],
        birth_date=own.get("birth_date", said["birth_date"]),
        number=own.get("number", said["number"]),
        instead={said[particular]: text for particular, text in own.items()},
        claims=life["claims"],
        records={kind: _referred(record) for kind, record in life["records"].items()},
        wards=life.get("wards", {}),
    )


def _referred(value: Json) -> Json:
    """The same with what several lives share in place of its name."""
    if isinstance(value, str) and value.startswith("@"):
        return SHARED[value[1:]]
    if isinstance(value, Mapping):
        return {name: _referred(member) for name, member in value.items()}
    return [_referred(item) for item in value] if isinstance(value, list) else value


CITIZENS: Final = {handle: _citizen(handle) for handle in _HANDLES}
