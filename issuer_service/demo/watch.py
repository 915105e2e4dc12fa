"""The witness of the portal's log: a process of its own, with a key and a memory that the portal has not."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from time import monotonic, sleep
from typing import Final

from ewallet.flow import Request, Response
from ewallet.history import Log, key_of
from ewallet.keys import SigningKey
from ewallet.sql import Database
from issuer_service import witnesses
from issuer_service.demo.browser import Unexpected, expect
from issuer_service.demo.keyring import log_origin
from issuer_service.demo.stage import Stage
from issuer_service.witnesses import Witnesses

_NAME: Final = "witness.example.org"
_PATIENCE: Final = 60.0  # seconds
_GLANCE: Final = 0.05
_SERVES: Final = re.compile(r" at (http://\S+)\n")


def open_witness(stage: Stage) -> None:
    """Start it, and tell the portal who it is and where; it stands in for one on another host, in other hands."""
    folder, key = stage.place.folder.resolve() / "witness", SigningKey.generate("EdDSA")
    folder.mkdir(mode=0o700)
    key.save(folder / "witness.pem")
    watched = ("--log", (stage.path("trust") / "log.vkey").read_text("ascii"), "--listen", "127.0.0.1:0")
    own = ("--name", _NAME, "--key", str(folder / "witness.pem"), "--state", str(folder / "state.json"), "--new")
    command = [sys.executable, "-m", "ewallet.witness", "serve", *own, *watched]
    process = stage.crew.serve(command, env=stage.environment, log=stage.path("witness.log"))
    known = str(key_of(_NAME, key.public, witness=True))
    stage.write("trust/witness.vkey", known)
    stage.write("portal/witnesses", f"{known} {_address(stage, process)}\n")


def _address(stage: Stage, process: subprocess.Popen[str]) -> str:
    end = monotonic() + _PATIENCE
    while not (found := _SERVES.search(stage.path("witness.log").read_text("utf-8"))):
        if process.poll() is not None or monotonic() > end:
            raise Unexpected("the witness did not begin")
        sleep(_GLANCE)
    return found[1]


def cosign_now(stage: Stage) -> None:
    """What each worker of the portal does once a minute, done by one more of them, for nobody wants to wait."""
    key = SigningKey.load(stage.path("portal") / "log.key")

    def send(request: Request) -> Response:
        answer = stage.client.request(request.method, request.url, content=request.body, headers=dict(request.headers))
        return Response(answer.status_code, {}, answer.content)

    with closing(Database(f"sqlite:///{stage.path('issuer') / 'issuer.db'}", env=stage.env)) as opened:
        log = Log(log_origin(stage.place), key, opened.history)
        known = witnesses.read(stage.path("portal") / "witnesses", log, loopback=True)
        Witnesses(log, known, send).ask()
        expect(f"\u2014 {_NAME} " in log.checkpoint().decode(), "the witness has not cosigned")
