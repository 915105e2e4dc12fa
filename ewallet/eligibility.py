"""The yes/no service (자격확인): whether somebody is eligible by a rule, and not by which of its branches.

An answer is an ordinary credential of one kind, ``eligibility_answer``: the rule, its version, and Y or N, which have
the same length. It is bound to the holder's key, names no recipient and is good for a day, so that the wallet shows it
as it shows everything else, and the holder sees a no before anybody else does.

Every branch is consulted every time, whatever the others said. Neither a record nor what it said is kept, logged or
handed on. Where an agency cannot be consulted, nobody is answered until it can: an answer that came all the same would
say that the branch which is missing is not the one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from ewallet.catalog import Catalog
from ewallet.catalog.eligibility import Branch, Rule
from ewallet.catalog.kinds import KST
from ewallet.credential import Claims
from ewallet.env import Env
from ewallet.errors import EWalletError, NotFound, Restricted
from ewallet.records import Pending, PersonRecords, Records

KIND: Final = "eligibility_answer"
YES: Final = "Y"
NO: Final = "N"
_LATER: Final = timedelta(minutes=10)  # the same for everybody, whatever an agency says about itself


class EligibilityRecords:
    """The records of the agencies, and the answers that follow from them as records of :data:`KIND`.

    ``rule_of`` says by which rule somebody asks to be answered, given the issuer's handle for them.
    """

    def __init__(
        self, records: Records, catalog: Catalog, *, rule_of: Callable[[str], Rule], env: Env | None = None
    ) -> None:
        self._records = records
        self._catalog = catalog
        self._rule_of = rule_of
        self._env = env or Env()

    def claims(self, subject: str, type_id: str) -> Claims | Pending:
        """The record as it stands now, or the answer as of today in Korea; as :class:`ewallet.records.Records`."""
        if type_id != KIND:
            return self._records.claims(subject, type_id)
        rule, today = self._rule_of(subject), self._env.now().astimezone(KST).date()
        said = [self._consult(subject, branch, today) for branch in rule.branches]  # whole, before any of it is read
        if None in said:
            return Pending(_LATER)
        return {"rule": rule.id, "version": rule.version, "answer": YES if any(said) else NO}

    def ci(self, subject: str) -> bytes | None:
        """What the records know of that; as :class:`ewallet.records.PersonRecords`."""
        return self._records.ci(subject) if isinstance(self._records, PersonRecords) else None

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
