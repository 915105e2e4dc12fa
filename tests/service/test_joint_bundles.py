"""Two people who are each asked for a bundle, in one case: two consents, two receipts, one household, one verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from ewallet.catalog.bundles import Bundle
from ewallet.consent import Party
from ewallet.exchange import Exchange
from ewallet.flow import Response
from ewallet.idempotency import Calls
from ewallet.joint import Cases
from ewallet.oid4vp.request import subject_name
from ewallet.receipt import Countersigner, Receipt
from ewallet.sql import Database
from ewallet.testing.kit import CLIENT_ID, Kit
from ewallet.testing.stores import MemoryWalletStore
from ewallet.transactions import KNOWN
from ewallet.wallet import Wallet
from verifier_cli import bundles
from verifier_cli.server import Desk, create_app

BANK, KEY = "https://bank.example", "an-api-key-of-nobody"
LOAN = {"bundle": "youth_jeonse_loan", "days": 30}
CARD, LICENSE, REGISTER = "mobile_resident_card", "mobile_driver_license", "resident_register_copy"
APPLICANT = {"name": "홍판서", "birth_date": "1995-04-04"}
SPOUSE = {"name": "성춘향", "birth_date": "1997-09-09"}
STRANGER = {"name": "김가상", "birth_date": "1996-01-01"}
ROLES = ("applicant", "spouse")


@dataclass
class Bureau:
    """The bank's service, the receipts that it keeps, and the people that it asks."""

    kit: Kit
    client: TestClient
    receipts: list[Any]

    def person(self, who, bundle: Bundle, *, card=CARD, rows=(APPLICANT, SPOUSE)):
        """A wallet with what the bundle asks for and an identity card, and a register copy of these rows."""
        kit, subject = self.kit, f"{who['name']}-{who['birth_date']}"
        wallet = Wallet(
            store=MemoryWalletStore(),
            trust=kit.pki.trust_list(),
            send=self.send,
            catalog=kit.catalog,
            transaction_types=KNOWN,
            env=kit.env,
        )
        for kind in (card, *(item.type_id for item in bundle.items if item.required)):
            sample = dict(kit.catalog.type(kind).sample)
            own = {name: value for name, value in who.items() if name in sample}
            if "household_members" in sample:
                household = [sample["household_members"][0] | {"number": n} | row for n, row in enumerate(rows, 1)]
                own |= {"household_members": household}
                own |= {"subject_name": who["name"], "subject_birth_date": who["birth_date"]}
            kit.records.given[subject, kind] = sample | own
            wallet.accept(kit.issuance.offer(kind, subject=subject).offer.uri, copies=2)
        return wallet

    def send(self, request):
        """As wallets send."""
        if not request.url.startswith(BANK):
            return self.kit.network(request)
        got = self.client.request(request.method, request.url, content=request.body, headers=dict(request.headers))
        return Response(got.status_code, dict(got.headers), got.content)

    def call(self, method, path, document=None):
        content = {} if document is None else {"json": document}
        return self.client.request(method, path, headers={"authorization": f"Bearer {KEY}"}, **content)

    def open(self, **members):
        made = self.call("POST", "/v1/cases", {"members": members})
        assert 201 == made.status_code, made.text
        return made.json()

    def answer(self, case, role, wallet):
        """As a holder who agrees; what they read and confirmed."""
        request = wallet.open(case["members"][role]["link"])
        wallet.answer(request, wallet.match(request.query))
        return request.transaction_data[0].fields["text"]

    def judged(self, case):
        return self.call("GET", f"/v1/cases/{case['id']}").json()


@pytest.fixture
def bureau(ewallet_kit, tmp_path, monkeypatch):
    """A service that countersigns what it gets."""
    receipts: list[Receipt] = []
    kit, database = ewallet_kit, Database(f"sqlite:///{tmp_path}/bank.db")
    monkeypatch.setattr(bundles, "Env", lambda: kit.env)
    signer = kit.pki.verifier
    exchange = Exchange(
        BANK,
        verifier=kit.verifier,
        signer=signer,
        store=database.verifier,
        confirmed=Countersigner(signer=signer, env=kit.env, keep=receipts.append),
        env=kit.env,
    )
    desk = Desk(
        exchange=exchange,
        verifier=kit.verifier,
        recipient=Party(id=CLIENT_ID, names=dict.fromkeys(("ko", "en"), subject_name(signer.chain[0]))),
        calls=Calls(database.verifier_calls, env=kit.env),
        check_ready=database.ready,
        hosts=frozenset({"bank.example"}),
        api_key=KEY,
        cases=Cases(exchange, store=database.cases, env=kit.env),
    )
    with TestClient(create_app(desk), base_url=BANK, raise_server_exceptions=False) as client:
        yield Bureau(kit, client, receipts)
    database.close()


@pytest.fixture
def loan(bureau):
    """The bundle of the loan."""
    return bureau.kit.catalog.bundle(LOAN["bundle"])


def test_a_couple_is_asked_for_a_bundle_each_and_judged_once(bureau, loan):
    """Each reads and confirms their own consent, each has their own receipt, and there is one verdict."""
    wallets = {"applicant": bureau.person(APPLICANT, loan), "spouse": bureau.person(SPOUSE, loan)}
    case = bureau.open(**dict.fromkeys(ROLES, LOAN))
    read = {role: bureau.answer(case, role, wallet) for role, wallet in wallets.items()}
    judged = bureau.judged(case)

    assert ("accepted", None) == (judged["verdict"]["verdict"], judged["code"])
    claims = judged["verdict"]["claims"]
    assert {"applicant": APPLICANT, "spouse": SPOUSE} == {role: claims[role][CARD] for role in ROLES}
    consents = {role: case["members"][role]["consent"] for role in ROLES}
    for role, wallet in wallets.items():
        (own,) = wallet.receipts()
        assert (consents[role], True) == (own.consent.id, own.consent.joint)
        assert "공동 심사" in read[role]
        assert "모바일 주민등록증: 성명, 생년월일" in read[role]
    assert sorted(consents.values()) == sorted(kept.consent.id for kept in bureau.receipts)
    assert 2 == len(set(consents.values()))


def test_a_stranger_with_a_bundle_is_not_of_the_household(bureau, loan):
    """Somebody with good certificates who is in no row of the applicant's register copy."""
    case = bureau.open(**dict.fromkeys(ROLES, LOAN))
    bureau.answer(case, "applicant", bureau.person(APPLICANT, loan))
    bureau.answer(case, "spouse", bureau.person(STRANGER, loan, rows=(STRANGER,)))

    assert "policy.joint_household" == bureau.judged(case)["code"]


def test_one_person_with_two_bundles_is_refused(bureau, loan):
    """References of two presentations differ; name and date of birth do not."""
    wallet = bureau.person(APPLICANT, loan)
    case = bureau.open(**dict.fromkeys(ROLES, LOAN))
    for role in ROLES:
        bureau.answer(case, role, wallet)

    assert "policy.joint_twice" == bureau.judged(case)["code"]


def test_an_identity_card_can_be_chosen_for_one_member(bureau, loan):
    """Of those that the bundle names."""
    case = bureau.open(applicant=LOAN, spouse=LOAN | {"optional": [LICENSE]})
    bureau.answer(case, "applicant", bureau.person(APPLICANT, loan))
    bureau.answer(case, "spouse", bureau.person(SPOUSE, loan, card=LICENSE))
    judged = bureau.judged(case)

    assert "accepted" == judged["verdict"]["verdict"]
    assert SPOUSE == judged["verdict"]["claims"]["spouse"][LICENSE]


def test_a_bundle_in_which_nobody_can_be_told_opens_no_case(bureau):
    """Before anybody is asked for anything."""
    customs = {"bundle": "customs_declaration", "days": 30}
    refused = bureau.call("POST", "/v1/cases", {"members": {"applicant": LOAN, "spouse": customs}})

    assert (400, "usage.argument") == (refused.status_code, refused.json()["code"])
