"""What a trusted issuer signed by mistake does not reach whoever reads it as another type."""

from __future__ import annotations

import json

import pytest

from ewallet.catalog import Catalog
from ewallet.formats import FORMATS
from ewallet.policy import FitsKind
from ewallet.testing.kit import Kit
from ewallet.verdict import Accepted, Rejected

BUNDLED = Catalog.bundled()
KIND = "resident_register_copy"
FILE = json.loads((BUNDLED.folder / "types" / "resident" / f"{KIND}.json").read_bytes())
every_format = pytest.mark.parametrize("format_id", list(FORMATS))


def _office(folder, change):
    """An issuer whose file of the kind is another one than the bank has."""
    kind = json.loads(json.dumps(FILE))
    change({claim["name"]: claim for claim in kind["claims"]}, kind)
    place = folder / "types" / "resident"
    place.mkdir(parents=True)
    (place / f"{KIND}.json").write_text(json.dumps(kind), encoding="utf-8")
    return Kit.make(catalog=Catalog.load(folder))


def _verdict(office, format_id, asked):
    """What a bank with the bundled catalogue thinks of these claims."""
    office.issue(KIND, format_id=format_id)
    presented = office.present(office.query(KIND, asked))
    return office.verify(*presented, by=office.another_verifier(policy=FitsKind(BUNDLED)))


def _as_text(claims, kind):
    claims["household_size"]["type"] = "string"
    kind["predicates"] = kind["predicate_vectors"] = []
    kind["sample"]["household_size"] = "four"


def _as_another_word(claims, kind):
    claims["household_composition_reason"]["enum"].append("이사")
    kind["sample"]["household_composition_reason"] = "이사"


def _as_no_date(claims, kind):
    claims["subject_birth_date"]["type"] = "string"
    kind["sample"]["subject_birth_date"] = "1999-02-30"


def _as_no_date_in_a_row(claims, kind):
    member = next(item for item in claims["household_members"]["items"] if item["name"] == "birth_date")
    member["type"] = "string"
    kind["sample"]["household_members"][1]["birth_date"] = "1999-02-30"


@every_format
@pytest.mark.parametrize(
    ("change", "asked", "detail"),
    [
        (_as_text, "household_size", "household_size: another type of value"),
        (
            _as_another_word,
            "household_composition_reason",
            "household_composition_reason: not one of the listed values",
        ),
        (_as_no_date, "subject_birth_date", "subject_birth_date: not a date that exists"),
        (_as_no_date_in_a_row, "household_members", "household_members.1.birth_date: not a date that exists"),
    ],
    ids=["type", "word", "date", "row"],
)
def test_value_that_is_none_of_its_kind_is_rejected(tmp_path, format_id, change, asked, detail):
    """Properly signed, properly shown, and still not what the kind says; the value is not quoted."""
    verdict = _verdict(_office(tmp_path, change), format_id, [asked])
    assert isinstance(verdict, Rejected)
    assert [("policy", "policy.type_metadata", detail)] == [(c.name, c.code, c.detail) for c in verdict.reasons]


@every_format
def test_what_is_not_shown_is_not_judged(tmp_path, format_id):
    """A claim that nobody sees harms nobody, and what was withheld is not missed."""
    assert isinstance(_verdict(_office(tmp_path, _as_text), format_id, ["subject_name"]), Accepted)


@every_format
def test_claim_of_a_later_edition_is_let_pass(tmp_path, format_id):
    """A kind may get a claim more; whoever does not know it does not ask for it."""

    def with_one_more(_claims, kind):
        label = {"ko": "비고", "en": "Remark"}
        kind["claims"].append(
            {"name": "remark", "label": label, "type": "string", "sensitivity": "doc", "required": False}
        )
        kind["sample"]["remark"] = "없음"

    assert isinstance(_verdict(_office(tmp_path, with_one_more), format_id, ["remark", "subject_name"]), Accepted)


def test_kind_that_is_not_in_the_catalogue_is_let_pass(tmp_path):
    """Which types are accepted is a rule of its own."""
    (tmp_path / "types").mkdir()
    office = Kit.make(catalog=BUNDLED)
    office.issue(KIND)
    presented = office.present(office.query(KIND, ["subject_name"]))
    bank = office.another_verifier(policy=FitsKind(Catalog.load(tmp_path)))
    assert isinstance(office.verify(*presented, by=bank), Accepted)
