"""The PDF of a form."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from ewallet import qr
from ewallet.catalog import Catalog
from ewallet.errors import Language, Malformed, UsageError
from ewallet.paper import Form, pdf, typeset
from ewallet.paper.glyphs import printable

CATALOG = Catalog.bundled()
REGISTER = CATALOG.type("resident_register_copy")
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CODE = "EXAMPLE" * 90  # about as long as the lean form of a credential
LANGUAGES: tuple[Language, ...] = ("ko", "en")


def _pdf(form: Form, style: typeset.StyleName = "standard") -> bytes:
    return pdf(form, credential="aaa.bbb.ccc", code=CODE, at=AT, style=style)


def _form(**claims: object) -> Form:
    return Form.of(REGISTER, {**REGISTER.sample, **claims}, receiver="가상은행", purpose="대출 심사")


@pytest.mark.parametrize("style", ["standard", "large_print"])
def test_every_value_is_in_the_text_of_the_page(read, style):
    """And so are the title, the sentence and whom the copy is for."""
    form = _form()
    made = read(_pdf(form, style=style))

    assert [] == made.missing(form)
    text = "".join(made.pages)
    assert all("".join(said.split()) in text for said in (form.title, form.attestation, *form.notes, "대출 심사"))


@pytest.mark.sweep
def test_every_kind_can_be_printed(read):
    """Each in both languages, on few pages, with every value in the text of the page."""
    kinds = list(CATALOG)
    for kind in kinds if os.environ.get("EWALLET_FULL") else kinds[::10]:
        for lang in LANGUAGES:
            form = Form.of(kind, kind.sample, lang=lang)
            made = read(_pdf(form))
            assert [] == made.missing(form), kind.id
            assert len(made.pages) <= 2, kind.id


def test_the_file_says_that_it_keeps_to_both_standards():
    """PDF/A-3a and PDF/UA-1, tagged, in its language and with its title; typst refuses to write less."""
    made = _pdf(_form())

    assert re.search(rb"<pdfaid:part>3</pdfaid:part>\s*<pdfaid:conformance>A<", made)
    assert b"<pdfuaid:part>1<" in made
    assert b"/MarkInfo" in made
    assert b"/StructTreeRoot" in made
    assert b"/Lang(ko-KR)" in made
    assert b"/AFRelationship/Source" in made


def test_the_credential_is_attached(read):
    """Under the name by which it is looked for, byte for byte."""
    made = read(_pdf(_form()))

    assert {"credential.jwt": b"aaa.bbb.ccc"} == made.attached
    assert "주민등록표(등본)" == made.metadata["Title"]
    assert "가상특별시 예시구청장" == made.metadata["Author"]


def test_the_code_on_the_page_can_be_read(read):
    """From the page as it is printed, and from the large print."""
    for style in ("standard", "large_print"):
        made = read(_pdf(_form(), style=style), drawn=True)
        assert CODE == qr.read(made.pictures[-1])


def test_the_largest_code_that_is_drawn_elsewhere_fits_on_the_page(read):
    """Version 25 at level M."""
    code = "x" * 997
    made = read(pdf(_form(), credential="a", code=code, at=AT), drawn=True)

    assert code == qr.read(made.pictures[-1])


def test_the_same_form_is_the_same_file():
    """In one thread and in four; another time is another file."""
    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(lambda _: _pdf(_form()), range(8)))

    assert 1 == len(made)
    assert made != {pdf(_form(), credential="aaa.bbb.ccc", code=CODE, at=AT.replace(hour=13))}


def test_a_long_table_goes_on_with_its_headings(read):
    """On each page the headings, the document number, and which page of how many it is."""
    member = REGISTER.sample["household_members"][0]
    form = _form(household_members=[{**member, "number": number} for number in range(1, 101)])
    made = read(_pdf(form))

    assert [] == made.missing(form)
    assert 3 <= len(made.pages) <= 4
    for number, page in enumerate(made.pages, 1):
        assert f"문서확인번호0000-1111-2222-3333{number}/{len(made.pages)}" in page
    assert all("세대주와의관계" in page for page in made.pages[:3])


def test_hostile_text_is_printed_as_text(read, hostile):
    """Whole, escaped where it cannot be drawn, and never read as markup."""
    form = _form(household_head_name=hostile, resident_address_change_reason="전입")
    made = read(_pdf(form))
    printed = "".join(printable(hostile).split())

    assert printed in made.without_footers(form)
    assert {"credential.jwt": b"aaa.bbb.ccc"} == made.attached


def test_hostile_text_is_printed_in_narrow_places(read):
    """A long word does not leave its cell for the margin."""
    member = {**REGISTER.sample["household_members"][0], "name": "가" * 40, "change_reason": "A" * 60}
    form = Form.of(REGISTER, {**REGISTER.sample, "household_members": [member]}, receiver="B" * 100)

    assert [] == read(_pdf(form)).missing(form)


def test_pictures_are_on_the_page():
    """A portrait, a seal impression and a map, each with words for those who do not see it."""
    for kind_id, label in (
        ("mobile_driver_license", "사진"),
        ("seal_certificate", "인감"),
        ("cadastral_map_copy", "도면"),
    ):
        kind = CATALOG.type(kind_id)
        form = Form.of(kind, kind.sample)
        assert any(picture.label.startswith(label) for picture in form.pictures)
        assert all(_utf16(picture.label) in _pdf(form) for picture in form.pictures)


def _utf16(text: str) -> bytes:
    return b"/Alt<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"


def test_what_cannot_be_drawn_is_refused():
    """An unknown style, and more than one code holds."""
    with pytest.raises(UsageError) as refused:
        _pdf(_form(), style="tiny")  # type: ignore[arg-type]
    assert "usage.argument" == refused.value.code
    with pytest.raises(Malformed) as too_long:
        pdf(_form(), credential="a", code="x" * 3_000, at=AT)
    assert "limit.size" == too_long.value.code


def test_the_pages_as_pictures():
    """As the documentation shows them."""
    pages = typeset.png(_form(), code=CODE, ppi=30)

    assert [b"\x89PNG"] == [page[:4] for page in pages]


def test_words_need_no_typesetter():
    """The form, its HTML and its text load neither typst nor what seals."""
    program = "import sys, ewallet.paper, ewallet.paper.page, ewallet.paper.plain; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout

    assert {"typst", "pyhanko", "pypdfium2"}.isdisjoint(said.split())
