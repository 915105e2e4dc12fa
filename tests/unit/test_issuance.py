"""What wallets call: credentials once for each nonce, from the records as they stand, and answers that wait."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet import jose
from ewallet.errors import UsageError
from ewallet.flow import Request
from ewallet.formats import FORMATS
from ewallet.issuance import Issuance
from ewallet.keys import SigningKey
from ewallet.oid4vci import CredentialRequest, DeferredRequest, NotificationRequest, open_response
from ewallet.oid4vci.metadata import IssuerMetadata, Recipient
from ewallet.shape import json_object
from ewallet.status import StatusToken
from ewallet.testing.caller import KIND, Caller, error, issued, promised
from ewallet.testing.issuance import MemoryIssuanceStore
from ewallet.type_metadata import TypeMetadata

SUBJECT = "citizen-1"
HOUR = 3600


@pytest.fixture
def caller(ewallet_kit):
    """A wallet without a key for tokens."""
    return Caller(ewallet_kit.network, ewallet_kit.issuer.identifier, ewallet_kit.env)


@pytest.fixture
def token(ewallet_kit, caller):
    """A token for a resident register copy."""
    return caller.token(ewallet_kit.issuance.offer(KIND, subject=SUBJECT))


def _claims(credential):
    return FORMATS["dc+sd-jwt"].read(credential).claims


def test_a_credential_says_what_is_on_record_now(ewallet_kit, caller, token):
    """VCI-31: not what was on record when it was offered, and nothing that a caller says."""
    sample = ewallet_kit.catalog.type(KIND).sample
    ewallet_kit.records.given[SUBJECT, KIND] = {**sample, "household_size": 7}
    answer = caller.credential(token, members={"claims": {"household_size": 1}, "subject": "citizen-2"})

    (credential,) = issued(answer).credentials
    assert (200, "no-store", 7) == (
        answer.status,
        answer.headers["cache-control"],
        _claims(credential)["household_size"],
    )
    assert [KIND] == [found.type_id for found in ewallet_kit.issuer.certificates(SUBJECT)]


def test_a_nonce_is_taken_once(ewallet_kit, caller, token):
    """VCI-12: the same proof again is refused, and nothing more is issued."""
    proofs = [caller.proof(caller.nonce())]
    answers = [caller.credential(token, proofs) for _ in range(2)]

    assert [(200, ""), (400, "invalid_nonce")] == [(answer.status, error(answer)) for answer in answers]
    assert 1 == len(ewallet_kit.issuer.certificates(SUBJECT))


def test_a_batch_is_one_certificate_with_keys_and_salts_of_its_own(ewallet_kit, caller, token):
    """VCI-39: ten copies on one nonce; no two share a key, a status entry or a disclosure, all share their dates."""
    keys, nonce = [SigningKey.generate() for _ in range(10)], caller.nonce()
    copies = issued(caller.credential(token, [caller.proof(nonce, key) for key in keys])).credentials
    read = [FORMATS["dc+sd-jwt"].read(copy) for copy in copies]
    disclosures = [part for copy in copies for part in copy.split("~")[1:-1]]

    assert [key.public for key in keys] == [copy.holder for copy in read]
    assert (10, 1) == (len({copy.status for copy in read}), len({copy.validity for copy in read}))
    assert len(set(disclosures)) == len(disclosures)
    assert 1 == len(ewallet_kit.issuer.certificates(SUBJECT))


def test_a_batch_with_a_used_nonce_gets_nothing(ewallet_kit, caller, token):
    """VCI-12: all nonces are taken together or none; the fresh one is still good afterwards."""
    used, fresh = caller.nonce(), caller.nonce()
    caller.credential(token, [caller.proof(used)])
    mixed = [caller.proof(used), caller.proof(fresh, SigningKey.generate())]
    other = caller.token(ewallet_kit.issuance.offer(KIND, subject=SUBJECT))

    assert "invalid_nonce" == error(caller.credential(other, mixed))
    assert 200 == caller.credential(other, mixed[1:]).status


def test_proofs_without_a_good_nonce_are_refused(ewallet_kit, caller):
    """VCI-11: none, one of somebody else, one that is over."""
    old = caller.nonce()
    ewallet_kit.clock.advance(timedelta(minutes=4))
    fresh = caller.token(ewallet_kit.issuance.offer(KIND, subject=SUBJECT))
    ewallet_kit.clock.advance(timedelta(minutes=1))
    asked = [caller.credential(fresh, [caller.proof(nonce)]) for nonce in (None, "made-up", old)]

    assert ["invalid_proof", "invalid_nonce", "invalid_nonce"] == [error(answer) for answer in asked]


def _another_signature(caller, nonce):
    return caller.proof(nonce)[:-8] + "AAAAAAAA"


SPOILED = {
    "a signature of nobody": _another_signature,
    "the key of another": lambda c, n: c.spoiled(n, header={"jwk": SigningKey.generate().public.jwk}),
    "another typ": lambda c, n: c.spoiled(n, typ="JWT"),
    "no algorithm": lambda c, n: c.spoiled(n, header={"alg": "none"}),
    "a shared secret": lambda c, n: c.spoiled(n, header={"alg": "HS256"}),
    "rsa": lambda c, n: c.spoiled(n, header={"alg": "RS256"}),
    "two names for the key": lambda c, n: c.spoiled(n, header={"kid": "1"}),
    "a private key": lambda c, n: c.spoiled(n, header={"jwk": {**c.key.public.jwk, "d": "AAAA"}}),
    "another audience": lambda c, n: c.spoiled(n, claims={"aud": "https://other.example"}),
    "a list of audiences": lambda c, n: c.spoiled(n, claims={"aud": [c.issuer]}),
    "an hour old": lambda c, n: c.spoiled(n, claims={"iat": int(c.env.now().timestamp()) - HOUR}),
    "an hour early": lambda c, n: c.spoiled(n, claims={"iat": int(c.env.now().timestamp()) + HOUR}),
    "a client": lambda c, n: c.spoiled(n, claims={"iss": "wallet"}),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_a_spoiled_proof_is_refused(ewallet_kit, caller, token, spoil):
    """VCI-14, VCI-15: and the nonce in it is still good, for nothing was done."""
    nonce = caller.nonce()
    refused = caller.credential(token, [spoil(caller, nonce)])

    assert (400, "invalid_proof") == (refused.status, error(refused))
    assert 200 == caller.credential(token, [caller.proof(nonce)]).status
    assert 1 == len(ewallet_kit.issuer.certificates(SUBJECT))


def test_proofs_come_in_a_number_that_is_taken(caller, token):
    """VCI-16: none, an empty list, two types, eleven, two by one key."""
    nonce = caller.nonce()
    many = [caller.proof(nonce, SigningKey.generate()) for _ in range(11)]
    proof = caller.proof(nonce)
    given: list[object] = [
        None,
        {"jwt": []},
        {"jwt": [proof], "attestation": [proof]},
        {"jwt": many},
        {"jwt": [proof, proof]},
    ]
    asked = [caller.credential(token, [proof], members={"proofs": proofs}) for proofs in given]

    assert [
        "invalid_proof",
        "invalid_proof",
        "invalid_credential_request",
        "invalid_credential_request",
        "invalid_proof",
    ] == [error(answer) for answer in asked]


def test_a_request_names_one_configuration_of_the_token(ewallet_kit, caller, token):
    """VCI-19: unknown, an identifier never given, both, outside the grant."""
    asked = [
        caller.credential(token, members={"credential_configuration_id": "unknown"}),
        caller.credential(token, members={"credential_configuration_id": None, "credential_identifier": "unknown"}),
        caller.credential(token, members={"credential_identifier": "unknown"}),
        caller.credential(token, kind="disabled_person_certificate"),
    ]

    assert [
        "unknown_credential_configuration",
        "unknown_credential_identifier",
        "invalid_credential_request",
        "credential_request_denied",
    ] == [error(answer) for answer in asked]
    assert () == ewallet_kit.issuer.certificates(SUBJECT)


def test_the_credential_endpoint_reads_json(caller, token):
    """VCI-10: a form is another media type."""
    headers = caller.bearing(token, "/credential") | {"content-type": "application/x-www-form-urlencoded"}
    answer = caller.post("/credential", b"a=b", headers)

    assert (415, "invalid_credential_request") == (answer.status, error(answer))


@pytest.mark.parametrize("spoiled", [{"cnf": {}}, {"exp": 1}, {"_sd": []}, {"subject_name": "a\x00b"}, {"extra": "1"}])
def test_a_record_that_cannot_be_certified_is_not(ewallet_kit, caller, token, caplog, spoiled):
    """VCI-34: nothing is allocated, and the log names the claim and not its value."""
    sample = ewallet_kit.catalog.type(KIND).sample
    ewallet_kit.records.given[SUBJECT, KIND] = {**sample, **spoiled}
    with caplog.at_level(logging.WARNING, "ewallet"):
        answer = caller.credential(token)

    assert (400, "credential_request_denied") == (answer.status, error(answer))
    assert ((), ()) == (ewallet_kit.issuer.certificates(SUBJECT), ewallet_kit.issuer.status_lists())
    assert "issue." in caplog.text
    assert "a\x00b" not in caplog.text


def test_who_has_no_record_gets_no_certificate(ewallet_kit, caller):
    """The wallet is told that the request was denied, and not why."""
    records = replace(ewallet_kit.records, catalog=_Nothing())
    issuance = Issuance(ewallet_kit.issuer, records=records, store=MemoryIssuanceStore(), env=ewallet_kit.env)
    other = replace(caller, send=issuance)
    answer = other.credential(other.token(issuance.offer(KIND, subject="nobody")))

    assert (400, "credential_request_denied") == (answer.status, error(answer))


class _Nothing:
    def __contains__(self, type_id):
        return False


def test_a_signer_that_is_missing_is_our_fault_and_not_the_wallets(ewallet_kit, caller):
    """It is raised as it is, for whoever runs the service."""
    ewallet_kit.clock.advance(timedelta(days=440))
    late = caller.token(ewallet_kit.issuance.offer(KIND, subject=SUBJECT))

    with pytest.raises(UsageError) as refused:
        caller.credential(late)
    assert "usage.configuration" == refused.value.code


def test_only_kinds_that_are_issued_can_be_offered(ewallet_kit):
    """Neither an unknown kind nor none at all."""
    for kinds in ((), ("unknown",), (KIND, "unknown")):
        with pytest.raises(UsageError) as refused:
            ewallet_kit.issuance.offer(*kinds, subject=SUBJECT)
        assert "usage.argument" == refused.value.code


@pytest.fixture
def promise(ewallet_kit, caller, token):
    """A credential that waits for its record, half a minute."""
    ewallet_kit.records.pending[KIND] = timedelta(seconds=30)
    return promised(caller.credential(token)).transaction_id


def _collect(caller, token, transaction_id):
    body = DeferredRequest(transaction_id=transaction_id).to_bytes()
    return caller.post("/deferred", body, caller.bearing(token, "/deferred"))


def test_what_is_not_ready_is_promised_and_collected(ewallet_kit, caller, token, promise):
    """VCI-29: too early and still not ready wait; once ready there is one, with the key that was proven."""
    early = _collect(caller, token, promise)
    ewallet_kit.clock.advance(timedelta(seconds=30))
    unready = _collect(caller, token, promise)
    ewallet_kit.records.pending.clear()
    ready = _collect(caller, token, promise)

    assert [(202, 30), (202, 30)] == [(each.status, promised(each).interval) for each in (early, unready)]
    assert caller.key.public == FORMATS["dc+sd-jwt"].read(issued(ready).credentials[0]).holder
    assert 1 == len(ewallet_kit.issuer.certificates(SUBJECT))


@pytest.mark.parametrize("event", ["credential_accepted", "credential_deleted"])
def test_a_promise_is_kept_again_until_the_wallet_says_that_it_came(ewallet_kit, caller, token, promise, event):
    """VCI-29: a lost answer is given again, byte for byte; twice after delivery is refused."""
    ewallet_kit.clock.advance(timedelta(seconds=30))
    ewallet_kit.records.pending.clear()
    lost, again = _collect(caller, token, promise), _collect(caller, token, promise)
    notification_id = str(issued(again).notification_id)
    _tell(caller, token, notification_id, "credential_failure")
    failed = _collect(caller, token, promise)
    _tell(caller, token, notification_id, event)
    over = _collect(caller, token, promise)

    assert 200 == lost.status
    assert lost.body == again.body == failed.body
    assert (400, "invalid_transaction_id") == (over.status, error(over))
    assert 1 == len(ewallet_kit.issuer.certificates(SUBJECT))


def test_a_promise_is_not_collected_before_its_interval(ewallet_kit, caller, token, promise):
    """VCI-29: though the record happens to be ready."""
    ewallet_kit.records.pending.clear()
    ewallet_kit.clock.advance(timedelta(seconds=10))

    assert (202, 20) == (_collect(caller, token, promise).status, promised(_collect(caller, token, promise)).interval)


def test_a_promise_is_for_its_token(ewallet_kit, caller, token, promise):
    """VCI-29: another token, and an identifier that was never given, find nothing."""
    other = caller.token(ewallet_kit.issuance.offer(KIND, subject=SUBJECT))
    asked = [_collect(caller, other, promise), _collect(caller, token, "made-up")]

    assert ["invalid_transaction_id"] * 2 == [error(answer) for answer in asked]


def test_a_promise_outlives_its_token_by_a_day(ewallet_kit, caller, token, promise):
    """The token is over for new credentials long before."""
    ewallet_kit.records.pending.clear()
    ewallet_kit.clock.advance(timedelta(hours=23))
    refused, collected = caller.credential(token), _collect(caller, token, promise)
    ewallet_kit.clock.advance(timedelta(hours=2))

    assert [(401, "invalid_token"), (200, "")] == [(each.status, error(each)) for each in (refused, collected)]
    assert (401, "invalid_token") == (_collect(caller, token, promise).status, error(_collect(caller, token, promise)))


def _tell(caller, token, notification_id, event):
    body = json.dumps({"notification_id": notification_id, "event": event}).encode()
    return caller.post("/notification", body, caller.bearing(token, "/notification"))


def test_what_became_of_a_certificate_is_kept_once(ewallet_kit, caller, token):
    """VCI-42: a repetition changes nothing; nobody has to tell."""
    store = ewallet_kit.issuance._store
    notification_id = str(issued(caller.credential(token)).notification_id)
    told = [_tell(caller, token, notification_id, "credential_accepted") for _ in range(2)]
    (certificate,) = ewallet_kit.issuer.certificates(SUBJECT)

    assert [204, 204] == [answer.status for answer in told]
    assert {(certificate.id, "credential_accepted"): ewallet_kit.clock.now()} == store.events


def test_a_notification_that_says_nothing_is_refused(ewallet_kit, caller, token):
    """VCI-42: unknown events and identifiers, and those of another token."""
    notification_id = str(issued(caller.credential(token)).notification_id)
    other = caller.token(ewallet_kit.issuance.offer(KIND, subject=SUBJECT))
    told = [
        _tell(caller, token, notification_id, "credential_eaten"),
        _tell(caller, token, "made-up", "credential_accepted"),
        _tell(caller, token, notification_id.partition(".")[0], "credential_accepted"),
        _tell(caller, other, notification_id, "credential_accepted"),
        caller.post(
            "/notification",
            NotificationRequest(notification_id=notification_id, event="credential_deleted").to_bytes(),
            caller.bearing(token, "/notification") | {"content-type": "text/plain"},
        ),
    ]

    assert [
        (400, "invalid_notification_request"),
        (400, "invalid_notification_id"),
        (400, "invalid_notification_id"),
        (400, "invalid_notification_id"),
        (415, "invalid_notification_request"),
    ] == [(answer.status, error(answer)) for answer in told]
    assert {} == ewallet_kit.issuance._store.events


@pytest.fixture
def private(ewallet_kit, caller):
    """An issuer that takes and gives encrypted messages, and a wallet of it."""
    issuance = Issuance(
        ewallet_kit.issuer,
        records=ewallet_kit.records,
        store=MemoryIssuanceStore(),
        env=ewallet_kit.env,
        encryption_keys=[jose.new_encryption_key()],
        require_encryption=True,
    )
    return issuance, replace(caller, send=issuance)


def _encrypted(issuance, caller, token, recipient, **members):
    proof = caller.proof(caller.nonce())
    wanted = CredentialRequest(
        configuration_id=f"{KIND}.dc+sd-jwt", proof_type="jwt", proofs=(proof,), recipient=recipient
    )
    to = issuance.metadata.request_encryption.recipient
    body = to.encrypt(jose.to_json({**json_object(wanted.to_bytes()), **members})).encode()
    return caller.post("/credential", body, caller.bearing(token, "/credential") | {"content-type": "application/jwt"})


def test_messages_are_encrypted_where_both_sides_say_how(private):
    """The credential leaves encrypted to the wallet's key, and opens with it alone."""
    issuance, caller = private
    key = jose.new_encryption_key()
    public = {name: value for name, value in key.items() if name != "d"}
    token = caller.token(issuance.offer(KIND, subject=SUBJECT))
    answer = _encrypted(issuance, caller, token, Recipient(jwk=public, enc="A256GCM"))

    assert (200, "application/jwt") == (answer.status, answer.headers["content-type"])
    assert b'{"credentials":[' == open_response(answer.body, "application/jwt", key)[:16]


def test_a_key_without_a_name_is_encrypted_to(private):
    """§10: only where the key has a ``kid`` does the message name it."""
    issuance, caller = private
    key = {name: value for name, value in jose.new_encryption_key().items() if name != "kid"}
    public = {name: value for name, value in key.items() if name != "d"}
    token = caller.token(issuance.offer(KIND, subject=SUBJECT))
    wanted = {"jwk": public, "enc": "A128GCM"}
    answer = _encrypted(issuance, caller, token, None, credential_response_encryption=wanted)

    assert (200, "application/jwt") == (answer.status, answer.headers["content-type"])
    assert "kid" not in jose.encryption_header(answer.body.decode())
    assert b'{"credentials":[' == jose.decrypt(answer.body.decode(), key)[:16]


def test_messages_in_the_clear_or_encrypted_otherwise_are_refused(private):
    """VCI-27: unknown enc, no alg, a private key, one for signatures, none at all, not encrypted."""
    issuance, caller = private
    public = {name: value for name, value in jose.new_encryption_key().items() if name != "d"}
    token = caller.token(issuance.offer(KIND, subject=SUBJECT))
    wanted = [
        {"jwk": public, "enc": "A128CBC-HS256"},
        {"jwk": {**public, "alg": "RSA-OAEP"}, "enc": "A256GCM"},
        {"jwk": {name: value for name, value in public.items() if name != "alg"}, "enc": "A256GCM"},
        {"jwk": {**public, "d": "AAAA"}, "enc": "A256GCM"},
        {"jwk": {**public, "use": "sig"}, "enc": "A256GCM"},
        {"jwk": {**public, "kid": 1}, "enc": "A256GCM"},
        None,
    ]
    asked = [_encrypted(issuance, caller, token, None, credential_response_encryption=each) for each in wanted]
    asked.append(caller.credential(token))

    assert {(400, "invalid_encryption_parameters")} == {(answer.status, error(answer)) for answer in asked}


def test_the_metadata_list_every_kind_in_two_languages(ewallet_kit, caller):
    """They are read back by the wallet's own reader, at the inserted path, by anybody's page."""
    answer = caller.get("/.well-known/openid-credential-issuer")
    metadata = IssuerMetadata.parse(answer.body, caller.issuer)
    found = metadata.configurations[f"{KIND}.dc+sd-jwt"]

    kinds = [kind for kind in ewallet_kit.catalog if kind.id != "eligibility_answer"]  # for those who keep a log
    expected = {f"{kind.id}.dc+sd-jwt" for kind in kinds} | {f"{kind.id}.mso_mdoc" for kind in kinds if kind.doctype}
    assert expected == set(metadata.configurations)
    assert (10, {"ko", "en"}) == (metadata.batch_size, {display.locale for display in found.display})
    assert "*" == answer.headers["access-control-allow-origin"]


def test_an_identifier_with_a_path_has_its_metadata_at_the_inserted_place(ewallet_kit):
    """OpenID4VCI §12.2.2, RFC 8414 §3."""
    identifier = "https://issuer.example.go.kr/office"
    ewallet_kit.issuer.identifier = identifier
    issuance = Issuance(
        ewallet_kit.issuer, records=ewallet_kit.records, store=MemoryIssuanceStore(), env=ewallet_kit.env
    )
    places = ("openid-credential-issuer", "oauth-authorization-server")
    answers = [
        issuance(Request("GET", f"https://issuer.example.go.kr/.well-known/{place}/office")).status for place in places
    ]

    assert [200, 200, 200] == [*answers, issuance(Request("POST", f"{identifier}/nonce")).status]


def test_the_description_of_a_kind_is_read_back_and_fits_its_credentials(ewallet_kit, caller, token):
    """A holder who follows the description finds nothing missing."""
    kind = ewallet_kit.catalog.type(KIND)
    described = TypeMetadata.read({kind.vct: caller.get(f"/types/{kind.vct}").body}, kind.vct)
    (credential,) = issued(caller.credential(token)).credentials
    held = FORMATS["dc+sd-jwt"].read(credential)

    described.check({**held.claims, "vct": kind.vct}, held.shown, role="holder")
    assert [kind.label("ko"), kind.label("en")] == [display["name"] for display in described.display]
    assert 404 == caller.get("/types/unknown").status


def _status(caller, etag=""):
    return caller.get("/status/1", {"If-None-Match": etag} if etag else {})


@pytest.fixture
def published(ewallet_kit, caller, token):
    """The wallet of an issuer that publishes its own status lists, with one certificate issued."""
    ewallet_kit.network.route(f"{caller.issuer}/status/", ewallet_kit.issuance)
    issued(caller.credential(token))
    return caller


def test_a_status_list_is_sent_to_those_who_do_not_have_it(published):
    """The same bytes and name until something changes; weak, listed and any names match too."""
    first = _status(published)
    etag = first.headers["etag"]
    again = [_status(published, known).status for known in (etag, f"W/{etag}", f'"x", {etag}', "*", '"x"')]

    assert (200, "application/statuslist+jwt") == (first.status, first.headers["content-type"])
    assert ([304] * 4 + [200], "*") == (again, first.headers["access-control-allow-origin"])
    assert first.body == _status(published).body


def test_a_status_list_is_sent_as_what_is_accepted(published):
    """A CWT to those who name it first; both say the same, under names of their own."""
    cwt = "application/statuslist+cwt"
    accepted = [cwt, f"{cwt}, application/statuslist+jwt", f"application/statuslist+jwt;q=1, {cwt}", "*/*"]
    answers = [published.get("/status/1", {"accept": each}) for each in accepted]

    assert [cwt, cwt, "application/statuslist+jwt"] == [each.headers["content-type"] for each in answers[:3]]
    assert answers[2].body == answers[3].body
    assert ["accept"] * 4 == [each.headers["vary"] for each in answers]
    read = [StatusToken.read(each.body) for each in answers]
    assert read[0].list.data == read[2].list.data
    assert read[0].uri == read[2].uri


def test_no_status_list_of_another_time_is_kept(published):
    """Token Status List §8.4: who asks for one must not take the present one for it."""
    assert [501, 501] == [published.get(f"/status/1?time={when}").status for when in ("1700000000", "")]
    assert 200 == published.get("/status/1?other=1").status


def test_a_revocation_is_published_at_once(ewallet_kit, published):
    """And so are a suspension and its end."""
    (certificate,) = ewallet_kit.issuer.certificates(SUBJECT)
    seen = []
    for change in (ewallet_kit.issuer.suspend, ewallet_kit.issuer.resume, ewallet_kit.issuer.revoke):
        before = _status(published).headers["etag"]
        change(certificate.id, reason="a test")
        answer = _status(published, before)
        entries = StatusToken.read(answer.body).list
        seen.append((answer.status, max(entries[index] for index in range(len(entries)))))

    assert [(200, 2), (200, 0), (200, 1)] == seen


def test_a_status_list_is_signed_anew_before_it_is_stale(ewallet_kit, published):
    """After half a minute; until then it says how long it may be kept."""
    first = _status(published)
    ewallet_kit.clock.advance(timedelta(seconds=20))
    kept = _status(published)
    ewallet_kit.clock.advance(timedelta(seconds=10))

    assert ["public, max-age=30", "public, max-age=10"] == [each.headers["cache-control"] for each in (first, kept)]
    assert [True, False] == [first.body == each.body for each in (kept, _status(published))]


def test_the_lists_are_listed(published):
    """Token Status List §9."""
    assert {"status_lists": [f"{published.issuer}/status/1"]} == json_object(published.get("/status").body)
    assert [404, 404] == [published.get("/status/2").status, published.get("/elsewhere").status]


@pytest.mark.parametrize("path", ["/token", "/nonce", "/credential", "/deferred", "/notification"])
def test_endpoints_are_posted_to(caller, path):
    """A question gets the method that would work."""
    answer = caller.get(path)

    assert (405, "POST") == (answer.status, answer.headers["allow"])
