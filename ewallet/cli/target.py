"""What a holder names: a link, a picture of a QR code, or a file."""

from __future__ import annotations

from typing import Final

from ewallet import links, qr
from ewallet.files import read as read_file
from ewallet.shape import MAX_DOCUMENT

_SCHEME_ENDS: Final = "://"


def read(named: str, what: str) -> str | bytes:
    """The link that was typed, or that a picture or file holds; else the bytes of the file.

    Raises ``malformed.qr`` for a link or code that is neither an offer nor a request, ``malformed.image``, ``limit.*``,
    ``usage.file``.
    """
    if links.is_link(named) or _SCHEME_ENDS in named:
        links.purpose(named)
        return named
    raw = read_file(named, limit=max(MAX_DOCUMENT, qr.MAX_PICTURE), what=what)
    if qr.is_picture(raw):
        return links.scanned(qr.read(raw))
    head = raw[:64].decode("ascii", "replace")
    return links.scanned(raw.decode("ascii", "replace").strip()) if links.is_link(head) else raw
