"""What a certificate contains, in words for its holder: the labels of its kind beside the values of the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import Language
from ewallet.labels import won
from issuer_service.words import word

_JAMO: Final = "\u1100"  # Hangul, its parts and the Chinese characters of names come after the other letters we use


@dataclass(frozen=True)
class Item:
    """A label and its text, or the rows below it."""

    label: str
    text: str = ""
    rows: tuple[tuple[Item, ...], ...] = ()

    @property
    def korean(self) -> bool:
        """Whether the text is Korean, whatever the language of the page: screen readers want to know."""
        return any(letter >= _JAMO for letter in self.text)


def contents(kind: CredentialType, record: Mapping[str, Any], language: Language) -> tuple[Item, ...]:
    """What a record says, in the order of its kind; of resident numbers the masked form alone is for a screen."""
    return tuple(_items(kind.claims, record, language))


def answers(kind: CredentialType, language: Language) -> tuple[str, ...]:
    """The yes/no questions that are signed with it."""
    return tuple(predicate.label(language) for predicate in kind.predicates if predicate.presign)


def fee(kind: CredentialType, language: Language) -> str:
    """What it costs online; empty where that is not known."""
    amount = kind.fee.get("electronic_krw")
    if amount is None:
        return ""
    return text(amount, "amount_krw", language) if amount else word("free", language)


def _items(claims: Iterable[ClaimType], record: Mapping[str, Any], language: Language) -> Iterator[Item]:
    for claim in claims:
        if claim.name not in record or claim.sensitivity == "rrn":
            continue
        value = record[claim.name]
        if claim.members:
            rows = value if isinstance(value, list) else [value]
            below = tuple(tuple(_items(claim.members, row, language)) for row in rows if row)
            yield Item(claim.label(language), "" if below else word("none", language), below)
        elif claim.format == "image":
            yield Item(claim.label(language), word("a_picture", language))
        else:
            yield Item(claim.label(language), text(value, claim.type, language))


def text(value: Any, type_: str, language: Language) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return word("yes" if value else "no", language)
    if type_ == "amount_krw":
        return won(value, language)
    if type_ == "date" and language == "ko":
        year, month, day = str(value).split("-")
        return f"{year}. {int(month)}. {int(day)}."
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
