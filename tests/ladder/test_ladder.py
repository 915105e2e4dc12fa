"""Every rung of the ladder in every format: one presentation that fails exactly there, and what is recorded of it.

A new rung or a new format without a case of its own here fails the suite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from ewallet import policy
from ewallet.errors import UNDECIDED
from ewallet.formats import FORMATS
from ewallet.status import Status
from ewallet.testing import misbehave, misbehave_mdoc
from ewallet.testing.kit import Kit, Presented
from ewallet.testing.mdoc import MdocStage
from ewallet.testing.misbehave import Misdeed
from ewallet.testing.network import Network
from ewallet.testing.stage import Stage
from ewallet.testing.status_hosts import stale
from ewallet.verdict import Accepted, Rejected, Undecided, Verdict
from ewallet.verifier import LADDER

KIND = "resident_register_copy"
ASKED = ["resident_address", "is_householder"]
#: What is issued in each format, and the two claims that are asked for.
SHOWN = {"dc+sd-jwt": (KIND, ASKED), "mso_mdoc": ("mobile_resident_card", ["name", "birth_date"])}
STAGES: dict[str, Any] = {"dc+sd-jwt": Stage, "mso_mdoc": MdocStage}


@dataclass(frozen=True)
class Case:
    """A presentation of one format that fails on one rung."""

    format: str
    rung: str
    name: str
    code: str
    verdict: Callable[[Kit, Presented], Verdict]

    def __str__(self) -> str:
        return f"{self.format}-{self.rung}-{self.name}"


def _forged(format_id: str, misdeed: Misdeed) -> Case:
    def verdict(kit: Kit, presented: Presented) -> Verdict:
        (query_id,) = presented.token
        forged = misdeed.act(STAGES[format_id].of(kit, presented))
        return kit.verify({query_id: (forged,)}, presented.request)

    return Case(format_id, misdeed.rung, misdeed.name, misdeed.code, verdict)


def _set(value: Status) -> Callable[[Kit, Presented], Verdict]:
    def verdict(kit: Kit, presented: Presented) -> Verdict:
        (certificate,) = kit.issuer.certificates("citizen-1")
        kit.issuer_store.set_status(certificate.id, value, "a test", kit.clock.now())
        return kit.verify(*presented)

    return verdict


def _aged(kit: Kit, presented: Presented) -> Verdict:
    return kit.verify(*presented, by=kit.another_verifier(policy=policy.IssuedWithin(timedelta(hours=1))))


def _unwanted(kit: Kit, presented: Presented) -> Verdict:
    return kit.verify(*presented, by=kit.another_verifier(policy=policy.AcceptTypes(frozenset({"urn:example:other"}))))


def _expired(kit: Kit, presented: Presented) -> Verdict:
    """The very day on which the certificate is over, answered afresh."""
    kit.clock.advance(timedelta(days=90))
    return kit.verify(*kit.answer(kit.verifier.ask(presented.request.query, purpose="a test")))


def _of_any_format(format_id: str) -> list[Case]:
    return [
        Case(format_id, "status", "revoked", "status.revoked", _set(Status.REVOKED)),
        Case(format_id, "status", "suspended", "status.suspended", _set(Status.SUSPENDED)),
        Case(format_id, "policy", "too_old", "time.expired", _aged),
        Case(format_id, "policy", "unwanted", "policy.vct_not_accepted", _unwanted),
    ]


SD_JWT = [
    *(_forged("dc+sd-jwt", misdeed) for misdeed in misbehave.HOLDERS + misbehave.ISSUERS),
    Case("dc+sd-jwt", "validity", "over", "time.expired", _expired),
    *_of_any_format("dc+sd-jwt"),
]
MDOC = [
    *(_forged("mso_mdoc", misdeed) for misdeed in misbehave_mdoc.HOLDERS + misbehave_mdoc.ISSUERS),
    *_of_any_format("mso_mdoc"),
]
CASES = [*SD_JWT, *MDOC]
each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_format = pytest.mark.parametrize("format_id", FORMATS)


def _presented(kit, format_id):
    kind, asked = SHOWN[format_id]
    kit.issue(kind, copies=2, format_id=format_id)
    return kit.present(kit.query(kind, asked))


@pytest.fixture
def presented(ewallet_kit):
    """An honest answer with two claims; its holder has a second copy."""
    return _presented(ewallet_kit, "dc+sd-jwt")


def _outcomes(verdict):
    return [(check.name, check.outcome) for check in verdict.checks]


@each_format
@pytest.mark.parametrize("rung", LADDER)
def test_every_rung_has_a_case_in_every_format(rung, format_id):
    """Nobody adds a rung or a format without showing that it refuses something."""
    assert [] != [case for case in CASES if (case.format, case.rung) == (format_id, rung)]


@each_format
def test_every_case_stands_on_a_rung(format_id):
    """No case names a rung that the ladder does not have."""
    assert set(LADDER) == {case.rung for case in CASES if case.format == format_id}


@each_case
def test_it_fails_there_and_nowhere_else(case, ewallet_kit):
    """The rungs below have passed, the rung says why not, and those above are not reached."""
    verdict = case.verdict(ewallet_kit, _presented(ewallet_kit, case.format))

    failed = LADDER.index(case.rung)
    outcome = "unknown" if case.code in UNDECIDED else "failed"
    expected = ["passed"] * failed + [outcome] + ["not_reached"] * (len(LADDER) - failed - 1)
    assert list(zip(LADDER, expected, strict=True)) == _outcomes(verdict)
    assert case.code == verdict.code == verdict.checks[failed].code


@each_case
def test_only_an_accepted_verdict_has_claims(case, ewallet_kit):
    """A careless ``verdict.claims`` raises, and the document of the verdict has none either."""
    verdict = case.verdict(ewallet_kit, _presented(ewallet_kit, case.format))

    assert not hasattr(verdict, "claims")
    assert None is verdict.to_json()["claims"]


@each_format
def test_every_rung_passes_for_what_is_in_order(format_id, ewallet_kit):
    """The whole ladder is climbed, and the claims are those that were asked for, by the same names in every format."""
    verdict = ewallet_kit.verify(*_presented(ewallet_kit, format_id))

    assert [(name, "passed") for name in LADDER] == _outcomes(verdict)
    kind, asked = SHOWN[format_id]
    recorded = {"is_householder": True} | ewallet_kit.catalog.type(kind).sample
    assert {kind: {name: recorded[name] for name in asked}} == verdict.claims


# What was waived is named.


def test_without_a_query_the_rung_says_so(ewallet_kit, presented):
    """With nonce and audience alone nothing is compared with what was asked."""
    verdict = ewallet_kit.verify(presented.presentation, presented.request.binding)

    assert isinstance(verdict, Accepted)
    assert ["query"] == [check.name for check in verdict.checks if check.outcome == "skipped"]
    assert "no_query" == verdict.checks[LADDER.index("query")].code


def test_with_neither_query_nor_nonce_the_holder_is_unknown(ewallet_kit, presented):
    """No request at all is no reason to believe whoever shows it."""
    verdict = ewallet_kit.verify(presented.presentation, None)

    assert isinstance(verdict, Rejected)
    assert "kb.missing" == verdict.code


@pytest.mark.parametrize("bound", [True, False])
def test_unsafe_without_binding_is_skipped_by_name(bound, ewallet_kit, presented):
    """Whether or not a key binding came along: nobody compared it with a request."""
    shown = presented.presentation if bound else Stage.of(ewallet_kit, presented).shown

    verdict = ewallet_kit.verifier.unsafe_verify_unbound(shown)

    assert isinstance(verdict, Accepted)
    holder = verdict.checks[LADDER.index("holder")]
    assert ("skipped", "unsafe_no_binding") == (holder.outcome, holder.code)


def test_unsafe_without_binding_still_refuses_a_forged_one(ewallet_kit, presented):
    """A key binding that came along must hold together even where none is needed."""
    stolen = misbehave.stolen_credential(Stage.of(ewallet_kit, presented))

    verdict = ewallet_kit.verifier.unsafe_verify_unbound(stolen)

    assert isinstance(verdict, Rejected)
    assert "kb.signature_invalid" == verdict.code


def test_unsafe_without_status_is_skipped_by_name(ewallet_kit, presented):
    """A revoked certificate is accepted then, and the verdict says that nobody looked."""
    ewallet_kit.issuer.revoke(ewallet_kit.issuer.certificates("citizen-1")[0].id, reason="a test")

    verdict = ewallet_kit.verify(*presented, by=ewallet_kit.another_verifier(status=None))

    assert isinstance(verdict, Accepted)
    status = verdict.checks[LADDER.index("status")]
    assert ("skipped", "unsafe_skip_status") == (status.outcome, status.code)
    assert [] == ewallet_kit.network.requests


# Neither yes nor no.


def test_an_unreachable_status_list_leaves_it_undecided(ewallet_kit, presented):
    """Nobody answers for the list, so nobody can tell."""
    verdict = ewallet_kit.verify(*presented, by=ewallet_kit.another_verifier(send=Network()))

    assert isinstance(verdict, Undecided)
    assert ["status.unavailable"] == [check.code for check in verdict.missing]


def test_a_stale_status_list_leaves_it_undecided(ewallet_kit, presented):
    """A list that is over says nothing about now."""
    ewallet_kit.network.route("https://issuer.example.go.kr/status/", lambda request: stale(ewallet_kit, request))

    verdict = ewallet_kit.verify(*presented)

    assert isinstance(verdict, Undecided)
    assert "status.stale" == verdict.code


def test_a_stale_list_that_policy_still_reads_shows_in_the_verdict(ewallet_kit, presented):
    """Accepted under a reservation that has a name."""
    ewallet_kit.network.route("https://issuer.example.go.kr/status/", lambda request: stale(ewallet_kit, request))
    terms = policy.StatusFresh(stale_for=timedelta(hours=1))

    verdict = ewallet_kit.verify(*presented, by=ewallet_kit.another_verifier(status=terms))

    assert isinstance(verdict, Accepted)
    assert ("passed", "status.stale") == (verdict.checks[7].outcome, verdict.checks[7].code)


def test_a_credential_without_status_is_accepted_only_where_policy_says_so(ewallet_kit, presented):
    """Absent is not fine, unless somebody wrote down that it is; and then it shows."""
    silent = misbehave.no_status(Stage.of(ewallet_kit, presented))
    lax = ewallet_kit.another_verifier(status=policy.StatusFresh(unsafe_without_reference=True))

    strict_verdict = ewallet_kit.verify(silent, presented.request)
    lax_verdict = ewallet_kit.verify(silent, presented.request, by=lax)

    assert isinstance(strict_verdict, Undecided)
    assert isinstance(lax_verdict, Accepted)
    assert "status.missing" == lax_verdict.checks[LADDER.index("status")].code
