"""The text for reading aloud."""

from __future__ import annotations

from ewallet.catalog import Catalog
from ewallet.paper import Form, plain

CATALOG = Catalog.bundled()


def test_a_form_is_read_fact_by_fact():
    """One on each line, rows counted, nothing spaced out or drawn."""
    kind = CATALOG.type("resident_register_copy")
    lines = plain.text(Form.of(kind, {**kind.sample, "address_history": []})).splitlines()

    assert ["주민등록표(등본)", "문서확인번호: 0000-1111-2222-3333", "수수료 무료", ""] == lines[:4]
    assert "과거 주소 변동사항: 해당 사항 없음" in lines
    assert ["세대원 4/4", "번호: 4", "세대주와의 관계: 자녀", "성명: 홍이동"] == lines[
        (at := lines.index("세대원 4/4")) : at + 4
    ]
    assert ["발급일: 2026년 11월 21일", "발급기관: 가상특별시 예시구청장"] == lines[-5:-3]
    assert "문서 끝" == lines[-1]


def test_pictures_are_named():
    """A portrait and a seal impression are said to be there."""
    licence, seal = CATALOG.type("mobile_driver_license"), CATALOG.type("seal_certificate")

    assert "사진 (그림)" in plain.text(Form.of(licence, licence.sample)).splitlines()
    assert "(a picture)" in plain.text(Form.of(seal, seal.sample, lang="en"))


def test_every_value_of_every_kind_is_read():
    """Whole, in both languages, with no character that a speech machine stumbles over."""
    for kind in CATALOG:
        for lang in ("ko", "en"):
            form = Form.of(kind, kind.sample, lang=lang)
            text = plain.text(form)
            assert [] == [field for field in form.fields if field.value not in text], kind.id
            assert text.replace("\n", "").isprintable()
