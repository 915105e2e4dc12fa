"""What of a record is put on paper, and whose names stand on it."""

import pytest

from ewallet.printed import names, on_paper

KIND = "resident_register_copy"
NUMBER = "990230-0000000"  # of nobody: February has no 30th


@pytest.fixture
def kind(ewallet_catalog):
    """A kind with rows, options and numbers."""
    return ewallet_catalog.type(KIND)


def test_a_print_of_a_print_is_the_same(ewallet_catalog):
    """What is selected once is not selected otherwise where it is drawn or compared: for every kind."""
    printed = {kind.id: (kind, on_paper(kind, kind.completed(kind.sample))) for kind in ewallet_catalog}

    assert [] == [id_ for id_, (kind, claims) in printed.items() if claims != on_paper(kind, claims) or not claims]


def test_no_print_of_any_kind_has_a_resident_number(ewallet_catalog):
    """However deep it is; nor what links everything about a person."""
    full = {"resident_registration_number": NUMBER, "connecting_information": "an invented value"}

    def filled(value):
        if isinstance(value, dict):
            return {name: filled(each) for name, each in value.items()} | full
        return [filled(each) for each in value] if isinstance(value, list) else value

    found = {kind.id: repr(on_paper(kind, filled(kind.sample))) for kind in ewallet_catalog}

    assert [] == [id_ for id_, text in found.items() if NUMBER in text or "an invented value" in text]


def test_only_what_is_named_is_printed(kind):
    """In the order of the kind; what is empty is left out all the same."""
    record = {**kind.sample, "document_number": ""}
    among = {"resident_address", "household_head_name", "document_number"}

    assert ["household_head_name", "resident_address"] == list(on_paper(kind, record, among=among))


def test_an_answer_is_printed_only_where_it_is_wanted(kind):
    """Yes/no claims are for wallets; an office prints one that it is asked for."""
    record = {**kind.sample, "is_householder": True}

    assert "is_householder" not in on_paper(kind, record)
    assert on_paper(kind, record, answers={"is_householder"})["is_householder"] is True


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"company_name": "가상회사", "subject_name": "홍길동"}, ["홍길동", "가상회사"]),
        ({"self": {"name": "성춘향"}, "child_name": "홍일동"}, ["홍일동", "성춘향"]),
        ({"applicant": {"name": "심청"}}, ["심청"]),
        ({"self": "성춘향", "name": None, "district_name": "예시구"}, []),
    ],
)
def test_whose_names_stand_on_it(record, expected):
    """A person before a body, one of its own before one among others; a place is nobody."""
    assert expected == list(names(record))
