"""The issuer's service in this process, with a browser that has it open and wallets that call it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import pytest
from starlette.testclient import TestClient

from ewallet import qr
from ewallet.asgi import Guard
from ewallet.flow import Request, Response
from ewallet.oid4vci.offer import CredentialOffer, OfferReference, parse_link
from ewallet.testing.caller import Caller
from ewallet.testing.clock import Clock
from ewallet.testing.pki import Pki
from issuer_service import app as app_module
from issuer_service import settings as settings_module
from issuer_service.app import framework
from issuer_service.records import CITIZENS, DemoRecords
from issuer_service.service import Service

ISSUER = "https://issuer.example.go.kr"
HTML = {"accept": "text/html"}
KEYS = {
    "offer-key": "desk offer",
    "status-key": "court status",
    "read-key": "auditor read",
    "all-key": "chief offer status read",
}


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """The folder of signers that every service of these tests has."""
    folder = tmp_path_factory.mktemp("keys")
    Pki.make(at=Clock().now(), issuer=ISSUER).save(folder)
    return folder / "signers"


@pytest.fixture
def settings(keys, tmp_path):
    """Settings with a fresh data folder."""
    operators = tmp_path / "operators"
    operators.write_text("\n".join(f"{sha256(key.encode()).hexdigest()} {told}" for key, told in KEYS.items()), "utf-8")
    return {"issuer": ISSUER, "issuer_keys": keys, "records": "demo", "data": tmp_path, "operators": operators}


@dataclass
class Site:
    """A service, and a browser that has it open."""

    service: Service
    clock: Clock
    browser: TestClient
    csrf: str = ""

    def send(self, request: Request) -> Response:
        """As a wallet sends it."""
        answer = self.browser.request(
            request.method, request.url, content=request.body, headers=dict(request.headers), follow_redirects=False
        )
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)

    def caller(self, **given: Any) -> Caller:
        """A wallet of this issuer."""
        return Caller(self.send, ISSUER, self.service.env, **given)

    def page(self, path: str, **form: str) -> str:
        """A page as a person opens it; with fields, a form that was sent."""
        fields = {"csrf": self.csrf, **form} if form or path.endswith("/offer") else None
        answer = self.browser.post(path, data=fields, headers=HTML) if fields else self.browser.get(path, headers=HTML)
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        self.csrf = found[1] if found else self.csrf
        assert 200 == answer.status_code, answer.text
        return answer.text

    def sign_in(self, citizen: str = "hong") -> None:
        """Sign in, and remember the token of the page's forms."""
        self.page("/sign-in", citizen=citizen)

    def operator(self, method: str, path: str, key: str = "all-key", **body: Any) -> Any:
        """A call of the agency's own programs."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return self.browser.request(method, path, json=body or None, headers=headers)

    def scanned(self, page: str) -> CredentialOffer:
        """The offer that a wallet finds on a page: by the QR picture, the same as by the link."""
        (picture,) = re.findall(r'<img class="qr" src="([^"]+)\.svg"', page)
        text = qr.read(self.browser.get(f"{picture}.png").content)
        assert re.findall(r'<input id="link" value="([^"]+)"', page) == [text]
        reference = parse_link(text)
        assert isinstance(reference, OfferReference)
        return CredentialOffer.parse(self.send(Request("GET", reference.url)).body)


@pytest.fixture
def site(settings):
    """A service in this process."""
    return _site(settings)


@pytest.fixture
def open_site():
    """Opens a service of other settings, or with other records."""
    return _site


def _site(settings, records=None):
    clock = Clock()
    found = Service.of(settings_module.read(settings), clock.env("service"))
    if records:
        found.issuance._records = records
        found = replace(found, records=records)
    metrics = app_module._Metrics()
    guarded = Guard(framework(found, metrics.registry), hosts=found.settings.hosts, observe=metrics.observe)
    return Site(found, clock, TestClient(guarded, base_url=ISSUER, raise_server_exceptions=False))


@pytest.fixture(scope="session")
def lives(ewallet_catalog):
    """What is on record in the demo register, by citizen and kind."""
    records = DemoRecords(ewallet_catalog, Clock().env())
    return {
        (who, kind): ewallet_catalog.type(kind).completed(records.claims(who, kind))
        for who, citizen in CITIZENS.items()
        for kind in citizen.records
    }


@pytest.fixture(scope="session")
def objects(lives):
    """Every object of every record, the record itself first: (whose, kind, object)."""
    return [(who, kind, each) for (who, kind), record in lives.items() for each in _objects(record)]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(each)
