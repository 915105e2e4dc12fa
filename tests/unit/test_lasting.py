"""Answers that are signed hold on every day that a copy is valid, whoever the record is about."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewallet.catalog import Catalog
from ewallet.catalog.kinds import KST
from ewallet.catalog.predicate import Predicate

CATALOG = Catalog.bundled()
ABSTRACT = CATALOG.type("resident_register_abstract")
NOON = datetime(2026, 11, 21, 12, tzinfo=KST)
TODAY = NOON.date()

#: One kind for each rule: many kinds ask for an age in the same words.
ASKED = {
    question.expression: pytest.param(kind, question, id=f"{kind.id}-{question.id}")
    for kind in CATALOG
    for question in kind.predicates
    if question.presign and question.predicate.moves
}

days = st.dates(date(2019, 1, 1), date(2027, 12, 31))
births = st.dates(date(1955, 1, 1), date(2026, 11, 21)) | st.sampled_from([date(2008, 2, 29), date(1992, 2, 29)])
figures = st.integers(0, 36)


def _dated(value: Any, draw: st.DataObject) -> Any:
    """The same record with other days in it."""
    if isinstance(value, dict):
        return {name: _dated(member, draw) for name, member in value.items()}
    if isinstance(value, list):
        return [_dated(item, draw) for item in value]
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return draw.draw(days | births).isoformat()


def _each_day(predicate, claims, first, last, **asked):
    return {predicate.answer(claims, first + timedelta(days=day), **asked) for day in range((last - first).days + 1)}


@pytest.mark.parametrize(("kind", "question"), ASKED.values())
@settings(max_examples=25)
@given(draw=st.data(), first=days, life=st.integers(1, 60))
def test_what_is_signed_holds_on_every_day_of_a_copy(kind, question, draw, first, life):
    """For records with any days in them, and copies that begin on any day."""
    claims = _dated(dict(kind.sample), draw)
    signed = question.predicate.lasting(claims, first, first + timedelta(days=life))
    if signed is not None:
        assert {signed} == _each_day(question.predicate, claims, first, first + timedelta(days=life))


ATOMS = (
    "age(a, as_of) >= {n}",
    "{n} <= age(b, as_of) <= 34",
    "year(as_of) - year(a) < {n}",
    "days(as_of - a) <= {n}",
    "months(b - as_of) >= {n}",
    "years(as_of - a) == {n}",
    "a <= as_of",
    "as_of < b",
    "as_of <= coalesce(missing, as_of)",
    "as_of <= coalesce(b, as_of)",
    "present(missing)",
    "missing <= as_of",
    "age(a, as_of) + age(b, as_of) > {n}",
    "count(r in rows: age(r.born, as_of) < {n}) >= 2",
    "any(r in rows: r.born <= as_of and months(as_of - r.born) < {n})",
    "all(r in rows: age(r.born, as_of) >= {n})",
    "any(r in rows: age(r.born, as_of) in [1, 2])",
    "sum_months(spells) >= {n}",
    "sum_days(months, 2) >= {n}",
    "max_stay_abroad(moves) <= {n}",
    "stay_state(moves, as_of) == '국내'",
    "days_abroad(moves, a, as_of) <= {n}",
    "continuous_years(addresses, '견본도', as_of) >= {n}",
    "min(a, as_of) == a",
    "years(as_of - min(rows.born)) >= {n}",
    "present(as_of)",
)
atoms = st.builds(lambda text, n: f"({text.format(n=n)})", st.sampled_from(ATOMS), figures)
rules = st.recursive(
    atoms,
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
        | st.builds("(not {})".format, inner)
    ),
    max_leaves=4,
)
records = st.fixed_dictionaries(
    {
        "a": births.map(date.isoformat),
        "b": days.map(date.isoformat),
        "rows": st.lists(st.fixed_dictionaries({}, optional={"born": births.map(date.isoformat)}), max_size=4),
        "spells": st.lists(
            st.fixed_dictionaries(
                {"acquired_date": days.map(date.isoformat)}, optional={"lost_date": st.just("2026-12-01")}
            ),
            max_size=3,
        ),
        "months": st.just([{"month": "2026-09", "work_days": 9}, {"month": "2026-10", "work_days": 20}]),
        "moves": st.lists(
            st.fixed_dictionaries({"kind": st.sampled_from(["출국", "입국"]), "date": days.map(date.isoformat)}),
            max_size=4,
        ),
        "addresses": st.lists(
            st.fixed_dictionaries(
                {
                    "resident_address": st.sampled_from(["견본도 표본시", "예시도"]),
                    "moved_in_date": days.map(date.isoformat),
                }
            ),
            max_size=3,
        ),
    }
)


@given(text=rules, claims=records, first=days, life=st.integers(1, 90))
def test_any_rule_that_lasts_is_the_same_on_every_day(text, claims, first, life):
    """Rules that nobody has written yet: whatever is called lasting is what asking on any day gives."""
    predicate = Predicate.parse(text)
    last = first + timedelta(days=life)
    signed = predicate.lasting(claims, first, last)
    if signed is not None:
        assert {signed} == _each_day(predicate, claims, first, last)


@given(born=births, first=days, life=st.integers(1, 400))
@pytest.mark.parametrize(
    "text",
    [
        "age(born, as_of) >= 19",
        "year(as_of) - year(born) >= 19",
        "19 <= age(born, as_of) <= 34",
        "days(as_of - born) <= 90",
        "as_of <= born",
        "months(as_of - born) >= 12",
    ],
)
def test_an_answer_that_stays_is_seen_to_stay(text, born, first, life):
    """Nothing is left out that could be signed, where a rule has one day in it."""
    predicate, claims, last = Predicate.parse(text), {"born": born.isoformat()}, first + timedelta(days=life)
    said = _each_day(predicate, claims, first, last)

    assert (said.pop() if len(said) == 1 else None) is predicate.lasting(claims, first, last)


@pytest.mark.parametrize(
    ("born", "signed"),
    [
        ("2007-11-21", {"age_over_19": True, "not_juvenile": True, "is_youth_19_34": True}),  # nineteen today
        ("2007-11-22", {"not_juvenile": True}),  # tomorrow: neither yes nor no is signed
        ("2008-02-29", {"is_youth_19_34": False}),  # nineteen on 1 March, after the copy; no juvenile from 1 January on
        ("1991-11-21", {"age_over_19": True, "not_juvenile": True, "is_youth_19_34": False}),  # thirty-five today
        ("1992-06-01", {"age_over_19": True, "not_juvenile": True, "is_youth_19_34": True}),  # not before summer
        ("1991-12-31", {"age_over_19": True, "not_juvenile": True}),  # thirty-five within the copy's life
        ("1950-01-01", {"age_over_19": True, "not_juvenile": True, "is_youth_19_34": False}),
    ],
)
def test_a_birthday_within_the_life_of_a_copy_leaves_the_answer_out(born, signed):
    """For ninety days from 21 November 2026; the copy ends when all others of that day do."""
    found = ABSTRACT.presigned({"birth_date": born}, NOON)
    asked = ("age_over_19", "not_juvenile", "is_youth_19_34")

    assert signed == {name: found[name] for name in asked if name in found}


def test_a_no_that_stays_is_signed_where_the_question_says_so():
    """A passport that is over will not be valid again; one that ends soon has no answer, one that holds has a yes."""
    passport = CATALOG.type("passport_information_certificate")
    signed = {
        end: passport.presigned({**passport.sample, "passport_expiry_date": end}, NOON).get("passport_valid_now")
        for end in ("2026-11-20", "2027-01-01", "2030-01-01")
    }

    assert {"2026-11-20": False, "2027-01-01": None, "2030-01-01": True} == signed


@pytest.mark.parametrize(
    "type_id",
    [
        "traveller_customs_declaration",  # a day
        "electronic_prescription",
        "national_tax_payment_certificate",
        "resident_register_abstract",
        "mobile_driver_license",  # a year
    ],
)
def test_a_copy_ends_before_what_it_answers(ewallet_kit, type_id):
    """The days for which answers are looked at reach to the end of what is issued, whatever its validity is."""
    kind = ewallet_kit.catalog.type(type_id)
    issued = ewallet_kit.issuer.issue(type_id, kind.sample, subject="citizen-1", holders=ewallet_kit.wallet.new_keys())
    ends = issued.certificate.until
    looked_at = ewallet_kit.env.now().astimezone(KST).date() + timedelta(days=kind.validity_days)

    assert (ends - timedelta(seconds=1)).astimezone(KST).date() <= looked_at


def test_what_a_record_says_of_itself_is_not_signed_as_an_answer():
    """An answer is computed or absent: a register's own yes could be out of date."""
    record = {**ABSTRACT.sample, "birth_date": "2015-05-05", "age_over_19": True}

    assert "age_over_19" not in ABSTRACT.answered(record, NOON)


def test_a_rung_asks_what_its_ladder_asks():
    """A question called after a parameterised one asks the same with a figure in place of the parameter."""
    rungs = [
        (ladder.expression.split("param.n"), rung.expression)
        for kind in CATALOG
        for ladder in kind.predicates
        for rung in kind.predicates
        if ladder.parameterised and rung.id.startswith(f"{ladder.id}_") and not rung.parameterised
    ]
    differing = [rung for (before, after), rung in rungs if not (rung.startswith(before) and rung.endswith(after))]

    assert (28, []) == (len(rungs), differing)


@given(income=st.integers(0, 100_000_000))
def test_income_bands_are_a_ladder(income):
    """Thirty, fifty and seventy million won: who keeps a rung keeps those above it."""
    kind = CATALOG.type("income_amount_certificate")
    rungs = [kind.answer(f"income_at_most_{n}m", {"total_income_latest_year": income}, TODAY) for n in (30, 50, 70)]

    assert [income <= n * 1_000_000 for n in (30, 50, 70)] == rungs


def test_a_row_may_be_called_as_the_day_is():
    """Its name hides that of the day, so that what is said of it stays."""
    rule = Predicate.parse("any(as_of in listed: as_of == '가상')")

    assert True is rule.lasting({"listed": ["가상"]}, date(2026, 11, 21), date(2027, 2, 18))
