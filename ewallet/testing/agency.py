"""A portal of tests in this process: two registered recipients, and agencies that provide without asking anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from ewallet.catalog import Catalog
from ewallet.catalog.claims import Pattern
from ewallet.consent import Choice, Consent
from ewallet.env import Env
from ewallet.errors import ConsentError, NotFound, PolicyError, ProtocolError
from ewallet.flow import Request, Response
from ewallet.history import Event, Logged, commit, new_handle
from ewallet.jose import to_json
from ewallet.keys import SigningKey
from ewallet.oauth import ErrorResponse
from ewallet.package import Package, payload_of
from ewallet.portal import Notice, Portal
from ewallet.portal.client import PortalClient
from ewallet.receipt.taken import Expected
from ewallet.recipients import Recipient, RecipientTable
from ewallet.testing.clock import Clock
from ewallet.testing.history import Register
from ewallet.testing.portal import MemoryPortalStore

PORTAL: Final = "https://issuer.example.go.kr/mydata"
BANK: Final = "bank.example"
OTHER: Final = "insurer.example"
BACK: Final = "https://bank.example/mydata/return"
BUNDLE: Final = "bank_personal_loan"
CYCLES: Final = "local_youth_job_support"
_SECRET: Final = bytes(range(32))


@dataclass
class Agencies:
    """A :class:`ewallet.portal.Provider` with members that say nothing."""

    env: Env
    consents: dict[str, Consent] = field(default_factory=dict)
    register: Register = field(default_factory=Register)
    over: str = ""
    _packages: dict[str, Package] = field(default_factory=dict)

    def consent(self, consent_id: str, recipient: str) -> Consent:
        if consent_id not in self.consents:
            raise NotFound("storage.not_found", "no consent of that identifier")
        if self.consents[consent_id].recipient.id != recipient:
            raise ConsentError("consent.recipient", "the consent names another recipient")
        if self.over:
            raise ConsentError(self.over, "it is over")
        return self.consents[consent_id]

    def download(self, consent_id: str, *, recipient: str, key: str, asked: Mapping[str, Iterable[Pattern]]) -> Package:
        consent = self.consent(consent_id, recipient)
        for type_id, paths in asked.items():
            consent.check_covers(type_id, paths)
        return self._packages.setdefault(consent_id, self._package(consent, key))

    def receipted(self, consent_id: str, half: str, expected: Expected) -> int:
        """Members that say nothing are not signed for."""
        raise PolicyError("receipt.invalid", "signed for another package")

    def fulfil(self, consent_id: str, *, recipient: str) -> None:
        self.consent(consent_id, recipient)
        del self.consents[consent_id]

    def messages(self, recipient: str) -> tuple[Notice, ...]:
        """There is nothing to tell anybody."""
        return ()

    def told(self, message_id: str) -> None:
        """Nobody was told anything."""

    def _package(self, consent: Consent, key: str) -> Package:
        members = (f"member-for-{key}",)
        made = commit(payload_of(consent, members), self.env.random)
        event = Event(
            type="package.downloaded",
            at=self.env.now(),
            commitment=made.value,
            subject=new_handle(self.env.random),
            object=new_handle(self.env.random),
        )
        entry = self.register.store.append(event)
        logged = Logged(entry.to_bytes(), self.register.log.inclusion(entry.seq), made.blinding)
        return Package(consent=consent, members=members, logged=logged)


@dataclass
class PortalSite:
    """The portal, whoever has registered there, and the clock."""

    clock: Clock
    catalog: Catalog
    agencies: Agencies
    portal: Portal
    keys: dict[str, SigningKey]
    recipients: dict[str, Recipient]

    @classmethod
    def make(cls, catalog: Catalog, clock: Clock | None = None) -> PortalSite:
        """A fresh one."""
        clock = clock or Clock()
        keys = {BANK: SigningKey.generate(), OTHER: SigningKey.generate()}
        until = clock.now() + timedelta(days=365)
        recipients = {
            id_: Recipient(
                id=id_,
                names={"ko": "가상은행", "en": "Example Bank"},
                class_=catalog.bundle(bundle).recipient_class,
                keys=(keys[id_].public,),
                bundles=frozenset({bundle}),
                until=until,
                redirect_uris=frozenset({BACK}),
            )
            for id_, bundle in ((BANK, BUNDLE), (OTHER, CYCLES))
        }
        agencies = Agencies(clock.env("agencies"))
        portal = Portal(
            PORTAL,
            recipients=RecipientTable(tuple(recipients.values())),
            provider=agencies,
            catalog=catalog,
            store=MemoryPortalStore(),
            secret=_SECRET,
            env=clock.env("portal"),
        )
        return cls(clock, catalog, agencies, portal, keys, recipients)

    def client(self, id_: str = BANK) -> PortalClient:
        """A registered recipient."""
        return PortalClient(
            PORTAL, id_, signer=self.keys[id_], redirect_uri=BACK, send=self.send, env=self.clock.env(f"client {id_}")
        )

    def register(self, recipient: Recipient) -> None:
        """Change a registration."""
        self.recipients[recipient.id] = recipient
        self.portal.recipients = RecipientTable(tuple(self.recipients.values()))

    def send(self, request: Request) -> Response:
        """As a recipient sends it."""
        path = request.url.partition("?")[0].removeprefix(PORTAL)
        portal = self.portal
        endpoints = {
            "/par": portal.push,
            "/token": portal.token,
            "/packages": portal.packages,
            "/receipts": portal.receipts,
        }
        if path not in endpoints:
            return Response(200, {"content-type": "application/json"}, to_json(self.portal.metadata()))
        try:
            return endpoints[path](request)
        except ProtocolError as exc:
            headers = {name.lower(): value for name, value in exc.headers.items()}
            return Response(exc.status, headers, ErrorResponse.of(exc).to_bytes())

    def agreed(self, url: str, bundle: str = BUNDLE) -> str:
        """Where a person who says yes to a pushed request comes back to."""
        request_uri = asked(url)["request_uri"]
        pushed = self.portal.pushed(asked(url)["client_id"], request_uri)
        consent = Consent.propose(
            self.catalog.bundle(bundle),
            self.catalog,
            Choice(road="portal", days=pushed.details.days, lang=pushed.details.lang),
            id_=new_handle(self.agencies.env.random),
            recipient=self.portal.recipient(pushed).party,
            since=self.clock.now(),
        )
        self.agencies.consents[consent.id] = consent
        return self.portal.grant(request_uri, consent.id)


def asked(url: str) -> dict[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(urlsplit(url).query))
