"""Nonces that a server need not write down when it gives them: they prove themselves until their time is over.

Only those that come back are remembered, by whoever may take each once.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from ewallet.env import Random
from ewallet.errors import Malformed
from ewallet.shape import base64url, to_base64url

LIFE: Final = timedelta(minutes=5)
_TIME: Final = 6  # bytes of a time in seconds
_RANDOM: Final = 16
_MAC: Final = 16
_TEXT: Final = -(-(_TIME + _RANDOM + _MAC) * 4 // 3)


@dataclass(frozen=True)
class Nonces:
    """Nonces for one purpose under a secret of 32 bytes that all workers of a server share."""

    secret: bytes = field(repr=False)
    purpose: str

    def give(self, at: datetime, random: Random) -> str:
        """A fresh one; it is good for five minutes."""
        text = int((at + LIFE).timestamp()).to_bytes(_TIME, "big") + random(_RANDOM)
        return to_base64url(text + self._mac(text))

    def is_good(self, nonce: str, at: datetime) -> bool:
        """Whether it is one of ours, for this purpose, and not over."""
        if len(nonce) != _TEXT:
            return False
        try:
            raw = base64url(nonce)
        except Malformed:
            return False
        text, mac = raw[:-_MAC], raw[-_MAC:]
        return hmac.compare_digest(mac, self._mac(text)) and at.timestamp() < int.from_bytes(text[:_TIME], "big")

    def tag(self, text: str) -> bytes:
        """A digest that only holders of the secret can make: what is kept of a text that could be guessed."""
        return hmac.digest(self.secret, f"{self.purpose}:{text}".encode(), sha256)

    def _mac(self, text: bytes) -> bytes:
        return hmac.digest(self.secret, self.purpose.encode("ascii") + b"\0" + text, sha256)[:_MAC]
