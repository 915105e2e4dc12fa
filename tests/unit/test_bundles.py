"""Bundles: read strictly, checked against the kinds, and asked for with one query."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from ewallet.catalog import Catalog, bundles
from ewallet.dcql import Query
from ewallet.errors import UsageError

CATALOG = Catalog.bundled()
FILES = sorted((CATALOG.folder / "bundles").glob("*.json"))
LOAN = json.loads((CATALOG.folder / "bundles" / "bank_personal_loan.json").read_bytes())


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
    ] == [str(problem) for problem in catalog.problems]
    for name, code in (("no_such_bundle", "usage.argument"), ("e", "usage.configuration")):
        with pytest.raises(UsageError) as refused:
            catalog.bundle(name)
        assert code == refused.value.code


def test_least_is_asked():
    """A signed answer in the place of claims, claims in the place of an answer that nobody signs in advance."""
    bundle = CATALOG.bundle("bank_personal_loan")
    history, income = (
        bundle.item(kind) for kind in ("health_insurance_qualification_history", "income_amount_certificate")
    )
    abstract = bundle.item("resident_register_abstract")
    assert abstract is not None
    assert history is not None
    assert income is not None

    assert ("age_over_19",) in abstract.paths(CATALOG.type(abstract.type_id))
    assert ("birth_date",) not in abstract.paths(CATALOG.type(abstract.type_id))
    assert ("current_acquired_date",) in history.paths(CATALOG.type(history.type_id))
    assert (("latest_tax_year",), ("total_income_latest_year",)) == income.paths(CATALOG.type(income.type_id))
    assert bundle.item("seal_certificate") is None


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
