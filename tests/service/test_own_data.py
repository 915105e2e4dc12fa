"""What a person downloads of their own, and how they look through who looked."""

from __future__ import annotations

import json

import pytest

from issuer_service.records import FolderRecords

HTML = {"accept": "text/html"}
KINDS = ["local_tax_payment_certificate", "resident_register_copy"]


class _Unlisted:
    """Records that do not say what they have, as those of an agency's own service."""

    def __init__(self, records):
        self.claims = records.claims


def _downloaded(site, format_id):
    site.sign_in()
    site.page("/my/data")
    answer = site.browser.post("/my/data/export", data={"csrf": site.csrf, "format": format_id}, headers=HTML)
    assert 200 == answer.status_code, answer.text
    return answer


@pytest.mark.parametrize("listed", [True, False])
def test_every_record_that_is_in_a_folder_is_downloaded(portal_settings, open_site, tmp_path, ewallet_catalog, listed):
    """Whether the records say which kinds those are or not."""
    (tmp_path / "records" / "hong").mkdir(parents=True)
    for kind in KINDS:
        sample = json.dumps(ewallet_catalog.type(kind).sample)
        (tmp_path / "records" / "hong" / f"{kind}.json").write_text(sample, "utf-8")
    records = FolderRecords(tmp_path / "records", ewallet_catalog)
    site = open_site(portal_settings, records if listed else _Unlisted(records))
    assert KINDS == [record["type"] for record in _downloaded(site, "json").json()["records"]]
