"""What a person sees at a terminal, what a fault looks like, and how long one waits."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ANSWER = ("answer.json", "--request", "answer.request.json")


def _at_a_terminal(desk, *arguments, env=None) -> str:
    """What a terminal shows."""
    leader, follower = pty.openpty()
    program = [sys.executable, "-m", "verifier_cli", *arguments]
    with subprocess.Popen(
        program, cwd=desk.folder, env=desk.environment | (env or {}), stdout=follower, stderr=subprocess.DEVNULL
    ) as process:
        os.close(follower)
        shown = b""
        try:
            while chunk := os.read(leader, 1 << 16):
                shown += chunk
        except OSError:  # the other end is closed
            pass
        process.wait(60)
    os.close(leader)
    return shown.decode()


def test_a_terminal_gets_words_in_colour(desk):
    """Without ``--json`` a person reads words."""
    shown = _at_a_terminal(desk, "verify", *ANSWER, *desk.terms, env={"TERM": "xterm"})

    assert shown.startswith("\x1b[32mACCEPTED\x1b[0m")


@pytest.mark.parametrize("env", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_colour_can_be_declined(desk, env):
    """``NO_COLOR`` and a dumb terminal get none."""
    assert "\x1b" not in _at_a_terminal(desk, "verify", *ANSWER, *desk.terms, env=env)


def test_a_terminal_may_ask_for_json(desk):
    """``--json`` gives the document, at a terminal too."""
    assert _at_a_terminal(desk, "verify", *ANSWER, *desk.terms, "--json").startswith('{"schema": "ewallet.verify/1"')


def test_frames_may_be_spread_over_several_pictures(desk):
    """One picture for each frame is one presentation."""
    frames = sorted(path.name for path in desk.folder.glob("frame-*.png"))

    assert len(frames) > 1
    assert 0 == desk.verify(*frames, "--request", "answer.request.json").code


def test_a_missing_frame_is_named(desk):
    """A part of the pictures is a presentation that cannot be read."""
    ended = desk.verify("frame-1.png", "--request", "answer.request.json")

    assert (1, "malformed.qr") == (ended.code, ended.document["code"])


def test_a_status_list_that_cannot_be_used_leaves_the_question_open(desk):
    """It is said on stderr, and the verdict is that nobody can tell."""
    trust = desk.terms[: desk.terms.index("--status")]
    ended = desk.run("ewallet-verify", "verify", *ANSWER, *trust, "--status", "presentation.txt")

    assert (3, "status.unavailable") == (ended.code, ended.document["code"])
    assert "[status.token_invalid]" in ended.stderr


def test_a_database_remembers_what_was_answered(desk, tmp_path):
    """With ``--state`` an answer counts once, over all runs."""
    state = ("--state", f"sqlite:///{tmp_path / 'state.db'}")
    first, second = (desk.verify(*ANSWER, *state) for _ in range(2))

    assert (0, 1) == (first.code, second.code)
    assert "replay.response_used" == second.document["code"]


def test_a_kind_too_old_is_rejected_by_the_bank(desk):
    """``--max-age`` is the bank's own rule."""
    ended = desk.verify(*ANSWER, "--max-age", "0")

    assert (1, "time.expired") == (ended.code, ended.document["code"])


def test_more_than_was_asked_falls_away_where_the_bank_says_so(desk):
    """The surplus is rejected, or dropped and never reported."""
    kept = desk.verify("hostile.txt", "--request", "answer.request.json")
    dropped = desk.verify("hostile.txt", "--request", "answer.request.json", "--drop-extra")

    assert (1, "dcql.extra_claims") == (kept.code, kept.document["code"])
    assert ["resident_address", "is_householder"] == list(*map(list, dropped.document["claims"].values()))


FAULTY = "import sys; sys.modules['ewallet.verifier'] = None; from verifier_cli.__main__ import main; sys.exit(main())"


def _faulty(desk, **env):
    program = [sys.executable, "-c", FAULTY, "verify", *ANSWER, *desk.terms]
    return subprocess.run(
        program, cwd=desk.folder, env=desk.environment | env, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_fault_of_ours_has_a_name_and_no_traceback(desk):
    """Exit 70; the same fault has the same name in every run, and a traceback comes only where one asks for it."""
    first, second, debugged = _faulty(desk), _faulty(desk), _faulty(desk, EWALLET_DEBUG="1")

    assert (70, 70, 70) == (first.returncode, second.returncode, debugged.returncode)
    assert first.stderr == second.stderr
    assert "internal.fault: fault " in first.stderr
    assert (False, True) == ("Traceback" in first.stderr, "Traceback" in debugged.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="1 case: needs a full device")
def test_a_verdict_that_cannot_be_written_is_no_yes(desk):
    """An accepted presentation does not end with 0 where nobody could read so."""
    program = [sys.executable, "-m", "verifier_cli", "verify", *ANSWER, *desk.terms]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            program, cwd=desk.folder, env=desk.environment, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )

    assert 2 == ended.returncode
    assert b"Traceback" not in ended.stderr


def test_nothing_personal_is_on_stderr(desk):
    """Neither a claim nor a nonce, whatever is asked for."""
    ended = desk.verify("hostile.txt", "--request", "answer.request.json", "--verbose", "--text")

    assert "가상특별시" not in ended.stderr
    assert desk.names["nonce"] not in ended.stderr


def test_help_is_there_at_once(desk):
    """``--help`` loads neither cryptography nor the codes."""
    program = "import sys; from verifier_cli.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    loaded = "print(*sorted({'cryptography', 'cbor2', 'rich', 'sqlalchemy', 'ewallet.codes'} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", program + loaded], env=desk.environment, capture_output=True, text=True, check=True
    )

    assert "" == ended.stdout.splitlines()[-1]


def test_a_verdict_loads_no_database_and_no_network(desk):
    """What a one-shot verdict does not need is not loaded."""
    program = "import sys; from verifier_cli.__main__ import main; main(sys.argv[1:])\n"
    loaded = "print(*sorted({'sqlalchemy', 'httpx2', 'httpcore2', 'rich', 'PIL'} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", program + loaded, "verify", *ANSWER, *desk.terms],
        cwd=desk.folder, env=desk.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "" == ended.stdout.splitlines()[-1]
