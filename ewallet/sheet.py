"""A record as it is put on paper: what is printed of it, for whom and what the print is made, and how long it holds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet
from typing import Final

from ewallet.catalog import CredentialType
from ewallet.catalog.eligibility import KIND
from ewallet.credential import Claims, Validity
from ewallet.errors import UsageError
from ewallet.formats.paper import Sheet
from ewallet.printed import names, on_paper

_NUMBER: Final = re.compile(r"(?<!\d)\d{6}\s*[-\u2010-\u2015]?\s*[1-8]\d{6}(?!\d)")
MAX_TEXT: Final = 100  # characters of a recipient or a purpose: a line on the page


def sheet(
    kind: CredentialType,
    record: Claims,
    *,
    printed: AbstractSet[str] | None,
    issuer: str,
    number: str,
    recipient: str,
    purpose: str,
    validity: Validity,
) -> Sheet:
    """A checked record of that kind as it is put on paper; ``usage.argument``.

    ``printed`` are the names of the claims that are, None for all; ``number`` stands for a document number where the
    kind has none. An answer of yes or no is never printed: on paper it would be good for whoever has it.
    """
    if not is_printable(kind):
        raise UsageError("usage.argument", "an answer to a rule is for the holder's key alone, and is not printed")
    claims = on_paper(kind, record, among=_names(kind, printed))
    return Sheet(
        type_id=kind.vct,
        issuer=issuer,
        number=str(record.get("document_number", number)),
        name=next(names(claims), ""),
        claims=claims,
        recipient=_line(recipient, "recipient"),
        purpose=_line(purpose, "purpose"),
        validity=validity,
    )


def is_printable(kind: CredentialType) -> bool:
    """Whether certificates of that kind may be put on paper."""
    return kind.id != KIND


def _names(kind: CredentialType, printed: AbstractSet[str] | None) -> AbstractSet[str] | None:
    if printed is not None and not printed <= {claim.name for claim in kind.claims}:
        raise UsageError("usage.argument", "a claim to be printed that the kind has not")
    return printed


def _line(text: str, what: str) -> str:
    line = unicodedata.normalize("NFC", text)
    if not 0 < len(line) <= MAX_TEXT or not line.isprintable():
        raise UsageError("usage.argument", f"{what} is empty, longer than {MAX_TEXT} characters or not one line")
    if _NUMBER.search(unicodedata.normalize("NFKC", line)):
        raise UsageError("usage.argument", f"{what} has a number like a resident number, which is never printed")
    return line
