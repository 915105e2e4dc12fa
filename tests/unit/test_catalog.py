"""The certificate kinds: what a file gives, what a record must keep, and which files are refused."""

import json
import shutil
import unicodedata
from datetime import UTC, date, datetime, timedelta

import pytest

from ewallet.catalog import Catalog
from ewallet.catalog.__main__ import main
from ewallet.errors import UsageError

SCHEMAS = Catalog.bundled().folder
NOON = datetime(2026, 11, 21, 3, tzinfo=UTC)
CATALOG = Catalog.load(SCHEMAS)
COPY = CATALOG.type("resident_register_copy")
THIRTEEN = {
    "resident_register_copy",
    "resident_register_abstract",
    "local_tax_payment_certificate",
    "national_tax_payment_certificate",
    "entry_exit_fact_certificate",
    "health_insurance_qualification_history",
    "health_insurance_eligibility_confirmation",
    "building_register_copy",
    "building_register_abstract",
    "family_relation_certificate",
    "income_amount_certificate",
    "business_registration_certificate",
    "disabled_person_certificate",
}
every_kind = pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.id) for kind in CATALOG])


@pytest.fixture
def folder(tmp_path):
    """A schemas folder with one small kind, as a function that writes (changed) copies of it."""
    (tmp_path / "meta").mkdir()
    meta = SCHEMAS / "meta" / "credential-type.schema.json"
    (tmp_path / "meta" / meta.name).write_bytes(meta.read_bytes())

    def write(name="visit_card", category="other", **changes):
        place = tmp_path / "types" / category
        place.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_kind(name, category) | changes, ensure_ascii=False, indent=2) + "\n"
        (place / f"{name}.json").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def _claim(name, **changes):
    label = {"ko": "이름", "en": "Name"}
    return {"name": name, "label": label, "type": "string", "sensitivity": "doc", "required": True} | changes


def _predicate(**changes):
    expression = "age(birth_date, as_of) >= 19"
    base = {"id": "adult", "label": {"ko": "성인", "en": "Adult"}, "expression": expression}
    return base | {"parameterised": False, "time_dependent": True, "presign": "when_true"} | changes


def _kind(name, category):
    words = {"ko": "방문증", "en": "Visit card"}
    claims = [_claim("document_number"), _claim("issue_date", type="date"), _claim("issuing_authority")]
    return {
        "$schema": "../../meta/credential-type.schema.json",
        "id": name,
        "category": category,
        "name": words,
        "formats": {"dc+sd-jwt": {"vct": f"urn:example:kr-ewallet:{name}:1"}},
        "issuer": {"system": "visit", "agency": words},
        "legal_basis": "가상법 제1조",
        "standing": "draft",
        "validity": {"days": 90, "rule": "acceptance", "meaning": words},
        "fee": {"electronic_krw": 0, "counter_krw": None},
        "copies": "once",
        "claims": [*claims, _claim("birth_date", type="date", required=False)],
        "issue_options": [],
        "predicates": [_predicate()],
        "sample": {"document_number": "0000", "issue_date": "2026-11-21", "issuing_authority": "가상시장"},
        "predicate_vectors": [],
    }


# -- what a file gives ---------------------------------------------------------------------------------------


def test_bundled_catalogue_has_the_thirteen_kinds():
    """The kinds of the first public wave are there and none is broken."""
    assert set(Catalog.bundled().ids()) >= THIRTEEN
    assert Catalog.bundled().problems == ()


@every_kind
def test_sample_can_be_issued(kind):
    """Each sample, with the answers to sign beside it, keeps the rules of its kind."""
    claims = kind.normalised(kind.sample) | kind.presigned(kind.sample, NOON)
    kind.check(claims)
    assert kind.sample.keys() <= claims.keys()


@every_kind
def test_every_claim_of_a_sample_can_be_withheld(kind):
    """Every top-level claim is a disclosure of its own, the date and authority of the document included."""
    assert {(name,) for name in kind.sample} <= kind.disclosable
    assert {("issue_date",), ("issuing_authority",)} <= kind.disclosable


@every_kind
def test_labels_are_whole_in_both_languages(kind):
    """Every claim, answer and name has words in Korean and in English."""
    for path in [(), *kind.disclosable]:
        words = [kind.label_of(path, lang) if path else kind.label(lang) for lang in ("ko", "en")]
        assert all(words), path
    assert kind.agency("ko") != kind.agency("en")


@every_kind
def test_resident_number_is_optional_and_can_be_withheld_alone(kind):
    """A whole resident number is never required, never in a sample, and has a disclosure of its own."""
    numbers = [claim for top in kind.claims for claim in top.walk() if claim.sensitivity == "rrn"]
    assert not any(claim.required for claim in numbers)
    assert all(claim.path in kind.disclosable for claim in numbers)
    assert all("resident_registration_number" != claim.name or claim.name not in kind.sample for claim in numbers)


def test_rows_members_and_answers_are_disclosable():
    """Each row, each member of a row, each member of an object and each signed answer can be shown alone."""
    family = CATALOG.type("family_relation_certificate")
    assert ("household_members", None, "birth_date") in COPY.disclosable
    assert ("household_members", None) in COPY.disclosable
    assert ("is_householder",) in COPY.disclosable
    assert ("household_size_at_least",) not in COPY.disclosable
    assert ("self", "name") in family.disclosable


def test_rows_of_a_whole_array_are_not_disclosable(folder):
    """An array whose rows make no sense apart has one disclosure."""
    rows = _claim("rows", type="array", disclosure="whole", items=[_claim("n")])
    kind = Catalog.load(folder(claims=[rows], predicates=[])).type("visit_card")
    assert {("rows",)} == kind.disclosable


def test_claim_is_found_by_any_index():
    """A path with an index, or with None for all, leads to the same claim."""
    assert COPY.claim(("household_members", 3, "name")) is COPY.claim(("household_members", None, "name"))
    assert COPY.claim(("household_members", 0)) is COPY.claim(("household_members",))
    answer = COPY.claim(("is_householder",))
    assert answer is not None
    assert "boolean" == answer.type
    assert COPY.claim(("nowhere",)) is None
    assert COPY.claim(("subject_name", None)) is None


def test_label_of_an_unknown_path_is_its_last_name():
    """A screen has something to write for a claim that the kind does not know."""
    assert "nickname" == COPY.label_of(("household_members", 0, "nickname"), "en")
    assert "세대원" == COPY.label_of(("household_members",))


def test_kind_is_found_by_type_id(folder):
    """A credential's `vct` leads to its kind, also one that does not end like ours."""
    own = folder(formats={"dc+sd-jwt": {"vct": "https://visit.example/card"}})
    assert ["visit_card"] == [kind.id for kind in [Catalog.load(own).by_type_id("https://visit.example/card")] if kind]
    assert COPY is CATALOG.by_type_id("urn:example:kr-ewallet:resident_register_copy:1")
    assert CATALOG.by_type_id("urn:example:kr-ewallet:resident_register_copy:2") is None
    assert CATALOG.by_type_id("") is None


def test_unseen_kind_needs_no_code(folder):
    """A file dropped into a folder is a kind like any other."""
    kind = Catalog.load(folder()).type("visit_card")
    kind.check(kind.sample)
    assert ("방문증", "Visit card") == (kind.label("ko"), kind.label("en"))
    assert (90, "once", "visit", "draft") == (kind.validity_days, kind.copies, kind.system, kind.standing)


def test_unknown_kind_is_the_callers_mistake():
    """Asking for a kind that has no file says so."""
    with pytest.raises(UsageError) as caught:
        CATALOG.type("../meta/credential-type.schema")
    assert "usage.argument" == caught.value.code
    assert "nothing" not in CATALOG
    assert "resident_register_copy" in CATALOG


def test_folder_without_types_is_refused(tmp_path):
    """A folder that is not a schemas folder is not an empty catalogue."""
    with pytest.raises(UsageError) as caught:
        Catalog.load(tmp_path)
    assert "usage.configuration" == caught.value.code


# -- answers -------------------------------------------------------------------------------------------------


def test_age_reached_is_signed_and_age_not_reached_is_left_out():
    """A yes that stays yes is signed; a no that will become yes is not."""
    abstract = CATALOG.type("resident_register_abstract")
    signed = abstract.presigned({"birth_date": "2008-01-01"}, NOON)
    assert {"age_over_14": True, "age_over_18": True} == {n: signed[n] for n in signed if n.startswith("age_over_")}
    assert "not_juvenile" not in signed


def test_answers_are_judged_on_the_day_in_korea():
    """The day begins at midnight in Seoul: fifteen hours after midnight UTC of the day before."""
    abstract = CATALOG.type("resident_register_abstract")
    midnight = datetime(2026, 11, 20, 15, tzinfo=UTC)
    claims = {"birth_date": "2007-11-21"}
    assert "age_over_19" in abstract.presigned(claims, midnight)
    assert "age_over_19" not in abstract.presigned(claims, midnight - timedelta(seconds=1))


def test_answer_about_the_applicant_needs_the_applicant():
    """Whether the applicant owns the building is signed where the issuer says who the applicant is."""
    building = CATALOG.type("building_register_copy")
    assert "is_owner" not in building.presigned(building.sample, NOON)
    assert building.presigned(building.sample, NOON, holder={"name": "홍길동"})["is_owner"] is True
    assert building.presigned(building.sample, NOON, holder={"name": "성춘향"})["is_owner"] is False


def test_question_the_kind_has_not_is_the_callers_mistake():
    """Answering needs a question of the kind."""
    with pytest.raises(UsageError) as caught:
        COPY.answer("is_tall", COPY.sample, date(2026, 11, 21))
    assert "usage.argument" == caught.value.code


# -- what a record must keep ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["iss", "sub", "aud", "iat", "nbf", "exp", "vct", "cnf", "status", "_sd", "...", "_sd_alg"]
)
def test_reserved_name_is_refused(name):
    """VCI-34: a record cannot bring a claim that means something in the credential itself."""
    with pytest.raises(UsageError) as caught:
        COPY.check({**COPY.sample, name: "1"})
    assert "issue.reserved_claim" == caught.value.code


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
def test_name_of_the_format_is_refused_at_any_depth(name):
    """RFC 9901 §4.1: these names mean digests wherever they stand."""
    members = [{**COPY.sample["household_members"][0], name: "1"}]
    with pytest.raises(UsageError) as caught:
        COPY.check({**COPY.sample, "household_members": members})
    assert "issue.reserved_claim" == caught.value.code


def test_reserved_name_inside_a_row_is_an_ordinary_name():
    """`status` of a family member is not the status of the credential."""
    family = CATALOG.type("family_relation_certificate")
    members = [{**family.sample["family_members"][0], "status": "사망"}]
    claims = {**family.sample, "family_members": members}
    family.check(claims)
    assert "사망" == family.normalised(claims)["family_members"][0]["status"]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"resident_address": "가상특별시\x00"}, "resident_address: control characters, or others that are not seen"),
        ({"resident_address": "가상\n특별시"}, "resident_address: control characters, or others that are not seen"),
        ({"resident_address": "\x9b31m"}, "resident_address: control characters, or others that are not seen"),
        ({"resident_address": "\ud800"}, "resident_address: control characters, or others that are not seen"),
        ({"resident_address": ""}, "resident_address: empty"),
        ({"resident_address": "가" * 20_001}, "resident_address: too long"),
        ({"resident_address": None}, "resident_address: another type of value"),
        ({"issue_date": "2026-02-30"}, "issue_date: not a date that exists"),
        ({"issue_date": "21.11.2026"}, "issue_date: not a date that exists"),
        ({"household_size": "4"}, "household_size: another type of value"),
        ({"household_size": 4.5}, "household_size: another type of value"),
        ({"household_size": 2**60}, "household_size: too large"),
        ({"household_composition_reason": "이사"}, "household_composition_reason: not one of the listed values"),
        ({"household_members": [{}] * 1_001}, "household_members: too many rows"),
        ({"household_members": [{"number": 1}]}, "household_members.0: name is missing"),
        ({"nickname": "길동"}, "record: a claim that this kind has not"),
        ({"a\x1b[31m": 1}, "record: a name that is not one"),
        ({1: 1}, "record: a name that is not one"),
    ],
)
def test_value_that_does_not_fit_is_refused_without_being_quoted(changes, detail):
    """The refusal names the place and the reason, never the value."""
    with pytest.raises(UsageError) as caught:
        COPY.check({**COPY.sample, **changes})
    assert ("issue.invalid_value", detail) == (caught.value.code, caught.value.detail)


def test_missing_claim_is_named():
    """A record that lacks a required claim is not issued."""
    claims = {name: value for name, value in COPY.sample.items() if name != "subject_name"}
    with pytest.raises(UsageError) as caught:
        COPY.check(claims)
    assert ("issue.invalid_value", "record: subject_name is missing") == (caught.value.code, caught.value.detail)


def test_record_nested_without_end_is_refused():
    """A nesting deeper than anything we read is refused, not a crash."""
    deep: list = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(UsageError) as caught:
        COPY.check({**COPY.sample, "household_members": deep})
    assert ("issue.invalid_value", "household_members: nested too deep") == (caught.value.code, caught.value.detail)


def test_year_month_and_amounts_are_checked(folder):
    """Formats of values: a year, a month, a phone number, whole won, a time."""
    claims = [
        _claim("year", type="integer", format="year"),
        _claim("year_text", format="year"),
        _claim("month", format="year-month"),
        _claim("phone", format="phone"),
        _claim("amount", type="amount_krw"),
        _claim("when", type="datetime"),
        _claim("ok", type="boolean"),
        _claim("size", type="number"),
        _claim("photo", format="image"),
    ]
    kind = Catalog.load(folder(claims=claims, predicates=[])).type("visit_card")
    good = {"year": 2026, "year_text": "2026", "month": "2026-11", "phone": "010-0000-0000", "amount": 0}
    good |= {"when": "2026-11-21T09:00:00+09:00", "ok": True, "size": 1.5, "photo": "AAAA"}
    kind.check(good)
    bad = {"year": 26, "year_text": "26", "month": "2026-13", "phone": "call", "amount": 1.5, "when": "2026-11-21"}
    for name, value in (bad | {"ok": 1, "size": "1.5"}).items():
        with pytest.raises(UsageError) as caught:
            kind.check({**good, name: value})
        assert "issue.invalid_value" == caught.value.code
        assert caught.value.detail.startswith(f"{name}: ")


def test_texts_are_signed_in_nfc():
    """SDJ-46: a Korean name in NFD is brought to NFC, in rows and objects too."""
    apart = unicodedata.normalize("NFD", "홍길동")
    given = {"name": apart, "rows": [{"name": apart, "n": 1}], "self": {"name": apart}, "ascii": "a", "none": None}
    assert {
        "name": "홍길동",
        "rows": [{"name": "홍길동", "n": 1}],
        "self": {"name": "홍길동"},
        "ascii": "a",
        "none": None,
    } == COPY.normalised(given)


def test_a_name_in_another_form_is_no_name_of_a_claim():
    """Names are those of the kind's file, in ASCII: a record that has one in NFD is refused, and not told back."""
    apart = unicodedata.normalize("NFD", "성명")
    with pytest.raises(UsageError) as caught:
        COPY.check(COPY.issuable({**COPY.sample, apart: "홍길동"}))
    assert ("issue.invalid_value", True) == (caught.value.code, caught.value.detail.isascii())


# -- files that are refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"$ref": "https://evil.example/kind.json"}, "unknown member '$ref'"),
        ({"$schema": "https://evil.example/schema.json"}, "$schema is not"),
        ({"claims": [_claim("a", pattern="(a+)+$")]}, "claims[0] has the unknown member 'pattern'"),
        ({"claims": [_claim("a", **{"$ref": "#/claims/0"})]}, "claims[0] has the unknown member '$ref'"),
        ({"claims": [_claim("a"), _claim("a")]}, "claim a occurs 2 times"),
        ({"claims": [_claim("status")]}, "claim status has a reserved name"),
        ({"claims": [_claim("Name")]}, "claims[0].name is not a lower case name"),
        ({"claims": [_claim("_sd")]}, "claims[0].name is not a lower case name"),
        ({"claims": [_claim("a", label={"ko": "가"})]}, "claims[0].label lacks en"),
        ({"claims": [_claim("a", label={"ko": "가", "en": " "})]}, "claims[0].label.en is empty"),
        ({"claims": [_claim("a", type="text")]}, "claims[0].type is none of"),
        ({"claims": [_claim("a", type=[])]}, "claims[0].type is none of"),
        ({"claims": [_claim("a", sensitivity="rrn")]}, "claim a is a resident number and required"),
        ({"claims": [_claim("a", type="array")]}, "claims[0] lacks items"),
        ({"claims": [_claim("a", items=[_claim("b")])]}, "claims[0] is no array and has items"),
        ({"claims": [_claim("a", members=[_claim("b")])]}, "claims[0] is no object and has members"),
        ({"claims": [_claim(f"a{n}") for n in range(301)]}, "301 claims, at most 300"),
        ({"predicates": [_predicate(expression="eval('1')")]}, "no function eval"),
        ({"predicates": [_predicate(expression="shoe_size > 40")]}, "asks about shoe_size"),
        ({"predicates": [_predicate(expression="status == VALID")]}, "asks the status list and is signed in advance"),
        ({"predicates": [_predicate(time_dependent=False)]}, "depends on the day and does not say so"),
        ({"predicates": [_predicate(parameterised=True)]}, "cannot be signed in advance"),
        ({"predicates": [_predicate(id="birth_date")]}, "cannot be signed in advance"),
        ({"predicates": [_predicate(), _predicate()]}, "predicate adult occurs 2 times"),
        (
            {"predicate_vectors": [{"predicate": "x", "params": {}, "as_of": "2026-11-21", "expected": True}]},
            "a vector of x",
        ),
        ({"predicate_vectors": [{"predicate": "x", "params": {}, "as_of": "soon", "expected": True}]}, "is not a date"),
        ({"formats": {"dc+sd-jwt": {"vct": "http://visit.example"}}}, "vct is neither"),
        (
            {"validity": {"days": 0, "rule": "printed", "meaning": {"ko": "가", "en": "a"}}},
            "validity.days is out of range",
        ),
        ({"standing": "official"}, "standing is none of"),
        ({"id": "other_card"}, "not those of the file's place"),
        ({"claims": {}}, "claims is an object, expected an array"),
    ],
)
def test_broken_file_is_refused_and_the_others_go_on(folder, changes, reason):
    """SUP-08: a file that is not a kind is named with its reason; the next one is read as if it were not there."""
    folder("whole_card")
    catalog = Catalog.load(folder(**changes))
    (problem,) = catalog.problems
    assert "types/other/visit_card.json" == problem.file
    assert reason in problem.reason
    assert ["whole_card"] == [kind.id for kind in catalog]
    with pytest.raises(UsageError) as caught:
        catalog.type("visit_card")
    assert "usage.configuration" == caught.value.code


def test_identifier_given_twice_is_refused(folder):
    """SUP-08: two files of one identifier are both left out, whichever came first."""
    folder()
    catalog = Catalog.load(folder(category="resident"))
    assert ["the identifier is taken twice, also by types/resident/visit_card.json"] == [
        problem.reason for problem in catalog.problems
    ]
    assert [] == list(catalog)


def test_vct_given_twice_is_a_problem(folder):
    """Two kinds that claim one `vct` cannot be told apart."""
    folder("whole_card")
    catalog = Catalog.load(folder(formats={"dc+sd-jwt": {"vct": "urn:example:kr-ewallet:whole_card:1"}}))
    assert ["types/other/whole_card.json: has the vct of visit_card"] == [str(p) for p in catalog.problems]


def test_file_larger_than_a_kind_can_be_is_refused(folder):
    """SUP-08: of ten megabytes no more is read than a kind may have."""
    catalog = Catalog.load(folder(legal_basis="법" * 4_000_000))
    assert ["has more than 262144 bytes"] == [problem.reason for problem in catalog.problems]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "kind file is not json"),
        (b"\xff\xfe", "kind file is not json"),
        (b"[" * 5_000, "nested"),
        (b"[]", "array"),
    ],
)
def test_bytes_that_are_no_json_object_are_refused(folder, raw, reason):
    """Whatever the bytes are, the file is named and the catalogue goes on."""
    root = folder()
    (root / "types" / "other" / "visit_card.json").write_bytes(raw)
    (problem,) = Catalog.load(root).problems
    assert reason in problem.reason


def test_file_that_leads_out_of_the_folder_is_refused(folder, tmp_path_factory):
    """SUP-08: a link to a file elsewhere is not followed."""
    root = folder()
    outside = tmp_path_factory.mktemp("elsewhere") / "visit_card.json"
    (root / "types" / "other" / "visit_card.json").rename(outside)
    (root / "types" / "other" / "visit_card.json").symlink_to(outside)
    assert ["leads out of the schemas folder"] == [problem.reason for problem in Catalog.load(root).problems]


def test_link_that_leads_nowhere_is_refused(folder):
    """A file that cannot be opened is a problem of its own."""
    root = folder()
    (root / "types" / "other" / "lost_card.json").symlink_to(root / "nowhere")
    assert ["cannot be read"] == [problem.reason for problem in Catalog.load(root).problems]


# -- make catalogue ------------------------------------------------------------------------------------------


def test_check_of_the_bundled_kinds_passes_and_prints_them(capsys):
    """The command prints one row for each kind and the count of each standing."""
    assert 0 == main()
    out = capsys.readouterr().out
    assert "| resident_register_copy | 주민등록표 등본 | resident | source_checked |" in out
    assert f"{len(CATALOG.ids())} kinds: " in out
    assert "| bank_personal_loan | 은행 신용대출 | provision_request | deep | 7 |" in out
    assert f"{len(tuple(CATALOG.bundles()))} bundles: " in out
    assert " yes/no questions: " in out


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"sample": {}}, "types/other/visit_card.json: the sample cannot be issued: issue.invalid_value"),
        (
            {"claims": [_claim("a")], "predicates": [], "sample": {"a": "1"}},
            "types/other/visit_card.json: issue_date is not a claim",
        ),
        (
            {"legal_basis": "700199-9000000"},
            "types/other/visit_card.json: has the digits of a resident number",
        ),
        ({"legal_basis": unicodedata.normalize("NFD", "가상법")}, "types/other/visit_card.json: not in NFC"),
        ({"gov24_service_code": "?"}, "against the meta schema"),
        (
            {"predicate_vectors": [{"predicate": "adult", "params": {}, "as_of": "2026-11-21", "expected": True}]},
            "types/other/visit_card.json: adult answers None on 2026-11-21, expected True",
        ),
    ],
)
def test_check_names_what_is_wrong(folder, capsys, changes, finding):
    """The command ends with 1 and says in which file, and what."""
    assert 1 == main([str(folder(**changes))])
    assert finding in capsys.readouterr().err


def test_check_looks_at_resident_numbers(folder, capsys):
    """A resident number that cannot be withheld alone, is in the sample, or has no masked form is named."""
    number = _claim("number", sensitivity="rrn", required=False)
    rows = _claim("rows", type="array", disclosure="whole", items=[number])
    sample = _kind("a", "b")["sample"] | {"rows": [{"number": "x"}]}
    claims = [*_kind("a", "b")["claims"], rows]
    assert 1 == main([str(folder(claims=claims, sample=sample))])
    err = capsys.readouterr().err
    assert "the sample has a resident number at rows.0.number" in err
    assert "number cannot be withheld from what it stands beside" in err
    assert "number has no masked form beside it" in err


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"identity": ["no_such_kind"]}, "bundles/car_rental.json: identity: no kind no_such_kind"),
        ({"retention": {"days": 30}}, "bundles/car_rental.json: retention"),
        ({"purpose": {"ko": "확인", "en": ""}}, "bundles/car_rental.json: against the meta schema: "),
    ],
)
def test_check_names_what_is_wrong_with_a_bundle(tmp_path, capsys, changes, finding):
    """A kind that there is not, a member that is missing, words that are none; the kinds are read all the same."""
    root = tmp_path / "schemas"
    shutil.copytree(SCHEMAS / "meta", root / "meta")
    for path in ("bundles/car_rental.json", "types/mobile_id/mobile_driver_license.json"):
        (root / path).parent.mkdir(parents=True)
        shutil.copy(SCHEMAS / path, root / path)
    broken = root / "bundles" / "car_rental.json"
    whole = json.loads(broken.read_bytes())
    before = main([str(root)])
    broken.write_text(json.dumps(whole | changes, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    capsys.readouterr()

    assert (0, 1) == (before, main([str(root)]))
    said = capsys.readouterr()
    assert finding in said.err
    assert "1 kinds: " in said.out


def test_check_looks_at_how_a_file_is_written(folder, capsys):
    """Files are written one way, so that a change shows as what it is."""
    root = folder()
    path = root / "types" / "other" / "visit_card.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    (root / "types" / "other" / "broken_card.json").write_bytes(b"\xff")
    assert 1 == main([str(root)])
    err = capsys.readouterr().err
    assert "types/other/visit_card.json: not written as two-space json with Korean as it is" in err
    assert "types/other/broken_card.json: not json in utf-8" in err
