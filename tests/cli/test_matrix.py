"""The rows of the security matrix about the command, each by its number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import jsonschema_rs
import pytest

from ewallet.catalog import Catalog

VALIDATOR = jsonschema_rs.Draft202012Validator(
    json.loads((Catalog.bundled().folder / "verdict.schema.json").read_text("utf-8"))
)
ANSWER = ("answer.json", "--request", "answer.request.json")


def _document(ended):
    """The one document on stdout, which is as published."""
    document = ended.document
    VALIDATOR.validate(document)
    return document


OUTCOMES = {
    "accepted": (0, None, ("answer.json", "--request", "answer.request.json")),
    "rejected": (1, "kb.nonce", ("answer.json", "--request", "other.request.json")),
    "error": (2, "usage.file", ("absent.json", "--request", "answer.request.json")),
}


@pytest.mark.parametrize("verdict", OUTCOMES)
def test_cli_01_each_outcome_has_its_exit_code_and_one_document(desk, verdict):
    """CLI-01: exit code, verdict and code agree, and stdout is one document of the published schema."""
    code, reason, arguments = OUTCOMES[verdict]
    ended = desk.verify(*arguments)

    assert code == ended.code
    assert (verdict, reason) == (_document(ended)["verdict"], _document(ended)["code"])


def test_cli_01_what_cannot_be_told_is_undecided(desk):
    """CLI-01: without a status list the command ends with 3, and says what is missing."""
    trust = desk.terms[: desk.terms.index("--status")]
    ended = desk.run("ewallet-verify", "verify", *ANSWER, *trust)

    assert 3 == ended.code
    assert ["status.unavailable"] == _document(ended)["missing"]


def test_cli_01_arguments_that_make_no_sense_get_a_document_too(desk):
    """CLI-01: a program that reads stdout gets a document, whatever it typed."""
    ended = desk.run("ewallet-verify", "verify", "--no-such-flag")

    assert 2 == ended.code
    assert "usage.argument" == _document(ended)["code"]


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> dict[str, str]:
    """Things in a file system that are no file to read."""
    folder: Path = tmp_path_factory.mktemp("odd")
    (folder / "empty").touch()
    os.mkfifo(folder / "fifo")
    with (folder / "sparse").open("wb") as file:
        file.truncate(10 << 30)
    (folder / "loop").symlink_to("loop")
    names = ("empty", "fifo", "sparse", "loop", "missing")
    return {name: str(folder / name) for name in names} | {"folder": str(folder), "device": "/dev/zero"}


ODD = {
    "missing": (2, "usage.file"),
    "folder": (2, "usage.file"),
    "fifo": (2, "usage.file"),
    "device": (2, "usage.file"),
    "sparse": (1, "limit.size"),
    "empty": (2, "usage.file"),
    "loop": (2, "usage.file"),
}


@pytest.mark.parametrize("name", ODD)
def test_cli_02_what_is_no_file_is_refused_at_once(desk, odd, name):
    """CLI-02: no waiting, no reading without end, no traceback."""
    started = time.monotonic()
    ended = desk.verify(odd[name], "--request", "answer.request.json")

    assert ODD[name] == (ended.code, _document(ended)["code"])
    assert "Traceback" not in ended.stderr
    assert 30 > time.monotonic() - started  # 0.2 s where nothing else runs; an endless read would take longer


@pytest.mark.skipif(os.geteuid() == 0, reason="1 case: root may read every file")
def test_cli_02_a_file_that_may_not_be_read_is_refused(desk, tmp_path):
    """CLI-02: what may not be read is a file error."""
    (tmp_path / "closed").touch(mode=0)
    ended = desk.verify(str(tmp_path / "closed"), "--request", "answer.request.json")

    assert (2, "usage.file") == (ended.code, _document(ended)["code"])


@pytest.mark.parametrize("flag", ["--request", "--trust", "--trust-key", "--status"])
def test_cli_02_every_file_that_is_named_is_read_with_care(desk, odd, flag):
    """CLI-02: also the bank's own files; there, one that is too large is a wrong argument."""
    ended = desk.run("ewallet-verify", "verify", *ANSWER, *desk.terms, flag, odd["sparse"])

    assert (2, "usage.file") == (ended.code, _document(ended)["code"])


def _unbound(desk, name, *arguments):
    return desk.verify(name, "--nonce", desk.names["nonce"], "--audience", desk.names["audience"], *arguments)


def test_cli_04_claims_do_not_command_the_terminal(desk):
    """CLI-04: on screen, control characters are escaped and long texts cut."""
    ended = _unbound(desk, "hostile.txt", "--text")
    signs = {unicodedata.category(sign) for sign in ended.stdout.replace("\n", "")}

    assert 0 == ended.code
    assert set() == signs & {"Cc", "Cf", "Zl", "Zp"}
    assert r"\u202egnp.exe\u2066" in ended.stdout
    assert 10_000 > len(ended.stdout)


def test_cli_04_json_is_exact(desk):
    """CLI-04: what programs read is the value itself, in ASCII."""
    ended = _unbound(desk, "hostile.txt")
    (claims,) = _document(ended)["claims"].values()

    assert "\u202egnp.exe\u2066" == claims["bidi"]
    assert 100_000 == len(claims["long"])
    assert ended.stdout.isascii()


@pytest.mark.parametrize(
    ("trust", "key", "code"),
    [
        ("absent", "operator.pem", "usage.file"),
        ("trust.jwt", "absent", "usage.file"),
        ("empty", "operator.pem", "usage.file"),
        ("trust.jwt", "empty", "usage.file"),
        ("answer.json", "operator.pem", "trust.list_invalid"),
        ("trust.jwt", "answer.json", "usage.configuration"),
        ("trust.jwt", "answer.png", "usage.configuration"),
        ("trust.jwt", "foreign.jwk", "trust.list_invalid"),
    ],
)
def test_cli_06_without_trust_there_is_no_verdict(desk, strangers_key, trust, key, code):
    """CLI-06: a trust list or key that is missing, empty, broken or foreign ends with 2."""
    (desk.folder / "empty").touch()
    (desk.folder / "foreign.jwk").write_text(json.dumps(strangers_key.jwk))
    ended = desk.run("ewallet-verify", "verify", *ANSWER, "--trust", trust, "--trust-key", key, "--at", desk.at)

    assert (2, "error", code) == (ended.code, _document(ended)["verdict"], _document(ended)["code"])


def test_cli_07_what_is_skipped_is_said_aloud(desk):
    """CLI-07: only a flag that calls itself unsafe skips, and stderr, words and JSON all say so."""
    ended = desk.verify("presentation.txt", "--unsafe-no-binding", "--unsafe-skip-status")
    skipped = {check["name"]: check["code"] for check in _document(ended)["checks"] if check["outcome"] == "skipped"}

    assert 0 == ended.code
    assert {"holder": "unsafe_no_binding", "query": "no_query", "status": "unsafe_skip_status"} == skipped
    assert 2 == ended.stderr.count("warning")


def test_cli_07_without_binding_nothing_is_accepted(desk):
    """CLI-07: neither a request nor nonce and audience: the holder's rung fails."""
    ended = desk.verify("presentation.txt")

    assert (1, "kb.missing") == (ended.code, _document(ended)["code"])


@pytest.mark.parametrize("flag", ["--insecure", "--skip-status", "--unsafe", "--unsafe-skip", "--no-verify"])
def test_cli_07_no_other_word_switches_checks_off(desk, flag):
    """CLI-07: abbreviations and the usual names of such flags are wrong arguments."""
    assert 2 == desk.verify(*ANSWER, flag).code


@pytest.mark.parametrize("flag", ["unsafe_skip_status", "unsafe_no_binding"])
def test_cli_07_no_setting_switches_checks_off(desk, flag):
    """CLI-07: neither the environment nor a file makes a verdict laxer."""
    ended = desk.verify("presentation.txt", env={f"EWALLET_{flag.upper()}": "1"})

    assert (1, "kb.missing") == (ended.code, _document(ended)["code"])


@pytest.mark.parametrize("encoding", ["ascii", "euc-kr", "cp949", "utf-8"])
def test_cli_09_every_console_shows_what_it_can(desk, encoding):
    """CLI-09: what an encoding lacks is written as an escape; nothing fails."""
    env = {"PYTHONIOENCODING": encoding, "LANG": "C", "EWALLET_LANG": "ko"}
    arguments = ("hostile.txt", "--unsafe-no-binding", *desk.terms, "--text")
    ended = desk.run("ewallet-verify", "verify", *arguments, env=env, encoding=encoding)

    assert 0 == ended.code
    assert "Traceback" not in ended.stderr
    assert ("\\uac00\\uc0c1" if encoding == "ascii" else "가상특별시") in ended.stdout


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_cli_09_file_names_are_taken_as_they_are(desk, form):
    """CLI-09: a Korean file name in either form is read."""
    name = unicodedata.normalize(form, "홍길동 제출본.json")
    (desk.folder / name).write_bytes((desk.folder / "answer.json").read_bytes())

    assert 0 == desk.verify(name, "--request", "answer.request.json", env={"LANG": "C"}).code


def test_cli_11_names_that_look_like_flags_come_after_two_dashes(desk):
    """CLI-11: ``--`` ends the flags; a name with a newline or a star is a name."""
    raw = (desk.folder / "answer.json").read_bytes()
    for name in ("-x", "--help", "two\nlines", "*"):
        (desk.folder / name).write_bytes(raw)

        assert 0 == desk.run("ewallet-verify", "verify", "--request", *ANSWER[2:], *desk.terms, "--", name).code


def test_cli_11_a_flag_that_does_not_exist_is_a_wrong_argument(desk):
    """CLI-11: a name that begins with a dash is not guessed at."""
    assert 2 == desk.verify("-x", "--request", "answer.request.json").code


# -- CLI-13 ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vectors(desk, tmp_path_factory) -> Path:
    """A folder of vectors as an external runner takes them: NAME is to be accepted, NAME_fail is not."""
    folder: Path = tmp_path_factory.mktemp("vectors")
    cases = {
        "plain": ("answer.json", "answer.request.json", "status.jwt"),
        "picture": ("answer.png", "answer.request.json", "status.jwt"),
        "other-nonce_fail": ("answer.json", "other.request.json", "status.jwt"),
        "altered_fail": ("altered.txt", "answer.request.json", "status.jwt"),
        "more-than-asked_fail": ("hostile.txt", "answer.request.json", "status.jwt"),
        "revoked_fail": ("answer.json", "answer.request.json", "revoked.jwt"),
        "no-answer_fail": ("trust.jwt", "answer.request.json", "status.jwt"),
    }
    for name, files in cases.items():
        (folder / name).mkdir()
        for role, file in zip(("answer", "request", "status"), files, strict=True):
            (folder / name / role).write_bytes((desk.folder / file).read_bytes())
    for file in ("trust.jwt", "operator.pem"):
        (folder / file).write_bytes((desk.folder / file).read_bytes())
    (folder / "at").write_text(desk.at, "ascii")
    return folder


def test_cli_13_an_external_runner_agrees_with_every_vector(desk, vectors):
    """CLI-13: a shell script that knows only the exit code finds no vector that ends otherwise than it is named."""
    runner = Path(__file__).parent / "run-vectors.sh"
    command = f"{sys.executable} -m verifier_cli"
    ended = subprocess.run(
        ["/bin/sh", str(runner), command, str(vectors)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=desk.environment,
    )

    assert (0, "7 vectors, 0 disagree\n") == (ended.returncode, ended.stdout)
