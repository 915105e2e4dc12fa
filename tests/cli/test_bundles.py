"""The wallet road in real processes: a bank asks for a bundle with its consent, and both sides keep the receipt."""

from __future__ import annotations

import json
import time

import pytest

from ewallet.catalog import Catalog
from ewallet.flow import Request
from ewallet.http import Http

pytestmark = pytest.mark.loopback

LOAN = "bank_personal_loan"
KINDS = [item.type_id for item in Catalog.bundled().bundle(LOAN).items if item.required]
LOOPBACK = {"EWALLET_UNSAFE_LOOPBACK": "1"}
API_KEY = "an-api-key-of-nobody"


class Town:
    """A bank, and a citizen with a wallet, in one folder."""

    def __init__(self, bank):
        self.bank, self.desk, self.folder = bank, bank.desk, bank.desk.folder
        (self.folder / "api-key").write_text(API_KEY, "ascii")
        (self.folder / "api-key").chmod(0o600)

    def wallet(self, *arguments, stdin=b"y\n"):
        """The wallet's command."""
        where = (*self.bank.TRUST, "--data", "data", "--passphrase-file", "passphrase")
        return self.desk.run("ewallet", *arguments, *where, env=LOOPBACK, stdin=stdin)


@pytest.fixture
def town(open_bank):
    """A citizen who has all that a bank asks for."""
    return Town(open_bank(*KINDS))


def _asked(town, *more):
    ask = ("request", "--bundle", LOAN, "--days", "30", "--receipts", "receipts", "--qr", "request.png", *more)
    return town.bank.running(*ask)


def test_a_bundle_with_its_consent_is_asked_answered_and_receipted(town):
    """The consent is read whole; five members are accepted by name; both sides keep one receipt, which holds."""
    with _asked(town, "--text", "--lang", "ko") as bank:
        town.desk.drawn("request.png", bank)
        sent = town.wallet("present", "request.png", "--lang", "en")
        told, _ = bank.communicate(timeout=60)
    assert (0, 0) == (sent.code, bank.returncode), sent.stderr + told
    assert "with this you confirm: consent:" in sent.stdout
    assert "  본인 행정정보 제공 요구서 (전자정부법 제43조의2)" in sent.stdout
    assert "  동의는 언제든지 철회할 수 있습니다." in sent.stdout
    assert '"items"' not in sent.stdout
    assert "진위 확인됨" in told
    assert 5 == told.split("꾸러미 구성")[1].count("[확인]")

    listed = town.wallet("history", "--lang", "ko")
    (kept,) = json.loads(town.wallet("history", "--json").stdout)["receipts"]
    whole = town.wallet("history", "--receipt", kept["id"])
    assert f"동의 영수증 [{kept['id']}]: Example verifier signer" in listed.stdout
    assert [json.loads(whole.stdout)] == [json.loads(text) for text in town.bank.receipts]
    assert f"The receipt of the consent is kept: {kept['id']}" in sent.stdout
    assert 2 == town.wallet("history", "--receipt", "nothing").code

    (town.folder / "receipt.json").write_text(whole.stdout, "utf-8")
    korean = town.bank.receipt("receipt.json", "--text", "--lang", "ko")
    assert 0 == korean.code, korean.stderr
    assert "동의 영수증 확인됨" in korean.stdout
    assert "소득금액증명: 최근 귀속연도" in korean.stdout
    document = town.bank.receipt("receipt.json").document
    assert ("ewallet.verify-receipt/1", "accepted") == (document["schema"], document["verdict"])
    assert LOAN == document["claims"]["bundle"]


def test_a_receipt_that_was_altered_is_rejected(town):
    """MYD-07: By code, in words and in the exit code."""
    with _asked(town) as bank:
        town.desk.drawn("request.png", bank)
        town.wallet("present", "request.png")
        bank.communicate(timeout=60)
    (kept,) = map(json.loads, town.bank.receipts)
    kept["request"]["nonce"] = "another"
    (town.folder / "altered.json").write_text(json.dumps(kept), "utf-8")

    ended = town.bank.receipt("altered.json")
    assert (1, "receipt.invalid") == (ended.code, ended.document["code"])
    assert "NO RECEIPT" in town.bank.receipt("altered.json", "--text", "--lang", "en").stdout
    assert (2, "usage.argument") == (town.bank.receipt("a", "b").code, town.bank.receipt("a", "b").document["code"])


def test_a_member_that_is_missing_is_named_with_where_to_get_it(open_bank):
    """The holder reads which agency issues it and what it costs; nothing is sent, and the bank hears no."""
    town = Town(open_bank(*KINDS[:-1]))
    with _asked(town) as bank:
        town.desk.drawn("request.png", bank)
        refused = town.wallet("present", "request.png", "--lang", "en")
        told, _ = bank.communicate(timeout=60)
    kind = Catalog.bundled().type(KINDS[-1])

    assert 1 == refused.code
    assert f"missing: {kind.label('en')} ({kind.agency('en')}, " in refused.stderr
    assert "fee" in refused.stderr or "free" in refused.stderr
    assert (3, "request.declined") == (bank.returncode, json.loads(told)["code"])
    assert [] == town.bank.receipts


def test_a_program_of_the_bank_asks_for_a_bundle(town):
    """POST /v1/requests with a bundle names the consent, under which its receipt is kept."""
    serve = ("serve", "--api-key-file", "api-key", "--receipts", "receipts", "--state", "sqlite:///bank.db")
    with town.bank.running(*serve, "--listen", "127.0.0.1:0") as bank:
        url = bank.stderr.readline().rsplit(" ", 1)[1].strip()
        send, headers = Http(unsafe_loopback=True), {"authorization": f"Bearer {API_KEY}"}
        asked = {"bundle": LOAN, "optional": [], "days": 30, "lang": "en"}
        body = json.dumps(asked).encode()
        made = send(Request("POST", f"{url}/v1/requests", headers | {"content-type": "application/json"}, body))
        document = json.loads(made.body)
        sent = town.wallet("present", document["link"])
        outcome = json.loads(send(Request("GET", f"{url}/v1/requests/{document['id']}", headers)).body)

    assert (201, 0) == (made.status, sent.code), sent.stderr
    assert "Consent" in sent.stdout or "Request to provide" in sent.stdout
    assert "accepted" == outcome["verdict"]["verdict"]
    assert [(kind, "shown") for kind in KINDS] == [(each["type"], each["standing"]) for each in outcome["members"]]
    assert (town.folder / "receipts" / f"{document['consent']}.json").exists()


def test_a_holder_has_the_bank_delete_what_it_keeps(town):
    """One command: the answer is gone at the bank, its receipt too, and the receipt of the holder says so."""
    serve = ("serve", "--api-key-file", "api-key", "--receipts", "receipts", "--state", "sqlite:///bank.db")
    with town.bank.running(*serve, "--retain", "60", "--listen", "127.0.0.1:0") as bank:
        url = bank.stderr.readline().rsplit(" ", 1)[1].strip()
        send, headers = Http(unsafe_loopback=True), {"authorization": f"Bearer {API_KEY}"}
        body = json.dumps({"bundle": LOAN, "optional": [], "days": 30}).encode()
        made = send(Request("POST", f"{url}/v1/requests", headers | {"content-type": "application/json"}, body))
        document = json.loads(made.body)
        town.wallet("present", document["link"])
        (kept,) = json.loads(town.wallet("history", "--json").stdout)["receipts"]
        before = send(Request("GET", f"{url}/v1/requests/{document['id']}", headers)).status
        erased, again = town.wallet("erase", kept["id"], "--lang", "ko"), town.wallet("erase", kept["id"], "--json")
        time.sleep(0.6)  # one looks at most twice a second
        after = send(Request("GET", f"{url}/v1/requests/{document['id']}", headers)).status
        other = town.wallet("erase", "another", "--json")

    assert (0, 0) == (erased.code, again.code), erased.stderr
    assert "삭제했다고 서명했습니다" in erased.stdout
    assert "철회하거나" in erased.stdout
    assert "deleted" == again.document["event"]
    assert (200, 404) == (before, after)
    assert [] == town.bank.receipts
    assert (2, "storage.not_found") == (other.code, other.document["error"])
    (town.folder / "receipt.json").write_text(town.wallet("history", "--receipt", kept["id"]).stdout, "utf-8")
    told = town.bank.receipt("receipt.json").document
    assert ("accepted", "deleted") == (told["verdict"], told["claims"]["events"][-1]["event"])
