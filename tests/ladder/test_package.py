"""Every rung that a package can fail on, and that nobody believes one but its recipient, with proof of the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from ewallet.consent import Choice, Consent, Party
from ewallet.credential import StatusRef
from ewallet.errors import BindingError, ConsentError
from ewallet.formats import member
from ewallet.formats.member import Member, MemberDraft
from ewallet.history import Event, Logged, commit, new_handle
from ewallet.keys import SigningKey
from ewallet.package import Package, Receiving, payload_of
from ewallet.provision import provided
from ewallet.shape import json_object
from ewallet.testing.history import Register
from ewallet.testing.kit import Kit
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.verdict import Accepted, Undecided, Verdict
from ewallet.verifier import LADDER, Verifier

BANK = "bank-0001"
KINDS = ("resident_register_abstract", "health_insurance_qualification_history", "income_amount_certificate")
KEY = SigningKey.generate()


@dataclass
class World:
    """An issuer that provides, a log, and a bank that is meant."""

    kit: Kit
    register: Register = field(default_factory=Register)
    bundle: str = "bank_personal_loan"

    @property
    def receiving(self) -> Receiving:
        return Receiving(
            recipient=BANK, key=KEY.public.thumbprint, believed=self.register.believed, catalog=self.kit.catalog
        )

    def consent(self, **changes: Any) -> Consent:
        party = Party(id=changes.pop("recipient", BANK), names={"ko": "가상은행", "en": "Example Bank"})
        wanted: dict[str, Any] = {"road": "portal", "days": 30} | changes
        choice = Choice(**wanted)
        at = self.kit.clock.now()
        bundle = self.kit.catalog.bundle(self.bundle)
        return Consent.propose(bundle, self.kit.catalog, choice, id_="consent-1", recipient=party, since=at)

    def members(self, consent: Consent, *, key: str = "") -> tuple[str, ...]:
        issue, catalog = self.kit.issuer.issue_member, self.kit.catalog
        samples = {item.type_id: catalog.type(item.type_id).sample for item in consent.items}
        bound = key or KEY.public.thumbprint
        return tuple(
            issue(type_id, sample, subject="citizen-1", consent=consent, key=bound).credential
            for type_id, sample in samples.items()
        )

    def logged(self, payload: bytes, **changes: Any) -> Logged:
        random = self.kit.env.random
        made = commit(payload, random)
        said: dict[str, Any] = {"type": "package.downloaded", "at": self.kit.clock.now(), "commitment": made.value}
        handles = {"subject": new_handle(random), "object": new_handle(random)}
        entry = self.register.store.append(Event(**(said | handles | changes)))
        return Logged(entry.to_bytes(), self.register.log.inclusion(entry.seq), made.blinding)

    def package(self, consent: Consent, members: tuple[str, ...]) -> Package:
        return Package(consent=consent, members=members, logged=self.logged(payload_of(consent, members)))

    def honest(self) -> Package:
        consent = self.consent()
        return self.package(consent, self.members(consent))

    def judge(self, package: Package | bytes) -> Verdict:
        raw = package if isinstance(package, bytes) else package.to_bytes()
        return self.kit.verifier.verify_package(raw, self.receiving)

    def forged(self, **changes: Any) -> Package:
        """A package with one more member, signed by the right signer, that says something else."""
        consent = self.consent()
        first, *rest = self.members(consent)
        opened = Member.open(first)
        said = opened.check_disclosures()
        draft = MemberDraft(
            type_id=said.type_id,
            issuer=opened.issuer,
            recipient=BANK,
            key=KEY.public.thumbprint,
            consent=consent.digest,
            claims=said.claims,
            issued=self.kit.clock.now(),
            until=self.kit.clock.now() + timedelta(hours=1),
        )
        signer = changes.pop("signer", self.kit.issuer.signer("resident_register_abstract"))
        status = changes.pop("status", said.status or StatusRef("", 0))
        copy = member.prepare(replace(draft, **changes), status, signer)
        return self.package(consent, (copy.complete(signer.sign(copy.data)), *rest))


@pytest.fixture
def world(ewallet_kit):
    """That world."""
    return World(ewallet_kit)


def test_honest_package_is_accepted_with_what_was_consented_to(world):
    """Claims and answers by the kind, and nothing besides; the status of each was asked for."""
    verdict = world.judge(world.honest())
    assert isinstance(verdict, Accepted), verdict
    assert {item.type_id for item in world.consent().items} == set(verdict.claims)
    abstract = verdict.claims["resident_register_abstract"]
    assert {"name", "resident_address", "resident_address_moved_in_date", "age_over_19"} == set(abstract)
    assert abstract["age_over_19"] is True
    history = verdict.claims["health_insurance_qualification_history"]
    assert {"current_workplace_name", "current_acquired_date", "employed_for_months(n=12)"} == set(history)
    assert isinstance(history["employed_for_months(n=12)"], bool)
    assert [True] * len(LADDER) == [check.outcome == "passed" for check in verdict.checks]


def test_rows_are_narrowed_to_what_was_consented_to(world):
    """Of each member of the household its birth date, not its name."""
    world.bundle = "youth_jeonse_loan"
    verdict = world.judge(world.honest())
    assert isinstance(verdict, Accepted), verdict
    rows = verdict.claims["resident_register_copy"]["household_members"]
    assert {frozenset({"relationship_to_head", "birth_date"})} == {frozenset(row) for row in rows}


def test_rows_that_there_are_none_of_are_nothing_else_than_was_consented_to(world):
    """A person without a household: that there is nobody is the answer, of the claims consented to and no others."""
    world.bundle = "youth_jeonse_loan"
    consent = world.consent()
    sample = world.kit.catalog.type("resident_register_copy").sample
    alone = {**sample, "household_members": []}
    issue, key = world.kit.issuer.issue_member, KEY.public.thumbprint
    members = {Member.open(raw).type_id: raw for raw in world.members(consent)}
    made = issue("resident_register_copy", alone, subject="citizen-1", consent=consent, key=key).credential
    members[Member.open(made).type_id] = made
    verdict = world.judge(world.package(consent, tuple(members.values())))
    assert isinstance(verdict, Accepted), verdict
    assert [] == verdict.claims["resident_register_copy"]["household_members"]


@pytest.mark.parametrize("said", [{"household_members": [{}]}, {"former_addresses": []}, {"household_members": {}}])
def test_empty_values_that_were_not_consented_to_are_refused(world, said):
    """That there is a row tells something, and so does that of something else there is none."""
    world.bundle = "youth_jeonse_loan"
    package = world.honest()
    shown = [member.check_disclosures() for member in package.evidence()]
    package.check_covered(shown, world.kit.catalog)
    kind = world.kit.catalog.type("resident_register_copy").vct
    changed = [replace(each, claims=said) if each.type_id == kind else each for each in shown]
    with pytest.raises(ConsentError) as refused:
        package.check_covered(changed, world.kit.catalog)
    assert "consent.scope" == refused.value.code


def test_rows_of_which_nothing_was_consented_to_are_not_provided(world):
    """How many there are is told by those that have something; where none has, not even that there are rows."""
    world.bundle = "credit_recovery"
    consent, kind = world.consent(), world.kit.catalog.type("local_tax_assessment_certificate")
    at = world.kit.clock.now()
    rows = [{"tax_item": "재산세"}, {"due_date": "2026-07-31"}, {}]
    assert [{"tax_item": "재산세"}] == provided(kind, {"assessments": rows}, consent, at)["assessments"]
    assert "assessments" not in provided(kind, {"assessments": rows[1:]}, consent, at)
    assert [] == provided(kind, {"assessments": []}, consent, at)["assessments"]


def _strange(world, **changes):
    members = json_object(world.honest().to_bytes(), "the package") | changes
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


def _logged(world, payload=None, **changes):
    package = world.honest()
    logged = world.logged(payload_of(package.consent, package.members) if payload is None else payload, **changes)
    return replace(package, logged=logged)


def _of_another_log(world):
    package, honest = world.honest(), world.register
    world.register = Register(seed="another")
    other = world.logged(payload_of(package.consent, package.members))
    world.register = honest
    return replace(package, logged=other)


def _of_another_consent(world):
    given, other = world.consent(), world.consent(days=60)
    return world.package(given, world.members(other))


def _revoked(world):
    consent = world.consent()
    issued = world.kit.issuer.issue_member(
        KINDS[0], world.kit.catalog.type(KINDS[0]).sample, subject="c", consent=consent, key=KEY.public.thumbprint
    )
    world.kit.issuer.revoke(issued.certificate.id, reason="withdrawn")
    return world.package(consent, (issued.credential,))


def _expired(world):
    package = world.honest()
    world.kit.clock.advance(timedelta(days=1, minutes=1))
    return package


def _extra_member(world):
    consent = world.consent()
    more = world.consent(optional=frozenset({"resident_register_copy"}))
    extra = world.kit.issuer.issue_member(
        "resident_register_copy",
        world.kit.catalog.type("resident_register_copy").sample,
        subject="c",
        consent=more,
        key=KEY.public.thumbprint,
    )
    return world.package(consent, (*world.members(consent), extra.credential))


#: Rung, code, and what is judged.
CASES: dict[str, tuple[str, str, Callable[[World], Any]]] = {
    "no json": ("format", "malformed.json", lambda world: world.honest().to_bytes()[:-1]),
    "another schema": ("format", "malformed.claim_type", lambda world: _strange(world, schema="x")),
    "no members": ("format", "malformed.claim_type", lambda world: _strange(world, members=[])),
    "no consent": ("format", "malformed.claim_type", lambda world: _strange(world, consent=None)),
    "no proof": ("format", "malformed.claim_type", lambda world: _strange(world, logged=None)),
    "something beside": ("format", "malformed.claim_type", lambda world: _strange(world, claims={"name": "홍견본"})),
    "too many members": ("format", "limit.count", lambda world: _strange(world, members=["x"] * 41)),
    "a member that is none": ("format", "malformed.encoding", lambda world: _strange(world, members=["x"])),
    "a member in other letters": ("format", "malformed.encoding", lambda world: _strange(world, members=["가"])),
    "a signer that nobody trusts": (
        "issuer",
        "trust.no_path",
        lambda world: world.forged(signer=SigningKey.generate()),
    ),
    "another system's signer": (
        "issuer",
        "trust.issuer_not_authorized",
        lambda world: world.forged(signer=world.kit.issuer.signer("income_amount_certificate")),
    ),
    "another recipient": ("holder", "kb.aud", lambda world: world.forged(recipient="bank-0002")),
    "another key": ("holder", "kb.signature_invalid", lambda world: world.forged(key="x" * 43)),
    "an entry of another event": (
        "holder",
        "log.omitted",
        lambda world: _logged(world, type="package.revoked"),
    ),
    "an entry of a refusal": ("holder", "log.omitted", lambda world: _logged(world, outcome="refused")),
    "an entry about something else": ("holder", "log.omitted", lambda world: _logged(world, payload=b"other")),
    "a log that nobody believes": ("holder", "crypto.signature_invalid", _of_another_log),
    "members of another consent": ("query", "consent.scope", _of_another_consent),
    "a claim beside": ("query", "consent.scope", lambda world: world.forged(claims={"birth_date": "1999-03-02"})),
    "more within a claim": (
        "query",
        "consent.scope",
        lambda world: world.forged(claims={"name": {"said": "홍견본", "birth_date": "1999-03-02"}}),
    ),
    "an answer in words": ("query", "consent.scope", lambda world: world.forged(claims={"age_over_19": "1999-03-02"})),
    "an answer beside": ("query", "consent.scope", lambda world: world.forged(claims={"age_over_65": False})),
    "a kind beside": ("query", "consent.scope", _extra_member),
    "expired": ("validity", "time.expired", _expired),
    "revoked": ("status", "status.revoked", _revoked),
}


@pytest.mark.parametrize("name", CASES)
def test_package_fails_where_it_is_wrong(name, world):
    """MYD-01, MYD-02, MYD-04: and tells nothing."""
    rung, code, make = CASES[name]
    verdict = world.judge(make(world))
    assert not isinstance(verdict, Accepted)
    failed = next(check for check in verdict.checks if check.outcome not in ("passed", "skipped"))
    assert (rung, code) == (failed.name, failed.code)


def test_package_of_another_recipient_is_refused(world):
    """A bank that got hold of it: neither its own name nor that of the other one helps."""
    package = world.honest()
    for recipient, key, code in (
        ("bank-0002", KEY.public.thumbprint, "kb.aud"),
        (BANK, SigningKey.generate().public.thumbprint, "kb.signature_invalid"),
    ):
        receiving = replace(world.receiving, recipient=recipient, key=key)
        verdict = world.kit.verifier.verify_package(package.to_bytes(), receiving)
        assert code == verdict.code


def test_consent_that_names_another_recipient_is_refused(world):
    """Though the members were made for this one."""
    consent = world.consent(recipient="bank-0002")
    members = world.members(consent)
    verdict = world.kit.verifier.verify_package(
        world.package(consent, members).to_bytes(), replace(world.receiving, recipient=BANK)
    )
    assert "kb.aud" == verdict.code


def test_member_is_no_presentation(world):
    """Nor is what a wallet holds a member: each has a type of its own."""
    package = world.honest()
    for raw in package.members:
        assert world.kit.verifier.unsafe_verify_unbound(raw).code in {"malformed.sdjwt", "malformed.encoding"}
    world.kit.issue(KINDS[0])
    held = world.kit.answer(
        world.kit.verifier.ask(world.kit.query(KINDS[0], ["name"]), purpose="a test")
    ).presentation.partition("~")[0]
    verdict = world.judge(replace(package, members=(held,)))
    assert "crypto.typ_mismatch" == verdict.code


def test_nobody_can_tell_without_the_status_list(world):
    """Offline nobody knows whether the person has withdrawn."""
    verdict = Verifier(
        BANK, trust=world.kit.pki.trust_list(), store=MemoryVerifierStore(), env=world.kit.env
    ).verify_package(world.honest().to_bytes(), world.receiving)
    assert isinstance(verdict, Undecided)
    assert "status.unavailable" == verdict.code


def test_package_is_read_as_it_was_written(world):
    """All of it."""
    package = world.honest()
    assert package == Package.parse(package.to_bytes())


def test_member_is_for_nobody_in_particular_never(world):
    """Without a recipient to compare with there is nothing to believe."""
    opened = Member.open(world.honest().members[0])
    with pytest.raises(BindingError) as refused:
        opened.check_binding(None, world.kit.clock.now())
    assert "kb.missing" == refused.value.code
