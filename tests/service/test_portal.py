"""The portal as a service: a bank asks, a person consents with the wallet, the bank downloads, and what is refused."""

from __future__ import annotations

from ewallet.package import Package


def test_a_bank_downloads_what_a_person_consented_to(portal):
    """Pushed, chosen, signed with the wallet, a code, a token, the package: by the service's addresses alone."""
    granted = portal.granted()
    package = portal.client.package(granted)
    assert isinstance(package, Package)
    assert granted.consent_id == package.consent.id
