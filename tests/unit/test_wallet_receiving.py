"""What a wallet asks an issuer for, and what it makes of what comes; hostile issuers are in the adversarial tests."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.acceptance import Offering
from ewallet.errors import EWalletError, StoreError
from ewallet.flow import Response
from ewallet.oid4vci import NotificationRequest
from ewallet.shape import base64url, json_object
from ewallet.testing.kit import SUBJECT
from ewallet.testing.peers import IssuerPeer
from ewallet.testing.pki import ISSUER
from ewallet.testing.stores import MemoryWalletStore
from ewallet.trust import TrustList
from ewallet.wallet import Wallet

KIND, OTHER = "resident_register_copy", "disabled_person_certificate"
METADATA, SERVER = "/.well-known/openid-credential-issuer", "/.well-known/oauth-authorization-server"
JSON = {"content-type": "application/json"}


@pytest.fixture
def issuer(ewallet_kit):
    """The issuer of the kit, over the wire."""
    return IssuerPeer(ewallet_kit)


@pytest.fixture
def wallet(ewallet_kit):
    """The wallet of the kit."""
    return ewallet_kit.wallet


def _asked(kit):
    return [request.url.removeprefix(ISSUER) for request in kit.network.requests]


def _with(change):
    """The honest JSON document, changed in place; an error of the issuer stays as it is."""

    def spoil(_request, response):
        if response.status != 200:
            return response
        signed = response.headers["content-type"] == "application/jwt"
        document = json_object(base64url(response.body.decode().split(".")[1]) if signed else response.body)
        change(document)
        headers = {**response.headers, "content-type": "application/json"}
        return replace(response, headers=headers, body=json.dumps(document).encode())

    return spoil


def _refused(action, *arguments, **options):
    with pytest.raises(EWalletError) as caught:
        action(*arguments, **options)
    return caught.value.code


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
@pytest.mark.parametrize("tx_code", [False, True], ids=["no code", "code"])
@pytest.mark.parametrize("by_reference", [False, True], ids=["by value", "by reference"])
def test_an_offer_becomes_a_certificate(ewallet_kit, wallet, encrypted, tx_code, by_reference):
    """With all its copies, and the issuer hears that it was kept."""
    issuer = IssuerPeer(ewallet_kit, encrypted=encrypted)
    offered = issuer.offered(KIND, tx_code=tx_code)

    link = offered.reference.uri if by_reference else offered.offer.uri
    (document,) = wallet.accept(link, tx_code=offered.tx_code)

    assert ((KIND, 10), (document,)) == ((document.type.id, document.copies_left), wallet.documents())
    assert ["credential_accepted"] == [event for _, event in issuer.store.events]
    keys = {copy.key for copy in ewallet_kit.wallet_store.copies(document.id)}
    assert keys == set(ewallet_kit.wallet_store._keys)


def test_an_offer_that_is_over_is_refused_by_the_issuer_and_no_fault_of_the_network(wallet, issuer):
    """Whoever comes second is told that there is no offer, and not to look at the connection."""
    offered = issuer.offered(KIND)
    issuer.issuance.server.withdraw(offered.handle)

    assert "offer.refused" == _refused(wallet.accept, offered.reference.uri)


def test_who_offers_is_known_before_anything_is_fetched(ewallet_kit, wallet, issuer):
    """The person is asked with the host in view; what was agreed to is then accepted."""
    offered = issuer.offered(KIND)
    by_value, by_reference = wallet.offered(offered.offer.uri), wallet.offered(offered.reference.uri)
    before = list(ewallet_kit.network.requests)

    assert (["issuer.example.go.kr"] * 2, []) == ([by_value.host, by_reference.host], before)
    assert isinstance(by_reference, Offering)
    assert 1 == len(wallet.accept(by_reference))


@pytest.mark.parametrize(
    ("kind", "copies", "batch", "expected"),
    [(KIND, None, 10, 10), (KIND, None, 4, 4), (KIND, 3, 10, 3), (KIND, 9, 1, 1)],
)
def test_as_many_copies_are_asked_for_as_the_kind_is_used_up(ewallet_kit, wallet, kind, copies, batch, expected):
    """Unless the holder wants another number, and never more than the issuer gives."""
    (document,) = wallet.accept(IssuerPeer(ewallet_kit, batch_size=batch).offer(kind), copies=copies)

    assert expected == document.copies_left


@pytest.mark.parametrize("copies", [0, -1, 31])
def test_an_impossible_number_of_copies_is_asked_for_nowhere(ewallet_kit, wallet, issuer, copies):
    """Before anything is fetched."""
    assert "usage.argument" == _refused(wallet.accept, issuer.offer(KIND), copies=copies)
    assert [] == ewallet_kit.network.requests


def test_several_certificates_of_one_offer_come_together(wallet, issuer):
    """One code, one token, one proof for each of them."""
    documents = wallet.accept(issuer.offer(KIND, OTHER))

    assert [KIND, OTHER] == [document.type.id for document in documents]
    assert 2 == len(issuer.store.events)


def test_what_is_not_spoken_here_is_left_out_of_an_offer(wallet, issuer):
    """The wallet takes what it can use."""

    def foreign(document):
        document["credential_configurations_supported"][f"{OTHER}.dc+sd-jwt"]["format"] = "jwt_vc_json"

    issuer.spoil[METADATA] = _with(foreign)

    assert [KIND] == [document.type.id for document in wallet.accept(issuer.offer(KIND, OTHER))]


def test_a_server_that_wants_another_nonce_is_asked_once_more(ewallet_kit, wallet, issuer):
    """DPoP nonces of the server, and those of the issuer's proofs."""
    refusals = iter([True, False])

    def stale(_request, response):
        body = json.dumps({"error": "invalid_nonce"}).encode()
        return Response(400, JSON, body) if next(refusals) else response

    issuer.spoil["/credential"] = stale
    (document,) = wallet.accept(issuer.offer(KIND), copies=1)

    asked = _asked(ewallet_kit)
    assert (2, 2, 2) == (asked.count("/token"), asked.count("/nonce"), asked.count("/credential"))
    assert 1 == document.copies_left


def test_a_nonce_that_is_refused_twice_ends_it(ewallet_kit, wallet, issuer):
    """There is no third try."""
    issuer.spoil["/credential"] = lambda _request, _response: Response(400, JSON, b'{"error":"invalid_nonce"}')

    assert "offer.refused" == _refused(wallet.accept, issuer.offer(KIND))
    assert 2 == _asked(ewallet_kit).count("/credential")


def test_a_server_without_dpop_gives_a_bearer_token(ewallet_kit, wallet, issuer):
    """Then nothing is proven to it, and the issuer is shown the token as it is; whether it takes it is its business."""
    issuer.spoil[SERVER] = _with(lambda document: document.pop("dpop_signing_alg_values_supported"))
    issuer.spoil["/token"] = lambda _request, _response: Response(
        200, JSON, b'{"access_token":"a","token_type":"Bearer"}'
    )

    assert "offer.refused" == _refused(wallet.accept, issuer.offer(KIND))
    shown = [request.headers for request in ewallet_kit.network.requests if "authorization" in request.headers]
    assert ["Bearer a"] == [headers["authorization"] for headers in shown]
    assert not any("dpop" in request.headers for request in ewallet_kit.network.requests)


@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_nonce_comes_with_any_status_of_success(status, ewallet_kit, wallet, issuer):
    """OpenID4VCI 1.0 §7.2 leaves it to the issuer which one."""
    issuer.spoil["/nonce"] = lambda _request, response: replace(response, status=status)

    assert 1 == len(wallet.accept(issuer.offer(KIND)))
    assert 1 == _asked(ewallet_kit).count("/nonce")


def test_an_issuer_without_a_nonce_endpoint_is_given_proofs_without_one(ewallet_kit, wallet, issuer):
    """Ours refuses them, because it has one."""
    issuer.spoil[METADATA] = _with(lambda document: document.pop("nonce_endpoint"))

    assert "offer.refused" == _refused(wallet.accept, issuer.offer(KIND))
    assert "/nonce" not in _asked(ewallet_kit)


def test_credentials_are_asked_for_by_the_identifiers_of_the_token(ewallet_kit, wallet, issuer):
    """§6.2: where the token has any, they replace the configuration."""
    detail = {"type": "openid_credential", "credential_configuration_id": f"{KIND}.dc+sd-jwt"}
    issuer.spoil["/token"] = _with(
        lambda document: document.update(authorization_details=[detail | {"credential_identifiers": ["mine"]}])
    )

    assert "offer.refused" == _refused(wallet.accept, issuer.offer(KIND))
    (asked,) = [json.loads(r.body) for r in ewallet_kit.network.requests if r.url == f"{ISSUER}/credential"]
    assert ("mine", False) == (asked["credential_identifier"], "credential_configuration_id" in asked)


def test_an_issuer_that_wants_to_know_nothing_is_told_nothing(ewallet_kit, wallet, issuer):
    """There is no endpoint, or no identifier to tell about."""
    issuer.spoil[METADATA] = _with(lambda document: document.pop("notification_endpoint"))
    wallet.accept(issuer.offer(KIND))
    issuer.spoil.clear()
    issuer.spoil["/credential"] = _with(lambda document: document.pop("notification_id"))
    wallet.accept(issuer.offer(OTHER))

    assert 2 == len(wallet.documents())
    assert "/notification" not in _asked(ewallet_kit)


@pytest.mark.parametrize("status", [204, 302, 500])
def test_an_issuer_that_does_not_listen_takes_nothing_away(wallet, issuer, status):
    """What was received is received."""
    issuer.spoil["/notification"] = lambda _request, _response: Response(status)

    assert 1 == len(wallet.accept(issuer.offer(KIND)))


def test_what_cannot_be_kept_is_given_back(ewallet_kit, issuer):
    """The disk is full: the issuer hears that the certificate is of no use."""

    class Full(MemoryWalletStore):
        def receive(self, *_arrivals, **_):
            raise StoreError("storage.unavailable", "no room")

    trust = ewallet_kit.pki.trust_list()
    wallet = Wallet(
        store=Full(), trust=trust, send=ewallet_kit.network, catalog=ewallet_kit.catalog, env=ewallet_kit.env
    )

    assert "storage.unavailable" == _refused(wallet.accept, issuer.offer(KIND))
    told = [r.body for r in ewallet_kit.network.requests if r.url.endswith("/notification")]
    assert ["credential_failure"] == [NotificationRequest.parse(body).event for body in told]


def test_without_a_network_an_offer_stays_an_offer(ewallet_kit, issuer):
    """The default of a wallet is that nothing leaves."""
    wallet = Wallet(store=ewallet_kit.wallet_store, trust=ewallet_kit.pki.trust_list(), env=ewallet_kit.env)

    assert "fetch.unavailable" == _refused(wallet.accept, issuer.offer(KIND))
    assert [] == ewallet_kit.network.requests


class TestDeferred:
    """What an issuer is still preparing."""

    @pytest.fixture
    def deferred(self, ewallet_kit, wallet):
        """A certificate that is prepared, encrypted, its time come."""
        issuer = IssuerPeer(ewallet_kit, encrypted=True)
        issuer.records.pending[KIND] = timedelta(minutes=10)
        assert () == wallet.accept(issuer.offer(KIND), copies=2)
        ewallet_kit.clock.advance(timedelta(minutes=10))
        ewallet_kit.network.requests.clear()
        return issuer

    def test_it_is_collected_when_it_is_there(self, wallet, deferred):
        """With the keys that were proven when it was asked for, and the issuer hears of it."""
        deferred.records.pending.clear()

        (document,) = wallet.collect()

        assert (2, ()) == (document.copies_left, wallet.pending)
        assert ["credential_accepted"] == [event for _, event in deferred.store.events]

    def test_nobody_is_asked_before_its_time(self, ewallet_kit, wallet, deferred):
        """Nor again before the next time that the issuer names."""
        ewallet_kit.clock.advance(timedelta(minutes=-1))
        early = wallet.collect(), list(ewallet_kit.network.requests)
        ewallet_kit.clock.advance(timedelta(minutes=1))
        due = wallet.collect(), wallet.pending[0].due

        deferred.records.pending.clear()

        assert ((), []) == early
        assert ((), ewallet_kit.clock.now() + timedelta(minutes=10)) == due
        assert () == wallet.collect()

    @pytest.mark.parametrize("ready", [True, False])
    def test_what_cannot_be_asked_for_now_is_asked_for_later(self, ewallet_kit, wallet, deferred, ready):
        """A network that fails takes nothing away, not even the answer that it lost."""
        if ready:
            deferred.records.pending.clear()
        lost = []

        def lose(_request, response):
            if response.status == 401:  # of the proof's nonce
                return response
            lost.append(response.status)
            return Response(503)

        deferred.spoil["/deferred"] = lose
        code, waiting = _refused(wallet.collect), len(wallet.pending)
        deferred.spoil.clear()
        deferred.records.pending.clear()
        (document,) = wallet.collect()

        assert ("fetch.unavailable", 1, [200 if ready else 202]) == (code, waiting, lost)
        assert (2, ()) == (document.copies_left, wallet.pending)
        assert 1 == len(ewallet_kit.issuer.certificates(SUBJECT))

    @pytest.mark.parametrize("error", ["invalid_transaction_id", "credential_request_denied", "invalid_token"])
    def test_what_is_refused_for_good_is_pending_no_longer(self, ewallet_kit, wallet, deferred, error):
        """Its keys are gone with it."""
        body = json.dumps({"error": error}).encode()
        deferred.spoil["/deferred"] = lambda _request, _response: Response(400, JSON, body)

        assert "offer.refused" == _refused(wallet.collect)
        assert ((), (), {}) == (wallet.pending, wallet.documents(), ewallet_kit.wallet_store._keys)

    def test_an_issuer_that_has_given_up_is_not_asked_for_ever(self, wallet, deferred):
        """It has no endpoint for it any more."""
        deferred.spoil[METADATA] = _with(lambda document: document.pop("deferred_credential_endpoint"))

        assert "offer.refused" == _refused(wallet.collect)
        assert () == wallet.pending

    def test_an_answer_in_the_clear_is_not_taken(self, wallet, deferred):
        """Encryption was asked for; what came is not asked for again."""
        deferred.spoil["/deferred"] = lambda _request, _response: Response(200, JSON, b"{}")

        assert "crypto.not_encrypted" == _refused(wallet.collect)
        assert () == wallet.pending

    def test_an_issuer_that_fell_off_the_trust_list_is_not_asked(self, ewallet_kit, deferred):
        """What it prepares waits for a list that names it again."""
        trust = ewallet_kit.pki.trust_list()
        anchors = tuple(replace(anchor, issuers=frozenset()) for anchor in trust.anchors)
        for changed, code in (
            (replace(trust, anchors=anchors), "offer.untrusted_issuer"),
            (replace(trust, until=ewallet_kit.clock.now()), "trust.list_invalid"),
        ):
            wallet = Wallet(
                store=ewallet_kit.wallet_store, trust=changed, send=ewallet_kit.network, env=ewallet_kit.env
            )
            assert code == _refused(wallet.collect)
            assert 1 == len(wallet.pending)
        assert [] == ewallet_kit.network.requests
        assert deferred.store.events == {}


def test_a_trust_list_names_services_and_reads_them_back(ewallet_pki, ewallet_clock):
    """Which may hand out what their authority vouches for, and nothing else, until it is trusted no longer."""
    at = ewallet_clock.now()
    read = TrustList.read(ewallet_pki.signed_trust_list(), ewallet_pki.operator_key, at=at)
    type_id = next(iter(ewallet_pki.types["resident"]))

    assert frozenset({ISSUER}) == read.issuers(at)
    assert [True, False, False] == [
        read.hands_out(ISSUER, type_id, at),
        read.hands_out(ISSUER, "urn:example:another", at),
        read.hands_out("https://other.example", type_id, at),
    ]
    gone = replace(read, anchors=tuple(replace(anchor, distrust_after=at) for anchor in read.anchors))
    assert (frozenset(), False) == (gone.issuers(at), gone.hands_out(ISSUER, type_id, at))
