"""The claims of a kind as the elements of an mdoc (ISO/IEC 18013-5 §7): one namespace below the other, values in CBOR.

Which claim is which element, the kind's file says (:attr:`ewallet.catalog.kinds.CredentialType.elements`). Dates are
full-dates and pictures byte strings; a moment stays text, because a tdate would lose its offset from UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ewallet.catalog.acting import ACT
from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Claims, Path
from ewallet.errors import UsageError
from ewallet.shape import Json, base64

_FULL_DATE = 1004  # RFC 8943


def arrange(type_: CredentialType, claims: Claims) -> dict[str, dict[str, Any]]:
    """A record of the kind, answers included, as ``{namespace: {element: value}}`` ready for CBOR."""
    arranged: dict[str, dict[str, Any]] = {}
    for name, value in claims.items():
        if name == ACT:  # a holder leaves out of an mdoc what they like
            raise UsageError("issue.invalid_value", "act: an mdoc has no place for what is always shown")
        namespace, element = type_.elements[name]
        arranged.setdefault(namespace, {})[element] = _value(type_.signed[name], value)
    return arranged


def place(type_: CredentialType, path: Path) -> Path | None:
    """The (namespace, element) of a claim of the kind; None for what is only a part of an element."""
    return type_.elements.get(path[0]) if len(path) == 1 and isinstance(path[0], str) else None


def _value(claim: ClaimType, value: Json) -> Any:
    if claim.type == "array":
        return [_members(claim, row) for row in value]
    if claim.type == "object":
        return _members(claim, value)
    if claim.type == "date":
        return _full_date(value)
    return base64(value, claim.name) if claim.format == "image" else value


def _members(claim: ClaimType, values: Mapping[str, Json]) -> dict[str, Any]:
    types = {member.name: member for member in claim.members}
    return {name: _value(types[name], value) for name, value in values.items()}


def _full_date(text: str) -> Any:
    import cbor2  # 8 ms, which a process for an SD-JWT does not need

    return cbor2.CBORTag(_FULL_DATE, text)
