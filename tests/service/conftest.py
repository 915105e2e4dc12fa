"""The issuer's service in this process, with a browser that has it open and wallets that call it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from ewallet import qr
from ewallet.asgi import Guard
from ewallet.files import read_trust
from ewallet.flow import Request, Response
from ewallet.metrics import Metrics
from ewallet.oid4vci.offer import CredentialOffer, OfferReference, parse_link
from ewallet.portal.client import Asking, Granted, PortalClient
from ewallet.testing.bank import Bank, register
from ewallet.testing.caller import Caller
from ewallet.testing.clock import Clock
from ewallet.testing.pki import Pki
from ewallet.testing.stores import MemoryVerifierStore, MemoryWalletStore
from ewallet.transactions import KNOWN
from ewallet.wallet import Wallet
from issuer_service import settings as settings_module
from issuer_service.app import framework
from issuer_service.mydata import MyDataDesk
from issuer_service.records import CITIZENS, DemoRecords
from issuer_service.service import Service

ISSUER = "https://issuer.example.go.kr"
HTML = {"accept": "text/html"}
KEYS = {
    "offer-key": "desk offer",
    "status-key": "court status",
    "read-key": "auditor read",
    "mandate-key": "counter mandate",
    "all-key": "chief offer status read register",
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


@pytest.fixture
def loan_bank():
    """A bank that is registered at the portal."""
    return Bank.make(Clock().now())


@pytest.fixture
def portal_settings(settings, keys, loan_bank, tmp_path):
    """Settings of a service that is a portal, with one recipient."""
    pki = keys.parent
    return settings | {
        "recipients": register(tmp_path / "recipients.json", loan_bank.recipient),
        "trust": pki / "trust-list.jwt",
        "trust_key": pki / "operator.jwk",
        "portal_key": pki / "verifier.key",
        "portal_chain": pki / "verifier.pem",
    }


@pytest.fixture
def portal(portal_settings, loan_bank, open_site):
    """A portal in this process, with Hong's browser and wallet, and the bank."""
    return PortalVisit.of(open_site(portal_settings), loan_bank)


@dataclass
class Site:
    """A service, and a browser that has it open."""

    service: Service
    clock: Clock
    browser: TestClient
    csrf: str = ""
    desk: Any = None

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
    metrics, desk = Metrics(), MyDataDesk.of(found)
    guarded = Guard(framework(found, metrics.registry, desk), hosts=found.settings.hosts, observe=metrics.observe)
    return Site(found, clock, TestClient(guarded, base_url=ISSUER, raise_server_exceptions=False), desk=desk)


@dataclass
class PortalVisit:
    """A person at the portal, and the bank that sent them there."""

    site: Site
    bank: Bank
    client: PortalClient
    wallet: Wallet

    @classmethod
    def of(cls, site: Site, bank: Bank) -> PortalVisit:
        """Hong, signed in, with a resident card in the wallet."""
        settings, env = site.service.settings, site.service.env
        trust = read_trust(str(settings.trust), str(settings.trust_key), env.now(), MemoryVerifierStore())
        env_ = site.clock.env("wallet")
        wallet = Wallet(store=MemoryWalletStore(), trust=trust, send=site.send, env=env_, transaction_types=KNOWN)
        client = PortalClient(
            f"{ISSUER}/mydata",
            bank.recipient.id,
            signer=bank.key,
            redirect_uri=min(bank.recipient.redirect_uris),
            send=site.send,
            env=site.clock.env("bank"),
        )
        return cls(site, bank, client, wallet)

    def hold(self, citizen: str = "hong", kind: str = "mobile_resident_card") -> None:
        """Let the wallet have an identity of that person."""
        offer = self.site.service.issuance.offer(kind, subject=citizen)
        self.wallet.accept(offer.offer.uri, copies=2)

    def asked(self, bundle: str = "bank_personal_loan", days: int = 30) -> Asking:
        """A request that the bank has pushed."""
        return self.client.ask(bundle, days=days)

    def chosen(self, asking: Asking, *optional: str, **spoiled: str) -> str:
        """The address at which the consent waits for the wallet, after the person has chosen."""
        page = self.site.page(asking.url.removeprefix(ISSUER))
        hidden = dict(re.findall(r'<input type="hidden" name="(client_id|request_uri)" value="([^"]+)"', page))
        form = {"csrf": self.site.csrf, **hidden, "chosen": list(optional), **spoiled}
        answer = self.site.browser.post("/mydata/authorize", data=form, headers=HTML, follow_redirects=False)
        assert 303 == answer.status_code, answer.text
        return answer.headers["location"]

    def confirm(self, address: str) -> None:
        """Confirm in the wallet, by the link on the page."""
        page = self.site.page(address)
        (link,) = re.findall(r'<a class="button" href="(openid4vp:[^"]+)"', page)
        request = self.wallet.open(unescape(link))
        self.wallet.answer(request, self.wallet.match(request.query))

    def back(self, address: str) -> str:
        """Where the person is led once the consent is given."""
        page = self.site.page(address, csrf=self.site.csrf)
        (way,) = re.findall(r'<a class="button" href="([^"]+/return)"', page)
        return self.site.browser.get(way, headers=HTML, follow_redirects=False).headers["location"]

    def granted(self, bundle: str = "bank_personal_loan", *optional: str) -> Granted:
        """A token, after everything."""
        self.site.sign_in()
        self.hold()
        asking = self.asked(bundle)
        address = self.chosen(asking, *optional)
        self.confirm(address)
        return self.client.token(asking, self.back(address))


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
