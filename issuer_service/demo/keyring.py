"""The keys and certificates of everybody in the demo, as files: each has their own, and all have the trust list."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.env import Env
from ewallet.history import key_of
from ewallet.keys import SigningKey
from ewallet.recipients import SCHEMA, Recipient
from ewallet.shape import certificate
from ewallet.testing.pki import Pki
from issuer_service.demo.place import Place, write_private

RECIPIENT: Final = "bank.example"
BUNDLE: Final = "bank_personal_loan"
CITIZEN: Final = "hong"
BANK: Final = "가상은행 (Example Bank)"
SHOP: Final = "가상편의점 (Example Shop)"
#: Who asks with a certificate of its own: where its key is, and its name.
_ASKING: Final = {
    "verifier": BANK,
    "counter": "가상시 체육관 (Example Sports Centre)",
    "shop": SHOP,
    "portal": "가상 마이데이터 포털 (Example Portal)",
}
_BACKDATED: Final = timedelta(days=2)  # certificates are rounded to the day, which begins later elsewhere
_REGISTERED: Final = timedelta(days=365)


def write_keys(place: Place, env: Env) -> SigningKey:
    """The operator's below ``trust/``, those of issuer and portal with the issuer, and the bank's, which is given."""
    log = SigningKey.generate("EdDSA")
    made = Pki.make(at=env.now() - _BACKDATED, issuer=place.issuer, verifier=place.bank)
    made = made.with_log(log_origin(place), log)
    asking = {who: _certified(made, name, _address(place, who)) for who, name in _ASKING.items()}
    pki = replace(made, verifier=asking["verifier"])
    trust, issuer = place.folder / "trust", place.folder / "issuer"
    pki.save(trust)
    issuer.mkdir(mode=0o700)
    shutil.move(trust / "signers", issuer / "signers")
    for suffix in (".key", ".pem"):
        (trust / f"verifier{suffix}").unlink()
    for who, key in asking.items():
        _write_signer(place.folder / who, key)
    _write_portal(place, env.now(), log)
    return pki.verifier


def _address(place: Place, who: str) -> str:
    return place.issuer if who == "portal" else place.bank


def _certified(pki: Pki, name: str, address: str) -> SigningKey:
    profile = replace(pki.profile("verifier", subject=name), names=(address,))
    return pki.signer("verifier", profile)


def _write_signer(folder: Path, key: SigningKey) -> None:
    """Its key and certificates, PEM."""
    folder.mkdir(mode=0o700, exist_ok=True)
    key.save(folder / "signer.key")
    pem = b"".join(certificate(der).public_bytes(Encoding.PEM) for der in key.chain)
    (folder / "signer.pem").write_bytes(pem)


def _write_portal(place: Place, at: datetime, log: SigningKey) -> None:
    """Who may ask the portal for what, and the key of its log, whose public half everybody may have."""
    desk = SigningKey.generate()
    (place.folder / "desk").mkdir(mode=0o700)
    desk.save(place.folder / "desk" / "signer.key")
    log.save(place.folder / "portal" / "log.key")
    recipients = {"schema": SCHEMA, "recipients": [_registered(place, desk, at).to_json()]}
    write_private(place.folder / "portal" / "recipients.json", json.dumps(recipients, ensure_ascii=False, indent=2))
    (place.folder / "trust" / "log.vkey").write_text(str(key_of(log_origin(place), log.public)), encoding="ascii")


def log_origin(place: Place) -> str:
    """The name of the portal's log of use."""
    return f"{urlsplit(place.issuer).netloc}/mydata/log"


def _registered(place: Place, desk: SigningKey, at: datetime) -> Recipient:
    return Recipient(
        id=RECIPIENT,
        names={"ko": "가상은행", "en": "Example Bank"},
        class_="bank",
        keys=(desk.public,),
        bundles=frozenset({BUNDLE}),
        until=at + _REGISTERED,
        redirect_uris=frozenset({f"{place.desk}/return"}),
    )
