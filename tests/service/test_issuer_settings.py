"""What the issuer's service is made of: settings, records, and the process that serves it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest

from ewallet.errors import TransportError, UsageError
from ewallet.flow import Request
from ewallet.history import key_of
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.shape import MAX_DOCUMENT, json_object
from issuer_service import settings as settings_module
from issuer_service.app import create_app

ISSUER = "https://issuer.example.go.kr"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"issuer": "http://issuer.example.go.kr"}, "EWALLET_ISSUER"),
        ({"issuer": f"{ISSUER}/"}, "EWALLET_ISSUER"),
        ({"issuer": None}, "EWALLET_ISSUER"),
        ({"records": None}, "EWALLET_RECORDS"),
        ({"records": "http://register.example"}, "EWALLET_RECORDS"),
        ({"records": "https://register.example?all"}, "EWALLET_RECORDS"),
        ({"records": "https://register.example", "records_chain": "/nowhere"}, "EWALLET_RECORDS_KEY"),
        ({"records": "https://register.example", "records_token": "/nowhere"}, "token for the records"),
        ({"records": "ftp://register.example"}, "EWALLET_RECORDS"),
        ({"records": "folder:/nowhere"}, "folder of records"),
        ({"listen": "nowhere"}, "EWALLET_LISTEN"),
        ({"proxies": -1}, "EWALLET_PROXIES"),
        ({"limits": "often"}, "requests/seconds"),
        ({"issuer_keys": "/nowhere"}, "status.key"),
        ({"operators": "/nowhere"}, "operators"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(settings, changes, told):
    """There is no default for what matters, and no value in the message."""
    given = {name: value for name, value in (settings | changes).items() if value is not None}
    with pytest.raises(UsageError) as refused:
        create_app(settings_module.read(given))

    assert told in refused.value.detail
    assert refused.value.code in {"usage.configuration", "usage.file"}


@pytest.mark.parametrize("line", ["x", "0" * 64, f"{'0' * 64} name everything", f"{'0' * 64}  offer"])
def test_a_wrong_line_of_the_operators_is_named(settings, line):
    """By its number; a key in it is not told."""
    settings["operators"].write_text(f"\n{line}", "utf-8")
    with pytest.raises(UsageError, match="line 2 of the operators' file") as refused:
        create_app(settings_module.read(settings))
    assert "usage.configuration" == refused.value.code


_WITNESS = key_of("witness.example.org", SigningKey.generate("EdDSA").public, witness=True)
_ITS_LOG = key_of("issuer.example.go.kr/mydata/log", SigningKey.generate("EdDSA").public)
_AT = "https://witness.example.org"
WITNESSES = {
    "no address": (f"\n{_WITNESS}", "line 2 of the witnesses' file"),
    "not a key": (f"\nwitness.example.org {_AT}", "line 2 of the witnesses' file"),
    "without tls": (f"{_WITNESS} http://witness.example.org", "line 1 of the witnesses' file"),
    "a log's key": (f"{_ITS_LOG} {_AT}", "the witnesses' file: a witness whose key does not cosign"),
    "one twice": (f"{_WITNESS} {_AT}\n{_WITNESS} {_AT}/b", "the witnesses' file: one key for two"),
    "too many": (f"{_WITNESS} {_AT}\n" * 9, "9 lines in the witnesses' file, at most 8"),
}


@pytest.mark.parametrize("wrong", WITNESSES)
def test_a_wrong_file_of_witnesses_is_named_and_nothing_starts(wrong, portal_settings, tmp_path):
    """By the line where one line is wrong; what stands there is not told."""
    text, told = WITNESSES[wrong]
    (tmp_path / "witnesses").write_text(text, "ascii")
    with pytest.raises(UsageError) as refused:
        create_app(settings_module.read(portal_settings | {"witnesses": tmp_path / "witnesses"}))

    assert "usage.configuration" == refused.value.code
    assert told in refused.value.detail
    assert "witness.example.org" not in refused.value.detail


def test_a_file_of_witnesses_that_is_not_there_is_named(portal_settings, tmp_path):
    """Nobody relies on witnesses that are not asked."""
    with pytest.raises(UsageError, match="the witnesses' file") as refused:
        create_app(settings_module.read(portal_settings | {"witnesses": tmp_path / "nowhere"}))
    assert "usage.file" == refused.value.code


def test_workers_share_one_encryption_key_and_one_secret(open_site, settings):
    """A message encrypted for one is opened by the other; a nonce of one is good for the other."""
    first, second = open_site(settings), open_site(settings)
    keys = [site.service.issuance.metadata.request_encryption for site in (first, second)]
    nonce = first.caller().nonce()

    assert keys[0] == keys[1]
    assert second.service.issuance.server.is_good_nonce(nonce, second.clock.now())
    assert 0o600 == (settings["data"] / "issuer" / "encryption.jwk").stat().st_mode & 0o777


@pytest.mark.loopback
def test_the_service_runs_as_a_process_and_ends_when_told(keys, tmp_path):
    """``python -m issuer_service`` answers on its socket, and SIGTERM ends it with 0."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}"
    settings = {
        "ISSUER": issuer,
        "ISSUER_KEYS": str(keys),
        "RECORDS": "demo",
        "DATA": str(tmp_path),
        "LISTEN": f"127.0.0.1:{port}",
        "UNSAFE_LOOPBACK": "1",
    }
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = os.environ | {f"EWALLET_{name}": value for name, value in settings.items()} | {"PYTHONPATH": path}
    process = subprocess.Popen(
        [sys.executable, "-m", "issuer_service"], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        answer = _when_up(Http(unsafe_loopback=True), f"{issuer}/.well-known/openid-credential-issuer", process)
    finally:
        process.terminate()
        told = process.communicate(timeout=20)[1]

    assert (200, issuer) == (answer.status, json_object(answer.body)["credential_issuer"])
    said = f"INFO ewallet database issuer.db\nINFO ewallet serving {issuer}\n"
    assert (0, said) == (process.returncode, told)


def _when_up(http, url, process):
    for _ in range(200):
        try:
            return http(Request("GET", url, limit=MAX_DOCUMENT))  # with every kind it has more than a megabyte
        except TransportError:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
    raise AssertionError("the service did not come up")


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--port", "1"], 2), (["--help"], 0)])
def test_a_service_without_settings_says_so(arguments, code, tmp_path):
    """Two lines on stderr and exit code 2; the help is asked for and goes to stdout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EWALLET_")}
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-m", "issuer_service", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": path},
    )

    assert (code, 0 if code == 0 else 2) == (done.returncode, len(done.stderr.splitlines()))
    assert "EWALLET_" in (done.stderr if arguments == [] else done.stdout + "EWALLET_" * code)
