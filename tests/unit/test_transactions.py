"""Transactions as their holder reads them before confirming."""

from __future__ import annotations

from argparse import Namespace

import pytest

from ewallet.errors import Malformed, ProtocolError
from ewallet.oid4vp import TransactionData
from ewallet.transactions import KNOWN, TYPES, lines
from verifier_cli.inquiry import worded

LOAN = "urn:example:kr-ewallet:transaction:loan:1"
FIELDS = {"lender": "가상은행", "product": "가상 신용대출", "amount": "10,000,000원", "period": "12개월"}


def test_a_transaction_is_read_in_both_languages():
    """Every field by its name, in an order of its own."""
    assert [
        "대출 신청:",
        "  금융기관: 가상은행",
        "  상품: 가상 신용대출",
        "  금액: 10,000,000원",
        "  기간: 12개월",
    ] == list(lines(LOAN, FIELDS, "ko"))
    assert ["loan application:", "  lender: 가상은행"] == list(lines(LOAN, FIELDS, "en"))[:2]


def test_what_a_verifier_writes_is_text():
    """Nothing that a terminal obeys, and nothing that changes direction."""
    told = "\n".join(lines(LOAN, FIELDS | {"amount": "\x1b[2J1\u202e000"}, "en"))

    assert not {"\x1b", "\u202e"} & set(told)


@pytest.mark.parametrize("type_id", TYPES)
def test_a_known_type_has_words_for_all_of_it(type_id):
    """In Korean and English, for itself and each field, and only for texts."""
    known, fields = TYPES[type_id], dict.fromkeys(KNOWN[type_id], "x")
    TransactionData.make(type_id, ["a"], fields).check_known(KNOWN)

    assert all({"ko", "en"} == words.keys() for words in (known.names, *known.fields.values()))
    assert 1 + (1 if known.text else len(fields)) == len(list(lines(type_id, fields, "ko")))


def test_a_text_that_says_all_is_read_whole():
    """In its own language, each line as it is, however long, and not the record beside it."""
    text = "가" * 2000 + "\n둘째 줄\x1b"
    told = list(lines("urn:example:kr-ewallet:transaction:consent:1", {"text": text, "record": "{}"}, "en"))

    assert ["consent:", "  " + "가" * 2000, "  둘째 줄\\u001b"] == told


@pytest.mark.parametrize("change", [{"lender": ""}, {"fee": "1"}, {"amount": None}])
def test_a_field_more_or_less_is_another_transaction(change):
    """A holder would confirm what is not shown."""
    fields = {name: text for name, text in {**FIELDS, **change}.items() if text is not None}
    with pytest.raises(ProtocolError) as refused:
        TransactionData.make(LOAN, ["a"], fields).check_known(KNOWN)
    assert ("request.invalid", "invalid_transaction_data") == (refused.value.code, refused.value.error)


def _worded(path, kind="resident_register_copy", text="[]"):
    path.write_text(text, "utf-8")
    unsaid = dict.fromkeys(("query", "rule", "acting", "case", "principal", "agent"))
    args = Namespace(kind=kind, claims="resident_address", purpose="x", transaction_data=str(path), **unsaid)
    return worded(args)["transaction_data"]


def test_a_transaction_is_confirmed_with_whatever_is_asked_unless_it_says_with_what(tmp_path):
    """One of them, or a list."""
    asked = _worded(tmp_path / "one.json", text=f'{{"type": "{LOAN}", "amount": "1"}}')
    listed = _worded(tmp_path / "two.json", text='[{"type": "a"}, {"type": "b", "credential_ids": ["c"]}]')

    assert [{"type": LOAN, "amount": "1"}] == [
        {k: v for k, v in each.items() if k != "credential_ids"} for each in asked
    ]
    assert asked[0]["credential_ids"]
    assert ["c"] == listed[1]["credential_ids"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed.json"),
        ("1", "malformed.claim_type"),
        ("[1]", "malformed.claim_type"),
        ('["x"]', "malformed.claim_type"),
    ],
)
def test_what_is_no_transaction_is_not_asked(tmp_path, text, code):
    """Before any code is shown."""
    with pytest.raises(Malformed) as refused:
        _worded(tmp_path / "bad.json", text=text)
    assert code == refused.value.code
