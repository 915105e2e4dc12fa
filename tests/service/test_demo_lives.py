"""The demo register: every record can be issued, and together they tell lives that could have been lived."""

from __future__ import annotations

import re
import runpy
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ewallet.catalog import Catalog
from ewallet.errors import NotFound
from ewallet.testing.clock import Clock
from issuer_service.records import CITIZENS, DemoRecords

Objects = list[tuple[str, str, dict[str, Any]]]

ROOT = Path(__file__).parents[2]
CATALOG = Catalog.bundled()
CLOCK = Clock()
TODAY = date(2026, 11, 21)
STREET = "가상특별시 예시구 견본로 1"  # where the samples live
HOMES = {who: citizen.instead.get(STREET, STREET) for who, citizen in CITIZENS.items()}


def day(text: str) -> date:
    """The day of a date, or of a moment."""
    return date.fromisoformat(text[:10])


def age(born: str, at: str) -> int:
    """Completed years."""
    before, after = day(born), day(at)
    return after.year - before.year - ((after.month, after.day) < (before.month, before.day))


# -- each record ---------------------------------------------------------------------------------------------------


def test_every_kind_is_on_record_of_somebody(lives):
    """Of one of the six citizens, or of the company; nobody has a kind that is not there. Answers are on no record."""
    assert set(CATALOG.ids()) - {"eligibility_answer"} == {kind for _, kind in lives}
    assert ["hong", "seong", "jaeim", "sim", "jane", "jo", "gasang"] == list(CITIZENS)


@pytest.mark.parametrize("who", CITIZENS)
def test_every_record_can_be_issued_and_its_questions_answered(lives, who):
    """It is valid as its kind, and each question about it has an answer or is left open."""
    for kind in [CATALOG.type(kind) for other, kind in lives if other == who]:
        record = lives[who, kind.id]
        kind.check(kind.normalised(record))
        answers = kind.presigned(record, CLOCK.now())
        asked = [each.id for each in kind.predicates if not each.parameterised]
        assert {type(answer) for answer in answers.values()} <= {bool}
        assert {type(kind.answer(each, record, TODAY)) for each in asked} <= {bool, type(None)}
        assert "2026-11-21" == record["issue_date"]


def test_what_is_not_on_record_is_not_found():
    """Of a stranger, of a kind that does not apply, of a kind that is none."""
    for who, kind in (("nobody", "resident_register_copy"), ("jane", "resident_register_copy"), ("hong", "no_kind")):
        with pytest.raises(NotFound) as refused:
            DemoRecords(CATALOG, CLOCK.env()).claims(who, kind)
        assert "storage.not_found" == refused.value.code


# -- one person, one name ------------------------------------------------------------------------------------------

NAMED = (
    "name",
    "subject_name",
    "child_name",
    "mother_name",
    "operator_name",
    "owner_name",
    "lessee_name",
    "lessor_name",
)
NUMBERS = ("resident_registration_number_masked", "registration_number_masked", "alien_registration_number_masked")


def people(objects: Objects) -> Iterator[tuple[str, str, str]]:
    """(name, what is said, value) of whoever is named with a birth date or a number beside the name."""
    for _, kind, each in objects:
        for key in NAMED:
            prefix = key.removesuffix("name")
            if key not in each:
                continue
            for about in ("birth_date", *NUMBERS):
                if (value := each.get(prefix + about)) and kind != "animal_registration_certificate":
                    yield _person(each[key]), about.removesuffix("_masked"), value


def _person(name: str) -> str:
    """Cards of foreigners have their names in Latin letters."""
    latin = {"DOE JANE": "제인도", "DOE JAMES": "도제임", "HONG GILDONG": "홍길동", "홍길동(100%)": "홍길동"}
    return latin.get(name, name)


def test_a_person_has_one_birth_date_and_one_number_everywhere(objects):
    """By name, in every row of every record; masked more or less, a number begins the same."""
    births: dict[str, set[str]] = defaultdict(set)
    numbers: dict[str, set[str]] = defaultdict(set)
    for name, about, value in people(objects):
        (births if about == "birth_date" else numbers)[name].add(value if about == "birth_date" else value.rstrip("*"))
    longest = {name: max(found, key=len) for name, found in numbers.items()}

    assert dict.fromkeys(births, 1) == {name: len(found) for name, found in births.items()}
    assert [] == [name for name, found in numbers.items() if not all(longest[name].startswith(one) for one in found)]
    assert {citizen.name for citizen in CITIZENS.values()} <= births.keys() & numbers.keys()


def test_two_people_have_two_numbers(objects):
    """No masked number is of two names."""
    owners: dict[str, set[str]] = defaultdict(set)
    for name, about, value in people(objects):
        if about != "birth_date" and len(value.rstrip("*")) > 7:
            owners[value].add(name)

    assert [] == [names for names in owners.values() if len(names) > 1]


def test_a_record_is_about_whoever_signed_in(lives):
    """The name, the birth date and the sex at its top, and in the box of the subject, are the citizen's."""
    for (who, kind), record in lives.items():
        citizen, boxes = CITIZENS[who], [record, record.get("self", {})]
        for box in (box for box in boxes if kind != "animal_registration_certificate"):
            assert _person(box.get("name", citizen.name)) == citizen.name, kind
            assert box.get("birth_date", citizen.birth_date) == citizen.birth_date, kind
            if kind != "birth_certificate_medical":
                assert box.get("sex", citizen.sex) in {
                    citizen.sex,
                    {"남": 1, "여": 2}[citizen.sex],
                    "MF"["남여".index(citizen.sex)],
                }
        assert record.get("age_birth_year", day(citizen.birth_date).year) == day(citizen.birth_date).year


def test_numbers_are_impossible_ones(objects):
    """No calendar has the day that a resident number begins with, and all of its last six digits are hidden."""
    for _, about, value in people(objects):
        if about != "birth_date":
            assert re.fullmatch(r"\d{6}-[\d*]\*{6}", value)
            month, dom = int(value[2:4]), int(value[4:6])
            assert not (1 <= month <= 12 and 1 <= dom <= (31 if month != 2 else 29)) or (month, dom) in _SHORT


_SHORT = {(month, 31) for month in (4, 6, 9, 11)} | {(2, 30)}


# -- where they live -----------------------------------------------------------------------------------------------


def test_everybody_lives_at_one_address(lives):
    """The address of a record is the one that the register has of that person."""
    for (who, kind), record in lives.items():
        for name in ("resident_address", "taxpayer_address", "garage_address", "owner_address", "address"):
            if name in record:
                assert record[name].startswith(HOMES[who]), (who, kind, name)


def test_the_last_of_the_addresses_is_where_they_live_and_came_one_after_another(lives):
    """In an abstract of the register, in a copy, and in the record of a foreigner."""
    for (who, kind), record in lives.items():
        for name in {"addresses", "address_history", "resident_addresses", "residences"} & record.keys():
            days = [each.get("moved_in_date") or each["reported_date"] for each in record[name]]
            last = record[name][-1]
            assert sorted(days) == days, (who, kind)
            assert (last.get("resident_address") or last["address"]).startswith(HOMES[who])


def test_the_family_of_four_is_the_same_to_both_parents(lives):
    """Their copies of the register, their relatives and their cards agree."""
    his, hers = (lives[who, "resident_register_copy"] for who in ("hong", "seong"))
    own = {
        who: {each["name"] for each in lives[who, "family_relation_certificate"]["family_members"]}
        for who in CITIZENS
        if (who, "family_relation_certificate") in lives
    }
    members = [each["name"] for each in his["household_members"]]

    assert (4, ["홍길동", "성춘향", "홍일동", "홍삼순"]) == (his["household_size"], members)
    assert his["household_members"] == hers["household_members"]
    assert set(members) - {"홍길동"} <= own["hong"]
    assert set(members) - {"성춘향"} <= own["seong"]
    assert (
        lives["hong", "marriage_relation_certificate"]["marriage"]["reported_date"]
        == lives["seong", "marriage_relation_certificate"]["marriage"]["reported_date"]
    )
    assert {2} == {lives[who, "mobile_multi_child_card"]["children_count"] for who in ("hong", "seong")}


def test_a_household_has_the_size_that_it_says(lives):
    """And its members are numbered."""
    for who in ("hong", "seong", "sim", "jo"):
        record = lives[who, "resident_register_copy"]
        rows = record["household_members"]
        assert (record["household_size"], list(range(1, len(rows) + 1))) == (len(rows), [row["number"] for row in rows])


# -- when things happened ------------------------------------------------------------------------------------------

ORDER = [
    ("entered_date", "graduated_date"), ("enlisted_date", "discharged_date"), ("hired_date", "issue_date"),
    ("acquired_date", "lost_date"), ("opened_date", "closed_date"), ("admitted_date", "discharged_date"),
    ("from_date", "to_date"), ("period_from", "period_to"), ("lease_from", "lease_to"), ("valid_from", "valid_to"),
    ("application_date", "registered_date"), ("lost_date", "reported_date"), ("eligible_from", "eligible_to"),
    ("contract_date", "interim_date"), ("interim_date", "balance_date"), ("leave_from", "leave_to"),
    ("passport_issue_date", "passport_expiry_date"), ("issue_date", "expiry_date"), ("passed_date", "registered_date"),
    ("protection_decided_date", "registered_date"), ("manufactured_date", "first_registered_date"),
    ("first_registered_date", "deregistered_date"), ("confirmed_date", "expected_delivery_date"),
    ("suspension_from", "suspension_to"), ("registered_date", "stay_expiry_date"), ("acquired_date", "issue_date"),
    ("established_date", "issue_date"), ("awarded_date", "benefit_until"), ("accident_date", "issue_date"),
    ("permit_date", "construction_start_date"), ("construction_start_date", "use_approval_date"),
    ("fiscal_year_from", "fiscal_year_to"), ("fiscal_year_to", "filed_date"), ("examined_date", "expiry_date"),
    ("first_approved_date", "first_registered_date"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ORDER)
def test_what_comes_first_is_dated_first(objects, before, after):
    """In every object of every record that has both; the end of an insurance aside, which is called a loss too."""
    both = [
        (who, kind, each) for who, kind, each in objects if {str} == {type(each.get(name)) for name in (before, after)}
    ]
    found = [each for each in both if before != "lost_date" or each[1] == "lost_item_report_confirmation"]

    assert found
    assert [] == [(who, kind) for who, kind, each in found if each[before] > each[after]]


AHEAD = re.compile(
    r"expiry|valid_to|_to\Z|until|expected|dispense_by|benefit_until|_until|rest_until|due_date|period|aptitude"
)  # what may lie ahead


def dates(value: Any, name: str = "") -> Iterator[tuple[str, date]]:
    """Every date in a record, with the name of its claim."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from dates(member, key)
    elif isinstance(value, list):
        for each in value:
            yield from dates(each, name)
    elif isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}(T|\Z)", value):
        yield name, day(value)


def test_nothing_has_happened_after_today(lives):
    """But what is said to lie ahead."""
    for key, record in lives.items():
        assert [] == [name for name, at in dates(record) if at > TODAY and not AHEAD.search(name)], key


def test_nothing_happened_to_anybody_before_they_were_born(lives):
    """Houses and land are older than their owners, and so are parents."""
    for (who, kind), record in lives.items():
        if CATALOG.type(kind).category in {"property", "business"}:
            continue
        born = day(CITIZENS[who].birth_date)
        assert [] == [name for name, at in dates(record) if at < born and "birth_date" not in name], (who, kind)


def test_nothing_happened_to_the_company_before_it_was_founded(lives):
    """It was entered in its registry on 1 November 2021."""
    founded = day(lives["gasang", "corporate_registry"]["established_date"])
    for (who, kind), record in lives.items():
        if who == "gasang" and CATALOG.type(kind).category == "business":
            assert [] == [name for name, at in dates(record) if at < founded and "birth_date" not in name], kind


# -- how old they were ---------------------------------------------------------------------------------------------

AT_LEAST = [
    ("enlisted_date", 18), ("hired_date", 15), ("exam_date", 15), ("opened_date", 18),
    ("licensed_date", 20), ("service_from", 18), ("appointed_date", 18), ("entitlement_date", 60), ("paid_since", 18),
    ("graduated_date", 17), ("conferred_date", 18), ("passed_date", 12), ("report_date", 18),
]  # fmt: skip


@pytest.mark.parametrize(("event", "least"), AT_LEAST)
def test_people_were_old_enough(lives, event, least):
    """For what the top of a record says they did."""
    found = [(who, kind, record[event]) for (who, kind), record in lives.items() if isinstance(record.get(event), str)]

    assert found
    assert [] == [(who, kind) for who, kind, at in found if age(CITIZENS[who].birth_date, at) < least]


def test_licences_are_for_grown_ups(lives):
    """A driver is 18, and so is whoever marries or serves."""
    for (who, kind), record in lives.items():
        born = CITIZENS[who].birth_date
        rows = [*record.get("kr_license_classes", []), *record.get("licenses", [])]
        found = [row.get("issue_date") or row["acquired_date"] for row in rows]
        if kind == "marriage_relation_certificate":
            found.append(record["marriage"]["reported_date"])
        if record.get("military_service"):
            found.append(record["military_service"]["enlisted_date"])
        assert [] == [at for at in found if age(born, at) < 18], (who, kind)


def test_children_are_younger_than_their_parents(lives):
    """By eighteen years at least, of those whose relatives are on record; adopted ones too."""
    for who, citizen in CITIZENS.items():
        relatives = lives.get((who, "family_relation_certificate"), {}).get("family_members", [])
        for each in relatives:
            gap = age(citizen.birth_date, each["birth_date"]) if each["relation"] == "자녀" else 18
            gap = age(each["birth_date"], citizen.birth_date) if each["relation"] in {"부", "모"} else gap
            assert gap >= 18, (who, each["relation"])


def test_a_pupil_is_of_the_age_of_the_grade(lives):
    """Who is in grade g of a high school this year turns 15 + g in it; cards of the young and the old are theirs."""
    for kind in ("school_enrollment_certificate", "mobile_student_card"):
        record = lives["jaeim", kind]
        assert 15 + record["grade"] == TODAY.year - int(CITIZENS["jaeim"].birth_date[:4])
    assert 9 <= age(lives["jaeim", "mobile_youth_card"]["birth_date"], str(TODAY)) <= 18
    for who, kind in lives:
        if kind in {"mobile_senior_card", "basic_pension_recipient_confirmation", "long_term_care_certificate"}:
            assert age(CITIZENS[who].birth_date, str(TODAY)) >= 65


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the source tree")
def test_the_page_about_the_register_says_what_it_has():
    """Who has which kind is in the docs, or this fails: run ``python docs/generate_register.py``."""
    generated = runpy.run_path(str(ROOT / "docs" / "generate_register.py"))["page"]()

    assert (ROOT / "docs" / "reference" / "demo-register.md").read_text("utf-8") == generated
