"""The stand-in for BLE and NFC: whole messages, bounded in size and time, on this machine only."""

from __future__ import annotations

import socket

import pytest

from ewallet import loopback
from ewallet.errors import EWalletError, UsageError
from ewallet.loopback import Wire

pytestmark = pytest.mark.loopback


@pytest.fixture
def ends():
    """A wire, and the bare socket at its other end."""
    here, there = socket.socketpair()
    here.settimeout(0.2)
    with here, there:
        yield Wire(here, limit=100), there


def _refused(call, *arguments):
    with pytest.raises(EWalletError) as caught:
        call(*arguments)
    return caught.value.code


def test_messages_arrive_whole_and_in_order(ends):
    """However they were cut on the way."""
    wire, there = ends
    there.sendall(b"\x00\x00")
    there.sendall(b"\x00\x03ab")
    there.sendall(b"c\x00\x00\x00\x00")

    assert [b"abc", b""] == [wire.receive(), wire.receive()]


def test_a_message_is_preceded_by_its_length(ends):
    """Four bytes, big-endian."""
    wire, there = ends
    wire.send(b"abc")

    assert b"\x00\x00\x00\x03abc" == there.recv(100)


@pytest.mark.parametrize("sent", [b"", b"\x00", b"\x00\x00\x00\x05ab"])
def test_a_connection_that_breaks_is_noticed(ends, sent):
    """In the middle of a message, or between two."""
    wire, there = ends
    there.sendall(sent)
    there.close()

    assert "fetch.unavailable" == _refused(wire.receive)


def test_silence_is_not_awaited_for_ever(ends):
    """The other side has gone out of reach."""
    assert "fetch.timeout" == _refused(ends[0].receive)


def test_a_message_that_is_too_long_is_not_read(ends):
    """Its length alone says so."""
    wire, there = ends
    there.sendall(b"\x00\x00\x00\x65")

    assert "limit.size" == _refused(wire.receive)


def test_whoever_has_gone_is_told_nothing(ends):
    """The message cannot be sent."""
    wire, there = ends
    there.close()
    code = _refused(lambda: [wire.send(bytes(1 << 20)) for _ in range(9)])

    assert "fetch.unavailable" == code


@pytest.mark.parametrize("text", ["127.0.0.1:8040", "localhost:8040", "[::1]:8040"])
def test_this_machine_is_reached(text):
    """By any of its own names."""
    assert 8040 == loopback.address(text)[1]


@pytest.mark.parametrize(
    "text", ["192.0.2.1:8040", "shop.example:8040", "8040", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "::1:x", ""]
)
def test_no_other_machine_is_reached(text):
    """It is no way to show anything to somebody far away."""
    with pytest.raises(UsageError) as caught:
        loopback.address(text)

    assert "usage.argument" == caught.value.code


def test_an_address_that_is_taken_is_a_matter_of_configuration():
    """Two wallets cannot wait in the same place."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError) as caught, loopback.listening(("127.0.0.1", other.getsockname()[1])):
            pass

    assert "usage.configuration" == caught.value.code


def test_nobody_comes_and_nobody_is_there():
    """Both sides give up in time."""
    with loopback.listening(("127.0.0.1", _free())) as bound:
        with pytest.raises(EWalletError) as waited, loopback.accepted(bound, limit=1, patience=0.05):
            pass
        at = bound.getsockname()
    with pytest.raises(EWalletError) as went, loopback.connected(at, limit=1, patience=1):
        pass

    assert ("fetch.timeout", "fetch.unavailable") == (waited.value.code, went.value.code)


def _free():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]
