"""Notices (열람 알림): for every look at a person's data one in their inbox, with the same five fields.

Who is concerned (민원인), who looked (조회기관), what for (목적), at what (정보), and when (일시). A notice says which
claims and answers were provided, never what they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from ewallet.acting import Proxy
from ewallet.catalog import Catalog
from ewallet.consent import Consent, Party
from ewallet.errors import Language
from ewallet.mydata.people import People
from ewallet.shape import Json, member, numeric_date
from ewallet.trace import NoticeRow

_LANGUAGES: Final[tuple[Language, ...]] = ("ko", "en")

#: What a look is: data went out, a yes or no was worked out of it, or somebody got it who acts for the person.
Look = Literal["package.downloaded", "eligibility.answered", "delegation.given"]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One look: by whom, what for, at what, and when."""

    by: Party
    purposes: Mapping[str, str]
    information: Mapping[str, str]
    at: datetime
    acting: Proxy | None = None


@dataclass(frozen=True, kw_only=True)
class Notice:
    """The five fields, the place of the look in the log, and who acted for the person, if anybody did."""

    person: str
    recipient: Party
    purposes: Mapping[str, str]
    information: Mapping[str, str]
    at: datetime
    seq: int
    acting: Proxy | None = None


def of_consent(consent: Consent, catalog: Catalog, at: datetime) -> Seen:
    """The look that is what was consented to being provided."""
    information: dict[str, str] = {
        lang: "\n".join(item.words(catalog, lang) for item in consent.items) for lang in _LANGUAGES
    }
    return Seen(
        by=consent.recipient,
        purposes=consent.purposes,
        information=information,
        at=at,
        acting=consent.acting,
    )


def sealed_notice(people: People, handle: str, id_: str, seen: Seen) -> NoticeRow:
    """The notice of a look, as it is kept."""
    members: dict[str, Json] = {
        "by": {"id": seen.by.id, "names": dict(seen.by.names)},
        "purposes": dict(seen.purposes),
        "information": dict(seen.information),
        "at": int(seen.at.timestamp()),
        **({"acting": seen.acting.to_json()} if seen.acting else {}),
    }
    return NoticeRow(handle=handle, id=id_, sealed=people.seal(handle, members, "notice", id_))


def notices(people: People, subject: str) -> Iterable[Notice]:
    """The notices of a person, the newest first."""
    found = [
        _opened(people, subject, row) for slot in people.slots(subject) for row in people.store.notices(slot.handle)
    ]
    return sorted(found, key=lambda notice: notice.seq, reverse=True)


def _opened(people: People, subject: str, row: NoticeRow) -> Notice:
    found = people.unseal(row.handle, row.sealed, "notice", row.id)
    by = member(found, "by", dict)
    return Notice(
        person=subject,
        recipient=Party(id=member(by, "id", str), names=_words(by, "names")),
        purposes=_words(found, "purposes"),
        information=_words(found, "information"),
        at=datetime.fromtimestamp(numeric_date(member(found, "at", int), "at"), UTC),
        seq=row.seq,
        acting=Proxy.of_json(member(found, "acting", dict)) if "acting" in found else None,
    )


def _words(found: Mapping[str, Json], name: str) -> dict[str, str]:
    words = member(found, name, dict)
    return {lang: member(words, lang, str) for lang in words}
