"""Walks a kind through what is derived from its file: ``python unseen_kind.py KIND FOLDER WALK...``.

Run where the kind is in the catalogue; says as JSON what was seen. ``carried`` leaves in the folder a wallet that holds
it in every format, and what a bank needs to judge it; ``served``, after it, the records that the service read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from starlette.testclient import TestClient

from ewallet.env import Env
from ewallet.formats import FORMATS
from ewallet.oid4vci.offer import CredentialOffer
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.kit import SUBJECT, Kit
from ewallet.testing.pki import ISSUER
from issuer_service import settings
from issuer_service.app import create_app

PASSPHRASE = "a passphrase of nobody"


def carried(kind_id: str, folder: Path) -> dict[str, Any]:
    """Offered, received over the wire, asked for, shown and judged, in every format."""
    database = Database(f"sqlite:///{folder / 'data' / 'wallet' / 'wallet.db'}")
    store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    kit = Kit.make(clock=Clock(Env().now()), wallet_store=store)
    seen: dict[str, Any] = {}
    for format_id in FORMATS:
        offer: CredentialOffer = kit.issuance.offer(kind_id, subject=SUBJECT, format_id=format_id).offer
        (document,) = kit.wallet.accept(offer.uri, copies=3)
        presented = kit.present(kit.query(kind_id, ["reader_name", "loans", "may_borrow"]))
        verdict = kit.verify(*presented)
        seen[format_id] = {"held": document.held.format, "verdict": verdict.to_json()}
        if format_id != [*FORMATS][-1]:
            kit.wallet.forget(document.id)
    request = kit.verifier.ask(kit.query(kind_id, ["reader_name", "loans", "may_borrow"]), purpose="가상 열람 심사")
    (folder / "request.json").write_bytes(request.to_bytes())
    (folder / "status.jwt").write_text(kit.issuer.status_token(f"{ISSUER}/status/1"), "ascii")
    (folder / "trust.jwt").write_text(kit.pki.signed_trust_list(), "ascii")
    (folder / "operator.jwk").write_text(json.dumps(kit.pki.operator_key.jwk), "ascii")
    database.close()
    kit.pki.save(folder / "pki")
    return seen


def served(kind_id: str, folder: Path) -> dict[str, Any]:
    """The pages for citizens, and what wallets read."""
    record = folder / "records" / "hong" / f"{kind_id}.json"
    record.parent.mkdir(parents=True)
    kind = Kit.make().catalog.type(kind_id)
    record.write_text(json.dumps(dict(kind.sample), ensure_ascii=False), "utf-8")
    given = {
        "issuer": ISSUER,
        "issuer_keys": folder / "pki" / "signers",
        "records": f"folder:{folder / 'records'}",
        "data": folder / "service",
        "unsafe_loopback": True,
    }
    browser = TestClient(create_app(settings.read(given)), base_url=ISSUER, headers={"accept": "text/html"})
    browser.post("/sign-in", data={"citizen": "hong"})
    pages = {
        name: browser.get(path).text
        for name, path in (
            ("listing", "/"),
            ("detail", f"/kinds/{kind_id}"),
            ("detail_en", f"/kinds/{kind_id}?lang=en"),
            ("types", f"/types/{kind.vct}"),
            ("card", f"/cards/{kind_id}.ko.light.svg"),
            ("metadata", "/.well-known/openid-credential-issuer"),
            ("description", "/openapi.json"),
        )
    }
    browser.close()
    return pages


def printed(kind_id: str, folder: Path) -> dict[str, Any]:
    """Issued on paper, set, sealed, handed in as a file and as the code that is on it, and judged."""
    from ewallet.formats.paper import Paper
    from ewallet.paper import Form, pdf
    from ewallet.paper.reading import verify
    from ewallet.paper.seal import seal

    kit = Kit.make()
    kind, at = kit.catalog.type(kind_id), kit.clock.now()
    issued = kit.issuer.issue_paper(kind_id, kind.sample, subject=SUBJECT, recipient="가상은행", purpose="가상 심사")
    claims = Paper.open(issued.credential).check_disclosures().claims
    form = Form.of(kind, claims, receiver="가상은행", purpose="가상 심사")
    file = seal(pdf(form, credential=issued.credential, code=issued.code, at=at), kit.issuer.signer(kind_id), at)
    (folder / "printed.pdf").write_bytes(file)
    given: dict[str, bytes | str] = {"file": file, "code": issued.code}
    return {name: verify(kit.verifier, raw, catalog=kit.catalog).to_json() for name, raw in given.items()}


WALKS: Final = {"carried": carried, "served": served, "printed": printed}

if __name__ == "__main__":
    kind_id, place = sys.argv[1], Path(sys.argv[2])
    json.dump({walk: WALKS[walk](kind_id, place) for walk in sys.argv[3:]}, sys.stdout)
