"""When an issuer says that it can work: not while nobody would believe, or could read, its status lists (I8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.errors import StoreError
from ewallet.keys import SigningKey
from ewallet.shape import certificate
from ewallet.testing.caller import KIND
from issuer_service.readiness import Readiness


@pytest.fixture
def issued(site):
    """A service that has issued, and so has a status list; the identifier of what was issued."""
    site.caller().credential(site.caller().token(site.service.issuance.offer(KIND, subject="hong")))
    (made,) = site.service.issuer.certificates("hong")
    return made.id


def _said(site):
    """Whether it lives, whether it can work, and the code of what is in the way."""
    alive, ready = (site.browser.get(path) for path in ("/healthz", "/readyz"))
    return alive.status_code, ready.status_code, ready.json().get("code")


def test_an_issuer_is_ready_before_and_after_its_first_list(site, request):
    """And says the same again, without signing anew."""
    before = _said(site)
    made = request.getfixturevalue("issued")
    after = [_said(site) for _ in range(2)]
    site.service.issuer.revoke(made, reason="a test")

    assert [(200, 200, None)] * 4 == [before, *after, _said(site)]


def test_an_issuer_whose_list_cannot_be_signed_is_not_ready(site, issued):
    """A revocation that stands outside of its list would not be published; with the list mended it goes on."""
    with site.service.database._engine.writing() as connection:
        connection.exec_driver_sql("UPDATE status_lists SET size = 0")
    site.service.issuer.revoke(issued, reason="a test")
    damaged = _said(site)
    with site.service.database._engine.writing() as connection:
        connection.exec_driver_sql("UPDATE status_lists SET size = 1048576")

    assert (200, 503, "storage.unavailable") == damaged
    assert (200, 200, None) == _said(site)


def test_an_issuer_whose_lists_cannot_be_read_is_not_ready(site, issued):
    """However well the rest of its database is."""
    with site.service.database._engine.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE entries RENAME TO gone")
    site.service.issuer.revoke(issued, reason="a test")

    assert (200, 503) == _said(site)[:2]


def test_an_issuer_whose_signer_of_lists_has_expired_is_not_ready(site, issued):
    """Whatever it publishes from then on, no verifier believes it, and with it nothing that was issued."""
    (leaf, *_) = site.service.status_signer.chain
    left = certificate(leaf).not_valid_after_utc - site.clock.now()
    said = []
    for step in (left - timedelta(seconds=1), timedelta(seconds=1)):
        site.clock.advance(step)
        said.append(_said(site))

    assert issued
    assert [(200, 200, None), (200, 503, "storage.unavailable")] == said


def test_lists_of_another_address_are_not_ours_to_publish(site, issued):
    """As of an issuer that has moved, with its database."""
    with site.service.database._engine.writing() as connection:
        connection.exec_driver_sql("INSERT INTO status_lists VALUES (2, 'https://former.example/status/2', 8, 0)")

    assert issued
    assert (200, 200, None) == _said(site)


def test_a_list_that_was_signed_by_another_key_is_not_published_unseen(site, issued):
    """As by a device that has another key under the name of ours."""
    other = replace(site.service, status_signer=SigningKey.generate())
    with pytest.raises(StoreError) as refused:
        Readiness(other).check()

    assert issued
    assert ("storage.unavailable", "status.token_invalid") == (refused.value.code, refused.value.detail)
