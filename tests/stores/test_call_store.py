"""Calls that are made again: the answer of the first time, once, on every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import pytest

from ewallet.errors import UsageError
from ewallet.idempotency import Calls
from ewallet.sql import Database
from ewallet.testing.clock import Clock

KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
CALLER = "an invented api key"


class Office:
    """A service of which every answer is another one."""

    def __init__(self, store, clock):
        self.clock = clock
        self.calls = Calls(store, env=clock.env("office"))
        self.numbers = count(1)

    def ask(self, key=KEY, caller=CALLER, asked=b"a body", perform=None):
        return self.calls.once(key, caller=caller, asked=asked, perform=perform or self.answer)

    def answer(self):
        return f"answer {next(self.numbers)}".encode()


@pytest.fixture(params=["issuer_calls", "verifier_calls"])
def office(request, database):
    """Either service."""
    return Office(getattr(database, request.param), Clock())


def _refused(call, **given):
    with pytest.raises(UsageError) as refused:
        call(**given)
    return refused.value.code


def test_a_call_made_again_has_the_answer_of_the_first_time(office):
    """Under the same name; under another, or none, it is another call."""
    answers = [office.ask(), office.ask(), office.ask(key='"another"'), office.ask(key=None), office.ask(key=None)]

    assert [b"answer 1", b"answer 1", b"answer 2", b"answer 3", b"answer 4"] == answers


def test_a_name_is_for_one_call(office):
    """Another body under it is refused, and the answer of the first stays."""
    office.ask()

    assert "usage.key_reused" == _refused(office.ask, asked=b"another body")
    assert b"answer 1" == office.ask()


def test_callers_do_not_meet(office):
    """The same name of another caller names another call, whatever it asks."""
    assert [b"answer 1", b"answer 2", b"answer 1"] == [
        office.ask(),
        office.ask(caller="another invented api key", asked=b"another body"),
        office.ask(),
    ]


def test_a_call_that_failed_may_be_made_again(office):
    """It had no effect."""

    def fails():
        raise UsageError("usage.argument", "not like this")

    assert "usage.argument" == _refused(office.ask, perform=fails)
    assert b"answer 1" == office.ask(asked=b"put right")


def test_the_same_call_at_the_same_time_has_to_wait(office):
    """Until the first has ended, or is thought to be gone."""
    during = []

    def slow():
        during.append(_refused(office.ask))
        office.clock.advance(timedelta(minutes=1))
        during.append(office.ask())
        return b"late"

    office.ask(perform=slow)

    assert ["usage.in_progress", b"answer 1"] == during


@pytest.mark.parametrize("fails", [False, True])
def test_a_call_that_was_thought_gone_leaves_the_one_after_it_as_it_is(office, fails):
    """Neither its answer nor its failure takes the place of what was told by then, be that another call."""

    def late():
        office.clock.advance(timedelta(minutes=1))
        assert b"answer 1" == office.ask(asked=b"another body")
        if fails:
            raise UsageError("usage.argument", "not like this")
        return b"late"

    if fails:
        assert "usage.argument" == _refused(office.ask, perform=late)
    else:
        assert b"late" == office.ask(perform=late)
    assert b"answer 1" == office.ask(asked=b"another body")
    assert "usage.key_reused" == _refused(office.ask)


def test_an_answer_is_kept_for_a_day(office):
    """Then the name may name another call."""
    office.ask()
    office.clock.advance(timedelta(days=1) - timedelta(seconds=1))
    kept = office.ask()
    office.clock.advance(timedelta(seconds=1))

    assert [b"answer 1", b"answer 2"] == [kept, office.ask(asked=b"another body")]


@pytest.mark.parametrize(
    "key", ["", "bare", '""', '"open', '"a"b"', f'"{"x" * 201}"', '"\x7f"', '"가"', '"a", "b"', ' "a"']
)
def test_a_name_is_a_text_in_quotes(office, key):
    """As the draft has it; what it says is not repeated."""
    assert "usage.argument" == _refused(office.ask, key=key)


@pytest.mark.parametrize("key", ['"x"', '" !#[]~"', '"a \\" and a \\\\"', f'"{"x" * 200}"'])
def test_any_text_will_do(office, key):
    """Of ASCII, with quotes and backslashes escaped."""
    assert office.ask(key=key) == office.ask(key=key)


def test_of_a_crowd_one_is_served(shared_url):
    """Threads that make the same call at once: one effect; the others have its answer, or wait."""
    database = Database(shared_url)
    office = Office(database.verifier_calls, Clock())

    def call(_number):
        try:
            return office.ask()
        except UsageError as exc:
            return exc.code

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(call, range(40)))
    again = office.ask()
    database.close()

    assert found <= {b"answer 1", "usage.in_progress"}
    assert (b"answer 1", 2) == (again, next(office.numbers))


def test_a_copy_of_the_database_opens_nothing(tmp_path):
    """Neither the answer nor the name is in it."""
    database = Database(f"sqlite:///{tmp_path}/calls.db")
    Office(database.verifier_calls, Clock()).ask(perform=lambda: b"canary-of-an-answer")
    database.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert not any(secret in raw for secret in (b"canary-of-an-answer", KEY.strip('"').encode(), CALLER.encode()))
