"""A wallet of ``@openid4vc/openid4vp`` and ``@owf/mdoc`` (npm) answers ``ewallet-verify serve``, a process, by HTTP.

What it holds our issuer made, and its answers are encrypted (``direct_post.jwt``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ewallet.errors import EWalletError
from ewallet.flow import Request
from ewallet.formats.mdoc import MDOC
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.testing.nursery import free_port

pytestmark = pytest.mark.loopback

KIND = "mobile_resident_card"
_API_KEY = "an-api-key-of-no-bank"
#: How an answer goes wrong, and what we say to it.
HOSTILE = {
    "another nonce": "mdoc.device_auth",
    "another address": "mdoc.device_auth",
    "another verifier": "mdoc.device_auth",
    "encrypted to nobody": "mdoc.device_auth",
    "another device": "mdoc.device_auth",
    "an element less": "dcql.unsatisfied",
}


@dataclass(frozen=True)
class Bank:
    """The bank's side of the service."""

    url: str
    send: Http

    def call(self, method: str, path: str, **body: Any) -> Any:
        """A call of the API."""
        headers = {"authorization": f"Bearer {_API_KEY}", "content-type": "application/json"}
        raw = json.dumps(body).encode() if body else b""
        response = self.send(Request(method, f"{self.url}{path}", headers, raw))
        assert response.status in {200, 201}, response
        return json.loads(response.body)

    def ask(self) -> Any:
        """A request for two elements."""
        return self.call("POST", "/v1/requests", type=KIND, claims=["name", "birth_date"], purpose="가상 대출 심사")

    def verdict(self, asked: Mapping[str, Any]) -> Any:
        """What it thinks of the answer."""
        return self.call("GET", f"/v1/requests/{asked['id']}")["verdict"]

    def await_ready(self) -> None:
        """Return as soon as it answers."""
        for _ in range(1200):
            with suppress(EWalletError):
                if self.send(Request("GET", f"{self.url}/readyz")).status == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("no service")


def _files(folder: Path, kit: Any, raw: str) -> list[str]:
    """What the service reads: its key, whom it believes, and the status list of what is shown to it."""
    kit.pki.save(folder / "pki")
    status = MDOC.read(raw).status
    assert status
    (folder / "status.jwt").write_text(kit.issuer.status_token(status.uri), "ascii")
    (folder / "api-key").write_text(f"{_API_KEY}\n", "ascii")
    (folder / "api-key").chmod(0o600)
    own = ["--signer", "pki/verifier.key", "--chain", "pki/verifier.pem", "--api-key-file", "api-key"]
    return [*own, "--trust", "pki/trust-list.jwt", "--trust-key", "pki/operator.jwk", "--status", "status.jwt"]


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EWALLET_", "LANG", "LC_"))}
    paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    fixed = {"HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(paths)}
    return kept | fixed | {"EWALLET_UNSAFE_LOOPBACK": "1"}


@pytest.fixture(scope="module")
def held(office):
    """What our issuer sent to the wallet."""
    return office(KIND)


@pytest.fixture(scope="module")
def bank(request, kit, held, tmp_path_factory):
    """The service."""
    request.getfixturevalue("wallet")  # where it is absent, nothing is started
    folder, url = tmp_path_factory.mktemp("bank"), f"http://127.0.0.1:{free_port()}"
    more = ["--prefix", "x509_hash", "--url", url, "--listen", url.removeprefix("http://"), "--offline"]
    command = [sys.executable, "-m", "verifier_cli", "serve", *_files(folder, kit, held), *more]
    command += ["--state", "sqlite:///bank.db"]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, env=_environment(folder), stdout=said, stderr=said)
        try:
            bank = Bank(url, Http(unsafe_loopback=True))
            bank.await_ready()
            yield bank
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def answer(wallet, held, device, secret):
    """The wallet's answer to a request, well or badly."""

    def made(asked, how="honest"):
        other = secret(SigningKey.generate())
        return wallet("answer", link=asked["link"], raw=held, key=secret(device), otherKey=other, how=how)

    return made


def test_it_answers_what_we_ask(bank, answer):
    """The bank learns the two elements and nothing else."""
    asked = bank.ask()
    answered = answer(asked)
    verdict = bank.verdict(asked)

    assert {"mode": "direct_post.jwt", "encrypted": True, "status": 200} == answered
    assert ("accepted", None) == (verdict["verdict"], verdict["code"])
    assert {"name", "birth_date"} == verdict["claims"][KIND].keys()


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_answer_is_refused_for_what_is_wrong_with_it(how, bank, answer):
    """The bank gets the exact code; the wallet is not told."""
    asked = bank.ask()
    answered = answer(asked, how)
    verdict = bank.verdict(asked)

    assert 200 == answered["status"]
    assert ("rejected", HOSTILE[how]) == (verdict["verdict"], verdict["code"])
