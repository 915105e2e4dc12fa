"""``ewallet-issuer history``: what a portal has on record, in a file that ``ewallet-verify history`` takes."""

from __future__ import annotations

import json

import pytest

from ewallet.testing.bank import Bank
from ewallet.testing.clock import Clock
from issuer_service.commands import main
from verifier_cli.__main__ import main as verify

CITIZEN = "hong"


@pytest.fixture
def loan_bank():
    """An office of a city, which may be provided for each month."""
    return Bank.make(Clock().now(), class_="local_government")


@pytest.fixture
def office(portal, portal_settings, tmp_path, monkeypatch):
    """A portal at which somebody consented, and the variables of its operator, who stands in its folder."""
    mydata = portal.site.desk.mydata
    consent = mydata.propose("local_youth_job_support", recipient=portal.bank.recipient.id, days=90)
    mydata.give(consent, CITIZEN, evidence=b"the receipt of an invented consent")
    for name, value in (portal_settings | {"lang": "en"}).items():
        monkeypatch.setenv(f"EWALLET_{name.upper()}", str(value))
    monkeypatch.chdir(tmp_path)
    return portal


def _checked(capsys, *arguments):
    code = verify(["history", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("office")
def test_what_is_written_is_what_anybody_can_check(capsys, tmp_path):
    """With the key that the command says, from the file for its owner alone, and beside the tiles."""
    code = main(["history", "--output", "log.jsonl", "--tiles", "public"])
    said = capsys.readouterr().out

    assert 0 == code
    assert said.startswith("entries written: 1; to check them: ewallet-verify history log.jsonl --log-key ")
    key = said.split()[-1]
    code, told = _checked(capsys, "log.jsonl", "--log-key", key, "--mirror", "public")
    assert (0, True, 1) == (code, told["holds"], told["size"])
    assert 0o600 == (tmp_path / "log.jsonl").stat().st_mode & 0o777
    assert [] == [*tmp_path.glob("*.part")]


def test_a_log_that_was_cut_is_written_and_complained_of(office, capsys, tmp_path):
    """What was signed is not there any more: the file is evidence, and no tile is published."""
    office.site.desk.log.checkpoint()
    with office.site.service.database._engine.writing() as connection:
        connection.exec_driver_sql("UPDATE log_head SET size = 0, peaks = x''")

    code = main(["history", "--output", "log.jsonl", "--tiles", "public"])

    assert (1, True) == (code, "[log." in capsys.readouterr().err)
    assert [True, False] == [(tmp_path / each).exists() for each in ("log.jsonl", "public")]


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize(("name", "value"), [("RECIPIENTS", None), ("LOG_KEY", "nowhere.key")])
def test_whoever_is_no_portal_has_no_history(name, value, capsys, tmp_path, monkeypatch):
    """Nothing is made: no key, no database, no file."""
    monkeypatch.setenv("EWALLET_DATA", str(tmp_path / "elsewhere"))
    monkeypatch.delenv(f"EWALLET_{name}", raising=False)
    if value:
        monkeypatch.setenv(f"EWALLET_{name}", value)

    code = main(["history", "--output", "log.jsonl"])

    assert (2, True) == (code, "[usage." in capsys.readouterr().err)
    assert [False, False] == [(tmp_path / each).exists() for each in ("elsewhere", "log.jsonl")]
