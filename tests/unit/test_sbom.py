"""The list of what is installed, which comes with a release: it is that, has licences, and tells of no machine."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "sbom.py"
REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org")

pytestmark = [
    pytest.mark.skipif(not SCRIPT.is_file(), reason="needs the source tree"),
    pytest.mark.skipif(find_spec("cyclonedx_py") is None, reason="needs cyclonedx-bom"),
]


def _made(folder: Path, name: str) -> Path:
    command = [sys.executable, str(SCRIPT), sys.executable, str(folder / name)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1767225600"}
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folder)
    return folder / name


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The list of the environment that the tests run in."""
    return _made(tmp_path_factory.mktemp("sbom"), "first.json")


@pytest.fixture(scope="module")
def document(made: Path):
    """What it says."""
    return json.loads(made.read_bytes())


def _parts(document):
    own = document["metadata"].get("component")
    return [*document["components"], *([own, *own["components"]] if own else [])]


def test_the_list_is_what_is_installed(document):
    """Each distribution in its version, and no other (SUP-11)."""
    installed = {canonicalize_name(each.name): each.version for each in importlib.metadata.distributions()}
    listed = {canonicalize_name(each["name"]): each["version"] for each in document["components"]}
    own = document["metadata"].get("component")

    assert installed == listed | ({own["name"]: own["version"]} if own else {})
    assert ("CycloneDX", "1.6") == (document["bomFormat"], document["specVersion"])


def test_each_part_has_a_licence(document):
    """In SPDX's words where it says so, else in its own (SUP-11)."""
    assert [] == [part["name"] for part in _parts(document) if not part.get("licenses")]


def test_what_the_package_brings_of_others_is_listed():
    """Each font by name and version, as its folder says (SUP-11)."""
    fonts = ROOT / "ewallet" / "paper" / "fonts"
    told = re.findall(r"(Pretendard|Noto Sans CJK KR)(?: Regular)? ([0-9.]*[0-9])", (fonts / "README.md").read_text())
    listed = runpy.run_path(str(SCRIPT))["vendored"]()

    assert dict(told) == {part["name"]: part["version"] for part in listed}
    assert {"OFL-1.1"} == {part["licenses"][0]["license"]["id"] for part in listed}
    assert {"NotoSansCJKkr", "Pretendard"} == {path.stem.partition("-")[0] for path in fonts.glob("*.otf")}


def test_the_list_says_nothing_of_registries_and_machines(made):
    """Whoever reads it learns what is in a release, and not where it was made (SUP-11)."""
    text = made.read_text("utf-8")
    words = (*REGISTRIES, str(ROOT), sys.prefix, str(Path.home()), "file:")

    assert [] == [word for word in words if word in text]


def test_two_lists_are_the_same_bytes(made, tmp_path):
    """Of the same environment, at whatever time they are made (SUP-11)."""
    assert made.read_bytes() == _made(tmp_path, "second.json").read_bytes()
    assert b'"timestamp": "2026-01-01T00:00:00+00:00"' in made.read_bytes()
