"""The wallet's command against an issuer and a bank that serve HTTP on this machine: QR pictures in, a verdict out."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ewallet import qr
from ewallet.catalog import Catalog
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.exchange import Exchange
from ewallet.flow import Request
from ewallet.http import Http
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer
from ewallet.oid4vp import TransactionData
from ewallet.oid4vp.response import Declined
from ewallet.testing.issuance import MemoryIssuanceStore, SampleRecords
from ewallet.testing.peers import bank_host
from ewallet.testing.pki import Pki
from ewallet.testing.stores import MemoryIssuerStore, MemoryVerifierStore
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier

pytestmark = pytest.mark.loopback

KIND = "resident_register_copy"
ASKED = ["resident_address", "is_householder"]
TRUST = ("--trust", "trust.jwt", "--trust-key", "operator.jwk", "--data", "data", "--passphrase-file", "passphrase")


class _Server(ThreadingHTTPServer):
    """A host of ours on a port of this machine."""

    host = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    """Carries a request to the host of its server, and the response back."""

    def _carry(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        server: Any = self.server
        response = server.host(Request(self.command, f"{server.url}{self.path}", headers, body))
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = _carry  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_arguments):
        """Tests are quiet."""


@contextmanager
def _server():
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Town:
    """An issuer and a bank on loopback, and a holder's desk with an empty wallet."""

    def __init__(self, desk, issuer, bank):
        pki = Pki.make(at=Env().now(), issuer=issuer.url, verifier=bank.url)
        catalog, trust = Catalog.bundled(), pki.trust_list()
        store = MemoryIssuerStore()
        self.records = SampleRecords(catalog)
        self.issuance = Issuance(
            Issuer(issuer.url, signers=pki.signers, status_signer=pki.status_signer, catalog=catalog, store=store),
            records=self.records,
            store=MemoryIssuanceStore(),
        )
        kept = MemoryVerifierStore()
        send = Http(unsafe_loopback=True)
        verifier = Verifier("x509_san_dns:127.0.0.1", trust=trust, store=kept, send=send)
        self.exchange = Exchange(bank.url, verifier=verifier, signer=pki.verifier, store=kept)
        issuer.host, bank.host = self.issuance, bank_host(self.exchange)
        self.query = Query.for_type(catalog.type(KIND), ASKED)
        self.desk, folder = desk, desk.folder
        (folder / "trust.jwt").write_text(pki.signed_trust_list(), "ascii")
        (folder / "operator.jwk").write_text(json.dumps(pki.operator_key.jwk), "ascii")

    def offer(self, *, tx_code=False):
        """An offer of the kind, drawn as a picture."""
        offered = self.issuance.offer(KIND, subject="citizen-1", tx_code=tx_code)
        qr.png(offered.reference.uri, self.desk.folder / "offer.png")
        if tx_code:
            _write_private(self.desk.folder / "code", offered.tx_code)
        return offered

    def ask(self, **options):
        """A request of the bank, drawn as a picture; its id."""
        asked = self.exchange.ask(self.query, purpose="가상 대출 심사", **options)
        qr.png(asked.link, self.desk.folder / "request.png")
        return asked.id

    def wallet(self, *arguments, stdin=b""):
        """The wallet's command, with the trust list, allowed to talk to this machine."""
        return self.desk.run("ewallet", *arguments, *TRUST, env={"EWALLET_UNSAFE_LOOPBACK": "1"}, stdin=stdin)


def _write_private(path, text):
    path.write_text(f"{text}\n", "utf-8")
    path.chmod(0o600)


@pytest.fixture
def town(empty_desk):
    """Everybody on loopback."""
    with _server() as issuer, _server() as bank:
        yield Town(empty_desk, issuer, bank)


def test_a_picture_of_an_offer_becomes_a_certificate_and_a_picture_of_a_request_a_verdict(town):
    """The issuer is shown before anything is fetched, the bank before anything is sent; the values go to the bank."""
    town.offer(tx_code=True)
    received = town.wallet("receive", "offer.png", "--tx-code-file", "code", "--copies", "2", stdin=b"y\n")
    asked = town.ask(redirect_to=f"{town.exchange.url}/done")
    sent = town.wallet("present", "request.png", stdin=b"y\n")

    assert (0, 0) == (received.code, sent.code), received.stderr + sent.stderr
    assert "issuer: 127.0.0.1:" in received.stderr
    assert "copies left: 2" in received.stdout
    first, *_, code = sent.stdout.splitlines()
    assert first.startswith("receiver: Example verifier signer (on the trust list, 127.0.0.1:")
    outcome = town.exchange.verdict(asked, response_code=code.partition("response_code=")[2])
    assert isinstance(outcome, Accepted)
    assert {"resident_address", "is_householder"} == outcome.claims[KIND].keys()


@pytest.mark.parametrize(
    ("lang", "words"), [("ko", "이 제출로 확인하는 거래: 대출 신청:"), ("en", "with this you confirm: loan")]
)
def test_a_transaction_is_read_before_it_is_confirmed(town, lang, words):
    """In the holder's language, with all it says; the bank's verdict stands on the hash of exactly that."""
    town.offer()
    town.wallet("receive", "offer.png", "--copies", "1", "--yes")
    fields = {"lender": "가상은행", "product": "가상 신용대출", "amount": "10,000,000원", "period": "12개월"}
    loan = TransactionData.make("urn:example:kr-ewallet:transaction:loan:1", [town.query.credentials[0].id], fields)
    asked = town.ask(transaction_data=[loan])
    sent = town.wallet("present", "request.png", "--lang", lang, stdin=b"y\n")

    assert 0 == sent.code, sent.stderr
    assert words in sent.stdout
    assert all(text in sent.stdout for text in fields.values())
    assert isinstance(town.exchange.verdict(asked), Accepted)


def test_a_transaction_that_cannot_be_put_into_words_is_not_confirmed(town):
    """WAL-09: the bank hears invalid_transaction_data, and nothing is sent."""
    town.offer()
    town.wallet("receive", "offer.png", "--copies", "1", "--yes")
    strange = TransactionData.make("urn:example:transfer", [town.query.credentials[0].id], {"amount": "1"})
    asked = town.ask(transaction_data=[strange])
    sent = town.wallet("present", "request.png", "--yes")

    assert 1 == sent.code
    assert Declined(error="invalid_transaction_data") == replace(town.exchange.verdict(asked), description="")
    assert "copies left: 1" in town.wallet("list").stdout


def test_a_refusal_is_told_and_spends_nothing(town):
    """Whether the holder says no or has no such certificate, the bank hears the same."""
    lacking = town.ask()
    nothing = town.wallet("present", "request.png", "--yes")
    town.offer()
    town.wallet("receive", "offer.png", "--copies", "1", "--yes")
    refused = town.ask()
    no = town.wallet("present", "request.png", stdin=b"n\n")

    assert (1, 1) == (nothing.code, no.code)
    assert "dcql.unsatisfied" in nothing.stderr
    assert "receiver: Example verifier signer" in nothing.stderr
    assert {Declined(error="access_denied")} == {town.exchange.verdict(each) for each in (lacking, refused)}
    assert "copies left: 1" in town.wallet("list").stdout


def test_a_wrong_code_is_refused_and_leaves_nothing(town):
    """One of another form is not even sent; a wrong one is refused by the issuer in its own words."""
    offered = town.offer(tx_code=True)
    _write_private(town.desk.folder / "short", "12")
    _write_private(town.desk.folder / "wrong", f"{(int(offered.tx_code) + 1) % 1_000_000:06}")
    short = town.wallet("receive", "offer.png", "--tx-code-file", "short", "--yes")
    wrong = town.wallet("receive", "offer.png", "--tx-code-file", "wrong", "--yes")
    unasked = town.wallet("receive", "offer.png", "--yes")

    assert (2, 1, 2) == (short.code, wrong.code, unasked.code)
    assert "usage.argument: the code does not have the form" in short.stderr
    assert "offer.refused: the issuer answered invalid_grant" in wrong.stderr
    assert "usage.configuration: no terminal to ask for the code" in unasked.stderr
    assert offered.tx_code not in short.stderr + wrong.stderr + unasked.stderr
    assert "No certificates yet." in town.wallet("list").stdout


def test_the_code_is_asked_for_where_there_is_a_terminal(town):
    """With the name of the issuer beside it, and without showing what is typed."""
    offered = town.offer(tx_code=True)
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "ewallet.cli", "receive", offered.reference.uri, "--yes", "--copies", "1", *TRUST]
    process = subprocess.Popen(
        command,
        cwd=town.desk.folder,
        env=town.desk.environment | {"EWALLET_UNSAFE_LOOPBACK": "1"},
        stdin=child,
        stdout=subprocess.PIPE,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    shown = b""
    while b"another way: " not in shown:
        shown += os.read(parent, 1024)
    os.write(parent, f"{offered.tx_code}\n".encode())
    received, _ = process.communicate(timeout=60)
    os.close(parent)

    assert 0 == process.returncode
    assert b"The code that 127.0.0.1:" in shown
    assert offered.tx_code.encode() not in shown + received


def test_what_is_not_ready_is_received_later(town):
    """The command says when; before that it asks nobody."""
    town.records.pending[KIND] = timedelta(seconds=1)
    town.offer()
    first = town.wallet("receive", "offer.png", "--copies", "1", "--yes", "--json")
    town.records.pending.clear()
    threading.Event().wait(1)
    second = town.wallet("receive", "--pending")

    assert ([], 1) == (first.document["certificates"], len(first.document["pending"]))
    assert second.stdout.startswith("Received: ")


def test_nobody_on_this_machine_is_asked_unless_that_is_allowed(town):
    """Without the setting for demos the wallet does not contact loopback, however well trusted."""
    town.offer()
    ended = town.desk.run("ewallet", "receive", "offer.png", "--yes", *TRUST)

    assert 1 == ended.code
    assert "fetch.blocked" in ended.stderr
