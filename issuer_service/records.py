"""Where claims come from: the demo register of two invented people, or the files of a folder.

홍길동 and 성춘향 are married and live in one household with two children; what their thirteen certificates say of them
agrees. No such people, places and numbers exist: the numbers are impossible ones (a 30th of February).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from ewallet.catalog import Catalog
from ewallet.catalog.kinds import KST
from ewallet.env import Env
from ewallet.errors import Malformed, NotFound, UsageError
from ewallet.files import read_own
from ewallet.issuance import Records
from ewallet.shape import json_object

Record = Mapping[str, Any]

_ADDRESS: Final = "가상특별시 예시구 견본로 1, 101동 101호(표본동)"
_MOVED_IN: Final = "2020-02-29"
_EMPLOYER: Final = "주식회사 가상전자"
_EMPLOYED: Final = "2023-05-08"


@dataclass(frozen=True, kw_only=True)
class Citizen:
    """Somebody in the demo register; ``id`` is the register's own handle and never leaves the issuer."""

    id: str
    name: str
    hanja: str
    romanized: str
    birth_date: str
    number: str
    sex: str

    @property
    def family_name(self) -> str:
        return self.name[0]

    @property
    def given_name(self) -> str:
        return self.name[1:]

    @property
    def family_name_latin(self) -> str:
        return self.romanized.split()[0]

    @property
    def given_name_latin(self) -> str:
        return self.romanized.split()[1]

    @property
    def birth_year(self) -> int:
        return int(self.birth_date[:4])


HONG: Final = Citizen(
    id="hong",
    name="홍길동",
    hanja="洪吉童",
    romanized="HONG GILDONG",
    birth_date="1999-03-02",
    number="990230-1******",
    sex="남",
)
SEONG: Final = Citizen(
    id="seong",
    name="성춘향",
    hanja="成春香",
    romanized="SEONG CHUNHYANG",
    birth_date="1998-09-09",
    number="980931-2******",
    sex="여",
)
CITIZENS: Final = {citizen.id: citizen for citizen in (HONG, SEONG)}

_PERSONAL: Final = {
    "name": "name",
    "applicant_name": "name",
    "representative_name": "name",
    "name_hanja": "hanja",
    "name_romanized": "romanized",
    "birth_date": "birth_date",
    "resident_registration_number_masked": "number",
    "sex": "sex",
    "family_name": "family_name",
    "given_name": "given_name",
    "family_name_latin": "family_name_latin",
    "given_name_latin": "given_name_latin",
    "age_birth_year": "birth_year",
}
_ISO_SEX: Final = {"남": 1, "여": 2}  # ISO/IEC 5218, as cards have it


class DemoRecords:
    """The register of the two; ``env`` dates what is certified today."""

    def __init__(self, catalog: Catalog, env: Env | None = None) -> None:
        self._catalog = catalog
        self._env = env or Env()

    def claims(self, subject: str, type_id: str) -> Record:
        citizen = CITIZENS.get(subject)
        differing = _DIFFERING.get((subject, type_id), _DIFFERING.get(("", type_id)))
        if citizen is None or differing is None or type_id not in self._catalog:
            raise NotFound("storage.not_found", "nothing is on record")
        today = self._env.now().astimezone(KST).date()
        sample = self._catalog.type(type_id).sample
        personal = {claim: getattr(citizen, known) for claim, known in _PERSONAL.items() if claim in sample}
        return {**sample, **personal, **_dated(sample, today), **differing(citizen)}


class FolderRecords:
    """Records in files of their own: ``folder/subject/kind.json``."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError("usage.configuration", "the folder of records does not exist")
        self._folder = folder.resolve()

    def claims(self, subject: str, type_id: str) -> Record:
        path = self._folder / subject / f"{type_id}.json"
        if path.resolve().parent.parent != self._folder or not path.is_file():
            raise NotFound("storage.not_found", "nothing is on record")
        try:
            return json_object(read_own(str(path), what="a record"), "a record")
        except Malformed as exc:
            raise UsageError("issue.invalid_value", f"the record is not json: {exc.code}") from None


def records_of(setting: str, catalog: Catalog, env: Env | None = None) -> Records:
    """What ``EWALLET_RECORDS`` names: ``demo`` or ``folder:PATH``; ``usage.configuration``."""
    if setting == "demo":
        return DemoRecords(catalog, env)
    kind, _, path = setting.partition(":")
    if kind == "folder" and path:
        return FolderRecords(Path(path))
    raise UsageError("usage.configuration", "EWALLET_RECORDS is neither demo nor folder:PATH")


def _dated(sample: Record, today: date) -> dict[str, str]:
    """Issued today; what expires keeps the days that it had."""
    dates = {"issue_date": today.isoformat()}
    if "expiry_date" in sample:
        days = date.fromisoformat(sample["expiry_date"]) - date.fromisoformat(sample["issue_date"])
        dates["expiry_date"] = (today + days).isoformat()
    if "query_to" in sample:
        dates["query_to"] = today.isoformat()
    if "confirmation_requested_date" in sample:
        dates["confirmation_requested_date"] = (today - timedelta(days=1)).isoformat()
    return dates


def _household_copy(citizen: Citizen) -> Record:
    return {
        "household_head_name": HONG.name,
        "household_head_name_hanja": HONG.hanja,
        "household_members": _HOUSEHOLD,
        "subject_name": citizen.name,
        "subject_birth_date": citizen.birth_date,
        "household_size": len(_HOUSEHOLD),
    }


def _member(number: int, relationship: str, name: str, birth_date: str, masked: str) -> Record:
    moved_in = max(_MOVED_IN, birth_date)
    return {
        "number": number,
        "relationship_to_head": relationship,
        "name": name,
        "birth_date": birth_date,
        "resident_registration_number_masked": masked,
        "moved_in_date": moved_in,
        "change_reason": "출생등록" if moved_in == birth_date else "전입",
        "registration_status": "거주자",
        "is_foreigner": False,
    }


_HOUSEHOLD: Final = [
    _member(1, "본인", HONG.name, HONG.birth_date, HONG.number),
    _member(2, "배우자", SEONG.name, SEONG.birth_date, SEONG.number),
    _member(3, "자녀", "홍일동", "2022-12-01", "221232-3******"),
    _member(4, "자녀", "홍삼순", "2024-06-06", "240631-4******"),
]


def _abstract_of_seong(_citizen: Citizen) -> Record:
    """She did not serve and has kept her name; she came from elsewhere to the same address."""
    moved = [
        ("2010-03-02", "견본도 표본시 옛길 7", "전입", "성참판의 자"),
        (_MOVED_IN, _ADDRESS, "전입", "홍길동의 배우자"),
    ]
    addresses = [
        {
            "number": number,
            "resident_address": address,
            "moved_in_date": day,
            "changed_date": day,
            "head_and_relationship": head,
            "registration_status": "거주자",
            "change_reason": reason,
        }
        for number, (day, address, reason, head) in enumerate(moved, 1)
    ]
    return {"personal_changes": [], "addresses": addresses, "military_service": {}}


def _relatives_of_seong(citizen: Citizen) -> Record:
    children = [_relative("자녀", member) for member in _HOUSEHOLD[2:]]
    parents = [
        ("부", "성참판", "1969-05-05", "690231-1******", "남"),
        ("모", "월매", "1971-07-07", "710732-2******", "여"),
        ("배우자", HONG.name, HONG.birth_date, HONG.number, HONG.sex),
    ]
    elders = [
        {"relation": r, "name": n, "birth_date": b, "resident_registration_number_masked": m, "sex": s}
        for r, n, b, m, s in parents
    ]
    own = {
        "name": citizen.name,
        "name_hanja": citizen.hanja,
        "birth_date": citizen.birth_date,
        "resident_registration_number_masked": citizen.number,
        "sex": citizen.sex,
    }
    return {"self": own, "family_members": [*elders, *children]}


def _relative(relation: str, member: Record) -> Record:
    masked = member["resident_registration_number_masked"]
    return {
        "relation": relation,
        "name": member["name"],
        "birth_date": member["birth_date"],
        "resident_registration_number_masked": masked,
        "sex": "남" if masked[7] in "13" else "여",
    }


def _insured(citizen: Citizen) -> Record:
    """He is insured through his work, and she through him."""
    relationship = "본인" if citizen is HONG else "배우자"
    beneficiary = {
        "name": citizen.name,
        "resident_registration_number_masked": citizen.number,
        "relationship": relationship,
        "acquired_date": _EMPLOYED,
        "is_eligible": True,
    }
    return {
        "insured_type": "직장",
        "insured_person_name": HONG.name,
        "workplace_name": _EMPLOYER,
        "eligibility_periods": [{"acquired_date": _EMPLOYED}],
        "beneficiaries": [beneficiary],
    }


def _insurance_of_seong(_citizen: Citizen) -> Record:
    dependent = {"insured_type": "직장피부양자", "workplace_name": _EMPLOYER, "acquired_date": _EMPLOYED}
    before = {"insured_type": "지역세대원", "acquired_date": "2020-02-29", "lost_date": _EMPLOYED}
    return {
        "eligibility_records": [dependent, before],
        "current_insured_type": "직장피부양자",
        "current_workplace_name": _EMPLOYER,
        "current_acquired_date": _EMPLOYED,
    }


def _no_wages(_citizen: Citizen) -> Record:
    return {"taxpayer_address": _ADDRESS, "year_end_settlements": [], "total_income_latest_year": 0}


def _no_travel(_citizen: Citizen) -> Record:
    return {"passport_number": "M00000001", "movements": [], "has_no_record": True}


def _at_home(_citizen: Citizen) -> Record:
    return {"resident_address": _ADDRESS}


def _taxed_at_home(_citizen: Citizen) -> Record:
    return {"taxpayer_address": _ADDRESS}


def _card(citizen: Citizen) -> Record:
    return {"sex": _ISO_SEX[citizen.sex]}


def _licence_of_seong(citizen: Citizen) -> Record:
    """She drives more than he does, and her conditions are none."""
    classes = [("1종보통", "2018-11-20"), ("2종소형", "2021-04-05")]
    return {
        **_card(citizen),
        "document_number": "00-00-000001-00",
        "kr_license_classes": [{"license_class": name, "issue_date": day} for name, day in classes],
        "driving_privileges": [
            {"vehicle_category_code": code, "issue_date": day}
            for code, day in (("B", "2018-11-20"), ("C1", "2018-11-20"), ("D1", "2018-11-20"), ("A", "2021-04-05"))
        ],
        "license_conditions": "없음",
    }


def _resident_card(citizen: Citizen) -> Record:
    return {**_card(citizen), "name_hanja": citizen.hanja}


def _insurance_card(_citizen: Citizen) -> Record:
    """The household is insured through him."""
    members = [{"name": each["name"], "birth_date": each["birth_date"]} for each in _HOUSEHOLD[1:]]
    return {"subscriber_name": HONG.name, "workplace_name": _EMPLOYER, "beneficiaries": members}


def _children(_citizen: Citizen) -> Record:
    return {"children_count": 2, "youngest_child_birth_date": _HOUSEHOLD[-1]["birth_date"]}


def _as_sampled(_citizen: Citizen) -> Record:
    return {}


#: What a record says otherwise than the sample of its kind; without a citizen, of both. What is not here, is not on
#: record: the business, the building and the disability are his alone.
_DIFFERING: Final[Mapping[tuple[str, str], Callable[[Citizen], Record]]] = {
    ("", "resident_register_copy"): _household_copy,
    ("hong", "resident_register_abstract"): _as_sampled,
    ("seong", "resident_register_abstract"): _abstract_of_seong,
    ("hong", "family_relation_certificate"): _as_sampled,
    ("seong", "family_relation_certificate"): _relatives_of_seong,
    ("", "health_insurance_eligibility_confirmation"): _insured,
    ("hong", "health_insurance_qualification_history"): _as_sampled,
    ("seong", "health_insurance_qualification_history"): _insurance_of_seong,
    ("hong", "income_amount_certificate"): _taxed_at_home,
    ("seong", "income_amount_certificate"): _no_wages,
    ("", "local_tax_payment_certificate"): _at_home,
    ("hong", "national_tax_payment_certificate"): _as_sampled,
    ("hong", "entry_exit_fact_certificate"): _as_sampled,
    ("seong", "entry_exit_fact_certificate"): _no_travel,
    ("hong", "business_registration_certificate"): _as_sampled,
    ("hong", "building_register_copy"): _as_sampled,
    ("hong", "building_register_abstract"): _as_sampled,
    ("hong", "disabled_person_certificate"): _as_sampled,
    ("hong", "mobile_driver_license"): _card,
    ("seong", "mobile_driver_license"): _licence_of_seong,
    ("", "mobile_resident_card"): _resident_card,
    ("", "mobile_health_insurance_card"): _insurance_card,
    ("", "mobile_multi_child_card"): _children,
    ("hong", "mobile_disability_card"): _as_sampled,
}
