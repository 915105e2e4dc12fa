"""Our services as processes on this machine, and peers as programs of their own behind pipes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from ewallet.env import Env
from ewallet.errors import EWalletError
from ewallet.flow import Request
from ewallet.http import Http
from ewallet.testing.nursery import free_port
from ewallet.testing.pki import Pki
from ewallet.trust import TrustList

_HERE: Final = Path(__file__).parent
_KIND: Final = "resident_register_copy"
_ASKED: Final = ("resident_address", "is_householder")
_CITIZEN: Final = "hong"
_WALLET: Final = ("@openid4vc/openid4vci", "@openid4vc/openid4vp", "@sd-jwt/sd-jwt-vc", "jose")
_HOSTS: Final = {"x509_hash": "127.0.0.1", "x509_san_dns": "localhost"}
_API_KEY: Final = "an-api-key-of-no-bank"
_OPERATOR: Final = "a-key-of-no-operator"


class Refused(Exception):
    """The peer's own words for what it does not accept."""


class Program:
    """A peer at the other end of a pipe."""

    def __init__(self, process):
        self._process = process

    def __call__(self, operation: str, **request: Any) -> Any:
        self._process.stdin.write(json.dumps({"operation": operation, **request}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]


def _node(*packages: str) -> str:
    """The command; each test that needs what is absent is skipped, and counted under its name."""
    names = f"the peers {' and '.join(packages)} (npm)"
    node = shutil.which("node")
    if node is None:
        pytest.skip(f"{names} need node, which is not installed")
    if not all((_HERE.parent / "node_modules" / package).is_dir() for package in packages):
        pytest.skip(f"{names} are not installed: npm install, as .ci/run does it, in tests/interop")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"{names} need node 20, found {version}")
    return node


@pytest.fixture(scope="session")
def refused():
    """The block ends with the peer's refusal, in these words."""
    return lambda words: pytest.raises(Refused, match=re.escape(words))


@pytest.fixture(scope="session")
def start_program():
    """Starts a script of this folder, if the packages are there that it needs."""

    @contextmanager
    def start(script: str, *packages: str, **env: str) -> Iterator[Program]:
        command = [_node(*packages), str(_HERE / script)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
        with subprocess.Popen(command, env=os.environ | env, **pipes) as process:
            try:
                yield Program(process)
            finally:
                process.kill()

    return start


@pytest.fixture(scope="session")
def wallet(start_program):
    """A wallet that nobody here wrote."""
    with start_program("wallet.mjs", *_WALLET) as program:
        yield program


# -- our side ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def here():
    """The folder of the peers' scripts."""
    return _HERE


def _environment(folder: Path, **settings: object) -> dict[str, str]:
    """That of whoever runs the tests, without settings of theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EWALLET_", "LANG", "LC_"))}
    paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    given = {f"EWALLET_{name.upper()}": str(value) for name, value in settings.items()}
    fixed = {"HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(paths)}
    return kept | fixed | given | {"EWALLET_UNSAFE_LOOPBACK": "1", "EWALLET_DEBUG": "1"}


@contextmanager
def running(folder: Path, *command: str, **settings: object) -> Iterator[None]:
    """A command of ours, as long as the block lasts; what it says of itself is in the folder."""
    with (folder / "said").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=_environment(folder, **settings),
            stdout=said,
            stderr=said,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@dataclass(frozen=True)
class Town:
    """An issuer, and banks by the way they say who asks; whom everybody trusts; ``send`` reaches them."""

    folder: Path
    pki: Pki
    trust: TrustList
    issuer: str
    banks: Mapping[str, str]
    send: Http = field(default_factory=lambda: Http(unsafe_loopback=True))

    def call(self, method: str, url: str, key: str, **body: Any) -> Any:
        """A call of our own programs' API."""
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        response = self.send(Request(method, url, headers, json.dumps(body).encode() if body else b""))
        assert response.status in {200, 201, 204}, response
        return json.loads(response.body or b"null")

    @property
    def environment(self) -> dict[str, str]:
        """In which our commands run."""
        return _environment(self.folder)

    def offer(self, kind: str = _KIND, *, tx_code: bool = False, issuer: str = "") -> Any:
        """An offer to the citizen."""
        url = f"{issuer or self.issuer}/v1/offers"
        return self.call("POST", url, _OPERATOR, subject=_CITIZEN, types=[kind], tx_code=tx_code)

    def certificates(self) -> Any:
        """What was issued to the citizen, the newest first."""
        found = self.call("GET", f"{self.issuer}/v1/certificates?subject={_CITIZEN}", _OPERATOR)
        return found["certificates"]

    def revoke(self, certificate_id: str) -> None:
        """End a certificate of ours."""
        url = f"{self.issuer}/v1/certificates/{certificate_id}/revoke"
        self.call("POST", url, _OPERATOR, reason="가상 사유")

    def ask(self, prefix: str = "x509_hash", **asked: Any) -> Any:
        """A request of that bank."""
        question = {"type": _KIND, "claims": list(_ASKED), "purpose": "가상 대출 심사"}
        return self.call("POST", f"{self.banks[prefix]}/v1/requests", _API_KEY, **question | asked)

    def outcome(self, asked: Mapping[str, Any], prefix: str = "x509_hash", response_code: str = "") -> Any:
        """What has become of it."""
        code = f"?response_code={response_code}" if response_code else ""
        return self.call("GET", f"{self.banks[prefix]}/v1/requests/{asked['id']}{code}", _API_KEY)

    def verify(self, **presented: Any) -> Any:
        """The bank's verdict on a presentation that came some other way."""
        return self.call("POST", f"{self.banks['x509_hash']}/v1/verify", _API_KEY, **presented)

    def verdict(self, asked: Mapping[str, Any], prefix: str = "x509_hash") -> tuple[str, str | None]:
        """What the bank thinks of the answer, and why."""
        verdict = self.outcome(asked, prefix)["verdict"]
        return verdict["verdict"], verdict["code"]

    def await_ready(self, url: str) -> None:
        """Return as soon as a service answers there."""
        for _ in range(1200):
            with suppress(EWalletError):
                if self.send(Request("GET", f"{url}/readyz")).status == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no service at {url}: {(self.folder / 'said').read_text()}")

    def service(self, url: str, *command: str) -> Any:
        """The issuer's service at that address, once started."""
        folder = self.folder / url.rpartition(":")[2]
        folder.mkdir()
        return running(
            self.folder,
            *command,
            issuer=url,
            listen=url.removeprefix("http://"),
            issuer_keys=self.folder / "office",
            records="demo",
            data=folder,
            operators=self.folder / "operators",
        )

    def bank(self, prefix: str) -> Any:
        """``ewallet-verify serve`` at the address of that bank, once started."""
        url = self.banks[prefix]
        listen = f"127.0.0.1:{url.rpartition(':')[2]}"
        files = ("--signer", "bank.key", "--chain", "bank.pem", "--trust", "trust.jwt", "--trust-key", "operator.jwk")
        own = ("--prefix", prefix, "--url", url, "--listen", listen, "--api-key-file", "api-key")
        more = ("--state", f"sqlite:///{prefix}.db", "--redirect-to", "https://bank.example")
        return running(self.folder, "-m", "verifier_cli", "serve", *files, *own, *more)

    def write(self, *, one_key: bool) -> None:
        """The files that the processes read; with ``one_key`` the issuer signs its status lists as its certificates."""
        self.pki.save(self.folder / "pki")
        office = self.folder / "office"
        shutil.copytree(self.folder / "pki" / "signers", office)
        for kind in ("key", "pem"):
            (self.folder / "pki" / f"verifier.{kind}").rename(self.folder / f"bank.{kind}")
        for kind in ("key", "pem") if one_key else ():
            shutil.copyfile(office / f"resident.{kind}", office / f"status.{kind}")
        (self.folder / "trust.jwt").write_text(self.trust.signed(self.pki.operator), "ascii")
        (self.folder / "operator.jwk").write_text(json.dumps(self.pki.operator_key.jwk), "ascii")
        digest = sha256(_OPERATOR.encode()).hexdigest()
        (self.folder / "operators").write_text(f"{digest} desk offer status read\n", "ascii")
        (self.folder / "api-key").write_text(f"{_API_KEY}\n", "ascii")
        (self.folder / "api-key").chmod(0o600)


def _trusted(own: Pki, others: Mapping[str, Pki]) -> TrustList:
    """The trust list of one, with the issuers and verifiers of others on it too."""
    more = [
        replace(anchor, id=f"{name}-{anchor.id}")
        for name, pki in others.items()
        for anchor in pki.anchors
        if anchor.purpose != "status"
    ]
    found = own.trust_list()
    return replace(found, anchors=(*found.anchors, *more))


@pytest.fixture(scope="session")
def found_town(tmp_path_factory):
    """Founds a town that trusts others too, and starts its services: an issuer, and a bank for each prefix."""

    @contextmanager
    def found(*prefixes: str, one_key: bool = False, **others: Pki) -> Iterator[Town]:
        folder = tmp_path_factory.mktemp("town")
        issuer = f"http://127.0.0.1:{free_port()}"
        banks = {prefix: f"http://{_HOSTS[prefix]}:{free_port()}" for prefix in prefixes}
        pki = Pki.make(at=Env().now(), issuer=issuer, verifier="http://localhost")
        town = Town(folder, pki, _trusted(pki, others), issuer, banks)
        town.write(one_key=one_key)
        with ExitStack() as services:
            services.enter_context(town.service(issuer, "-m", "issuer_service"))
            for prefix in banks:
                services.enter_context(town.bank(prefix))
            for url in (issuer, *banks.values()):
                town.await_ready(url)
            yield town

    return found


@pytest.fixture(scope="session")
def town(request, found_town):
    """The town in which that wallet is used."""
    request.getfixturevalue("wallet")  # where it is absent, nothing is started
    with found_town(*_HOSTS) as town:
        yield town
