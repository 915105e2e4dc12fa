"""The stage of the demo: who takes part, their keys and files, and how it speaks to whoever watches."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import httpx2

from ewallet.env import Env
from ewallet.errors import Language
from ewallet.keys import SigningKey
from ewallet.shape import to_base64url
from ewallet.terminal import coloured
from issuer_service.demo.browser import Browser, Unexpected, client, expect
from issuer_service.demo.crew import Crew
from issuer_service.demo.keyring import write_keys
from issuer_service.demo.place import Place, write_private

_READY: Final = 60.0  # seconds for all services to begin, on a slow machine
_GLANCE: Final = 0.05
_DONE: Final = "✓"
_KEY: Final = 24  # bytes
PREFIX: Final = "x509_san_dns"  # names the bank's host in the history, where the usual one has a digest
_MODULES: Final = {"ewallet": "ewallet.cli", "ewallet-verify": "verifier_cli"}
_TAIL: Final = 5  # lines of a log
_ALL: Final = 1000  # lines of an answer


@dataclass(frozen=True)
class Step:
    """One step of the walk: what it does, raising where it does not hold, and what is said of it."""

    act: Callable[[Stage], None]
    ko: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything a step of the walk needs; ``operator`` and ``clerk`` are API keys of the issuer and of the bank."""

    place: Place
    language: Language
    env: Env
    crew: Crew
    verifier: SigningKey
    client: httpx2.Client
    operator: str = field(repr=False)
    clerk: str = field(repr=False)

    @classmethod
    def build(cls, place: Place, language: Language, env: Env, crew: Crew) -> Stage:
        """A small PKI, keys and settings, in files as everybody would have them."""
        verifier = write_keys(place, env)
        operator, clerk = (to_base64url(env.random(_KEY)) for _ in range(2))
        entry = f"{sha256(operator.encode()).hexdigest()} demo offer status read\n"
        write_private(place.folder / "issuer" / "operators", entry)
        write_private(place.folder / "issuer" / "operator.key", operator + "\n")
        write_private(place.folder / "verifier" / "api.key", clerk + "\n")
        write_private(place.folder / "passphrase", to_base64url(env.random(_KEY)) + "\n")
        return cls(
            place=place,
            language=language,
            env=env,
            crew=crew,
            verifier=verifier,
            client=client(place.tls.authority if place.tls else None),
            operator=operator,
            clerk=clerk,
        )

    # -- what is said --------------------------------------------------------------------------------------------

    def say(self, ko: str, en: str) -> None:
        """Lines to whoever watches."""
        print(ko if self.language == "ko" else en, flush=True)

    def step(self, number: int, ko: str, en: str) -> None:
        """What comes next, and why."""
        self.say(f"\n{number}. {ko}", f"\n{number}. {en}")

    def done(self, ko: str, en: str | None = None) -> None:
        """What held."""
        text = ko if self.language == "ko" or en is None else en
        print(f"   {coloured(_DONE, 'green', sys.stdout)} {text}", flush=True)

    def show(self, text: str, lines: int = _ALL) -> None:
        """The first lines of what a command answered."""
        print("".join(f"     {line}".rstrip() + "\n" for line in text.splitlines()[:lines]), end="", flush=True)

    def call(self, method: str, address: str) -> None:
        """A call that was made over HTTP."""
        print(f"   > {method} {address}", flush=True)

    # -- files ---------------------------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """A file of the demo."""
        return self.place.folder / name

    def write(self, name: str, content: str) -> Path:
        """A file of the demo with that content, new."""
        write_private(self.path(name), content)
        return self.path(name)

    # -- programs ------------------------------------------------------------------------------------------------

    def run(self, name: str, *arguments: str, shown: int = _ALL) -> str:
        """What a command says on stdout, shown so far as lines are wanted; it must end with 0."""
        return self.finish(self.begin(name, *arguments), expected=0, shown=shown)

    def begin(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """A command that runs beside the next ones."""
        print(f"   $ {shlex.join([name, *arguments])}", flush=True)
        return self.crew.begin([sys.executable, "-m", _MODULES[name], *arguments], env=self.environment)

    def finish(self, process: subprocess.Popen[str], *, expected: int, shown: int) -> str:
        """As :meth:`run`, for a command that was begun before; it must end with the exit code that is expected."""
        ended = self.crew.ended(process)
        self.show(ended.stdout, shown)
        otherwise = f"the command ended with {ended.returncode}, expected {expected}\n{ended.stderr.strip()}"
        expect(ended.returncode == expected, otherwise)
        return ended.stdout

    @property
    def settings(self) -> dict[str, str]:
        """What the commands of citizen and clerk are set to."""
        folder = self.place.folder.resolve()
        named = {
            "EWALLET_DATA": folder,
            "EWALLET_PASSPHRASE_FILE": folder / "passphrase",
            "EWALLET_TRUST": folder / "trust" / "trust-list.jwt",
            "EWALLET_TRUST_KEY": folder / "trust" / "operator.jwk",
            "EWALLET_SIGNER": folder / "verifier" / "signer.key",
            "EWALLET_CHAIN": folder / "verifier" / "signer.pem",
            "EWALLET_API_KEY_FILE": folder / "verifier" / "api.key",
            "EWALLET_LANG": self.language,
            "EWALLET_UNSAFE_LOOPBACK": "1",
        }
        if self.place.tls:
            named["EWALLET_TLS_CA"] = self.place.tls.authority.resolve()
        return {name: str(value) for name, value in named.items()}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command, without settings of whoever runs the demo."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EWALLET_")}
        quiet = {"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", "XDG_CONFIG_HOME": str(self.place.folder.resolve())}
        own = {"EWALLET_LISTEN": self.place.listens(0)}  # where a clerk's own question is answered
        if self.place.tls:
            own |= {"EWALLET_TLS_CERT": str(self.place.tls.chain), "EWALLET_TLS_KEY": str(self.place.tls.key)}
        return kept | quiet | own | self.settings

    def browser(self, site: str) -> Browser:
        """A citizen's browser, for that site first."""
        return Browser(site, self.language, self.place.tls.authority if self.place.tls else None)

    # -- services ------------------------------------------------------------------------------------------------

    def open_issuer(self) -> subprocess.Popen[str]:
        """The issuer's service, which is a portal as well."""
        place, folder = self.place, self.place.folder.resolve()
        own = {
            "EWALLET_ISSUER": place.issuer,
            "EWALLET_LISTEN": place.listens(place.issuer_port),
            "EWALLET_ISSUER_KEYS": str(folder / "issuer" / "signers"),
            "EWALLET_OPERATORS": str(folder / "issuer" / "operators"),
            "EWALLET_RECORDS": "demo",
            "EWALLET_RECIPIENTS": str(folder / "portal" / "recipients.json"),
            "EWALLET_PORTAL_KEY": str(folder / "portal" / "signer.key"),
            "EWALLET_PORTAL_CHAIN": str(folder / "portal" / "signer.pem"),
            "EWALLET_LOG_KEY": str(folder / "portal" / "log.key"),
            "EWALLET_WITNESSES": str(folder / "portal" / "witnesses"),
        }
        if place.tls:
            own["EWALLET_TLS_CHAIN"] = str(place.tls.chain)
        command = [sys.executable, "-m", "issuer_service"]
        return self.crew.serve(command, env=self.environment | own, log=self.path("issuer.log"))

    def open_bank(self) -> subprocess.Popen[str]:
        """The bank's service."""
        listen = ("--listen", self.place.listens(self.place.bank_port))
        command = [sys.executable, "-m", "verifier_cli", "serve", *listen, "--prefix", PREFIX]
        return self.crew.serve(command, env=self.environment, log=self.path("verifier.log"))

    def open_desk(self) -> subprocess.Popen[str]:
        """The bank's loan desk."""
        place = self.place
        own = {"EWALLET_LISTEN": place.listens(place.desk_port)}
        command = [sys.executable, "-m", "issuer_service.demo.desk", place.portal, place.desk]
        return self.crew.serve(command, env=self.environment | own, log=self.path("desk.log"))

    def await_ready(self, process: subprocess.Popen[str], address: str, key: str, log: str) -> None:
        """Return when a service answers, and is the one that knows this key where it takes one."""
        end = monotonic() + _READY
        while not self._answers(f"{address}/metrics" if key else address, key):
            if process.poll() is not None or monotonic() > end:
                told = "\n".join(self.path(log).read_text("utf-8").splitlines()[-_TAIL:])
                raise Unexpected(f"no service at {address}\n{told}")
            sleep(_GLANCE)

    def _answers(self, address: str, key: str) -> bool:
        with suppress(httpx2.TransportError):
            headers = {"authorization": f"Bearer {key}"} if key else {}
            return self.client.get(address, headers=headers).is_success
        return False

    def write_environment(self) -> Path:
        """A file that a shell reads, so that the commands work there as they do here."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in self.settings.items()]
        lines.append(f"export EWALLET_SERVER={shlex.quote(self.place.bank)}\n")
        lines.append(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"\n')
        return self.write("env", "".join(lines))


def as_json(document: Mapping[str, object]) -> str:
    """A document for people and programs to read."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
