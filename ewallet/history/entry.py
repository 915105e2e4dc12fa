"""What the history of use says: one entry for each event, without a name, a number, a value or a hash of one.

An entry is canonical JSON (RFC 8785) of a fixed set of members. Whoever is meant is a handle, 16 random bytes that
mean nothing elsewhere; what happened is one word of a closed list; what it was about is committed to with a random key
that is kept with the object (:func:`commit`), and means nothing once that is destroyed. Nothing else has a place.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, cast, get_args

from ewallet.env import Random
from ewallet.errors import PolicyError, UsageError
from ewallet.history.tree import MAX_SIZE, leaf_hash
from ewallet.shape import Json, base64url, instance, json_object, member, refuse, to_base64url

#: Everything that can be on record. What a wallet shows by itself is not: nobody hears of it.
EventType = Literal[
    "consent.given",
    "consent.renewed",
    "consent.withdrawn",
    "consent.fulfilled",
    "package.downloaded",
    "package.revoked",
    "eligibility.answered",
    "data.exported",
    "data.deleted",
    "delegation.given",
    "delegation.used",
    "delegation.withdrawn",
    "recipient.stopped",
]
#: How it ended. An answer of yes or no is a value, and not on record.
Outcome = Literal["done", "refused"]

MAX_ENTRY: Final = 4096  # bytes; with eight parties it has 700
MAX_PARTIES: Final = 8  # receiver, agency, delegate, guardian; a joint case has some more
_HANDLE: Final = 16  # bytes: as many as nobody guesses, and none that is drawn twice
_BLINDING: Final = 32
_COMMITMENT: Final = 32
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_MEMBERS: Final = frozenset("seq time type subject object parties consent outcome commitment".split())


def new_handle(random: Random) -> str:
    """A name for somebody or something that says nothing: base64url of 16 random bytes."""
    return to_base64url(random(_HANDLE))


@dataclass(frozen=True)
class Commitment:
    """What an entry says about its object, and the key that opens it: kept with the object, and gone with it."""

    value: bytes
    blinding: bytes


def commit(payload: bytes, random: Random) -> Commitment:
    """Commit to these bytes with a key of their own."""
    blinding = random(_BLINDING)
    return Commitment(_committed(payload, blinding), blinding)


def _committed(payload: bytes, blinding: bytes) -> bytes:
    return hmac.digest(blinding, payload, "sha256")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened at a time, not yet in a log; every name in it is a handle, and may be empty where absent.

    ``usage.argument`` for a handle that is none, and for a time without a zone.
    """

    type: EventType
    at: datetime
    subject: str
    object: str
    commitment: bytes
    parties: tuple[str, ...] = ()
    consent: str = ""
    outcome: Outcome = "done"

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None or len(self.commitment) != _COMMITMENT:
            raise UsageError("usage.argument", "an event without a zone of its time, or without a commitment")
        if self.type not in get_args(EventType) or self.outcome not in get_args(Outcome):
            raise UsageError("usage.argument", "an event of a kind that is not on record")
        if not all(map(_is_handle, (self.subject, self.object, *self.parties, *filter(None, [self.consent])))):
            raise UsageError("usage.argument", "a name in an event, expected handles")
        if len(self.parties) > MAX_PARTIES:
            raise UsageError("usage.argument", f"{len(self.parties)} parties, at most {MAX_PARTIES}")


@dataclass(frozen=True)
class Entry:
    """An event at its place in the log, from 0 on."""

    seq: int
    event: Event

    @classmethod
    def read(cls, raw: bytes) -> Entry:
        """The entry of these very bytes; ``malformed.*``, ``limit.size``."""
        entry = cls.of_json(json_object(raw, "an entry", limit=MAX_ENTRY))
        if entry.to_bytes() != raw:
            refuse("malformed.json", "an entry that is not canonical json")
        return entry

    @classmethod
    def of_json(cls, members: Mapping[str, Json]) -> Entry:
        """The entry of its members, none of them missing and none besides; ``malformed.claim_type``."""
        if members.keys() != _MEMBERS:
            refuse("malformed.claim_type", "an entry with other members than those of an entry")
        seq = member(members, "seq", int)
        if not 0 <= seq < MAX_SIZE:
            refuse("malformed.claim_type", "an entry whose place is none")
        try:
            return cls(seq, _event(members))
        except UsageError as exc:
            refuse("malformed.claim_type", exc.detail)

    def to_json(self) -> dict[str, Json]:
        """Its members, in order."""
        event = self.event
        return {
            "commitment": to_base64url(event.commitment),
            "consent": event.consent,
            "object": event.object,
            "outcome": event.outcome,
            "parties": list(event.parties),
            "seq": self.seq,
            "subject": event.subject,
            "time": event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "type": event.type,
        }

    def to_bytes(self) -> bytes:
        """The bytes that are hashed: members in order and all text ASCII, which is all that RFC 8785 asks here."""
        return json.dumps(self.to_json(), separators=(",", ":")).encode("ascii")

    @property
    def leaf(self) -> bytes:
        """The hash of it in the tree."""
        return leaf_hash(self.to_bytes())

    def check_payload(self, payload: bytes, blinding: bytes) -> None:
        """Return if the entry is about these bytes; ``log.omitted``."""
        held = hmac.compare_digest(_committed(payload, blinding), self.event.commitment)
        if len(blinding) != _BLINDING or not held:
            raise PolicyError("log.omitted", "the entry is about something else than what came with it")


def _event(members: Mapping[str, Json]) -> Event:
    parties = tuple(instance(party, str, "a party") for party in member(members, "parties", list))
    return Event(
        type=cast(EventType, member(members, "type", str)),
        at=_moment(member(members, "time", str)),
        subject=member(members, "subject", str),
        object=member(members, "object", str),
        commitment=base64url(member(members, "commitment", str), "commitment"),
        parties=parties,
        consent=member(members, "consent", str),
        outcome=cast(Outcome, member(members, "outcome", str)),
    )


def _moment(text: str) -> datetime:
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    refuse("malformed.claim_type", "the time of an entry is not such as 2026-11-21T03:00:00Z")


_HANDLE_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)  # 16 bytes leave two bits in the last sign


def _is_handle(text: str) -> bool:
    return _HANDLE_TEXT.fullmatch(text) is not None
