"""A driver's licence shown face to face: a wallet and a reader in two processes, over a real connection."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet import qr
from ewallet.env import Env
from ewallet.errors import EWalletError
from ewallet.proximity import Engagement
from ewallet.shape import certificate
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.kit import Kit
from ewallet.testing.nursery import free_port

pytestmark = pytest.mark.loopback

KIND = "mobile_driver_license"
PASSPHRASE = "a passphrase of nobody"
TRUST = ("--trust", "trust.jwt", "--trust-key", "operator.jwk")
SIGNED = ("--signer", "shop.key", "--chain", "shop.pem")
SHOP = ("--type", KIND, "--claims", "not_juvenile", "--purpose", "가상 주류 판매")
HOLDER = ("--data", "data", "--passphrase-file", "passphrase", *TRUST, "--qr", "code.png", "--lang", "en")


class Street:
    """A folder with what a holder and a shop have, and the processes they start there."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        database = Database(f"sqlite:///{folder / 'data' / 'wallet' / 'wallet.db'}")
        store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
        self.kit = Kit.make(clock=Clock(Env().now()), wallet_store=store)
        document = self.kit.issue(KIND, format_id="mso_mdoc", copies=2)
        self._write(document)
        database.close()

    def _write(self, document):
        pki = self.kit.pki
        pki.verifier.save(self.folder / "shop.key")
        chain = b"".join(certificate(der).public_bytes(Encoding.PEM) for der in pki.verifier.chain)
        (self.folder / "shop.pem").write_bytes(chain)
        (self.folder / "trust.jwt").write_text(pki.signed_trust_list(), "ascii")
        (self.folder / "operator.jwk").write_text(json.dumps(pki.operator_key.jwk), "ascii")
        (self.folder / "status.jwt").write_text(self.kit.issuer.status_token(document.credential.status.uri), "ascii")
        (self.folder / "passphrase").write_text(f"{PASSPHRASE}\n", "utf-8")
        (self.folder / "passphrase").chmod(0o600)

    def holder(self, *more):
        """The wallet, waiting for a reader."""
        return self._start("ewallet.cli", "present", "--proximity", f"127.0.0.1:{self.port}", *HOLDER, *more)

    def read(self, *more, asked=SHOP, signed=SIGNED):
        """The shop reads the code; how its command ended, and what it said."""
        self.code()
        process = self.reader(*more, asked=asked, signed=signed)
        stdout, stderr = process.communicate(timeout=60)
        return process.returncode, stdout, stderr

    def reader(self, *more, asked=SHOP, signed=SIGNED):
        """The shop's command."""
        terms = (*TRUST, "--offline", "--status", "status.jwt")
        to = ("code.png", "--connect", f"127.0.0.1:{self.port}")
        return self._start("verifier_cli", "reader", *to, *asked, *signed, *terms, *more)

    def code(self):
        """What the holder shows, as soon as it does."""
        path = self.folder / "code.png"
        for _ in range(600):
            if path.exists() and path.read_bytes().endswith(b"\xaeB`\x82"):  # the end of a png
                return Engagement.read(qr.read(path.read_bytes()))
            time.sleep(0.05)
        raise AssertionError("no code")

    def _start(self, module, *arguments):
        ours = ("EWALLET_", "LANG", "LC_", "XDG_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=kept | {"HOME": str(self.folder), "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )


def _ended(process, typed=""):
    stdout, stderr = process.communicate(typed, timeout=60)
    return process.returncode, stdout, stderr


@pytest.fixture
def street(tmp_path):
    """A holder with a licence, and a shop."""
    return Street(tmp_path)


def test_a_shop_learns_that_somebody_is_no_juvenile_and_nothing_else(street):
    """One yes arrives, the holder has seen who asks, and the history says so."""
    holder = street.holder("--yes")

    code, stdout, stderr = street.read("--json")
    shown, words, _ = _ended(holder)

    assert (0, 0) == (code, shown), stderr
    assert {KIND: {"not_juvenile": True}} == json.loads(stdout)["claims"]
    assert "receiver: Example verifier signer (on the trust list, face to face)\npurpose: 가상 주류 판매\n" in words
    assert "[yes/no only]: yes" in words
    history = street._start("ewallet.cli", "history", "--data", "data", "--passphrase-file", "passphrase", "--json")
    (left,) = json.loads(_ended(history)[1])["sent"]
    assert [["not_juvenile"]] == [path[1:] for path in left["claims"]]


def test_in_korean_the_screen_says_the_same(street):
    """The holder reads who is standing there, and what is kept."""
    holder = street.holder("--yes", "--lang", "ko")

    code, stdout, _ = street.read("--keep", "--text", "--lang", "ko")
    _, words, told = _ended(holder)

    assert 0 == code
    assert stdout.startswith("진위 확인됨")
    assert "(신뢰목록에서 확인됨, 대면)" in words
    assert "[받는 곳이 보관함]: 예" in words
    assert "BLE·NFC 대신" in told


def test_whoever_says_no_shows_nothing(street):
    """The shop is told that it was declined, and not why."""
    holder = street.holder()
    process = street.reader("--json") if street.code() else None
    assert process

    refused = _ended(holder, "n\n")
    code, stdout, _ = _ended(process)

    assert (3, "request.declined") == (code, json.loads(stdout)["code"])
    assert (1, "Nothing was sent.") == (refused[0], refused[2].splitlines()[-1].rpartition("[y/N] ")[2])


def test_a_reader_that_nobody_knows_gets_nothing_without_a_person(street):
    """``--yes`` is no answer to it; the holder sees that it is not known, and is asked."""
    holder = street.holder("--yes")
    street.code()
    process = street.reader("--json", signed=())

    refused = _ended(holder, "\n")
    code, _, _ = _ended(process)

    assert (1, 3) == (refused[0], code)
    assert "NOT AUTHENTICATED: a reader that the trust list does not know" in refused[1]


def test_what_is_not_held_looks_like_a_refusal(street):
    """The shop cannot find out what a wallet does not have."""
    holder = street.holder("--yes")
    other = ("--type", "mobile_veteran_card", "--claims", "not_juvenile", "--purpose", "가상 확인")

    code, stdout, _ = street.read("--json", asked=other)

    assert (3, "request.declined") == (code, json.loads(stdout)["code"])
    assert (1, True) == (_ended(holder)[0], "dcql.unsatisfied" not in stdout)


def test_a_reader_that_talks_nonsense_is_told_and_left(street):
    """The session ends with the code of ISO/IEC 18013-5 Table 20."""
    message, status = b"\xff", b"\xa1fstatus\x0b"
    holder = street.holder("--yes")
    street.code()

    with socket.create_connection(("127.0.0.1", street.port), timeout=30) as connected:
        connected.sendall(len(message).to_bytes(4, "big") + message)
        said = connected.recv(100)
    assert len(status).to_bytes(4, "big") + status == said
    assert 1 == _ended(holder)[0]


def test_nobody_there_is_no_verdict(street):
    """The shop's command says that it cannot tell."""
    qr.png(_engagement_of_nobody(), street.folder / "code.png")

    code, stdout, _ = street.read("--json")

    assert "fetch.unavailable" == json.loads(stdout)["code"]
    assert 2 == code


def _engagement_of_nobody():
    from ewallet.keys import SigningKey

    return Engagement.make(SigningKey.generate().public).text


def test_a_code_of_another_kind_is_refused(street):
    """What the camera saw was no device."""
    qr.png("https://shop.example", street.folder / "code.png")

    process = street.reader("--json")

    assert "malformed.qr" == json.loads(_ended(process)[1])["code"]
    with pytest.raises(EWalletError) as refused:
        street.code()
    assert "malformed.qr" == refused.value.code
