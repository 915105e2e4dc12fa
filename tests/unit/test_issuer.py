"""The issuer refuses before anything is recorded, and signs nothing that outlives its certificate."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ewallet.errors import UsageError
from ewallet.issuer import Issuer
from ewallet.keys import SigningKey
from ewallet.testing.stores import MemoryIssuerStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ewallet.keys import PublicKey, Signer
    from ewallet.testing import Kit

KIND = "resident_register_copy"


def _issuer_of(kit: Kit, signers: Mapping[str, Signer], store: MemoryIssuerStore) -> Issuer:
    return Issuer(
        kit.issuer.identifier,
        signers=signers,
        status_signer=kit.pki.status_signer,
        catalog=kit.catalog,
        store=store,
        env=kit.env,
    )


def _refusal(issuer: Issuer, kit: Kit, holders: list[PublicKey]) -> tuple[str, tuple[object, ...]]:
    with pytest.raises(UsageError) as refused:
        issuer.issue(KIND, kit.catalog.type(KIND).sample, subject="citizen-1", holders=holders)
    return refused.value.code, issuer.certificates("citizen-1")


def test_a_signer_whose_certificate_ends_too_soon_is_not_used(ewallet_kit: Kit) -> None:
    """A credential must not outlive the certificate that has to vouch for it, so it is not issued at all."""
    kit, store = ewallet_kit, MemoryIssuerStore()
    issuer = _issuer_of(kit, kit.pki.signers, store)
    kit.clock.advance(timedelta(days=440))

    assert ("usage.configuration", ()) == _refusal(issuer, kit, [SigningKey.generate().public])


def test_a_kind_without_a_signer_for_its_system_is_not_issued(ewallet_kit: Kit) -> None:
    """A tax system cannot stand in for the resident register."""
    kit, store = ewallet_kit, MemoryIssuerStore()
    issuer = _issuer_of(kit, {"tax_national": kit.pki.signers["tax_national"]}, store)

    assert ("usage.configuration", ()) == _refusal(issuer, kit, [SigningKey.generate().public])


@pytest.mark.parametrize("count", [0, 11])
def test_a_batch_has_one_to_ten_copies(ewallet_kit: Kit, count: int) -> None:
    """No copy and more than ten copies are refused."""
    holders = [SigningKey.generate().public for _ in range(count)]

    assert ("usage.argument", ()) == _refusal(ewallet_kit.issuer, ewallet_kit, holders)


def test_each_copy_has_a_key_of_its_own(ewallet_kit: Kit) -> None:
    """Two copies bound to one key would link what they are shown for."""
    key = SigningKey.generate().public

    assert ("usage.argument", ()) == _refusal(ewallet_kit.issuer, ewallet_kit, [key, key])
