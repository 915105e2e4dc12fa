"""The verbs of MyData: each has its own effect, is on record, and tells the person; what is refused is, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ewallet.acting import Proxy
from ewallet.errors import EWalletError, Restricted
from ewallet.history import Checkpoint
from ewallet.keys import SigningKey
from ewallet.mydata import MembersMissing, Run, Seen, State
from ewallet.mydata.consents import given_payload
from ewallet.recipients import RecipientTable
from ewallet.testing.clock import START
from ewallet.testing.mydata import BANK, CITIZEN, CITY, EVIDENCE, World
from ewallet.trust import TrustList
from ewallet.verdict import Accepted

LOAN = "bank_personal_loan"
MONTHLY = "local_youth_job_support"


@pytest.fixture
def world() -> World:
    """A portal, a bank, a city, and a person."""
    return World.make()


def _code(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(EWalletError) as refused:
        call(*arguments, **named)
    return refused.value.code


def _past(world: World, subject: str = CITIZEN) -> list[tuple[str, str]]:
    return [(past.entry.event.type, past.entry.event.outcome) for past in world.mydata.history(subject)]


# -- consent ---------------------------------------------------------------------------------------------------


def test_consent_is_given_with_what_proves_it(world: World) -> None:
    """Its record, the evidence, and an entry that commits to both."""
    consent = world.mydata.propose(LOAN, recipient=BANK, days=30, chosen=["resident_register_copy"])
    given = world.mydata.give(consent, CITIZEN, evidence=EVIDENCE)

    assert (consent, EVIDENCE, State.GIVEN) == (given.consent, given.evidence, given.state)
    entry, _ = given.logged.check_payload(given_payload(consent, EVIDENCE), "consent.given", world.register.believed)
    assert consent.id == entry.event.object
    assert (given,) == world.mydata.consents(CITIZEN)


def test_consent_at_midnight_in_korea_is_what_was_proposed(world: World) -> None:
    """The day has just begun there: the last day is counted from it."""
    world.kit.clock.set(datetime(2026, 11, 21, 15, tzinfo=UTC))
    consent = world.given(days=1)
    assert datetime(2026, 11, 23, 15, tzinfo=UTC) == consent.until


def test_somebody_who_acts_is_named_with_whom_they_act_for(world: World) -> None:
    """In the consent, and in the notice of what was provided under it."""
    acting = Proxy(role="guardian", principal="김가상", agent="김보호")
    consent = world.given(acting=acting)
    world.mydata.download(consent.id, recipient=BANK)

    assert [acting] == [given.consent.acting for given in world.mydata.consents(CITIZEN)]
    assert [acting] == [notice.acting for notice in world.mydata.notices(CITIZEN)]


def test_other_consent_than_was_proposed_is_refused(world: World) -> None:
    """More claims, other words, another end, another right: whatever differs."""
    consent = world.mydata.propose(LOAN, recipient=BANK, days=30)
    more = replace(consent.items[0], claims=(*consent.items[0].claims, ("birth_date",)))
    for changed in (
        replace(consent, items=(more, *consent.items[1:])),
        replace(consent, text="x" * 43),
        replace(consent, until=consent.until + timedelta(hours=1)),
        replace(consent, route="civil_petition"),
        replace(consent, items=consent.items[1:]),
        replace(consent, purposes={"ko": "다른 목적", "en": "another purpose"}),
    ):
        assert "consent.scope" == _code(world.mydata.give, changed, CITIZEN, evidence=EVIDENCE)
    over = world.mydata.propose(LOAN, recipient=BANK, days=1)
    world.kit.clock.advance(timedelta(days=3))
    assert "consent.expired" == _code(world.mydata.give, over, CITIZEN, evidence=EVIDENCE)
    assert [] == _past(world)


def test_renewal_is_the_same_for_longer(world: World) -> None:
    """Another bundle, another person's or another road is none; the former one is over with it."""
    former = world.given()
    longer = world.mydata.propose(LOAN, recipient=BANK, days=90)
    wider = world.mydata.propose(LOAN, recipient=BANK, days=90, chosen=["resident_register_copy"])

    assert "consent.scope" == _code(world.mydata.renew, former.id, wider, CITIZEN, evidence=EVIDENCE)
    assert "storage.not_found" == _code(world.mydata.renew, former.id, longer, "citizen-2", evidence=EVIDENCE)
    world.mydata.renew(former.id, longer, CITIZEN, evidence=EVIDENCE)
    assert [State.RENEWED, State.GIVEN] == [given.state for given in world.mydata.consents(CITIZEN)]
    assert [("consent.given", "done"), ("consent.renewed", "done")] == _past(world)


# -- who may have it -------------------------------------------------------------------------------------------


def test_download_needs_a_consent_in_force(world: World) -> None:
    """MYD-01: none, too early, withdrawn, met, over; nothing is issued, and each attempt is on record."""
    assert "consent.required" == _code(world.mydata.download, "x" * 22, recipient=BANK)
    early, withdrawn, met, over = (world.given() for _ in range(4))
    world.mydata.withdraw(withdrawn.id, CITIZEN)
    world.mydata.fulfil(met.id, recipient=BANK)
    world.kit.clock.advance(timedelta(seconds=-61))
    assert "consent.not_yet_valid" == _code(world.mydata.download, early.id, recipient=BANK)
    world.kit.clock.advance(timedelta(days=31, hours=12))
    for consent, code in ((withdrawn, "consent.withdrawn"), (met, "consent.expired"), (over, "consent.expired")):
        assert code == _code(world.mydata.download, consent.id, recipient=BANK)

    assert 4 == _past(world).count(("package.downloaded", "refused"))
    assert () == world.mydata.notices(CITIZEN)
    assert [()] * 4 == [world.kit.issuer.certificates(each.id) for each in (early, withdrawn, met, over)]


def test_more_than_was_consented_to_is_refused(world: World) -> None:
    """MYD-02: a sixth document, or another claim of one of the five."""
    consent = world.given()
    for type_id, paths in (("family_relation_certificate", ()), ("resident_register_abstract", (("birth_date",),))):
        assert "consent.scope" == _code(world.mydata.download, consent.id, recipient=BANK, asked={type_id: paths})
    fits = {"resident_register_abstract": [("name",), ("age_over_19",)]}
    assert world.mydata.download(consent.id, recipient=BANK, asked=fits).members


def test_consent_that_is_asked_for_in_vain_is_on_record(world: World) -> None:
    """Before a token as before a package: by another recipient, and when it is over."""
    consent = world.given()
    assert "consent.recipient" == _code(world.mydata.consent, consent.id, CITY)
    world.mydata.withdraw(consent.id, CITIZEN)
    assert "consent.withdrawn" == _code(world.mydata.consent, consent.id, BANK)

    assert 2 == _past(world).count(("package.downloaded", "refused"))


def test_consent_is_of_use_to_its_recipient_only(world: World) -> None:
    """MYD-04: whoever else has its identifier learns not even whether it holds; the person sees who tried."""
    consent = world.given()
    world.mydata.withdraw(consent.id, CITIZEN)
    assert "consent.recipient" == _code(world.mydata.download, consent.id, recipient=CITY)
    assert "consent.recipient" == _code(world.mydata.fulfil, consent.id, recipient=CITY)
    assert CITY.encode() in world.mydata.history(CITIZEN)[-1].payload
    other = SigningKey.generate().public.thumbprint
    held = world.given()
    assert "access.forbidden" == _code(world.mydata.download, held.id, recipient=BANK, key=other)


def test_other_person_gets_nothing(world: World) -> None:
    """MYD-06: neither consents nor notices nor history, and a consent of somebody else is none."""
    consent = world.given()
    world.mydata.download(consent.id, recipient=BANK)
    assert "storage.not_found" == _code(world.mydata.withdraw, consent.id, "citizen-2")
    assert "storage.not_found" == _code(world.mydata.stop, BANK, "citizen-2")
    for verb in (world.mydata.consents, world.mydata.notices, world.mydata.history):
        assert () == verb("citizen-2")


def _registered(world: World, **changes: Any) -> World:
    """The same portal, after the bank's registration has changed."""
    table = RecipientTable((replace(world.bank, **changes),))
    world.mydata._providing = replace(world.mydata._providing, registers=replace(world.registers, recipients=table))
    return world


@pytest.mark.parametrize(
    "changes",
    [
        {"suspended": True},
        {"until": START},
        {"bundles": frozenset({"credit_recovery"})},
        {"class_": "shop"},
        {"id": "bank-0002"},
    ],
)
def test_recipient_that_is_not_registered_for_it_gets_nothing(world: World, changes: dict[str, Any]) -> None:
    """Suspended, over, for another service, of another class, or not at all; nor is a consent proposed for it."""
    consent = world.given()
    _registered(world, **changes)
    assert "access.forbidden" == _code(world.mydata.download, consent.id, recipient=BANK)
    assert "access.forbidden" == _code(world.mydata.propose, LOAN, recipient=BANK, days=30)


def test_resident_number_needs_a_law_in_the_trust_list(world: World) -> None:
    """Opening an account asks for it: without a law for this bank nobody is even asked to consent."""
    assert "request.no_legal_basis" == _code(world.mydata.propose, "bank_account_opening", recipient=BANK, days=30)
    listed = world.registers.trust
    anchors = tuple(
        replace(anchor, rrn_legal_basis={BANK: "금융실명법 제3조"}) if anchor.purpose == "verifier" else anchor
        for anchor in listed.anchors
    )
    lawful: TrustList = replace(listed, anchors=anchors)
    world.mydata._providing = replace(world.mydata._providing, registers=replace(world.registers, trust=lawful))
    assert world.mydata.propose("bank_account_opening", recipient=BANK, days=30).items


# -- provision -------------------------------------------------------------------------------------------------


def test_package_is_for_its_recipient_and_only_once(world: World) -> None:
    """A lost answer is given again, to the same key, until its members are over; then it was provided."""
    consent = world.given()
    first = world.mydata.download(consent.id, recipient=BANK)
    again = world.mydata.download(consent.id, recipient=BANK)

    assert isinstance(world.judge(first), Accepted)
    assert isinstance(world.judge(again), Accepted)
    assert first.members == again.members
    assert [("consent.given", "done"), ("package.downloaded", "done")] == _past(world)
    world.kit.clock.advance(timedelta(days=1, minutes=1))
    assert "storage.already_used" == _code(world.mydata.download, consent.id, recipient=BANK)
    assert 1 == len(world.mydata.notices(CITIZEN))


def test_notice_has_its_five_fields(world: World) -> None:
    """Who, by whom, what for, at what, and when; and never what it said."""
    consent = world.given()
    world.mydata.download(consent.id, recipient=BANK)
    (notice,) = world.mydata.notices(CITIZEN)
    seen = Seen(
        by=replace(world.bank.party, id="eligibility"),
        purposes={"ko": "요금 감면", "en": "Fee discount"},
        information={"ko": "감면 자격 (예/아니요만)", "en": "Eligibility (yes or no only)"},
        at=world.kit.clock.now(),
    )
    world.mydata.note(CITIZEN, seen)

    assert (CITIZEN, world.bank.names, consent.purposes) == (notice.person, notice.recipient.names, notice.purposes)
    assert world.kit.clock.now() == notice.at
    assert notice.information["ko"].startswith("주민등록표 초본: ")
    assert 5 == len(notice.information["en"].splitlines())
    assert seen.information == world.mydata.notices(CITIZEN)[0].information
    assert ("eligibility.answered", "done") == _past(world)[-1]


def test_missing_member_is_named_with_its_agency_and_fee(world: World) -> None:
    """What the bundle needs holds all back; what was optional is named beside the rest."""
    needed, optional = "income_amount_certificate", "resident_register_copy"
    consent = world.given(chosen=[optional])

    class Some:
        def __init__(self, *without: str) -> None:
            self.without = without

        def claims(self, subject: str, type_id: str) -> Any:
            if type_id in self.without:
                raise Restricted
            return world.kit.records.claims(subject, type_id)

    def having(records: Any) -> None:
        world.mydata._providing = replace(world.mydata._providing, registers=replace(world.registers, records=records))

    having(Some(needed, optional))
    with pytest.raises(MembersMissing) as refused:
        world.mydata.download(consent.id, recipient=BANK)
    (missing,) = refused.value.missing
    kind = world.catalog.type(needed)
    assert (needed, kind.agencies, kind.fee) == (missing.type_id, missing.agencies, missing.fee)
    having(Some(optional))
    package = world.mydata.download(consent.id, recipient=BANK)
    assert [optional] == [each.type_id for each in world.mydata.missing(package)]
    assert isinstance(world.judge(package), Accepted)
    assert [("package.downloaded", "refused"), ("package.downloaded", "done")] == _past(world)[1:]


def test_record_that_is_not_ready_is_missing_for_now(world: World) -> None:
    """And provided when it is."""
    consent = world.given()
    world.kit.records.pending["income_amount_certificate"] = timedelta(minutes=5)
    with pytest.raises(MembersMissing) as refused:
        world.mydata.download(consent.id, recipient=BANK)
    assert [True] == [each.pending for each in refused.value.missing]
    world.kit.records.pending.clear()
    assert world.mydata.download(consent.id, recipient=BANK).members


def test_wallet_road_is_not_provided(world: World) -> None:
    """A consent to show copies lets no agency provide anything."""
    consent = world.given(road="wallet")
    assert "consent.scope" == _code(world.mydata.download, consent.id, recipient=BANK)
    assert () == world.mydata.run_due()


def test_history_is_proved_to_whoever_believes_the_log(world: World) -> None:
    """Every entry is in the newest checkpoint, opens with its key, and is about its payload."""
    consent = world.given()
    world.mydata.download(consent.id, recipient=BANK)
    world.given(MONTHLY, recipient=CITY, days=90)
    for past in world.mydata.history(CITIZEN):
        entry, checkpoint = past.logged.check(world.register.believed)
        entry.check_payload(past.payload, past.logged.blinding)
        assert isinstance(checkpoint, Checkpoint)
    assert [BANK, BANK, CITY] == [past.party for past in world.mydata.history(CITIZEN)]


def test_log_has_another_name_for_the_person_at_each_recipient(world: World) -> None:
    """Nothing in an entry is the same at two of them, and nothing names anybody."""
    world.given()
    world.given(MONTHLY, recipient=CITY, days=90)
    first, second = (past.entry for past in world.mydata.history(CITIZEN))
    raws = b"".join(world.register.store.raws)

    shared = {first.event.subject, first.event.object} & {second.event.subject, second.event.object}
    assert set() == shared
    assert [] == [name for name in (CITIZEN, BANK, CITY) if name.encode() in raws]


# -- standing --------------------------------------------------------------------------------------------------


def test_standing_consent_is_provided_under_in_each_cycle_once(world: World) -> None:
    """Each month a package of its own with a proof and a message, also when nobody came at midnight."""
    consent = world.given(MONTHLY, recipient=CITY, days=90)
    runs: list[Run] = []
    for _ in range(95):
        runs += world.mydata.run_due()
        world.kit.clock.advance(timedelta(days=1))

    assert [0, 1, 2] == [run.cycle for run in runs]
    assert 3 == len({run.package.members for run in runs if run.package})
    assert 3 == len({run.package.logged.entry for run in runs if run.package})
    assert [("package.ready", consent.id)] * 3 == [(each.about, each.consent) for each in world.mydata.messages(CITY)]
    assert 3 == len(world.mydata.notices(CITIZEN))


@pytest.mark.parametrize("how", ["withdraw", "stop", "fulfil", "end"])
def test_standing_consent_stops(world: World, how: str) -> None:
    """At withdrawal, when the recipient is stopped, when its purpose is met, and at its end."""
    consent = world.given(MONTHLY, recipient=CITY, days=90)
    assert 1 == len(world.mydata.run_due())
    {
        "withdraw": lambda: world.mydata.withdraw(consent.id, CITIZEN),
        "stop": lambda: world.mydata.stop(CITY, CITIZEN),
        "fulfil": lambda: world.mydata.fulfil(consent.id, recipient=CITY),
        "end": lambda: world.kit.clock.advance(timedelta(days=60)),
    }[how]()
    world.kit.clock.advance(timedelta(days=31))
    assert () == world.mydata.run_due()


def test_cycle_that_was_refused_is_on_record_and_the_next_is_tried(world: World) -> None:
    """Where a record is missing one month, the others are provided."""
    world.given(MONTHLY, recipient=CITY, days=90)
    missing = [item.type_id for item in world.catalog.bundle(MONTHLY).items]
    world.kit.records.pending.update(dict.fromkeys(missing, timedelta(days=1)))
    assert [("storage.not_found", None)] == [(run.code, run.package) for run in world.mydata.run_due()]
    assert () == world.mydata.run_due()
    world.kit.records.pending.clear()
    world.kit.clock.advance(timedelta(days=31))
    assert [1] == [run.cycle for run in world.mydata.run_due()]


def test_what_was_fetched_in_a_cycle_is_not_provided_again(world: World) -> None:
    """A recipient that came before the run has the package of that cycle."""
    consent = world.given(MONTHLY, recipient=CITY, days=90)
    first = world.mydata.download(consent.id, recipient=CITY)
    assert () == world.mydata.run_due()
    world.kit.clock.advance(timedelta(days=31))
    (run,) = world.mydata.run_due()
    assert run.package == world.mydata.download(consent.id, recipient=CITY)
    assert run.package != first
