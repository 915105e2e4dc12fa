"""What a recipient signs about a consent: one event of a receipt, and its place in the log of use, where there is one.

Of the places much is seen without knowing the log: they go on one after another, each within its checkpoint, and the
checkpoints are of one log that only grows. Whoever believes a log checks its signatures besides, and whoever has seen a
checkpoint of it before, that the receipt's newest one goes on from there (:func:`goes_on`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Final, Literal, NoReturn, Protocol, cast, get_args

from ewallet import jose
from ewallet.credential import moment
from ewallet.env import SKEW
from ewallet.errors import Malformed, PolicyError, ProtocolError, VerificationError
from ewallet.flow import Flow
from ewallet.history import Believed, Checkpoint, Head, Note
from ewallet.history.inclusion import ask_consistency
from ewallet.keys import Signer
from ewallet.shape import Json, member, numeric_date, optional

TYP: Final = "consent-receipt+jwt"
_OWN: Final = ("limit.", "log.", "trust.list_")  # what goes by its own name, and is not merely no receipt

Event = Literal["given", "renewed", "withdrawn", "fulfilled", "deleted"]


@dataclass(frozen=True, kw_only=True)
class Logged:
    """Where in the log of use an event is, once it is there, and the log's newest checkpoint, signed-note text."""

    seq: int | None
    checkpoint: str

    def to_json(self) -> dict[str, Json]:
        """As it is signed."""
        return {"checkpoint": self.checkpoint, **({} if self.seq is None else {"seq": self.seq})}


class Placed(Protocol):
    """Something that was signed and says where it is in the log."""

    @property
    def logged(self) -> Logged | None:
        """Its place; None where it says nothing of a log."""


@dataclass(frozen=True, kw_only=True)
class Later:
    """What happened to a consent after it was given, to be signed, and its place in the log of use.

    ``half`` is what a portal's recipient has signed of what it was provided with then.
    """

    event: Event
    at: datetime
    logged: Logged | None = None
    half: str | None = None


@dataclass(frozen=True, kw_only=True)
class Signed:
    """One event as the recipient signed it; nothing of it believed."""

    jws: jose.Jws = field(repr=False)
    claims: Mapping[str, Json] = field(repr=False)
    id: str
    by: str
    event: Event
    at: datetime
    logged: Logged | None

    @classmethod
    def parse(cls, compact: str) -> Signed:
        """An event taken apart; ``malformed.*``, ``limit.*``, ``crypto.*``."""
        if not compact.isascii():
            invalid("an event with other characters than ascii")
        jws = jose.parse(compact, TYP, what="the event")
        claims = jws.claims
        event = claims.get("event")
        if event not in get_args(Event):
            invalid("an event that is none of those of a consent")
        log = member(claims, "log", dict) if "log" in claims else None
        return cls(
            jws=jws,
            claims=claims,
            id=member(claims, "jti", str),
            by=member(claims, "iss", str),
            event=cast(Event, event),
            at=moment(numeric_date(member(claims, "iat", int), "iat")),
            logged=Logged(seq=optional(log, "seq", int), checkpoint=member(log, "checkpoint", str)) if log else None,
        )


def sign(
    event: Event,
    by: str,
    signer: Signer,
    *,
    id_: str,
    at: datetime,
    logged: Logged | None,
    stated: Mapping[str, Json],
) -> str:
    """An event, signed."""
    place = {"log": logged.to_json()} if logged else {}
    claims = {"jti": id_, "iss": by, "iat": int(at.timestamp()), "event": event, **stated, **place}
    return jose.sign(TYP, claims, signer)


def check_order(events: Sequence[Signed]) -> None:
    """Return if they can have happened in that order, but for what clocks differ by; ``receipt.invalid``."""
    names = [signed.event for signed in events]
    times = [signed.at for signed in events]
    places = [signed.logged.seq for signed in events if signed.logged and signed.logged.seq is not None]
    ended = names[names.index("withdrawn") + 1 :] if "withdrawn" in names else []
    if names[0] != "given" or "given" in names[1:] or "deleted" in names[:-1] or {*ended} - {"deleted"}:
        invalid("events in an order in which they do not happen")
    backwards = any(latest - at > SKEW for at, latest in zip(times, accumulate(times, max), strict=True))
    if backwards or places != sorted(set(places)):
        invalid("events that are not one after another")
    if len({signed.jws.payload for signed in events}) < len(names):
        invalid("an event that stands there twice")


def check_places(events: Iterable[Placed], believed: Believed | None) -> Head | None:
    """The newest head, if each place is in its checkpoint, and the checkpoints are of one log that only grows.

    Raises ``log.omitted``, ``log.forked``, ``log.rollback``, ``receipt.invalid``, and of a log that is believed what
    :meth:`Checkpoint.read` raises.
    """
    before: Head | None = None
    for place in (signed.logged for signed in events if signed.logged):
        head = _head(place, believed)
        if place.seq is not None and not 0 <= place.seq < head.size:
            raise PolicyError("log.omitted", "a place in the log that its checkpoint does not reach")
        if before and head.origin != before.origin:
            raise PolicyError("log.forked", "checkpoints of two logs in one receipt")
        if before and head.size < before.size:
            raise PolicyError("log.rollback", "a checkpoint that is older than that of an earlier event")
        if before and head.size == before.size and head.root != before.root:
            raise PolicyError("log.forked", "two checkpoints of one size, with different roots")
        before = head
    return before


def goes_on(events: Iterable[Signed], seen: Sequence[bytes], believed: Believed) -> Flow[None]:
    """Return if the newest checkpoint goes on from each that was seen before; the log is asked for the proofs.

    Raises ``log.rollback`` for one older than was seen, ``log.forked`` for one of another history, ``log.omitted`` for
    a receipt without a checkpoint, ``fetch.*`` where the log gives no proof.
    """
    head = check_places(events, believed)
    if head is None:
        raise PolicyError("log.omitted", "a receipt without a checkpoint of the log")
    for raw in seen:
        earlier = Checkpoint.read(raw, believed.alone).head
        path = (yield from ask_consistency(earlier, head)) if earlier.size < head.size else ()
        earlier.check_successor(head, path)


def _head(place: Logged, believed: Believed | None) -> Head:
    raw = place.checkpoint.encode()
    if believed is None:
        return Head.read(Note.read(raw).text)
    return Checkpoint.read(raw, believed).head


@contextmanager
def checking(what: str) -> Iterator[None]:
    """While a receipt is checked: whatever is wrong with it, it is no receipt; a list or a log may be wrong too."""
    try:
        yield
    except (Malformed, ProtocolError, VerificationError) as exc:
        if exc.code == "receipt.invalid" or exc.code.startswith(_OWN):
            raise
        invalid(f"{what}: {exc.code}")


def invalid(detail: str) -> NoReturn:
    """It is no receipt, for this reason."""
    raise PolicyError("receipt.invalid", detail) from None
