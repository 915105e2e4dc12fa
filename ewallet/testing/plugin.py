"""Pytest fixtures for those who build on this library; pytest finds them where the library is installed.

A relying party's test::

    def test_an_address_opens_an_account(ewallet_kit):
        ewallet_kit.issue("resident_register_copy")
        token, request = ewallet_kit.present(ewallet_kit.query("resident_register_copy", ["resident_address"]))

        assert isinstance(ewallet_kit.verify(token, request), Accepted)

Everything is imported when a fixture is first asked for, so that suites which ask for none pay nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ewallet.catalog import Catalog
    from ewallet.env import Env
    from ewallet.testing.clock import Clock
    from ewallet.testing.kit import Kit
    from ewallet.testing.network import Network
    from ewallet.testing.pki import Pki


@pytest.fixture(scope="session")
def ewallet_catalog() -> Catalog:
    """The bundled certificate kinds, read once."""
    from ewallet.catalog import Catalog

    return Catalog.bundled()


@pytest.fixture
def ewallet_clock() -> Clock:
    """A clock that stands at noon of the samples' day until it is moved."""
    from ewallet.testing.clock import Clock

    return Clock()


@pytest.fixture
def ewallet_env(ewallet_clock: Clock) -> Env:
    """That clock, and entropy that is the same in every run."""
    return ewallet_clock.env("test")


@pytest.fixture
def ewallet_kit(ewallet_clock: Clock, ewallet_catalog: Catalog) -> Kit:
    """Issuer, wallet and verifier in memory, on that clock."""
    from ewallet.testing.kit import Kit

    return Kit.make(clock=ewallet_clock, catalog=ewallet_catalog)


@pytest.fixture
def ewallet_pki(ewallet_kit: Kit) -> Pki:
    """The PKI that the kit trusts."""
    return ewallet_kit.pki


@pytest.fixture
def ewallet_network(ewallet_kit: Kit) -> Network:
    """The network between the kit's verifier and issuer; ``requests`` lists what was sent."""
    return ewallet_kit.network
