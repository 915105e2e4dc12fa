"""What a package says, in words: a heading for each member, and a line for each claim and answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ewallet.catalog import Catalog
from ewallet.errors import Language
from ewallet.labels import claim, kind_name
from ewallet.shape import Json


def told(claims: Mapping[str, Mapping[str, Json]], lang: Language) -> Iterator[tuple[str, list[str]]]:
    """Headings and lines of the members that came."""
    catalog = Catalog.bundled()
    for type_id, found in claims.items():
        kind = catalog.type(type_id)
        lines = [line.strip() for name, value in found.items() for line in claim(kind, (name,), value, lang)]
        yield kind_name(kind, type_id, lang), lines
