"""A bank that asks over the wire, and a citizen with a wallet before it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest

from ewallet.exchange import Exchange
from ewallet.oid4vp.response import answer
from ewallet.sql import Database
from ewallet.testing.kit import Kit
from ewallet.testing.stores import MemoryVerifierStore

KIND = "resident_register_copy"
BANK = "https://bank.example"


@dataclass
class Bank:
    """A bank, and a citizen with a wallet before it."""

    kit: Kit
    exchange: Exchange

    def ask(self, claims=("resident_address",), **options):
        return self.exchange.ask(self.kit.query(KIND, claims), **{"purpose": "a test", **options})

    def body(self, asked, token=None):
        """What an honest wallet posts."""
        return answer(asked.request, token or self.kit.answer(asked.request).token).body

    def answer(self, asked):
        return self.exchange.respond(asked.handle, self.body(asked))

    def code(self, reply):
        (code,) = parse_qs(urlsplit(json.loads(reply)["redirect_uri"]).query)["response_code"]
        return code


@pytest.fixture(params=["memory", "database"])
def store(request):
    """An empty store of each kind."""
    if request.param == "memory":
        yield MemoryVerifierStore()
        return
    database = Database("sqlite://")
    yield database.verifier
    database.close()


@pytest.fixture
def kit(ewallet_kit):
    """A citizen with four copies of one certificate."""
    ewallet_kit.issue(KIND, copies=4)
    return ewallet_kit


@pytest.fixture
def open_bank(kit, store):
    """Opens a bank of other terms."""

    def opened(**options):
        told = {"verifier": kit.verifier, "signer": kit.pki.verifier, "store": store, "env": kit.env}
        exchange = Exchange(BANK, **(told | options))
        return Bank(kit, exchange)

    return opened


@pytest.fixture
def bank(open_bank):
    """A bank that reads claims once."""
    return open_bank()
