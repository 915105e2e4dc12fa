"""The demo register: what one office has of somebody is what the other has, and sums are the sums of their rows."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest


def test_the_wages_are_the_same_to_employer_tax_office_and_insurers(lives):
    """What the employer pays in a year is what is taxed, and a twelfth of it what pensions are reckoned from."""
    yearly = lives["hong", "employment_certificate"]["annual_salary"]
    told = [
        lives["hong", "earned_income_withholding_receipt"]["gross_salary"],
        lives["hong", "income_amount_certificate"]["total_income_latest_year"],
        lives["hong", "income_amount_certificate"]["year_end_settlements"][-1]["taxable_wage"],
        lives["hong", "income_confirmation_youth_savings"]["gross_salary"],
        12 * lives["hong", "national_pension_membership_certificate"]["memberships"][0]["standard_monthly_income"],
        12 * lives["hong", "national_pension_contribution_history"]["contributions"][0]["standard_monthly_income"],
    ]

    assert [yearly] * len(told) == told


def test_the_job_began_on_one_day(lives):
    """Of the employer, of each insurance and of the list that the company gave to them."""
    listed = {each["name"]: each["acquired_date"] for each in lives["gasang", "workplace_insured_list"]["employees"]}
    told = {
        lives["hong", "employment_certificate"]["hired_date"],
        lives["hong", "career_certificate"]["hired_date"],
        lives["hong", "career_certificate"]["careers"][0]["from_date"],
        lives["hong", "employment_insurance_history"]["insured_records"][0]["acquired_date"],
        lives["hong", "health_insurance_qualification_history"]["current_acquired_date"],
        lives["hong", "health_insurance_eligibility_confirmation"]["beneficiaries"][0]["acquired_date"],
        lives["hong", "national_pension_membership_certificate"]["first_acquired_date"],
        listed["홍길동"],
    }

    assert {"2023-05-08"} == told


def test_the_shop_earned_what_it_was_taxed_for(lives):
    """Turnover and profit are the same in the accounts, for value added tax and for income tax."""
    accounts = lives["seong", "standard_financial_statement_individual"]["income_statement"]
    returns = lives["seong", "vat_tax_base_certificate"]
    taxed = lives["seong", "income_amount_certificate"]
    income = taxed["comprehensive_returns"][-1]

    assert accounts["revenue"] == returns["annual_sales_latest"] == income["gross_revenue"]
    assert accounts["revenue"] == sum(each["tax_base_total"] for each in returns["returns"])
    assert accounts["operating_profit"] == income["income_amount"] == taxed["total_income_latest_year"]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("trade_name", "business_registration_number"),
        ("company_name", "business_registration_number"),
        ("corporate_name", "business_registration_number"),
        ("payer_name", "payer_business_registration_number"),
        ("company_name", "representative_name"),
        ("corporate_name", "representative_name"),
        ("trade_name", "representative_name"),
        ("trade_name", "business_address"),
        ("trade_name", "opened_date"),
        ("company_name", "company_address"),
        ("company_name", "corporate_registration_number"),
        ("vehicle_registration_number", "vin"),
        ("vehicle_registration_number", "first_registered_date"),
        ("veteran_number", "veteran_target"),
        ("school_name", "entered_date"),
    ],
)
def test_a_name_stands_for_one_thing_everywhere(objects, name, number):
    """A business has one number, one head and one address, and a car one chassis."""
    found: dict[object, set[str]] = defaultdict(set)
    for who, _, each in objects:
        if isinstance(each.get(name), str) and isinstance(each.get(number), str):
            owner = (who, each[name]) if name == "school_name" else each[name]
            found[owner].add(each[number])

    assert found
    assert [] == [key for key, values in found.items() if len(values) > 1]


def test_two_businesses_have_two_numbers(objects):
    """Among those that are on record."""
    owners: dict[str, set[str]] = defaultdict(set)
    for _, _, each in objects:
        trade = each.get("trade_name") or each.get("corporate_name") or each.get("company_name")
        if trade and "business_registration_number" in each:
            owners[each["business_registration_number"]].add(trade)

    assert [] == [names for names in owners.values() if len(names) > 1]


SUMS = [
    ("tuition_payment_certificate", "total_amount", "payments", "amount"),
    ("tax_payment_record_certificate", "total_amount", "payments", "amount"),
    ("health_insurance_payment_confirmation", "sum_paid_total", "monthly_payments", "paid_total"),
    ("local_tax_assessment_certificate", "sum_total", "assessments", "total"),
    ("national_pension_contribution_history", "total_paid_months", "contributions", "paid_months"),
    ("national_pension_contribution_history", "total_paid_amount", "contributions", "paid_amount"),
    ("export_performance_certificate", "export_amount_usd", "by_country", "amount_usd"),
    ("entry_exit_fact_certificate", "has_no_record", "movements", ""),
    ("criminal_record_reply", "has_record", "records", ""),
]


@pytest.mark.parametrize(("kind", "total", "rows", "each"), SUMS)
def test_a_sum_is_the_sum_of_its_rows(lives, kind, total, rows, each):
    """And who has no rows has no record."""
    for record in (record for (_, other), record in lives.items() if other == kind):
        found = sum(row[each] for row in record[rows]) if each else bool(record[rows]) ^ (total == "has_no_record")
        assert record[total] == found


def test_accounts_balance(lives):
    """Assets are what is owed and what is owned; profit is what is left; and the company's capital is its shares."""
    for who, kind in (
        ("seong", "standard_financial_statement_individual"),
        ("gasang", "standard_financial_statement_corporate"),
    ):
        sheet, income = lives[who, kind]["balance_sheet"], lives[who, kind]["income_statement"]
        assert sheet["total_assets"] == sheet["current_assets"] + sheet["noncurrent_assets"]
        assert sheet["total_assets"] == sheet["total_liabilities"] + sheet["total_equity"]
        assert income["gross_profit"] == income["revenue"] - income["cost_of_sales"]
        assert income["operating_profit"] == income["gross_profit"] - income["sga_expenses"]
    registry, size = lives["gasang", "corporate_registry"], lives["gasang", "sme_confirmation"]
    sheet = lives["gasang", "standard_financial_statement_corporate"]
    assert registry["capital"] == registry["par_value"] * registry["issued_shares"] == sheet["balance_sheet"]["capital"]
    assert (size["average_sales"], size["total_assets"]) == (
        sheet["income_statement"]["revenue"],
        sheet["balance_sheet"]["total_assets"],
    )


def test_the_price_of_the_flat_is_the_one_in_the_registry(lives):
    """Paid in three parts, entered on the day of the last."""
    deal = lives["hong", "real_estate_transaction_report_certificate"]
    (entry,) = lives["hong", "real_estate_registry_collective"]["section_a"]
    paid = deal["deposit_amount"] + deal["interim_amount"] + deal["balance_amount"]

    assert paid == deal["real_transaction_price"] == entry["transaction_price"]
    assert lives["hong", "resident_register_copy"]["resident_address_moved_in_date"] == deal["balance_date"]


def test_stays_of_a_foreigner_and_marks_of_a_veteran_agree(lives):
    """Register and card, paper and card."""
    for who, card in (("jaeim", "mobile_alien_registration_card"), ("jane", "mobile_permanent_resident_card")):
        fact = lives[who, "alien_registration_fact_certificate"]
        same = {"status_of_stay", "stay_expiry_date", "alien_registration_number_masked"} & lives[who, card].keys()
        assert {name: fact[name] for name in same} == {name: lives[who, card][name] for name in same}
    paper, card_ = lives["jo", "national_merit_certificate"], lives["jo", "mobile_veteran_card"]
    assert (paper["registered_date"], paper["veteran_target"]) == (
        card_["veteran_qualifications"][0]["registered_date"],
        card_["representative_target"],
    )
    disabled = lives["jo", "disabled_person_certificate"]
    assert disabled["disability_registration_date"] == lives["jo", "mobile_disability_card"]["registration_date"]
    assert disabled["disability_degree"] == lives["jo", "mobile_disability_card"]["disability_degree"]


def test_years_of_income_follow_one_another(objects):
    """In every list of years."""
    for who, kind, each in objects:
        for name in ("year_end_settlements", "comprehensive_returns"):
            years = [row["tax_year"] for row in each.get(name, [])]
            assert all(before < after for before, after in pairwise(years)), (who, kind)
