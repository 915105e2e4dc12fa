"""The services of an issuer and a bank as processes on this machine, with addresses, keys and databases of their own.

They are started as commands are, out of a :class:`ewallet.testing.nursery.Nursery`, spoken to over HTTP, and killed::

    town = Town.make(folder)
    issuer = IssuerSite(nursery, town, folder)
    issuer.start()
    token = issuer.caller().token(issuer.offer())
    issuer.kill()

A site may have several processes on one database: each has a port, and the address is that of the first.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ewallet import jose
from ewallet.env import Env
from ewallet.errors import TransportError
from ewallet.flow import Request, Response, Send
from ewallet.keys import SigningKey
from ewallet.oid4vci.offer import CredentialOffer, parse_link
from ewallet.testing.caller import KIND, Caller
from ewallet.testing.crowd import Answered, Sent
from ewallet.testing.nursery import Child, Nursery, free_port
from ewallet.testing.pki import Pki

#: What a nursery should have imported.
IMPORTS: Final = (
    "issuer_service.app",
    "verifier_cli.commands.serve",
    "verifier_cli.desk",
    "ewallet.aio",
    "ewallet.catalog",
    "ewallet.http",
    "ewallet.serving",
    "ewallet.sql",
    "ewallet.testing.caller",
)
_OPERATOR: Final = "the-key-of-an-invented-operator"
_BANK: Final = "the-key-of-an-invented-bank"
_START: Final = 30.0  # seconds for a service to answer
_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True)
class Town:
    """The addresses of an issuer and a bank, and a folder with their keys and the trust list."""

    folder: Path
    pki: Pki
    issuer: str
    bank: str

    @classmethod
    def make(cls, folder: Path) -> Town:
        """Fresh keys, in force now, and two free ports."""
        issuer, bank = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        pki = Pki.make(at=Env().now(), issuer=issuer, verifier=bank)
        pki.save(folder)
        (folder / "operators").write_text(f"{sha256(_OPERATOR.encode()).hexdigest()} desk offer read status\n", "utf-8")
        (folder / "bank-key").write_text(f"{_BANK}\n", "utf-8")
        (folder / "bank-key").chmod(0o600)
        return cls(folder, pki, issuer, bank)

    def with_new_signers(self, folder: Path) -> Town:
        """The same town after its issuer's document signers were replaced: new keys under the same authorities."""
        shutil.copytree(self.folder, folder)
        for system in self.pki.signers:
            signer = self.pki.signer(system, self.pki.profile(subject=f"Example {system} signer, the next"))
            chain = b"".join(_pem(each) for each in signer.chain)
            (folder / "signers" / f"{system}.key").unlink()
            signer.save(folder / "signers" / f"{system}.key")
            (folder / "signers" / f"{system}.pem").write_bytes(chain)
        return Town(folder, self.pki, self.issuer, self.bank)


def _pem(der: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    from ewallet.shape import certificate

    return certificate(der).public_bytes(Encoding.PEM)


class Site(ABC):
    """One service; ``log`` is what all its processes have said."""

    program: str

    def __init__(self, nursery: Nursery, address: str, folder: Path) -> None:
        self.nursery = nursery
        self.address = address
        self.folder = folder
        self.host = urlsplit(address).netloc
        self.port = int(self.host.rpartition(":")[2])
        self.children: dict[int, Child] = {}

    @abstractmethod
    def arguments(self, port: int) -> tuple[str, ...]:
        """Those of the command."""

    @abstractmethod
    def environment(self, port: int) -> Mapping[str, str]:
        """The settings of the command."""

    # -- processes ---------------------------------------------------------------------------------------------

    def begin(self, port: int = 0, *, before: str = "", env: Mapping[str, str] = _NOTHING) -> Child:
        """Start a process, and do not wait for it."""
        port = port or self.port
        settings = {**self.environment(port), "EWALLET_UNSAFE_LOOPBACK": "1", "EWALLET_LIMITS": "off", **env}
        child = self.nursery.run(self.program, *self.arguments(port), log=self._log, env=settings, before=before)
        self.children[port] = child
        return child

    def start(self, port: int = 0, *, before: str = "", env: Mapping[str, str] = _NOTHING) -> Child:
        """Start a process, and return when it answers."""
        child, deadline = self.begin(port, before=before, env=env), time.monotonic() + _START
        while not self.is_ready(port, path="/healthz"):
            assert child.ended is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)
        return child

    def kill(self, port: int = 0) -> None:
        """End a process at once, whatever it does."""
        self.children.pop(port or self.port).kill()

    def end(self, port: int = 0) -> int:
        """Tell a process to end, as an operator does; its exit code."""
        child = self.children.pop(port or self.port)
        child.send(signal.SIGTERM)
        return child.wait()

    def restart(self, *, before: str = "") -> None:
        """Kill all processes, and start them anew."""
        ports = tuple(self.children)
        self.close()
        for port in ports:
            self.start(port, before=before)

    def close(self) -> None:
        """Kill all processes."""
        for port in tuple(self.children):
            self.kill(port)

    def is_ready(self, port: int = 0, *, path: str = "/readyz") -> bool:
        """Whether a process says so."""
        try:
            return self.ask("GET", path, port=port).status == 200
        except OSError:
            return False

    @property
    def log(self) -> str:
        """What was said by all processes."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.program}.log"

    # -- requests ----------------------------------------------------------------------------------------------

    def sent(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] = _NOTHING, port: int = 0
    ) -> Sent:
        """A request as it is on the wire."""
        return Sent.of(port or self.port, method, path, host=self.host, headers=headers, body=body)

    def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] = _NOTHING, port: int = 0
    ) -> Answered:
        """The answer to a request; an ``OSError`` where there is none, or not all of one."""
        return exchanged(self.sent(method, path, body=body, headers=headers, port=port))

    def sender(self, port: int = 0) -> Send:
        """The way of a wallet to one of the processes, whatever the address says; ``fetch.unavailable``."""

        def send(request: Request) -> Response:
            parts = urlsplit(request.url)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            try:
                got = self.ask(request.method, path, body=request.body, headers=request.headers, port=port)
            except OSError as exc:
                raise TransportError("fetch.unavailable", type(exc).__name__) from None
            return Response(got.status, got.headers, got.body)

        return send


def shifted(file: Path) -> str:
    """What a program is to run first so that its clock differs by the seconds that stand in the file, at any time."""
    return f"""
from datetime import timedelta
from pathlib import Path
from ewallet import env
true, file = env._now, Path({str(file)!r})
env.Env.__init__.__kwdefaults__["now"] = lambda: true() + timedelta(seconds=float(file.read_text()))
"""


def exchanged(sent: Sent, seconds: float = 60) -> Answered:
    """The answer to a request; ``ConnectionAbortedError`` for half of one, another ``OSError`` where there is none."""
    with socket.create_connection(("127.0.0.1", sent.port), timeout=seconds) as connection:
        connection.sendall(sent.raw)
        raw = b""
        while piece := connection.recv(65_536):
            raw += piece
    answer = Answered.parse(raw)
    if not answer.status:
        raise ConnectionResetError("closed without an answer")
    if len(answer.body) < int(answer.headers.get("content-length", 0)):
        raise ConnectionAbortedError("the answer was cut")
    return answer


class IssuerSite(Site):
    """``python -m issuer_service``, with its demo records, and an operator who may do everything."""

    program = "issuer_service"
    operator: Final = {"authorization": f"Bearer {_OPERATOR}", "content-type": "application/json"}

    def __init__(self, nursery: Nursery, town: Town, folder: Path, *, database: str = "") -> None:
        super().__init__(nursery, town.issuer, folder)
        self.town = town
        self.file = folder / "issuer" / "issuer.db"
        self.database = database or f"sqlite:///{self.file}"

    def arguments(self, port: int) -> tuple[str, ...]:
        return ()

    def environment(self, port: int) -> Mapping[str, str]:
        return {
            "EWALLET_ISSUER": self.address,
            "EWALLET_ISSUER_KEYS": str(self.town.folder / "signers"),
            "EWALLET_RECORDS": "demo",
            "EWALLET_DATA": str(self.folder),
            "EWALLET_DATABASE": self.database,
            "EWALLET_LISTEN": f"127.0.0.1:{port}",
            "EWALLET_OPERATORS": str(self.town.folder / "operators"),
            "EWALLET_PROXIES": "1",
        }

    def call(self, method: str, path: str, *, port: int = 0, **body: Any) -> Answered:
        """A call of the operator."""
        return self.ask(method, path, body=jose.to_json(body) if body else b"", headers=self.operator, port=port)

    def offer(self, kind: str = KIND, *, port: int = 0, tx_code: bool = False) -> CredentialOffer:
        """A fresh offer to a citizen of the demo register."""
        return self.offered(self.offering(kind, port=port, tx_code=tx_code))

    def offering(self, kind: str = KIND, *, port: int = 0, tx_code: bool = False) -> Answered:
        """What the operator is answered who makes one."""
        return self.call("POST", "/v1/offers", port=port, subject="hong", types=[kind], tx_code=tx_code)

    @staticmethod
    def offered(answer: Answered) -> CredentialOffer:
        """The offer of such an answer."""
        assert answer.status == 201, answer
        found = parse_link(answer.document["uri"], loopback=True)
        assert isinstance(found, CredentialOffer)
        return found

    def caller(self, port: int = 0, *, dpop: bool = False) -> Caller:
        """A wallet that sends one request at a time."""
        key = SigningKey.generate() if dpop else None
        return Caller(self.sender(port), self.address, Env(), dpop_key=key)


class BankSite(Site):
    """``ewallet-verify serve``, and a program of the bank that may ask it everything."""

    program = "verifier_cli"
    member: Final = {"authorization": f"Bearer {_BANK}", "content-type": "application/json"}

    def __init__(self, nursery: Nursery, town: Town, folder: Path, *, database: str = "") -> None:
        super().__init__(nursery, town.bank, folder)
        self.town = town
        self.file = folder / "bank.db"
        self.database = database or f"sqlite:///{self.file}"

    def arguments(self, port: int) -> tuple[str, ...]:
        trusted = ("--trust", self._at("trust-list.jwt"), "--trust-key", self._at("operator.jwk"))
        signed = ("--signer", self._at("verifier.key"), "--chain", self._at("verifier.pem"), "--prefix", "x509_san_dns")
        reached = ("--url", self.address, "--listen", f"127.0.0.1:{port}", "--api-key-file", self._at("bank-key"))
        return ("serve", *trusted, *signed, *reached, "--state", self.database, "--lang", "en")

    def environment(self, port: int) -> Mapping[str, str]:
        return {}

    def request(self, claims: tuple[str, ...] = ("subject_name",), *, port: int = 0, **more: Any) -> tuple[str, str]:
        """A request for claims of a kind: its id for the bank, and its link for the wallet."""
        asked = {"type": KIND, "claims": list(claims), "purpose": "가상 대출 심사", **more}
        made = self.ask("POST", "/v1/requests", body=jose.to_json(asked), headers=self.member, port=port)
        if made.status >= 500:
            raise ConnectionRefusedError("the service cannot now")
        assert made.status == 201, made
        return made.document["id"], made.document["link"]

    def outcome(self, id_: str, *, code: str | None = None, port: int = 0) -> Answered:
        """What has become of a request."""
        query = f"?response_code={code}" if code else ""
        return self.ask("GET", f"/v1/requests/{id_}{query}", headers=self.member, port=port)

    def _at(self, name: str) -> str:
        return str(self.town.folder / name)


def descriptors(pid: int) -> int:
    """How many files a process has open (Linux)."""
    return len([*Path(f"/proc/{pid}/fd").iterdir()])


def resident(pid: int) -> int:
    """Bytes of memory that a process has (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
