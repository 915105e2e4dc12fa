"""Both services against what they say of themselves: whatever is sent, fitting or not, the answer is one described.

The descriptions are those that are checked in. A sample runs in this process; all of it, through sockets too, is for
the sweep.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from starlette.testclient import TestClient

from ewallet.consent import Party
from ewallet.exchange import Exchange
from ewallet.idempotency import Calls
from ewallet.joint import Cases
from ewallet.serving import listening, served
from ewallet.sql import Database
from ewallet.testing.caller import KIND
from verifier_cli.deletions import Deletions
from verifier_cli.server import Desk, create_app

DOCS = Path(__file__).parents[2] / "docs"
FULL = bool(os.environ.get("EWALLET_FULL"))
EXAMPLES = 200 if FULL else 4
BANK, BANK_KEY = "https://bank.example", "an-api-key-of-nobody"
KEYED = ("/v1/", "/metrics")


def _described(name):
    return json.loads((DOCS / "reference" / "openapi" / f"{name}.json").read_text("utf-8"))


def _operations():
    for service in ("issuer", "verifier"):
        for path, operations in _described(service)["paths"].items():
            for method, operation in operations.items():
                yield (service, f"{method.upper()} {path}"), operation


def _is_strict(operation):
    """Whether there are many calls that do not fit it: where any text will do, there are none."""
    return "application/json" in operation.get("requestBody", {}).get("content", {})


OPERATIONS = sorted(name for name, _ in _operations())
STRICT = sorted(name for name, operation in _operations() if _is_strict(operation))


@pytest.fixture(scope="module")
def tool():
    """Schemathesis, its checks, and the operations of both descriptions; loading it takes a second."""
    found = pytest.importorskip("schemathesis")
    known = importlib.import_module("schemathesis.specs.openapi.checks")
    operations = {
        (service, operation.ok().label): operation.ok()
        for service in ("issuer", "verifier")
        for operation in found.openapi.from_dict(_described(service)).get_all_operations()
    }
    checks = [
        found.checks.not_a_server_error,
        known.status_code_conformance,
        known.content_type_conformance,
        known.response_headers_conformance,
        known.response_schema_conformance,
    ]
    return SimpleNamespace(modes=list(found.GenerationMode), operations=operations, checks=checks)


@pytest.fixture
def bank(ewallet_kit, tmp_path):
    """The bank's service: the key of its programs, and the application for the hosts it is told."""
    ewallet_kit.issue(KIND)
    database = Database(f"sqlite:///{tmp_path}/bank.db")
    store = database.verifier

    def app(host="bank.example"):
        kit = ewallet_kit
        exchange = Exchange(BANK, verifier=kit.verifier, signer=kit.pki.verifier, store=store, env=kit.env)
        return create_app(
            Desk(
                exchange=exchange,
                cases=Cases(exchange, store=database.cases, env=kit.env),
                deletions=Deletions(exchange, kit.pki.verifier, kit.env),
                verifier=ewallet_kit.verifier,
                recipient=Party(id="https://bank.example", names={"ko": "가상은행", "en": "Invented Bank"}),
                calls=Calls(database.verifier_calls, env=ewallet_kit.env),
                check_ready=database.ready,
                hosts=frozenset({host}),
                api_key=BANK_KEY,
            )
        )

    yield app
    database.close()


@pytest.fixture
def portal_settings(portal_settings):
    """The settings of a portal that has every call: its registrations are in the database."""
    return portal_settings | {"recipients": Path("database")}


@pytest.fixture
def client(request, bank):
    """A browser for either service, and a key with every right there."""

    def opened(service):
        if service == "issuer":
            return request.getfixturevalue("portal").site.browser, "all-key"
        return TestClient(bank(), base_url=BANK, raise_server_exceptions=False), BANK_KEY

    return opened


def _sent(case: Any, address: str, key: str | None) -> dict[str, Any]:
    """The case as a request; with the key, where one is asked for."""
    found = case.as_transport_kwargs(base_url=address)
    found.pop("cookies")  # none are described
    if isinstance(found.get("data"), str | bytes):
        found["content"] = found.pop("data")
    headers = {name: value for name, value in found["headers"].items() if name.lower() != "accept-encoding"}
    if key and case.operation.path.startswith(KEYED):
        headers["Authorization"] = f"Bearer {key}"
    return {**found, "headers": headers}


def _tried(strategy, send):
    """Send what the strategy makes, the same in every run."""

    @seed(1)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def every(case):
        send(case)

    every()


@pytest.mark.sweep
@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_every_answer_to_a_call_that_fits_is_described(tool, client, operation):
    """Status, media type, headers and schema; with the key, where one is asked for."""
    browser, key = client(operation[0])

    def send(case):
        case.validate_response(browser.request(**_sent(case, _address(browser), key)), checks=tool.checks)

    _tried(tool.operations[operation].as_strategy(), send)


@pytest.mark.sweep
@pytest.mark.parametrize("key", [True, False], ids=["with a key", "with any key"])
@pytest.mark.parametrize("operation", STRICT, ids=" ".join)
def test_every_answer_to_a_call_that_does_not_fit_is_described(tool, client, operation, key):
    """The same, whoever calls."""
    browser, known = client(operation[0])
    _, negative = tool.modes

    def send(case):
        answer = browser.request(**_sent(case, _address(browser), known if key else None))
        case.validate_response(answer, checks=tool.checks)

    _tried(tool.operations[operation].as_strategy(generation_mode=negative), send)


def _address(browser):
    return str(browser.base_url).rstrip("/")


@pytest.mark.loopback
@pytest.mark.slow
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each[0] == "verifier"], ids=" ".join)
def test_through_a_socket_too(tool, bank, operation):
    """What the server before the application makes of it is described as well."""
    key = {"Authorization": f"Bearer {BANK_KEY}"}
    with listening("127.0.0.1", 0) as bound:
        address = f"127.0.0.1:{bound.getsockname()[1]}"

        def send(case):
            case.call_and_validate(base_url=f"http://{address}", headers=key, checks=tool.checks)

        with served(bank(address), bound):
            _tried(tool.operations[operation].as_strategy(), send)


@pytest.mark.parametrize("name", ["issuer.json", "verifier.json"])
def test_the_descriptions_are_those_of_the_code(name):
    """What is checked in is what the services say: run ``python docs/generate_openapi.py``."""
    pages = runpy.run_path(str(DOCS / "generate_openapi.py"))["pages"]()

    assert pages[name] == (DOCS / "reference" / "openapi" / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["issuer", "verifier"])
def test_a_description_is_whole(name):
    """3.1; every operation has a summary, a success, and what any call may come to; bodies and errors have examples."""
    described = _described(name)
    operations = [each for path in described["paths"].values() for each in path.values()]
    contents = [
        content
        for operation in operations
        for each in (operation.get("requestBody", {}), *operation["responses"].values())
        for media_type, content in each.get("content", {}).items()
        if media_type in {"application/problem+json", "application/x-www-form-urlencoded"}
    ]

    assert "3.1" == described["openapi"][:3]
    assert [] == [
        each["operationId"] for each in operations if not each.get("summary") or "2" not in str(each["responses"])
    ]
    assert all({"429", "500", "503", "4XX"} <= each["responses"].keys() for each in operations)
    assert len(operations) == len({each["operationId"] for each in operations})
    assert all("$ref" in content["schema"] or content["schema"]["properties"] for content in contents)
