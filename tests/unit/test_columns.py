"""Claims of a kind in the columns of a table, and what is no column or no value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ewallet.catalog import Catalog
from ewallet.catalog.columns import Columns
from ewallet.errors import UsageError

CATALOG = Catalog.bundled()


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """A record as a table has it: the names of columns, and what is in their cells."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from flattened(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from flattened(each, f"{path}[{number}]")
    else:
        yield path, {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def pruned(value: Any) -> Any:
    """The same without what a table has no column for: boxes and arrays with nothing in them."""
    if isinstance(value, dict):
        found = {name: pruned(member) for name, member in value.items()}
        return {name: member for name, member in found.items() if member not in ({}, [])}
    return [pruned(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", list(CATALOG), ids=lambda kind: kind.id)
def test_every_kind_can_be_written_into_columns_and_read_back(kind):
    """What was in the record is in the row, with the types that the kind has."""
    cells = dict(flattened(kind.sample))
    columns = Columns.parse(dict(enumerate(cells)), kind)

    assert pruned(kind.sample) == columns.claims(list(cells.values()))


HOUSEHOLD = CATALOG.type("resident_register_copy")
LICENCE = CATALOG.type("mobile_driver_license")


def test_rows_that_are_empty_are_left_out():
    """Of three members of a household the second is nobody, and an array without rows is empty."""
    names = [f"household_members[{number}].{claim}" for number in (2, 0, 1) for claim in ("number", "name")]
    columns = Columns.parse(dict(enumerate([*names, "address_history[0].number"])), HOUSEHOLD)

    assert {
        "household_members": [{"number": 1, "name": "가"}, {"number": 3, "name": "다"}],
        "address_history": [],
    } == columns.claims(["3", "다", "1", "가", "", "", ""])


def test_arrays_within_rows_are_read():
    """Codes of a privilege, of the row that they are in."""
    names = ["driving_privileges[0].vehicle_category_code", "driving_privileges[1].codes[1].code"]
    columns = Columns.parse(dict(enumerate(names)), LICENCE)

    assert {"driving_privileges": [{"vehicle_category_code": "B"}, {"codes": [{"code": "78"}]}]} == columns.claims(
        ["B", "78"]
    )
    assert {"driving_privileges": [{"vehicle_category_code": "B"}]} == columns.claims(["B", ""])


def test_a_claim_may_be_called_as_another_column_is():
    """``claims.`` before a path says that a claim is meant."""
    columns = Columns.parse({3: "claims.subject"}, CATALOG.type("teacher_certificate"))

    assert {"subject": "수학"} == columns.claims(["", "", "", "수학"])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing",
        "household_members",
        "household_members[0]",
        "household_members.name",
        "household_members[x].name",
        "household_members[01].name",
        "household_members[1000].name",
        "household_members[0].name.more",
        "household_size[0]",
        "홍길동",
        "__proto__",
    ],
)
def test_what_is_no_column_is_named_by_its_number(name):
    """Its name may be a value, where somebody forgot the head."""
    with pytest.raises(UsageError) as refused:
        Columns.parse({0: "subject_name", 1: name}, HOUSEHOLD)

    assert "issue.invalid_value" == refused.value.code
    assert "column 2: its name is not the path of a claim of this kind" == refused.value.detail


def test_no_claim_has_two_columns():
    """By whatever name."""
    with pytest.raises(UsageError, match="subject_name: two columns") as refused:
        Columns.parse({0: "subject_name", 1: "claims.subject_name"}, HOUSEHOLD)
    assert "issue.invalid_value" == refused.value.code


@pytest.mark.parametrize(
    ("name", "cell", "reason"),
    [
        ("household_size", "4.0", "not a whole number, in digits alone"),
        ("household_size", "1,000", "not a whole number, in digits alone"),
        ("household_size", "٤", "not a whole number, in digits alone"),
        ("household_size", "04", "not a whole number, in digits alone"),
        ("household_size", "9" * 17, "not a whole number, in digits alone"),
        ("household_members[0].is_foreigner", "Y", "neither true nor false"),
        ("household_members[0].is_foreigner", "TRUE", "neither true nor false"),
    ],
)
def test_what_is_no_value_of_its_type_is_refused_without_being_quoted(name, cell, reason):
    """The path is named."""
    path = name.replace("[0]", ".0")
    with pytest.raises(UsageError) as refused:
        Columns.parse({0: name}, HOUSEHOLD).claims([cell])

    assert ("issue.invalid_value", f"{path}: {reason}") == (refused.value.code, refused.value.detail)


@pytest.mark.parametrize("cell", ["1e3", "nan", "inf", ".5", "1.", "+1", " 1"])
def test_numbers_are_digits_and_a_point(cell):
    """Nothing that a spreadsheet makes of them."""
    with pytest.raises(UsageError, match=r"area: not a number") as refused:
        Columns.parse({0: "area"}, CATALOG.type("farmland_ledger")).claims([cell])
    assert "issue.invalid_value" == refused.value.code
