"""Witnesses of a portal's log: asked by the clock, heard in what the portal gives away, and waited for by nobody."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ewallet import receipt
from ewallet.errors import EWalletError
from ewallet.flow import Response
from ewallet.history import Believed, Checkpoint, Note, Witness, key_of
from ewallet.history.state import StateFile
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.history import Register, event
from ewallet.verdict import Accepted
from issuer_service.jobs import Jobs
from issuer_service.witnesses import Known, Witnesses

ORIGIN = "issuer.example.go.kr/mydata/log"
NAME = "witness.example.org"
HTML = {"accept": "text/html"}


@dataclass
class Post:
    """A folder in which a witness of the portal's log stands, at an address that stays."""

    folder: Path
    log: SigningKey = field(default_factory=lambda: SigningKey.generate("EdDSA"))
    key: SigningKey = field(default_factory=lambda: SigningKey.generate("EdDSA"))
    listen: str = "127.0.0.1:0"
    process: subprocess.Popen | None = None

    @property
    def believed(self):
        """Those who rely on the log want one witness."""
        witness = key_of(NAME, self.key.public, witness=True)
        return Believed(log=(key_of(ORIGIN, self.log.public),), witnesses=(witness,), quorum=1)

    def start(self, *more):
        """And wait until it serves."""
        options = ("--name", NAME, "--key", "witness.pem", "--state", "state.json", "--listen", self.listen)
        paths = os.pathsep.join(entry for entry in sys.path if entry)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ewallet.witness", "serve", "--log", str(self.believed.log[0]), *options, *more],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths},
            text=True,
        )
        assert self.process.stderr
        found = re.fullmatch(r"ewallet-witness: \S+ at http://(127\.0\.0\.1:\d+)\n", self.process.stderr.readline())
        assert found
        self.listen = found[1]

    def stop(self):
        """The witness is down."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=10)


@pytest.fixture
def post(tmp_path):
    """A witness that is there, and has seen nothing."""
    folder = tmp_path / "post"
    folder.mkdir()
    made = Post(folder)
    made.key.save(folder / "witness.pem")
    made.start("--new")
    yield made
    made.stop()


@pytest.fixture
def portal_settings(portal_settings, post, tmp_path):
    """Those of a portal that asks this witness."""
    post.log.save(tmp_path / "log.key")
    file = tmp_path / "witnesses"
    file.write_text(f"{post.believed.witnesses[0]} http://{post.listen}\n", "ascii")
    return portal_settings | {"log_key": tmp_path / "log.key", "witnesses": file, "unsafe_loopback": True}


def _minute(portal):
    desk = portal.site.desk
    Jobs(desk.mydata, desk.log, desk.witnesses).run()


def _served(portal):
    return portal.site.browser.get("/mydata/log/checkpoint").content


def _happens(portal):
    env = portal.site.service.env
    portal.site.service.database.history.append(event(env.random, at=env.now()))


def _code(call: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(EWalletError) as caught:
        call(*args)
    return caught.value.code


def _receipt(portal, post):
    (given,) = portal.site.desk.mydata.consents("hong")
    answer = portal.site.browser.get(f"/my/consents/{given.consent.id}/receipt", headers=HTML)
    catalog, now = portal.site.service.issuer.catalog, portal.site.clock.now()
    return receipt.verify(answer.content, portal.wallet._trust, catalog, at=now, believed=post.believed)


def _with_a_certificate(portal):
    """The checkpoints that come with one."""
    heads = []

    def noted(request):
        answer = portal.site.send(request)
        if request.url.endswith("/credential"):
            heads.append(b64decode(answer.headers["log-checkpoint"]))
        return answer

    portal.wallet._send = noted
    portal.hold()
    assert heads
    return heads


@pytest.mark.loopback
def test_what_a_portal_gives_away_has_what_its_witness_says(portal, post):
    """The checkpoint, a receipt, a proof and the header with a certificate hold with a quorum of one."""
    portal.granted()
    assert "log.unwitnessed" == _code(Checkpoint.read, _served(portal), post.believed)
    _minute(portal)

    assert [NAME] == [seen.name for seen in Checkpoint.read(_served(portal), post.believed).cosigned]
    assert isinstance(_receipt(portal, post), Accepted)
    proof = portal.site.browser.get("/mydata/log/inclusion/0").json()
    Checkpoint.read(proof["checkpoint"].encode(), post.believed)
    for head in _with_a_certificate(portal):
        Checkpoint.read(head, post.believed)


@pytest.mark.loopback
def test_a_portal_goes_on_while_its_witness_is_down(portal, post, caplog):
    """What is signed meanwhile has no quorum, and a name and a code are logged; back again, it cosigns the rest."""
    portal.granted()
    _minute(portal)
    post.stop()
    _happens(portal)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "ewallet"):
        _minute(portal)
    assert [f"witness {NAME}: fetch.unavailable"] == [record.getMessage() for record in caplog.records]
    assert 200 == portal.site.browser.get("/readyz").status_code
    assert "log.unwitnessed" == _code(Checkpoint.read, _served(portal), post.believed)
    assert "log.unwitnessed" == _receipt(portal, post).code
    post.start()
    _minute(portal)

    assert [NAME] == [seen.name for seen in Checkpoint.read(_served(portal), post.believed).cosigned]
    assert isinstance(_receipt(portal, post), Accepted)


@pytest.mark.loopback
def test_the_witness_is_asked_while_the_service_runs(portal, post):
    """From its start on, by the clock."""
    _happens(portal)
    with portal.site.browser:
        pass
    with closing(Database(portal.site.service.settings.database_url)) as database:
        raw = database.history.checkpoint() or b""
        assert [NAME] == [seen.name for seen in Checkpoint.read(raw, post.believed).cosigned]


@dataclass
class Stand:
    """A witness in this process, a log, and whoever asks the one about the other."""

    register: Register
    witness: Witness
    asked: list[bytes] = field(default_factory=list)

    def send(self, request):
        """Over no network."""
        self.asked.append(request.body.partition(b"\n")[0])
        return self.witness.answer(request.body)

    def witnesses(self, send=None):
        """Of a worker that has just been started."""
        known = Known(self.register.witness, "https://witness.example.org")
        return Witnesses(self.register.log, (known,), send or self.send)


@pytest.fixture
def stand(tmp_path):
    """Of three events."""
    register = Register().fill(3)
    state = StateFile.create(tmp_path / "state.json")
    logs = {register.log.origin: register.believed}
    yield Stand(register, Witness(name=NAME, signer=register.witness_key, logs=logs, state=state))
    state.close()


def test_a_witness_is_asked_once_for_each_checkpoint_from_what_it_saw_last(stand):
    """One that is cosigned is left alone; a worker that was just started is told by the witness what it saw."""
    asking = stand.witnesses()
    for count in (0, 0, 4):
        stand.register.fill(count)
        asking.ask()
    stand.register.fill(1)
    stand.witnesses().ask()

    assert [b"old 0", b"old 3", b"old 0", b"old 7"] == stand.asked
    assert Note.read(stand.register.log.checkpoint()).of(stand.register.witness)


def test_a_log_that_forked_is_refused_by_its_witness_and_said(stand, caplog):
    """By the name of the witness and the code."""
    stand.witnesses().ask()
    fork = Register("fork", key=stand.register.key, witness_key=stand.register.witness_key).fill(5)
    Stand(fork, stand.witness).witnesses().ask()

    assert [f"witness {NAME}: log.forked"] == caplog.messages
    assert Note.read(fork.log.checkpoint()).of(fork.witness) is None


def test_a_worker_that_was_overtaken_accuses_nobody(stand, caplog):
    """Another one has had a larger checkpoint cosigned in between: no rollback is said."""

    def overtaken(request):
        stand.register.fill(1)
        stand.witnesses().ask()
        return stand.send(request)

    stand.witnesses(overtaken).ask()

    assert [] == caplog.messages
    assert Note.read(stand.register.log.checkpoint()).of(stand.register.witness)


def test_one_witness_that_fails_keeps_no_other_from_cosigning(stand, caplog):
    """Nor does what it answers come into the log of the process."""
    other = Known(key_of("other.example", SigningKey.generate("EdDSA").public, witness=True), "https://other.example")

    def send(request):
        return Response(500, {}, b"secret-value") if "other.example" in request.url else stand.send(request)

    (known,) = stand.witnesses().known
    Witnesses(stand.register.log, (other, known), send).ask()

    assert ["witness other.example: fetch.unavailable"] == caplog.messages
    assert Note.read(stand.register.log.checkpoint()).of(known.key)
