"""Two people, two wallets, one case: asked and judged over HTTP, and whoever answers for another is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from ewallet.consent import Party
from ewallet.exchange import Exchange
from ewallet.flow import Response
from ewallet.idempotency import Calls
from ewallet.joint import Cases
from ewallet.oid4vp.request import RequestLink, authenticate, fetched
from ewallet.oid4vp.response import answer, refusal
from ewallet.sql import Database
from ewallet.testing.kit import Kit
from ewallet.testing.stores import MemoryWalletStore
from ewallet.wallet import Wallet
from verifier_cli.server import Desk, create_app

REGISTER, INCOME = "resident_register_copy", "income_amount_certificate"
BANK, KEY = "https://bank.example", "an-api-key-of-nobody"
WHO = ["name", "birth_date"]
APPLICANT = {"name": "홍판서", "birth_date": "1985-04-04"}
SPOUSE = {"name": "성춘향", "birth_date": "1987-09-09"}
HOUSEHOLD = {
    "type": REGISTER,
    "claims": ["subject_name", "subject_birth_date", "household_members"],
    "purpose": "가상 대출",
}
EARNS = {"type": INCOME, "claims": [*WHO, "issuing_authority"], "purpose": "가상 대출"}


@dataclass
class Bureau:
    """The bank's service, and the people that it asks."""

    kit: Kit
    client: TestClient
    database: Database

    def person(self, *, income, register=None):
        """A wallet with a certificate of income, and perhaps a register copy."""
        kit = self.kit
        trust = kit.pki.trust_list()
        wallet = Wallet(store=MemoryWalletStore(), trust=trust, send=kit.network, catalog=kit.catalog, env=kit.env)
        subject = f"{income['name']}-{income['birth_date']}"
        for kind, changes in ((INCOME, income), (REGISTER, register)):
            if changes is not None:
                kit.records.given[subject, kind] = kit.catalog.type(kind).sample | changes
                wallet.accept(kit.issuance.offer(kind, subject=subject).offer.uri, copies=3)
        return wallet

    def call(self, method, path, document=None):
        content = {} if document is None else {"json": document}
        return self.client.request(method, path, headers={"authorization": f"Bearer {KEY}"}, **content)

    def open(self, **members):
        made = self.call("POST", "/v1/cases", {"members": members})
        assert 201 == made.status_code, made.text
        return made.json()

    def look(self, case):
        self.kit.clock.advance(timedelta(seconds=1))
        return self.call("GET", f"/v1/cases/{case['id']}").json()

    def request(self, link):
        """The wallet's way from the link to the request."""
        found = RequestLink.read(link)
        got = self._sent(found.fetch("a-nonce-of-the-wallet"))
        compact = fetched(Response(got.status_code, got.headers, got.content))
        at, trust = self.kit.clock.now(), self.kit.pki.trust_list()
        sender = authenticate(found, compact, trust=trust, at=at, wallet_nonce="a-nonce-of-the-wallet")
        return sender.request(at, transaction_types={})

    def answer(self, case, role, wallet):
        """Each for themselves."""
        request = self.request(case["members"][role]["link"])
        return self._sent(answer(request, wallet.present(request, wallet.match(request.query))))

    def send(self, sent):
        return self._sent(sent)

    def _sent(self, sent):
        return self.client.request(sent.method, sent.url, headers=dict(sent.headers), content=sent.body)


@pytest.fixture
def bureau(ewallet_kit, tmp_path):
    """A service on a database of its own."""
    kit, database = ewallet_kit, Database(f"sqlite:///{tmp_path}/bank.db")
    exchange = Exchange(BANK, verifier=kit.verifier, signer=kit.pki.verifier, store=database.verifier, env=kit.env)
    desk = Desk(
        exchange=exchange,
        verifier=kit.verifier,
        recipient=Party(id="https://bank.example", names={"ko": "가상은행", "en": "Invented Bank"}),
        calls=Calls(database.verifier_calls, env=kit.env),
        check_ready=database.ready,
        hosts=frozenset({"bank.example"}),
        api_key=KEY,
        cases=Cases(exchange, store=database.cases, env=kit.env),
    )
    with TestClient(create_app(desk), base_url=BANK, raise_server_exceptions=False) as client:
        yield Bureau(kit, client, database)
    database.close()


@pytest.fixture
def couple(bureau):
    """Two people of one household."""
    register = {"subject_name": APPLICANT["name"], "subject_birth_date": APPLICANT["birth_date"]}
    return bureau.person(income=APPLICANT, register=register), bureau.person(income=SPOUSE)


def test_a_couple_is_asked_together_and_judged_once(bureau, couple):
    """Joint income of spouses: one number, two answers, one verdict, whose claims come once."""
    applicant, spouse = couple
    case = bureau.open(applicant=HOUSEHOLD, spouse=EARNS)
    bureau.answer(case, "applicant", applicant)
    waiting = bureau.look(case)
    bureau.answer(case, "spouse", spouse)
    first, second = bureau.look(case), bureau.look(case)

    assert ("pending", "pending") == (case["status"], waiting["status"])
    assert ("judged", "accepted", None) == (first["status"], first["verdict"]["verdict"], first["code"])
    assert SPOUSE["name"] == first["verdict"]["claims"]["spouse"][INCOME]["name"]
    assert ("accepted", None) == (second["verdict"]["verdict"], second["verdict"]["claims"])


def test_who_declines_is_missing_by_role(bureau, couple):
    """Undecided, at once where nobody else is waited for; nothing of the other is told."""
    applicant, _ = couple
    case = bureau.open(applicant=EARNS, spouse=EARNS)
    bureau.answer(case, "applicant", applicant)
    request = bureau.request(case["members"]["spouse"]["link"])
    bureau.send(refusal(request.response_uri, request.state, "access_denied"))
    judged = bureau.look(case)

    assert "policy.joint_missing" == judged["code"]
    assert ["spouse"] == [check["name"] for check in judged["verdict"]["checks"] if check["outcome"] == "unknown"]
    assert APPLICANT["name"] not in str(judged)


def test_who_never_answers_is_missing_when_time_is_over(bureau, couple):
    """Until then it waits; afterwards that stays so."""
    applicant, _ = couple
    case = bureau.open(applicant=EARNS, spouse=EARNS)
    bureau.answer(case, "applicant", applicant)
    assert "pending" == bureau.look(case)["status"]
    bureau.kit.clock.advance(timedelta(minutes=6))

    assert ["policy.joint_missing"] * 2 == [bureau.look(case)["code"], bureau.look(case)["code"]]


def test_one_person_in_two_places_is_refused(bureau, couple):
    """The applicant answers for the spouse too, with copies that nobody has seen and references of their own."""
    applicant, _ = couple
    case = bureau.open(applicant=EARNS, spouse=EARNS)
    for role in ("applicant", "spouse"):
        bureau.answer(case, role, applicant)

    assert "policy.joint_twice" == bureau.look(case)["code"]


def test_a_stranger_is_not_of_the_household(bureau, couple):
    """Somebody with a good certificate who is in no row of the register copy."""
    applicant, _ = couple
    stranger = bureau.person(income={"name": "김가상", "birth_date": "1990-01-01"})
    case = bureau.open(applicant=HOUSEHOLD, spouse=EARNS)
    bureau.answer(case, "applicant", applicant)
    bureau.answer(case, "spouse", stranger)

    assert "policy.joint_household" == bureau.look(case)["code"]


def test_the_answer_of_one_member_is_none_of_another(bureau, couple):
    """Sent to the other's address it is encrypted to another key, and the other may still answer."""
    applicant, spouse = couple
    case = bureau.open(applicant=EARNS, spouse=EARNS)
    mine = bureau.request(case["members"]["applicant"]["link"])
    sent = answer(mine, applicant.present(mine, applicant.match(mine.query)))
    theirs = bureau.request(case["members"]["spouse"]["link"])
    moved = bureau.client.post(theirs.response_uri, headers=dict(sent.headers), content=sent.body)
    bureau.send(sent)
    bureau.answer(case, "spouse", spouse)

    assert 400 == moved.status_code
    assert "accepted" == bureau.look(case)["verdict"]["verdict"]


def test_a_presentation_to_one_member_does_not_hold_for_another(bureau, couple):
    """Encrypted anew to the other's key it has the nonce of the first: the holder's rung fails."""
    applicant, _ = couple
    case = bureau.open(applicant=EARNS, spouse=EARNS)
    mine = bureau.request(case["members"]["applicant"]["link"])
    token = applicant.present(mine, applicant.match(mine.query))
    bureau.send(answer(mine, token))
    bureau.send(answer(bureau.request(case["members"]["spouse"]["link"]), token))
    judged = bureau.look(case)

    assert "rejected" == judged["verdict"]["verdict"]
    assert [("applicant", "passed"), ("spouse", "failed")] == [
        (check["name"], check["outcome"]) for check in judged["verdict"]["checks"][:2]
    ]


def test_the_answer_of_another_case_does_not_hold_here(bureau, couple):
    """However alike the two cases are."""
    applicant, spouse = couple
    other, case = (bureau.open(applicant=EARNS, spouse=EARNS) for _ in range(2))
    elsewhere = bureau.request(other["members"]["applicant"]["link"])
    token = applicant.present(elsewhere, applicant.match(elsewhere.query))
    bureau.send(answer(bureau.request(case["members"]["applicant"]["link"]), token))
    bureau.answer(case, "spouse", spouse)

    assert "rejected" == bureau.look(case)["verdict"]["verdict"]
    assert "pending" == bureau.look(other)["status"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"members": {"applicant": EARNS}}, "usage.argument"),
        ({"members": {}}, "usage.argument"),
        ({"members": {str(n): EARNS for n in range(21)}}, "usage.argument"),
        ({"members": {"a": EARNS, "b": 7}}, "malformed.claim_type"),
        ({"members": {"a": EARNS, " ": EARNS}}, "usage.argument"),
        ({"members": {"a": EARNS, "b": EARNS | {"redirect_to": BANK}}}, "usage.argument"),
        ({"members": {"a": EARNS, "b": EARNS}, "more": 1}, "usage.argument"),
        ([], "malformed.claim_type"),
    ],
)
def test_a_case_that_is_none_is_refused(bureau, document, code):
    """Before anybody is asked, as far as that can be seen."""
    refused = bureau.call("POST", "/v1/cases", document)
    assert (400, code) == (refused.status_code, refused.json()["code"])


@pytest.mark.parametrize(
    ("first", "other", "document"),
    [
        ("/v1/cases", "/v1/requests", {"members": {"applicant": EARNS, "spouse": EARNS}}),
        ("/v1/requests", "/v1/cases", {**EARNS}),
    ],
)
def test_a_name_of_a_call_is_not_for_another_address(bureau, first, other, document):
    """With the same body, by mistake: what was made there is not what is made here."""
    said = {"authorization": f"Bearer {KEY}", "idempotency-key": '"a call"'}
    made, wrong, again = (
        bureau.client.post(path, json=document, headers=said).json() for path in (first, other, first)
    )

    assert ("usage.key_reused", 422) == (wrong["code"], wrong["status"])
    assert made["id"] == again["id"]


def test_a_number_of_no_case_is_not_found(bureau):
    """Nor is an exchange a case."""
    assert 404 == bureau.call("GET", "/v1/cases/AAAA").status_code


def test_nothing_that_was_shown_is_in_the_database(bureau, couple, tmp_path):
    """Neither before it is read nor after; nor does the case tell which exchanges it has."""
    applicant, spouse = couple
    case = bureau.open(applicant=EARNS, spouse=EARNS)
    bureau.answer(case, "applicant", applicant)
    bureau.answer(case, "spouse", spouse)
    before = b"".join(path.read_bytes() for path in tmp_path.glob("bank.db*"))
    bureau.look(case)
    after = b"".join(path.read_bytes() for path in tmp_path.glob("bank.db*"))

    for kept in (before, after):
        assert SPOUSE["name"].encode() not in kept
        assert case["id"].encode() not in kept
