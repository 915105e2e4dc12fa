"""Bundles: read strictly, checked against the kinds, and asked for with one query."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from ewallet.catalog import Catalog, bundles
from ewallet.dcql import Query
from ewallet.errors import Malformed, UsageError

CATALOG = Catalog.bundled()
FILES = sorted((CATALOG.folder / "bundles").glob("*.json"))
LOAN = json.loads((CATALOG.folder / "bundles" / "bank_personal_loan.json").read_bytes())
INCOME = "income_amount_certificate"
RUNG = {
    "type": INCOME,
    "required": True,
    "claims": [],
    "answers": [{"predicate": "income_at_most", "params": {"n": 50_000_000}}],
}


def _read(**changes):
    file = {name: value for name, value in (LOAN | changes).items() if value is not None}
    return bundles.read(json.dumps(file).encode())


def _item(**changes):
    return [LOAN["items"][0] | changes]


def test_all_bundles_are_read_and_twelve_are_deep():
    """Thirty-two, none of them about a kind, claim or question that there is not."""
    found = list(CATALOG.bundles())
    assert (32, 12) == (len(found), sum(bundle.standing == "deep" for bundle in found))
    assert [bundle.id for bundle in found] == [path.stem for path in FILES]
    assert "은행 신용대출" == CATALOG.bundle("bank_personal_loan").label()
    assert "Bank personal loan" == CATALOG.bundle("bank_personal_loan").label("en")
    assert CATALOG.bundle("passport_issuance").purpose("en").startswith("Review")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_fits_its_json_schema(path):
    """What editors check is what the reader reads."""
    schema = json.loads((CATALOG.folder / "meta" / "bundle.schema.json").read_bytes())
    jsonschema_rs.validator_for(schema).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize(
    "changes",
    [
        {"unknown": 1},
        {"purpose": None},
        {"$schema": "https://example.com/bundle"},
        {"route": "consent"},
        {"standing": "official"},
        {"id": "Loan"},
        {"name": {"ko": "대출"}},
        {"retention": {"days": -1, "text": {"ko": "가", "en": "a"}}},
        {"provision": {"mode": "periodic"}},
        {"provision": {"mode": "once", "cycle": "P1M", "longest": "P1Y"}},
        {"provision": {"mode": "periodic", "cycle": "P1S", "longest": "P1Y"}},
        {"items": []},
        {"items": _item() * 2},
        {"items": _item(required=False)},
        {"items": _item(claims=[[]])},
        {"items": _item(claims=[[None]])},
        {"items": _item(claims=[["name", 0]])},
        {"one_of": [["resident_register_copy", "resident_register_copy"]]},
        {"one_of": [["no_such_kind"]]},
        {"one_of": [["resident_register_abstract"]]},
        {"one_of": [[]]},
    ],
    ids=str,
)
def test_broken_bundle_is_refused(changes):
    """An unknown member, a missing one, a word of no list, a set that cannot be asked for."""
    with pytest.raises(UsageError) as refused:
        _read(**changes)
    assert "usage.configuration" == refused.value.code


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"recipient_class": "shop"}, "recipient_class shop is none that the route provision_request leads to"),
        (
            {"route": "civil_petition", "legal_basis": "민원 처리에 관한 법률 제10조의2"},
            "recipient_class bank is none that the route civil_petition leads to",
        ),
        (
            {"route": "civil_petition", "recipient_class": "government"},
            "legal_basis does not name the articles of the route civil_petition",
        ),
        (
            {"route": "shared_use"},
            "legal_basis names an article of the route provision_request, and route is shared_use",
        ),
        (
            {"route": "shared_use", "legal_basis": "전자정부법 제36조"},
            "legal_basis does not name the articles of the route shared_use",
        ),
        (
            {"legal_basis": "전자정부법 제43조의2, 민원처리법 제10조의2"},
            "legal_basis names an article of the route civil_petition, and route is provision_request",
        ),
        (
            {"legal_basis": "전자정부법 제43조의2·제42조"},
            "legal_basis names an article of the route shared_use, and route is provision_request",
        ),
        (
            {"legal_basis": "전자정부법 제43조의21"},
            "legal_basis does not name the articles of the route provision_request",
        ),
        (
            {"route": "presentation"},
            "legal_basis names an article of the route provision_request, and route is presentation",
        ),
    ],
)
def test_bundle_of_two_roads_of_the_law_is_refused(changes, reason):
    """Whom a route gives data to, and by which article; one that mixes them is never read."""
    with pytest.raises(UsageError) as refused:
        _read(**changes)
    assert f"usage.configuration: {reason}" == str(refused.value)


def test_bundle_is_read_on_each_road_of_the_law():
    """A bank has all but the application at an agency; how the name of an act is spaced says nothing."""
    assert "shared_use" == _read(route="shared_use", legal_basis="전자정부법 제36조 · 제42조").route
    assert "presentation" == _read(route="presentation", legal_basis="정보주체의 직접 제출").route
    petition = {"route": "civil_petition", "recipient_class": "government"}
    for basis in ("민원 처리에 관한 법률 제10조의2", "민원처리법 제10조의2"):
        assert basis == _read(**petition, legal_basis=basis).legal_basis


@pytest.mark.parametrize(
    "longest", ["", "5Y", "P", "P0Y", "P5", "P1W", "P1Y6M", "PT1H", "P1000D", "P5Y\n", "P٣Y", None]
)
def test_longest_time_is_a_period_that_can_be_counted(longest):
    """By the reader and by the schema that editors check with; one that nobody can add to a day is refused at load."""
    provision = {"mode": "periodic", "cycle": "P1M", "longest": longest}
    schema = json.loads((CATALOG.folder / "meta" / "bundle.schema.json").read_bytes())
    assert not jsonschema_rs.validator_for(schema).is_valid(LOAN | {"provision": provision})
    with pytest.raises((UsageError, Malformed)) as refused:
        _read(provision=provision)
    assert refused.value.code in {"usage.configuration", "malformed.claim_type"}


def test_broken_file_is_a_problem_of_its_own(tmp_path):
    """The others can still be asked for; the reason names file and place."""
    for folder in ("types", "bundles", "meta"):
        (tmp_path / folder).mkdir()
    kinds = {item["type"] for item in LOAN["items"]} | set(LOAN["identity"])
    for kind in map(CATALOG.type, kinds):
        source = CATALOG.folder / "types" / kind.category / f"{kind.id}.json"
        target = tmp_path / "types" / kind.category / source.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(source.read_bytes())
    broken = {
        "a": LOAN | {"id": "b"},
        "c": LOAN | {"id": "c", "identity": ["no_such_kind"]},
        "d": LOAN | {"id": "d", "items": _item(type="no_such_kind")},
        "e": LOAN | {"id": "e", "items": _item(claims=[["no_such_claim"]])},
        "f": LOAN | {"id": "f", "items": _item(answers=[{"predicate": "no_such_question"}])},
        "g": LOAN | {"id": "g", "items": [*_item(), RUNG]},
        "bank_personal_loan": LOAN,
    }
    for name, file in broken.items():
        (tmp_path / "bundles" / f"{name}.json").write_text(json.dumps(file))
    catalog = Catalog.load(tmp_path)

    assert ["bank_personal_loan"] == [bundle.id for bundle in catalog.bundles()]
    assert [
        "bundles/a.json: id is not the name of the file",
        "bundles/c.json: identity: no kind no_such_kind",
        "bundles/d.json: no kind no_such_kind",
        "bundles/e.json: resident_register_abstract has no claim no_such_claim",
        "bundles/f.json: resident_register_abstract has no question no_such_question",
        f"bundles/g.json: {INCOME} has the pre-signed income_at_most_50m for income_at_most with these parameters",
    ] == [str(problem) for problem in catalog.problems]
    for name, code in (("no_such_bundle", "usage.argument"), ("e", "usage.configuration")):
        with pytest.raises(UsageError) as refused:
            catalog.bundle(name)
        assert code == refused.value.code


def _asked(bundle_id, type_id):
    item = CATALOG.bundle(bundle_id).item(type_id)
    assert item is not None
    return {".".join("*" if step is None else step for step in path) for path in item.paths(CATALOG.type(type_id))}


@pytest.mark.parametrize(
    ("bundle", "kind", "asked"),
    [
        (
            "bank_personal_loan",
            "resident_register_abstract",
            {"name", "resident_address", "resident_address_moved_in_date", "age_over_19"},
        ),
        (
            "bank_personal_loan",
            "health_insurance_qualification_history",
            {"current_workplace_name", "current_acquired_date", "employed_now"},
        ),
        ("bank_personal_loan", "income_amount_certificate", {"latest_tax_year", "total_income_latest_year"}),
        ("youth_jeonse_loan", "income_amount_certificate", {"latest_tax_year", "income_at_most_50m"}),
        ("youth_jeonse_loan", "earned_income_withholding_receipt", {"tax_year", "gross_salary_at_most_50m"}),
        ("youth_jeonse_loan", "health_insurance_qualification_history", {"current_acquired_date", "employed_now"}),
        ("fee_discount_eligibility", "resident_register_copy", {"minor_children_at_least_2"}),
        ("childcare_admission", "resident_register_copy", {"minor_children_at_least_2"}),
        ("multi_child_benefit", "resident_register_copy", {"minor_children_at_least_3"}),
        ("multi_child_benefit", "family_relation_certificate", {"minor_children_at_least_2"}),
        ("ev_subsidy", "family_relation_certificate", {"minor_children_at_least_2"}),
        ("public_rental_happy_housing", "family_relation_certificate", {"minor_children_at_least_2"}),
        ("public_rental_happy_housing", "marriage_relation_certificate", {"is_married", "is_newlywed_7"}),
        (
            "car_rental",
            "mobile_driver_license",
            {"name", "portrait", "license_valid_now", "license_held_years_1"}
            | {"driving_privileges.*.vehicle_category_code"},
        ),
    ],
)
def test_least_is_asked(bundle, kind, asked):
    """A signed answer in the place of claims, claims in the place of an answer that nobody signs, and nothing more."""
    assert asked == _asked(bundle, kind)


QUESTION = "minor_children_at_least"


@pytest.mark.parametrize(
    ("kind", "question", "refused"),
    [
        ("resident_register_copy", {"predicate": QUESTION, "params": {"n": 3}}, f"{QUESTION}_3 for {QUESTION}"),
        ("resident_register_copy", {"predicate": QUESTION, "params": {"n": 4}}, None),
        ("resident_register_copy", {"predicate": QUESTION}, None),
        ("resident_register_copy", {"predicate": f"{QUESTION}_3"}, None),
        (
            "income_amount_certificate",
            {"predicate": "income_at_most", "params": {"n": 30_000_000}},
            "income_at_most_30m for income_at_most",
        ),
        ("income_amount_certificate", {"predicate": "income_at_least", "params": {"n": 30_000_000}}, None),
        ("health_insurance_qualification_history", {"predicate": "employed_for_months", "params": {"n": 12}}, None),
    ],
    ids=str,
)
def test_question_that_copies_answer_is_not_asked_with_parameters(kind, question, refused):
    """Else claims are shown where a yes or no will do; where only a yes is signed, those with a no show claims."""
    bundle = _read(items=_item(type=kind, claims=[], answers=[question]), one_of=None)
    wrong = [] if refused is None else [f"{kind} has the pre-signed {refused} with these parameters"]
    assert wrong == list(bundles.problems(bundle, {id_: CATALOG.type(id_) for id_ in (kind, *bundle.identity)}))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bundle_is_one_query(path):
    """That can be sent; each member by either format, required or not as the bundle says."""
    bundle = CATALOG.bundle(path.stem)
    query = Query.for_bundle(bundle, CATALOG)

    assert query == Query.parse(query.to_json())
    assert {item.type_id for item in bundle.items} == {asked.name for asked in query.credentials}
    chosen = {id_ for set_ in bundle.one_of for id_ in set_}
    required = [set_.required for set_ in query.credential_sets]
    assert [item.required for item in bundle.items if item.type_id not in chosen] + [True] * len(
        bundle.one_of
    ) == required


def test_folder_without_bundles_has_none(tmp_path):
    """A catalogue of kinds alone is one."""
    (tmp_path / "types").mkdir()
    assert [] == list(Catalog.load(Path(tmp_path)).bundles())


def test_bundle_of_alternatives_is_answered_by_one():
    """Whoever may have a discount shows one reason, and no other."""
    query = Query.for_bundle(CATALOG.bundle("adult_verification"), CATALOG)
    (alternatives,) = query.credential_sets
    assert {("mobile_driver_license",), ("mobile_resident_card",)} <= set(alternatives.options)
    assert alternatives.required
