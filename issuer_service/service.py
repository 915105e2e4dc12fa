"""What the service is made of: the issuer with its keys, its records, its database and its sessions."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ewallet import jose
from ewallet.catalog import Catalog
from ewallet.eligibility import EligibilityRecords
from ewallet.env import Env
from ewallet.errors import UsageError
from ewallet.files import read_secret
from ewallet.idempotency import Calls
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer
from ewallet.keys import SigningKey
from ewallet.mandates import Inbox, Mandates
from ewallet.records import Records
from ewallet.shape import instance, json_object
from ewallet.sql import Database
from issuer_service import operators
from issuer_service.records import Access, records_of
from issuer_service.session import Sessions
from issuer_service.settings import Settings

_LOG: Final = logging.getLogger("ewallet")
_MANDATES: Final = "mandates"
_STATUS = "status"  # the signer of the status lists of all systems


@dataclass(frozen=True, kw_only=True)
class Service:
    """One issuer, put together from its settings; the routes use it and add nothing."""

    settings: Settings
    env: Env
    database: Database
    issuer: Issuer
    status_signer: SigningKey = field(repr=False)
    issuance: Issuance
    records: Records
    mandates: Mandates
    sessions: Sessions
    operators: tuple[operators.Operator, ...]
    calls: Calls

    @classmethod
    def of(cls, settings: Settings, env: Env | None = None) -> Service:
        """The service of these settings; ``usage.*`` and ``storage.*`` say what is wrong with them."""
        env, catalog = env or Env(), Catalog.bundled()
        _folder(settings.data / "issuer")
        _LOG.info("database %s", settings.database_name)  # before it is opened: where it is damaged, it has its name
        database = Database(settings.database_url, env=env)
        signers = _signers(settings.issuer_keys)
        status_signer = signers.pop(_STATUS)
        issuer = Issuer(
            settings.issuer,
            signers=signers,
            status_signer=status_signer,
            catalog=catalog,
            store=database.issuer,
            env=env,
        )
        issuer.recover()
        records = records_of(settings.records, catalog, env, _access(settings))
        secret = _issuance(settings, issuer, records, database, env).server.tag(_MANDATES)
        kept = database.issuance
        mandates = Mandates(records, catalog, secret=secret, guardianships=records, env=env, endings=kept)
        issuance = _issuance(settings, issuer, mandates, database, env)
        return cls(
            settings=settings,
            env=env,
            database=database,
            issuer=issuer,
            status_signer=status_signer,
            issuance=issuance,
            records=records,
            mandates=mandates,
            sessions=Sessions(issuance.server, database.issuance, secure=settings.secure, env=env),
            operators=operators.read(settings.operators),
            calls=Calls(database.issuer_calls, env=env),
        )

    def answering(self, inbox: Inbox) -> Service:
        """The same service, which answers rules besides, and tells people of each answer there."""
        answers = EligibilityRecords(self.records, self.issuer.catalog, inbox=inbox, env=self.env)
        secret = self.issuance.server.tag(_MANDATES)
        mandates = Mandates(
            answers,
            self.issuer.catalog,
            secret=secret,
            guardianships=self.records,
            env=self.env,
            inbox=inbox,
            endings=self.database.issuance,
        )
        issuance = _issuance(self.settings, self.issuer, mandates, self.database, self.env)
        return replace(self, mandates=mandates, issuance=issuance)


def _issuance(settings: Settings, issuer: Issuer, records: Records, database: Database, env: Env) -> Issuance:
    return Issuance(
        issuer,
        records=records,
        store=database.issuance,
        env=env,
        names={"ko": settings.issuer_name_ko, "en": settings.issuer_name_en},
        encryption_keys=[_encryption_key(settings)],
    )


def _access(settings: Settings) -> Access:
    """How we show who we are to the service that has the records, where one has them."""
    return Access(
        token=settings.records_token,
        chain=settings.records_chain,
        key=settings.records_key,
        loopback=settings.unsafe_loopback,
    )


def _signers(folder: Path) -> dict[str, SigningKey]:
    paths = sorted(folder.glob("*.key"))
    found = {path.stem: SigningKey.load(path, chain=path.with_suffix(".pem")) for path in paths}
    if _STATUS not in found or len(found) == 1:
        raise UsageError("usage.configuration", "the folder of keys lacks status.key or the key of a national system")
    return found


def _encryption_key(settings: Settings) -> Mapping[str, Any]:
    """The private JWK that wallets encrypt requests to; made once, in the data folder, for all workers."""
    path = settings.encryption_keys or settings.data / "issuer" / "encryption.jwk"
    if settings.encryption_keys is None:
        made_once(path, lambda draft: write_secret(draft, json.dumps(jose.new_encryption_key())))
    return instance(json_object(read_secret(str(path), what="the encryption key")), dict, "the encryption key")


def made_once(path: Path, write: Callable[[Path], None]) -> None:
    """A file that is there whole or not at all; where another worker was first, its file stays."""
    if path.exists():
        return
    draft = path.with_suffix(f".{os.getpid()}")
    write(draft)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def write_secret(path: Path, text: str) -> None:
    """A file that only its owner may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError("usage.file", f"cannot make the data folder: {(exc.strerror or '').lower()}") from None
