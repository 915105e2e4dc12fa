"""The claim by which a credential says that its holder acts for the person it is about (대리), whatever its kind.

``act`` (RFC 8693 §4.1) is no claim of any kind file. A record may have it, and what is signed of it is never withheld:
who acts, ``for`` whom, and by which ``law``. An official's ``mandate`` is for one case at one recipient and for hours.
"""

from __future__ import annotations

from typing import Any, Final

ACT: Final = "act"

_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 200}
_MANDATE: Final = ("office", "identified", "case", "aud")

#: JSON Schema of its value.
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "for": _TEXT,
        "law": _TEXT,
        "mandate": {
            "type": "object",
            "properties": {**dict.fromkeys(_MANDATE, _TEXT), "iat": {"type": "integer"}, "exp": {"type": "integer"}},
            "required": [*_MANDATE, "iat", "exp"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "for", "law"],
    "additionalProperties": False,
}
