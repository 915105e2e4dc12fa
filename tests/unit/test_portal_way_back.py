"""The way back to the recipient: whoever lost it is led there with the same code, and only as long as that is good."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet.errors import ProtocolError
from ewallet.testing.agency import BUNDLE, PortalSite, asked


@pytest.fixture
def site(ewallet_catalog):
    """A portal with two recipients."""
    return PortalSite.make(ewallet_catalog)


def _error(call, *arguments):
    with pytest.raises(ProtocolError) as refused:
        call(*arguments)
    assert "request.invalid" == refused.value.code
    return refused.value.error


def test_who_was_led_back_in_vain_is_led_back_with_the_same_code(site):
    """Until a minute is over or the code was shown; nobody else can make it, and no other consent has it."""
    client = site.client()
    asking = client.ask(BUNDLE, days=30)
    request_uri = asked(asking.url)["request_uri"]
    first = site.agreed(asking.url)
    (consent_id,) = site.agencies.consents
    assert first == site.portal.grant(request_uri, consent_id)
    assert "invalid_request_uri" == _error(site.portal.grant, request_uri, "another-consent")
    client.token(asking, first)
    assert "invalid_request_uri" == _error(site.portal.grant, request_uri, consent_id)


def test_a_code_that_was_not_shown_in_time_is_not_made_again(site):
    """The second way back ends when the first does."""
    client = site.client()
    asking = client.ask(BUNDLE, days=30)
    site.agreed(asking.url)
    (consent_id,) = site.agencies.consents
    site.clock.advance(timedelta(seconds=60))
    assert "invalid_request_uri" == _error(site.portal.grant, asked(asking.url)["request_uri"], consent_id)
