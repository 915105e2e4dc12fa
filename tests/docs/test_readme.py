"""What the README shows is run, so that it cannot rot."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import ewallet

README = Path(__file__).parents[2] / "README.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def test_the_example_of_the_readme_ends_with_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """The SDK example issues, holds, presents and verifies, in at most 25 lines that say something."""
    (example,) = _blocks("python")

    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102 - our own page

    assert "True\n" == capsys.readouterr().out
    assert len([line for line in example.splitlines() if line.strip()]) <= 25


def test_the_example_of_the_package_runs() -> None:
    """The journey in the package's docstring gives what it says."""
    results = doctest.testmod(ewallet)

    assert (0, True) == (results.failed, results.attempted > 5)
