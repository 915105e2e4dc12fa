"""What the issuing endpoints must not forget, in memory as in each database, and in many processes at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.authorization import LATE, Attempt, Code, Grant
from ewallet.credential import StatusRef
from ewallet.env import Env
from ewallet.intents import Certificate, Intent
from ewallet.issuance import Deferral, Issuance
from ewallet.issuer import Issuer
from ewallet.keys import SigningKey
from ewallet.oid4vci import TokenRequest
from ewallet.sql import Database
from ewallet.testing.caller import FORM, KIND, Caller, issued
from ewallet.testing.clock import START as AT
from ewallet.testing.issuance import MemoryIssuanceStore, SampleRecords
from ewallet.testing.pki import Pki

MINUTE = timedelta(minutes=1)
CODE, TOKEN = b"c" * 32, b"t" * 32
GRANT = Grant(subject="s-1", configuration_ids=("a", "b"), until=AT + 5 * MINUTE)
ATTEMPT = Attempt(
    code=CODE,
    tx_code=None,
    token=TOKEN,
    thumbprint="key-1",
    until=AT + 10 * MINUTE,
    once={b"proof": AT + MINUTE},
    source=b"source-1",
    window=MINUTE,
    max_failures=3,
    max_tries=2,
)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request):
    """An empty store of each kind."""
    if request.param == "memory":
        yield MemoryIssuanceStore()
        return
    database = Database(request.getfixturevalue("postgres").empty() if request.param == "postgres" else "sqlite://")
    yield database.issuance
    database.close()


def _attempt(**changes):
    return replace(ATTEMPT, **({"once": {}} | changes))


def test_the_first_secret_stays(store):
    """Whoever comes later gets the same."""
    assert [b"1" * 32] * 2 == [store.secret(b"1" * 32), store.secret(b"2" * 32)]


def test_a_code_becomes_a_token_once(store):
    """With the grant of the code, the time and key of the token; the code is gone."""
    store.put_code(Code(digest=CODE, grant=GRANT), AT)
    token = replace(GRANT, until=ATTEMPT.until, thumbprint="key-1")

    assert Code(digest=CODE, grant=GRANT) == store.code(CODE, AT)
    assert ("redeemed", token) == store.redeem(ATTEMPT, AT)
    assert ("unknown", None) == store.redeem(_attempt(token=b"u" * 32), AT)
    assert (token, None, None) == (store.token(TOKEN), store.token(b"u" * 32), store.code(CODE, AT))


def test_a_proof_that_was_used_leaves_the_code(store):
    """Nothing is counted, and another proof redeems it."""
    store.put_code(Code(digest=CODE, grant=GRANT), AT)
    store.take(ATTEMPT.once)

    assert ("proof_used", None) == store.redeem(ATTEMPT, AT)
    assert "redeemed" == store.redeem(_attempt(), AT)[0]


def test_wrong_transaction_codes_end_the_code(store):
    """The second of two tries; a missing one is no try."""
    store.put_code(Code(digest=CODE, grant=GRANT, tx_code=b"right"), AT)
    tried = [store.redeem(_attempt(tx_code=text), AT)[0] for text in (None, b"wrong", None, b"wrong", b"right")]

    assert ["tx_code_missing", "unknown", "tx_code_missing", "unknown", "unknown"] == tried


def test_an_unexpected_transaction_code_is_no_try(store):
    """The code is still good."""
    store.put_code(Code(digest=CODE, grant=GRANT), AT)
    tried = [store.redeem(_attempt(tx_code=text), AT)[0] for text in (b"a", b"b", b"c", None)]

    assert ["tx_code_unexpected"] * 3 + ["redeemed"] == tried


def test_failures_are_counted_for_each_source_and_window(store):
    """Three are enough; after its window a failure counts no more, and another source begins with none."""
    failed = [store.redeem(_attempt(), AT)[0] for _ in range(4)]
    other = store.redeem(_attempt(source=b"source-2"), AT)[0]
    later = store.redeem(_attempt(), AT + MINUTE)[0]

    assert (["unknown"] * 3 + ["too_many"], "unknown", "unknown") == (failed, other, later)


def test_a_code_ends_with_its_time_or_when_it_is_withdrawn(store):
    """A redeemed one cannot be withdrawn any more."""
    store.put_code(Code(digest=CODE, grant=GRANT), AT)
    late = store.redeem(_attempt(), GRANT.until)[0], store.code(CODE, GRANT.until)
    withdrawn = [store.withdraw(CODE), store.withdraw(CODE)]
    store.put_code(Code(digest=CODE, grant=GRANT), AT)
    store.redeem(_attempt(), AT)

    assert (("unknown", None), [True, False], False) == (late, withdrawn, store.withdraw(CODE))


def test_what_ended_is_forgotten_with_the_next_code(store):
    """Codes, tokens and what was taken, a day later."""
    store.put_code(Code(digest=CODE, grant=GRANT), AT)
    store.redeem(ATTEMPT, AT)
    later = AT + LATE + 11 * MINUTE
    store.put_code(Code(digest=b"d" * 32, grant=replace(GRANT, until=later)), later)

    assert (None, False) == (store.token(TOKEN), store.is_taken(b"proof"))
    assert store.withdraw(b"d" * 32)


def test_digests_are_taken_together_or_not_at_all(store):
    """The ones that were taken before are named."""
    first = store.take({b"a": AT, b"b": AT})
    second = store.take({b"b": AT, b"c": AT})

    assert (frozenset(), frozenset({b"b"})) == (first, second)
    assert [True, True, False] == [store.is_taken(digest) for digest in (b"a", b"b", b"c")]
    assert frozenset() == store.take({})


def test_what_is_deferred_waits_for_its_token_until_it_arrived(store):
    """Its keys come back as they were; what arrived for another token or configuration changes nothing."""
    keys = tuple(SigningKey.generate(alg).public for alg in ("ES256", "EdDSA"))
    deferral = Deferral(
        digest=b"x" * 32, token=TOKEN, configuration_id="a", keys=keys, due=AT + MINUTE, until=AT + 2 * MINUTE
    )
    store.defer(deferral)

    assert deferral == store.deferral(b"x" * 32, TOKEN, AT)
    assert (None, None) == (store.deferral(b"x" * 32, b"u", AT), store.deferral(b"x" * 32, TOKEN, AT + 2 * MINUTE))
    assert [False, False] == [store.arrived(b"u", "a"), store.arrived(TOKEN, "b")]
    assert deferral == store.deferral(b"x" * 32, TOKEN, AT)
    assert [True, False] == [store.arrived(TOKEN, "a"), store.arrived(TOKEN, "a")]
    assert None is store.deferral(b"x" * 32, TOKEN, AT)


def test_a_notification_is_kept_once(database):
    """A repetition changes nothing."""
    uri = database.issuer.status_list(100, "https://issuer.example/status/{}".format)
    certificate = Certificate(id="c-1", type_id="kind", subject="s-1", issued=AT, until=AT + MINUTE)
    database.issuer.intend(certificate, [Intent(status=StatusRef(uri, 1), digest=b"\7" * 32)])

    for _ in range(2):
        database.issuance.notify("c-1", "credential_accepted", AT)


def test_nothing_that_opens_anything_is_on_disk(tmp_path):
    """Codes, handles, transaction codes, tokens, nonces and claims are nowhere in the file, nor is who asked."""
    database = Database(f"sqlite:///{tmp_path}/issuer.db")
    issuance = _issuance(database, Pki.make(at=AT))
    caller = Caller(issuance, issuance.issuer.identifier, Env(now=lambda: AT), dpop_key=SigningKey.generate())
    made = issuance.offer(KIND, subject="s-1", tx_code=True)
    token = caller.token(made, made.tx_code)
    nonce = caller.nonce()
    received = issued(caller.credential(token, [caller.proof(nonce)]))
    database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    secrets = [made.handle, caller.code(made), token.access_token, nonce, received.notification_id, "가상특별시"]

    assert [] == [number for number, secret in enumerate(secrets) if str(secret).encode() in kept]
    assert KIND.encode() in kept


def _issuance(database, pki):
    issuer = Issuer(
        pki.issuer,
        signers=pki.signers,
        status_signer=pki.status_signer,
        catalog=SAMPLES.catalog,
        store=database.issuer,
        env=Env(now=lambda: AT),
    )
    return Issuance(issuer, records=SAMPLES, store=database.issuance, env=Env(now=lambda: AT))


@pytest.fixture(scope="module")
def pki_folder(tmp_path_factory):
    """The keys that all processes sign with."""
    folder = tmp_path_factory.mktemp("pki")
    Pki.make(at=AT).save(folder)
    return str(folder)


@pytest.fixture
def issuance(shared_url, pki_folder):
    """The issuer whose database the crowd shares."""
    database = Database(shared_url)
    yield _issuance(database, Pki.load(pki_folder))
    database.close()


def _crowd_posts(crowd, url, pki_folder, path, headers, body):
    crowd.do("post", url=url, pki=pki_folder)
    answers = crowd.do("post", url=url, pki=pki_folder, path=path, headers=headers, body=body)
    return [(status, json.loads(text).get("error", "")) for status, text in answers]


def test_one_of_a_crowd_redeems_the_code(crowd, shared_url, pki_folder, issuance):
    """VCI-02: exactly one token, everybody else is told that the code is no good."""
    code = Caller.code(issuance.offer(KIND, subject="s-1"))
    body = TokenRequest(code=code).to_bytes().decode()
    answers = _crowd_posts(crowd, shared_url, pki_folder, "/token", {"content-type": FORM}, body)

    assert [(200, "")] + [(400, "invalid_grant")] * (len(crowd.workers) - 1) == sorted(answers)


def test_one_of_a_crowd_gets_the_credential_of_a_nonce(crowd, shared_url, pki_folder, issuance):
    """F-21: one proof sent by all gets one certificate and one status entry."""
    caller = Caller(issuance, issuance.issuer.identifier, Env(now=lambda: AT))
    token = caller.token(issuance.offer(KIND, subject="s-2"))
    proofs = {"jwt": [caller.proof(caller.nonce())]}
    body = json.dumps({"credential_configuration_id": f"{KIND}.dc+sd-jwt", "proofs": proofs})
    headers = caller.bearing(token, "/credential")
    answers = _crowd_posts(crowd, shared_url, pki_folder, "/credential", headers, body)

    assert [(200, "")] + [(400, "invalid_nonce")] * (len(crowd.workers) - 1) == sorted(answers)
    assert 1 == len(issuance.issuer.certificates("s-2"))


def test_a_crowd_that_guesses_is_counted_exactly(crowd, shared_url, pki_folder, issuance):
    """VCI-06: five wrong transaction codes at once or one after another, and the right one comes too late."""
    made = issuance.offer(KIND, subject="s-3", tx_code=True)
    code = Caller.code(made)
    wrong = TokenRequest(code=code, tx_code="none").to_bytes().decode()
    answers = _crowd_posts(crowd, shared_url, pki_folder, "/token", {"content-type": FORM}, wrong)
    caller = Caller(issuance, issuance.issuer.identifier, Env(now=lambda: AT))

    assert {(400, "invalid_grant")} == set(answers)
    assert 400 == caller.redeem(made, made.tx_code).status


@pytest.fixture(scope="module", autouse=True)
def samples(ewallet_catalog):
    """Everybody's record is the sample."""
    SAMPLES.catalog = ewallet_catalog


SAMPLES = SampleRecords(None)  # type: ignore[arg-type]  # the fixture above fills it
