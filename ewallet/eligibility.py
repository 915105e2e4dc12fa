"""The yes/no service (자격확인): whether somebody is eligible by a rule, and not by which of its branches.

An answer is an ordinary credential of one kind, ``eligibility_answer``: the rule, its version, and Y or N, which have
the same length. It is bound to the holder's key, names no recipient and is good for a day, so that the wallet shows it
as it shows everything else, and the holder sees a no before anybody else does.

Every branch is consulted every time, whatever the others said. Neither a record nor what it said is kept, logged or
handed on: people have a notice of the records that were looked at, which are all of the rule's. Where an agency cannot
be consulted, nobody is answered until it can, and nothing is on record; an answer that came all the same would say that
the branch which is missing is not the one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Final, Protocol

from ewallet.catalog import Catalog
from ewallet.catalog.eligibility import KIND, NO, YES, Branch, Rule
from ewallet.catalog.kinds import KST
from ewallet.consent import ConsentItem, Party, Question
from ewallet.credential import Claims
from ewallet.env import Env
from ewallet.errors import EWalletError, Language, NotFound, Restricted
from ewallet.mydata.notices import Seen
from ewallet.recipients import ANSWERS
from ewallet.records import Pending, PersonRecords, Records
from ewallet.trace import Trace

__all__ = ["KIND", "NO", "YES", "EligibilityRecords", "Inbox", "questions"]

_LATER: Final = timedelta(minutes=10)  # the same for everybody, whatever an agency says about itself
_LANGUAGES: Final[tuple[Language, ...]] = ("ko", "en")


def questions(rule: Rule, catalog: Catalog, lang: Language) -> tuple[str, ...]:
    """What is looked at for an answer, as people read it: each certificate, and what it is asked."""
    asked = ((branch, Question(branch.predicate, tuple(branch.params.items()))) for branch in rule.branches)
    items = (ConsentItem(type_id=branch.type_id, questions=(question,)) for branch, question in asked)
    return tuple(item.words(catalog, lang) for item in items)


class Inbox(Protocol):
    """Where people are told of looks at their data, as :class:`ewallet.MyData` does."""

    def trace(self, subject: str, seen: Seen) -> Trace:
        """The notice and the entry of a look, to be put on record; :class:`NotFound` while the data is deleted."""


class EligibilityRecords:
    """The records of the agencies, and the answers that follow from them, as :class:`ewallet.records.AnsweringRecords`.

    Every rule of the catalogue is answered; ``inbox`` is where each answer leaves its notice.
    """

    def __init__(self, records: Records, catalog: Catalog, *, inbox: Inbox, env: Env | None = None) -> None:
        self._records = records
        self._catalog = catalog
        self._inbox = inbox
        self._env = env or Env()

    @cached_property
    def rules(self) -> Sequence[Rule]:
        """The rules of the catalogue, read once."""
        return tuple(self._catalog.rules())

    def claims(self, subject: str, type_id: str) -> Claims | Pending:
        """The record as it stands now, or the answer as of today in Korea; as :class:`ewallet.records.Records`."""
        rule = self._rule(type_id)
        if rule is None:
            return self._records.claims(subject, type_id)
        today = self._env.now().astimezone(KST).date()
        said = [self._consult(subject, branch, today) for branch in rule.branches]  # whole, before any of it is read
        if None in said:
            return Pending(_LATER)
        return {"rule": rule.id, "version": rule.version, "answer": YES if any(said) else NO}

    def trace(self, subject: str, type_id: str) -> Trace | None:
        """Who looked at what, for which rule: all of its records, whoever it is about and whatever they said."""
        rule = self._rule(type_id)
        if rule is None:
            return None
        by = Party(id=ANSWERS, names=self._catalog.type(KIND).agencies)
        information: dict[str, str] = {lang: "\n".join(questions(rule, self._catalog, lang)) for lang in _LANGUAGES}
        seen = Seen(by=by, purposes=rule.names, information=information, at=self._env.now())
        return self._inbox.trace(subject, seen)

    def ci(self, subject: str) -> bytes | None:
        """What the records know of that; as :class:`ewallet.records.PersonRecords`."""
        return self._records.ci(subject) if isinstance(self._records, PersonRecords) else None

    def _rule(self, type_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.asked == type_id), None)

    def _consult(self, subject: str, branch: Branch, today: date) -> bool | None:
        """What one agency says; None where it cannot be told. Who is not on record, or has it closed, is no case."""
        kind = self._catalog.type(branch.type_id)
        try:
            record = self._records.claims(subject, branch.type_id)
            if isinstance(record, Pending):
                return None
            told = kind.normalised(kind.completed(record))
            return kind.answer(branch.predicate, told, today, branch.params) is True
        except (NotFound, Restricted):
            return False
        except EWalletError:  # its own log says what the matter is; here it would say about whom
            return None
