"""Row X5T-16 of the security matrix: which certificates are looked up, and at which address."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.crl import Crl
from ewallet.errors import TrustError
from ewallet.flow import run
from ewallet.keys import SigningKey
from ewallet.policy import StatusFresh
from ewallet.revocation import Crls
from ewallet.testing.crls import Listed, crl, host
from ewallet.testing.pki import Authority, common_name, crl_uri, issue_certificate, private_key
from ewallet.testing.stores import MemoryVerifierStore


def _on_lists(pki):
    trust = pki.trust_list()
    return replace(trust, anchors=tuple(replace(each, crl=each.purpose == "issuer") for each in trust.anchors))


def _branch(pki):
    """An authority below the one of local taxes, and a signer below that, each with the address of its list."""
    key, public = SigningKey.generate(), private_key(SigningKey.generate()).public_key()
    profile = replace(pki.profile(by="tax_local"), subject="a branch", names=(), usage=None, ca=True)
    own = issue_certificate(profile, private_key(key).public_key(), by=pki.authorities["tax_local"])
    branch = Authority(id="branch", certificate=own, key=key)
    return branch, issue_certificate(pki.profile(by="branch"), public, by=branch)


@pytest.mark.parametrize(
    ("lists", "code"),
    [
        ({"tax_local": "nobody", "branch": "nobody"}, None),
        ({"tax_local": "nobody", "branch": "leaf"}, "trust.cert_revoked"),
        ({"tax_local": "branch", "branch": "nobody"}, "trust.cert_revoked"),
        ({"tax_local": "leaf", "branch": "branch"}, None),  # numbers of another authority's certificates
        ({"tax_local": "nobody"}, "trust.revocation_unknown"),
        ({"branch": "nobody"}, "trust.revocation_unknown"),
    ],
    ids=str,
)
def test_x5t_16_every_certificate_below_the_anchor(lists, code, pki, ewallet_kit):
    """X5T-16: an authority between signer and anchor is on the list of the anchor, the signer on its own."""
    at = ewallet_kit.clock.now()
    branch, leaf = _branch(pki)
    numbers = {"nobody": (), "leaf": (leaf.serial_number,), "branch": (branch.certificate.serial_number,)}
    for name, revoked in lists.items():
        by = branch if name == "branch" else pki.authorities[name]
        served = crl(Listed(since=at, revoked=numbers[revoked]), by=by)
        ewallet_kit.network.route(crl_uri(pki.issuer, name), host(served))
    chain = tuple(each.public_bytes(Encoding.DER) for each in (leaf, branch.certificate))
    path = _on_lists(pki).check(chain, "issuer", at, type_id=None)

    assert code == _checked(path, ewallet_kit.network, at)


def _checked(path, send, at):
    try:
        run(Crls(MemoryVerifierStore()).check(path, StatusFresh(), at), send)
    except TrustError as exc:
        return exc.code
    return None


SILENT = {
    "none": None,
    "two": [("https://a.example/1.crl",), ("https://a.example/2.crl",)],
    "two_names": [("https://a.example/1.crl", "https://a.example/2.crl")],
    "ldap": [("ldap://a.example/cn=a",)],
    "file": [("file:///etc/passwd",)],
    "no_host": [("https:///1.crl",)],
    "no_address": [("https://[::1",)],
}


@pytest.mark.parametrize("kind", SILENT)
def test_x5t_16_an_address_that_is_none(kind, pki, ewallet_kit):
    """X5T-16: none, several, or one that no list is fetched from; nothing is fetched then."""
    at = ewallet_kit.clock.now()
    extra = () if SILENT[kind] is None else ((_points(SILENT[kind]), False),)
    profile = replace(pki.profile(), extra=extra)
    path = _on_lists(pki).check(pki.signer("tax_local", profile).chain, "issuer", at, type_id=None)

    assert "trust.revocation_unknown" == _checked(path, ewallet_kit.network, at)
    assert [] == ewallet_kit.network.requests


def _points(addresses, *, reasons=None, issuer=None):
    return x509.CRLDistributionPoints(
        [
            x509.DistributionPoint([x509.UniformResourceIdentifier(uri) for uri in uris], None, reasons, issuer)
            for uris in addresses
        ]
    )


@pytest.mark.parametrize(
    "more",
    [
        {"reasons": frozenset({x509.ReasonFlags.key_compromise})},
        {"issuer": [x509.DirectoryName(common_name("another authority"))]},
    ],
    ids=["reasons", "issuer"],
)
def test_x5t_16_a_list_for_some_reasons_or_by_another(more, pki, ewallet_kit):
    """X5T-16: an indirect list, or one that tells of some reasons only, is not asked for."""
    at = ewallet_kit.clock.now()
    profile = replace(pki.profile(), extra=((_points([("https://a.example/1.crl",)], **more), False),))
    path = _on_lists(pki).check(pki.signer("tax_local", profile).chain, "issuer", at, type_id=None)

    assert "trust.revocation_unknown" == _checked(path, ewallet_kit.network, at)
    assert [] == ewallet_kit.network.requests


@pytest.mark.sweep
def test_x5t_16_any_byte_that_changes(ewallet_kit):
    """X5T-16: nothing of a list may change, not even what does not say anything."""
    pki = ewallet_kit.pki
    raw = crl(Listed(since=ewallet_kit.clock.now(), revoked=(1, 2)), by=pki.authorities["resident"])
    whole = Crl.read(raw)
    whole.check_signature(pki.authorities["resident"].certificate)
    accepted = []
    for position in range(0, len(raw), 1 if os.environ.get("EWALLET_FULL") else 5):
        for bit in range(8):
            changed = raw[:position] + bytes([raw[position] ^ 1 << bit]) + raw[position + 1 :]
            try:
                Crl.read(changed).check_signature(pki.authorities["resident"].certificate)
            except TrustError as exc:
                assert "trust.revocation_unknown" == exc.code
            else:
                accepted.append((position, bit))

    assert [] == accepted
