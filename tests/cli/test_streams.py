"""CLI-01 and CLI-02 where standard input or output is closed, full or without end, and settings are out of bounds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

ANSWER = ("answer.json", "--request", "answer.request.json")
COMMAND = f"exec {sys.executable} -m verifier_cli"


def _shell(desk, arguments, redirected):
    line = f'{COMMAND} "$@" {redirected}'
    program = ["/bin/sh", "-c", line, "sh", *arguments]
    ended = subprocess.run(
        program, cwd=desk.folder, env=desk.environment, capture_output=True, text=True, timeout=60, check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("form", [(), ("--json",), ("--text",), ("--quiet",)], ids=str)
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_cli_01_a_verdict_that_nobody_hears_is_none(desk, form, closed):
    """CLI-01: with stdout closed it ends as used wrongly: not as accepted, not as rejected, without a traceback."""
    assert (2, "", "") == _shell(desk, ["verify", *ANSWER, *form, *desk.terms], closed)


def test_cli_01_a_closed_stderr_does_not_spill_into_stdout(desk):
    """CLI-01: stdout is one JSON document, wherever the warnings go."""
    flags = ("presentation.txt", "--unsafe-no-binding", "--unsafe-skip-status")
    code, stdout, _ = _shell(desk, ["verify", *flags, *desk.terms], "2>&-")

    assert (0, "accepted") == (code, json.loads(stdout)["verdict"])


def test_cli_02_a_closed_stdin_is_an_empty_file(desk):
    """CLI-02: nothing to read is a file error."""
    code, stdout, _ = _shell(desk, ["verify", "-", *ANSWER[1:], *desk.terms], "<&-")

    assert (2, "usage.file") == (code, json.loads(stdout)["code"])


@pytest.mark.parametrize("form", ["--json", "--text"])
def test_cli_01_a_full_disk_is_no_fault_of_the_program(desk, form):
    """CLI-01: what cannot be written ends with 2 in either form."""
    assert 2 == _shell(desk, ["verify", *ANSWER, form, *desk.terms], ">/dev/full")[0]


def test_an_empty_time_is_not_now(desk):
    """A script whose variable is unset does not judge by another time than it says."""
    ended = desk.run("ewallet-verify", "verify", *ANSWER, *desk.terms, "--at", "")

    assert (2, "usage.argument") == (ended.code, ended.document["code"])


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_state_that_goes_with_the_process_remembers_nothing(desk, url):
    """Whoever names a database wants answers remembered; one in memory is a wrong setting."""
    ended = desk.verify(*ANSWER, "--state", url)

    assert (2, "usage.configuration") == (ended.code, ended.document["code"])


SETTINGS = {
    "max_age = -1": "usage.configuration",
    "max_age = 1000000000": "usage.configuration",
    "max_age = 99999999999999999999": "usage.configuration",
    "max_bytes = -1": "usage.configuration",
    "max_bytes = 999999999999999999": "usage.configuration",
    'state = "sqlite:///a\\u0000b"': "usage.file",
}


@pytest.mark.parametrize("line", SETTINGS)
def test_a_setting_out_of_bounds_is_a_wrong_setting(desk, tmp_path, line):
    """A file is read as strictly as the flags."""
    (tmp_path / "ewallet").mkdir()
    (tmp_path / "ewallet" / "config.toml").write_text(f"[verifier]\n{line}\n", "utf-8")
    ended = desk.verify(*ANSWER, env={"XDG_CONFIG_HOME": str(tmp_path)})

    assert (2, SETTINGS[line]) == (ended.code, ended.document["code"])


def test_a_batch_is_read_line_by_line(desk, tmp_path):
    """CLI-02: a file of zeros costs the memory of one line."""
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(256 << 20)
    limit = "ulimit -v 400000"  # KiB
    ended = subprocess.run(
        ["/bin/sh", "-c", f'{limit}; {COMMAND} "$@"', "sh", "verify", "--batch", str(tmp_path / "sparse"), *desk.terms],
        cwd=desk.folder,
        env=desk.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (2, "limit.size") == (ended.returncode, json.loads(ended.stdout)["code"])
