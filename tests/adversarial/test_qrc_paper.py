"""Group QRC of the security matrix, paper: which of the printed values it is that somebody changed."""

from __future__ import annotations

import copy

import pytest

from ewallet.paper import Form, apart, pdf
from ewallet.paper.comparison import differences

pytest.importorskip("typst")
pytest.importorskip("pyhanko")
pytest.importorskip("pypdfium2")

#: One value changed, each beside another of the same text, or one that begins or ends as it does.
CHANGED = [
    ("vat_tax_base_certificate", ("returns", 0, "tax_base_total"), 300_000_001),
    ("vat_tax_base_certificate", ("returns", 0, "tax_base_taxable"), 3_000_000_000),
    ("tuition_payment_certificate", ("payments", 0, "amount"), 1_200_001),
    ("individual_house_price_confirmation", ("land_register_area",), 201.0),
    ("national_tax_payment_certificate", ("arrears_amount",), 1),
    ("building_register_summary_title", ("ho_count",), 1),
    ("pension_deduction_confirmation", ("deductions", 0, "retirement_pension"), 1),
    ("export_performance_certificate", ("business_registration_number",), "000-00-00001"),
    ("employment_industrial_insurance_full_payment", ("expiry_date",), "2026-12-21"),
    ("national_pension_contribution_history", ("contributions", 0, "paid_amount"), 28_000_001),
]


def _changed(record, path, value):
    """The record with another value at a path."""
    found = copy.deepcopy(dict(record))
    at = found
    for step in path[:-1]:
        at = at[step]
    assert at[path[-1]] != value
    at[path[-1]] = value
    return found


@pytest.mark.parametrize(("kind_id", "path", "value"), CHANGED, ids=str)
def test_the_value_that_was_changed_is_named_and_no_neighbour(kind_id, path, value, ewallet_kit):
    """A clerk who is told of another line would look at that one."""
    kind = ewallet_kit.catalog.type(kind_id)
    signed, printed = (
        Form.of(kind, record, receiver="가상은행", purpose="대출")
        for record in (kind.sample, _changed(kind.sample, path, value))
    )

    pages = apart.apart(pdf(printed, credential="x", code="x", at=ewallet_kit.clock.now()))["pages"]

    assert [path] == [each.path for each in differences(signed, pages)]


def test_two_changed_values_are_both_named(ewallet_kit):
    """No single change explains the page then."""
    kind = ewallet_kit.catalog.type("vat_tax_base_certificate")
    record = _changed(kind.sample, ("returns", 0, "tax_payable"), 1)
    signed = Form.of(kind, kind.sample, receiver="가상은행", purpose="대출")
    printed = Form.of(kind, _changed(record, ("representative_name",), "아무개"), receiver="가상은행", purpose="대출")

    pages = apart.apart(pdf(printed, credential="x", code="x", at=ewallet_kit.clock.now()))["pages"]

    assert {("representative_name",), ("returns", 0, "tax_payable")} == {
        each.path for each in differences(signed, pages)
    }
