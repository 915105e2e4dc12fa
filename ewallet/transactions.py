"""The transactions that a holder can be shown before confirming them (OpenID4VP 1.0 §8.4), in Korean and English.

What a wallet cannot put into words it refuses: nobody confirms what they have not read. A type has all its fields and
no others, each of them a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ewallet.errors import Language
from ewallet.shape import Json
from ewallet.terminal import plain, value

Words = Mapping[Language, str]


@dataclass(frozen=True, kw_only=True)
class TransactionType:
    """What a kind of transaction is called, and its fields in the order they are read.

    Where one of them is the ``text`` that says all of it, that is read whole, in its own language, and no other.
    """

    id: str
    names: Words
    fields: Mapping[str, Words]
    text: str = ""


def _type(name: str, ko: str, en: str, /, *, whole: str = "", **fields: tuple[str, str]) -> TransactionType:
    return TransactionType(
        id=f"urn:example:kr-ewallet:transaction:{name}:1",
        names={"ko": ko, "en": en},
        fields={field: {"ko": korean, "en": english} for field, (korean, english) in fields.items()},
        text=whole,
    )


_ALL: Final = (
    _type(
        "loan",
        "대출 신청",
        "loan application",
        lender=("금융기관", "lender"),
        product=("상품", "product"),
        amount=("금액", "amount"),
        period=("기간", "period"),
    ),
    _type(
        "account",
        "계좌 개설",
        "opening of an account",
        bank=("금융기관", "bank"),
        product=("상품", "product"),
        purpose=("거래 목적", "purpose"),
    ),
    _type(
        "payment",
        "지급",
        "payment",
        payee=("받는 분", "payee"),
        amount=("금액", "amount"),
        reference=("내용", "reference"),
    ),
    _type("consent", "동의", "consent", whole="text", text=("동의 내용", "text"), record=("기록", "record")),
)

#: By identifier.
TYPES: Final[Mapping[str, TransactionType]] = {each.id: each for each in _ALL}
#: The fields of each, as :class:`ewallet.wallet.Wallet` wants them.
KNOWN: Final[Mapping[str, frozenset[str]]] = {each.id: frozenset(each.fields) for each in _ALL}


def lines(type_id: str, fields: Mapping[str, Json], lang: Language) -> Iterator[str]:
    """A transaction of a known type, line by line."""
    known = TYPES[type_id]
    yield f"{known.names[lang]}:"
    if known.text:
        yield from (f"  {plain(line, len(line))}" for line in str(fields[known.text]).split("\n"))
        return
    for name, words in known.fields.items():
        yield f"  {words[lang]}: {value(fields[name], lang)}"
