"""What is on record of the seven of the demo register, for rules to be held against."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from ewallet.catalog import Catalog
from ewallet.testing.clock import Clock
from issuer_service.records import CITIZENS, DemoRecords

CATALOG = Catalog.bundled()
CLOCK = Clock()
TODAY = date(2026, 11, 21)
RECORDS = DemoRecords(CATALOG, CLOCK.env())
LIVES = {
    (who, kind): CATALOG.type(kind).completed(RECORDS.claims(who, kind))
    for who, citizen in CITIZENS.items()
    for kind in citizen.records
}
HOMES = {
    who: citizen.instead.get("가상특별시 예시구 견본로 1", "가상특별시 예시구 견본로 1")
    for who, citizen in CITIZENS.items()
}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a record, the record itself first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from objects(each)


def said() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every object of every record: (whose, kind, object)."""
    for (who, kind), record in LIVES.items():
        for each in objects(record):
            yield who, kind, each


def day(text: str) -> date:
    """The day of a date, or of a moment."""
    return date.fromisoformat(text[:10])


def age(born: str, at: str) -> int:
    """Completed years."""
    before, after = day(born), day(at)
    return after.year - before.year - ((after.month, after.day) < (before.month, before.day))
