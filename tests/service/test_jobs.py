"""What a portal does by the clock, and when it says that it is ready."""

from __future__ import annotations

import json
import logging
from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest

from ewallet.errors import ProtocolError, StoreError
from ewallet.history import Note
from ewallet.history.checkpoint import Head
from ewallet.sql import Database
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
def jobs(portal):
    """Those of one worker."""
    return Jobs(portal.site.desk.mydata, portal.site.desk.log)


def _given(portal, days=90):
    mydata = portal.site.desk.mydata
    consent = mydata.propose(STANDING, recipient=portal.bank.recipient.id, days=days)
    return mydata.give(consent, CITIZEN, evidence=b"the receipt of an invented consent").consent


def _cycles(caplog):
    return [record.getMessage().rpartition(": ")[2] for record in caplog.records if "cycle" in record.getMessage()]


def test_each_cycle_is_provided_by_the_clock(portal, jobs, caplog):
    """Once, with a notice to the person and a message to the recipient; the log of the process names nobody."""
    consent = _given(portal)
    with caplog.at_level(logging.INFO, "ewallet"):
        for _ in range(3):
            jobs.run()
            jobs.run()
            portal.site.clock.advance(timedelta(days=31))
    mydata = portal.site.desk.mydata
    assert ["cycle 0 provided", "cycle 1 provided", "cycle 2 provided"] == _cycles(caplog)
    assert 3 == len(mydata.notices(CITIZEN))
    assert [consent.id] * 3 == [message.consent for message in mydata.messages(portal.bank.recipient.id)]
    assert CITIZEN not in caplog.text


@pytest.mark.parametrize("how", ["withdraw", "stop", "fulfil", "end"])
def test_nothing_is_provided_by_the_clock_any_more(portal, jobs, how):
    """After a withdrawal, when the recipient is stopped, when the purpose is met, and after the end."""
    consent, mydata, office = _given(portal, days=60), portal.site.desk.mydata, portal.bank.recipient.id
    {
        "withdraw": lambda: mydata.withdraw(consent.id, CITIZEN),
        "stop": lambda: mydata.stop(office, CITIZEN),
        "fulfil": lambda: mydata.fulfil(consent.id, recipient=office),
        "end": lambda: portal.site.clock.advance(timedelta(days=61)),
    }[how]()
    jobs.run()
    assert () == mydata.notices(CITIZEN)


def test_the_recipient_fetches_what_a_run_made_ready(portal, jobs):
    """With a token that it asks for itself; then it is told no more, and a second run provides nothing."""
    consent = _given(portal)
    jobs.run()
    package = portal.client.package(portal.client.again(consent.id))
    jobs.run()
    assert consent.id == package.consent.id
    assert () == portal.site.desk.mydata.messages()
    assert 1 == len(portal.site.desk.mydata.notices(CITIZEN))


def test_a_recipient_that_comes_days_later_loses_no_cycle(portal, jobs):
    """Members are over after a day; who has not fetched them gets fresh ones, once, with another notice."""
    consent = _given(portal)
    jobs.run()
    portal.site.clock.advance(timedelta(days=3))
    package = portal.client.package(portal.client.again(consent.id))
    assert package.members
    assert 2 == len(portal.site.desk.mydata.notices(CITIZEN))
    portal.site.clock.advance(timedelta(days=3))
    with pytest.raises(ProtocolError) as refused:
        portal.client.package(portal.client.again(consent.id))
    assert ("request.invalid", "storage.already_used") == (refused.value.code, refused.value.error)


def test_a_checkpoint_is_signed_when_entries_came(portal, jobs):
    """Without anybody asking for one; none when nothing came."""
    store = portal.site.service.database.history
    assert store.checkpoint() is None or Head.read(Note.read(store.checkpoint()).text).size == 0
    _given(portal)
    jobs.sign()
    jobs.sign()
    published = portal.site.browser.get("/mydata/log/checkpoint").content
    assert (1, published) == (Head.read(Note.read(published).text).size, store.checkpoint())


def test_one_job_that_fails_keeps_no_other_from_its_work(portal, caplog):
    """It is said by its code, or by the name of the fault, and not by what was in it."""
    desk = portal.site.desk

    class Failing:
        error: Exception

        def run_due(self):
            raise self.error

    failing: Any = Failing()
    _given(portal)
    for failing.error in (StoreError("storage.unavailable", "secret-value"), ValueError("secret-value")):
        Jobs(failing, desk.log).run()
    assert 1 == Head.read(Note.read(desk.log.store.checkpoint()).text).size
    assert ["job provide: storage.unavailable", "job provide: ValueError"] == [
        record.getMessage() for record in caplog.records if record.name == "ewallet" and "job" in record.getMessage()
    ]


def test_the_jobs_run_while_the_service_does(portal):
    """From its start on; when it ends, what has begun is ended first."""
    _given(portal)
    settings = portal.site.service.settings
    with portal.site.browser:
        pass
    database = Database(settings.database_url)
    assert [] == database.mydata.due(Clock().now(), 10)
    assert 2 == Head.read(Note.read(database.history.checkpoint() or b"").text).size
    database.close()


def _ready(portal):
    answer = portal.site.browser.get("/readyz")
    return answer.status_code, json.loads(answer.content).get("code")


def test_a_portal_is_ready_with_its_keys_and_its_log(portal):
    """And says so."""
    assert (200, None) == _ready(portal)


def test_a_portal_without_the_database_of_keys_is_not_ready(portal):
    """Whoever would be deleted there could not be, and nothing could be given."""
    with portal.site.desk.keys._engine.writing() as connection:
        connection.exec_driver_sql("DROP TABLE schema_versions")
    assert 503 == _ready(portal)[0]


def test_a_portal_whose_log_departs_from_what_was_signed_is_not_ready(portal):
    """Nothing is signed then, so no consent could be given (I8)."""
    _given(portal)
    portal.site.desk.log.checkpoint()
    with portal.site.service.database._engine.writing() as connection:
        connection.exec_driver_sql("UPDATE log_head SET size = 0, peaks = x''")
    assert (503, "storage.unavailable") == _ready(portal)


def test_whoever_is_issued_a_certificate_gets_the_newest_checkpoint(portal):
    """In a header, in base64; a service that is no portal has no log, and sends none."""
    _given(portal)
    seen = []

    def noted(request):
        response = portal.site.send(request)
        if request.url.endswith("/credential"):
            seen.append(response.headers.get("log-checkpoint", ""))
        return response

    portal.wallet._send = noted
    portal.hold()
    assert [portal.site.desk.log.checkpoint()] == [b64decode(each) for each in seen]


def test_certificates_are_issued_while_the_log_does_not_hold(portal):
    """Nothing is signed of it then, and nothing else has to wait for that."""
    _given(portal)
    portal.site.desk.log.checkpoint()
    with portal.site.service.database._engine.writing() as connection:
        connection.exec_driver_sql("UPDATE log_head SET size = 0, peaks = x''")
    portal.hold()
    assert 1 == len(portal.wallet.documents())
