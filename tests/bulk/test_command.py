"""``ewallet-issuer bulk``: what it says of each row, to programs and to people, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import closing

import pytest

from ewallet.bulk.desk import _opened
from ewallet.env import Env
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.pki import Pki
from issuer_service.commands import main

KIND = "resident_register_copy"


@pytest.fixture(scope="module")
def signers(tmp_path_factory):
    """The keys of an issuer."""
    folder = tmp_path_factory.mktemp("keys") / "pki"
    Pki.make(at=Env().now()).save(folder)
    return folder / "signers"


@pytest.fixture
def settings(signers, tmp_path):
    """The settings of an office with the demo register."""
    return {
        "EWALLET_ISSUER": "https://issuer.example.go.kr",
        "EWALLET_ISSUER_KEYS": str(signers),
        "EWALLET_RECORDS": "demo",
        "EWALLET_DATA": str(tmp_path),
        "EWALLET_DATABASE": f"sqlite:///{tmp_path}/issuer.db",
        "EWALLET_LANG": "en",
    }


@pytest.fixture
def bulk(settings, tmp_path, monkeypatch, capsys):
    """Runs the command in this process; its code, what it said, and what it complained of."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    _opened.cache_clear()

    def run(*arguments):
        code = main(["bulk", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield run
    _opened.cache_clear()


@pytest.fixture
def rows(tmp_path):
    """A file of four rows: for a key, for an offer, of no record, and of no kind."""
    key = json.dumps(SigningKey.generate().public.jwk).replace('"', '""')
    lines = ["id,subject,kind,keys", f'a,hong,{KIND},"{key}"', f"b,hong,{KIND},", f"c,nobody,{KIND},", "d,hong,none,"]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return "rows.csv"


def _documents(text):
    return [json.loads(line) for line in text.splitlines()]


def _certificates(settings):
    with closing(Database(settings["EWALLET_DATABASE"])) as database:
        return [each.type_id for each in database.issuer.certificates("hong")]


def test_programs_get_a_document_for_each_row_and_the_counts(bulk, rows, settings, tmp_path):
    """The code says that some were refused; the links and their codes are in two files for their owner alone."""
    options = ("--output", "done.jsonl", "--tx-codes", "codes.jsonl", "--processes", 1)
    code, said, complained = bulk(rows, *options)
    *each, counts = _documents(said)

    assert (1, "") == (code, complained)
    assert [("a", "issued"), ("b", "offered"), ("c", "refused"), ("d", "refused")] == [
        (row["id"], row["outcome"]) for row in each
    ]
    assert ["storage.not_found", "usage.argument"] == [row["code"] for row in each[2:]]
    assert {"rows": 4, "issued": 1, "offered": 1, "already": 0, "ready": 0, "refused": 2} == {
        name: value for name, value in counts.items() if name != "schema"
    }
    assert [KIND] == _certificates(settings)
    assert [0o600] * 2 == [(tmp_path / name).stat().st_mode & 0o777 for name in ("done.jsonl", "codes.jsonl")]


def test_the_same_command_again_issues_nothing(bulk, rows, settings):
    """What was refused is refused again."""
    options = ("--output", "done.jsonl", "--tx-codes", "codes.jsonl", "--processes", 1)
    bulk(rows, *options)
    _, said, _ = bulk(rows, *options)

    assert ["already", "already", "refused", "refused"] == [row["outcome"] for row in _documents(said)[:-1]]
    assert [KIND] == _certificates(settings)


def test_a_preview_issues_nothing(bulk, rows, settings, tmp_path):
    """And needs no output."""
    code, said, _ = bulk(rows, "--preview", "--no-tx-codes")

    assert 1 == code
    assert ["ready", "ready", "refused", "refused"] == [row["outcome"] for row in _documents(said)[:-1]]
    assert [] == _certificates(settings)
    assert [] == [path.name for path in tmp_path.glob("*.part")]


@pytest.mark.parametrize(("lang", "last"), [("en", "ready 1 · refused 3"), ("ko", "발급 가능 1 · 거부 3")])
def test_people_get_words(bulk, rows, lang, last):
    """The first rows that were refused, how many more, and the counts; offers are made where they are asked for."""
    _, said, _ = bulk(rows, "--preview", "--text", "--shown", 2, "--lang", lang)
    first, second, more, counts = said.splitlines()

    assert last == counts
    assert "usage.argument" in first
    assert "b" in first.split(":")[0]
    assert "storage.not_found" not in second
    assert "1" in more


MISUSED = {
    "no output": (("rows.csv",), "usage.argument"),
    "another ending": (("rows.txt", "--preview"), "usage.argument"),
    "no file": (("none.csv", "--preview"), "usage.file"),
    "both kinds of offers": (("rows.csv", "--preview", "--tx-codes", "x", "--no-tx-codes"), "usage.argument"),
    "rows that are the output": (("rows.csv", "--output", "./rows.csv"), "usage.argument"),
    "rows that are the codes": (("rows.csv", "--output", "x", "--tx-codes", "rows.csv"), "usage.argument"),
    "codes beside links": (("rows.csv", "--output", "x", "--tx-codes", "./x"), "usage.argument"),
    "no processes": (("rows.csv", "--preview", "--processes", "0"), "usage.argument"),
    "offers for years": (("rows.csv", "--preview", "--offer-days", "400"), "usage.argument"),
    "no folder": (("rows.csv", "--output", "none/x", "--processes", "1"), "usage.file"),
}


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("name", MISUSED)
def test_what_makes_no_sense_ends_with_two(bulk, name, tmp_path):
    """And one sentence with its code."""
    (tmp_path / "rows.txt").write_text("subject\n", "utf-8")
    arguments, expected = MISUSED[name]
    code, said, complained = bulk(*arguments)

    assert (2, "") == (code, said)
    assert f"[{expected}" in complained


def test_an_output_and_its_part_are_not_guessed_about(bulk, rows, tmp_path):
    """Somebody has put them there."""
    for name in ("done.jsonl", "done.jsonl.part"):
        (tmp_path / name).write_text('{"id":"x"}\n', "utf-8")
    code, _, complained = bulk(rows, "--output", "done.jsonl", "--processes", 1)

    assert 2 == code
    assert "[usage.file" in complained


@pytest.mark.parametrize("quiet", [False, True])
def test_progress_is_shown_on_a_terminal_only(settings, rows, tmp_path, quiet):
    """On stderr, and not where somebody wants quiet."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "issuer_service.commands", "bulk", rows, "--preview", *["--quiet"] * quiet]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, **settings, "PYTHONPATH": path, "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=slave) as process:
        os.close(slave)
        assert process.stdout is not None
        said, shown = process.stdout.read(), b""
        try:
            while piece := os.read(master, 1 << 16):
                shown += piece
        except OSError:  # nobody is left to write
            pass
    os.close(master)

    assert 5 == len(said.splitlines())
    assert quiet == (b"working" not in shown)
    assert b"\x1b[3" not in shown
