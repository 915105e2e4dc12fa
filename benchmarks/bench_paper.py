"""Row 17: a household's certificate from its claims to the bytes of a tagged PDF/A, a different one each time."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from statistics import median
from typing import Final

from measure import Contender, Target, absent, interleaved, judge
from work import World

from ewallet.catalog import Catalog
from ewallet.paper import Form, page, pdf, plain

TITLE = "Row 17: a certificate on paper"
_KIND: Final = "resident_register_copy"
_AT: Final = datetime(2026, 11, 21, tzinfo=UTC)
_CODE: Final = "EXAMPLE" * 90  # characters, as long as the lean form of a credential
_ATTACHED: Final = "x" * 4_000
_MS: Final = 1_000  # microseconds
_MUST: Final = 50  # ms
_AIM: Final = 25
_BEFORE: Final = 5  # typst reads its fonts once


def run(_world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    if importlib.util.find_spec("typst") is None:
        absent("typst", "the extra [paper] is not installed")
        return True
    forms = _forms()
    contenders = [
        Contender("form", lambda: next(forms), 1, "what stands on the page, from the claims"),
        Contender("html", lambda: page.document(next(forms), code=_CODE), 1, "form and page for the screen"),
        Contender("text", lambda: plain.text(next(forms)), 1, "form and text for reading aloud"),
        Contender("pdf", lambda: _pdf(next(forms)), 1, "form and PDF/A-3a with PDF/UA-1"),
        Contender("large print", lambda: _pdf(next(forms), large=True), 1, "the same with letters of 18 points"),
    ]
    for _ in range(_BEFORE):
        _pdf(next(forms))
    times = interleaved(contenders, rounds)
    for contender in contenders:
        print(f"  {contender.name:<12}{median(times[contender.name]) / _MS:8.2f} ms  {contender.note}")
    return judge([Target("a PDF", median(times["pdf"]) / _MS, _MUST, _AIM, most=True, unit=" ms")])


def _forms() -> Iterator[Form]:
    """A form of another household each time: typst remembers what it has set before."""
    kind = Catalog.bundled().type(_KIND)
    members = kind.sample["household_members"]
    for number in count():
        people = [{**member, "name": f"{member['name']}{number}"} for member in members]
        yield Form.of(kind, {**kind.sample, "document_number": f"{number:016}", "household_members": people})


def _pdf(form: Form, *, large: bool = False) -> None:
    style = "large_print" if large else "standard"
    made = pdf(form, credential=_ATTACHED, code=_CODE, at=_AT, style=style)
    assert made.startswith(b"%PDF-1.7"), "no PDF was made"
