"""The document-number check (진위확인): whether a document with that number was issued; match or no match, for 90 days.

Who asks says what is printed: the number, a name, and if it is known the date of issue. What is kept of a document are
digests under a secret of the issuer, of its number with each name at its head, and of these with the date. Nobody can
read a number or a name from them, and whoever wants to try all needs the secret and the database.

Rules of this file: what is revoked, suspended, older than 90 days or unknown is no match, and takes the same way to it;
ten wrong answers within any hour are what one source may give, and what may be given about one number, whoever asks.
Cards, whose number is theirs for as long as they hold, are not asked about here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, Protocol

from ewallet.catalog import CredentialType
from ewallet.env import Env
from ewallet.errors import Malformed, UsageError
from ewallet.nonces import Nonces
from ewallet.printed import names

LIFE: Final = timedelta(days=90)  # as long as the portals of the agencies answer
MAX_MISSES: Final = 10  # QRC-12
MAX_TEXT: Final = 200  # characters of a number or a name
WINDOW: Final = timedelta(hours=1)
PAGE: Final = "/documents"  # where people ask, below the identifier of the issuer
_CARDS: Final = "renewed"

Outcome = Literal["match", "no_match", "too_many"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is kept of a document: digests of what may be asked about it, since when and until when."""

    digests: frozenset[bytes]
    at: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What is asked: its digest, and the digests by which misses are counted, each for as long as ``window``."""

    digest: bytes
    counters: frozenset[bytes]
    window: timedelta = WINDOW
    max_misses: int = MAX_MISSES


class DocumentStore(Protocol):
    """What the check must not forget; entries come with the completion of a certificate."""

    def secret(self, fresh: bytes) -> bytes:
        """The secret that all workers share: the first one that was ever brought."""

    def inquire(self, inquiry: Inquiry, at: datetime) -> Outcome:
        """Whether a valid certificate has that digest; a miss counts for each counter, and what is over is deleted."""


def check_page(issuer: str) -> str:
    """The address that is printed on a document, where its number can be checked."""
    return f"{issuer}{PAGE}"


class Documents:
    """Makes entries of what is issued, and answers those who ask about it."""

    def __init__(self, store: DocumentStore, *, env: Env | None = None) -> None:
        self._store = store
        self._env = env or Env()
        self._known = b""

    def entry(self, kind: CredentialType, record: Mapping[str, Any], at: datetime) -> Entry | None:
        """What to keep of a record that is issued now; None where it has no number, or one that stays."""
        number = _plain(str(record.get("document_number", "")))
        if not number or kind.validity_rule == _CARDS:
            return None
        named = {_plain(name) for name in names(record)}
        days = {str(record["issue_date"])} if "issue_date" in record else set()
        pairs = {(name, day) for name in named or {""} for day in (days if not named else days | {""})}
        return Entry(digests=frozenset(self._digest(number, name, day) for name, day in pairs), at=at, until=at + LIFE)

    def check(self, number: str, *, name: str = "", issued: date | None = None, source: str = "") -> bool:
        """Whether a valid document was issued with that number and name, and on that day; of the last 90 days.

        Spaces, dashes and the width of letters do not matter. A document that names nobody is asked for by its day.
        ``limit.rate`` after ten misses, ``usage.argument`` where neither name nor day is given.
        """
        if not _plain(number) or not (_plain(name) or issued) or max(len(number), len(name)) > MAX_TEXT:
            raise UsageError("usage.argument", "a number with a name or a day of issue is expected")
        at = self._env.now()
        outcome = self._store.inquire(self._inquiry(_plain(number), _plain(name), issued, source), at)
        if outcome == "too_many":
            raise Malformed("limit.rate", "too many documents that were not found")
        return outcome == "match"

    def _inquiry(self, number: str, name: str, issued: date | None, source: str) -> Inquiry:
        return Inquiry(
            digest=self._digest(number, name, issued.isoformat() if issued else ""),
            counters=frozenset({self._tags.tag(f"source:{source}"), self._tags.tag(f"number:{number}")}),
        )

    def _digest(self, number: str, name: str, day: str) -> bytes:
        return self._tags.tag(f"entry:{number}:{name}:{day}")

    @property
    def _tags(self) -> Nonces:
        if not self._known:
            self._known = self._store.secret(self._env.random(32))
        return Nonces(self._known, "document")


def _plain(text: str) -> str:
    """Letters and digits alone, as everybody writes them: people type dashes and spaces as they like."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFC", "".join(sign for sign in folded if sign.isalnum()))
