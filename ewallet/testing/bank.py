"""A bank that is registered at a portal: its key, its registration, and the file that a service reads it from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ewallet.env import Env
from ewallet.files import read_trust
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.portal.client import PortalClient
from ewallet.recipients import SCHEMA, Recipient
from ewallet.testing.stores import MemoryVerifierStore, MemoryWalletStore
from ewallet.transactions import KNOWN
from ewallet.wallet import Wallet

ID: Final = "bank.example"
BACK: Final = "https://bank.example/mydata/return"


@dataclass(frozen=True, kw_only=True)
class Bank:
    """A recipient with its private key."""

    recipient: Recipient
    key: SigningKey = field(repr=False)

    @classmethod
    def make(cls, at: datetime, *, id_: str = ID, redirect_uri: str = BACK, class_: str = "bank") -> Bank:
        """A bank with a fresh key, registered for a loan for a year from then."""
        key = SigningKey.generate()
        recipient = Recipient(
            id=id_,
            names={"ko": "가상은행", "en": "Example Bank"},
            class_=class_,
            keys=(key.public,),
            bundles=frozenset({"bank_personal_loan", "local_youth_job_support"}),
            until=at + timedelta(days=365),
            redirect_uris=frozenset({redirect_uri}),
        )
        return cls(recipient=recipient, key=key)


def register(file: Path, *recipients: Recipient) -> Path:
    """The file of registrations."""
    document = {"schema": SCHEMA, "recipients": [recipient.to_json() for recipient in recipients]}
    file.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return file


def portal(folder: Path, bank: Bank) -> dict[str, str]:
    """The settings of a service in that folder of keys, by which it is a portal with that one recipient."""
    return {
        "RECIPIENTS": str(register(folder / "recipients.json", bank.recipient)),
        "TRUST": str(folder / "trust-list.jwt"),
        "TRUST_KEY": str(folder / "operator.jwk"),
        "PORTAL_KEY": str(folder / "verifier.key"),
        "PORTAL_CHAIN": str(folder / "verifier.pem"),
    }


@dataclass(frozen=True, kw_only=True)
class Town:
    """A portal as a process, the bank that is registered there, and a wallet, all on this machine."""

    origin: str
    client: PortalClient
    wallet: Wallet

    @classmethod
    def of(cls, origin: str, folder: Path, bank: Bank) -> Town:
        """The town around a service in that folder of keys."""
        env, send = Env(), Http(unsafe_loopback=True)
        trust, key = str(folder / "trust-list.jwt"), str(folder / "operator.jwk")
        believed = read_trust(trust, key, env.now(), MemoryVerifierStore())
        wallet = Wallet(store=MemoryWalletStore(), trust=believed, send=send, env=env, transaction_types=KNOWN)
        back = min(bank.recipient.redirect_uris)
        client = PortalClient(
            f"{origin}/mydata", bank.recipient.id, signer=bank.key, redirect_uri=back, send=send, env=env
        )
        return cls(origin=origin, client=client, wallet=wallet)

    def confirm(self, link: str) -> None:
        """Confirm in the wallet what a link asks for."""
        request = self.wallet.open(link)
        self.wallet.answer(request, self.wallet.match(request.query))
