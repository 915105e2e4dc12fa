"""Rows X5T of the security matrix for mdocs: what stands in ``x5chain`` (RFC 9360 §2), and under which profile.

The certificates themselves are those of ``test_x5t.py``: the chain function is the same. Here they come in COSE, below
an anchor whose signers keep ISO/IEC 18013-5 Annex B.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.keys import SigningKey
from ewallet.testing.pki import Pki, certified, issue_certificate, private_key
from ewallet.trust import KEY_USAGE

SYSTEM = "resident"


def _signer(world, *, by=None, above=(), **change):
    """A fresh signer with a changed profile, from the authority of the card or another."""
    pki, key = world.stage.pki, SigningKey.generate()
    own = issue_certificate(
        replace(pki.profile(), **change), private_key(key).public_key(), by=by or pki.authorities[SYSTEM]
    )
    return certified(key, own, *above)


def _judged(world, signer, **headers):
    return world.judge(world.stage.forge(world.stage.mso, signer=signer, **headers))


def test_a_signer_of_the_profile_is_trusted(world):
    """G8: also with its root sent along, in whichever header the chain is."""
    signer = _signer(world)
    root = world.stage.pki.authorities[SYSTEM].der
    protected = {1: -7, 33: [*signer.chain, root]}

    assert None is _judged(world, signer)
    assert None is _judged(world, signer.with_chain((*signer.chain, root)))
    assert None is _judged(world, signer, header=protected, unprotected={})


def test_x5t_01_self_signed(world):
    """X5T-01: a signer that vouches for itself is nobody."""
    assert "trust.self_signed" == _judged(world, _itself(world))


def _itself(world):
    key = SigningKey.generate()
    return certified(key, issue_certificate(world.stage.pki.profile(), private_key(key).public_key(), by=key))


def test_x5t_02_an_unknown_root(world):
    """X5T-02: of the same name, sent along or not; and nobody at all."""
    other = Pki.make(at=world.stage.at, systems={SYSTEM: {world.stage.doc_type}})
    signer, root = other.signers[SYSTEM], other.authorities[SYSTEM].der

    assert "trust.no_path" == _judged(world, signer)
    assert "trust.no_path" == _judged(world, signer.with_chain((*signer.chain, root)))
    assert "trust.no_path" == _judged(world, SigningKey.generate(), unprotected={})


@pytest.mark.parametrize(("since", "until"), [(-2, -1), (1, 2)], ids=["expired", "not_yet_valid"])
def test_x5t_04_out_of_its_time(since, until, world):
    """X5T-04: over or not begun, whatever the signed object says of when it was signed."""
    at, day = world.stage.at, timedelta(days=1)

    assert "trust.cert_expired" == _judged(world, _signer(world, since=at + since * day, until=at + until * day))


def test_x5t_05_a_signer_below_a_signer(world):
    """X5T-05: and an authority below the root, which is none of this profile."""
    pki, key = world.stage.pki, SigningKey.generate()
    for ca in (False, True):
        profile = replace(pki.profile(subject="a branch"), ca=ca, usage=None)
        own = issue_certificate(profile, private_key(key).public_key(), by=pki.authorities[SYSTEM])
        branch = replace(pki.authorities[SYSTEM], certificate=own, key=key)

        assert "trust.no_path" == _judged(world, _signer(world, by=branch, above=(own,)))


@pytest.mark.parametrize("chain", [[], ["text"], [None], {}, 1, None, [[b""]]], ids=str)
def test_x5t_09_a_chain_that_is_none(chain, world):
    """X5T-09: what is no byte string nor an array of some."""
    code = _judged(world, world.stage.signer, unprotected={33: chain})

    assert code in {"malformed.cose", "trust.no_path"}


def test_x5t_09_certificates_that_are_none_or_too_many(world):
    """X5T-09: counted before any of them is read."""
    leaf = world.stage.signer.chain[0]

    assert "malformed.x509" == _judged(world, world.stage.signer, unprotected={33: b"noise"})
    assert "malformed.x509" == _judged(world, world.stage.signer, unprotected={33: [leaf, b"noise"]})
    assert "limit.count" == _judged(world, world.stage.signer, unprotected={33: [leaf] * 6})
    assert "limit.size" == _judged(world, world.stage.signer, unprotected={33: bytes(1 << 15)})


@pytest.mark.parametrize("purpose", sorted(set(KEY_USAGE) - {"issuer"}))
def test_x5t_13_made_for_another_purpose(purpose, world):
    """X5T-13: a reader, a signer of status lists or of lists of authorities signs no documents."""
    assert "trust.cert_profile" == _judged(world, _signer(world, usage=KEY_USAGE[purpose]))


def test_x5t_13_another_national_system(world):
    """X5T-13: a school's signer cannot vouch for a resident card, nor a reader's or a status signer's authority."""
    pki = world.stage.pki

    assert "trust.issuer_not_authorized" == _judged(world, pki.signers["school"])
    assert "trust.cert_profile" == _judged(world, pki.verifier)
    assert "trust.cert_profile" == _judged(world, pki.status_signer)


@pytest.mark.parametrize(
    "change",
    [{"usage": None}, {"key_usage": False}, {"extra": ()}, {"until": timedelta(days=500)}],
    ids=["no_usage", "no_key_usage", "no_list", "too_long"],
)
def test_x5t_13_a_certificate_that_rfc_5280_would_do_with(change, world):
    """X5T-13: below this anchor a signer keeps the profile of mobile documents."""
    if "until" in change:
        change = {"until": world.stage.at + change["until"]}

    assert "trust.cert_profile" == _judged(world, _signer(world, **change))


def test_x5t_14_a_borrowed_chain(world):
    """X5T-14: the certificates are good, the signature is another key's."""
    chain = {33: world.stage.signer.chain[0]}

    assert "crypto.signature_invalid" == _judged(world, SigningKey.generate(), unprotected=chain)


def test_x5t_14_two_chains(world):
    """X5T-14: one signed, one not; which of them names the signer nobody can tell."""
    signer = _signer(world)
    both = {"header": {1: -7, 33: signer.chain[0]}, "unprotected": {33: world.stage.signer.chain[0]}}

    assert "malformed.cose" == _judged(world, signer, **both)
