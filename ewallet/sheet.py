"""What of a record is put on paper: the claims that are printed, and whom the certificate is about.

Rule of this file: a resident registration number is never printed, only its masked form. An Act decides who may ask for
it, and paper goes on to whoever picks it up.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from ewallet.catalog import CredentialType
from ewallet.catalog.claims import ClaimType
from ewallet.credential import Claims, Validity
from ewallet.errors import UsageError
from ewallet.formats.paper import Sheet
from ewallet.shape import Json

MAX_TEXT: Final = 100  # characters of a recipient or a purpose: a line on the page
_RESIDENT_NUMBER: Final = "rrn"
_MASKED: Final = "_masked"
_UNPRINTED: Final = frozenset({"connecting_information"})  # it links everything about a person; no form shows it
#: Whom a certificate is about, a person before a body.
_NAMES: Final = (
    *("subject_name", "name", "applicant_name", "household_head_name", "owner_name", "officer_name"),
    *("company_name", "corporate_name", "trade_name", "business_name", "child_name", "deceased_name", "lessee_name"),
)


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
    kind has none.
    """
    claims = _printed(kind.claims, record, _names(kind, printed))
    return Sheet(
        type_id=kind.vct,
        issuer=issuer,
        number=str(record.get("document_number", number)),
        name=next((str(claims[name]) for name in _NAMES if isinstance(claims.get(name), str)), ""),
        claims=claims,
        recipient=_line(recipient, "recipient"),
        purpose=_line(purpose, "purpose"),
        validity=validity,
    )


def printable(kind: CredentialType, record: Mapping[str, Json]) -> dict[str, Json]:
    """What of a record may be printed: all but resident registration numbers, as deep as they go."""
    return _printed(kind.claims, record, {claim.name for claim in kind.claims})


def _names(kind: CredentialType, printed: AbstractSet[str] | None) -> AbstractSet[str]:
    names = {claim.name for claim in kind.claims}
    if printed is not None and not printed <= names:
        raise UsageError("usage.argument", "a claim to be printed that the kind has not")
    return names if printed is None else printed


def _printed(kinds: Iterable[ClaimType], record: Mapping[str, Json], names: AbstractSet[str]) -> dict[str, Json]:
    """These claims in the order of the kind, without what is never printed, as deep as they go."""
    return {
        claim.name: _value(claim, record[claim.name])
        for claim in kinds
        if claim.name in names and not _is_empty(record.get(claim.name)) and _is_printed(claim)
    }


def _is_empty(value: Json) -> bool:
    return value is None or value in ("", {})


def _is_printed(claim: ClaimType) -> bool:
    """The masked form of a number is on every form, also where it is made from the number."""
    is_shown = not claim.derived or claim.name.endswith(_MASKED)
    return is_shown and claim.sensitivity != _RESIDENT_NUMBER and claim.name not in _UNPRINTED


def _value(claim: ClaimType, value: Json) -> Json:
    if not claim.members:
        return value
    if isinstance(value, list):
        return [_value(claim, item) for item in value]
    if isinstance(value, Mapping):
        return _printed(claim.members, value, {member.name for member in claim.members})
    return value


def _line(text: str, what: str) -> str:
    line = unicodedata.normalize("NFC", text)
    if not 0 < len(line) <= MAX_TEXT or not line.isprintable():
        raise UsageError("usage.argument", f"{what} is empty, longer than {MAX_TEXT} characters or not one line")
    return line
