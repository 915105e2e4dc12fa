"""Status lists as they are kept: what is kept decides about the future, so not everything is.

Rows STA-08, STA-09 and STA-11 of the security matrix, in which one bad answer must not outlive itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet import jose
from ewallet.errors import StatusError
from ewallet.flow import Response
from ewallet.keys import SigningKey
from ewallet.status import MEDIA_TYPE, TYP, StatusList
from ewallet.testing.kit import CLIENT_ID
from ewallet.testing.pki import certified, issue_certificate, private_key
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.trust import TrustAnchor
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier

KIND = "resident_register_copy"


@pytest.fixture
def ask(ewallet_kit):
    """The code of a verdict on a fresh presentation, None if accepted; processes share one store, nothing else."""
    store = MemoryVerifierStore()

    def code(send=None, trust=None):
        ewallet_kit.issue(KIND)
        presented = ewallet_kit.present(ewallet_kit.query(KIND, ["resident_address"]))
        verifier = Verifier(
            CLIENT_ID,
            trust=trust or ewallet_kit.pki.trust_list(),
            store=store,
            send=send or ewallet_kit.network,
            env=ewallet_kit.env,
        )
        verdict = verifier.verify(presented.presentation, presented.request)
        return None if isinstance(verdict, Accepted) else verdict.code

    return code


def _host(kit, *, signer=None, late=timedelta(0), **change):
    """A host of a list of valid entries, signed that much later than now."""

    def answer(request):
        at = kit.clock.now() + late
        entries = StatusList.empty(1 << 12).to_json()
        claims = {"sub": request.url, "iat": int(at.timestamp()), "ttl": 60, "status_list": entries, **change}
        return Response(
            200, {"content-type": MEDIA_TYPE}, jose.sign(TYP, claims, signer or kit.pki.status_signer).encode()
        )

    return answer


@pytest.fixture
def foreigner(ewallet_kit):
    """A signer of status lists who is entitled to the types of nobody here, and the anchor that says so."""
    pki = ewallet_kit.pki
    authority = pki.authorities["verifier"]
    key = SigningKey.generate()
    profile = pki.profile("status", subject="another status signer")
    signer = certified(key, issue_certificate(profile, private_key(key).public_key(), by=authority))
    types = frozenset({"urn:example:another-country:1"})
    return signer, TrustAnchor(id="another", purpose="status", certificate=authority.certificate, types=types)


def test_sta_09_a_list_of_the_future_does_not_keep_todays_out(ewallet_kit, ask):
    """STA-09: it is not kept, or everything older would be taken for a rollback until then."""
    assert "status.stale" == ask(_host(ewallet_kit, late=timedelta(days=3650)))
    assert None is ask()


def test_sta_08_another_systems_list_does_not_keep_ours_out(ewallet_kit, ask, foreigner):
    """STA-08: a list by a signer for other types is not kept in the place of ours."""
    signer, anchor = foreigner
    trust = ewallet_kit.pki.trust_list()
    trust = replace(trust, anchors=(*trust.anchors, anchor))

    assert "status.token_invalid" == ask(_host(ewallet_kit, signer=signer, late=timedelta(seconds=30)), trust)
    assert None is ask(trust=trust)


def test_sta_08_a_kept_list_whose_signer_is_gone_is_fetched_anew(ewallet_kit, ask, foreigner):
    """STA-08: status signers are replaced; what the former one signed is not read, nor does it stop anything."""
    signer, anchor = foreigner
    trust = ewallet_kit.pki.trust_list()
    trust = replace(trust, anchors=(*trust.anchors, replace(anchor, types=frozenset({"*"}))))

    assert None is ask(_host(ewallet_kit, signer=signer), trust)
    assert None is ask()


def test_sta_09_a_list_that_has_ended_is_fetched_anew_whatever_its_ttl(ewallet_kit, ask):
    """STA-09: a time to live of a month does not keep a list that names no end, and is over, from being replaced."""
    assert None is ask(_host(ewallet_kit, ttl=30 * 86_400))
    ewallet_kit.clock.advance(timedelta(hours=25))
    assert None is ask()


def test_sta_11_a_list_of_the_same_second_does_not_take_a_revocation_back(ewallet_kit):
    """STA-11: signed twice in a second, before and after revoking, the dates do not tell which list is newer."""
    document = ewallet_kit.issue(KIND, copies=2)
    before = ewallet_kit.issuer.status_token(document.credential.status.uri)
    ewallet_kit.issuer.revoke(ewallet_kit.certificate_id(document), reason="a test")
    after = ewallet_kit.issuer.status_token(document.credential.status.uri)
    verifier = ewallet_kit.another_verifier()
    verifier.put_status_token(after)

    with pytest.raises(StatusError) as refused:
        verifier.put_status_token(before)
    assert "status.rollback" == refused.value.code
    presented = ewallet_kit.present(ewallet_kit.query(KIND, ["resident_address"]))
    assert "status.revoked" == ewallet_kit.verify(presented.token, presented.request, by=verifier).code


def test_sta_11_a_revocation_of_the_same_second_is_taken(ewallet_kit):
    """STA-11: the other way round it is news."""
    document = ewallet_kit.issue(KIND)
    verifier = ewallet_kit.another_verifier()
    verifier.put_status_token(ewallet_kit.issuer.status_token(document.credential.status.uri))
    ewallet_kit.issuer.revoke(ewallet_kit.certificate_id(document), reason="a test")
    verifier.put_status_token(ewallet_kit.issuer.status_token(document.credential.status.uri))
    presented = ewallet_kit.present(ewallet_kit.query(KIND, ["resident_address"]))

    assert "status.revoked" == ewallet_kit.verify(presented.token, presented.request, by=verifier).code
