"""Token Status List: packing, the signed token, when it counts and what its values mean."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet import cose, jose, status
from ewallet.credential import StatusRef
from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.shape import to_base64url, to_cbor
from ewallet.status import StatusList, StatusToken, check_value
from ewallet.testing.clock import START

_URI = "https://issuer.example.go.kr/status/1"
_KEY = SigningKey.generate()
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def _code(check, *args, **kwargs):
    with pytest.raises(EWalletError) as refused:
        check(*args, **kwargs)
    return refused.value.code


@given(st.sampled_from((1, 2, 4, 8)), st.data())
def test_list_comes_back_entry_by_entry(bits, data):
    """For each width, through compression and base64url."""
    values = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=1, max_size=40))
    made = StatusList.empty(len(values), bits=bits)
    for index, value in enumerate(values):
        made[index] = value
    read = StatusList.of_json(made.to_json())
    assert values == [read[index] for index in range(len(values))]
    assert len(values) <= len(read) < len(values) + 8


def test_entry_outside_the_list_or_its_width_is_refused():
    """An index is never wrapped around, a value never cut."""
    made = StatusList.empty(4, bits=2)
    for index in (-1, 4, 1 << 60):
        assert _code(made.__getitem__, index) == "status.index_out_of_range"
    for value in (-1, 4):
        assert _code(made.__setitem__, 0, value) == "usage.argument"
    assert _code(StatusList, 3, bytearray()) == "usage.argument"
    assert _code(StatusList.of_json, {"bits": 3, "lst": ""}) == "malformed.claim_type"


def test_value_means_what_the_registry_says():
    """Only zero is valid; what is not known is not valid."""
    check_value(0)
    codes = [_code(check_value, value) for value in (1, 2, 3, 15, 255)]
    assert codes == ["status.revoked", "status.suspended", *["status.unknown_value"] * 3]


def _token(**changes):
    claims = {"sub": _URI, "iat": int(START.timestamp()), "status_list": StatusList.empty(8).to_json()} | changes
    return jose.sign(status.TYP, {name: value for name, value in claims.items() if value is not None}, _KEY)


def test_token_comes_back_from_its_signature():
    """As text or bytes, with line breaks around it."""
    made = StatusList.empty(8)
    made[3] = status.Status.REVOKED
    raw = status.sign(made, uri=_URI, at=START, until=START + _DAY, ttl=_HOUR, signer=_KEY)
    for sent in (raw, f"{raw}\n", raw.encode()):
        token = StatusToken.read(sent)
        token.check_signature(_KEY.public)
        assert (token.uri, token.issued, token.until, token.ttl) == (_URI, START, START + _DAY, _HOUR)
        assert token.list[3] == 1
    assert _code(token.check_signature, SigningKey.generate().public) == "status.token_invalid"


def test_cwt_comes_back_from_its_signature():
    """As it is or in base64url, which is how it is kept; draft-ietf-oauth-status-list-20 §5.2."""
    made = StatusList.empty(8)
    made[3] = status.Status.SUSPENDED
    raw = status.sign_cwt(made, uri=_URI, at=START, until=START + _DAY, ttl=_HOUR, signer=_KEY)
    for sent in (raw, to_base64url(raw)):
        token = StatusToken.read(sent)
        token.check_signature(_KEY.public)
        assert (token.uri, token.issued, token.until, token.ttl) == (_URI, START, START + _DAY, _HOUR)
        assert token.list[3] == 2
        assert token.raw == to_base64url(raw)
    assert _code(token.check_signature, SigningKey.generate().public) == "status.token_invalid"


def _cwt(claims, typ="application/statuslist+cwt"):
    said = {2: _URI, 6: 1, 65533: {"bits": 1, "lst": b"x\x9cc\x00\x00\x00\x01\x00\x01"}} | claims
    return cose.sign1(to_cbor({name: value for name, value in said.items() if value is not None}), _KEY, {16: typ})


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (_cwt({}, typ="application/statuslist+jwt"), "status.token_invalid"),
        (_cwt({2: None}), "status.token_invalid"),
        (_cwt({2: 7}), "status.token_invalid"),
        (_cwt({6: None}), "status.stale"),
        (_cwt({4: "1"}), "status.token_invalid"),
        (_cwt({65534: -1}), "status.token_invalid"),
        (_cwt({65533: None}), "status.token_invalid"),
        (_cwt({65533: {"bits": 3, "lst": b""}}), "status.token_invalid"),
        (_cwt({65533: {"bits": 1, "lst": "eJxjAAAAAQAB"}}), "status.token_invalid"),
        (_cwt({})[:-1], "status.token_invalid"),
        (b"\xd1" + _cwt({})[1:], "status.token_invalid"),
        (b"\xd8\x3d" + _cwt({}), "status.token_invalid"),
    ],
    ids=range(12),
)
def test_bad_cwt_is_refused(raw, code):
    """Another typ, a missing or ill-typed claim, a list in text, a MAC, the CWT tag around it."""
    assert _code(StatusToken.read, raw) == code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff", "status.token_invalid"),
        ("abc", "status.token_invalid"),
        (jose.sign("jwt", {}, _KEY), "status.token_invalid"),
        (_token(sub=None), "status.token_invalid"),
        (_token(iat=None), "status.stale"),
        (_token(iat="1"), "status.token_invalid"),
        (_token(exp="1"), "status.token_invalid"),
        (_token(ttl=0), "status.token_invalid"),
        (_token(status_list=None), "status.token_invalid"),
        (_token(status_list={"bits": 1, "lst": "AAAA"}), "status.token_invalid"),
        ("A" * 5_000_000, "limit.size"),
    ],
    ids=range(11),
)
def test_bad_token_is_refused(raw, code):
    """One code for what is no status list token, others for what is too old or too long."""
    assert code == _code(StatusToken.read, raw)


def test_token_counts_for_its_address_and_time_only():
    """Not for another list, not before it was made, not after its end, unless the receiver allows that."""
    ref, none = StatusRef(_URI, 0), timedelta(0)
    token = StatusToken.read(_token(exp=int((START + _DAY).timestamp())))
    check = token.check_current
    check(ref, START, max_age=_HOUR, stale_for=none)
    check(ref, START - timedelta(seconds=60), max_age=_HOUR, stale_for=none)
    check(ref, START + _DAY, max_age=_HOUR, stale_for=timedelta(seconds=1))
    other = StatusRef(f"{_URI}/", 0)
    assert _code(check, other, START, max_age=_HOUR, stale_for=none) == "status.uri_mismatch"
    assert _code(check, ref, START - timedelta(seconds=61), max_age=_HOUR, stale_for=none) == "status.stale"
    assert _code(check, ref, START + _DAY, max_age=_HOUR, stale_for=none) == "status.stale"
    endless = StatusToken.read(_token())
    endless.check_current(ref, START + _HOUR - timedelta(seconds=1), max_age=_HOUR, stale_for=none)
    assert _code(endless.check_current, ref, START + _HOUR, max_age=_HOUR, stale_for=none) == "status.stale"


def test_token_is_due_after_its_ttl_or_its_end():
    """Or after the receiver's own time where it names none."""
    assert not StatusToken.read(_token()).due(START, default=_HOUR)
    assert StatusToken.read(_token()).due(START + _HOUR, default=_HOUR)
    assert not StatusToken.read(_token(ttl=7_200)).due(START + _HOUR, default=_HOUR)
    assert StatusToken.read(_token(ttl=7_200, exp=int(START.timestamp()))).due(START, default=_HOUR)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_list_is_within_another_that_has_taken_nothing_back(bits):
    """Every status that is set is set in the other of the same shape."""
    older, newer = StatusList.empty(64, bits=bits), StatusList.empty(64, bits=bits)
    older[3] = newer[3] = newer[9] = 1

    assert older.within(newer)
    assert not newer.within(older)
    assert not StatusList.empty(64, bits=bits).within(StatusList.empty(128, bits=bits))
