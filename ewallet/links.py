"""Where links lead, and what one that was scanned or followed is for: an offer, a request, or nothing.

A code may hold anything. What is neither is not opened, handed on or looked at: no web page, no file, no program.
"""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlsplit

from ewallet.errors import Malformed

Purpose = Literal["offer", "request"]

#: OpenID4VCI 1.0 §4.1, OpenID4VP 1.0 §13.1.2, HAIP 1.0 §4 and §5.
_SCHEMES: Final[dict[str, Purpose]] = {
    "openid-credential-offer": "offer",
    "haip-vci": "offer",
    "openid4vp": "request",
    "haip-vp": "request",
}
_MAX_CODE: Final = 4 * 1024  # characters; the largest QR code holds 2 953 bytes


def well_known(identifier: str, name: str) -> str:
    """Where the metadata of that name is: inserted between host and path (RFC 8615).

    So say RFC 8414 §3, OpenID4VCI 1.0 §12.2.2 and draft-ietf-oauth-sd-jwt-vc-19 §4 of their own.
    """
    parts = urlsplit(identifier)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path.rstrip('/')}"


def path_of(address: str) -> str:
    """The path of an address that anybody may ask for; empty where it is none, as of ``//[``."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def is_link(text: str) -> bool:
    """Whether it begins as links of these kinds do."""
    return text.partition(":")[0].strip().lower() in _SCHEMES


def purpose(text: str) -> Purpose:
    """What the link is for; ``malformed.qr`` for a link of another kind, and for what is no link."""
    scheme, _, rest = text.partition(":")
    found = _SCHEMES.get(scheme.lower())
    if found is None or not rest.startswith("//") or not text.isascii() or not text.isprintable():
        raise Malformed("malformed.qr", "neither an offer nor a request")
    return found


def scanned(text: str) -> str:
    """The link that a code holds, offer or request; ``malformed.qr``."""
    if len(text) > _MAX_CODE:
        raise Malformed("malformed.qr", f"a code of {len(text)} characters, at most {_MAX_CODE} are followed")
    purpose(text)
    return text
