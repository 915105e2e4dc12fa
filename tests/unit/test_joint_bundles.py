"""Every bundle as one of several people is asked for it: who they are is in it, and no more than that is added."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ewallet.catalog import Catalog
from ewallet.catalog.joint import for_case, identified
from ewallet.consent import Choice, Consent, Party, consenting
from ewallet.errors import ConsentError, UsageError
from ewallet.testing.clock import START

CATALOG = Catalog.bundled()
NOBODY = "customs_declaration"  # names no identity credential
IDS = [bundle.id for bundle in CATALOG.bundles() if bundle.id != NOBODY]
LOAN = CATALOG.bundle("youth_jeonse_loan")
WHO = {("name",), ("birth_date",)}
ROWS = {("household_members", None, "name"), ("household_members", None, "birth_date")}
BANK = Party(id="x509_hash:bank", names={"ko": "가상은행", "en": "Invented Bank"})


def _asked(bundle):
    """By kind, the claims that are asked of whoever leaves all choices to us; and the same in a case."""
    first = frozenset(set_[0] for set_ in bundle.one_of)
    joint = for_case(bundle, CATALOG.type)
    chosen = identified(bundle, joint, first)
    return tuple(
        {
            item.type_id: set(item.paths(CATALOG.type(item.type_id)))
            for item in each.items
            if item.required or item.type_id in chosen
        }
        for each in (bundle, joint)
    )


def _proposed(bundle=LOAN, *, chosen=("mobile_resident_card",), joint=True):
    choice = Choice(optional=frozenset(chosen), road="wallet", days=30, joint=joint)
    return Consent.propose(bundle, CATALOG, choice, id_="consent-1", recipient=BANK, since=START)


@pytest.mark.parametrize("id_", IDS)
def test_whoever_is_asked_for_a_bundle_in_a_case_says_who_they_are(id_):
    """By one certificate with both, of the bundle or beside it; what is added is that and the rows of a household."""
    alone, joint = _asked(CATALOG.bundle(id_))

    assert any(WHO <= paths for paths in joint.values())
    for kind, paths in joint.items():
        assert paths - alone.get(kind, set()) <= WHO | ROWS
        assert ROWS <= paths or ("household_members",) in paths or not any("household_members" == p[0] for p in paths)
    assert len(joint) - len(alone) <= 1


def test_a_bundle_that_names_no_identity_is_none_for_a_case():
    """Nobody is asked in vain."""
    with pytest.raises(UsageError) as refused:
        for_case(CATALOG.bundle(NOBODY), CATALOG.type)
    assert "usage.argument" == refused.value.code


def test_a_joint_consent_is_read_as_it_was_written():
    """It says so itself, in words too; one without is none."""
    consent, alone = _proposed(), _proposed(chosen=(), joint=False)

    assert consent == Consent.parse(consent.to_bytes())
    assert consent.to_json()["joint"]
    assert "joint" not in alone.to_json()
    assert "Joint case" in consent.words(CATALOG, "en")
    assert "Joint case" not in alone.words(CATALOG, "en")
    consenting.check_proposed(consent, LOAN, CATALOG)


@pytest.mark.parametrize("changes", [{"joint": False}, {"items": _proposed(chosen=(), joint=False).items}])
def test_nobody_agrees_to_an_identity_outside_of_a_case_nor_to_a_case_without_one(changes):
    """What is added is in a consent that says why, and only there."""
    with pytest.raises(ConsentError) as refused:
        consenting.check_proposed(replace(_proposed(), **changes), LOAN, CATALOG)
    assert "consent.scope" == refused.value.code


@pytest.mark.parametrize("chosen", [(), ("mobile_resident_card", "mobile_driver_license")])
def test_one_identity_credential_is_chosen(chosen):
    """Neither none nor two."""
    with pytest.raises(UsageError) as refused:
        _proposed(chosen=chosen)
    assert "usage.argument" == refused.value.code
