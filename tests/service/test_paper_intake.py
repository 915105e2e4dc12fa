"""Certificates on paper that programs of a bank send to its service: files, pictures, and what is neither."""

from __future__ import annotations

import asyncio
import json
from threading import Event

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from ewallet import qr
from ewallet.asgi import MAX_BODY
from ewallet.catalog import Catalog
from ewallet.consent import Party
from ewallet.exchange import Exchange
from ewallet.idempotency import Calls
from ewallet.paper import Form, pdf
from ewallet.sql import Database
from verifier_cli.intake import MAX_PAPER, Handed, Intake
from verifier_cli.server import Desk, create_app

KIND = "resident_register_copy"
BANK = "https://bank.example"
KEY = "an-api-key-of-nobody"
SCHEMA = Catalog.bundled().folder / "verdict.schema.json"


@pytest.fixture
def issued(ewallet_kit):
    """A certificate on paper, of which its issuer can be asked whether it still holds."""
    kit = ewallet_kit
    kind = kit.catalog.type(KIND)
    made = kit.issuer.issue_paper(KIND, kind.sample, subject="citizen-1", recipient="가상은행", purpose="대출 심사")
    kit.verifier.put_status_token(kit.issuer.status_token(kit.issuer.status_lists()[0]))
    return made


@pytest.fixture
def hand_in(ewallet_kit):
    """Send a body of that type to the service of a bank."""
    kit, database = ewallet_kit, Database.memory()
    store = database.verifier
    desk = Desk(
        exchange=Exchange(BANK, verifier=kit.verifier, signer=kit.pki.verifier, store=store, env=kit.env),
        verifier=kit.verifier,
        calls=Calls(database.verifier_calls, env=kit.env),
        check_ready=database.ready,
        hosts=frozenset({"bank.example"}),
        recipient=Party(id=BANK, names={"ko": "가상은행", "en": "Invented Bank"}),
        api_key=KEY,
    )

    def send(body, media_type, key=KEY):
        headers = {"content-type": media_type, "authorization": f"Bearer {key}"}
        return client.post("/v1/verify", content=body, headers=headers)

    with TestClient(create_app(desk), base_url=BANK, raise_server_exceptions=False) as client:
        yield send
    database.close()


@pytest.fixture
def file(ewallet_kit, issued):
    """The sealed file of it, or one that says something else."""
    for module in ("pyhanko", "pypdfium2", "typst"):
        pytest.importorskip(module)
    from ewallet.formats.paper import Paper
    from ewallet.paper.seal import seal

    kit, kind = ewallet_kit, ewallet_kit.catalog.type(KIND)
    claims = dict(Paper.open(issued.credential).check_disclosures().claims)

    def made(**changes):
        form = Form.of(kind, claims | changes, receiver="가상은행", purpose="대출 심사")
        raw = pdf(form, credential=issued.credential, code=issued.code, at=kit.clock.now())
        return seal(raw, kit.issuer.signer(KIND), kit.clock.now())

    return made


def test_a_picture_of_the_code_is_judged(hand_in, issued):
    """The document is the published one; the holder is not bound, and the print was not read."""
    answered = hand_in(qr.png(issued.code), "image/png")
    found = answered.json()

    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8"))).validate(found)
    assert (200, "accepted") == (answered.status_code, found["verdict"])
    assert ("not_read", "not_bound", "checked") == tuple(
        found["paper"][name] for name in ("print", "holder", "revocation")
    )


def test_a_sealed_file_is_judged(hand_in, file):
    """Each printed value is the signed one."""
    found = hand_in(file(), "application/pdf; charset=binary").json()

    assert ("accepted", "compared", []) == (found["verdict"], found["paper"]["print"], found["paper"]["differences"])


def test_a_digit_that_is_printed_otherwise_is_named(hand_in, file, ewallet_kit):
    """The path of the claim, for the program; the value it was signed with, for the clerk."""
    number = ewallet_kit.catalog.type(KIND).sample["document_number"]
    found = hand_in(file(document_number=number[:-1] + str((int(number[-1]) + 1) % 10)), "application/pdf").json()

    assert ("rejected", "paper.text_differs") == (found["verdict"], found["code"])
    assert ["document_number"] in [each["path"] for each in found["paper"]["differences"]]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"%PDF-1.7", "image/png"), (b"\x89PNG\r\n\x1a\n", "application/pdf"), (b"GIF89a", "image/gif"), (b"{}", "")],
)
def test_a_body_that_is_not_what_it_says_is_refused(hand_in, body, media_type):
    """By its first bytes, before anything reads it."""
    answered = hand_in(body, media_type)

    assert (415, "request.invalid") == (answered.status_code, answered.json()["code"])


@pytest.mark.parametrize(("body", "media_type"), [(b"%PDF-", "application/pdf"), (b"\xff\xd8\xff", "image/jpeg")])
def test_a_damaged_file_is_rejected_and_no_fault(hand_in, body, media_type):
    """A verdict like another, for whoever sent the file on."""
    pytest.importorskip("pypdfium2")
    found = hand_in(body + b"\0" * 1000, media_type)

    assert (200, "rejected") == (found.status_code, found.json()["verdict"])
    assert found.json()["code"].startswith("malformed.")


@pytest.mark.parametrize(
    ("size", "media_type", "key", "status"),
    [
        (MAX_BODY + 1, "image/png", KEY, 200),
        (MAX_PAPER, "image/png", KEY, 200),
        (MAX_PAPER + 1, "image/png", KEY, 413),
        (MAX_BODY + 1, "application/json", KEY, 413),
        (MAX_BODY + 1, "image/png", "another-key-of-nobody", 413),
        (10, "image/png", "another-key-of-nobody", 401),
    ],
)
def test_only_who_has_the_key_may_send_as_much_as_a_file(hand_in, size, media_type, key, status):
    """Others have no more room than for JSON."""
    body = b"\x89PNG\r\n\x1a\n".ljust(size, b"\0")

    assert status == hand_in(body, media_type, key).status_code


def test_few_files_are_read_at_once(ewallet_kit):
    """Whoever sends many waits for its turn; what else the service does goes on."""
    reading, most, gate = 0, 0, Event()

    class Slow(Intake):
        def _printed(self, body):
            nonlocal reading, most
            reading += 1
            most = max(most, reading)
            gate.wait(0.05)
            reading -= 1
            return {"body": body.decode()}

    async def all_of_them():
        intake = Slow(ewallet_kit.verifier)
        return await asyncio.gather(*(intake.verdict(Handed("application/pdf", b"%d" % n)) for n in range(6)))

    assert [{"body": str(number)} for number in range(6)] == asyncio.run(all_of_them())
    assert 2 == most
