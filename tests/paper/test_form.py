"""What stands on the page of a certificate."""

from __future__ import annotations

import pytest

from ewallet.catalog import Catalog
from ewallet.errors import UsageError
from ewallet.paper import Form, on_paper
from ewallet.paper.form import Box, Table
from ewallet.paper.picture import Picture

CATALOG = Catalog.bundled()
REGISTER = CATALOG.type("resident_register_copy")


def _values(form: Form) -> dict[str, str]:
    return {".".join(map(str, field.path)): field.value for field in form.fields if field.path}


def _with(**claims: object) -> dict[str, object]:
    return {**REGISTER.sample, **claims}


def test_a_form_has_the_parts_of_a_korean_certificate():
    """Number, title, fee, sentence, date, office and its seal have places of their own."""
    form = Form.of(REGISTER, REGISTER.sample)

    assert "주민등록표(등본)" == form.title
    assert form.number
    assert ("문서확인번호", "0000-1111-2222-3333") == (form.number.label, form.number.value)
    assert "수수료 무료" == form.fee
    assert "이 등본은 세대별 주민등록표의 원본 내용과 틀림없음을 증명합니다." == form.attestation
    assert form.issued
    assert "2026년 11월 21일" == form.issued.value
    assert "가상특별시 예시구청장" == form.authority.value
    assert "가상특별시예시구청장의인" == form.seal


def test_fields_boxes_and_tables_keep_the_order_of_the_kind():
    """What is short stands together, rows become a table, and nothing is printed twice."""
    form = Form.of(REGISTER, REGISTER.sample)

    assert ["", "과거 주소 변동사항", "세대원"] == [section.label for section in form.sections]
    assert [Box, Table, Table] == [type(section) for section in form.sections]
    paths = [field.path for field in form.fields if field.path]
    assert len(paths) == len(set(paths))


def test_what_the_issuer_computes_is_not_printed():
    """No office prints the size of the household or whose wallet it is; a masked number it prints."""
    values = _values(Form.of(REGISTER, REGISTER.sample))

    assert {"household_size", "subject_name", "household_members.0.birth_date"}.isdisjoint(values)
    assert "850230-1******" == values["household_members.0.resident_registration_number_masked"]


def test_a_masked_number_stands_under_the_name_of_the_number():
    """Its stars say that it is masked."""
    members = next(section for section in Form.of(REGISTER, REGISTER.sample).sections if section.label == "세대원")

    assert isinstance(members, Table)
    assert "주민등록번호" in members.columns


def test_a_resident_number_is_printed_masked_and_never_in_full():
    """Also where the claims have both; the stars stand under the name of the number."""
    member = {**REGISTER.sample["household_members"][0], "resident_registration_number": "850230-0000000"}
    form = Form.of(REGISTER, _with(household_members=[member]))
    masked = "household_members.0.resident_registration_number_masked"

    assert member["resident_registration_number_masked"] == _values(form)[masked]
    assert [] == [field for field in form.fields if "850230-0" in field.value]


def test_what_links_everything_about_a_person_is_never_printed():
    """The connecting information is for systems."""
    kind = CATALOG.type("mobile_resident_card")

    assert "connecting_information" not in on_paper(kind, {**kind.sample, "connecting_information": "CI"})


def test_yes_and_no_answers_are_printed_only_where_they_are_asked_for():
    """A form of the register has no line about single-person households, unless somebody needs it."""
    claims = _with(is_householder=True, is_single_person_household=False)
    printed = Form.of(REGISTER, claims, answers=["is_householder"])

    assert {"is_householder", "is_single_person_household"}.isdisjoint(_values(Form.of(REGISTER, claims)))
    assert "예" == _values(printed)["is_householder"]
    assert "is_single_person_household" not in _values(printed)
    assert "확인 사항" == printed.sections[-1].label


def test_whom_a_copy_is_for_stands_on_it():
    """As the applicant said it, unless a claim says the same."""
    form = Form.of(REGISTER, REGISTER.sample, receiver="가상은행", purpose="금융기관 제출용")
    box = form.sections[-1]

    assert isinstance(box, Box)
    assert [("제출처", "가상은행")] == [(field.label, field.value) for field in box.fields]


def test_the_address_to_check_at_needs_a_number_to_check():
    """A card without a document number can only be checked by its code."""
    card = CATALOG.type("mobile_resident_card")
    at = "https://issuer.example/check"

    assert f"진위확인: {at}" in Form.of(REGISTER, REGISTER.sample, check_page=at).notes
    assert not any("90일" in note or at in note for note in Form.of(card, card.sample, check_page=at).notes)


def test_a_table_without_rows_says_so_and_an_empty_column_is_not_there():
    """Nothing on the page is an empty box."""
    form = Form.of(REGISTER, _with(address_history=[], household_members=[{"number": 1, "name": "홍길동"}]))
    history, members = (section for section in form.sections if isinstance(section, Table))

    assert () == history.rows
    assert ("번호", "성명") == members.columns


def test_a_portrait_stands_beside_the_fields_and_a_seal_impression_below_its_name():
    """Each with words for those who do not see it."""
    licence, seal = CATALOG.type("mobile_driver_license"), CATALOG.type("seal_certificate")
    form = Form.of(licence, licence.sample)

    assert form.portrait
    assert ("사진", "image/jpeg", (120, 160)) == (
        form.portrait.label,
        form.portrait.media_type,
        form.portrait.size,
    )
    impression = next(part for part in Form.of(seal, seal.sample).sections if isinstance(part, Picture))
    assert ("seal_impression",) == impression.path
    assert not impression.wide
    assert 1 == len(form.pictures)


@pytest.mark.parametrize("broken", ["", "AAAA", "/9j/4AAQ", "x" * 600_000, 7, None])
def test_a_picture_that_is_none_is_refused(broken):
    """By its name, without its value; one that is absent is not printed."""
    kind = CATALOG.type("mobile_driver_license")
    claims = {**kind.sample, "portrait": broken}
    if broken in ("", None):
        assert Form.of(kind, claims).portrait is None
        return
    with pytest.raises(UsageError) as refused:
        Form.of(kind, claims)
    assert "issue.invalid_value" == refused.value.code
    assert refused.value.detail.startswith("portrait: ")


def test_in_english_the_korean_name_stands_below():
    """Korean is the legal text, and what the record says stays as it says it."""
    form = Form.of(REGISTER, REGISTER.sample, lang="en")

    assert ("Certified Copy of Resident Registration", "주민등록표 등본") == (form.title, form.subtitle)
    assert form.issued
    assert "21 November 2026" == form.issued.value
    assert "Name of the head of household" in {field.label for field in form.fields}


def test_what_the_kind_does_not_know_is_not_printed():
    """Nor is what has another type than the kind says taken apart; it is printed as it is."""
    form = Form.of(REGISTER, {"unknown": "1", "household_members": "none", "resident_address": {"a": 1}})

    assert {"household_members": "none", "resident_address": "1"} == _values(form)
    assert "시장·군수·구청장" in form.authority.value


def test_every_kind_has_a_form_in_both_languages():
    """With a title, an office, a sentence and at least one field."""
    for kind in CATALOG:
        for lang in ("ko", "en"):
            form = Form.of(kind, kind.sample, lang=lang)
            assert form.title
            assert form.authority.value
            assert form.attestation
            assert form.seal
            assert any(field.path for field in form.fields), kind.id
            assert len(form.seal) <= 16
