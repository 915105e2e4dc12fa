"""``ewallet-verify request`` and ``serve``: real processes, a QR picture, and a wallet that reads it."""

from __future__ import annotations

import json
import signal
import socket
import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet import qr
from ewallet.env import Env
from ewallet.errors import EWalletError, QueryError
from ewallet.flow import Request
from ewallet.http import Http
from ewallet.oid4vp.request import RequestLink, authenticate, fetched
from ewallet.oid4vp.response import answer, refusal
from ewallet.shape import certificate
from ewallet.testing.clock import Clock
from ewallet.testing.kit import Kit

pytestmark = pytest.mark.loopback

KIND = "resident_register_copy"
QUESTION = ("--type", KIND, "--claims", "resident_address,is_householder", "--purpose", "가상 대출 심사")
TERMS = ("--trust", "trust.jwt", "--trust-key", "operator.jwk", "--offline", "--status", "status.jwt")
SIGNED = ("--signer", "bank.key", "--chain", "bank.pem")


class Citizen:
    """Somebody with a wallet, who sees what the bank's desk shows."""

    def __init__(self, folder, program):
        self.kit = Kit.make(clock=Clock(Env().now()))
        (document,) = [self.kit.issue(KIND, copies=4)]
        self.folder, self.program = folder, program
        pki, ref = self.kit.pki, document.credential.status
        assert ref
        pki.verifier.save(folder / "bank.key")
        chain = b"".join(certificate(der).public_bytes(Encoding.PEM) for der in pki.verifier.chain)
        (folder / "bank.pem").write_bytes(chain)
        (folder / "trust.jwt").write_text(pki.signed_trust_list(), "ascii")
        (folder / "operator.jwk").write_text(json.dumps(pki.operator_key.jwk), "ascii")
        (folder / "status.jwt").write_text(self.kit.issuer.status_token(ref.uri), "ascii")
        (folder / "api-key").write_text("an-api-key-of-nobody\n", "ascii")
        (folder / "api-key").chmod(0o600)
        self.http = Http(unsafe_loopback=True)

    def open(self):
        """The request behind the picture, as soon as there is one."""
        link = RequestLink.read(qr.read(_picture(self.folder / "request.png")))
        self.kit.clock.set(Env().now())
        compact, at = fetched(self.http(link.fetch("a-nonce"))), self.kit.clock.now()
        trust = self.kit.pki.trust_list()
        return authenticate(link, compact, trust=trust, at=at, wallet_nonce="a-nonce").request(at)

    def present(self):
        request = self.open()
        return self.http(answer(request, self.kit.answer(request).token))

    def decline(self):
        request = self.open()
        return self.http(refusal(request.response_uri, request.state, "access_denied"))


def _picture(path):
    for _ in range(400):
        raw = path.read_bytes() if path.exists() else b""
        if raw.endswith(b"\xaeB`\x82"):  # the end of a png
            return raw
        time.sleep(0.05)
    raise AssertionError("no picture")


@pytest.fixture
def citizen(wallet):
    """A bank's desk in a folder of its own, and a citizen before it."""
    for name in ("trust.jwt", "status.jwt"):
        (wallet.folder / name).unlink()
    return Citizen(wallet.folder, wallet)


def _running(citizen, *command, **env):
    return citizen.program.running("ewallet-verify", *command, env=env)


def _ask(citizen, *more, **env):
    return _running(citizen, "request", *QUESTION, "--qr", "request.png", *more, **env)


def test_a_clerk_asks_and_sees_the_verdict(citizen):
    """The code is on stderr and in the picture, the verdict on stdout, and its exit code says it."""
    with _ask(citizen, *SIGNED, *TERMS) as process:
        reply = citizen.present()
        out, err = process.communicate(timeout=60)
    verdict = json.loads(out)

    assert (200, 0, "accepted") == (reply.status, process.returncode, verdict["verdict"])
    assert ["resident_address", "is_householder"] == list(verdict["claims"][KIND])
    assert qr.read(_picture(citizen.folder / "request.png")) in err
    assert verdict["claims"][KIND]["resident_address"] not in err


RULE = ("request", "--rule", "public_facility_discount", "--qr", "request.png", *SIGNED, *TERMS)


def _answered(citizen, answer, rule="public_facility_discount"):
    """Let the citizen hold an answer to a rule."""
    citizen.kit.issue("eligibility_answer", claims={"rule": rule, "version": 1, "answer": answer})


@pytest.mark.parametrize(
    ("language", "said"),
    [("ko", "공공시설 이용요금 감면: 예"), ("en", "Discount at public facilities: yes")],
)
def test_a_counter_is_told_yes_and_nothing_else(citizen, language, said):
    """The rule by its name, in either language; between the verdict and its rungs there is no other line."""
    _answered(citizen, "Y")
    with _running(citizen, *RULE, "--text", "--lang", language) as process:
        asked = citizen.open()
        citizen.http(answer(asked, citizen.kit.answer(asked).token))
        out, _ = process.communicate(timeout=60)

    assert ("공공시설 이용요금 감면", 0) == (asked.purpose, process.returncode)
    assert [said] == [line for line in out.splitlines()[1:] if line and not line.startswith("  [")]


def test_whoever_was_answered_with_no_has_nothing_to_show(citizen):
    """Nor who was answered by another rule: a counter never learns that there is a no."""
    _answered(citizen, "N")
    _answered(citizen, "Y", "museum_free_admission")
    with _running(citizen, *RULE, "--text", "--lang", "en") as process:
        with pytest.raises(QueryError) as refused:
            citizen.present()
        citizen.decline()
        out, _ = process.communicate(timeout=60)

    assert ("dcql.unsatisfied", 3, True) == (refused.value.code, process.returncode, "[request.declined]" in out)


def test_a_clerk_is_told_that_the_holder_declined(citizen):
    """Neither yes nor no."""
    with _ask(citizen, *SIGNED, *TERMS, "--text", "--lang", "en") as process:
        citizen.decline()
        out, _ = process.communicate(timeout=60)

    assert (3, True) == (process.returncode, "[request.declined]" in out)


def test_nobody_came(citizen):
    """A document that is undecided, after as long as the clerk wanted to wait."""
    with _ask(citizen, *SIGNED, *TERMS, "--wait", "0", "--quiet") as process:
        out, err = process.communicate(timeout=60)
    document = json.loads(out)

    assert (3, "") == (process.returncode, err)
    assert ("undecided", "request.expired", []) == tuple(document[name] for name in ("verdict", "code", "checks"))


def test_a_service_asks_for_the_clerk(citizen):
    """With its key; and when it is told to end, it ends well."""
    port = _free()
    server = f"http://127.0.0.1:{port}"
    listen = ("--listen", f"127.0.0.1:{port}", "--api-key-file", "api-key", "--state", "sqlite:///bank.db")
    with _running(citizen, "serve", *SIGNED, *TERMS, *listen) as service:
        _wait(citizen, f"{server}/readyz")
        remote = ("--server", server, "--api-key-file", "api-key")
        with _ask(citizen, *remote, EWALLET_UNSAFE_LOOPBACK="1") as process:
            citizen.present()
            out, _ = process.communicate(timeout=60)
        service.send_signal(signal.SIGTERM)
        _, err = service.communicate(timeout=30)

    assert (0, "accepted", 0) == (process.returncode, json.loads(out)["verdict"], service.returncode)
    assert f"ewallet-verify: serving at {server}\n" == err


def _free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(citizen, url):
    for _ in range(200):
        try:
            if citizen.http(Request("GET", url)).status == 200:
                return
        except EWalletError:
            pass
        time.sleep(0.05)
    raise AssertionError("no service")


MISUSED = {
    "no question": ("request", *SIGNED, *TERMS),
    "no purpose": ("request", *QUESTION[:4], *SIGNED, *TERMS),
    "both questions": ("request", *QUESTION, "--query", "trust.jwt", *SIGNED, *TERMS),
    "no such kind": ("request", "--type", "x", *QUESTION[2:], *SIGNED, *TERMS),
    "no such rule": ("request", "--rule", "no_such_rule", *SIGNED, *TERMS),
    "a rule and a kind": ("request", *QUESTION, "--rule", "public_facility_discount", *SIGNED, *TERMS),
    "no such claim": ("request", *QUESTION[:2], "--claims", "x", *QUESTION[4:], *SIGNED, *TERMS),
    "no query": ("request", "--query", "operator.jwk", "--purpose", "x", *SIGNED, *TERMS),
    "no signer": ("request", *QUESTION, *TERMS),
    "no trust": ("request", *QUESTION, *SIGNED),
    "nowhere to listen": ("request", *QUESTION, *SIGNED, *TERMS, "--listen", "127.0.0.1"),
    "no address": ("request", *QUESTION, *SIGNED, *TERMS, "--url", "ftp://bank.example"),
    "half a certificate": ("request", *QUESTION, *SIGNED, *TERMS, "--tls-cert", "bank.pem"),
    "a picture that is there": ("request", *QUESTION, *SIGNED, *TERMS, "--qr", "bank.pem"),
    "nobody there": ("request", *QUESTION, "--server", "http://127.0.0.1:9", "--api-key-file", "api-key"),
    "a name of another": ("request", *QUESTION, *SIGNED, *TERMS, "--prefix", "x509_san_dns"),
    "no api key": ("serve", *SIGNED, *TERMS),
    "a short api key": ("serve", *SIGNED, *TERMS, "--api-key-file", "short"),
    "an api key for all": ("serve", *SIGNED, *TERMS, "--api-key-file", "trust.jwt"),
}


@pytest.mark.parametrize("command", MISUSED.values(), ids=MISUSED.keys())
def test_what_makes_no_sense_ends_with_2(command, citizen):
    """With one document that is an error, and no code to scan."""
    (citizen.folder / "short").write_text("short", "ascii")
    (citizen.folder / "short").chmod(0o600)
    ended = citizen.program.run("ewallet-verify", *command)

    assert (2, "error") == (ended.code, ended.document["verdict"])
    assert "openid4vp" not in ended.stderr or "--qr" in command
