"""Write ``docs/reference/openapi/{issuer,verifier}.json``, what our services say of themselves: ``python docs/generate_openapi.py``."""  # noqa: INP001, E501 - a script, not a package; its first line is one line

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from ewallet.consent import Party
from ewallet.env import Env
from ewallet.exchange import Exchange
from ewallet.idempotency import Calls
from ewallet.joint import Cases
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.pki import Pki
from ewallet.verifier import Verifier
from issuer_service import app as issuer_app
from issuer_service import description as issuer
from issuer_service import settings
from issuer_service.mydata import MyDataDesk
from issuer_service.service import Service
from verifier_cli import description as verifier
from verifier_cli import server as verifier_server
from verifier_cli.deletions import Deletions

FOLDER: Final = Path(__file__).parent / "reference" / "openapi"
ISSUER: Final = "https://issuer.example.go.kr"
BANK: Final = "https://bank.example"


def pages() -> dict[str, str]:
    """Both descriptions as JSON text, by the names of their files."""
    pki = Pki.make(at=Clock().now(), issuer=ISSUER)
    return {"issuer.json": _text(_issuer(pki)), "verifier.json": _text(_verifier(pki))}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _issuer(pki: Pki) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        pki.save(folder)
        given = {
            "issuer": ISSUER,
            "issuer_keys": f"{folder}/signers",
            "records": "demo",
            "data": folder,
            "recipients": Path("database"),
            "trust": f"{folder}/trust-list.jwt",
            "trust_key": f"{folder}/operator.jwk",
            "portal_key": f"{folder}/verifier.key",
            "portal_chain": f"{folder}/verifier.pem",
        }
        service = Service.of(settings.read(given), Clock().env())
        app = issuer_app.framework(service, CollectorRegistry(), MyDataDesk.of(service))
        found = issuer.described(app, ISSUER)
        service.database.close()
    return found


def _verifier(pki: Pki) -> dict[str, Any]:
    database = Database.memory()
    judge = Verifier("x509_san_dns:bank.example", trust=pki.trust_list(), store=database.verifier)
    exchange = Exchange(BANK, verifier=judge, signer=pki.verifier, store=database.verifier)
    desk = verifier_server.Desk(
        exchange=exchange,
        verifier=judge,
        recipient=Party(id="https://bank.example", names={"ko": "가상은행", "en": "Invented Bank"}),
        calls=Calls(database.verifier_calls),
        check_ready=lambda: None,
        hosts=frozenset(),
        api_key="",
        cases=Cases(exchange, store=database.cases),
        deletions=Deletions(exchange, pki.verifier, Env()),
    )
    found = verifier.described(verifier_server.framework(desk, verifier_server.Metrics()), BANK)
    database.close()
    return found


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
