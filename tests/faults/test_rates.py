"""What may be asked so often is counted exactly by four workers on one database, which all see the same moment (L-07).

Guesses of a code at the token endpoint, of one source and of one transaction code; looks at the result of a request;
questions about document numbers, of one source and about one number. Their clocks stand still, so that how fast the
machine is has no part in it: a crowd is let go at once, and the counts are what they are.
"""

from __future__ import annotations

import os
from contextlib import closing
from datetime import timedelta
from itertools import count

import pytest

from ewallet import jose
from ewallet.documents import MAX_MISSES
from ewallet.env import Env
from ewallet.exchange import PAUSE
from ewallet.oid4vci import TokenRequest
from ewallet.oid4vci.offer import CredentialOffer, parse_link
from ewallet.testing.caller import FORM, KIND, Caller, error
from ewallet.testing.crowd import crowd
from ewallet.testing.nursery import free_port
from ewallet.testing.sites import BankSite, IssuerSite

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
WORKERS = 4
CROWD = 100 if FULL else 16
FAILURES = 30  # of one source in its minutes
TRIES = 5  # of one transaction code
STILL = """
from datetime import datetime
from pathlib import Path
from ewallet import env
file = Path({!r})
env.Env.__init__.__kwdefaults__["now"] = lambda: datetime.fromisoformat(file.read_text())
"""


class Clock:
    """The moment that all workers see."""

    def __init__(self, file):
        self._file = file
        self.now = Env().now()
        self.advance(timedelta(0))

    def advance(self, step):
        """Let time go on by that."""
        self.now += step
        draft = self._file.with_suffix(".new")
        draft.write_text(self.now.isoformat(), "utf-8")
        draft.replace(self._file)

    @property
    def program(self):
        """What a worker runs first."""
        return STILL.format(str(self._file))


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """It stands still."""
    return Clock(tmp_path_factory.mktemp("clock") / "now")


@pytest.fixture(scope="module", params=["sqlite", "postgres"] if FULL else ["sqlite"])
def base(request, tmp_path_factory):
    """A folder, and what makes the URL of an empty database of each engine."""
    folder = tmp_path_factory.mktemp("rates")
    if request.param == "postgres":
        return folder, request.getfixturevalue("postgres").empty
    return folder, lambda: f"sqlite:///{folder}/{len(list(folder.iterdir()))}.db"


@pytest.fixture(scope="module")
def office(nursery, town, base, clock):
    """An issuer's service in four processes."""
    folder, empty = base
    with closing(_four(IssuerSite(nursery, town, folder, database=empty()), clock)) as site:
        yield site


@pytest.fixture(scope="module")
def desk(nursery, town, base, clock):
    """A bank's service in four processes."""
    folder, empty = base
    with closing(_four(BankSite(nursery, town, folder, database=empty()), clock)) as site:
        yield site


def _four(site, clock):
    for port in (site.port, *(free_port() for _ in range(WORKERS - 1))):
        site.start(port, before=clock.program)
    return site


def _all(site, requests):
    """The answers to a crowd's requests, which go to the processes in turn."""
    ports = [*site.children]
    return crowd(
        site.sent(method, path, headers=headers, body=body, port=ports[number % len(ports)])
        for number, (method, path, headers, body) in enumerate(requests)
    )


def _refused(answers, status=429):
    """How many were told to wait, each with a time; the others had an answer."""
    waiting = [answer for answer in answers if answer.status == status]
    assert all(answer.headers["retry-after"] for answer in waiting)
    return len(waiting)


_SOURCES = (f"198.19.{number >> 8}.{number & 255}" for number in count(1))


def _redeeming(code, *, source, tx_code=None):
    headers = {"content-type": FORM, "x-forwarded-for": source}
    return "POST", "/token", headers, TokenRequest(code=code, tx_code=tx_code).to_bytes()


def test_one_source_guesses_codes_as_often_as_it_may(office, clock):
    """Thirty are told that they are wrong, all others to wait, before and after the workers are started anew."""
    source = next(_SOURCES)
    first = _all(office, [_redeeming(f"none-{n}", source=source) for n in range(FAILURES // 2)])
    office.restart(before=clock.program)
    then = _all(office, [_redeeming(f"nor-{n}", source=source) for n in range(FAILURES // 2 + CROWD)])

    assert (0, CROWD) == (_refused(first), _refused(then))
    assert {"invalid_grant", "temporarily_unavailable"} == {error(answer) for answer in first + then}


@pytest.mark.parametrize(("guesses", "told"), [(TRIES - 1, ""), (TRIES, "invalid_grant")])
def test_a_transaction_code_is_tried_as_often_as_it_may_be(office, guesses, told):
    """After one guess fewer the right one is good, after that many it comes too late."""
    made = office.call("POST", "/v1/offers", subject="hong", types=[KIND], tx_code=True).document
    offer, right = parse_link(made["uri"], loopback=True), made["tx_code"]
    assert isinstance(offer, CredentialOffer)
    code = Caller.code(offer)
    wrong = [f"{(int(right) + number + 1) % 10**6:06}" for number in range(guesses)]
    answers = _all(office, [_redeeming(code, source=next(_SOURCES), tx_code=guess) for guess in wrong])
    (last,) = _all(office, [_redeeming(code, source=next(_SOURCES), tx_code=right)])

    assert ["invalid_grant"] * guesses == [error(answer) for answer in answers]
    assert told == error(last)


def _asking(number, source):
    asked = jose.to_json({"document_number": number, "name": "홍길동"})
    return "POST", "/v1/documents/check", {"content-type": "application/json", "x-forwarded-for": source}, asked


@pytest.mark.parametrize("one", ["source", "number"])
def test_document_numbers_are_asked_for_as_often_as_they_may_be(office, clock, one):
    """Ten misses of one source, or about one number whoever asks; then all wait, also for workers that are new."""
    source, number = next(_SOURCES), f"0000-{next(_SOURCES)}"
    asked = [
        _asking(number if one == "number" else f"{number}-{n}", source if one == "source" else next(_SOURCES))
        for n in range(CROWD)
    ]
    first = _all(office, asked)
    office.restart(before=clock.program)
    then = _all(office, asked[:WORKERS])

    assert (CROWD - MAX_MISSES, WORKERS) == (_refused(first), _refused(then))
    assert [{"match": False}] * MAX_MISSES == [answer.document for answer in first if answer.status == 200]


def test_the_result_of_a_request_is_looked_at_once_in_its_time(desk, clock):
    """One of a crowd is answered, whichever worker it asks; half a second later one more, and another request anew."""
    requests = [desk.request()[0] for _ in range(2)]
    told = []
    for id_, step in ((requests[0], timedelta(0)), (requests[0], PAUSE), (requests[1], timedelta(0))):
        clock.advance(step)
        answers = _all(desk, [("GET", f"/v1/requests/{id_}", desk.member, b"")] * CROWD)
        told.append((_refused(answers), [answer.document["status"] for answer in answers if answer.status == 200]))
    desk.restart(before=clock.program)
    after = _all(desk, [("GET", f"/v1/requests/{id_}", desk.member, b"") for id_ in requests])

    assert [(CROWD - 1, ["pending"])] * 3 == told
    assert 2 == _refused(after)
