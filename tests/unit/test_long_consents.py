"""Consents and receipts of any length: what is twice as long takes twice the work; clocks may differ a minute."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from ewallet.consent import Choice, Consent, ConsentItem, Party, Question, consenting
from ewallet.errors import ConsentError, PolicyError
from ewallet.oid4vp import AuthorizationRequest
from ewallet.receipt import Receipt
from ewallet.receipt.countersignature import Later, Signed, check_order, sign
from ewallet.testing.kit import CLIENT_ID, PURPOSE, Kit

KIND = "income_amount_certificate"


@pytest.fixture(scope="module")
def kit():
    """Somebody who asks."""
    return Kit.make()


@pytest.fixture(scope="module")
def consent(kit):
    """A consent to a bundle."""
    party = Party(id=CLIENT_ID, names={"ko": "가상은행", "en": "Invented Bank"})
    choice = Choice(road="wallet", days=30)
    bundle, at = kit.catalog.bundle("bank_personal_loan"), kit.clock.now()
    return Consent.propose(bundle, kit.catalog, choice, id_="consent-1", recipient=party, since=at)


@pytest.fixture(scope="module")
def good(kit, consent):
    """The recipient's half of a receipt, as it was first signed."""
    query = consenting.query(consent, kit.catalog)
    request: AuthorizationRequest = kit.verifier.ask(query, purpose=PURPOSE)
    agreed = consenting.transaction(consent, query, kit.catalog)
    given = _signed("given", kit, kit.clock.now())
    return Receipt(replace(request, transaction_data=(agreed,)), "", (given,))


def _signed(event, kit, at):
    return sign(event, CLIENT_ID, kit.pki.verifier, id_="receipt-1", at=at, logged=None, stated={})


def _work(call):
    """How many calls are made for it, which no machine makes slower or faster."""
    made = 0

    def count(_frame, event, _argument):
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
    return made


@pytest.mark.parametrize(("earlier", "holds"), [(0, True), (60, True), (61, False)])
def test_the_clocks_of_a_recipient_may_differ_by_a_minute(kit, earlier, holds):
    """Its machines sign one after another, and each by its own clock."""
    at = kit.clock.now()
    events = [
        _signed("given", kit, at - timedelta(days=1)),
        _signed("renewed", kit, at),
        _signed("withdrawn", kit, at - timedelta(seconds=earlier)),
    ]
    if holds:
        check_order([Signed.parse(event) for event in events])
    else:
        with pytest.raises(PolicyError) as refused:
            check_order([Signed.parse(event) for event in events])
        assert "receipt.invalid" == refused.value.code


def test_clocks_do_not_go_back_a_minute_at_a_time(kit):
    """Each event is held to the latest of all before it: else a chain of them would lead anywhere."""
    at = kit.clock.now()
    events = [_signed("given", kit, at)]
    events += [_signed("renewed", kit, at - timedelta(seconds=seconds)) for seconds in (50, 100)]
    with pytest.raises(PolicyError) as refused:
        check_order([Signed.parse(event) for event in events])
    assert "receipt.invalid" == refused.value.code


def test_no_event_is_of_a_time_that_is_to_come(kit, good):
    """Also where the last one is not the latest, which clocks that differ allow."""
    at = kit.clock.now()
    made = replace(good, events=(*good.events, _signed("renewed", kit, at + timedelta(seconds=90))))
    made = replace(made, events=(*made.events, _signed("withdrawn", kit, at + timedelta(seconds=40))))
    with pytest.raises(PolicyError) as refused:
        made.check_past(at)
    assert "receipt.invalid" == refused.value.code


def test_a_receipt_of_many_events_is_signed_in_one_go(kit, good):
    """A consent that is provided daily has thousands: each is signed once, and none is read again for the next."""
    at = kit.clock.now()

    def events(count):
        return [Later(event="renewed", at=at + timedelta(days=day)) for day in range(count)]

    few, many = (_work(partial(good.after_all, events(count), kit.pki.verifier)) for count in (50, 100))

    assert 101 == len(good.after_all(events(100), kit.pki.verifier).events)
    assert many < 2.2 * few


def test_a_consent_to_many_claims_is_looked_up_and_not_searched():
    """Whoever asks writes the record: as many claims are compared as are asked for, however many are in it."""
    asked = [(f"claim {number}",) for number in range(20)]

    def item(size):
        return ConsentItem(type_id=KIND, claims=tuple((f"claim {number}",) for number in reversed(range(size))))

    def search(found):
        assert all(found.covers(path) for path in asked)

    few, many = (_work(partial(search, item(size))) for size in (100, 10_000))

    assert few == many


def test_a_consent_to_many_kinds_is_looked_up_and_not_searched(consent):
    """The same of its members; of two of one kind the first one counts."""

    def of(size):
        items = [ConsentItem(type_id=f"kind {number}", claims=(("name",),)) for number in range(size)]
        return replace(consent, items=(*items, ConsentItem(type_id=f"kind {size - 1}")))

    def search(found):
        for _ in range(20):
            found.check_covers(found.items[-1].type_id, [("name",)])

    few, many = (_work(partial(search, of(size))) for size in (10, 1_000))

    assert many - few < 2 * 1_000


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        (("address",), True),
        (("address", "city"), True),
        (("household", None), True),
        (("household", 3, "name"), True),
        (("household",), False),
        (("household", "head"), False),
        (("answer(n=1)",), True),
        (("answer(n=1)", "more"), False),
        ((), False),
    ],
)
def test_what_is_below_a_claim_goes_with_it(path, covered):
    """A claim that is given whole has all that is in it; an answer has nothing in it."""
    item = ConsentItem(
        type_id=KIND, claims=(("address",), ("household", None)), questions=(Question("answer", (("n", 1),)),)
    )

    assert covered == item.covers(path)


def test_what_is_not_in_a_consent_is_refused_by_name(consent):
    """Whether the kind is not in it, or the claim."""
    for kind, path in (("no such kind", ("name",)), (consent.items[0].type_id, ("no such claim",))):
        with pytest.raises(ConsentError) as refused:
            consent.check_covers(kind, [path])
        assert "consent.scope" == refused.value.code
