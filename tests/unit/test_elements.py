"""The claims of a kind as the elements of an mdoc."""

from __future__ import annotations

from dataclasses import replace

import cbor2

from ewallet.catalog import Catalog
from ewallet.catalog.kinds import ClaimType
from ewallet.formats import elements

_LABELS = {"ko": "가", "en": "a"}
_ISO = "org.iso.18013.5.1"


def _claim(name, type_="string", **members):
    return ClaimType(path=(name,), type=type_, labels=_LABELS, sensitivity="personal", **members)


def _kind(*claims):
    plain = Catalog.bundled().type("resident_register_copy")
    return replace(plain, doctype="example.kr-ewallet.visit_card.1", claims=claims, predicates=())


_DEGREES = _claim("degrees", "array", members=(replace(_claim("day", "date"), path=("degrees", None, "day")),))
_CARD = _kind(
    _claim("name"),
    _claim("birth_date", "date", mdoc={"namespace": _ISO, "element": "birth_date"}),
    _claim("portrait", format="image", mdoc={"namespace": _ISO, "element": "portrait"}),
    _claim("seen", "datetime"),
    _DEGREES,
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
        },
    )
    assert {
        "example.kr-ewallet.visit_card.1": {
            "name": "홍길동",
            "seen": "2026-01-02T03:04:05+09:00",
            "degrees": [{"day": cbor2.CBORTag(1004, "2020-02-29")}],
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
