"""The kind files as files: their schema, the strict reader that agrees with it, and the page that lists them."""

from __future__ import annotations

import copy
import json
import os
import runpy
from pathlib import Path

import jsonschema_rs
import pytest

from ewallet.catalog import Catalog
from ewallet.catalog.kindfile import read
from ewallet.errors import EWalletError

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = Catalog.bundled().folder
FILES = sorted((SCHEMAS / "types").glob("*/*.json"))
META = jsonschema_rs.Draft202012Validator(
    json.loads((SCHEMAS / "meta" / "credential-type.schema.json").read_bytes()), validate_formats=True
)
#: A kind with rows, a box, a list of words, a service code, places in an mdoc, options, questions and vectors.
WHOLE = json.loads((SCHEMAS / "types" / "resident" / "resident_register_copy.json").read_bytes())
_TEXT = {
    "name": "memo",
    "label": {"ko": "메모", "en": "Memo"},
    "type": "string",
    "sensitivity": "doc",
    "required": False,
}
_QUESTION = {"parameterised": False, "time_dependent": False, "presign": False, "expression": "present(memo)"}
_VECTOR = {"predicate": "has_memo", "params": {}, "as_of": "2026-11-21", "expected": True}


def _kind(**changes):
    """A small kind that both accept, with these members changed; None takes one out."""
    words = {"ko": "방문증", "en": "Visit card"}
    kind = {
        "$schema": "../../meta/credential-type.schema.json",
        "id": "visit_card",
        "category": "other",
        "name": words,
        "formats": {"dc+sd-jwt": {"vct": "urn:example:visit:1"}, "mso_mdoc": {"doctype": "example.visit.1"}},
        "issuer": {"system": "visit", "agency": words},
        "legal_basis": "가상법 제1조",
        "standing": "draft",
        "validity": {"days": 90, "rule": "acceptance", "meaning": words},
        "fee": {"electronic_krw": 0, "counter_krw": None},
        "copies": "once",
        "claims": [_TEXT],
        "issue_options": [{"id": "english", "label": words, "default": "N"}],
        "predicates": [{"id": "has_memo", "label": words, **_QUESTION}],
        "sample": {},
        "predicate_vectors": [_VECTOR],
    }
    return {name: value for name, value in {**kind, **changes}.items() if value is not ...}


def _claim(**changes):
    return {"claims": [_TEXT, {**_TEXT, "name": "other", **changes}]}


def _question(**changes):
    return {"predicates": [{"id": "has_memo", "label": _TEXT["label"], **_QUESTION, **changes}]}


def _vector(**changes):
    return {"predicate_vectors": [{**_VECTOR, **changes}]}


#: What neither takes: name, changes, and where the reader says that it is.
BROKEN = [
    ("unknown", {"color": "red"}, "'color'"),
    ("without-claims", {"claims": ...}, "claims"),
    ("no-claims", {"claims": []}, "claims"),
    ("id", {"id": "Visit"}, "id"),
    ("category", {"category": 1}, "category"),
    ("name-language", {"name": {"ko": "방문증"}}, "name lacks en"),
    ("name-other-language", {"name": {"ko": "방문증", "en": "Card", "fr": "Carte"}}, "name"),
    ("name-blank", {"name": {"ko": "방문증", "en": " "}}, "name.en"),
    ("vct", {"formats": {"dc+sd-jwt": {"vct": "http://visit.example"}}}, "vct"),
    ("vct-space", {"formats": {"dc+sd-jwt": {"vct": "urn:a b"}}}, "vct"),
    ("no-sd-jwt", {"formats": {"mso_mdoc": {"doctype": "a"}}}, "formats"),
    ("doctype", {"formats": {**WHOLE["formats"], "mso_mdoc": {"doctype": "a b"}}}, "doctype"),
    ("doctype-null", {"formats": {**WHOLE["formats"], "mso_mdoc": None}}, "formats.mso_mdoc"),
    ("system", {"issuer": {**WHOLE["issuer"], "system": "Tax Office"}}, "issuer.system"),
    ("legal-basis", {"legal_basis": ""}, "legal_basis"),
    ("standing", {"standing": "official"}, "standing"),
    ("days", {"validity": {**WHOLE["validity"], "days": 0}}, "validity.days"),
    ("days-endless", {"validity": {**WHOLE["validity"], "days": 10**9}}, "validity.days"),
    ("days-text", {"validity": {**WHOLE["validity"], "days": "90"}}, "validity.days"),
    ("days-true", {"validity": {**WHOLE["validity"], "days": True}}, "validity.days"),
    ("rule", {"validity": {**WHOLE["validity"], "rule": "forever"}}, "validity.rule"),
    ("fee", {"fee": {"electronic_krw": -1, "counter_krw": None}}, "fee.electronic_krw"),
    ("copies", {"copies": "twice"}, "copies"),
    ("service-code", {"gov24_service_code": "?"}, "gov24_service_code"),
    ("used-by", {"used_by": [""]}, "used_by[0]"),
    ("attestation", {"attestation": {"en": "true"}}, "attestation"),
    ("claim-pattern", _claim(pattern="(a+)+$"), "claims[1]"),
    ("claim-label", _claim(label={"ko": "이름", "en": ""}), "claims[1].label.en"),
    ("claim-type", _claim(type="text"), "claims[1].type"),
    ("claim-format", _claim(format="email"), "claims[1].format"),
    ("claim-sensitivity", _claim(sensitivity="secret"), "claims[1].sensitivity"),
    ("claim-required", _claim(required="yes"), "claims[1].required"),
    ("claim-derived", _claim(derived=1), "claims[1].derived"),
    ("claim-enum-empty", _claim(enum=[]), "claims[1].enum"),
    ("claim-enum-twice", _claim(enum=["가", "가"]), "claims[1].enum"),
    ("claim-enum-blank", _claim(enum=["가", " "]), "claims[1].enum[1]"),
    ("claim-rrn-required", _claim(sensitivity="rrn", required=True), "claim other"),
    ("claim-disclosure", _claim(disclosure="whole"), "claims[1]"),
    ("array-items", _claim(type="array", disclosure="whole"), "claims[1]"),
    ("array-disclosure", _claim(type="array", items=[_TEXT]), "claims[1]"),
    ("array-members", _claim(type="array", disclosure="whole", items=[_TEXT], members=[_TEXT]), "claims[1]"),
    ("array-row", _claim(type="array", disclosure="whole", items=[{**_TEXT, "type": 1}]), "claims[1].items[0].type"),
    ("object-members", _claim(type="object", members=[]), "claims[1]"),
    ("string-items", _claim(items=[_TEXT]), "claims[1]"),
    ("claim-mdoc", _claim(mdoc={"namespace": "", "element": "a"}), "claims[1].mdoc.namespace"),
    ("claim-table", _claim(derived_from={"claim": "a", "member": "b", "into": "c", "table": []}), "table"),
    (
        "option-default",
        {"issue_options": [{"id": "a", "label": _TEXT["label"], "default": 1}]},
        "issue_options[0].default",
    ),
    ("option-label", {"issue_options": [{"id": "a", "label": {"ko": "가"}, "default": "N"}]}, "issue_options[0].label"),
    ("question-id", _question(id="Has Memo"), "predicates[0].id"),
    ("question-label", _question(label={"en": "Memo"}), "predicates[0].label"),
    ("question-empty", _question(expression=""), "predicates[0].expression"),
    ("question-long", _question(expression="present(memo)" + " or present(memo)" * 70), "expression"),
    ("question-presign", _question(presign=1), "predicates[0].presign"),
    ("question-presign-word", _question(presign="always"), "predicates[0].presign"),
    ("question-parameter", _question(parameterised=True, presign=True), "predicate has_memo"),
    ("question-flag", _question(time_dependent="no"), "predicates[0].time_dependent"),
    ("vector-date", _vector(as_of="20261121"), "predicate_vectors[0].as_of"),
    ("vector-day", _vector(as_of="2026-02-30"), "predicate_vectors[0].as_of"),
    ("vector-params", _vector(params=[]), "predicate_vectors[0].params"),
    ("vector-expected", _vector(expected="Y"), "predicate_vectors[0].expected"),
    ("sample", {"sample": []}, "sample"),
]

#: What a schema cannot say, and only the reader refuses.
MEANT = [
    ("claim-twice", {"claims": [_TEXT, _TEXT]}, "claim memo occurs 2 times"),
    (
        "option-claims",
        {"issue_options": [{"id": "a", "label": _TEXT["label"], "default": "N", "claims": ["no_such_claim"]}]},
        "option a is about a claim",
    ),
    ("claim-reserved", {"claims": [_TEXT, {**_TEXT, "name": "status"}]}, "claim status has a reserved name"),
    ("question-twice", {"predicates": _question()["predicates"] * 2}, "predicate has_memo occurs 2 times"),
    ("question-claim", _question(expression="present(shoe_size)"), "asks about shoe_size"),
    ("question-words", _question(expression="memo ==="), "predicate expression"),
    ("question-name", _question(id="memo", presign=True), "predicate memo cannot be signed in advance"),
    ("vector-question", _vector(predicate="nothing"), "a vector of nothing"),
    ("many-claims", {"claims": [_TEXT, *({**_TEXT, "name": f"a{n}"} for n in range(300))]}, "301 claims"),
]


def _refusal(kind):
    with pytest.raises(EWalletError) as caught:
        read(json.dumps(kind).encode())
    assert caught.value.code in {"usage.configuration", "malformed.claim_type"}
    return caught.value.detail


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_keeps_the_schema(path):
    """What an editor that knows JSON Schema would mark, nothing."""
    assert [] == [error.message for error in META.iter_errors(json.loads(path.read_bytes()))]


def test_small_kind_is_taken_by_both():
    """The kind that is broken below, before it is."""
    assert META.is_valid(_kind())
    assert "visit_card" == read(json.dumps(_kind()).encode()).id


@pytest.mark.parametrize(("changes", "where"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_reader_and_schema_refuse_the_same(changes, where):
    """What the schema marks, loading refuses, and says where in the file it is."""
    assert not META.is_valid(_kind(**changes))
    assert where in _refusal(_kind(**changes))


@pytest.mark.parametrize(("changes", "reason"), [row[1:] for row in MEANT], ids=[row[0] for row in MEANT])
def test_reader_refuses_what_a_schema_cannot_say(changes, reason):
    """Names used twice, questions about nothing: loading says what."""
    assert META.is_valid(_kind(**changes))
    assert reason in _refusal(_kind(**changes))


def _places(value, path=()):
    """Every place in a file."""
    yield path
    for step, member in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from _places(member, (*path, step))


def _with(value, path, new):
    """The file with something else at a place."""
    changed = copy.deepcopy(value)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = new
    return changed


_FREE = frozenset({"sample", "params"})  # anything may stand there, as far as the schema goes


@pytest.mark.sweep
@pytest.mark.parametrize("new", [None, True, 7, "", "x y", [], {}], ids=repr)
def test_whatever_the_schema_refuses_is_refused_at_load(new):
    """Another value at any place of a real file: where the schema says no, so does the reader."""
    places = [path for path in _places(WHOLE) if path and _FREE.isdisjoint(path)]
    for path in places if os.environ.get("EWALLET_FULL") else places[::4]:
        changed = _with(WHOLE, path, new)
        if not META.is_valid(changed):
            _refusal(changed)


def test_page_is_what_the_files_say():
    """A new or changed kind is in the docs, or this fails: run ``python docs/generate_catalogue.py``."""
    page = runpy.run_path(str(ROOT / "docs" / "generate_catalogue.py"))["page"]()
    assert page == (ROOT / "docs" / "reference" / "catalogue.md").read_text(encoding="utf-8")
