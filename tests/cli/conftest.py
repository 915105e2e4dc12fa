"""The commands as other programs start them: real processes, in a folder with the files that people name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ewallet import qr
from ewallet.catalog.kinds import KST
from ewallet.consent import Choice, Consent, Party, consenting
from ewallet.credential import Path as ClaimPath
from ewallet.env import Env
from ewallet.keys import PublicKey
from ewallet.oid4vci.offer import CredentialOffer
from ewallet.oid4vp import vp_token_bytes
from ewallet.oid4vp.request import subject_name
from ewallet.receipt import Receipt
from ewallet.shape import certificate
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.kit import CLIENT_ID, SUBJECT, Kit, Presented
from ewallet.testing.peers import IssuerPeer
from ewallet.testing.pki import ISSUER
from ewallet.testing.stage import Stage, disclosure

PASSPHRASE: Final = "a passphrase of nobody"
PROGRAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "ewallet-verify": (sys.executable, "-m", "verifier_cli"),
    "ewallet": (sys.executable, "-m", "ewallet.cli"),
}
ASKED: Final[list[str | ClaimPath]] = ["resident_address", "is_householder"]
KIND: Final = "resident_register_copy"


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        (line,) = self.stdout.splitlines()
        document: dict[str, Any] = json.loads(line)
        return document


@dataclass(frozen=True)
class Desk:
    """A folder of files; ``at`` is the time they belong to."""

    folder: Path
    at: str
    names: dict[str, str] = field(default_factory=dict)

    def run(
        self, *command: str, env: Mapping[str, str] | None = None, stdin: bytes = b"", encoding: str = "utf-8"
    ) -> Ended:
        """Start a command in the folder, in an environment without settings of whoever runs the tests."""
        ended = subprocess.run(
            [*PROGRAMS[command[0]], *command[1:]],
            cwd=self.folder,
            env=self.environment | dict(env or {}),
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.decode(encoding), ended.stderr.decode(encoding))

    @contextmanager
    def running(self, *command: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """A command while it runs; what is left of it at the end is killed."""
        process = subprocess.Popen(
            [*PROGRAMS[command[0]], *command[1:]],
            cwd=self.folder,
            env=self.environment | dict(env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def drawn(self, name: str, process: subprocess.Popen[str]) -> bytes:
        """The picture that a command draws, as soon as all of it is there."""
        path, end = self.folder / name, time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            if path.exists() and (raw := path.read_bytes()).endswith(b"\xaeB`\x82"):
                return raw
            time.sleep(0.05)
        raise AssertionError(process.communicate())

    def verify(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Ended:
        """``ewallet-verify verify`` with the trust, the time and the status list of the folder."""
        return self.run("ewallet-verify", "verify", *arguments, *self.terms, env=env, stdin=stdin)

    @property
    def terms(self) -> tuple[str, ...]:
        """Whom to believe, when, and the status list that is at hand."""
        trust = ("--trust", "trust.jwt", "--trust-key", "operator.pem", "--at", self.at)
        return (*trust, "--offline", "--status", "status.jwt")

    @property
    def environment(self) -> dict[str, str]:
        """That of whoever runs the tests, without settings and language."""
        ours = ("EWALLET_", "LANG", "LC_", "XDG_", "NO_COLOR", "TERM", "PYTHONIOENCODING")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        return kept | {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
            "PYTHONPATH": os.pathsep.join(paths),
        }


def _write_trust(folder: Path, kit: Kit) -> None:
    key = kit.pki.operator_key
    (folder / "trust.jwt").write_text(kit.pki.signed_trust_list(), "ascii")
    (folder / "operator.jwk").write_text(json.dumps(key.jwk), "ascii")
    (folder / "operator.pem").write_bytes(key._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _write_bank(folder: Path, kit: Kit) -> None:
    _write_trust(folder, kit)
    chain = b"".join(certificate(der).public_bytes(Encoding.PEM) for der in kit.pki.verifier.chain)
    (folder / "bank.pem").write_bytes(chain)
    kit.pki.verifier.save(folder / "bank.key")
    (folder / "receipts").mkdir()


def _write_answer(folder: Path, name: str, presented: Presented) -> None:
    (folder / f"{name}.json").write_bytes(vp_token_bytes(presented.token))
    (folder / f"{name}.request.json").write_bytes(presented.request.to_bytes())


def _write_receipt(folder: Path, kit: Kit) -> None:
    """The receipt of a consent, and one in which somebody changed what was asked."""
    name, catalog = subject_name(kit.pki.verifier.chain[0]), kit.catalog
    choice, bank = Choice(road="wallet", days=30), Party(id=CLIENT_ID, names={"ko": name, "en": name})
    terms: dict[str, Any] = {"id_": "consent-1", "recipient": bank, "since": kit.clock.now()}
    consent = Consent.propose(catalog.bundle("customs_declaration"), catalog, choice, **terms)
    kit.issue(consent.items[0].type_id)
    query = consenting.query(consent, catalog)
    agreed = (consenting.transaction(consent, query, catalog),)
    asked = replace(kit.verifier.ask(query, purpose="가상"), transaction_data=agreed, verifier_name=name)
    receipt = Receipt.make(asked, kit.answer(asked).token, kit.pki.verifier, id_="receipt-1", at=kit.clock.now())
    (folder / "receipt.json").write_bytes(receipt.to_bytes())
    altered = replace(receipt, request=replace(receipt.request, nonce="another"))
    (folder / "receipt-altered.json").write_bytes(altered.to_bytes())


def _status(kit: Kit) -> str:
    (document, *_) = kit.wallet.documents()
    assert document.credential.status
    return kit.issuer.status_token(document.credential.status.uri)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A bank's desk at noon of the samples' day: answers good and bad, the trust list, status lists."""
    folder = tmp_path_factory.mktemp("desk")
    kit = Kit.make()
    document = kit.issue(KIND, copies=4)
    presented = kit.present(kit.query(KIND, ASKED))
    stage = Stage.of(kit, presented)
    _write_trust(folder, kit)
    _write_answer(folder, "answer", presented)
    text = vp_token_bytes(presented.token).decode()
    qr.sheet(text, folder / "answer.png")
    for number, frame in enumerate(qr.frames(text), 1):
        qr.png(frame, folder / f"frame-{number}.png")
    _write_answer(folder, "other", kit.present(kit.query(KIND, ["subject_name"])))
    (folder / "presentation.txt").write_text(stage.presentation, "ascii")
    (folder / "altered.txt").write_text(stage.bind(stage.shown, key=kit.pki.verifier), "ascii")
    loud = stage.disclosing(*(disclosure("salt", name, value) for name, value in HOSTILE.items()))
    (folder / "hostile.txt").write_text(loud, "ascii")
    (folder / "status.jwt").write_text(_status(kit), "ascii")
    _write_receipt(folder, kit)
    kit.issuer.revoke(kit.certificate_id(document), reason="a test")
    (folder / "revoked.jwt").write_text(_status(kit), "ascii")
    binding = presented.request.binding
    names = {"nonce": binding.nonce, "audience": binding.audience}
    return Desk(folder, kit.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"), names)


#: Claims that an issuer might sign by mistake or in bad faith.
HOSTILE: Final[Mapping[str, str]] = {
    "ansi": "\x1b[2J\x1b[31mred\x07",
    "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "bidi": "\u202egnp.exe\u2066",
    "lines": "one\r\ntwo\u2028three\x9b31m",
    "long": "가" * 100_000,
    "name\x1b[1m": "a name that commands",
}


@pytest.fixture
def wallet(tmp_path: Path) -> Desk:
    """A holder's desk, now: a wallet with one certificate in two copies, and another that waits to be received."""
    clock = Clock(Env().now())
    database = Database(f"sqlite:///{tmp_path / 'data' / 'wallet' / 'wallet.db'}")
    store = database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    kit = Kit.make(clock=clock, wallet_store=store)
    held = kit.issue(KIND, copies=2)
    waiting = kit.issuer.issue(
        "disabled_person_certificate",
        kit.catalog.type("disabled_person_certificate").sample,
        subject="citizen-1",
        holders=kit.wallet.new_keys(2),
    )
    request = kit.verifier.ask(kit.query(KIND, ASKED), purpose="가상 대출 심사")
    _write_trust(tmp_path, kit)
    (tmp_path / "status.jwt").write_text(_status(kit), "ascii")
    (tmp_path / "received.json").write_text(json.dumps(waiting.credentials), "ascii")
    (tmp_path / "request.json").write_bytes(request.to_bytes())
    qr.png(CredentialOffer(issuer=ISSUER, configuration_ids=(f"{KIND}.dc+sd-jwt",)).uri, tmp_path / "offer.png")
    qr.png("javascript:alert(1)", tmp_path / "program.png")
    (tmp_path / "junk.png").write_bytes(bytes(range(256)))
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n", "utf-8")
    (tmp_path / "passphrase").chmod(0o600)
    database.close()
    return Desk(tmp_path, clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"), {"held": held.id})


@pytest.fixture
def strangers_key() -> PublicKey:
    """A key that signed nothing here."""
    return Kit.make().pki.verifier.public


@pytest.fixture
def empty_desk(tmp_path: Path) -> Desk:
    """A holder's desk with an empty wallet, its passphrase in a file beside it."""
    database = Database(f"sqlite:///{tmp_path / 'data' / 'wallet' / 'wallet.db'}")
    database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    database.close()
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n", "utf-8")
    (tmp_path / "passphrase").chmod(0o600)
    return Desk(tmp_path, "")


@dataclass(frozen=True)
class Bank:
    """A bank with its files in the folder of a holder, and the ``status`` lists of what the holder has."""

    desk: Desk
    kit: Kit
    status: tuple[str, ...]

    TRUST: ClassVar = ("--trust", "trust.jwt", "--trust-key", "operator.jwk")

    @classmethod
    def open(cls, desk: Desk, *kinds: str, copies: int = 2) -> Bank:
        """Before a holder who has just received these kinds."""
        database = Database(f"sqlite:///{desk.folder / 'data' / 'wallet' / 'wallet.db'}")
        kit = Kit.make(clock=Clock(Env().now()), wallet_store=database.wallet(PASSPHRASE))
        issuer = IssuerPeer(kit)
        issuer.records.given |= {(SUBJECT, kind): _record(kit, kind) for kind in kinds}
        received = [kit.wallet.accept(issuer.offer(kind), copies=copies) for kind in kinds]
        lists = {document.credential.status.uri for (document,) in received if document.credential.status}
        database.close()
        _write_bank(desk.folder, kit)
        return cls(desk, kit, _write_lists(desk.folder, kit, lists))

    def running(self, *command: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """A command of the bank, offline, with its key."""
        files = ("--signer", "bank.key", "--chain", "bank.pem", *self.TRUST, "--offline", *self.status)
        return self.desk.running("ewallet-verify", *command, *files)

    def receipt(self, *arguments: str) -> Ended:
        """What its command says of the file of a receipt."""
        return self.desk.run("ewallet-verify", "verify", "--type", "receipt", *arguments, *self.TRUST)

    @property
    def receipts(self) -> list[str]:
        """Those that it keeps."""
        return [path.read_text("utf-8") for path in (self.desk.folder / "receipts").glob("*.json")]


def _record(kit: Kit, kind: str) -> dict[str, Any]:
    """The sample of a kind as if it were printed today: it says itself until when."""
    today, sample = kit.clock.now().astimezone(KST).date(), kit.catalog.type(kind).sample
    printed = {"issue_date": today.isoformat(), "expiry_date": (today + timedelta(days=29)).isoformat()}
    return dict(sample) | {name: day for name, day in printed.items() if name in sample}


def _write_lists(folder: Path, kit: Kit, uris: Collection[str]) -> tuple[str, ...]:
    options: tuple[str, ...] = ()
    for number, uri in enumerate(sorted(uris)):
        (folder / f"status-{number}.jwt").write_text(kit.issuer.status_token(uri), "ascii")
        options += ("--status", f"status-{number}.jwt")
    return options


@pytest.fixture
def open_bank(empty_desk: Desk) -> Callable[..., Bank]:
    """A bank before the holder of the empty wallet, who receives these kinds first."""
    return partial(Bank.open, empty_desk)
