"""What the service is made of besides, where it is a portal: consents, the log of use, and who may ask for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ewallet.errors import UsageError
from ewallet.exchange import Exchange
from ewallet.files import read_secret, read_trust
from ewallet.flow import Request, Response, Send
from ewallet.history import Log
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.mydata import MyData, Registers
from ewallet.oid4vp.request import client_id
from ewallet.paper import own
from ewallet.portal import Portal
from ewallet.portal.agreement import Agreement, Receipts
from ewallet.recipients import RecipientFile, Recipients, Registry
from ewallet.shape import base64url, to_base64url
from ewallet.sql import Database
from ewallet.trust import TrustList
from ewallet.vault import Vault
from ewallet.verifier import Verifier
from issuer_service import witnesses
from issuer_service.service import Service, made_once, write_secret
from issuer_service.settings import Settings
from issuer_service.witnesses import Witnesses

_READ: Final = timedelta(minutes=10)  # as long as a proposal waits for its person to go on
_MASTER: Final = 32
_DATABASE: Final = Path("database")


@dataclass(frozen=True, kw_only=True)
class MyDataDesk:
    """The parts of a portal; the routes use them and add nothing."""

    mydata: MyData
    portal: Portal
    agreement: Agreement
    exchange: Exchange
    receipts: Receipts
    log: Log
    keys: Database
    registry: Registry | None = None
    witnesses: Witnesses | None = None

    @classmethod
    def of(cls, service: Service) -> MyDataDesk | None:
        """The parts that the settings of a service describe; None where it is no portal; ``usage.*``, ``trust.*``."""
        settings, env = service.settings, service.env
        if settings.recipients is None:
            return None
        trust = _trust(service)
        recipients, registry = _recipients(service)
        keys = Database(settings.vault_url, env=env)
        if settings.log_key is None:
            made_once(_log_file(settings), lambda draft: SigningKey.generate("EdDSA").save(draft))
        log = log_of(settings, log_key(settings), service.database, keys)
        mydata = MyData(
            service.issuer,
            registers=Registers(records=service.records, recipients=recipients, trust=trust),
            vault=Vault(keys.keys, _master(service), env.random),
            store=service.database.mydata,
            log=log,
            env=env,
            exporters=own.exporters(),
        )
        mydata.recover()
        portal = Portal(
            settings.portal,
            recipients=recipients,
            provider=mydata,
            catalog=service.issuer.catalog,
            store=service.database.portal,
            secret=service.issuance.server.tag("portal"),
            env=env,
        )
        withdrawal = f"{settings.issuer}/my/consents"
        receipts = Receipts(portal.steps, _portal_key(settings), log, env, withdrawal=withdrawal)
        exchange = _exchange(service, trust, receipts)
        agreement = Agreement(
            portal,
            exchange=exchange,
            receipts=receipts,
            giver=mydata,
            records=service.records,
            catalog=service.issuer.catalog,
        )
        return cls(
            mydata=mydata,
            portal=portal,
            agreement=agreement,
            exchange=exchange,
            receipts=receipts,
            log=log,
            keys=keys,
            registry=registry,
            witnesses=_witnesses(service, log),
        )


def _recipients(service: Service) -> tuple[Recipients, Registry | None]:
    """Registrations in a file, or in the database, where operators change them."""
    setting = service.settings.recipients
    if setting == _DATABASE:
        registry = service.database.recipients
        return registry, registry
    return RecipientFile(setting or _DATABASE), None


def _trust(service: Service) -> TrustList:
    settings = service.settings
    if settings.trust is None or settings.trust_key is None:
        raise UsageError("usage.configuration", "a portal needs EWALLET_TRUST and EWALLET_TRUST_KEY")
    return read_trust(str(settings.trust), str(settings.trust_key), service.env.now(), service.database.verifier)


def _portal_key(settings: Settings) -> SigningKey:
    if settings.portal_key is None or settings.portal_chain is None:
        raise UsageError("usage.configuration", "a portal needs EWALLET_PORTAL_KEY and EWALLET_PORTAL_CHAIN")
    return SigningKey.load(settings.portal_key, chain=settings.portal_chain)


def _exchange(service: Service, trust: TrustList, receipts: Receipts) -> Exchange:
    """The portal as a verifier: it asks people's wallets for an identity, and believes what any verifier believes."""
    store, signer = service.database.verifier, _portal_key(service.settings)
    verifier = Verifier(client_id(signer), trust=trust, store=store, send=_send(service), env=service.env)
    return Exchange(
        f"{service.settings.portal}/vp",
        verifier=verifier,
        signer=signer,
        store=store,
        retain=_READ,
        confirmed=receipts.confirmed,
        env=service.env,
    )


def _send(service: Service) -> Send:
    """Our own status lists without a detour through the network, everybody else's as usual."""
    own, http = f"{service.settings.issuer}/status/", Http(unsafe_loopback=service.settings.unsafe_loopback)

    def send(request: Request) -> Response:
        if request.method == "GET" and request.url.startswith(own):
            return service.issuance(request)
        return http(request)

    return send


def _witnesses(service: Service, log: Log) -> Witnesses | None:
    """Those of our settings, which may be in a network of our own."""
    file, loopback = service.settings.witnesses, service.settings.unsafe_loopback
    if file is None:
        return None
    known = witnesses.read(file, log, loopback=loopback)
    return Witnesses(log, known, Http(unsafe_loopback=loopback, own_network=True))


def log_of(settings: Settings, key: SigningKey, database: Database, keys: Database) -> Log:
    """The log of use of a portal with these databases."""
    return Log(f"{urlsplit(settings.issuer).netloc}{settings.path}/mydata/log", key, database.history, keys.heads)


def log_key(settings: Settings) -> SigningKey:
    """The key that checkpoints are signed with, one for all workers; ``usage.*``, ``storage.loose_mode``."""
    return SigningKey.load(_log_file(settings))


def _log_file(settings: Settings) -> Path:
    return settings.log_key or settings.data / "issuer" / "log.key"


def _master(service: Service) -> bytes:
    """The key that seals the keys of people: to be kept where their database is not."""
    settings = service.settings
    path: Path = settings.vault_key or settings.data / "issuer" / "vault.key"
    if settings.vault_key is None:
        made_once(path, lambda draft: write_secret(draft, to_base64url(service.env.random(_MASTER))))
    return base64url(read_secret(str(path), what="the key of the vault").strip(), "the key of the vault")
