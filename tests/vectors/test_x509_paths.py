"""x509-limbo: certificate paths through the trust list, each with its listed result where it applies to us.

Where a case has revocation lists, its anchors say that their certificates are on one, and the lists were given by hand.

What applies is listed beside the cases. The end entities are TLS servers, so that the purpose is given their extended
key usage here; everything else is the profile as it is.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import process_time
from types import MappingProxyType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet import trust
from ewallet.errors import EWalletError, TrustError
from ewallet.flow import offline, run
from ewallet.policy import StatusFresh
from ewallet.revocation import Crls
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.trust import TrustAnchor, TrustList

_SERVER = "1.3.6.1.5.5.7.3.1"

#: Where our result differs from the listed one, and why.
_OURS = {
    "cve::cve-2024-0567": "limit.count",  # ten certificates; five are read
    "pathlen::validation-ignores-pathlen-in-leaf": "trust.cert_profile",  # an authority signs no credentials
    "rfc5280::ca-as-leaf": "trust.cert_profile",  # the same
    "pathlen::self-issued-certs-pathlen": "trust.no_path",  # the path building counts self-issued certificates
    "pathlen::max-chain-depth-0-exhausted": None,  # the depth is not a parameter here
    "pathlen::max-chain-depth-1-exhausted": None,
    "webpki::eku::ee-critical-eku": None,  # critical is what ISO/IEC 18013-5 Annex B asks for
    "webpki::eku::ee-without-eku": None,  # as in rfc5280::eku::ee-without-eku: the anchor has the purpose
}

#: The codes of refusals whose reason is clear from the name.
_CODES = {
    "rfc5280::validity::expired-root": "trust.cert_expired",
    "rfc5280::validity::expired-intermediate": "trust.cert_expired",
    "rfc5280::validity::expired-leaf": "trust.cert_expired",
    "rfc5280::unknown-critical-extension-ee": "trust.cert_profile",
    "rfc5280::unknown-critical-extension-intermediate": "trust.cert_profile",
    "rfc5280::chain-untrusted-root": "trust.no_path",
    "rfc5280::intermediate-ca-without-ca-bit": "trust.no_path",
    "rfc5280::intermediate-ca-missing-basic-constraints": "trust.no_path",
    "rfc5280::ee-empty-issuer": "trust.cert_profile",
    "rfc5280::eku::ee-wrong-eku": "trust.cert_profile",
    "rfc5280::serial::too-long": "trust.cert_profile",
    "rfc5280::serial::zero": "trust.cert_profile",
    "rfc5280::duplicate-extensions": "trust.cert_profile",
    "rfc5280::mismatching-signature-algorithm": "trust.cert_profile",
    "webpki::v1-cert": "trust.cert_profile",
    "crl::revoked-certificate-with-crl": "trust.cert_revoked",
    "crl::crlnumber-missing": "trust.revocation_unknown",
    "crl::crlnumber-critical": "trust.revocation_unknown",
    "crl::issuer-missing-crlsign": "trust.revocation_unknown",
}


def _der(pem):
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


def _judged(entry):
    """The code of the refusal, or None for a path that holds."""
    at = (
        datetime.fromisoformat(entry["validation_time"])
        if entry["validation_time"]
        else datetime(2026, 11, 21, tzinfo=UTC)
    )
    anchors = tuple(
        TrustAnchor(
            id=str(number),
            purpose="issuer",
            certificate=x509.load_pem_x509_certificate(pem.encode()),
            types=frozenset("*"),
            crl=bool(entry["crls"]),
        )
        for number, pem in enumerate(entry["trusted_certs"])
    )
    chain = [_der(pem) for pem in (entry["peer_certificate"], *entry["untrusted_intermediates"])]
    try:
        listed = TrustList(anchors=anchors, version=1, since=at, until=at + timedelta(days=1))
        path = listed.check(chain, "issuer", at, type_id=None)
        crls = Crls(MemoryVerifierStore())
        for crl in entry["crls"]:
            _give(crls, crl.encode(), at)
        run(crls.check(path, StatusFresh(), at), offline)
    except EWalletError as exc:
        return exc.code
    return None


def _give(crls, crl, at):
    """A list that cannot be used is as good as none."""
    with suppress(TrustError):
        crls.put(crl, at)


def _verdict(vector, id_):
    verdicts = json.loads((vector.parent / "APPLICABLE.json").read_bytes())
    return next(verdict for verdict in verdicts if verdict["id"] == id_)


@pytest.fixture(autouse=True)
def _servers_sign(monkeypatch):
    monkeypatch.setattr(trust, "KEY_USAGE", MappingProxyType({**trust.KEY_USAGE, "issuer": _SERVER}))


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.vectors("security/vectors/x509-limbo/limbo-194.json", count=194, each="testcases")
def test_path_is_judged_as_listed_and_in_time(vector, entry):
    """The listed result where the case applies; always an answer of ours, always within a second (X5T-23)."""
    began = process_time()
    code = _judged(entry)
    assert process_time() - began < 1
    verdict = _verdict(vector, entry["id"])
    if verdict["applies"] not in (True, "adapted", "if CRL"):
        pytest.skip(f"applies {verdict['applies']}: {verdict['note']}")
    if entry["id"] in _OURS:
        assert _OURS[entry["id"]] == code
        return
    assert (entry["expected_result"] == "SUCCESS") == (code is None)
    assert _CODES.get(entry["id"], code) == code
