"""An honest presentation to start from, and a judge that holds the rules of every negative case."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ewallet.consent import Party
from ewallet.env import Env
from ewallet.exchange import Exchange
from ewallet.idempotency import Calls
from ewallet.joint import Cases
from ewallet.sql import Database
from ewallet.testing.kit import Kit, Presented
from ewallet.testing.mdoc import MdocStage
from ewallet.testing.pki import Pki, systems_of
from ewallet.testing.stage import Stage
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier
from issuer_service.app import create_app as issuing
from issuer_service.settings import read
from verifier_cli.deletions import Deletions
from verifier_cli.server import Desk
from verifier_cli.server import create_app as asking

KIND = "resident_register_copy"
ISSUER, BANK = "https://issuer.example.go.kr", "https://bank.example"
_ADDRESS = {"issuer": ISSUER, "verifier": BANK}
CARD, SHOWN = "mobile_resident_card", ("name", "birth_date")


@pytest.fixture
def pki(ewallet_clock, ewallet_catalog):
    """A PKI whose local taxes vouch for no mobile document, so that other authorities may stand below theirs."""
    systems = systems_of(ewallet_catalog)
    papers = {id_ for id_ in systems["tax_local"] if id_.startswith("urn:")}
    return Pki.make(at=ewallet_clock.now(), systems=systems | {"tax_local": papers})


@pytest.fixture
def presented(ewallet_kit):
    """An honest answer with two claims."""
    ewallet_kit.issue(KIND)
    return ewallet_kit.present(ewallet_kit.query(KIND, ["resident_address", "is_householder"]))


@pytest.fixture
def stage(ewallet_kit, presented):
    """That answer, and everything it takes to spoil it."""
    return Stage.of(ewallet_kit, presented)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str) and len(value) > 1:
        yield value


def _canaries(kit: Kit, stage: Stage) -> set[str]:
    """What must be written nowhere: every text of the record, every disclosure, signature and nonce."""
    parts = {stage.key_binding, stage.binding.nonce, *stage.issued.split("."), *stage.disclosures, *stage.hidden}
    sample = kit.catalog.type(KIND).sample
    return (parts | set(_texts(sample))) - {sample["issue_date"]}  # a verdict says on which day it was made


@pytest.fixture
def judge(ewallet_kit, presented, stage, caplog):
    """The code with which a presentation is refused, once rules G1, G3 and G6 have been checked; None if accepted."""
    caplog.set_level(logging.DEBUG)
    canaries = _canaries(ewallet_kit, stage)

    def refused(raw, *, by=None, fetches=0):
        verdict = ewallet_kit.verify(raw, presented.request, by=by)
        if isinstance(verdict, Accepted):
            return None
        said = repr(verdict) + json.dumps(verdict.to_json(), ensure_ascii=False) + caplog.text
        assert [] == [canary for canary in canaries if canary in said]
        assert fetches == len(ewallet_kit.network.requests)
        return verdict.code

    return refused


@dataclass(frozen=True)
class World:
    """An honest answer, and everything it takes to spoil it."""

    kit: Kit
    presented: Presented
    stage: MdocStage

    def judge(self, raw, *, by=None):
        """The code with which a presentation is refused, no claim said and nothing fetched; None if accepted."""
        fetched = len(self.kit.network.requests)
        (query_id,) = self.presented.token
        by = by or self.kit.another_verifier()
        verdict = self.kit.verify({query_id: (raw,)}, self.presented.request, by=by)
        if isinstance(verdict, Accepted):
            return None
        said = repr(verdict) + json.dumps(verdict.to_json(), ensure_ascii=False)
        sample = self.kit.catalog.type(CARD).sample
        assert [] == [name for name in SHOWN if sample[name] in said]
        assert fetched == len(self.kit.network.requests)
        return verdict.code


@pytest.fixture(scope="module")
def world():
    """Two elements of an mdoc; one for all tests of a file, because a verdict changes nothing in it."""
    kit = Kit.make()
    kit.issue(CARD, format_id="mso_mdoc")
    presented = kit.present(kit.query(CARD, SHOWN))
    return World(kit, presented, MdocStage.of(kit, presented))


@dataclass(frozen=True)
class Opened:
    """A service in this process: a stranger's browser, a key with every right there, and what it says of itself."""

    browser: TestClient
    key: str
    described: dict[str, Any]


def _description(name: str) -> dict[str, Any]:
    folder = Path(__file__).parents[2] / "docs" / "reference" / "openapi"
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """Both services, the issuer's as a portal with registrations in its database, so that it has every call."""
    folder, key = tmp_path_factory.mktemp("services"), "a-key-of-nobody-in-particular"
    pki = Pki.make(at=Env().now(), issuer=ISSUER)
    pki.save(folder)
    rights = "offer status read register mandate"
    (folder / "operators").write_text(f"{sha256(key.encode()).hexdigest()} chief {rights}\n", "utf-8")
    given = {
        "issuer": ISSUER,
        "issuer_keys": folder / "signers",
        "records": "demo",
        "data": folder,
        "operators": folder / "operators",
        "recipients": Path("database"),
        "trust": folder / "trust-list.jwt",
        "trust_key": folder / "operator.jwk",
        "portal_key": folder / "verifier.key",
        "portal_chain": folder / "verifier.pem",
        "limits": "off",
    }
    database = Database(f"sqlite:///{folder}/bank.db")
    found = {"issuer": issuing(read(given)), "verifier": asking(_bank(pki, database, key))}
    yield {
        name: Opened(TestClient(app, base_url=_ADDRESS[name], raise_server_exceptions=False), key, _description(name))
        for name, app in found.items()
    }
    database.close()


def _bank(pki: Pki, database: Database, key: str) -> Desk:
    store = database.verifier
    judge = Verifier("x509_san_dns:bank.example", trust=pki.trust_list(), store=store)
    exchange = Exchange(BANK, verifier=judge, signer=pki.verifier, store=store)
    return Desk(
        exchange=exchange,
        cases=Cases(exchange, store=database.cases),
        deletions=Deletions(exchange, pki.verifier, Env()),
        verifier=judge,
        recipient=Party(id=BANK, names={"ko": "가상은행", "en": "Invented Bank"}),
        calls=Calls(database.verifier_calls),
        check_ready=database.ready,
        hosts=frozenset({"bank.example"}),
        api_key=key,
    )
