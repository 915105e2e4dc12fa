"""A form on the screen."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from ewallet.catalog import Catalog
from ewallet.paper import Form, page
from ewallet.paper.glyphs import printable

CATALOG = Catalog.bundled()
REGISTER = CATALOG.type("resident_register_copy")
EMPTY = {"meta", "img", "path"}


class _Parsed(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in EMPTY:
            assert tag == self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


def _article(form: Form, style: str = "standard", address: page.Address = page.data_address) -> _Parsed:
    return _Parsed(page.article(form, code="EXAMPLE", style=style, address=address))


@pytest.mark.parametrize("style", ["standard", "large_print"])
def test_every_value_of_every_kind_is_on_the_page(style):
    """In elements that are closed, and in the language of the form."""
    for kind in CATALOG:
        for lang in ("ko", "en"):
            form = Form.of(kind, kind.sample, lang=lang)
            parsed = _article(form, style=style)
            said = set(parsed.text)
            assert [] == parsed.open
            assert [] == [field for field in form.fields if not _is_said(field, said)], kind.id
            assert lang == parsed.tags[0][1]["lang"]


def _is_said(field, said):
    return not field.value or field.value in said or f"{field.label}: {field.value}" in said


def test_hostile_text_stays_text(hostile):
    """Whole, with no element and no attribute of its own."""
    row = REGISTER.sample["household_members"][0]
    hurt, well = (
        _article(Form.of(REGISTER, {**REGISTER.sample, "household_members": [{**row, "name": name}]}))
        for name in (hostile, "홍판서")
    )

    assert printable(hostile) in hurt.text
    if len(hostile) < 200:
        assert [tag for tag, _ in well.tags] == [tag for tag, _ in hurt.tags]
    assert {"script", "b"}.isdisjoint(tag for tag, _ in hurt.tags)


def test_nothing_acts_and_nothing_is_fetched():
    """No script, no handler, no style attribute, no address but that of a picture in the page itself."""
    licence = CATALOG.type("mobile_driver_license")
    parsed = _Parsed(page.document(Form.of(licence, licence.sample), code="EXAMPLE"))

    assert {"script", "link", "iframe", "object", "form"}.isdisjoint(tag for tag, _ in parsed.tags)
    for _, attributes in parsed.tags:
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        assert (attributes.get("src") or "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
        assert "href" not in attributes


def test_a_service_says_where_the_pictures_are():
    """For a policy that allows no data: addresses."""
    licence = CATALOG.type("mobile_driver_license")
    parsed = _article(Form.of(licence, licence.sample), address=lambda picture: f"/pictures/{picture.path[-1]}?a&b")

    assert ["/pictures/portrait?a&b"] == [attributes["src"] for tag, attributes in parsed.tags if tag == "img"]


def test_labels_belong_to_their_values_for_those_who_do_not_see_the_lines():
    """Row and column headers, captions, a heading, and words for seal and code."""
    tags = _article(Form.of(REGISTER, REGISTER.sample)).tags
    scopes = {attributes.get("scope") for tag, attributes in tags if tag == "th"}

    assert {"row", "col"} == scopes
    assert 2 == sum(tag == "caption" for tag, _ in tags)
    assert 1 == sum(tag == "h1" for tag, _ in tags)
    assert ["가상특별시 예시구청장의 전자관인 표시", "위변조 확인용 QR 코드"] == [
        attributes["aria-label"] for _, attributes in tags if attributes.get("role") == "img"
    ]


def test_wide_rows_become_blocks_in_large_print():
    """And a table without rows says so."""
    form = Form.of(REGISTER, {**REGISTER.sample, "address_history": []})
    parsed = _article(form, style="large_print")

    assert {"세대원 1", "세대원 4", "해당 사항 없음"} <= set(parsed.text)
