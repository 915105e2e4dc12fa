"""What a package says, in words: a heading for each member, and a line for each claim and answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ewallet.catalog import Catalog
from ewallet.consent import Consent, ConsentItem
from ewallet.errors import Language
from ewallet.labels import item_value, kind_name, path_name
from ewallet.shape import Json


def told(consent: Consent, claims: Mapping[str, Mapping[str, Json]], lang: Language) -> Iterator[tuple[str, list[str]]]:
    """Headings and lines of the members that came, by the words of the consent under which they did."""
    catalog = Catalog.bundled()
    for item in consent.items:
        kind, found = catalog.type(item.type_id), claims.get(item.type_id, {})
        values = {name: item_value(kind, (name,), value, lang) for name, value in found.items()}
        yield kind_name(kind, item.type_id, lang), [f"{_name(item, name, lang)}: {values[name]}" for name in values]


def _name(item: ConsentItem, name: str, lang: Language) -> str:
    """The name of a claim, or the question that was answered, with its numbers."""
    catalog = Catalog.bundled()
    asked = tuple(question for question in item.questions if question.name == name)
    if not asked:
        return path_name(catalog.type(item.type_id), (name,), lang)
    words = ConsentItem(type_id=item.type_id, questions=asked).words(catalog, lang)
    return words.partition(": ")[2]
