"""``ewallet-verify case``: two people read two codes, and the clerk sees one verdict."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.env import Env
from ewallet.http import Http
from ewallet.oid4vp.request import RequestLink, authenticate, fetched
from ewallet.oid4vp.response import answer, refusal
from ewallet.receipt import Receipt
from ewallet.shape import certificate
from ewallet.testing.clock import Clock
from ewallet.testing.kit import Kit
from ewallet.testing.stores import MemoryWalletStore
from ewallet.transactions import KNOWN
from ewallet.wallet import Wallet

pytestmark = pytest.mark.loopback

KIND = "income_amount_certificate"
LICENCE = "mobile_driver_license"
EARNS = {"type": KIND, "claims": ["name", "birth_date"], "purpose": "가상 대출 심사"}
TERMS = ("--trust", "trust.jwt", "--trust-key", "operator.jwk", "--offline", "--status", "status.jwt")
SIGNED = ("--signer", "bank.key", "--chain", "bank.pem")
PEOPLE = {"applicant": ("홍길동", "1985-04-04"), "spouse": ("성춘향", "1987-09-09")}


class Couple:
    """Two people with a wallet each, who see what the bank's desk shows."""

    def __init__(self, desk):
        self.kit = kit = Kit.make(clock=Clock(Env().now()))
        self.desk, self.http = desk, Http(unsafe_loopback=True)
        folder = desk.folder
        self.wallets = {role: self._wallet(*who) for role, who in PEOPLE.items()}
        pki = kit.pki
        pki.verifier.save(folder / "bank.key")
        chain = b"".join(certificate(der).public_bytes(Encoding.PEM) for der in pki.verifier.chain)
        (folder / "bank.pem").write_bytes(chain)
        (folder / "trust.jwt").write_text(pki.signed_trust_list(), "ascii")
        (folder / "operator.jwk").write_text(json.dumps(pki.operator_key.jwk), "ascii")
        (uri,) = kit.issuer.status_lists()
        (folder / "status.jwt").write_text(kit.issuer.status_token(uri), "ascii")
        self.word(EARNS)

    def word(self, request):
        """Write down a case in which both are asked that."""
        (self.desk.folder / "case.json").write_text(json.dumps({"members": dict.fromkeys(PEOPLE, request)}), "utf-8")

    def _wallet(self, name, birth_date):
        kit = self.kit
        trust = kit.pki.trust_list()
        wallet = Wallet(store=MemoryWalletStore(), trust=trust, send=kit.network, catalog=kit.catalog, env=kit.env)
        for kind in (KIND, LICENCE):
            claims = dict(kit.catalog.type(kind).sample) | {"name": name, "birth_date": birth_date}
            keys = wallet.new_keys(2)
            wallet.put(kit.issuer.issue(kind, claims, subject=birth_date, holders=keys).credentials)
        return wallet

    def request(self, link):
        found = RequestLink.read(link)
        self.kit.clock.set(Env().now())
        compact, at = fetched(self.http(found.fetch("a-nonce"))), self.kit.clock.now()
        trust = self.kit.pki.trust_list()
        sender = authenticate(found, compact, trust=trust, at=at, wallet_nonce="a-nonce")
        return sender.request(at, transaction_types=KNOWN)

    def present(self, link, role):
        request, wallet = self.request(link), self.wallets[role]
        self.http(answer(request, wallet.present(request, wallet.match(request.query))))

    def decline(self, link):
        request = self.request(link)
        self.http(refusal(request.response_uri, request.state, "access_denied"))


@pytest.fixture
def couple(wallet):
    """Before a bank's desk in a folder of its own."""
    for name in ("trust.jwt", "status.jwt"):
        (wallet.folder / name).unlink()
    return Couple(wallet)


@contextmanager
def _case(couple, *more):
    """The command while it runs, and the links that it shows, in the order of the roles."""
    with couple.desk.running("ewallet-verify", "case", "case.json", *SIGNED, *TERMS, *more) as process:
        links: list[str] = []
        while len(links) < len(PEOPLE):
            line = process.stderr.readline()
            assert line, process.stdout.read()
            links += [line.strip()] if line.startswith("openid4vp:") else []
        yield process, dict(zip(PEOPLE, links, strict=True))


def test_a_couple_answers_and_the_clerk_sees_one_verdict(couple):
    """Each with a wallet of their own; claims are by role."""
    with _case(couple) as (process, links):
        for role, link in links.items():
            couple.present(link, role)
        out, err = process.communicate(timeout=60)
    verdict = json.loads(out)

    assert (0, "accepted") == (process.returncode, verdict["verdict"])
    assert {role: who[0] for role, who in PEOPLE.items()} == {
        role: shown[KIND]["name"] for role, shown in verdict["claims"].items()
    }
    assert PEOPLE["spouse"][0] not in err


def test_the_clerk_is_told_who_is_missing_by_role(couple):
    """In words; undecided, and nobody is named."""
    with _case(couple, "--text", "--lang", "en") as (process, links):
        couple.present(links["applicant"], "applicant")
        couple.decline(links["spouse"])
        out, _ = process.communicate(timeout=60)

    assert (3, True) == (process.returncode, "spouse [policy.joint_missing]" in out)
    assert PEOPLE["applicant"][0] not in out


def test_nobody_came(couple):
    """As long as the clerk wanted to wait."""
    with _case(couple, "--wait", "0") as (process, _):
        out, _ = process.communicate(timeout=60)

    assert (3, "policy.joint_missing") == (process.returncode, json.loads(out)["code"])


def test_the_consent_of_each_is_receipted(couple):
    """Two receipts in the folder that was named, one for each consent."""
    couple.word({"bundle": "car_rental", "days": 30})
    receipts = couple.desk.folder / "receipts"
    receipts.mkdir()
    with _case(couple, "--receipts", str(receipts)) as (process, links):
        for role, link in links.items():
            couple.present(link, role)
        out, err = process.communicate(timeout=60)
    kept = [Receipt.parse(path.read_bytes()) for path in receipts.iterdir()]

    assert (0, "accepted") == (process.returncode, json.loads(out)["verdict"]), err
    assert 2 == len({receipt.consent.id for receipt in kept}) == len(kept)
    assert {"car_rental"} == {receipt.consent.bundle_id for receipt in kept}
