"""A discount at a public facility (자격확인): the counter learns yes and by which rule, and nobody learns why."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ewallet.dcql import Query
from ewallet.eligibility import KIND, NO, YES, EligibilityRecords
from ewallet.errors import NotFound, QueryError, TransportError
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer
from ewallet.sql import Database
from ewallet.testing.kit import SUBJECT
from ewallet.testing.peers import VerifierPeer
from ewallet.verdict import Accepted

RULE = "public_facility_discount"
CANARY = "2015-05-05"  # since when somebody is disabled
SOURCES = {"disabled_person_certificate", "is_disabled", "disability_registration_date", CANARY}


class Welfare:
    """One person's records: a disability, or nothing at all; ``down`` while an agency is not to be reached."""

    def __init__(self, *, disabled):
        self.disabled = disabled
        self.down = False

    def claims(self, _subject, type_id):
        if self.down and type_id == "national_merit_certificate":
            raise TransportError("fetch.unavailable", "the records answered 503")
        if self.disabled and type_id == "disabled_person_certificate":
            return {"disability_registration_date": CANARY}
        raise NotFound("storage.not_found", "nothing is on record")


@pytest.fixture
def office(ewallet_kit, tmp_path):
    """An eligibility issuer with a database in a file, which answers for the records that it is given."""

    def opened(records):
        kit, database = ewallet_kit, Database(f"sqlite:///{tmp_path}/issuer.db", env=ewallet_kit.env)
        issuer = Issuer(
            kit.issuer.identifier,
            signers=kit.pki.signers,
            status_signer=kit.pki.status_signer,
            catalog=kit.catalog,
            store=database.issuer,
            env=kit.env,
        )
        rule = kit.catalog.rule(RULE)
        answers = EligibilityRecords(records, kit.catalog, rule_of=lambda _: rule, env=kit.env)
        issuance = Issuance(issuer, records=answers, store=database.issuance, env=kit.env)
        kit.network.route(f"{issuer.identifier}/", issuance)
        kit.network.route(f"{issuer.identifier}/status/", issuance)
        return issuance

    return opened


def _accept(kit, issuance, format_id="dc+sd-jwt"):
    offered = issuance.offer(KIND, subject=SUBJECT, format_id=format_id)
    return kit.wallet.accept(offered.offer.uri, copies=2)


def _counter(kit):
    """The answer, only if it is yes to the present edition of this rule."""
    rule = kit.catalog.rule(RULE)
    wanted = {"rule": (rule.id,), "version": (rule.version,), "answer": (YES,)}
    asked = Query.for_type(kit.catalog.type(KIND), ["rule", "version", "answer"])
    return replace(asked, credentials=tuple(_only(each, wanted) for each in asked.credentials))


def _only(query, wanted):
    return replace(query, claims=tuple(replace(claim, values=wanted[claim.path[-1]]) for claim in query.claims))


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "mso_mdoc"])
def test_the_counter_learns_yes_and_by_which_rule(ewallet_kit, office, format_id):
    """In either format, and nothing that would say why; not even which documents there were."""
    _accept(ewallet_kit, office(Welfare(disabled=True)), format_id)
    counter = VerifierPeer(ewallet_kit)
    request = ewallet_kit.wallet.open(counter.ask(_counter(ewallet_kit)))
    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))
    verdict = counter.verdict()
    assert isinstance(verdict, Accepted)
    assert {KIND: {"rule": RULE, "version": 1, "answer": YES}} == verdict.claims
    assert not [source for source in SOURCES if source in json.dumps(verdict.to_json())]


def test_a_no_is_seen_by_the_holder_and_by_nobody_else(ewallet_kit, office):
    """The wallet shows it as soon as it has it, and has nothing for a counter that asks for a yes."""
    (document,) = _accept(ewallet_kit, office(Welfare(disabled=False)))
    counter = VerifierPeer(ewallet_kit)
    request = ewallet_kit.wallet.open(counter.ask(_counter(ewallet_kit)))
    with pytest.raises(QueryError) as refused:
        ewallet_kit.wallet.match(request.query)
    assert (NO, "dcql.unsatisfied") == (document.credential.claims["answer"], refused.value.code)
    assert 2 == ewallet_kit.wallet.get(document.id).copies_left


def test_while_an_agency_is_down_the_wallet_waits(ewallet_kit, office):
    """Whoever is eligible by what another agency says waits as well, and has the answer afterwards."""
    records = Welfare(disabled=True)
    records.down = True
    assert () == _accept(ewallet_kit, office(records))
    (pending,) = ewallet_kit.wallet.pending
    records.down = False
    ewallet_kit.clock.set(pending.due)
    (document,) = ewallet_kit.wallet.collect()
    assert YES == document.credential.claims["answer"]


@pytest.mark.parametrize("disabled", [True, False])
def test_neither_value_nor_source_is_kept(ewallet_kit, office, tmp_path, disabled):
    """MYD-21: no byte of what the issuer writes names a source or says what it said."""
    _accept(ewallet_kit, office(Welfare(disabled=disabled)))
    written = b"".join(path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file())
    assert KIND.encode() in written
    assert [] == [source for source in SOURCES if source.encode() in written]
