"""Operators of a portal register recipients in its database, and suspend them: it holds from the next request on."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from ewallet.errors import ProtocolError
from ewallet.keys import SigningKey
from ewallet.testing.bank import register

BANK = "bank.example"
KEYS = {"desk-key": "desk register", "read-key": "auditor read"}
CAUSE = {"reason": "가상 사유: 정지 처분"}


@pytest.fixture
def portal_settings(portal_settings):
    """The settings of a portal whose registrations are in its database."""
    return portal_settings | {"recipients": Path("database")}


@pytest.fixture
def settings(settings, tmp_path):
    """With an operator who may register."""
    lines = (f"{sha256(key.encode()).hexdigest()} {told}" for key, told in KEYS.items())
    (tmp_path / "operators").write_text("\n".join(lines), "utf-8")
    return settings


def _registration(bank, **changes):
    found = bank.recipient.to_json()
    said = {name: found[name] for name in ("names", "class", "keys", "bundles", "redirect_uris")}
    said["bundles"] = ["bank_personal_loan"]
    return {**said, "until": "2027-11-21T00:00:00+09:00", "reason": "가상 사유: 등록 신청", **changes}


def _call(portal, method, path="", *, key="desk-key", **body):
    return portal.site.operator(method, f"/v1/recipients{path}", key=key, **body)


@pytest.fixture
def registered(portal):
    """A portal at which the bank is registered."""
    assert 200 == _call(portal, "PUT", f"/{BANK}", **_registration(portal.bank)).status_code
    return portal


def _refused(call, *arguments):
    with pytest.raises(ProtocolError) as refused:
        call(*arguments)
    assert "request.invalid" == refused.value.code
    return refused.value.error


def test_nobody_is_served_before_they_are_registered(portal):
    """And from then on they are, without a start of anything."""
    assert "invalid_client" == _refused(portal.asked)
    assert 200 == _call(portal, "PUT", f"/{BANK}", **_registration(portal.bank)).status_code
    assert portal.client.package(portal.granted()).consent.recipient.id == BANK


def test_a_suspended_recipient_gets_nothing_from_the_next_request_on(registered):
    """Not with a token that it has, and not by asking; resumed, it goes on with both."""
    granted = registered.granted()
    assert 204 == _call(registered, "POST", f"/{BANK}/suspend", **CAUSE).status_code
    assert "access_denied" == _refused(registered.client.package, granted)
    assert "access_denied" == _refused(registered.asked)
    assert 204 == _call(registered, "POST", f"/{BANK}/resume", **CAUSE).status_code
    assert granted.consent_id == registered.client.package(granted).consent.id


def test_another_worker_learns_of_a_suspension_at_once(registered, portal_settings, open_site):
    """It reads the same row, for every request anew."""
    granted, other = registered.granted(), open_site(portal_settings)
    other.operator("POST", f"/v1/recipients/{BANK}/suspend", key="desk-key", **CAUSE)
    assert "access_denied" == _refused(registered.client.package, granted)


def test_a_registration_ends_when_it_says(registered):
    """Also where the end is brought forward."""
    granted = registered.granted()
    ended = _registration(registered.bank, until=(registered.site.clock.now() - timedelta(seconds=1)).isoformat())
    assert 200 == _call(registered, "PUT", f"/{BANK}", **ended).status_code
    assert "access_denied" == _refused(registered.client.package, granted)


def test_every_change_is_on_record_with_who_made_it(registered):
    """The newest first, with its reason."""
    _call(registered, "POST", f"/{BANK}/suspend", **CAUSE)
    found = _call(registered, "GET", f"/{BANK}/changes").json()["changes"]
    assert [("suspended", "desk"), ("registered", "desk")] == [(each["what"], each["by"]) for each in found]
    assert CAUSE["reason"] == found[0]["reason"]


def test_what_is_registered_is_read_as_it_was_sent(registered):
    """Alone and in the list; who is suspended is said to be."""
    sent = _registration(registered.bank)
    (listed,) = _call(registered, "GET").json()["recipients"]
    assert listed == _call(registered, "GET", f"/{BANK}").json()
    assert (BANK, False) == (listed.pop("id"), listed.pop("suspended"))
    assert "2027-11-20T15:00:00Z" == listed.pop("until")
    assert {name: sent[name] for name in listed} == listed


WRONG: Final[list[tuple[dict[str, Any], tuple[int, str]]]] = [
    ({"bundles": ["no_such_bundle"]}, (400, "usage.argument")),
    ({"bundles": ["local_youth_job_support"]}, (400, "usage.argument")),
    ({"class": "hospital"}, (400, "usage.argument")),
    ({"keys": [{"kty": "oct", "k": "AA"}]}, (400, "crypto.key_invalid")),
    ({"redirect_uris": ["http://bank.example/return"]}, (400, "malformed.url")),
    ({"keys": []}, (422, "request.invalid")),
    ({"reason": ""}, (422, "request.invalid")),
    ({"suspended": False}, (422, "request.invalid")),
    ({"until": "soon"}, (422, "request.invalid")),
    ({"until": "2027-11-21T00:00:00"}, (422, "request.invalid")),
    ({"until": "0001-01-01T00:00:00Z"}, (400, "malformed.claim_type")),
    ({"names": {"ko": "가상은행\n목적: 없음", "en": "Example Bank"}}, (400, "malformed.claim_type")),
    ({"redirect_uris": ["javascript:alert(1)"]}, (400, "malformed.url")),
    ({"keys": [{**SigningKey.generate().public.jwk, "d": "AA"}]}, (400, "crypto.key_invalid")),
]
CALLS = [
    ("GET", ""),
    ("GET", f"/{BANK}"),
    ("GET", f"/{BANK}/changes"),
    ("PUT", f"/{BANK}"),
    ("POST", f"/{BANK}/suspend"),
    ("POST", f"/{BANK}/resume"),
]


def test_a_wrong_registration_changes_nothing(registered):
    """It is refused by name, and what was registered before stays."""
    before = _call(registered, "GET", f"/{BANK}").json()
    for changes, expected in WRONG:
        answer = _call(registered, "PUT", f"/{BANK}", **_registration(registered.bank, **changes))
        assert expected == (answer.status_code, answer.json()["code"]), changes
    assert before == _call(registered, "GET", f"/{BANK}").json()


def test_nobody_changes_registrations_without_the_right(registered):
    """Neither with a key of another right nor without one, whatever else is wrong with the call."""
    for key, expected in (("read-key", 403), ("nobodys-key", 401)):
        assert {expected} == {_call(registered, method, path, key=key).status_code for method, path in CALLS}


def test_who_is_not_registered_is_not_found(registered):
    """Nor can they be suspended."""
    found = [_call(registered, "GET", f"/nobody.example{end}").status_code for end in ("", "/changes")]
    found.append(_call(registered, "POST", "/nobody.example/suspend", **CAUSE).status_code)
    assert [404] * 3 == found


def test_registrations_in_a_file_are_changed_there(portal_settings, loan_bank, open_site, tmp_path):
    """There is no second way: the calls are not there."""
    site = open_site(portal_settings | {"recipients": register(tmp_path / "r.json", loan_bank.recipient)})
    assert 404 == site.operator("GET", "/v1/recipients", key="desk-key").status_code
