"""The main road in memory: a resident register copy is issued, held, shown in part, believed, revoked and refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ewallet.errors import AlreadyUsed, QueryError, StatusError, UsageError
from ewallet.status import Status
from ewallet.testing.stage import Stage, items_of
from ewallet.verdict import Accepted, Rejected

KIND = "resident_register_copy"
ASKED = ["subject_name", "resident_address", "is_householder"]


@pytest.fixture
def document(ewallet_kit):
    """A resident register copy in the wallet, in three copies."""
    return ewallet_kit.issue(KIND, copies=3)


@pytest.fixture
def sample(ewallet_catalog):
    """The record that was issued."""
    return ewallet_catalog.type(KIND).sample


def _show(kit, asked=ASKED):
    return kit.present(kit.query(KIND, asked))


@pytest.mark.usefixtures("document")
def test_two_claims_and_a_yes_or_no_reach_the_bank(ewallet_kit, sample):
    """The bank learns exactly what it asked for, and that all of it holds."""
    verdict = ewallet_kit.verify(*_show(ewallet_kit))

    assert isinstance(verdict, Accepted)
    expected = {name: sample[name] for name in ("subject_name", "resident_address")} | {"is_householder": True}
    assert {KIND: expected} == verdict.claims


def test_the_wallet_holds_the_whole_record(document, sample):
    """What the holder can read is what the register says, and the answers that were signed with it."""
    held = {name: value for name, value in document.credential.claims.items() if name in sample}

    assert sample == held
    assert 3 == document.copies_left


@pytest.mark.usefixtures("document")
def test_nothing_else_leaves_the_wallet(ewallet_kit):
    """No text of the record is in the presentation but what was asked for, not even encoded."""
    stage = Stage.of(ewallet_kit, _show(ewallet_kit))

    assert set(ASKED) == {items_of(each)[1] for each in stage.disclosures}
    visible = set(stage.payload) - {"_sd"}
    assert {"vct", "iss", "iat", "nbf", "exp", "cnf", "status"} == visible


@pytest.mark.usefixtures("document")
def test_the_wallet_remembers_what_left(ewallet_kit):
    """For whom, why and which claims, the newest first."""
    _show(ewallet_kit, ["household_size"])
    _show(ewallet_kit)

    newest, oldest = ewallet_kit.wallet.history()

    assert (ewallet_kit.verifier.client_id, "가상 대출 심사") == (newest.audience, newest.purpose)
    assert {(name,) for name in ASKED} == set(newest.paths)
    assert (("household_size",),) == oldest.paths


@pytest.mark.usefixtures("document")
def test_rows_and_members_are_shown_one_by_one(ewallet_kit, sample):
    """Of a household the bank may ask for the names alone."""
    verdict = ewallet_kit.verify(*_show(ewallet_kit, [("household_members", None, "name")]))

    assert isinstance(verdict, Accepted)
    names = [member["name"] for member in sample["household_members"]]
    assert {KIND: {"household_members.*.name": names}} == verdict.claims


def test_a_revoked_certificate_is_refused_within_a_minute(ewallet_kit, document):
    """A verifier that has just seen the list looks again when the minute is over."""
    assert isinstance(ewallet_kit.verify(*_show(ewallet_kit)), Accepted)
    ewallet_kit.issuer.revoke(ewallet_kit.certificate_id(document), reason="moved out")
    ewallet_kit.clock.advance(timedelta(minutes=1))

    verdict = ewallet_kit.verify(*_show(ewallet_kit))

    assert isinstance(verdict, Rejected)
    assert "status.revoked" == verdict.code


@pytest.mark.usefixtures("document")
def test_the_status_list_is_fetched_once_a_minute(ewallet_kit):
    """Two presentations within a minute cost the issuer one request, and tell it nothing about either."""
    ewallet_kit.verify(*_show(ewallet_kit))
    ewallet_kit.verify(*_show(ewallet_kit))

    assert ["https://issuer.example.go.kr/status/1"] == [request.url for request in ewallet_kit.network.requests]


def test_a_suspended_certificate_is_refused_until_it_is_resumed(ewallet_kit, document):
    """Suspension ends, revocation does not."""
    certificate = ewallet_kit.certificate_id(document)
    ewallet_kit.issuer.suspend(certificate, reason="phone lost")
    suspended = ewallet_kit.verify(*_show(ewallet_kit))
    ewallet_kit.issuer.resume(certificate, reason="phone found")
    ewallet_kit.clock.advance(timedelta(minutes=1))

    resumed = ewallet_kit.verify(*_show(ewallet_kit))

    assert "status.suspended" == suspended.code
    assert isinstance(resumed, Accepted)


@pytest.mark.parametrize("change", ["resume", "suspend"])
def test_a_revocation_cannot_be_taken_back(change, ewallet_kit, document):
    """Neither by resuming nor by way of a suspension; revoking again changes nothing."""
    certificate = ewallet_kit.certificate_id(document)
    ewallet_kit.issuer.revoke(certificate, reason="moved out")
    ewallet_kit.issuer.revoke(certificate, reason="moved out, again")

    with pytest.raises(StatusError) as refused:
        getattr(ewallet_kit.issuer, change)(certificate, reason="a mistake")

    assert "status.transition" == refused.value.code
    (recorded,) = ewallet_kit.issuer.certificates("citizen-1")
    assert Status.REVOKED is recorded.status


def test_ten_copies_are_revoked_together(ewallet_kit):
    """No sibling of a revoked certificate is believed, each by an entry of its own in the list."""
    document = ewallet_kit.issue(KIND, copies=10)
    ewallet_kit.issuer.revoke(ewallet_kit.certificate_id(document), reason="moved out")

    codes = [ewallet_kit.verify(*_show(ewallet_kit)).code for _ in range(10)]

    assert ["status.revoked"] * 10 == codes


@pytest.mark.usefixtures("document")
def test_a_copy_is_shown_once(ewallet_kit):
    """Two presentations share no key, no salt and no signature; when the copies are used up, nothing is shown."""
    shown = [_show(ewallet_kit).presentation.partition("~")[0] for _ in range(3)]

    assert 3 == len(set(shown))
    with pytest.raises(QueryError) as refused:
        _show(ewallet_kit)
    assert "dcql.unsatisfied" == refused.value.code


def test_an_answer_that_was_matched_before_the_last_copy_left_is_refused(ewallet_kit):
    """Between choosing and sending another request may have used the copy."""
    ewallet_kit.issue(KIND)
    request = ewallet_kit.verifier.ask(ewallet_kit.query(KIND, ASKED), purpose="a test")
    answer = ewallet_kit.wallet.match(request.query)
    ewallet_kit.wallet.present(request, answer)

    with pytest.raises(AlreadyUsed) as refused:
        ewallet_kit.wallet.present(request, answer)
    assert "storage.already_used" == refused.value.code


def test_a_certificate_of_ninety_days_is_over_after_ninety_days(ewallet_kit, document):
    """Until midnight in Korea of the ninetieth day."""
    ewallet_kit.clock.set(document.credential.validity.until - timedelta(seconds=1))
    last_second = ewallet_kit.verify(*_show(ewallet_kit))
    ewallet_kit.clock.advance(timedelta(seconds=1))

    over = ewallet_kit.verify(*_show(ewallet_kit))

    assert isinstance(last_second, Accepted)
    assert "time.expired" == over.code


@pytest.mark.usefixtures("document")
def test_another_verifier_cannot_use_what_it_overheard(ewallet_kit):
    """Bound to the bank, a presentation is worth nothing at the shop, nor at the bank for another request."""
    token, request = _show(ewallet_kit)
    shop = ewallet_kit.another_verifier("https://shop.example")
    asked_by_shop = shop.ask(request.query, purpose="a discount")
    asked_later = ewallet_kit.verifier.ask(request.query, purpose="another loan")

    assert "kb.aud" == ewallet_kit.verify(token, asked_by_shop, by=shop).code
    assert "kb.nonce" == ewallet_kit.verify(token, asked_later).code


@pytest.mark.usefixtures("document")
def test_an_answer_is_accepted_once(ewallet_kit):
    """The same answer a second time is a replay, whoever sends it."""
    token, request = _show(ewallet_kit)

    assert isinstance(ewallet_kit.verify(token, request), Accepted)
    assert "replay.response_used" == ewallet_kit.verify(token, request).code


@pytest.mark.usefixtures("document")
def test_a_request_is_over_after_five_minutes(ewallet_kit):
    """The wallet does not answer it, and the bank does not take what was answered in time but came late."""
    token, request = _show(ewallet_kit)
    answer = ewallet_kit.wallet.match(request.query)
    ewallet_kit.clock.advance(timedelta(minutes=5))

    assert "kb.nonce" == ewallet_kit.verify(token, request).code
    with pytest.raises(UsageError) as refused:
        ewallet_kit.wallet.present(request, answer)
    assert "usage.argument" == refused.value.code


def test_what_was_forgotten_cannot_be_shown(ewallet_kit, document):
    """Certificate, copies and keys are gone; the history stays."""
    _show(ewallet_kit)
    ewallet_kit.wallet.forget(document.id)

    assert ((), 1) == (ewallet_kit.wallet.documents(), len(ewallet_kit.wallet.history()))
    with pytest.raises(QueryError) as refused:
        _show(ewallet_kit)
    assert "dcql.unsatisfied" == refused.value.code


def test_every_kind_walks_the_road(ewallet_kit, ewallet_catalog):
    """Every claim of every kind's sample is issued, shown at once and believed."""
    for kind in ewallet_catalog:
        ewallet_kit.issue(kind.id)
        token, request = ewallet_kit.present(ewallet_kit.query(kind.id, kind.sample))

        verdict = ewallet_kit.verify(token, request)

        assert isinstance(verdict, Accepted), kind.id
        assert {kind.id: kind.sample} == verdict.claims


def test_a_holder_key_of_another_algorithm_will_do(ewallet_kit):
    """Wallets bring P-256, P-384 or Ed25519 keys."""
    for alg in ("ES256", "ES384", "EdDSA"):
        keys = ewallet_kit.wallet.new_keys(1, alg=alg)
        sample = ewallet_kit.catalog.type(KIND).sample
        issued = ewallet_kit.issuer.issue(KIND, sample, subject="citizen-1", holders=keys)
        document = ewallet_kit.wallet.put(issued.credentials)

        assert isinstance(ewallet_kit.verify(*_show(ewallet_kit)), Accepted)
        ewallet_kit.wallet.forget(document.id)
