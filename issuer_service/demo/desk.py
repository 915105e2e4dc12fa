"""``python -m issuer_service.demo.desk PORTAL ADDRESS``: the loan desk of a bank that is registered at the portal.

A site with one button. It sends whoever presses it to the portal, takes them back with a code, downloads what they
consented to, judges it, and keeps package and verdict in its folder. Asked again under a consent it shows what the
portal says then. Its pages are in Korean and English.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Form
from fastapi import Request as WebRequest
from fastapi.responses import HTMLResponse, RedirectResponse

from ewallet import command, oauth
from ewallet.asgi import Guard
from ewallet.catalog import Catalog
from ewallet.env import Env
from ewallet.errors import EWalletError, Language, NotFound, ProtocolError, words
from ewallet.files import read_trust
from ewallet.history import Believed, NoteKey
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.package import Receiving
from ewallet.portal.client import Asking, Granted, PortalClient, Received
from ewallet.serving import Tls, listening, serve
from ewallet.sql import Database
from ewallet.verdict import Accepted, Verdict
from ewallet.verifier import Verifier
from issuer_service.demo.keyring import BUNDLE, RECIPIENT
from issuer_service.demo.page import POLICY, whole
from issuer_service.demo.stage import as_json
from issuer_service.demo.told import told

DAYS: Final = 30
_SAYS: Final[dict[Language, dict[str, str]]] = {
    "ko": {
        "title": "가상은행 대출 창구",
        "lead": "신용대출 심사에 필요한 서류를 공공 마이데이터 포털에 요청합니다. 포털에서 동의해야 보내집니다.",
        "ask": "마이데이터로 서류 보내기",
        "accepted": "받았고, 검증했습니다.",
        "refused": "포털이 보내지 않았습니다.",
        "access_denied": "포털에서 동의하지 않으셨습니다. 아무것도 받지 않았습니다.",
        "again": "다시 내려받기",
        "home": "처음으로",
    },
    "en": {
        "title": "Example Bank, loan desk",
        "lead": "We ask the public MyData portal for what a loan needs. Nothing is sent before you consent there.",
        "ask": "Send my papers by MyData",
        "accepted": "Received, and verified.",
        "refused": "The portal did not send it.",
        "access_denied": "You did not consent at the portal. Nothing was received.",
        "again": "Download again",
        "home": "Back to the beginning",
    },
}


@dataclass
class Desk:
    """What the bank does: asks, takes people back, downloads and judges. ``folder`` keeps what came."""

    client: PortalClient
    verifier: Verifier
    receiving: Receiving
    folder: Path
    _asked: dict[str, Asking] = field(default_factory=dict, repr=False)
    _granted: dict[str, Granted] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, portal: str, address: str, data: Path) -> Desk:
        """The desk whose files are in that folder."""
        env, folder = Env(), data / "desk"
        key = SigningKey.load(folder / "signer.key")
        store = Database(f"sqlite:///{folder / 'desk.db'}", env=env).verifier
        trust = read_trust(os.environ["EWALLET_TRUST"], os.environ["EWALLET_TRUST_KEY"], env.now(), store)
        believed = Believed(log=(NoteKey.read((data / "trust" / "log.vkey").read_text("ascii")),))
        client = PortalClient(portal, RECIPIENT, signer=key, redirect_uri=f"{address}/return", send=Http())
        receiving = Receiving(
            recipient=RECIPIENT, key=key.public.thumbprint, believed=believed, catalog=Catalog.bundled()
        )
        return cls(client, Verifier(RECIPIENT, trust=trust, store=store, send=Http()), receiving, folder)

    @property
    def consents(self) -> list[str]:
        """The consents under which something came."""
        return list(self._granted)

    def ask(self, lang: Language) -> str:
        """Push a request; the address to which the person is led."""
        asking = self.client.ask(BUNDLE, days=DAYS, lang=lang)
        self._asked[asking.state] = asking
        return asking.url

    def take(self, came_back_to: str) -> str:
        """Redeem the code with which a person came back; the consent that it was for."""
        state = oauth.answered(came_back_to).get("state", "")
        asking = self._asked.pop(state, None)
        if asking is None:
            raise ProtocolError("request.invalid", "nobody was sent there from here, or they are back already")
        granted = self.client.token(asking, came_back_to)
        self._granted[granted.consent_id] = granted
        return granted.consent_id

    def download(self, consent_id: str) -> Verdict:
        """What is to be thought of what the portal provides under a consent; both are kept."""
        granted = self._granted.get(consent_id)
        if granted is None:
            raise NotFound("storage.not_found", "no consent that was given here")
        received = self.client.take(granted)
        verdict = self.verifier.verify_package(received.package.to_bytes(), self.receiving)
        self._keep(received, verdict)
        return verdict

    def _keep(self, received: Received, verdict: Verdict) -> None:
        (self.folder / "package.json").write_bytes(received.package.to_bytes())
        if received.receipt:
            (self.folder / "package-receipt.jwt").write_text(received.receipt, encoding="ascii")
        (self.folder / "verdict.json").write_text(as_json(verdict.to_json()), encoding="utf-8")


def app(desk: Desk, portal: str, host: str) -> Guard:
    """The site."""
    site, policy = FastAPI(openapi_url=None), f"{POLICY}; form-action 'self' {_origin(portal)}"

    def shown(request: WebRequest, body: str, status: int = 200) -> HTMLResponse:
        said, lang = _said(request)
        html = whole(said["title"], f"<h1>{said['title']}</h1>{body}", lang)
        return HTMLResponse(html, status, {"content-security-policy": policy})

    @site.get("/")
    def home(request: WebRequest) -> HTMLResponse:
        said, _ = _said(request)
        asking = f'<p>{said["lead"]}</p><form method="post" action="/ask"><button>{said["ask"]}</button></form>'
        return shown(request, asking + "".join(_again(consent_id, said) for consent_id in desk.consents))

    @site.post("/ask")
    def ask(request: WebRequest) -> RedirectResponse:
        return RedirectResponse(desk.ask(_said(request)[1]), 303)

    @site.get("/return")
    def come_back(request: WebRequest) -> RedirectResponse:
        return RedirectResponse(f"/consents/{desk.take(str(request.url))}", 303)

    @site.get("/consents/{consent_id}")
    @site.post("/again")
    def download(request: WebRequest, consent_id: str = "", consent: Annotated[str, Form()] = "") -> HTMLResponse:
        said, lang = _said(request)
        verdict = desk.download(consent_id or consent)
        return shown(request, _judged(verdict, said, lang) + _again(consent_id or consent, said))

    @site.exception_handler(EWalletError)
    def refused(request: WebRequest, exc: EWalletError) -> HTMLResponse:
        said, lang = _said(request)
        code = getattr(exc, "error", "") or exc.code
        why = f'<p>{said["refused"]} <code id="code">{escape(code)}</code></p><p>{escape(_meant(code, lang))}</p>'
        return shown(request, f'{why}<p><a class="load" href="/">{said["home"]}</a></p>', 403)

    return Guard(site, hosts=[host])


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _said(request: WebRequest) -> tuple[dict[str, str], Language]:
    """The words in the language of the browser; Korean unless it begins with English."""
    lang: Language = "en" if request.headers.get("accept-language", "").lower().startswith("en") else "ko"
    return _SAYS[lang], lang


def _meant(code: str, lang: Language) -> str:
    try:
        return words(code, lang).what
    except KeyError:  # an error of OAuth
        return _SAYS[lang].get(code, "")


def _again(consent_id: str, said: dict[str, str]) -> str:
    hidden = f'<input type="hidden" name="consent" value="{escape(consent_id)}">'
    return f'<form method="post" action="/again">{hidden}<p><button>{said["again"]}</button></p></form>'


def _judged(verdict: Verdict, said: dict[str, str], lang: Language) -> str:
    if not isinstance(verdict, Accepted):
        code = verdict.code or ""
        return f'<p><code id="code">{escape(code)}</code> {escape(_meant(code, lang))}</p>'
    lists = "".join(_listed(title, lines) for title, lines in told(verdict.claims, lang))
    return f"<p>{said['accepted']}</p>{lists}"


def _listed(title: str, lines: list[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>"


def _program(argv: list[str]) -> int:
    portal, address = argv
    settings = os.environ
    host, _, port = settings["EWALLET_LISTEN"].rpartition(":")
    chain, key = settings.get("EWALLET_TLS_CERT"), settings.get("EWALLET_TLS_KEY")
    made = app(Desk.of(portal, address, Path(settings["EWALLET_DATA"])), portal, urlsplit(address).netloc)
    bound = listening(host.strip("[]"), int(port))
    serve(made, bound, tls=Tls(chain=Path(chain), key=Path(key)) if chain and key else None)
    return 0


if __name__ == "__main__":
    sys.exit(command.run(_program, None))
