"""What a recipient hears from the portal, what it says to it, and what it may ask of a package."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ewallet.errors import ConsentError, NotFound, ProtocolError
from ewallet.keys import SigningKey
from ewallet.testing.bank import Bank
from ewallet.testing.clock import Clock
from issuer_service.jobs import Jobs

STANDING = "local_youth_job_support"
CITIZEN = "hong"


@pytest.fixture
def loan_bank():
    """An office of a city, which may be provided for each month."""
    return Bank.make(Clock().now(), class_="local_government")


@pytest.fixture
def consent(portal):
    """One to provide each month, given."""
    mydata = portal.site.desk.mydata
    made = mydata.propose(STANDING, recipient=portal.bank.recipient.id, days=90)
    return mydata.give(made, CITIZEN, evidence=b"the receipt of an invented consent").consent


def _refused(call, *arguments, **named):
    with pytest.raises(ProtocolError) as refused:
        call(*arguments, **named)
    assert "request.invalid" == refused.value.code
    return refused.value.status, refused.value.error


def test_a_recipient_is_told_what_is_ready_and_fetches_it(portal, consent):
    """Once fetched, it is told no more."""
    Jobs(portal.site.desk.mydata, portal.site.desk.log).run()
    (message,) = portal.client.messages()
    assert ("package.ready", consent.id) == (message.about, message.consent)
    assert portal.client.package(portal.client.again(message.consent)).members
    assert () == portal.client.messages()


def test_a_recipient_is_told_of_a_withdrawal_until_it_says_that_it_was(portal, consent):
    """Withdrawal tells the recipient."""
    portal.site.desk.mydata.withdraw(consent.id, CITIZEN)
    (first,), (again,) = portal.client.messages(), portal.client.messages()
    assert ("consent.withdrawn", first) == (again.about, again)
    assert () == portal.client.messages(told=[first.id])


def test_a_recipient_is_told_where_a_missing_member_is_to_be_had(portal, consent):
    """Which agency has it, and for what fee, so that whoever asked can say so to the person."""
    providing = portal.site.desk.mydata._providing
    records, needed = providing.registers.records, "resident_register_abstract"

    class Without:
        def claims(self, subject, type_id):
            if type_id == needed:
                raise NotFound("storage.not_found", "no record")
            return records.claims(subject, type_id)

    registers: Any = replace(providing.registers, records=Without())
    portal.site.desk.mydata._providing = replace(providing, registers=registers)
    with pytest.raises(ProtocolError) as refused:
        portal.client.package(portal.client.again(consent.id))
    kind = portal.site.service.issuer.catalog.type(needed)
    (missing,) = refused.value.extensions["missing"]
    assert ("request.invalid", 404, "storage.not_found") == (
        refused.value.code,
        refused.value.status,
        refused.value.error,
    )
    assert (needed, kind.agencies, kind.fee) == (missing["type"], missing["agency"], missing["fee"])


def test_a_recipient_that_is_done_is_provided_with_nothing_more(portal, consent):
    """When the purpose is met, it says so; the next month nothing is made."""
    assert () == portal.client.messages(fulfilled=consent.id)
    portal.site.clock.advance(timedelta(days=31))
    Jobs(portal.site.desk.mydata, portal.site.desk.log).run()
    assert () == portal.client.messages()
    assert (403, "consent.expired") == _refused(portal.client.again, consent.id)


def test_messages_are_for_whoever_proves_to_be_the_recipient(portal, consent):
    """Another key is not believed, and says nothing about anybody's consent."""
    portal.site.desk.mydata.withdraw(consent.id, CITIZEN)
    known, portal.client._signer = portal.client._signer, SigningKey.generate()
    assert (401, "invalid_client") == _refused(portal.client.messages)
    portal.client._signer = known
    assert 1 == len(portal.client.messages(told=["of-somebody-else"]))


def test_only_its_recipient_fulfils_a_consent(portal, consent):
    """MYD-06: the attempt of another one is on record for the person, and changes nothing."""
    mydata = portal.site.desk.mydata
    with pytest.raises(ConsentError) as refused:
        mydata.fulfil(consent.id, recipient="another.example")
    assert "consent.recipient" == refused.value.code
    assert [("consent.given", "done"), ("package.downloaded", "refused")] == [
        (past.entry.event.type, past.entry.event.outcome) for past in mydata.history(CITIZEN)
    ]
    assert consent.id == portal.client.again(consent.id).consent_id


ASKED = {
    "a sixth kind": {"income_amount_certificate": [("name",)]},
    "another claim": {"employment_insurance_history": [("subject_name",), ("resident_number",)]},
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_what_was_not_consented_to_is_not_in_a_package(portal, consent, asked):
    """MYD-02: 403 ``consent.scope``, no byte of data, and the attempt is on record."""
    granted = portal.client.again(consent.id)
    assert (403, "consent.scope") == _refused(portal.client.package, granted, asked=asked)
    assert () == portal.site.desk.mydata.notices(CITIZEN)
    past = portal.site.desk.mydata.history(CITIZEN)[-1].entry.event
    assert ("package.downloaded", "refused") == (past.type, past.outcome)


def test_what_was_consented_to_may_be_asked_for_by_name(portal, consent):
    """And what is asked for in a form that is none is refused as that."""
    granted = portal.client.again(consent.id)
    (item,) = [each for each in consent.items if each.type_id == "employment_insurance_history"]
    asked = {item.type_id: list(item.claims)[:1]}
    assert portal.client.package(granted, asked=asked).members
    for wrong in ({"a": [[1]]}, {"a": [[["b"]]]}):
        assert 400 == _refused(portal.client.package, granted, asked=wrong)[0]
