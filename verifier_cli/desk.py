"""The service that flags and settings describe: whose name it asks in, where it listens, what it remembers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from socket import socket
from typing import Final
from urllib.parse import urlsplit

from ewallet.asgi import Guard
from ewallet.env import Env
from ewallet.errors import UsageError
from ewallet.exchange import Exchange
from ewallet.files import read_secret
from ewallet.idempotency import Calls
from ewallet.joint import Cases
from ewallet.keys import SigningKey
from ewallet.oid4vp.request import client_id
from ewallet.rate import RATE, Limiter, Rate
from ewallet.serving import Tls, listening
from ewallet.sql import Database
from ewallet.trust import TrustList
from verifier_cli import bundles, judge
from verifier_cli.deletions import Deletions
from verifier_cli.server import Desk, create_app
from verifier_cli.session import Session

LISTEN: Final = "127.0.0.1:8010"
_KEY: Final = 20  # characters of an API key: what `openssl rand -hex 16` prints is longer


def signer(session: Session) -> SigningKey:
    """The key that requests are signed with, and its certificates; ``usage.*``, ``storage.loose_mode``."""
    settings = session.settings
    return SigningKey.load(settings.required("signer"), chain=settings.required("chain"))


def bound(session: Session, usual: str = LISTEN) -> socket:
    """The socket that is listened on, the usual one where none is set; ``usage.*``."""
    host, colon, port = str(session.settings.get("listen") or usual).rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 0xFFFF:
        raise UsageError("usage.argument", "--listen takes HOST:PORT, such as 127.0.0.1:8010")
    return listening(host.strip("[]"), int(port))


def tls(session: Session) -> Tls | None:
    """The certificate that is served, where one is set; ``usage.configuration``."""
    chain, key = session.settings.get("tls_cert"), session.settings.get("tls_key")
    if bool(chain) != bool(key):
        raise UsageError("usage.configuration", "--tls-cert goes with --tls-key")
    return Tls(chain=Path(chain), key=Path(key)) if chain else None


def address(session: Session, at: socket) -> str:
    """Where wallets reach it: as it is set, else where it listens."""
    scheme = "https" if session.settings.get("tls_cert") else "http"
    return str(session.settings.get("url") or f"{scheme}://{_netloc(at)}")


def _netloc(at: socket) -> str:
    host, port = at.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def api_key(session: Session) -> str:
    """The key of the bank's own programs; ``usage.configuration``, ``storage.loose_mode``."""
    key = read_secret(session.settings.required("api_key_file"), what="the api key file").strip()
    if len(key) < _KEY:
        raise UsageError("usage.configuration", f"an api key of {len(key)} characters, expected {_KEY} or more")
    return key


@contextmanager
def opened(session: Session, url: str, at: socket, key: str, state: str) -> Iterator[tuple[Guard, Desk]]:
    """The service under that address, on that database; ``usage.*``, ``trust.*``, ``storage.*``."""
    database = Database(state)
    try:
        desk = _desk(session, url, database, at, key)
        yield create_app(desk), desk
    finally:
        database.close()


def state(session: Session) -> str:
    """The database that is set, else one in the data folder."""
    named = session.settings.get("state")
    if named:
        return str(named)
    from platformdirs import user_data_path

    data = os.environ.get("EWALLET_DATA")
    folder = (Path(data) if data else user_data_path("ewallet", appauthor=False)) / "verifier"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return f"sqlite:///{folder / 'verifier.db'}"


def _desk(session: Session, url: str, database: Database, at: socket, key: str) -> Desk:
    signs, store = signer(session), database.verifier
    verifier = judge.verifier_as(client_id(signs, session.args.prefix), session, store)
    exchange = Exchange(
        url,
        verifier=verifier,
        signer=signs,
        store=store,
        retain=_retain(session),
        redirects=session.args.redirect_to or (),
        confirmed=bundles.countersigner(signs, session.args.receipts, url),
    )
    trust = judge.trust(session, store)
    return Desk(
        exchange=exchange,
        verifier=verifier,
        recipient=bundles.recipient(verifier.client_id, signs),
        calls=Calls(database.verifier_calls),
        check_ready=lambda: _check_ready(database, trust, session.args.receipts),
        hosts=frozenset({urlsplit(exchange.url).netloc, _netloc(at)}),
        api_key=key,
        limiter=_limiter(session),
        proxies=int(session.settings.get("proxies") or 0),
        cases=Cases(exchange, store=database.cases),
        deletions=Deletions(exchange, signs, Env(), session.args.receipts),
    )


def cases(found: Desk) -> Cases:
    """The joint cases of a service; ``usage.configuration`` where it has none."""
    if found.cases is None:
        raise UsageError("usage.configuration", "a service that opens no joint cases")
    return found.cases


def _limiter(session: Session) -> Limiter | None:
    rate = Rate.parse(str(session.settings.get("limits") or RATE))
    return Limiter(rate) if rate else None


def _check_ready(database: Database, trust: TrustList, receipts: str | None) -> None:
    """Return if answers can be kept and judged, and where receipts are kept, those too."""
    database.ready()
    trust.check_in_force(Env().now())
    if receipts and not os.access(receipts, os.W_OK | os.X_OK):
        raise UsageError("usage.file", "the folder of receipts cannot be written")


def _retain(session: Session) -> timedelta | None:
    minutes = session.args.retain
    return None if minutes is None else timedelta(minutes=minutes)
