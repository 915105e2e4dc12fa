"""An exchange while something of ours fails, and what is kept and told of one."""

from __future__ import annotations

import json

import pytest

from ewallet.errors import (
    AlreadyUsed,
    EWalletError,
    StoreError,
    TransportError,
)
from ewallet.exchange import Asked, Exchange, Waiting
from ewallet.policy import Policy
from ewallet.sql import Database
from ewallet.verdict import Accepted, Undecided

KIND = "resident_register_copy"
BANK = "https://bank.example"
DONE = f"{BANK}/done?session=1"


def _refused(call, *arguments, **options):
    with pytest.raises(EWalletError) as refused:
        call(*arguments, **options)
    return refused.value


def test_an_answer_that_could_not_be_judged_may_come_again(bank, store, kit):
    """A fault of ours closes no request."""

    class Broken(Policy):
        def check(self, credential, at):
            raise StoreError("storage.unavailable", "a test")

    broken = kit.another_verifier(policy=Broken())
    failing = Exchange(BANK, verifier=broken, signer=kit.pki.verifier, store=store, env=kit.env)
    asked = failing.ask(kit.query(KIND, ["resident_address"]), purpose="a test")
    refused = _refused(failing.respond, asked.handle, bank.body(asked))
    bank.answer(asked)

    assert "storage.unavailable" == refused.code
    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


def test_a_wallet_that_goes_away_in_between_leaves_the_request_open(bank):
    """A flow that is dropped while a status list is fetched may be started again, even by another process."""
    asked = bank.ask()
    body = bank.body(asked)
    flow = bank.exchange.responding(asked.handle, body)
    next(flow)
    before = bank.exchange.verdict(asked.id)
    flow.close()
    bank.exchange.respond(asked.handle, body)

    assert Waiting(until=asked.until) == before
    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


def test_of_answers_that_are_judged_at_once_one_is_kept(bank):
    """F-26: the other is told that it came second, and does not change the verdict."""
    asked = bank.ask()
    body = bank.body(asked)
    late = bank.exchange.responding(asked.handle, body)
    request = next(late)
    bank.exchange.respond(asked.handle, body)

    assert "replay.response_used" == _refused(late.send, bank.kit.network(request)).code
    assert isinstance(bank.exchange.verdict(asked.id), Accepted)


def test_an_answer_that_was_judged_over_the_wire_is_no_answer_elsewhere(bank, store):
    """One presentation, one verdict: its nonce is used up with it, by whatever way it comes next (I3)."""
    asked = bank.ask()
    token = bank.kit.answer(asked.request).token
    bank.exchange.respond(asked.handle, bank.body(asked, token))

    with pytest.raises(AlreadyUsed) as refused:
        store.take_nonce(asked.request.nonce, asked.until)
    assert "storage.already_used" == refused.value.code


def test_a_copy_of_the_database_tells_nothing(open_bank, kit, tmp_path):
    """VPV-23: identifiers, nonce, state, key, purpose and claims are in no file, before and after the answer."""
    database = Database(f"sqlite:///{tmp_path}/bank.db")
    bank = open_bank(store=database.verifier)
    asked = bank.ask(redirect_to=DONE, purpose="a very private purpose")
    assert asked.request.recipient
    key = asked.request.recipient.jwk
    code = bank.code(bank.answer(asked))
    address = str(kit.catalog.type(KIND).sample["resident_address"])
    secrets = [
        asked.id,
        asked.handle,
        asked.request.nonce,
        asked.request.state,
        key["x"],
        "very private",
        code,
        address,
    ]
    before = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    bank.exchange.verdict(asked.id, response_code=code)
    database.close()
    after = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b'"accepted"' in before
    assert [] == [s for s in secrets if str(s).encode() in before + after or json.dumps(s).encode() in before + after]


def test_an_asked_request_prints_without_its_secrets(bank):
    """A line of a log is no way to a verdict."""
    asked = bank.ask()

    assert isinstance(asked, Asked)
    assert not any(secret in repr(asked) for secret in (asked.id, asked.request.nonce, str(asked.request.state)))


def test_logs_have_the_outcome_and_no_more(bank, caplog):
    """WEB-17: neither ids nor what was shown."""
    caplog.set_level("DEBUG")
    asked = bank.ask()
    bank.answer(asked)
    bank.exchange.verdict(asked.id)
    address = str(bank.kit.catalog.type(KIND).sample["resident_address"])

    assert "accepted" in caplog.text
    assert not any(secret in caplog.text for secret in (asked.id, asked.handle, asked.request.nonce, address))


def test_a_network_that_fails_is_no_error_of_the_wallet(open_bank, kit):
    """Whatever ``send`` raises is judged."""

    def broken(_request):
        raise TransportError("fetch.timeout", "a test")

    bank = open_bank(verifier=kit.another_verifier(send=broken))
    asked = bank.ask()

    assert b"{}" == bank.answer(asked)
    assert isinstance(bank.exchange.verdict(asked.id), Undecided)
