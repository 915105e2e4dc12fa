"""What the README shows is run, so that it cannot rot."""

from __future__ import annotations

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import ewallet
from ewallet import qr
from ewallet.env import Env
from ewallet.oid4vp import vp_token_bytes
from ewallet.testing.clock import Clock
from ewallet.testing.kit import Kit

KIND = "resident_register_copy"
README = Path(__file__).parents[2] / "README.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def test_the_example_of_the_readme_ends_with_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """The SDK example issues, holds, presents and verifies, in at most 25 lines that say something."""
    (example,) = _blocks("python")

    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102 - our own page

    assert "True\n" == capsys.readouterr().out
    assert len([line for line in example.splitlines() if line.strip()]) <= 25


def test_the_command_of_the_readme_accepts_a_picture(tmp_path: Path) -> None:
    """Run as it is printed, in a folder with the files that it names."""
    (example,) = _blocks("console")
    _, *arguments = shlex.split(example.removeprefix("$ "))
    _write_desk(tmp_path, Kit.make(clock=Clock(Env().now())))
    paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]

    ended = subprocess.run(
        [sys.executable, "-m", "verifier_cli", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        check=False,
    )

    assert (0, "accepted") == (ended.returncode, json.loads(ended.stdout)["verdict"])


def _write_desk(folder: Path, kit: Kit) -> None:
    document = kit.issue(KIND)
    presented = kit.present(kit.query(KIND, ["is_householder"]))
    assert document.credential.status
    (folder / "trust.jwt").write_text(kit.pki.signed_trust_list(), "ascii")
    (folder / "operator.jwk").write_text(json.dumps(kit.pki.operator_key.jwk), "ascii")
    (folder / "status.jwt").write_text(kit.issuer.status_token(document.credential.status.uri), "ascii")
    (folder / "request.json").write_bytes(presented.request.to_bytes())
    qr.sheet(vp_token_bytes(presented.token).decode(), folder / "answer.png")


def test_the_example_of_the_package_runs() -> None:
    """The journey in the package's docstring gives what it says."""
    results = doctest.testmod(ewallet)

    assert (0, True) == (results.failed, results.attempted > 5)
