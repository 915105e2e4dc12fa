"""Claims in the words of their kind."""

from __future__ import annotations

from ewallet import labels
from ewallet.catalog import Catalog

KIND = Catalog.bundled().type("resident_register_copy")


def test_members_have_the_words_of_their_kind():
    """Each row and each member of it has its own line."""
    rows = [{"name": "홍길동", "is_foreigner": False}]

    assert ["  세대원 1:", "    성명: 홍길동", "    외국인·외국국적동포 여부: 아니요"] == list(
        labels.claim(KIND, ("household_members",), rows, "ko")
    )


def test_a_path_is_named_member_by_member():
    """As a request asks for it."""
    assert "Household members 2 > Name" == labels.path_name(KIND, ("household_members", 1, "name"), "en")
    assert "Household members > Name" == labels.path_name(KIND, ("household_members", None, "name"), "en")


def test_what_the_kind_does_not_know_has_the_name_it_came_with():
    """A foreign claim is shown, its name escaped, whether or not the kind is known."""
    assert ["  \\u001bevil: 1"] == list(labels.claim(KIND, ("\x1bevil",), 1, "ko"))
    assert ["  plain: yes"] == list(labels.claim(None, ("plain",), True, "en"))
    assert "urn:example:unknown" == labels.kind_name(None, "urn:example:unknown", "ko")


def test_a_claim_without_end_ends():
    """A thousand lines of one claim are enough for anybody."""
    rows = [{str(number): number} for number in range(5_000)]

    assert 1_000 == len(list(labels.claim(None, ("rows",), rows, "en")))


def test_a_picture_is_told_by_its_size():
    """A terminal cannot show it, in whichever format it came."""
    kind = Catalog.bundled().type("mobile_driver_license")

    assert ["  사진: (그림, 3바이트)"] == list(labels.claim(kind, ("portrait",), "AAAA", "ko"))
    assert "(a picture, 3 bytes)" == labels.item_value(kind, kind.elements["portrait"], "AAAA", "en")
    assert "AAAA" == labels.item_value(None, ("portrait",), "AAAA", "en")


def test_an_amount_of_money_reads_as_one():
    """By itself and in the row of a table; what should be one and is none stays as it came."""
    kind, income = Catalog.bundled().type("income_amount_certificate"), ("total_income_latest_year",)

    assert ["  Total income of the latest year: KRW 48,000,000"] == list(labels.claim(kind, income, 48_000_000, "en"))
    assert "48,000,000원" == labels.item_value(kind, income, 48_000_000, "ko")
    assert ["much", "예"] == [labels.item_value(kind, income, odd, "ko") for odd in ("much", True)]
    assert ["  연말정산 현황 1:", "    총결정세액: 1,800,000원"] == list(
        labels.claim(kind, ("year_end_settlements",), [{"determined_tax": 1_800_000}], "ko")
    )


def test_what_a_code_says_has_a_name_in_every_kind():
    """Also in one that has no claim of that name; a foreign claim has its own."""
    kind = Catalog.bundled().type("resident_register_copy")

    assert ["  성명: 홍길동"] == list(labels.claim(kind, ("name",), "홍길동", "ko"))
    assert "memo" == labels.path_name(kind, ("memo",), "en")


def test_an_answer_to_a_rule_reads_as_one():
    """By the name of the rule, and yes or no; what is no rule of ours, or no answer, stays as it is, and is escaped."""
    kind = Catalog.bundled().type("eligibility_answer")
    claims = {"rule": "museum_free_admission", "version": 1, "answer": "N"}

    assert "공립 박물관 무료 관람: 아니요" == labels.answered(claims, "ko")
    assert "Free admission to public museums: yes" == labels.answered(claims | {"answer": "Y"}, "en")
    assert "\\u001brule: maybe" == labels.answered({"rule": "\x1brule", "answer": "maybe"}, "ko")
    assert "1: 1" == labels.answered({"rule": 1, "answer": [1]}, "en")
    assert ["  확인한 자격: 공립 박물관 무료 관람", "  규칙의 판: 1", "  해당 여부: 아니요"] == [
        line for name, found in claims.items() for line in labels.claim(kind, (name,), found, "ko")
    ]
    assert "yes" == labels.item_value(kind, kind.elements["answer"], "Y", "en")
