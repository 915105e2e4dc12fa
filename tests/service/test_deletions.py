"""Deletion at the bank: what is kept of an answer goes at its holder's word alone, and the bank signs that it did."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from ewallet import jose
from ewallet.consent import Choice, Consent, consenting
from ewallet.deletion import TYP, Demand, Where, demand
from ewallet.errors import EWalletError
from ewallet.exchange import Exchange
from ewallet.flow import Response, run
from ewallet.idempotency import Calls
from ewallet.keys import SigningKey
from ewallet.oid4vp.request import client_id
from ewallet.receipt import Receipt
from ewallet.receipt.countersignature import TYP as RECEIPT
from ewallet.sql import Database
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier
from verifier_cli import bundles, keeping
from verifier_cli.deletions import Deletions
from verifier_cli.server import Desk, create_app

URL = "https://bank.example"
BUNDLE = "multi_child_benefit"
KIND = "resident_register_copy"


@dataclass
class Bank:
    """A bank that keeps what it was shown for a day, on a database, and the receipts in a folder."""

    kit: Any
    exchange: Exchange
    deletions: Deletions
    app: TestClient
    id: str = ""

    @property
    def receipt(self):
        """The newest of the wallet."""
        return self.kit.wallet.receipts()[0]

    @property
    def key(self):
        """The key that confirmed."""
        return SigningKey.of_secret(self.kit.wallet._store.key(self.receipt.holder.thumbprint))

    def demand(self, **changed):
        """What the wallet posts; with claims that are not those of the receipt."""
        made = Demand.make(self.receipt, self.key, self.kit.clock.now())
        if changed:
            claims = dict(jose.parse(made.proof, TYP, what="the proof").claims) | changed
            made = replace(made, proof=jose.sign(TYP, claims, self.key))
        return made.to_bytes()

    def send(self, request):
        """As the wallet sends it."""
        if not request.url.startswith(URL):
            return self.kit.network(request)
        answer = self.app.request(request.method, request.url, content=request.body, headers=dict(request.headers))
        return Response(answer.status_code, dict(answer.headers), answer.content)


@pytest.fixture
def bank(ewallet_kit, tmp_path, monkeypatch):
    """One that has an answer with a consent."""
    kit, database = ewallet_kit, Database.memory()
    kit.issue(KIND)
    signer, name = kit.pki.verifier, client_id(kit.pki.verifier)
    monkeypatch.setattr(bundles, "Env", lambda: kit.env)
    verifier = Verifier(name, trust=kit.pki.trust_list(), store=database.verifier, send=kit.network, env=kit.env)
    exchange = Exchange(
        URL,
        verifier=verifier,
        signer=signer,
        store=database.verifier,
        retain=timedelta(days=1),
        confirmed=bundles.countersigner(signer, str(tmp_path), URL),
        env=kit.env,
    )
    deletions = Deletions(exchange, signer, kit.env, str(tmp_path))
    desk = Desk(
        exchange=exchange,
        verifier=verifier,
        recipient=bundles.recipient(name, signer),
        calls=Calls(database.verifier_calls, env=kit.env),
        check_ready=lambda: None,
        hosts=frozenset({"bank.example"}),
        api_key="the-key-of-an-invented-bank",
        deletions=deletions,
    )
    found = Bank(kit, exchange, deletions, TestClient(create_app(desk), base_url=URL))
    monkeypatch.setattr(kit.wallet, "_send", found.send)
    found.id = _answered(found, name)
    yield found
    database.close()


def _answered(bank, name):
    """The id of a request with a consent to one kind, answered by the wallet."""
    kit = bank.kit
    bundle = kit.catalog.bundle(BUNDLE)
    recipient = bundles.recipient(name, kit.pki.verifier)
    consent = Consent.propose(
        bundle, kit.catalog, Choice(road="wallet", days=30), id_="c1", recipient=recipient, since=kit.clock.now()
    )
    query = consenting.query_for(bundle, frozenset(), kit.catalog)
    asked = bank.exchange.ask(
        query, purpose="가상 대출 심사", transaction_data=(consenting.transaction(consent, query, kit.catalog),)
    )
    opened = replace(asked.request, verifier_name=recipient.names["ko"])  # as the wallet has it from the certificate
    kit.wallet.answer(opened, kit.wallet.match(query))
    return asked.id


def _code(call, *arguments):
    with pytest.raises(EWalletError) as refused:
        call(*arguments)
    return refused.value.code


def test_what_is_kept_of_an_answer_goes_and_the_receipt_says_so(bank, tmp_path):
    """The claims were there and the receipt was; neither is any more, and the wallet's receipt has one more event."""
    kept = [*tmp_path.glob("*.json")]
    assert isinstance(bank.exchange.verdict(bank.id), Accepted)
    told = bank.kit.wallet.demand_deletion(bank.receipt.id)
    assert ["given", "deleted"] == [event.event for event in told.signed]
    assert ([tmp_path / "c1.json"], []) == (kept, [*tmp_path.glob("*.json")])
    assert "storage.not_found" == _code(bank.exchange.verdict, bank.id)
    assert (told,) == bank.kit.wallet.receipts()


def test_a_receipt_named_like_one_that_is_deleted_can_be_deleted_too(bank):
    """Receivers name them: one that gives two the same name is asked about each all the same."""
    given, kept = bank.receipt, bank.kit.wallet._store
    kept.put_receipt(given.after("deleted", bank.kit.pki.verifier, at=given.at + timedelta(seconds=1)).to_bytes())
    told = [bank.kit.wallet.demand_deletion(given.id).event for _ in range(2)]
    assert (["deleted"] * 2, ["deleted"] * 2) == (told, [each.event for each in bank.kit.wallet.receipts()])
    assert "storage.not_found" == _code(bank.exchange.verdict, bank.id)


def test_the_deletion_is_signed_by_whoever_asked(bank):
    """So that the person can show it to anybody who has the trust list."""
    told = bank.kit.wallet.demand_deletion(bank.receipt.id)
    Receipt.parse(told.to_bytes()).check(bank.kit.pki.trust_list(), bank.kit.catalog)
    assert "deleted" == told.event


def test_a_demand_whose_answer_was_lost_is_answered_again(bank):
    """By the same demand, and by a new one; once it is known, the wallet asks no more."""
    body = bank.demand()
    first, second = (bank.deletions.delete(each) for each in (body, bank.demand()))
    assert first.keys() == second.keys()
    again = bank.deletions.delete(body)
    assert "deleted" == Receipt.parse(jose.to_json(again)).event
    told = bank.kit.wallet.demand_deletion(bank.receipt.id)
    assert told == bank.kit.wallet.demand_deletion(told.id)
    assert told.to_json() == bank.deletions.delete(bank.demand())


def test_no_key_of_the_bank_is_asked_of_a_holder(bank):
    """What is asked is in the body."""
    posted = {"content": bank.demand(), "headers": {"content-type": "application/json"}}
    assert 200 == bank.app.post("/v1/deletions", **posted).status_code
    assert 415 == bank.app.post("/v1/deletions", content=bank.demand()).status_code


def test_a_receipt_alone_deletes_nothing(bank):
    """Whoever was shown it, and even the bank's own programs, lack the key that confirmed."""
    stranger = Demand.make(bank.receipt, SigningKey.generate(), bank.kit.clock.now()).to_bytes()
    assert "kb.signature_invalid" == _code(bank.deletions.delete, stranger)
    answer = bank.app.post("/v1/deletions", content=stranger, headers={"content-type": "application/json"})
    assert (400, "kb.signature_invalid") == (answer.status_code, json.loads(answer.content)["code"])
    assert isinstance(bank.exchange.verdict(bank.id), Accepted)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": "x509_san_dns:other.example"}, "kb.aud"),
        ({"consent": "another"}, "receipt.invalid"),
        ({"jti": "another"}, "receipt.invalid"),
        ({"iat": 0}, "kb.iat"),
    ],
)
def test_a_demand_of_another_time_place_or_receipt_deletes_nothing(bank, changed, code):
    """Each by its name."""
    assert code == _code(bank.deletions.delete, bank.demand(**changed))
    assert isinstance(bank.exchange.verdict(bank.id), Accepted)


def test_the_answer_itself_is_no_demand(bank):
    """The key binding of the answer was signed by the same key, for something else."""
    proof = bank.receipt.confirmation.rpartition("~")[2]
    assert "kb.typ" == _code(bank.deletions.delete, replace(Demand.parse(bank.demand()), proof=proof).to_bytes())


def test_a_receipt_of_somebody_else_deletes_nothing(bank):
    """Whoever signs with another key did not give it."""
    other = replace(bank.deletions, signer=SigningKey.generate())
    assert "receipt.invalid" == _code(other.delete, bank.demand())
    assert isinstance(bank.exchange.verdict(bank.id), Accepted)


def test_a_receipt_with_the_half_of_another_holder_deletes_nothing(bank):
    """What was countersigned was this confirmation."""
    mine = bank.receipt
    theirs = replace(mine, confirmation=f"{mine.confirmation[:-4]}AAAA")
    made = Demand(theirs, Demand.make(mine, bank.key, bank.kit.clock.now()).proof)
    assert "receipt.invalid" == _code(bank.deletions.delete, made.to_bytes())


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed.json"),
        (b"{}", "malformed.claim_type"),
        (b'{"receipt": {}, "proof": "x", "more": 1}', "malformed.claim_type"),
        (b'{"receipt": [], "proof": "x"}', "malformed.claim_type"),
        (b'{"receipt": {}, "proof": "x"}', "receipt.invalid"),
    ],
)
def test_what_is_no_demand_is_refused(bank, raw, code):
    """By name, and nothing is deleted."""
    assert code == _code(bank.deletions.delete, raw)


def test_a_receiver_that_says_something_else_is_not_believed(bank):
    """The receipt as it was, one of somebody else, or a refusal: the wallet's receipt stays what it was."""
    before, kit = bank.receipt, bank.kit

    def answered(status, body):
        flow = demand(before, bank.key, kit.pki.trust_list(), kit.clock.now())
        return _code(run, flow, lambda _: Response(status, {}, body))

    forged = before.after("deleted", SigningKey.generate(), at=kit.clock.now())
    assert "receipt.invalid" == answered(200, before.to_bytes())
    assert "receipt.invalid" == answered(200, forged.to_bytes())
    withdrawn = before.after("withdrawn", kit.pki.verifier, at=kit.clock.now())
    assert "receipt.invalid" == answered(200, withdrawn.to_bytes())
    assert "request.invalid" == answered(403, b"{}")
    assert before == bank.receipt


def test_a_receiver_that_has_not_said_where_is_not_asked(bank):
    """And a receipt that is not here cannot be meant."""
    claims = {name: value for name, value in bank.receipt.signed[0].claims.items() if name != "deletion"}
    silent = jose.sign("consent-receipt+jwt", claims, bank.kit.pki.verifier)
    assert "usage.argument" == _code(Where.of, replace(bank.receipt, events=(silent,)))
    assert "storage.not_found" == _code(bank.kit.wallet.demand_deletion, "another")


# -- what is kept before its answer is on record ---------------------------------------------------------------


def _signed_anew(bank, receipt, **changed):
    """The receipt with its first event signed once more, as of another attempt."""
    claims = {**receipt.signed[0].claims, **changed}
    return replace(receipt, events=(jose.sign(RECEIPT, claims, bank.kit.pki.verifier),))


def _past(path):
    """As if it had been written a minute ago."""
    before = path.stat().st_mtime - 60
    os.utime(path, (before, before))


def test_the_same_answer_finds_the_receipt_that_was_kept_for_it(bank, tmp_path):
    """As after a kill between the receipt and the verdict: the wallet is given what is on disk, and nothing else is."""
    before = bank.receipt
    again = _signed_anew(bank, before, jti="another-attempt")

    assert before.events != again.events
    assert before == keeping.keep(tmp_path, again)
    assert [before.to_bytes()] == [path.read_bytes() for path in tmp_path.iterdir()]


def test_another_answer_waits_until_the_first_cannot_be_put_on_record(bank, tmp_path):
    """Whoever is first may still be at it; a minute later nobody is."""
    before = bank.receipt
    other = _signed_anew(bank, before, answer={})
    locked = _code(keeping.keep, tmp_path, other)
    (path,) = tmp_path.iterdir()
    kept = path.read_bytes()
    _past(path)

    assert ("storage.locked", before.to_bytes()) == (locked, kept)
    assert other == keeping.keep(tmp_path, other)
    assert [other.to_bytes()] == [each.read_bytes() for each in tmp_path.iterdir()]


def test_a_receipt_that_was_cut_off_is_replaced(bank, tmp_path):
    """It is nobody's."""
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    _past(path)

    assert bank.receipt == keeping.keep(tmp_path, bank.receipt)
    assert bank.receipt.to_bytes() == path.read_bytes()


def test_what_a_killed_process_has_left_goes_with_the_receipt(bank, tmp_path):
    """A draft says as much about somebody as the receipt does."""
    (path,) = tmp_path.iterdir()
    path.with_name(f"{path.name}.left").write_bytes(path.read_bytes())
    bank.deletions.delete(bank.demand())

    assert [] == [*tmp_path.iterdir()]
