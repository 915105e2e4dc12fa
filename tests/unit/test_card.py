"""The card of a kind: a picture with places for values, which nothing that stands in a value can leave."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from ewallet import card
from ewallet.catalog import Catalog
from ewallet.errors import PolicyError

CATALOG = Catalog.bundled()
REGISTER = CATALOG.type("resident_register_copy")
every_kind = pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.id) for kind in CATALOG])
SVG = "{http://www.w3.org/2000/svg}"
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")


def _parsed(drawing):
    """The elements of a drawing."""
    return list(ET.fromstring(drawing).iter())  # noqa: S314 - our own


@every_kind
def test_card_has_a_place_for_each_drawn_claim_and_nothing_to_fetch_or_run(kind):
    """Words of the kind, one placeholder for each drawn claim, and no more than rectangles and text."""
    for look in card.LOOKS:
        drawing = card.template(kind, look).decode()
        texts = [element.text for element in _parsed(drawing) if element.text]
        assert [card.svg_id(claim) for claim in card.drawn(kind)] == _PLACEHOLDER.findall(drawing)
        assert {f"{SVG}svg", f"{SVG}rect", f"{SVG}text"} == {element.tag for element in _parsed(drawing)}
        assert {kind.label(look.lang), kind.agency(look.lang)} <= set(texts)


@every_kind
def test_card_shows_nothing_that_should_not_lie_open(kind):
    """Neither numbers that identify for life, nor health, faces and relatives."""
    hidden = {"rrn", "unique_id", "sensitive", "biometric", "family"}
    assert 1 <= len(card.drawn(kind)) <= 4
    assert hidden.isdisjoint(claim.sensitivity for claim in card.drawn(kind))


def test_member_of_a_box_is_drawn_by_both_names():
    """What a family certificate says of the person stands in a box."""
    assert "self_name" in [card.svg_id(claim) for claim in card.drawn(CATALOG.type("basic_certificate"))]


def _luminance(colour):
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", card.SCHEMES)
def test_text_stands_out_from_the_paper(scheme):
    """By 7:1, as the description of the card says."""
    colours = card.SCHEMES[scheme]
    for ink in (colours.ink, colours.words):
        darker, lighter = sorted((_luminance(ink), _luminance(colours.paper)))
        assert (lighter + 0.05) / (darker + 0.05) >= 7


def test_long_words_are_written_smaller():
    """An agency with a long name keeps within the card."""
    drawing = card.template(REGISTER, card.LOOKS[2]).decode()
    (size,) = re.findall(r'font-size="([0-9.]+)" fill="#1d4675">Head of Si/Gun/Gu', drawing)
    assert float(size) * 102 * 0.56 <= 380


@pytest.mark.parametrize("value", ['<script>alert("1")</script>', "a & b", "'", "{{issue_date}}", "\\1", "]]>"])
def test_value_is_text_whatever_stands_in_it(value):
    """Markup and placeholders in a value are shown as they are, not obeyed."""
    values = {card.svg_id(claim): "" for claim in card.drawn(REGISTER)} | {"subject_name": value}
    drawing = card.filled(card.template(REGISTER, card.LOOKS[0]).decode(), values)
    assert value in [element.text for element in _parsed(drawing)]


@pytest.mark.parametrize(
    "drawing", ["<text>{{other}}</text>", '<text fill="{{name}}"></text>', "<{{name}}/>"], ids=["unknown", "in", "tag"]
)
def test_template_with_a_placeholder_out_of_place_is_not_drawn(drawing):
    """One that stands for no claim, or that would become markup."""
    with pytest.raises(PolicyError) as caught:
        card.filled(drawing, {"name": "홍길동"})
    assert "policy.type_metadata" == caught.value.code
