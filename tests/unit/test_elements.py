"""The claims of a kind as the elements of an mdoc."""

from __future__ import annotations

import json
from dataclasses import replace

import cbor2
import pytest

from ewallet.catalog import Catalog
from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kindfile import read
from ewallet.errors import UsageError
from ewallet.formats import elements

_LABELS = {"ko": "가", "en": "a"}
_ISO = "org.iso.18013.5.1"


def _claim(name, type_="string", **members):
    return ClaimType(path=(name,), type=type_, labels=_LABELS, sensitivity="personal", **members)


def _kind(*claims):
    plain = Catalog.bundled().type("resident_register_copy")
    return replace(plain, doctype="example.kr-ewallet.visit_card.1", claims=claims, predicates=())


_DEGREES = _claim("degrees", "array", members=(replace(_claim("day", "date"), path=("degrees", None, "day")),))
_ADDRESS = _claim("birth_place", "object", members=(replace(_claim("since", "date"), path=("birth_place", "since")),))
_CARD = _kind(
    _claim("name"),
    _claim("birth_date", "date", mdoc={"namespace": _ISO, "element": "birth_date"}),
    _claim("portrait", format="image", mdoc={"namespace": _ISO, "element": "portrait"}),
    _claim("seen", "datetime"),
    _DEGREES,
    _ADDRESS,
)


def test_each_claim_goes_to_its_namespace_as_the_value_it_has_there():
    """A date is a full-date, a picture is bytes, a moment text; what no standard names has a namespace of its own."""
    arranged = elements.arrange(
        _CARD,
        {
            "name": "홍길동",
            "birth_date": "1999-03-02",
            "portrait": "/9g=",
            "seen": "2026-01-02T03:04:05+09:00",
            "degrees": [{"day": "2020-02-29"}],
            "birth_place": {"since": "1999-03-02"},
        },
    )
    assert {
        "example.kr-ewallet.visit_card.1": {
            "name": "홍길동",
            "seen": "2026-01-02T03:04:05+09:00",
            "degrees": [{"day": cbor2.CBORTag(1004, "2020-02-29")}],
            "birth_place": {"since": cbor2.CBORTag(1004, "1999-03-02")},
        },
        _ISO: {"birth_date": cbor2.CBORTag(1004, "1999-03-02"), "portrait": b"\xff\xd8"},
    } == arranged


def test_claim_is_found_by_its_element():
    """A path that begins with namespace and element means the same claim as the kind's own path."""
    assert (_ISO, "birth_date") == elements.place(_CARD, ("birth_date",))
    assert "birth_date" == _CARD.claim((_ISO, "birth_date")).name
    assert ("degrees", 0, "day") == _CARD.own_path(("example.kr-ewallet.visit_card.1", "degrees", 0, "day"))
    assert "day" == _CARD.claim(("example.kr-ewallet.visit_card.1", "degrees", 0, "day")).name


def test_part_of_an_element_cannot_be_shown_on_its_own():
    """An element is one digest: its rows and members have no place of their own."""
    assert elements.place(_CARD, ("degrees", None, "day")) is None
    assert elements.place(_CARD, ("unknown",)) is None


def test_kind_without_a_doctype_has_no_elements():
    """Then no claim has a place."""
    assert {} == replace(_CARD, doctype=None).elements


_STUDENT = "example.kr-ewallet.mobile_student_card"
_LICENCE = Catalog.bundled().type("mobile_driver_license")


def test_categories_of_a_licence_follow_from_its_korean_classes():
    """Each category once, with the day on which the first class that contains it was had."""
    classes = [
        {"license_class": "1종보통", "issue_date": "2019-08-10"},
        {"license_class": "2종보통", "issue_date": "2021-01-04"},
        {"license_class": "구난"},
    ]
    assert [
        {"vehicle_category_code": "B", "issue_date": "2019-08-10"},
        {"vehicle_category_code": "C1", "issue_date": "2019-08-10"},
        {"vehicle_category_code": "D1", "issue_date": "2019-08-10"},
    ] == _LICENCE.completed({"kr_license_classes": classes})["driving_privileges"]


def test_categories_that_a_record_says_stay_as_they_are():
    """The table fills in; it does not correct a register."""
    record = {"kr_license_classes": [{"license_class": "2종소형"}], "driving_privileges": []}
    assert record == _LICENCE.completed(record)


def test_record_without_classes_is_left_to_the_check():
    """Nothing follows from what is not there or no array."""
    assert {} == _LICENCE.completed({})
    assert {"kr_license_classes": "B"} == _LICENCE.completed({"kr_license_classes": "B"})


@pytest.mark.parametrize(
    ("claim", "changes", "reason"),
    [
        (11, {"derived_from": {"claim": "x"}}, "derived_from lacks into"),
        (0, {"mdoc": {"namespace": _ISO}}, "mdoc lacks element"),
        (
            0,
            {"mdoc": {"namespace": _ISO, "element": "birth_date"}},
            "birth_date occurs 2 times",
        ),
        (
            12,
            {"items": [{"name": "license_class", "label": _LABELS, "type": "string"}]},
            "lacks required",
        ),
    ],
)
def test_broken_place_or_derivation_is_refused(claim, changes, reason):
    """A file whose elements clash, or whose table lacks a word, is no kind."""
    folder = Catalog.bundled().folder
    file = json.loads((folder / "types" / "mobile_id" / "mobile_driver_license.json").read_bytes())
    file["claims"][claim] |= changes
    with pytest.raises(UsageError) as caught:
        read(json.dumps(file).encode())
    assert "usage.configuration" == caught.value.code
    assert reason in caught.value.detail


def test_table_lacking_a_word_is_refused():
    """A class without an entry would silently give no right to drive."""
    folder = Catalog.bundled().folder
    file = json.loads((folder / "types" / "mobile_id" / "mobile_driver_license.json").read_bytes())
    del file["claims"][11]["derived_from"]["table"]["2종보통"]
    with pytest.raises(UsageError) as caught:
        read(json.dumps(file).encode())
    assert "usage.configuration" == caught.value.code
    assert "does not follow, word for word" in caught.value.detail


def test_element_of_a_kind_without_a_doctype_is_refused():
    """A place in an mdoc needs an mdoc."""
    folder = Catalog.bundled().folder
    file = json.loads((folder / "types" / "mobile_id" / "mobile_driver_license.json").read_bytes())
    del file["formats"]["mso_mdoc"]
    with pytest.raises(UsageError) as caught:
        read(json.dumps(file).encode())
    assert "usage.configuration" == caught.value.code
    assert "has a place in an mdoc" in caught.value.detail


def test_kind_is_found_by_its_doctype():
    """A verdict and a wallet name the kind whatever the format."""
    found = [Catalog.bundled().by_type_id(name) for name in ("org.iso.18013.5.1.mDL", f"{_STUDENT}.1")]
    assert ["mobile_driver_license", "mobile_student_card"] == [kind.id for kind in found if kind]
