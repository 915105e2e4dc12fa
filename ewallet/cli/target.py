"""What a holder names: a link, a picture of a QR code, or a file."""

from __future__ import annotations

from typing import Final

from ewallet import links, qr
from ewallet.errors import UsageError
from ewallet.files import read as read_file
from ewallet.shape import MAX_DOCUMENT

_SCHEME_ENDS: Final = "://"
_TAKEN_BY: Final[dict[links.Purpose, str]] = {
    "offer": "an offer, which `ewallet receive` takes",
    "request": "a request, which `ewallet present` answers",
}


def read(named: str, what: str, purpose: links.Purpose) -> str | bytes:
    """The link that was typed, or that a picture or file holds; else the bytes of the file.

    Raises ``malformed.qr`` for a link or code that is neither an offer nor a request, ``usage.argument`` for the one
    where the other is wanted, ``malformed.image``, ``limit.*``, ``usage.file``.
    """
    given = _read(named, what)
    if isinstance(given, str) and links.purpose(given) != purpose:
        raise UsageError("usage.argument", f"this is {_TAKEN_BY[links.purpose(given)]}")
    return given


def _read(named: str, what: str) -> str | bytes:
    if links.is_link(named) or _SCHEME_ENDS in named:
        return named
    raw = read_file(named, limit=max(MAX_DOCUMENT, qr.MAX_PICTURE), what=what)
    if qr.is_picture(raw):
        return links.scanned(qr.read(raw))
    head = raw[:64].decode("ascii", "replace")
    return links.scanned(raw.decode("ascii", "replace").strip()) if links.is_link(head) else raw
