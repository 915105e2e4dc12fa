"""How often one source may ask, and that those who ask do not fill the memory."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet.errors import UsageError
from ewallet.rate import Limiter, Rate
from ewallet.testing.clock import Clock


def _limiter(clock, **given):
    return Limiter(Rate(3, 60), env=clock.env(), **given)


def test_so_many_at_once_and_then_one_at_a_time():
    """The bucket leaks evenly: whoever waits as long as told is let through once."""
    clock = Clock()
    limiter = _limiter(clock)
    at_once = [limiter.wait("192.0.2.1") for _ in range(4)]
    clock.advance(timedelta(seconds=at_once[-1]))
    later = [limiter.wait("192.0.2.1") for _ in range(2)]

    assert [0, 0, 0, 20] == at_once
    assert [0, 20] == later


def test_whoever_is_refused_is_not_set_back():
    """Asking in vain costs nothing, and after the whole time everything is open again."""
    clock = Clock()
    limiter = _limiter(clock)
    for _ in range(100):
        limiter.wait("192.0.2.1")
    clock.advance(timedelta(seconds=60))

    assert [0, 0, 0, 20] == [limiter.wait("192.0.2.1") for _ in range(4)]


def test_sources_do_not_get_in_each_others_way():
    """One address of IPv4, or one network of IPv6, in whatever way it is written."""
    limiter = _limiter(Clock())
    for _ in range(3):
        limiter.wait("192.0.2.1")
        limiter.wait("2001:db8::1")

    assert [20, 20, 20, 0, 0, 0] == [
        limiter.wait(each)
        for each in ("192.0.2.1", "::ffff:192.0.2.1", "2001:db8::ffff", "2001:db8:0:1::1", "192.0.2.2", "x" * 10_000)
    ]


def test_a_flood_of_sources_takes_no_more_memory():
    """The one seen longest ago is forgotten first."""
    limiter = _limiter(Clock(), sources=100)
    for number in range(1000):
        limiter.wait(f"198.51.{number // 250}.{number % 250}")

    assert 100 == len(limiter._empty)
    assert "198.51.3.249" in limiter._empty


def test_who_has_not_asked_for_a_while_is_forgotten():
    """An empty bucket is none."""
    clock = Clock()
    limiter = _limiter(clock)
    limiter.wait("192.0.2.1")
    clock.advance(timedelta(seconds=21))
    limiter.wait("192.0.2.2")

    assert ["192.0.2.2"] == list(limiter._empty)


@pytest.mark.parametrize(("text", "rate"), [("6000/60", Rate(6000, 60)), ("1/86400", Rate(1, 86400)), ("off", None)])
def test_a_rate_is_requests_and_seconds(text, rate):
    """Or off, in so many letters."""
    assert rate == Rate.parse(text)


@pytest.mark.parametrize(
    "text", ["", "60", "0/60", "60/0", "-1/60", "1/1.5", "1/minute", "1" * 9 + "/1", "Off", " off"]
)
def test_what_is_no_rate_stops_the_program(text):
    """Before it serves anybody."""
    with pytest.raises(UsageError) as refused:
        Rate.parse(text)
    assert "usage.configuration" == refused.value.code
