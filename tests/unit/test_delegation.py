"""Who may show a credential that is about somebody else: delegates, guardians and officials, and everybody else not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from ewallet import delegation, jose
from ewallet.acting import OWN, Act, Guardian, Mandate, Official
from ewallet.catalog.acting import ACT
from ewallet.credential import Binding
from ewallet.delegation import Delegate, Terms
from ewallet.errors import BindingError, PolicyError, UsageError
from ewallet.formats.sdjwt import SD_JWT, SdJwt
from ewallet.history import Event, commit, new_handle
from ewallet.keys import SigningKey
from ewallet.shape import base64url, to_base64url
from ewallet.testing.kit import Kit
from ewallet.verdict import Accepted, parse

KIND = "resident_register_abstract"
CASE = "2026-가상-0001"
HOUR = timedelta(hours=1)
PRINCIPAL, AGENT, STRANGER = (SigningKey.generate() for _ in range(3))
LAW = "민법 제911조"
HELPER = "성춘향"


@dataclass
class World:
    """A bank that asks for a name, and people who answer for somebody else."""

    kit: Kit

    @property
    def query(self):
        return self.kit.query(KIND, ["name", "birth_date"])

    @property
    def name(self):
        return self.kit.catalog.type(KIND).sample["name"]

    def ask(self):
        return self.kit.verifier.ask(self.query, purpose="가상 심사")

    def credential(self, key=PRINCIPAL, **claims):
        record = {**self.kit.catalog.type(KIND).sample, **claims}
        return self.kit.issuer.issue(KIND, record, subject="citizen-1", holders=[key.public]).credentials[0]

    def terms(self, **changes):
        made = Terms(
            delegate=AGENT.public,
            delegate_name=HELPER,
            principal=self.name,
            query=self.query,
            case=CASE,
            until=self.kit.clock.now() + HOUR,
        )
        return replace(made, **changes)

    def delegated(self, raw=None, signer=PRINCIPAL, **changes):
        paths = [("name",), ("birth_date",)]
        at = self.kit.clock.now()
        return delegation.delegate(raw or self.credential(), paths, self.terms(**changes), signer, at)

    def present(self, delegated, request, signer=AGENT, **changes):
        return delegation.present(delegated, replace(request.binding, **changes), signer, self.kit.clock.now())

    def own(self, raw, request, key):
        return SD_JWT.present(raw, [("name",), ("birth_date",)], request.binding, key, self.kit.clock.now())

    def judge(self, shown, request, acting=None):
        token = {request.query.credentials[0].id: (shown,)}
        return self.kit.verifier.verify(token, request, acting=acting or Delegate(self.query, CASE))

    def act(self, **mandate):
        act = Act(name=HELPER, principal=self.name, law=LAW)
        return replace(act, mandate=self.mandate(**mandate)) if mandate.pop("official", None) else act

    def mandate(self, **changes):
        now = self.kit.clock.now()
        made = Mandate(
            office="가상특별시 예시구청",
            identified="주민등록증과 얼굴",
            case=CASE,
            recipient=self.kit.verifier.client_id,
            since=now,
            until=now + 4 * HOUR,
        )
        return replace(made, **changes)

    def official(self, **changes):
        act = Act(name=HELPER, principal=self.name, law="민원처리법 제10조", mandate=self.mandate(**changes))
        return self.credential(AGENT, **act.claims())


@pytest.fixture
def world(ewallet_kit):
    """That world."""
    return World(ewallet_kit)


def test_delegate_shows_what_was_delegated_and_both_are_named(world):
    """The claims are the principal's, the verdict says who stood there; what others read of it says so too."""
    request = world.ask()
    verdict = world.judge(world.present(world.delegated(), request), request)
    assert isinstance(verdict, Accepted), verdict
    assert world.name == verdict.claims[KIND]["name"]
    agent = {"name": HELPER, "jkt": AGENT.public.thumbprint}
    expected = {"as": "delegate", "principal": {"name": world.name}, "agent": agent, "case": CASE}
    again = parse(verdict.to_json())
    assert isinstance(again, Accepted)
    assert expected == verdict.acting == again.acting


def test_person_themselves_is_not_named_twice(world):
    """Nobody acts: the verdict has no such member."""
    request = world.ask()
    verdict = world.judge(world.own(world.credential(), request, PRINCIPAL), request, OWN)
    assert isinstance(verdict, Accepted)
    assert (None, False) == (verdict.acting, "acting" in verdict.to_json())


def _resigned(world, request, claims=None, typ=delegation.TYP, signer=PRINCIPAL):
    """A delegation whose statement says something else, or is signed by somebody else."""
    shown, _, statement = world.delegated().rpartition("~")
    said = jose.parse(statement, delegation.TYP).claims | (claims or {})
    return world.present(f"{shown}~{jose.sign(typ, said, signer)}", request)


def _proven(world, request, claims=None, typ=delegation.PROOF_TYP, signer=AGENT, jwk=AGENT):
    """The proof of a delegate that says something else."""
    delegated, _, proof = world.present(world.delegated(), request).rpartition(",")
    said = jose.parse(proof, delegation.PROOF_TYP).claims | (claims or {})
    return f"{delegated},{jose.sign(typ, said, signer, {'jwk': jwk.public.jwk})}"


def _fewer(world, request):
    """The delegate leaves out a disclosure."""
    issued, *_, last, statement = world.delegated().split("~")
    return world.present(f"{issued}~{last}~{statement}", request)


def _handed_on(world, request):
    """The delegate delegates, beside what was delegated to them."""
    return world.present(world.present(world.delegated(), request), request, STRANGER)


def _guardians(world, request):
    raw = world.credential(AGENT, **world.act().claims())
    return world.present(world.delegated(raw, AGENT, delegate=STRANGER.public), request, STRANGER)


def _over(world, request):
    delegated = world.delegated(until=world.kit.clock.now() + timedelta(minutes=1))
    world.kit.clock.advance(timedelta(minutes=1))
    return world.present(delegated, request)


def _early(world, request):
    delegated = world.delegated()
    world.kit.clock.advance(timedelta(minutes=-2))
    return world.present(delegated, request)


BAD = {
    "other delegate": (lambda w, r: w.present(w.delegated(), r, STRANGER), "consent.authority"),
    "another's key in the proof": (lambda w, r: _proven(w, r, signer=STRANGER), "kb.signature_invalid"),
    "other query": (lambda w, r: w.present(w.delegated(query=w.kit.query(KIND, ["name"])), r), "consent.authority"),
    "other case": (lambda w, r: w.present(w.delegated(case="2026-가상-0002"), r), "consent.authority"),
    "other recipient": (
        lambda w, r: w.present(w.delegated(recipient="x509_san_dns:x.example"), r),
        "consent.recipient",
    ),
    "over": (_over, "time.expired"),
    "not begun": (_early, "time.not_yet_valid"),
    "too long": (lambda w, r: _resigned(w, r, {"iat": 1_790_000_000}), "consent.authority"),
    "signed by the delegate": (lambda w, r: _resigned(w, r, signer=AGENT), "kb.signature_invalid"),
    "handed on": (_handed_on, "consent.authority"),
    "by a guardian": (_guardians, "consent.authority"),
    "in another name": (lambda w, r: w.present(w.delegated(principal="김가상"), r), "consent.authority"),
    "a key binding for a delegation": (lambda w, r: _resigned(w, r, typ="kb+jwt"), "kb.typ"),
    "a key binding for a proof": (lambda w, r: _proven(w, r, typ="kb+jwt"), "kb.typ"),
    "fewer disclosures": (_fewer, "kb.sd_hash"),
    "proof of another delegation": (lambda w, r: _proven(w, r, {"delegation": "A"}), "kb.sd_hash"),
    "proof for another": (lambda w, r: w.present(w.delegated(), r, audience="x509_san_dns:x.example"), "kb.aud"),
    "proof for another request": (lambda w, r: w.present(w.delegated(), r, nonce="another"), "kb.nonce"),
    "old proof": (lambda w, r: _proven(w, r, {"iat": 1}), "kb.iat"),
    "without a proof": (lambda w, _: w.delegated(), "kb.missing"),
    "the person themselves": (lambda w, r: w.own(w.credential(), r, PRINCIPAL), "kb.missing"),
    "names nobody": (lambda w, r: _resigned(w, r, {"delegate": {}}), "malformed.claim_type"),
}


@pytest.mark.parametrize(("show", "code"), BAD.values(), ids=BAD)
def test_what_was_not_delegated_is_refused(world, show, code):
    """On the rung of the holder, with the code that says why."""
    request = world.ask()
    verdict = world.judge(show(world, request), request)
    assert ("holder", code) == (verdict.reasons[0].name, verdict.code)


def test_delegate_is_refused_where_the_person_is_expected(world):
    """A delegation is no key binding."""
    request = world.ask()
    assert "malformed.encoding" == world.judge(world.present(world.delegated(), request), request, OWN).code


def test_answer_of_a_delegate_is_taken_once(world):
    """The same bytes again."""
    request = world.ask()
    shown = world.present(world.delegated(), request)
    assert [None, "replay.response_used"] == [world.judge(shown, request).code for _ in range(2)]


def test_delegation_is_shown_once_whoever_signs_it_again(world):
    """Nor with the other ECDSA signature that holds for the same key and words."""
    delegated = world.delegated()
    signed, _, signature = delegated.rpartition(".")
    raw = base64url(signature, "a signature")
    other = raw[:32] + (_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    codes = []
    for each in (delegated, delegated, f"{signed}.{to_base64url(other)}"):
        request = world.ask()
        codes.append(world.judge(world.present(each, request), request).code)

    assert [None, "replay.response_used", "replay.response_used"] == codes


_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def test_nothing_is_delegated_any_more_when_the_credential_is_revoked(world):
    """The delegation is as good as the principal's credential."""
    shown = world.delegated()
    (made,) = world.kit.issuer.certificates("citizen-1")
    world.kit.issuer.revoke(made.id, reason="moved out")
    request = world.ask()
    assert "status.revoked" == world.judge(world.present(shown, request), request).code


def test_delegate_needs_a_request(world):
    """What asks for no binding is not answered by somebody else."""
    request = world.ask()
    evidence = Delegate(world.query, CASE).evidence(SdJwt.parse(world.present(world.delegated(), request)))
    with pytest.raises(BindingError) as refused:
        evidence.check_binding(None, world.kit.clock.now())
    assert "kb.missing" == refused.value.code


@pytest.mark.parametrize("life", [timedelta(), timedelta(days=30, seconds=1)])
def test_nobody_delegates_for_longer_than_a_month(world, life):
    """Nor for no time at all."""
    with pytest.raises(UsageError) as refused:
        world.delegated(until=world.kit.clock.now() + life)
    assert "usage.argument" == refused.value.code


def test_delegate_confirms_transactions_in_their_own_proof(world):
    """So that a consent can be given by a delegate, and nobody takes it for the principal's signature."""
    binding = Binding(audience="a", nonce="n", transaction_data=("eyJ9",))
    at = world.kit.clock.now()
    shown = delegation.present(world.delegated(), binding, AGENT, at)
    evidence = Delegate(world.query, CASE).evidence(SdJwt.parse(shown))
    evidence.check_binding(binding, at)
    with pytest.raises(PolicyError) as refused:
        evidence.check_binding(replace(binding, transaction_data=("eyJ8",)), at)
    assert "policy.transaction_data" == refused.value.code


def test_guardian_shows_their_own_copy_about_the_ward(world):
    """The key is the guardian's, the claims are the ward's, and the verdict names both and the law."""
    raw, request = world.credential(AGENT, **world.act().claims()), world.ask()
    verdict = world.judge(world.own(raw, request, AGENT), request, Guardian())
    assert isinstance(verdict, Accepted), verdict
    people = {"principal": {"name": world.name}, "agent": {"name": HELPER}}
    assert {"as": "guardian", **people, "law": LAW} == verdict.acting
    assert world.name == verdict.claims[KIND]["name"]


def test_who_acts_cannot_be_withheld(world):
    """It is in what is signed, and has no disclosure; an issuer that made one would be refused."""
    issued, *_ = world.credential(AGENT, **world.act().claims()).split("~")
    assert {"name": HELPER, "for": world.name, "law": LAW} == SdJwt.parse(f"{issued}~").payload[ACT]


def _show(world, raw, acting, key=AGENT):
    request = world.ask()
    return world.judge(world.own(raw, request, key), request, acting)


def test_guardian_is_refused_where_the_person_is_expected(world):
    """Or the ward's claims would be taken for the guardian's."""
    raw = world.credential(AGENT, **world.act().claims())
    verdict = _show(world, raw, OWN)
    assert ("holder", "consent.authority") == (verdict.reasons[0].name, verdict.code)


def test_official_acts_for_a_person_without_a_phone(world):
    """In this case, here, once; the verdict names both and the office."""
    raw = world.official()
    verdict = _show(world, raw, Official(CASE))
    assert isinstance(verdict, Accepted), verdict
    people = {"principal": {"name": world.name}, "agent": {"name": HELPER}}
    office = {"case": CASE, "office": "가상특별시 예시구청", "law": "민원처리법 제10조"}
    assert {"as": "official", **people, **office} == verdict.acting
    assert "replay.response_used" == _show(world, raw, Official(CASE)).code


def test_official_acts_once_however_many_copies_there_are(world):
    """The mandate is for one case and once; the office may have issued a batch."""
    record = {**world.kit.catalog.type(KIND).sample, **world.act(official=True).claims()}
    keys = [SigningKey.generate() for _ in range(2)]
    copies = world.kit.issuer.issue(KIND, record, subject="citizen-1", holders=[key.public for key in keys])
    codes = []
    for raw, key in zip(copies.credentials, keys, strict=True):
        request = world.ask()
        codes.append(world.judge(world.own(raw, request, key), request, Official(CASE)).code)

    assert [None, "replay.response_used"] == codes


def _late(world):
    raw = world.official()
    world.kit.clock.advance(4 * HOUR)
    return raw


def _too_long(world):
    """An office that does not keep to a working day."""
    claims = world.act(official=True).claims()
    claims[ACT]["mandate"]["exp"] += 5 * 3600
    return world.credential(AGENT, **claims)


REFUSED = {
    "a guardian without act": (lambda w: w.credential(AGENT), Guardian(), "consent.authority"),
    "an official for a guardian": (lambda w: w.official(), Guardian(), "consent.authority"),
    "no mandate at all": (lambda w: w.credential(AGENT), Official(CASE), "consent.authority"),
    "a guardian for an official": (
        lambda w: w.credential(AGENT, **w.act().claims()),
        Official(CASE),
        "consent.authority",
    ),
    "another case": (lambda w: w.official(case="2026-가상-0002"), Official(CASE), "consent.authority"),
    "another recipient": (lambda w: w.official(recipient="other"), Official(CASE), "consent.recipient"),
    "after hours": (_late, Official(CASE), "time.expired"),
    "for too long": (_too_long, Official(CASE), "consent.authority"),
}


@pytest.mark.parametrize(("made", "acting", "code"), REFUSED.values(), ids=REFUSED)
def test_who_may_not_act_is_refused(world, made, acting, code):
    """On the rung of the holder."""
    verdict = _show(world, made(world), acting)
    assert ("holder", code) == (verdict.reasons[0].name, verdict.code)


def test_mandate_is_for_a_working_day(world):
    """Nobody makes one for longer."""
    with pytest.raises(UsageError) as refused:
        world.official(until=world.kit.clock.now() + 8 * HOUR + timedelta(seconds=1))
    assert "usage.argument" == refused.value.code


@pytest.mark.parametrize(("lang", "first"), [("ko", "대리 처리 확인서"), ("en", "Confirmation of a mandate")])
def test_person_takes_home_what_an_official_does_for_them(world, lang, first):
    """On paper: who, for whom, in which case, what, until when, and where to complain."""
    text = world.act(official=True).receipt(["주민등록표 초본"], lang)
    assert first == text.splitlines()[0]
    told = [CASE, world.name, HELPER, "가상특별시 예시구청", "주민등록표 초본", "2026-11-21 12:00", "2026-11-21 16:00"]
    assert [] == [each for each in told if each not in text]


def test_there_is_no_receipt_without_a_mandate(world):
    """A guardian needs none."""
    with pytest.raises(UsageError) as refused:
        world.act().receipt([])
    assert "usage.argument" == refused.value.code


@pytest.mark.parametrize("act", [{}, {"name": "a", "for": "b"}, {"name": "a", "for": "b", "law": "c", "more": 1}, "a"])
def test_record_says_who_acts_in_its_own_shape(world, act):
    """Nothing else is issued, whatever the records say."""
    with pytest.raises(UsageError) as refused:
        world.credential(AGENT, **{ACT: act})
    assert "issue.invalid_value" == refused.value.code


def test_an_mdoc_has_no_place_for_who_acts(world):
    """Its holder leaves out what they like."""
    record = {**world.kit.catalog.type(KIND).sample, **world.act().claims()}
    with pytest.raises(UsageError) as refused:
        world.kit.issuer.issue(KIND, record, subject="c", holders=[AGENT.public], format_id="mso_mdoc")
    assert "issue.invalid_value" == refused.value.code


def test_history_has_both_people_and_no_name(world):
    """The person is the subject, whoever acts is a party; each is a handle."""
    random, at = world.kit.env.random, world.kit.clock.now()
    person, agent, object_ = (new_handle(random) for _ in range(3))
    made = commit(world.name.encode(), random)
    event = Event(
        type="delegation.used", at=at, subject=person, object=object_, commitment=made.value, parties=(agent,)
    )
    assert (person, (agent,)) == (event.subject, event.parties)
