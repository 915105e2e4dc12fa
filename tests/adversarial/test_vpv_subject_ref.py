"""Row VPV-15 of the security matrix by reference: one person shows several certificates, and nobody else's among them.

Everything is over the wire between a wallet, an issuer and a bank of one kit; nothing is asked that names anybody.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ewallet import jose
from ewallet.catalog.person import SUBJECT_REF
from ewallet.dcql import Query
from ewallet.errors import AlreadyUsed, ProtocolError
from ewallet.formats import FORMATS, open_any
from ewallet.oid4vci.proof import SALT, TYP
from ewallet.oid4vp import vp_token_bytes
from ewallet.ranks import fresh_ranks
from ewallet.shape import json_object
from ewallet.subject import read_salt, reference, reference_of
from ewallet.testing.issuance import invented_ci
from ewallet.testing.kit import PURPOSE, SUBJECT
from ewallet.testing.stores import MemoryWalletStore
from ewallet.verdict import Accepted, Rejected, Undecided
from ewallet.wallet import Wallet

REGISTER, INCOME, LAND = "resident_register_copy", "income_amount_certificate", "land_register"
ASKED = {REGISTER: ["resident_address"], INCOME: ["issuing_authority"]}


@pytest.fixture(params=list(FORMATS))
def world(request, ewallet_kit):
    """The kit, and how somebody is issued something in a format."""
    return _World(ewallet_kit, request.param)


class _World:
    def __init__(self, kit, format_id):
        self.kit = kit
        self.format = format_id

    def wallet(self):
        """Another person's."""
        kit = self.kit
        trust = kit.pki.trust_list()
        return Wallet(store=MemoryWalletStore(), trust=trust, send=kit.network, catalog=kit.catalog, env=kit.env)

    def issue(self, *kinds, wallet=None, subject=SUBJECT, copies=3):
        """Offered, and accepted with proofs."""
        offered = self.kit.issuance.offer(*kinds, subject=subject, format_id=self.format)
        return (wallet or self.kit.wallet).accept(offered.offer.uri, copies=copies)

    def query(self, *kinds, same_person=True):
        """What tells nothing of the person but that it is one."""
        asked = [
            Query.for_type(self.kit.catalog.type(kind), ASKED.get(kind, ["issuing_authority"]), same_person=same_person)
            for kind in kinds
        ]
        return Query(
            tuple(q for each in asked for q in each.credentials), tuple(s for e in asked for s in e.credential_sets)
        )

    def request(self, query, client_id=None):
        """By the kit's bank, or somebody else."""
        asked = self.kit.verifier.ask(query, purpose=PURPOSE)
        return replace(asked, client_id=client_id) if client_id else asked

    def present(self, request, wallet=None):
        """The answer of a wallet."""
        wallet = wallet or self.kit.wallet
        return wallet.present(request, wallet.match(request.query))


def _refs(token):
    opened = [open_any(one)[1].check_disclosures() for shown in token.values() for one in shown]
    return [reference_of(credential.claims) for credential in opened]


def test_equal_references_prove_one_person(world):
    """VPV-15: where neither name nor birth date is asked; the verdict does not pass the reference on."""
    world.issue(REGISTER, INCOME)
    request = world.request(world.query(REGISTER, INCOME))
    token = world.present(request)
    verdict = world.kit.verifier.verify(token, request)

    assert isinstance(verdict, Accepted)
    assert SUBJECT_REF not in str(verdict.to_json())
    assert 1 == len(set(_refs(token)))


def test_two_people_who_agree_on_a_salt_cannot_splice(world):
    """VPV-15: the same salt, the same keys in one wallet, but another CI."""
    world.issue(REGISTER)
    world.issue(INCOME, subject="somebody-else")
    request = world.request(world.query(REGISTER, INCOME))
    verdict = world.kit.verifier.verify(world.present(request), request)

    assert isinstance(verdict, Rejected)
    assert "policy.subject_mismatch" == verdict.code


def test_two_wallets_cannot_join_what_they_show(world):
    """VPV-15: each answers one part of a request, and one of them sends both."""
    other = world.wallet()
    world.issue(REGISTER)
    world.issue(INCOME, wallet=other, subject="somebody-else")
    whole = world.request(world.query(REGISTER, INCOME))
    parts = [(world.kit.wallet, REGISTER), (other, INCOME)]
    token: dict[str, Any] = {}
    for wallet, kind in parts:
        token |= world.present(replace(whole, query=world.query(kind)), wallet)
    verdict = world.kit.verifier.verify(token, whole)

    assert isinstance(verdict, Rejected)
    assert "policy.subject_mismatch" == verdict.code


def test_another_recipient_sees_another_reference(world):
    """WAL-21: the bytes of two presentations to two verifiers share none; one is not computed from the other."""
    world.issue(REGISTER, INCOME)
    query = world.query(REGISTER, INCOME)
    bank = world.present(world.request(query))
    hall = world.present(world.request(query, "x509_san_dns:hall.example"))
    (one,), (other,) = set(_refs(bank)), set(_refs(hall))

    assert one != other
    assert one.encode() not in vp_token_bytes(hall)
    assert other.encode() not in vp_token_bytes(bank)


def test_a_rank_that_was_seen_is_not_shown_to_another(world):
    """WAL-21: not even by a certificate that came later; new copies fit together again."""
    world.issue(REGISTER, INCOME, copies=1)
    world.present(world.request(world.query(REGISTER)))
    with pytest.raises(AlreadyUsed) as refused:
        world.present(world.request(world.query(INCOME), "x509_san_dns:hall.example"))
    assert "storage.already_used" == refused.value.code

    refilled, *_ = world.issue(REGISTER, copies=1)
    assert refilled.copies_left == 1
    world.issue(INCOME, copies=1)
    request = world.request(world.query(REGISTER, INCOME), "x509_san_dns:hall.example")
    answer = world.kit.wallet.match(request.query)
    newest = {document.type.id: document.id for document in reversed(world.kit.wallet.documents())}
    for choice in answer.choices:
        kind = REGISTER if choice.query.name == REGISTER else INCOME
        answer = answer.choose(choice.query.id, newest[kind])
    assert 1 == len(set(_refs(world.kit.wallet.present(request, answer))))


def test_a_copy_used_alone_is_made_up_for(world):
    """The first rank of which both have a copy left."""
    world.issue(REGISTER, INCOME, copies=2)
    alone = world.request(world.query(REGISTER, same_person=False))
    assert [None] == _refs(world.present(alone))

    token = world.present(world.request(world.query(REGISTER, INCOME)))
    assert 1 == len(set(_refs(token)))
    assert [0, 1] == sorted(document.copies_left for document in world.kit.wallet.documents())


def test_whoever_repeats_a_reference_proves_nothing(world):
    """A bank that shows what it was shown to another is not the holder, and cannot put the reference elsewhere."""
    world.issue(REGISTER, INCOME)
    seen = world.present(world.request(world.query(REGISTER, INCOME)))
    elsewhere = world.request(world.query(REGISTER, INCOME))
    verdict = world.kit.verifier.verify(seen, elsewhere)

    assert isinstance(verdict, Rejected)
    assert verdict.reasons[0].name == "holder"


def test_a_wallet_of_another_house_is_compared_by_name_or_not_at_all(world):
    """It sends no salt, gets no reference, and answers without; who it is cannot be told."""
    kit = world.kit
    for kind in (REGISTER, INCOME):
        keys = kit.wallet.new_keys(1)
        sample = kit.catalog.type(kind).sample
        issued = kit.issuer.issue(kind, sample, subject=SUBJECT, holders=keys, format_id=world.format)
        kit.wallet.put(issued.credentials)
    request = world.request(world.query(REGISTER, INCOME))
    verdict = kit.verifier.verify(world.present(request), request)

    assert isinstance(verdict, Undecided)
    assert "policy.subject_unknown" == verdict.code


def test_a_certificate_about_nobody_stands_beside_one_about_somebody(world):
    """It has no reference, and none is missed."""
    (land,) = world.issue(LAND)
    world.issue(REGISTER, INCOME)
    request = world.request(world.query(REGISTER, INCOME, LAND))

    assert reference_of(land.credential.claims) is None
    assert isinstance(world.kit.verifier.verify(world.present(request), request), Accepted)


def test_a_company_has_no_reference(world):
    """Its register knows no CI."""
    world.kit.records.people[SUBJECT] = None
    (document,) = world.issue(REGISTER)
    assert reference_of(document.credential.claims) is None


def test_connecting_information_that_can_be_guessed_is_not_certified(world):
    """Better no certificate than one whose reference is a number in disguise."""
    world.kit.records.people[SUBJECT] = f"900302{1_000_000}".encode().ljust(64, b"0")
    with pytest.raises(ProtocolError) as refused:
        world.issue(REGISTER)
    assert "offer.refused" == refused.value.code


def test_what_was_deferred_has_its_reference_all_the_same(world):
    """The salts wait with the keys, on both sides."""
    kit = world.kit
    kit.records.pending[INCOME] = timedelta(minutes=1)
    world.issue(REGISTER)
    assert () == world.issue(INCOME)
    kit.records.pending.clear()
    kit.clock.advance(timedelta(minutes=2))
    assert 1 == len(kit.wallet.collect())
    request = world.request(world.query(REGISTER, INCOME))
    assert isinstance(kit.verifier.verify(world.present(request), request), Accepted)


def test_an_issuer_is_told_the_same_whoever_will_see_it(world):
    """It makes references for all ranks at once; which recipient gets which, it never hears."""
    world.issue(REGISTER)
    (asked,) = [r.body for r in world.kit.network.requests if r.url.endswith("/credential")]
    proofs = json_object(asked)["proofs"]["jwt"]
    salts = [rank.salt for rank in fresh_ranks(world.kit.wallet_store, 3, world.kit.env.random)]
    assert salts == [read_salt(jose.parse(proof, TYP).claims[SALT]) for proof in proofs]
    expected = {reference(salt, invented_ci(SUBJECT)) for salt in salts}
    (held,) = world.kit.wallet_store.held()
    copies = world.kit.wallet_store.copies(held.id)
    assert expected == {reference_of(FORMATS[world.format].read(copy.raw).claims) for copy in copies}
