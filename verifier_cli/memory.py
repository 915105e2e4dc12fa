"""What a verifier must not forget, forgotten when the command ends.

Enough for one presentation whose request is used once. Whoever judges answers to the same requests in several runs
names a database with ``--state``, or an answer could be shown twice, and an old trust list come back.
"""

from __future__ import annotations

from datetime import datetime

from ewallet.errors import AlreadyUsed


class MemoryStore:
    """A :class:`ewallet.verifier.VerifierStore` and :class:`ewallet.trust.TrustVersions` for one run."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[datetime, str]] = {}
        self._crls: dict[bytes, tuple[int, bytes]] = {}
        self._nonces: set[str] = set()

    def status_token(self, uri: str) -> str | None:
        return self._tokens[uri][1] if uri in self._tokens else None

    def put_status_token(self, uri: str, raw: str, issued: datetime) -> bool:
        if uri in self._tokens and self._tokens[uri][0] > issued:
            return False
        self._tokens[uri] = (issued, raw)
        return True

    def crl(self, authority: bytes) -> bytes | None:
        return self._crls[authority][1] if authority in self._crls else None

    def put_crl(self, authority: bytes, raw: bytes, number: int) -> bool:
        kept = self._crls.setdefault(authority, (number, raw))
        if kept[0] < number:
            self._crls[authority] = number, raw
        return kept[0] < number or kept[1] == raw

    def take_nonce(self, nonce: str, until: datetime) -> None:
        if nonce in self._nonces:
            raise AlreadyUsed("storage.already_used", "the nonce was used in this run")
        self._nonces.add(nonce)

    def trust_version(self, operator: str) -> int:
        return 0  # one run reads one list

    def put_trust_version(self, operator: str, version: int) -> bool:
        return True
