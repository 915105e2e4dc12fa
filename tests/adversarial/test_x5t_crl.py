"""Row X5T-16 of the security matrix: certificates that their authority has taken back, and lists that say nothing.

The lists are those of one authority, whose anchor says that its certificates are on one. What travels is an mdoc, or an
SD-JWT VC: the rung is the same. Which certificates are looked up, and where, is in ``test_x5t_crl_path.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.errors import TransportError, TrustError
from ewallet.flow import Response, offline
from ewallet.keys import SigningKey
from ewallet.policy import StatusFresh
from ewallet.shape import MAX_CRL
from ewallet.testing.crls import Listed, crl, host
from ewallet.testing.kit import CLIENT_ID, Kit
from ewallet.testing.pki import Authority, crl_uri
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.trust import TrustList
from ewallet.verdict import Accepted, Rejected, Undecided
from ewallet.verifier import Verifier, VerifierStore

CARD, SYSTEM = "mobile_resident_card", "resident"
DAY = timedelta(days=1)
FRESH = StatusFresh()


@dataclass
class Counter:
    """A verifier that asks revocation lists about the signers of one system."""

    kit: Kit
    trust: TrustList
    store: VerifierStore
    format_id: str

    @property
    def authority(self):
        """Whose lists they are."""
        return self.kit.pki.authorities[SYSTEM]

    @property
    def serial(self):
        """The serial number of the certificate that signs."""
        return x509.load_der_x509_certificate(self.kit.pki.signers[SYSTEM].chain[0]).serial_number

    def crl(self, *, by=None, **listed):
        """A list of that authority as of now, with those changes."""
        return crl(Listed(**{"since": self.kit.clock.now(), **listed}), by=by or self.authority)

    def serve(self, answer):
        """Publish a list, or have the address of the lists answered in another way."""
        self.kit.network.route(crl_uri(self.kit.pki.issuer, SYSTEM), host(answer) if type(answer) is bytes else answer)

    def verifier(self, *, send=None, status=FRESH):
        """A verifier after a restart."""
        network = send or self.kit.network
        return Verifier(CLIENT_ID, trust=self.trust, store=self.store, send=network, status=status, env=self.kit.env)

    def verify(self, by=None, **verifier):
        """The verdict on a fresh presentation."""
        self.kit.issue(CARD, format_id=self.format_id)
        presented = self.kit.present(self.kit.query(CARD, ["name"]))
        return self.kit.verify(*presented, by=by or self.verifier(**verifier))

    def code(self, by=None, **verifier):
        """The code of that verdict."""
        return self.verify(by, **verifier).code


def _on_lists(pki, *purposes):
    trust = pki.trust_list()
    return replace(trust, anchors=tuple(replace(each, crl=each.purpose in purposes) for each in trust.anchors))


@pytest.fixture(params=["mso_mdoc", "dc+sd-jwt"])
def counter(request, ewallet_kit):
    """For each format."""
    return Counter(ewallet_kit, _on_lists(ewallet_kit.pki, "issuer"), MemoryVerifierStore(), request.param)


@pytest.fixture
def one(ewallet_kit):
    """For one of them."""
    return Counter(ewallet_kit, _on_lists(ewallet_kit.pki, "issuer"), MemoryVerifierStore(), "mso_mdoc")


def test_x5t_16_not_on_the_list(counter):
    """X5T-16: the list is fetched once for all whom that authority has certified, and others may be on it."""
    counter.serve(counter.crl(revoked=(counter.serial + 1,)))
    verifier = counter.verifier()

    assert [None, None] == [counter.code(verifier), counter.code(verifier)]
    assert 1 == [request.url.endswith(".crl") for request in counter.kit.network.requests].count(True)


def test_x5t_16_on_the_list(counter):
    """X5T-16: a signer whose certificate was taken back is nobody, and no status list is asked for."""
    counter.serve(counter.crl(revoked=(1, counter.serial)))

    verdict = counter.verify()

    assert isinstance(verdict, Rejected)
    assert "trust.cert_revoked" == verdict.code
    assert [crl_uri(counter.kit.pki.issuer, SYSTEM)] == [request.url for request in counter.kit.network.requests]


def test_x5t_16_on_hold_is_on_the_list(one):
    """X5T-16: nobody signs while nobody knows."""
    hold = ((x509.CRLReason(x509.ReasonFlags.certificate_hold), False),)
    one.serve(one.crl(revoked=(one.serial,), entry=hold))

    assert "trust.cert_revoked" == one.code()


def test_x5t_16_no_list(counter):
    """X5T-16: where the anchor says that there is one, its absence is no good news."""
    counter.serve(lambda _request: Response(404))

    verdict = counter.verify()

    assert isinstance(verdict, Undecided)
    assert "trust.revocation_unknown" == verdict.code


def _refuse(code):
    def answer(_request):
        raise TransportError(code, "a test")

    return answer


ANSWERS = {
    "refused": _refuse("fetch.unavailable"),
    "too_slow": _refuse("fetch.timeout"),
    "private": _refuse("fetch.blocked"),
    "redirected": _refuse("fetch.redirect"),
    "broken": lambda _request: Response(500),
    "nothing": lambda _request: Response(200),
    "web_page": lambda _request: Response(200, {"content-type": "text/html"}, b"<!doctype html><p>Welcome"),
    "large": lambda _request: Response(200, {}, bytes(MAX_CRL + 1)),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_x5t_16_no_other_answer_is_a_list(answer, one):
    """X5T-16: whatever keeps it from us."""
    one.serve(answer)

    assert "trust.revocation_unknown" == one.code()


NOW_AND_THEN = x509.IssuingDistributionPoint(
    full_name=None,
    relative_name=None,
    only_contains_user_certs=True,
    only_contains_ca_certs=False,
    only_some_reasons=None,
    indirect_crl=False,
    only_contains_attribute_certs=False,
)
INDIRECT = x509.IssuingDistributionPoint(
    full_name=None,
    relative_name=None,
    only_contains_user_certs=False,
    only_contains_ca_certs=False,
    only_some_reasons=None,
    indirect_crl=True,
    only_contains_attribute_certs=False,
)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
OTHER_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "another authority")])
ANOTHER = x509.CertificateIssuer([x509.DirectoryName(OTHER_NAME)])
SPOILED: dict[str, dict[str, Any]] = {
    "expired": {"since_days": -8},
    "of_tomorrow": {"since_days": 1},
    "another_name": {"issuer": OTHER_NAME},
    "without_number": {"number": None},
    "critical_number": {"critical": True},
    "critical_unknown": {"extra": ((UNKNOWN, True),)},
    "partial": {"extra": ((NOW_AND_THEN, True),)},
    "partial_not_critical": {"extra": ((NOW_AND_THEN, False),)},
    "indirect": {"extra": ((INDIRECT, True),)},
    "delta": {"extra": ((x509.DeltaCRLIndicator(1), True),)},
    "delta_not_critical": {"extra": ((x509.DeltaCRLIndicator(1), False),)},
    "entry_of_another": {"revoked": (1,), "entry": ((ANOTHER, True),)},
    "entry_critical_unknown": {"revoked": (1,), "entry": ((UNKNOWN, True),)},
    "weak_hash": {"digest": hashes.SHA224()},
}


def _spoiled(counter, *, since_days=0, **listed):
    return counter.crl(since=counter.kit.clock.now() + since_days * DAY, **listed)


@pytest.mark.parametrize("kind", SPOILED)
def test_x5t_16_a_list_that_says_nothing(kind, one):
    """X5T-16: fetched or given, it does not say that anybody is in order."""
    raw = _spoiled(one, **SPOILED[kind])
    one.serve(raw)
    given = one.verifier(send=offline)
    _give(given, raw)

    assert ["trust.revocation_unknown"] * 2 == [one.code(), one.code(given)]


def _give(verifier, raw):
    try:
        verifier.put_crl(raw)
    except TrustError as exc:
        assert "trust.revocation_unknown" == exc.code


def _signed_by_another(counter):
    """A list of the right name, by a key that is not the authority's."""
    return counter.crl(by=replace(counter.authority, key=SigningKey.generate()))


def _by_a_signer(counter):
    """One that a document signer has made of itself."""
    key = counter.kit.pki.signers[SYSTEM]
    own = x509.load_der_x509_certificate(key.chain[0])
    return counter.crl(by=Authority(id="signer", certificate=own, key=key))


def _torn(counter):
    return counter.crl()[:-1]


def _changed(counter):
    raw = bytearray(counter.crl(revoked=(counter.serial,)))
    raw[raw.index(counter.serial.to_bytes(17, "big").lstrip(b"\0"))] ^= 1
    return bytes(raw)


@pytest.mark.parametrize("make", [_signed_by_another, _by_a_signer, _torn, _changed])
def test_x5t_16_a_list_that_is_not_the_authoritys(make, one):
    """X5T-16: signed by another key, by one below it, torn off, or changed on the way."""
    raw = make(one)
    one.serve(raw)
    given = one.verifier(send=offline)
    _give(given, raw)

    assert ["trust.revocation_unknown"] * 2 == [one.code(), one.code(given)]


def test_x5t_16_nothing_is_fetched_for_what_is_not_authentic(one):
    """X5T-16, STA-17: nor for what is nobody's, over, or not what was asked."""
    one.serve(one.crl())
    one.kit.issue(CARD, format_id="mso_mdoc")
    presented = one.kit.present(one.kit.query(CARD, ["name"]))
    forged = presented.presentation[:-8] + "AAAAAAAA"

    assert isinstance(one.kit.verify(forged, presented.request, by=one.verifier()), Rejected)
    assert [] == one.kit.network.requests


# -- lists at hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_x5t_16_offline_with_a_list_at_hand(encoding, one):
    """X5T-16: at a counter without a network, a list that came some other way will do."""
    one.serve(one.crl())
    assert None is one.code()
    good, bad = (
        x509.load_der_x509_crl(one.crl(number=number, revoked=revoked)).public_bytes(encoding)
        for number, revoked in ((2, ()), (3, (one.serial,)))
    )
    verifier = one.verifier(send=_only_status(one))
    verifier.put_crl(good)
    before = one.code(verifier)
    verifier.put_crl(bad)

    assert (None, "trust.cert_revoked") == (before, one.code(verifier))


def _only_status(counter):
    def send(request):
        return offline(request) if request.url.endswith(".crl") else counter.kit.network(request)

    return send


def test_x5t_16_a_list_outlives_the_process_until_its_end(one):
    """X5T-16: what was fetched is in the store; when it is over, it says nothing, however long one forgives."""
    one.serve(one.crl(until=one.kit.clock.now() + 2 * DAY))
    assert None is one.code()
    without = _only_status(one)
    one.kit.clock.advance(2 * DAY - timedelta(seconds=1))
    within = one.code(send=without)
    one.kit.clock.advance(timedelta(seconds=1))

    forgiving = StatusFresh(stale_for=timedelta(hours=1))
    assert (None, "trust.revocation_unknown", None) == (
        within,
        one.code(send=without),
        one.code(send=without, status=forgiving),
    )


def test_x5t_16_a_newer_list_is_looked_for_every_day(one):
    """X5T-16: a revocation is known a day later at the latest, not when the list of last week ends."""
    one.serve(one.crl(until=one.kit.clock.now() + 90 * DAY))
    verifier = one.verifier()
    assert None is one.code(verifier)
    one.serve(one.crl(number=2, revoked=(one.serial,)))
    one.kit.clock.advance(timedelta(hours=23))
    before = one.code(verifier)
    one.kit.clock.advance(timedelta(hours=1))

    assert (None, "trust.cert_revoked") == (before, one.code(verifier))


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_x5t_16_an_older_list_does_not_undo_a_revocation(number, restarted, one):
    """X5T-16: nor another of the same number; fetched or given, before and after a restart."""
    one.serve(one.crl(number=2, revoked=(one.serial,)))
    verifier = one.verifier()
    assert "trust.cert_revoked" == one.code(verifier)
    one.kit.clock.advance(DAY)
    old = one.crl(number=number)
    one.serve(old)
    verifier = one.verifier() if restarted else verifier
    fetched = one.code(verifier)
    verifier.put_crl(old)

    assert ["trust.cert_revoked"] * 2 == [fetched, one.code(verifier)]


def test_x5t_16_a_list_of_the_future_does_not_keep_todays_out(one):
    """X5T-16: it is not kept, however high its number."""
    one.serve(one.crl(since=one.kit.clock.now() + DAY, number=99))
    assert "trust.revocation_unknown" == one.code()
    one.serve(one.crl())

    assert None is one.code()


# -- whose certificates ------------------------------------------------------------------------------------


def test_x5t_16_an_anchor_that_knows_no_lists(one):
    """X5T-16: where the trust list does not speak of them, none is asked for."""
    trusting = replace(one, trust=one.kit.pki.trust_list())

    assert None is trusting.code()
    assert [] == [request.url for request in one.kit.network.requests if request.url.endswith(".crl")]


def test_x5t_16_whoever_skips_the_status_skips_this_too(one):
    """X5T-16: and it is said aloud."""
    verdict = one.verify(status=None)

    assert isinstance(verdict, Accepted)
    assert ["unsafe_skip_status"] == [check.code for check in verdict.checks if check.outcome == "skipped"]


@pytest.mark.parametrize(("revoked", "code"), [(False, None), (True, "status.token_invalid")])
def test_x5t_16_a_signer_of_status_lists(revoked, code, one):
    """X5T-16: what a revoked one says of a credential is nothing, neither good nor bad."""
    signer = x509.load_der_x509_certificate(one.kit.pki.status_signer.chain[0])
    lists = replace(one, trust=_on_lists(one.kit.pki, "status"))
    numbers = (signer.serial_number,) if revoked else ()
    listed = Listed(since=one.kit.clock.now(), revoked=numbers)
    served = crl(listed, by=one.kit.pki.authorities["status"])
    one.kit.network.route(crl_uri(one.kit.pki.issuer, "status"), host(served))

    verdict = lists.verify()

    assert code == verdict.code
    assert isinstance(verdict, Undecided if revoked else Accepted)


def test_x5t_16_a_status_signer_of_whom_nobody_knows(one):
    """X5T-16: whether it was revoked cannot be told, so neither can the status."""
    assert "trust.revocation_unknown" == replace(one, trust=_on_lists(one.kit.pki, "status")).code()
