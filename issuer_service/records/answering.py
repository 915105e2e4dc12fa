"""The records of a service with the answers of the yes/no service beside them (:mod:`ewallet.eligibility`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ewallet.catalog import Catalog
from ewallet.credential import Claims
from ewallet.eligibility import KIND, EligibilityRecords
from ewallet.env import Env
from ewallet.records import Pending, Records
from issuer_service.listing import Register

#: What people ask about at this issuer.
RULE: Final = "public_facility_discount"


@dataclass(frozen=True)
class AnsweringRegister:
    """Records that can say which kinds they have of somebody: everybody can be answered."""

    register: Register
    answers: EligibilityRecords

    def kinds(self, subject: str) -> Collection[str]:
        return {*self.register.kinds(subject), KIND}

    def claims(self, subject: str, type_id: str) -> Claims | Pending:
        return self.answers.claims(subject, type_id)

    def ci(self, subject: str) -> bytes | None:
        return self.answers.ci(subject)


def answering(records: Records, catalog: Catalog, env: Env | None = None) -> Records:
    """The same records, and the answers that follow from them."""
    rule = catalog.rule(RULE)
    answers = EligibilityRecords(records, catalog, rule_of=lambda _: rule, env=env)
    return AnsweringRegister(records, answers) if isinstance(records, Register) else answers
