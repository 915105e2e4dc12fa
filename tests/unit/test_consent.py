"""A consent: its words, its record in one spelling, and how far and how long it reaches."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ewallet.acting import Proxy
from ewallet.catalog import Catalog
from ewallet.consent import TRANSACTION, Choice, Consent, Party
from ewallet.errors import EWalletError, UsageError
from ewallet.oid4vp import TransactionData

CATALOG = Catalog.bundled()
LOAN = CATALOG.bundle("bank_personal_loan")
BANK = Party(id="bank-0001", names={"ko": "가상은행", "en": "Example Bank"})
GIVEN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def _consent(bundle=LOAN, *, since=GIVEN, chosen=(), **changes):
    wanted: dict[str, Any] = {"road": "portal", "days": 30} | changes
    choice = Choice(optional=frozenset(chosen), **wanted)
    return Consent.propose(bundle, CATALOG, choice, id_="consent-1", recipient=BANK, since=since)


def _code(call, *arguments):
    with pytest.raises(EWalletError) as refused:
        call(*arguments)
    return refused.value.code


def test_consent_is_read_as_it_was_written():
    """The record has one spelling, which its digest names."""
    consent = _consent(chosen=("resident_register_copy",))
    assert consent == Consent.parse(consent.to_bytes())
    assert consent == Consent.parse(consent.to_bytes().decode())
    assert consent.digest == Consent.parse(consent.to_bytes()).digest
    assert consent.digest != _consent().digest


def test_optional_members_are_left_out_unless_chosen():
    """Nothing is ticked in advance."""
    required = {item.type_id for item in LOAN.items if item.required}
    assert required == {item.type_id for item in _consent().items}
    assert required | {"resident_register_copy"} == {
        item.type_id for item in _consent(chosen=("resident_register_copy",)).items
    }


@pytest.mark.parametrize("road", ["wallet", "portal"])
@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("bundle", list(CATALOG.bundles()), ids=lambda bundle: bundle.id)
def test_words_name_all_that_matters(bundle, lang, road):
    """Who, why, by what law, what, how long kept, how often, until when, and the right to refuse and withdraw."""
    consent = _consent(bundle, chosen=tuple(set_[0] for set_ in bundle.one_of), lang=lang, road=road)
    words = consent.words(CATALOG)
    for said in (BANK.names[lang], bundle.purpose(lang), bundle.legal_basis, bundle.retention.words[lang]):
        assert said in words
    assert {"ko": "2026. 12. 21.", "en": "2026-12-21"}[lang] in words
    assert {"ko": "철회", "en": "withdraw"}[lang] in words
    assert all(CATALOG.type(item.type_id).label(lang) in words for item in consent.items)
    assert "None" not in words


def test_words_say_yes_or_no_where_only_that_is_provided():
    """The person reads that the bank learns an answer, not the date of birth."""
    words = _consent().words(CATALOG)
    assert "만 19세 이상(민법상 성년) (예/아니요만)" in words
    assert "현 직장 12개월 이상 재직 (예/아니요만)" in words
    assert "연 소득 30,000,000원 이상 (예/아니요만)" in words
    assert "생년월일" not in words


def test_wallet_shows_claims_where_its_copies_have_no_answer():
    """And the person reads that; agencies answer the question anew."""
    by_wallet, by_portal = (_consent(road=road) for road in ("wallet", "portal"))
    history = "health_insurance_qualification_history"
    by_wallet.check_covers(history, [("current_acquired_date",), ("employed_now",)])
    assert "현재 직장가입자(재직) (예/아니요만)" in by_wallet.words(CATALOG)
    by_portal.check_covers(history, [("employed_for_months(n=12)",)])
    assert "consent.scope" == _code(by_wallet.check_covers, history, [("employed_for_months(n=12)",)])
    assert "consent.scope" == _code(by_portal.check_covers, history, [("employed_for_months",)])
    assert "12개월" in by_portal.words(CATALOG)
    assert "12개월" not in by_wallet.words(CATALOG)
    assert by_wallet == Consent.parse(by_wallet.to_bytes())


def test_words_name_the_place_that_is_asked_about():
    """Which a number in the sentence does not."""
    words = _consent(CATALOG.bundle("public_rental_happy_housing"), lang="en").words(CATALOG)
    assert "[가상특별시]" in words


@pytest.mark.parametrize(
    ("given", "days", "until"),
    [
        (datetime(2026, 11, 21, 14, 59, 59, tzinfo=UTC), 1, datetime(2026, 11, 22, 15, 0, tzinfo=UTC)),
        (datetime(2026, 11, 21, 15, 0, tzinfo=UTC), 1, datetime(2026, 11, 23, 15, 0, tzinfo=UTC)),
        (datetime(2028, 2, 28, 3, 0, tzinfo=UTC), 1, datetime(2028, 2, 29, 15, 0, tzinfo=UTC)),
    ],
)
def test_consent_ends_with_a_day_in_korea(given, days, until):
    """MYD-19: Midnight in Korea is three in the afternoon in UTC; the 29th of February is a day like others."""
    consent = _consent(since=given, days=days)
    assert until == consent.until
    consent.check_in_force(until - timedelta(seconds=1))
    assert "consent.expired" == _code(consent.check_in_force, until)
    assert "consent.not_yet_valid" == _code(consent.check_in_force, given - timedelta(seconds=1))


def test_nothing_else_is_covered():
    """MYD-02: A sixth kind, a claim beside those consented to, what lies above a member that was."""
    consent = _consent(CATALOG.bundle("youth_jeonse_loan"))
    consent.check_covers("resident_register_copy", [("household_members", None, "birth_date"), ("is_householder",)])
    for type_id, path in (
        ("seal_certificate", ("name",)),
        ("resident_register_copy", ("household_members",)),
        ("resident_register_copy", ("household_members", None)),
        ("resident_register_copy", ("household_members", None, "name")),
        ("resident_register_copy", ("resident_address",)),
    ):
        assert "consent.scope" == _code(consent.check_covers, type_id, [path])


def test_what_lies_below_a_claim_given_whole_is_covered():
    """Whoever consents to a table consents to its rows."""
    consent = _consent(CATALOG.bundle("social_benefit_application"))
    consent.check_covers("resident_register_copy", [("household_members", None, "name")])


def test_consent_travels_as_a_transaction():
    """The words and the record, each bound to the other."""
    consent = _consent()
    transaction = consent.transaction(["resident_register_abstract"], CATALOG)
    assert TRANSACTION == transaction.type
    assert consent == Consent.of(TransactionData.parse(transaction.raw))


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields | {"text": fields["text"].replace("가상은행", "다른은행")},
        lambda fields: fields | {"record": fields["record"].replace("bank-0001", "bank-0002")[:-1]},
        lambda fields: fields | {"record": fields["record"] + " "},
        lambda fields: fields | {"record": json.dumps(json.loads(fields["record"]))},
        lambda fields: {"text": fields["text"]},
        lambda fields: fields | {"record": "{}"},
        lambda fields: fields | {"record": fields["record"].replace('"version":1', '"version":2')},
        lambda fields: fields | {"record": fields["record"].replace("provision_request", "some_other_way")},
        lambda fields: fields | {"record": fields["record"].replace("T03:00:00Z", "T25:00:00Z")},
        lambda fields: fields | {"record": fields["record"].replace("T03:00:00Z", "T02:59:60Z")},
        lambda fields: fields | {"record": fields["record"].replace('"claims":[[', '"claims":[[1,', 1)},
    ],
    ids=range(11),
)
def test_changed_consent_is_none(change):
    """MYD-07, MYD-19: Other words, receiver or spelling, a missing or strange member, a leap second."""
    fields = change(dict(_consent().transaction(["a"], CATALOG).fields))
    assert "receipt.invalid" == _code(Consent.of, TransactionData.make(TRANSACTION, ["a"], fields))


def test_other_transaction_is_no_consent():
    """A loan application is not."""
    other = TransactionData.make("urn:example:kr-ewallet:transaction:loan:1", ["a"], {"lender": "가상은행"})
    assert "receipt.invalid" == _code(Consent.of, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"chosen": ("seal_certificate",)},
        {"chosen": ("resident_register_abstract",)},
        {"days": 0},
        {"days": 10_000},
        {"bundle": CATALOG.bundle("adult_verification")},
        {"bundle": CATALOG.bundle("adult_verification"), "chosen": ("mobile_driver_license", "mobile_resident_card")},
    ],
    ids=str,
)
def test_consent_that_makes_no_sense_is_not_proposed(changes):
    """What is no optional member, a period of no days or of decades, none or two of what one will do."""
    with pytest.raises(UsageError) as refused:
        _consent(**changes)
    assert "usage.argument" == refused.value.code


HELPED = Proxy(role="guardian", principal="홍일동", agent="성춘향")


def _helped(lang="ko"):
    choice = Choice(road="portal", days=30, lang=lang)
    return Consent.propose(LOAN, CATALOG, choice, id_="consent-1", recipient=BANK, since=GIVEN, acting=HELPED)


@pytest.mark.parametrize(
    ("lang", "line"), [("ko", "대리: 홍일동 님을 대신하여 성춘향"), ("en", "Acting: 성춘향, on behalf of 홍일동")]
)
def test_consent_in_somebodys_place_names_both(lang, line):
    """In its words and in its record; it is another consent than the person's own."""
    consent = _helped(lang)
    assert line in consent.words(CATALOG).splitlines()
    assert HELPED == Consent.parse(consent.to_bytes()).acting == Consent.of(consent.transaction(["a"], CATALOG)).acting
    assert (None, True) == (_consent().acting, consent.digest != _consent(lang=lang).digest)


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_consent_to_a_day_that_there_is_not_in_korea_is_none(until):
    """Its words and its scope say that day."""
    record = _consent().to_json() | {"until": until}
    raw = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert "receipt.invalid" == _code(Consent.parse, raw)


@pytest.mark.parametrize("acting", [{}, [], {"as": "friend"}, {"agent": "나쁜\n이름"}, {"principal": " "}])
def test_consent_of_nobody_who_may_act_is_none(acting):
    """Another role, no names, or a name that would forge a line."""
    record = _helped().to_json()
    changed = {**record["acting"], **acting} if acting else acting
    raw = json.dumps(record | {"acting": changed}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert "receipt.invalid" == _code(Consent.parse, raw)


def test_name_that_would_forge_a_line_is_not_proposed():
    """Nor an empty one."""
    assert "usage.argument" == _code(lambda: Proxy(role="delegate", principal="홍길동", agent="성춘향\n목적: 없음"))
