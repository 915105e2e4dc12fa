"""The kinds of certificates as a citizen looks for them: by field, by words, one's own first."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from ewallet.catalog.kinds import CredentialType
from ewallet.errors import Language
from issuer_service import words

MAX_QUERY: Final = 100  # characters
_LANGUAGES: Final[tuple[Language, ...]] = ("ko", "en")


@runtime_checkable
class Register(Protocol):
    """Records that can say which kinds they have of somebody without reading them all."""

    def kinds(self, subject: str) -> Collection[str]:
        """The identifiers of these kinds."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The kinds of one field; ``id`` is its place on the page."""

    id: str
    name: str
    kinds: tuple[CredentialType, ...]


class Listing:
    """The kinds that are issued here, read once."""

    def __init__(self, kinds: Iterable[CredentialType]) -> None:
        self._kinds = tuple(sorted(kinds, key=lambda kind: (words.place(kind.category), kind.label("ko"))))
        self._texts = {kind.id: _text(kind) for kind in self._kinds}

    def found(self, query: str) -> tuple[CredentialType, ...]:
        """Those that all words of a query are said of, in either language; all without a word."""
        asked = [_plain(word) for word in query.split()]
        return tuple(kind for kind in self._kinds if all(word in self._texts[kind.id] for word in asked))


def shelves(kinds: Iterable[CredentialType], language: Language) -> tuple[Shelf, ...]:
    """Kinds by their field, in the order they come."""
    by_field: dict[str, list[CredentialType]] = {}
    for kind in kinds:
        by_field.setdefault(kind.category, []).append(kind)
    return tuple(
        Shelf(id=field, name=words.category(field, language), kinds=tuple(found)) for field, found in by_field.items()
    )


def _text(kind: CredentialType) -> str:
    said = [*kind.names.values(), *kind.agencies.values(), *kind.used_by, *kind.variants]
    return " ".join(map(_plain, [*said, *(words.category(kind.category, language) for language in _LANGUAGES)]))


def _plain(text: str) -> str:
    """Letters and digits alone: people write 주민등록표 등본 with and without the space."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())
