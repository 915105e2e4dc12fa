"""Own data as a PDF (MYD-17): all that the record says, as text that does nothing, and no whole resident number."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest

from ewallet.acting import Proxy
from ewallet.errors import UsageError
from ewallet.paper import Form
from ewallet.paper.glyphs import printable
from ewallet.paper.own import PDF, as_pdf, exporters
from ewallet.testing.leaks import ways
from ewallet.testing.mydata import BANK, CITIZEN, World

KIND = "resident_register_copy"
KINDS = [KIND, "mobile_driver_license", "income_amount_certificate"]


@pytest.fixture(scope="module")
def world():
    """A portal that can draw, and a person with records whose data a bank has looked at."""
    world = World.make(exporters=exporters())
    for kind in KINDS:
        world.kit.records.given[CITIZEN, kind] = world.catalog.type(kind).sample
    world.mydata.download(world.given().id, recipient=BANK)
    return world


def _file(world, lang="ko", kinds=KINDS):
    return world.mydata.export(CITIZEN, "pdf", kinds=kinds, lang=lang).content


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_value_of_every_record_is_in_the_text(world, read, lang):
    """As it stands on the form of its kind; consents, looks and the checkpoint of the log, too."""
    made = read(_file(world, lang))
    text = "".join(made.pages)

    kinds = [world.catalog.type(kind) for kind in KINDS]
    forms = [Form.of(kind, kind.sample, lang=lang, answers=kind.sample.keys()) for kind in kinds]
    assert [] == [label for form in forms for label in made.missing(form)]
    assert 2 == text.count("신용대출심사" if lang == "ko" else "Reviewofapersonalloan")
    assert "data.exported" == world.mydata.history(CITIZEN)[-1].entry.event.type


def test_the_file_is_tagged_and_is_no_certificate(world, read):
    """PDF/A-3a and PDF/UA-1 in its language and with its title; nothing is attached, and it says what it is not."""
    content = _file(world)
    made = read(content)

    assert re.search(rb"<pdfaid:part>3</pdfaid:part>\s*<pdfaid:conformance>A<", content)
    assert b"<pdfuaid:part>1<" in content
    assert b"/Lang(ko-KR)" in content
    assert "본인정보 내려받기" == made.metadata["Title"]
    assert {} == made.attached
    assert "제출할수있는증명서가아닙니다" in made.pages[0]


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_who_acted_is_named_with_the_person(world, read, lang):
    """Beside the consent and beside the look."""
    given = world.given(subject=f"citizen-{lang}", acting=Proxy(role="guardian", principal="가상이", agent="가상보"))
    world.mydata.download(given.id, recipient=BANK)
    text = "".join(read(world.mydata.export(f"citizen-{lang}", "pdf", lang=lang).content).pages)
    said = {"ko": "가상이님을대신하여가상보(보호자)", "en": "가상보(guardian),onbehalfof가상이"}[lang]
    assert 2 == text.count(said)


def test_hostile_texts_are_text(world, read, hostile):
    """Neither markup nor a link nor a script, nor a letter that nobody sees."""
    claims = {**world.catalog.type(KIND).sample, "subject_name": hostile}
    world.kit.records.given["citizen-9", KIND] = claims
    content = world.mydata.export("citizen-9", "pdf", kinds=[KIND]).content
    text = "".join(read(content).pages)

    assert [] == [name for name in (b"/JavaScript", b"/JS", b"/URI", b"/Launch", b"/EmbeddedFile") if name in content]
    assert "".join(printable(hostile).split())[:200] in text


def test_whole_resident_numbers_stay_behind(world, read):
    """Of every kind that has one; the masked one is there."""
    kinds = [kind.id for kind in world.catalog if kind.numbers]
    content = world.mydata.export("citizen-8", "pdf", kinds=kinds).content
    text = "".join(read(content).pages)

    assert len(kinds) > 3
    assert [] == [*ways(content), *ways(text.encode())]
    assert "990230-1******" in text


def test_the_name_of_the_file_is_ours(world):
    """Made of the day in Korea."""
    exported = world.mydata.export(CITIZEN, "pdf")
    assert ("mydata-2026-11-21.pdf", "application/pdf") == (exported.name, exported.media_type)


def test_who_has_nothing_gets_a_file_that_says_so(world, read):
    """With all its headings."""
    (page,) = read(world.mydata.export("citizen-7", "pdf").content).pages
    assert 3 == page.count("해당사항없음")


def test_the_same_data_are_the_same_bytes(world):
    """There is no time in it but the day."""
    own = replace(world.mydata._own(CITIZEN, KINDS, "ko", world.kit.clock.now()), checkpoint=b"")
    assert as_pdf(own) == as_pdf(own)


def test_without_the_extra_nothing_is_drawn_and_nothing_is_on_record(monkeypatch):
    """The format is not offered; who asks for it learns what to install."""
    monkeypatch.setitem(sys.modules, "typst", None)
    world = World.make(exporters={"pdf": PDF})
    with pytest.raises(UsageError) as refused:
        world.mydata.export(CITIZEN, "pdf")
    assert "usage.missing_extra" == refused.value.code
    assert ({}, ()) == (exporters(), world.mydata.history(CITIZEN))
