"""What a browser is told to call a file that it saves (RFC 6266), in whatever letters (RFC 8187)."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import quote

_MAX_NAME: Final = 80  # characters; three times as many bytes fit into any file system
_KEPT: Final = frozenset(" ()-_")


def attachment(name: str, extension: str) -> str:
    """The ``Content-Disposition`` of a file: a name without folders, controls or marks of direction, and never hidden.

    >>> attachment("../../견본", "pdf")
    "attachment; filename=document.pdf; filename*=UTF-8''%EA%B2%AC%EB%B3%B8.pdf"
    """
    letters = unicodedata.normalize("NFC", name)[:_MAX_NAME]
    safe = "".join(sign if sign.isalnum() or sign in _KEPT else "_" for sign in letters).strip(" _-")
    plain = safe if safe.isascii() else ""
    shown = plain.replace(" ", "_").replace("(", "").replace(")", "") or "document"
    return (
        f"attachment; filename={shown}.{extension}; filename*=UTF-8''{quote(safe or 'document', safe='')}.{extension}"
    )
