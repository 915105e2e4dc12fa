"""The yes/no service over the demo register: who would pay less, and that everybody can be answered."""

from __future__ import annotations

from typing import Any

import pytest

from ewallet.catalog import Catalog
from ewallet.eligibility import KIND
from ewallet.errors import NotFound
from ewallet.testing.clock import Clock
from issuer_service.listing import Register
from issuer_service.records import CITIZENS, DemoRecords
from issuer_service.records.answering import RULE, answering

CATALOG = Catalog.bundled()
DEMO = DemoRecords(CATALOG, Clock().env())
RECORDS = answering(DEMO, CATALOG, Clock().env())


@pytest.mark.parametrize(("who", "answer"), [("hong", "Y"), ("sim", "Y"), ("jo", "Y"), ("jaeim", "N"), ("jane", "N")])
def test_everybody_is_answered_by_their_own_records(who, answer):
    """A father of two, a pensioner and a disabled veteran pay less, a student and a tenant do not."""
    assert {"rule": RULE, "version": 1, "answer": answer} == RECORDS.claims(who, KIND)


def test_answer_stands_beside_what_is_on_record():
    """Pages list it for everybody; all else is as it was, connecting information too."""
    assert isinstance(RECORDS, Register)
    assert [{KIND}] * len(CITIZENS) == [set(RECORDS.kinds(who)) - set(DEMO.kinds(who)) for who in CITIZENS]
    assert DEMO.claims("hong", "resident_register_copy") == RECORDS.claims("hong", "resident_register_copy")
    known: Any = RECORDS
    assert [DEMO.ci(who) for who in CITIZENS] == [known.ci(who) for who in CITIZENS]


class _Nothing:
    """Records that cannot say what they have."""

    def claims(self, _subject, _type_id):
        raise NotFound("storage.not_found", "nothing is on record")


def test_records_that_cannot_list_answer_all_the_same():
    """A person of whom nothing is on record is answered with no."""
    records = answering(_Nothing(), CATALOG, Clock().env())
    answered: Any = records.claims("who", KIND)
    assert (False, "N") == (isinstance(records, Register), answered["answer"])
