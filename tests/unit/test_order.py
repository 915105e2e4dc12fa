"""A wallet that got no answer asks again: it gets what was issued, or a refusal, and never a second certificate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet import jose
from ewallet.formats import FORMATS
from ewallet.keys import SigningKey
from ewallet.oid4vci import CredentialRequest, DeferredRequest
from ewallet.status import Status
from ewallet.testing.caller import KIND, Caller, error, issued, promised
from ewallet.testing.kit import Kit

SUBJECT = "citizen-1"


@pytest.fixture
def caller(ewallet_kit):
    """A wallet without a key for tokens."""
    return Caller(ewallet_kit.network, ewallet_kit.issuer.identifier, ewallet_kit.env)


@pytest.fixture
def token(ewallet_kit, caller):
    """A token for a resident register copy."""
    return caller.token(ewallet_kit.issuance.offer(KIND, subject=SUBJECT))


def _certificates(kit):
    return [found.id for found in kit.issuer.certificates(SUBJECT)]


def test_who_asks_again_with_the_same_keys_gets_the_same(ewallet_kit, caller, token):
    """F-01, F-14: with a fresh nonce, the answer is the same to the last byte, and one certificate is on record."""
    answers = [caller.credential(token) for _ in range(3)]

    assert {(200, answers[0].body)} == {(answer.status, answer.body) for answer in answers}
    assert 1 == len(_certificates(ewallet_kit))


def test_a_batch_is_the_same_in_whatever_order_its_keys_are_proven(ewallet_kit, caller, token):
    """The copies are those that were issued."""
    keys = [SigningKey.generate() for _ in range(3)]

    def ask(order):
        nonce = caller.nonce()
        return caller.credential(token, [caller.proof(nonce, key) for key in order])

    assert issued(ask(keys)) == issued(ask(keys[::-1]))
    assert 1 == len(_certificates(ewallet_kit))


def test_who_asks_again_with_other_keys_is_denied(ewallet_kit, caller, token):
    """What was issued is listed, and can be revoked."""
    caller.credential(token)
    nonce = caller.nonce()
    denied = caller.credential(token, [caller.proof(nonce, SigningKey.generate())])
    again = caller.credential(token, [caller.proof(nonce, SigningKey.generate())])
    (certificate_id,) = _certificates(ewallet_kit)
    ewallet_kit.issuer.revoke(certificate_id, reason="a test")

    assert ["credential_request_denied", "invalid_nonce"] == [error(denied), error(again)]
    assert [Status.REVOKED] == [found.status for found in ewallet_kit.issuer.certificates(SUBJECT)]


def test_each_configuration_of_a_token_is_an_order_of_its_own(ewallet_kit, caller):
    """An offer of two kinds is two certificates."""
    kinds = (KIND, "disabled_person_certificate")
    token = caller.token(ewallet_kit.issuance.offer(*kinds, subject=SUBJECT))
    answers = [caller.credential(token, kind=kind) for kind in kinds]

    assert [200, 200] == [answer.status for answer in answers]
    assert 2 == len(_certificates(ewallet_kit))


def test_another_record_does_not_change_what_was_issued(ewallet_kit, caller, token):
    """The first answer stands, whatever the register says by now."""
    first = caller.credential(token)
    sample = ewallet_kit.catalog.type(KIND).sample
    ewallet_kit.records.given[SUBJECT, KIND] = {**sample, "household_size": 7}

    assert first.body == caller.credential(token).body


def test_a_bound_token_needs_a_proof_of_its_own_to_ask_again(ewallet_kit):
    """The key of the token is shown each time anew."""
    bound = Caller(ewallet_kit.network, ewallet_kit.issuer.identifier, ewallet_kit.env, dpop_key=SigningKey.generate())
    token = bound.token(ewallet_kit.issuance.offer(KIND, subject=SUBJECT))
    headers = bound.bearing(token, "/credential")
    bodies = [_body(bound) for _ in range(2)]
    answers = [bound.post("/credential", body, headers) for body in bodies]

    assert [(200, ""), (401, "invalid_dpop_proof")] == [(answer.status, error(answer)) for answer in answers]
    assert answers[0].body == bound.credential(token).body


def _body(caller):
    proof = caller.proof(caller.nonce())
    return CredentialRequest(configuration_id=f"{KIND}.dc+sd-jwt", proof_type="jwt", proofs=(proof,)).to_bytes()


def test_what_was_answered_is_encrypted_to_whoever_asks_now(caller, token):
    """It is kept as it was, not as it travelled."""
    first = issued(caller.credential(token))
    key = jose.new_encryption_key()
    recipient = {"jwk": {name: value for name, value in key.items() if name != "d"}, "enc": "A128GCM"}
    refused = caller.credential(token, members={"credential_response_encryption": recipient})

    assert "invalid_encryption_parameters" == error(refused)
    assert first == issued(caller.credential(token))


def test_an_order_that_was_begun_is_taken_up(ewallet_kit, caller, token):
    """A process that died between intent and completion leaves one that is given up, and the wallet gets another."""
    _break(ewallet_kit, "complete")
    with pytest.raises(_CrashError):
        caller.credential(token)
    _mend(ewallet_kit)
    answer = issued(caller.credential(token))
    (certificate_id,) = _certificates(ewallet_kit)

    assert str(answer.notification_id).startswith(certificate_id)
    assert 2 == len(ewallet_kit.issuer_store._given)


def test_whoever_finishes_too_late_is_denied(ewallet_kit, caller, token):
    """Of two that are on the way at once, the one that began last delivers."""
    store, answers = ewallet_kit.issuer_store, []

    def complete(*arguments):
        _mend(ewallet_kit)
        answers.append(caller.credential(token))
        return store.complete(*arguments)

    store_of(ewallet_kit).complete = complete
    late = caller.credential(token)

    assert [(200, ""), (400, "credential_request_denied")] == [(a.status, error(a)) for a in (*answers, late)]
    assert 1 == len(_certificates(ewallet_kit))


def test_a_promise_that_a_crash_kept_from_being_kept_is_collected_later(ewallet_kit, caller, token):
    """VCI-29: the transaction is not over before its certificate is issued."""
    ewallet_kit.records.pending[KIND] = timedelta(seconds=1)
    transaction_id = promised(caller.credential(token)).transaction_id
    ewallet_kit.records.pending.clear()
    ewallet_kit.clock.advance(timedelta(seconds=1))
    body = DeferredRequest(transaction_id=transaction_id).to_bytes()
    _break(ewallet_kit, "complete")
    with pytest.raises(_CrashError):
        caller.post("/deferred", body, caller.bearing(token, "/deferred"))
    _mend(ewallet_kit)
    answer = caller.post("/deferred", body, caller.bearing(token, "/deferred"))

    assert caller.key.public == FORMATS["dc+sd-jwt"].read(issued(answer).credentials[0]).holder
    assert 1 == len(_certificates(ewallet_kit))


class _CrashError(Exception):
    pass


def store_of(kit: Kit):
    """The methods of the issuer's store, to be replaced."""
    return kit.issuer_store


def _break(kit, method):
    def broken(*_):
        raise _CrashError

    setattr(store_of(kit), method, broken)


def _mend(kit):
    for method in ("complete", "intend"):
        vars(store_of(kit)).pop(method, None)
