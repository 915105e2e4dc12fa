"""Credentials for whoever acts for somebody: a guardian by the records, an official by a mandate (대리).

Such a credential is issued to the key of whoever acts, under a subject of its own, :attr:`Appointment.subject`, which
says sealed who that is. What it certifies is the person's record as it stands when a wallet asks, with the claim
``act``. A guardian is looked up again then, and a mandate that is over gets nobody anything.

Where there are inboxes, the person has a notice of each, with both people in it, and the log of use an entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol, runtime_checkable

from ewallet.acting import Act, is_line
from ewallet.catalog import Catalog
from ewallet.catalog.eligibility import Rule
from ewallet.consent import Party
from ewallet.credential import Claims, moment
from ewallet.env import Env
from ewallet.errors import ConsentError, Language, NotFound, StoreError, UsageError
from ewallet.jose import to_json
from ewallet.mydata.notices import Look, Seen
from ewallet.records import Pending, PersonRecords, Records, rules, trace
from ewallet.sealing import Sealer
from ewallet.shape import Json, base64url, json_object, member, numeric_date, to_base64url
from ewallet.trace import Trace

PREFIX: Final = "acting."
#: The party that whoever acts for people is, in notices and in the log.
PLACE: Final = "mandates"
_LIFE: Final = timedelta(hours=1)  # of a guardian's appointment: for as long as an offer may take to be accepted
_MAX_SUBJECT: Final = 2500  # characters; of a longer text PostgreSQL keeps no index, and so no certificate
_NAMES: Final = ("name", "subject_name")
LANGUAGES: Final[tuple[Language, ...]] = ("ko", "en")
_PURPOSES: Final[Mapping[str, str]] = {"ko": "대리인에게 증명서 발급", "en": "a certificate for whoever acts for you"}


@dataclass(frozen=True)
class Guardianship:
    """A guardian's name, and the law or decision by which they act."""

    name: str
    law: str


@runtime_checkable
class Guardianships(Protocol):
    """Records that know who is whose guardian."""

    def guardianship(self, guardian: str, ward: str) -> Guardianship | None:
        """By which law that subject acts for the other; None where it does not."""


class Endings(Protocol):
    """Where it is kept whose appointment was ended, beside what is issued (:attr:`ewallet.order.Order.unless`)."""

    def end(self, digest: bytes, until: datetime) -> None:
        """Keep that digest until then: what is issued under it is on record when this returns, or never will be."""

    def is_taken(self, digest: bytes) -> bool:
        """Whether a digest is kept."""


class Inbox(Protocol):
    """Where people are told of looks at their data, as :class:`ewallet.MyData` does."""

    def trace(self, subject: str, seen: Seen, look: Look = ...) -> Trace:
        """The notice and the entry of a look, to be put on record; :class:`NotFound` while the data is deleted."""


@dataclass(frozen=True, kw_only=True)
class Appointment:
    """Somebody may get certificates about ``principal``: their guardian, or an official as ``act`` says.

    ``name`` is the person's, as the records have it; it is not part of the subject.
    """

    principal: str
    until: datetime
    guardian: str = ""
    act: Act | None = None
    name: str = ""
    subject: str = field(default="", repr=False)


class Mandates:
    """Records with those of whoever acts for somebody (:class:`ewallet.records.Records`), and who they are.

    ``secret`` seals the subjects, the same for all workers. ``guardianships`` are the records of guardians, if they are
    :class:`Guardianships`. ``inbox`` is where the person is told. Without ``endings`` no appointment can be ended.
    """

    def __init__(
        self,
        records: Records,
        catalog: Catalog,
        *,
        secret: bytes,
        guardianships: object = None,
        env: Env | None = None,
        inbox: Inbox | None = None,
        endings: Endings | None = None,
    ) -> None:
        self._records = records
        self._guardianships = guardianships if isinstance(guardianships, Guardianships) else None
        self._catalog = catalog
        self._env = env or Env()
        self._sealer = Sealer(secret, self._env.random)
        self._inbox = inbox
        self._endings = endings

    def appoint_guardian(self, guardian: str, ward: str, type_ids: Sequence[str]) -> Appointment:
        """A guardian may get these of their ward; ``consent.authority`` where the records know nothing of it."""
        self._guardianship(guardian, ward)
        until = self._env.now() + _LIFE
        return self._appoint(Appointment(principal=ward, until=until, guardian=guardian), type_ids)

    def appoint_official(self, act: Act, principal: str, type_ids: Sequence[str]) -> Appointment:
        """An official may get these of a person they have identified; ``usage.argument`` for more than a working day.

        ``act`` has everything but the person's name, which comes from the records.
        """
        act.claims()
        made = act.mandate
        if made is None or not all(
            map(is_line, (act.name, act.law, made.office, made.identified, made.case, made.recipient))
        ):
            raise UsageError("usage.argument", "an official without a mandate, or one of texts that are no lines")
        return self._appoint(Appointment(principal=principal, until=made.until, act=act), type_ids)

    def receipt(self, made: Appointment, type_ids: Sequence[str], lang: Language) -> str:
        """What the person takes home on paper of a mandate; ``usage.argument`` for a guardian's."""
        if made.act is None:
            raise UsageError("usage.argument", "no official acts here")
        kinds = [self._catalog.type(type_id).label(lang) for type_id in type_ids]
        return replace(made.act, principal=made.name).receipt(kinds, lang)

    # -- as records ------------------------------------------------------------------------------------------------

    @property
    def rules(self) -> Sequence[Rule]:
        """As of the records."""
        return rules(self._records)

    def claims(self, subject: str, type_id: str) -> Claims | Pending:
        """The record as it stands now, with ``act`` for whoever acts; :class:`NotFound`, ``consent.authority``."""
        made = self._opened(subject)
        if made is None:
            return self._records.claims(subject, type_id)
        if self._env.now() >= made.until:
            raise NotFound("storage.not_found", "the time of whoever acts is over")
        if self._endings and self._endings.is_taken(self._ending(subject)):
            raise NotFound("storage.not_found", "whoever acts does so no more")
        record = self._records.claims(made.principal, type_id)
        return record if isinstance(record, Pending) else {**record, **self._act(made, _name(record)).claims()}

    def ci(self, subject: str) -> bytes | None:
        """What the records know of that, of the person for whoever acts."""
        made = self._opened(subject)
        known = self._records if isinstance(self._records, PersonRecords) else None
        return known.ci(made.principal if made else subject) if known else None

    def trace(self, subject: str, type_id: str) -> Trace | None:
        """What is put on record with it: for whoever acts a notice to the person, with both people in it."""
        made = self._opened(subject)
        if made is None:
            return trace(self._records, subject, type_id)
        if self._inbox is None:
            return None
        kind, record = self._catalog.type(type_id), self._records.claims(made.principal, type_id)
        if isinstance(record, Pending):
            return None
        act = self._act(made, _name(record))
        by = act.mandate.office if act.mandate else act.name
        seen = Seen(
            by=Party(id=PLACE, names=dict.fromkeys(LANGUAGES, by)),
            purposes=_PURPOSES,
            information={lang: kind.label(lang) for lang in LANGUAGES},
            at=self._env.now(),
            acting=act.proxy,
        )
        return self._inbox.trace(made.principal, seen, "delegation.given")

    def endings(self, subject: str) -> frozenset[bytes]:
        """By what it is known that whoever acts does so no more; none for the person themselves."""
        return frozenset({self._ending(subject)} if self._endings and subject.startswith(PREFIX) else ())

    # -- who acts --------------------------------------------------------------------------------------------------

    def _appoint(self, made: Appointment, type_ids: Sequence[str]) -> Appointment:
        """With its subject and the person's name, if each of these has a record that says it."""
        found = [self._records.claims(made.principal, type_id) for type_id in type_ids]
        names = {_name(record) for record in found if not isinstance(record, Pending)}
        if len(names) != 1:
            raise UsageError("usage.argument", "records under no name, or under several")
        said: dict[str, Json] = {
            "principal": made.principal,
            "guardian": made.guardian,
            "until": int(made.until.timestamp()),
            **(made.act.claims() if made.act else {}),
        }
        sealed = to_base64url(self._sealer.seal(to_json(said), PLACE))
        if len(sealed) > _MAX_SUBJECT:
            raise UsageError("usage.argument", "an appointment of texts that are too long together")
        return replace(made, name=names.pop(), subject=f"{PREFIX}{sealed}")

    def end(self, subject: str) -> None:
        """End an appointment made here: whoever acts gets nothing more, whatever offer or token they have.

        Again is allowed. :class:`NotFound` for a person, or a subject that was not made here; ``usage.argument``.
        """
        made = self._opened(subject)
        if made is None:
            raise NotFound("storage.not_found", "no appointment of that subject")
        if self._endings is None:
            raise UsageError("usage.argument", "no appointment can be ended without a place to keep that")
        self._endings.end(self._ending(subject), made.until)  # from then on it gets nobody anything anyway

    def _ending(self, subject: str) -> bytes:
        return self._sealer.tag("ended", subject)

    def _opened(self, subject: str) -> Appointment | None:
        """Who is meant, None for the person themselves; :class:`NotFound` for a subject that was not made here."""
        if not subject.startswith(PREFIX):
            return None
        try:
            said = json_object(self._sealer.unseal(base64url(subject.removeprefix(PREFIX)), PLACE))
        except StoreError:
            raise NotFound("storage.not_found", "nobody who acts for anybody") from None
        return Appointment(
            principal=member(said, "principal", str),
            until=moment(numeric_date(member(said, "until", int), "until")),
            guardian=member(said, "guardian", str),
            act=Act.of(said),
            subject=subject,
        )

    def _act(self, made: Appointment, name: str) -> Act:
        if made.act is not None:
            return replace(made.act, principal=name)
        known = self._guardianship(made.guardian, made.principal)
        return Act(name=known.name, principal=name, law=known.law)

    def _guardianship(self, guardian: str, ward: str) -> Guardianship:
        found = self._guardianships.guardianship(guardian, ward) if self._guardianships else None
        if found is None:
            raise ConsentError("consent.authority", "no guardian of that person on record")
        return found


def _name(record: Claims) -> str:
    """Whom a record is about; ``usage.argument`` for one that does not say."""
    found = next((name for key in _NAMES if isinstance(name := record.get(key), str)), None)
    if found is None:
        raise UsageError("usage.argument", "a kind without the name of whom it is about, for whom nobody can act")
    return found
