"""VCI-37: a fault of ours at any address that wallets know tells a number to ask about, and nothing else."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import pytest
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from ewallet.asgi import Guard
from ewallet.shape import json_object
from issuer_service.app import framework
from issuer_service.routes import wallet

ISSUER = "https://issuer.example.go.kr"
SECRETS = ("canary", "홍길동", "990230", "/etc", "SELECT", "Traceback", "wallet.py", "bearer-token")
PARTS = {"handle": "x" * 32, "number": "1", "vct": "https://kinds.example/x", "name": "x"}
FAULTS = {
    "a bug": RuntimeError("canary 홍길동 990230 /etc/secret SELECT"),
    "a missing member": KeyError("canary"),
    "a file that fails": OSError(5, "Input/output error", "/etc/canary"),
    "a library of others": RecursionError("canary"),
}


class _Faulty:
    """What it is made of, but for whatever is called: that fails."""

    def __init__(self, sound, fault):
        self._sound = sound
        self._fault = fault

    def __getattr__(self, name):
        found = getattr(self._sound, name)
        if name == "server":
            return _Faulty(found, self._fault)
        return self._failing if callable(found) else found

    def _failing(self, *_given, **_named):
        raise self._fault


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_at_any_address_of_wallets_tells_nothing(site, caplog, fault):
    """500 with a code, as JSON, at each of them, and a number but for a file; nothing of the cause, nor in the log."""
    faulty = replace(site.service, issuance=_Faulty(site.service.issuance, fault))
    app = Guard(framework(faulty, CollectorRegistry()), hosts=faulty.settings.hosts)
    known = [*wallet.discovery(site.service).routes, *wallet.routes(site.service).routes]
    routes = [route for route in known if isinstance(route, APIRoute)]
    told = {}
    with caplog.at_level(logging.DEBUG), TestClient(app, base_url=ISSUER, raise_server_exceptions=False) as browser:
        for route in routes:
            (method,) = {*(route.methods or ())} - {"HEAD"}
            path = re.sub(r"{(\w+)(?::path)?}", lambda found: PARTS[found[1]], route.path)
            answer = browser.request(method, path, content=b"canary", headers={"authorization": "Bearer bearer-token"})
            told[method, route.path] = answer

    assert len(told) > 10
    assert {(500, "application/problem+json")} == {
        (answer.status_code, answer.headers["content-type"]) for answer in told.values()
    }
    for answer in told.values():
        problem = json_object(answer.content)
        assert {"type", "title", "status", "detail", "code"} == problem.keys()
        assert problem["code"] == "usage.file" or re.match(r"fault [0-9a-f]{8}: ", problem["detail"])
    heard = "".join(answer.text + str(answer.headers) for answer in told.values()) + caplog.text
    assert [] == [secret for secret in SECRETS if secret in heard]
