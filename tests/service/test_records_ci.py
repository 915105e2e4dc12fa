"""Connecting information of people in each source of records: who has one, and what a wrong one gets."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from ewallet.errors import TransportError, UsageError
from ewallet.flow import Response
from ewallet.records import PersonRecords
from ewallet.testing.issuance import invented_ci
from ewallet.testing.network import Network
from issuer_service.records import CITIZENS, DemoRecords, FolderRecords, RemoteRecords

BASE = "https://register.example/v1"
CI = invented_ci("somebody")
WRITTEN = json.dumps({"ci": b64encode(CI).decode()}).encode()
WRONG = [b"{}", b'{"ci": 7}', b'{"ci": "not base64"}', b'{"ci": "AAA"}']


def test_everybody_of_the_demo_register_has_one_but_the_company(ewallet_catalog):
    """Another for each, and the same each time."""
    records = DemoRecords(ewallet_catalog)
    found = {handle: records.ci(handle) for handle in CITIZENS}

    assert isinstance(records, PersonRecords)
    assert found.pop("gasang") is None
    assert {64} == {len(ci) for ci in found.values() if ci}
    assert len(found) == len(set(found.values()))
    assert found["hong"] == records.ci("hong")
    assert records.ci("nobody") is None


def _folder(tmp_path, catalog, raw=None):
    (tmp_path / "hong").mkdir()
    if raw is not None:
        (tmp_path / "hong" / "ci.json").write_bytes(raw)
    return FolderRecords(tmp_path, catalog)


def test_a_folder_has_it_in_a_file(tmp_path, ewallet_catalog):
    """Of those who have one; no handle leads elsewhere."""
    records = _folder(tmp_path, ewallet_catalog, WRITTEN)
    assert CI == records.ci("hong")
    assert [None, None] == [records.ci("seong"), records.ci("../hong")]


@pytest.mark.parametrize("raw", WRONG)
def test_a_file_without_it_is_refused(tmp_path, ewallet_catalog, raw):
    """Without what is in it."""
    with pytest.raises(UsageError) as refused:
        _folder(tmp_path, ewallet_catalog, raw).ci("hong")
    assert "issue.invalid_value" == refused.value.code


def _remote(status, body=b""):
    network = Network()
    network.route(f"{BASE}/", lambda _: Response(status, {}, body))
    return RemoteRecords(BASE, network), network


def test_a_service_is_asked_for_it_by_handle():
    """404 for those who have none."""
    records, network = _remote(200, WRITTEN)
    assert CI == records.ci("hong")
    assert [f"{BASE}/hong/ci"] == [request.url for request in network.requests]
    assert _remote(404)[0].ci("hong") is None


@pytest.mark.parametrize("raw", WRONG)
def test_a_service_that_answers_something_else_is_refused(raw):
    """As a record would be."""
    with pytest.raises(UsageError) as refused:
        _remote(200, raw)[0].ci("hong")
    assert "issue.invalid_value" == refused.value.code


def test_a_service_that_is_not_available_is_not_taken_for_one_without():
    """Else a certificate would go out that fits to no other."""
    with pytest.raises(TransportError) as refused:
        _remote(500)[0].ci("hong")
    assert "fetch.unavailable" == refused.value.code
