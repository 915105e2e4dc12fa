"""A bank that keeps receipts, killed at any write of an answer with a consent: one receipt, and the one that counts.

A receipt is in a file, what came of the request in a database, and the wallet gets its copy with the reply: whichever
of the three is there when the bank dies, the wallet sends the same answer again, and all of them agree in the end.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from contextlib import closing
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from ewallet import jose
from ewallet.errors import TransportError
from ewallet.http import Http
from ewallet.oid4vp import VpToken, vp_token_json
from ewallet.oid4vp import response as oid4vp_response
from ewallet.receipt import Receipt
from ewallet.testing.sites import BankSite
from ewallet.testing.stores import MemoryWalletStore
from ewallet.transactions import KNOWN
from ewallet.wallet import Wallet

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
POINTS = 1 << 20 if FULL else 3
WRITES = ("fdatasync", "fsync", "link", "linkat", "unlink", "unlinkat", "sendto", "pwrite64")
BUNDLE = {"bundle": "multi_child_benefit", "optional": [], "days": 30}
KIND = "resident_register_copy"
ADULT = {"type": KIND, "claims": ["subject_name", "subject_birth_date", "household_members"], "purpose": "가상 대출"}
DESCRIPTION = Path(__file__).parents[2] / "docs" / "reference" / "openapi" / "verifier.json"


class Keeping(BankSite):
    """A bank with a folder of receipts; ``heard`` are the requests that were answered with a yes."""

    def __init__(self, *given):
        super().__init__(*given)
        self.heard: set[str] = set()

    def ask(self, method, path, **said):
        answer = super().ask(method, path, **said)
        if method == "POST" and answer.status < 400:
            self.heard.add(path)
        return answer

    def call(self, path, document):
        """What a program of the bank is answered."""
        answer = self.ask("POST", path, body=jose.to_json(document), headers=self.member)
        assert answer.status < 300, answer
        return answer.document

    def arguments(self, port):
        return (*super().arguments(port), "--receipts", str(self.receipts))

    @property
    def receipts(self):
        """The folder."""
        folder = self.folder / "receipts"
        folder.mkdir(exist_ok=True)
        return folder

    def kept(self, consent):
        """The names of what is kept of a consent, and the receipt."""
        names = sorted(path.name for path in self.receipts.glob(f"{consent}*"))
        return names, Receipt.parse((self.receipts / f"{consent}.json").read_bytes())


class Signer:
    """Somebody who consents to what a bank asks for, and sends the same answer until it is heard."""

    def __init__(self, site, wallet):
        self.site, self.wallet = site, wallet
        self.made: dict[str, Any] = {}
        self.outcome: dict[str, Any] = {}
        self.token: VpToken = {}
        self.half = ""

    def asked(self):
        """The bank has asked, and the person has signed."""
        self.made = self.site.call("/v1/requests", BUNDLE)
        self.request = self.wallet.open(self.made["link"])
        self.token = self.wallet.present(self.request, self.wallet.match(self.request.query))
        self.answer = oid4vp_response.answer(self.request, self.token)
        return self

    def go_on(self):
        """Whether the answer was heard, and the bank has read the verdict."""
        try:
            reply = self.site.sender()(self.answer)
            if reply.status >= 500:
                return False
            self.half = json.loads(reply.body).get("receipt", "") if reply.status == 200 else self.half
            self.outcome = self._looked()
        except (TransportError, OSError):
            return False
        return True

    def _looked(self):
        while (answer := self.site.outcome(self.made["id"])).status == 429:
            sleep(float(answer.headers["retry-after"]))
        return answer.document

    def check(self):
        """One receipt, of the answer that was judged; the same that the wallet was given, where it was given one."""
        names, receipt = self.site.kept(self.made["consent"])
        assert [f"{self.made['consent']}.json"] == names
        assert ("answered", "accepted") == (self.outcome["status"], self.outcome["verdict"]["verdict"])
        expected = Receipt.of_answer(self.request, self.token, receipt.events[0])
        assert expected.to_json() == receipt.to_json()
        assert self.half in ("", receipt.events[0])


@pytest.fixture
def keeping(nursery, town, tmp_path):
    """The bank, started."""
    with closing(Keeping(nursery, town, tmp_path)) as site:
        site.start()
        yield site


@pytest.fixture
def wallet(issuer, town):
    """A wallet with many copies of a certificate."""
    issuer.start()
    send = Http(unsafe_loopback=True)
    wallet = Wallet(store=MemoryWalletStore(), trust=town.pki.trust_list(), send=send, transaction_types=KNOWN)
    for _ in range(12 if FULL else 1):
        wallet.accept(issuer.offer(KIND).uri, copies=10)
    return wallet


def _points(strace, site, wallet):
    signer = Signer(site, wallet).asked()
    (child,) = site.children.values()
    with strace.attached(child, f"trace={','.join(WRITES)}"):
        assert signer.go_on(), site.log
    signer.check()
    counts = Counter((thread, name) for thread, name, _ in strace.lines)
    most = {name: max((count for (_, of), count in counts.items() if of == name), default=0) for name in WRITES}
    found = [(name, number) for name in WRITES for number in range(1, most[name] + 1)]
    return found[:: max(1, len(found) // POINTS)]


def test_a_bank_killed_at_any_write_keeps_the_receipt_of_what_it_judged(keeping, wallet, strace):
    """Whatever was there, the answer may be sent again, and in the end there is one receipt and one verdict."""
    points, killed = _points(strace, keeping, wallet), 0
    for name, number in points:
        signer = Signer(keeping, wallet).asked()
        (child,) = keeping.children.values()
        with strace.attached(child, f"trace={name}", f"inject={name}:signal=KILL:when={number}"):
            done = signer.go_on()
        if not (done and keeping.is_ready()):
            child.wait()
            killed += 1
            keeping.restart()
            assert signer.go_on(), (name, number, keeping.log)
        left = [each for each in keeping.receipts.iterdir() if each.suffix != ".json"]
        assert len(left) <= 1, "at most what one process has left"
        for each in left:
            each.unlink()
        signer.check()

    assert killed >= max(1, len(points) // 3)


def test_replies_of_a_bank_follow_the_disk(keeping, wallet, strace):
    """At every address that its description has and that is not merely read, receipts and deletions too (F-04)."""
    (child,) = keeping.children.values()
    wallet._send = keeping.sender()
    with strace.attached(child, "trace=fdatasync,pwrite64,sendto"):
        request = wallet.open(keeping.call("/v1/requests", BUNDLE)["link"])
        wallet.answer(request, wallet.match(request.query))
        (receipt,) = wallet.receipts()
        wallet.demand_deletion(receipt.id)
        signer = Signer(keeping, wallet).asked()
        judged = {"presentation": vp_token_json(signer.token), "request": signer.request.to_json()}
        assert "accepted" == keeping.call("/v1/verify", judged)["verdict"]
        case = keeping.call("/v1/cases", {"members": {"applicant": ADULT, "spouse": ADULT}})
        assert 200 == keeping.ask("GET", f"/v1/cases/{case['id']}", headers=keeping.member).status
    paths = json.loads(DESCRIPTION.read_text("utf-8"))["paths"]
    known = {re.sub(r"{\w+}", "[^/]+", path) for path, methods in paths.items() if methods.keys() - {"get"}}

    assert len(known) > 5
    assert set() == {path for path in known if not any(re.fullmatch(path, heard) for heard in keeping.heard)}
    assert [] == strace.early
    assert sum(name == "fdatasync" for _, name, _ in strace.lines) > 4
