"""How pages of the demo's own look, and the policy under which a browser shows them: they fetch nothing."""

from __future__ import annotations

import base64
from hashlib import sha256
from html import escape
from typing import Final

from ewallet.errors import Language

_STYLE: Final = (
    "body{max-width:40rem;margin:0 auto;padding:1rem;font:1.0625rem/1.65 system-ui,sans-serif;word-break:keep-all;"
    "overflow-wrap:anywhere}h1{font-size:1.25rem;margin-top:2rem}h2{font-size:1.0625rem}li{margin:.5rem 0}"
    "code{font-size:.9375rem}a.load,button{display:inline-block;padding:.75rem 1.25rem;border:0;border-radius:.375rem;"
    "background:#123f7a;color:#fff;font:inherit;cursor:pointer}"
)
_HASH: Final = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'"


def whole(title: str, body: str, language: Language = "ko") -> str:
    """A whole page; ``body`` is HTML."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
