"""Deletion (삭제): keys first, then rows, then a tombstone, and an answer that says what is kept and why.

A deletion is a job on record, so that whoever is killed in the middle of it is followed by somebody who goes on: from
its first step on nothing new is kept for the person, from its second on it is known what is to go. What the job itself
knows is sealed under a key of its own, which goes last: nothing says afterwards which handles were one person's. It
neither withdraws a consent nor revokes what was handed over; these are other verbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol

from ewallet import jose
from ewallet.catalog.kinds import KST
from ewallet.errors import NotFound
from ewallet.history import Event, Logged, commit, new_handle
from ewallet.keys import PublicKey, Signer
from ewallet.mydata.ledger import Ledger, said
from ewallet.mydata.people import People
from ewallet.mydata.store import Erasure
from ewallet.mydata.terms import later
from ewallet.shape import Json, base64url, instance, json_object, member, to_base64url
from ewallet.trace import Happened
from ewallet.vault import KEY_BACKUP

TYP: Final = "erasure-acknowledgement+jwt"
DESTROYED: Final = ("keys", "consents", "packages", "notices", "openings")
_BLINDING: Final = 32


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What stays by law: what it is, which law, and for how long (``P2Y``)."""

    what: dict[str, str]
    law: str
    period: str


#: What a portal of an agency keeps. An operator passes its own list where other laws bind it.
KEPT: Final = (
    Kept(
        what={
            "ko": "접속기록: 무엇이 언제 제공되었는지의 기록(이름·번호·내용 없음)",
            "en": "Access records: that something was provided, and when, without a name, a number or content",
        },
        law="개인정보의 안전성 확보조치 기준 제8조",
        period="P2Y",
    ),
    Kept(
        what={"ko": "전자민원 신청이력", "en": "The history of applications made online"},
        law="공공기록물 관리에 관한 법률 제19조",
        period="P3Y",
    ),
)


class Cache(Protocol):
    """Whatever else has something of a person: files made for them, pages, receipts."""

    def forget(self, subject: str) -> None:
        """Delete it; again is allowed."""


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """How an operator deletes: what its laws make it keep, what else forgets a person, and who signs the answer.

    Without a signer that is whoever signs the issuer's metadata.
    """

    kept: Sequence[Kept] = KEPT
    caches: Sequence[Cache] = ()
    signer: Signer | None = None


@dataclass(frozen=True, kw_only=True)
class Erased:
    """A deletion that is done. ``acknowledgement`` is a JWS that says so, to be kept by the person."""

    id: str
    at: datetime
    final: date
    acknowledgement: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Erasing:
    """Deletes."""

    people: People
    ledger: Ledger
    signer: Signer
    issuer: str
    terms: Deletion

    def erase(self, subject: str, at: datetime) -> Erased:
        """Delete what is kept about a person; again, while nothing is, gives the answer of the first time."""
        random, store = self.people.random, self.people.store
        last = store.last_erasure(subject)
        if last and (last.seq is None or not self.people.slots(subject)):
            return self.resume(last)
        new = Erasure(id=new_handle(random), subject=subject, at=at, blinding=random(_BLINDING))
        return self.resume(store.begin_erasure(new, last.id if last else ""))

    def resume(self, erasure: Erasure) -> Erased:
        """Go on with a deletion where it is, to its end."""
        seq = self._carried_out(erasure) if erasure.seq is None else erasure.seq
        return Erased(
            id=erasure.id,
            at=erasure.at,
            final=self._final(erasure),
            acknowledgement=self._acknowledged(erasure, self.ledger.logged(seq, erasure.blinding)),
        )

    def _carried_out(self, erasure: Erasure) -> int:
        store, vault = self.people.store, self.people.vault
        names, tags = self._plan(erasure)
        handles, day = names[1:], _day_of(erasure.at)
        for name in names:
            vault.destroy(name, day)
        for cache in self.terms.caches:
            cache.forget(erasure.subject)
        payload = said(**self._facts(erasure))
        event = Event(
            type="data.deleted",
            at=erasure.at,
            subject=erasure.id,
            object=erasure.id,
            commitment=commit(payload, lambda _: erasure.blinding).value,
        )
        seq = store.finish_erasure(erasure.id, handles, tags, Happened(event=event, opening=b""), names)
        vault.destroy(erasure.id, day)
        store.scrub()
        return seq

    def _plan(self, erasure: Erasure) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        """The names of keys that are to go, that of the person first, and the tags, as they were found first."""
        try:
            plan = erasure.plan or self._new_plan(erasure)
            opened = json_object(self.people.vault.unseal(erasure.id, plan, "plan"), "the plan")
        except NotFound:  # somebody else has just come to the end of it
            return (), ()
        names, tags = ([instance(each, str, what) for each in member(opened, what, list)] for what in ("names", "tags"))
        return tuple(names), tuple(base64url(tag, "a tag") for tag in tags)

    def _new_plan(self, erasure: Erasure) -> bytes:
        slots, name = self.people.slots(erasure.subject), self.people.name(erasure.subject)
        handles = [slot.handle for slot in slots]
        found = {"names": [name, *handles], "tags": [to_base64url(slot.tag) for slot in slots]}
        sealed = self.people.vault.seal(erasure.id, jose.to_json(found), "plan")
        return self.people.store.plan_erasure(erasure.id, sealed, handles)

    def _facts(self, erasure: Erasure) -> dict[str, Json]:
        return {
            "id": erasure.id,
            "at": int(erasure.at.timestamp()),
            "destroyed": list(DESTROYED),
            "final": self._final(erasure).isoformat(),
            "kept": [self._kept(kept, erasure.at) for kept in self.terms.kept],
        }

    def _kept(self, kept: Kept, at: datetime) -> Json:
        until = later(at.astimezone(KST).date(), kept.period, 1)
        return {"what": dict(kept.what), "law": kept.law, "until": until.isoformat()}

    def _final(self, erasure: Erasure) -> date:
        """The first day on which no backup has the keys any more."""
        return (erasure.at + KEY_BACKUP + timedelta(days=1)).astimezone(KST).date()

    def _acknowledged(self, erasure: Erasure, logged: Logged) -> str:
        claims = {"iss": self.issuer, "iat": int(erasure.at.timestamp()), **self._facts(erasure)}
        return jose.sign(TYP, claims | {"logged": logged.to_json()}, self.signer)


def read_acknowledgement(raw: str, key: PublicKey) -> tuple[dict[str, Json], Logged]:
    """What an acknowledgement says, and its proof of the log, if that key signed it; ``malformed.*``, ``crypto.*``."""
    jws = jose.parse(raw, TYP, what="the acknowledgement")
    jws.verify(key)
    claims = jws.claims
    return claims, Logged.of_json(member(claims, "logged", dict))


def facts_of(claims: dict[str, Json]) -> bytes:
    """What the log commits to, of the members of an acknowledgement."""
    return said(**{name: claims[name] for name in ("id", "at", "destroyed", "final", "kept")})


def _day_of(at: datetime) -> datetime:
    """The beginning of the day in Korea: keys that go in one second would be seen to be one person's."""
    day = at.astimezone(KST).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.astimezone(UTC)
