"""Whole resident numbers: who may ask for one, and what may hold one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ewallet.anchor import TrustAnchor
from ewallet.catalog import Catalog
from ewallet.dcql import Query
from ewallet.errors import EWalletError, Malformed, UsageError
from ewallet.formats import FORMATS
from ewallet.oid4vp.request import client_id
from ewallet.proximity import Asked, Holder, Reader
from ewallet.proximity.engagement import Engagement
from ewallet.testing.kit import CLIENT_ID
from ewallet.testing.peers import VerifierPeer
from ewallet.trust import TrustList
from ewallet.wallet import Wallet

KIND = "resident_register_abstract"
ROWS = "resident_register_copy"
NUMBER = "resident_registration_number"
VALUE = "a number of nobody"  # which has no digits, as no test writes any
LAW = "금융실명거래 및 비밀보장에 관한 법률 제3조"
CATALOG = Catalog.bundled()


@pytest.fixture
def kit(ewallet_kit):
    """A holder of two certificates that hold whole numbers."""
    abstract, copy = (ewallet_kit.catalog.type(type_id).sample for type_id in (KIND, ROWS))
    rows = [{**row, NUMBER: VALUE} for row in copy["household_members"]]
    ewallet_kit.issue(KIND, claims={**abstract, NUMBER: VALUE}, copies=5)
    ewallet_kit.issue(ROWS, claims={**copy, "household_members": rows}, copies=5)
    return ewallet_kit


@pytest.fixture
def bank(kit):
    """A bank that asks over the wire."""
    return VerifierPeer(kit)


def _list(kit, **bases):
    """The kit's trust list with these verifiers registered, as its operator publishes it."""
    trust = kit.pki.trust_list()
    anchors = tuple(
        replace(anchor, rrn_legal_basis=bases) if anchor.purpose == "verifier" else anchor for anchor in trust.anchors
    )
    published = replace(trust, anchors=anchors).signed(kit.pki.operator)
    return TrustList.read(published, kit.pki.operator_key, at=kit.clock.now())


def _registered(kit, **bases):
    """The kit's wallet under such a list."""
    trust = _list(kit, **bases)
    return Wallet(store=kit.wallet_store, trust=trust, send=kit.network, catalog=kit.catalog, env=kit.env)


def _refused(action, *arguments):
    with pytest.raises(EWalletError) as caught:
        action(*arguments)
    return caught.value.code


def test_a_verifier_without_a_law_is_refused_before_anybody_is_asked(kit, bank):
    """As soon as it is known who asks; it hears what it hears when a holder does not want to."""
    link = bank.ask(kit.query(KIND, ["name", NUMBER]))

    assert "request.no_legal_basis" == _refused(kit.wallet.open, link)
    assert b"error=access_denied" in kit.network.requests[-1].body
    assert () == kit.wallet.history()


def test_a_registered_verifier_gets_the_number_it_asks_for(kit, bank):
    """The law is in the trust list, under the verifier's identifier, and the request knows it."""
    wallet = _registered(kit, **{CLIENT_ID: LAW})
    request = wallet.open(bank.ask(kit.query(KIND, [NUMBER])))
    wallet.answer(request, wallet.match(request.query))

    assert (LAW, {NUMBER: VALUE}) == (request.rrn_legal_basis, bank.verdict().claims[KIND])


def test_a_law_for_another_verifier_is_none(kit, bank):
    """A registration is for the whole identifier, and for nobody else below the same authority."""
    wallet = _registered(kit, **{"x509_san_dns:other.example": LAW})

    assert "request.no_legal_basis" == _refused(wallet.open, bank.ask(kit.query(KIND, [NUMBER])))


def test_a_request_cannot_bring_its_own_law(kit):
    """A request that comes as a file says who asks and nobody checks it: numbers stay."""
    request = kit.verifier.ask(kit.query(KIND, [NUMBER]), purpose="loan")
    claimed = type(request).parse(replace(request, rrn_legal_basis=LAW).to_bytes())

    assert "request.no_legal_basis" == _refused(kit.wallet.present, claimed, kit.wallet.match(claimed.query))
    assert () == kit.wallet.history()


def test_a_number_within_what_is_asked_does_not_leave_either(kit, bank):
    """Rows as a whole have it in them; their other members one by one do not."""
    whole = kit.wallet.open(bank.ask(kit.query(ROWS, ["household_members"])))
    names = kit.wallet.open(bank.ask(kit.query(ROWS, [("household_members", None, "name")])))

    assert "request.no_legal_basis" == _refused(kit.wallet.answer, whole, kit.wallet.match(whole.query))
    assert kit.wallet.answer(names, kit.wallet.match(names.query)) is None


def test_the_masked_form_is_a_claim_like_others(kit, bank):
    """It needs no law."""
    request = kit.wallet.open(bank.ask(kit.query(KIND, [f"{NUMBER}_masked"])))
    kit.wallet.answer(request, kit.wallet.match(request.query))

    assert {f"{NUMBER}_masked"} == bank.verdict().claims[KIND].keys()


def _met(kit, trust, query):
    """What is asked of a holder under that list, by the kit's verifier at close range."""
    holder = Holder.engage(trust=trust)
    reader = Reader(Engagement.read(holder.engagement.text), signer=kit.pki.verifier)
    at = kit.clock.now()
    asked = holder.receive(reader.ask(query, at=at, purpose="check-in"), at=at)
    assert isinstance(asked, Asked)
    return asked.request


def test_a_reader_at_close_range_needs_a_law_too(ewallet_kit):
    """Its certificate identifies it; without a registration nothing is shown."""
    card = "mobile_resident_card"
    sample = ewallet_kit.catalog.type(card).sample
    ewallet_kit.issue(card, claims={**sample, NUMBER: VALUE}, format_id="mso_mdoc", copies=2)
    query, wallet = ewallet_kit.query(card, [NUMBER]), ewallet_kit.wallet
    stranger = _met(ewallet_kit, ewallet_kit.pki.trust_list(), query)
    hospital = _met(ewallet_kit, _list(ewallet_kit, **{client_id(ewallet_kit.pki.verifier): LAW}), query)

    assert "request.no_legal_basis" == _refused(wallet.present, stranger, wallet.match(stranger.query))
    assert 1 == len(wallet.present(hospital, wallet.match(hospital.query)))


def test_an_anchor_that_names_no_law_is_no_entry(ewallet_pki):
    """An empty law, a list of them, or a law for those who ask nobody."""
    anchors = {anchor.purpose: anchor for anchor in ewallet_pki.anchors}
    spoiled = [{"x": " "}, {"x": ["law"]}, ["x"]]

    for bases in spoiled:
        with pytest.raises(Malformed) as caught:
            TrustAnchor.of_json({**anchors["verifier"].to_json(), "rrn_legal_basis": bases})
        assert "malformed.claim_type" == caught.value.code
    with pytest.raises(UsageError) as refused:
        replace(anchors["issuer"], rrn_legal_basis={"x": LAW})
    assert "usage.argument" == refused.value.code


def test_a_kind_without_a_law_of_its_own_holds_no_number(ewallet_kit):
    """A register that sends one anyway finds it left out, in both formats."""
    type_id = "disabled_person_certificate"
    kind = ewallet_kit.catalog.type(type_id)
    record = {**kind.sample, NUMBER: VALUE}

    assert (None, {(NUMBER,)}) == (kind.rrn_legal_basis, set(kind.numbers))
    for format_id in FORMATS:
        (raw,) = ewallet_kit.issuer.issue(
            type_id, record, subject="citizen-1", holders=ewallet_kit.wallet.new_keys(), format_id=format_id
        ).credentials
        assert VALUE not in str(FORMATS[format_id].read(raw).claims)


def test_a_number_that_cannot_be_shown_alone_is_not_issued(ewallet_kit):
    """In an mdoc rows are of one piece: a number would leave with the names beside it."""
    copy = ewallet_kit.catalog.type(ROWS).sample
    rows = [{**row, NUMBER: VALUE} for row in copy["household_members"]]
    held = {}
    for format_id in FORMATS:
        (raw,) = ewallet_kit.issuer.issue(
            ROWS,
            {**copy, "household_members": rows},
            subject="citizen-1",
            holders=ewallet_kit.wallet.new_keys(),
            format_id=format_id,
        ).credentials
        held[format_id] = str(FORMATS[format_id].read(raw).claims).count(VALUE)

    assert {"dc+sd-jwt": len(rows), "mso_mdoc": 0} == held


def test_a_law_is_named_where_there_is_a_number():
    """Kinds that may hold one have a claim for it, which is optional and stands beside its masked form."""
    lawful = [kind for kind in CATALOG if kind.rrn_legal_basis]

    assert 5 == len(lawful)
    assert [] == [kind.id for kind in lawful if not kind.numbers]


def test_no_query_has_a_number_in_it_that_nobody_named():
    """Without claims a query asks for nothing that can be withheld; a number is asked for by its name only."""
    kind = CATALOG.type(KIND)
    asked = Query.for_type(kind, [])

    assert [()] * 2 == [query.claims for query in asked.credentials]
