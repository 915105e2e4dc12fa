"""The rules of the house that no other tool checks: where clock, entropy and parsers may appear, what is never written.

Rows SUP-01, 02, 04, 06 and 10 of the security matrix. Scans read the package that is being tested, be it the checkout
or an installed wheel; what needs the checkout itself skips where there is none.
"""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PACKAGES = ("ewallet", "issuer_service", "verifier_cli")
TESTED_EXTRAS = frozenset({"dev", "issuer", "verifier", "paper", "fast"})

checkout = pytest.mark.skipif(not (ROOT / "ewallet").is_dir(), reason="needs the source tree")
repository = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git and the repository"
)


def _sources() -> dict[str, Path]:
    folders = {name: Path(spec.origin).parent for name in PACKAGES if (spec := find_spec(name)) and spec.origin}
    return {
        path.relative_to(folder.parent).as_posix(): path
        for folder in folders.values()
        for path in sorted(folder.rglob("*.py"))
    }


SOURCES = _sources()
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in SOURCES.items()}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


def _names(tree: ast.Module) -> dict[str, str]:
    """What a name of the module stands for: ``{"loads": "json.loads", "x509": "cryptography.x509"}``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _used(tree: ast.Module) -> Iterator[str]:
    """Everything the module imports, calls or passes on, by its full name."""
    names = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            head, _, rest = _dotted(node).partition(".")
            yield f"{names.get(head, head)}.{rest}".rstrip(".")


def _users(pattern: str, *, but: tuple[str, ...] = (), trees: dict[str, ast.Module] = TREES) -> list[str]:
    """``file: name`` for each use of a name that ends as the pattern says, outside the files named in ``but``."""
    wanted = re.compile(rf"(?:.*\.)?(?:{pattern})\Z")
    return sorted(
        {
            f"{name}: {used}"
            for name, tree in trees.items()
            if name not in but
            for used in _used(tree)
            if wanted.match(used)
        }
    )


def test_the_scan_sees_through_other_names() -> None:
    """A parser that was renamed when it was imported is still found."""
    hidden = "from json import loads as read\nimport datetime as d\nread('1')\nd.datetime.now()\n"
    trees = {"hidden.py": ast.parse(hidden)}

    assert ["hidden.py: json.loads"] == _users(r"json\.loads", trees=trees)
    assert ["hidden.py: datetime.datetime.now"] == _users(r"datetime\.now", trees=trees)


def test_there_is_something_to_scan() -> None:
    """The scans below look at real files."""
    assert {"ewallet/shape.py", "ewallet/env.py"} <= SOURCES.keys()


# The monotonic clock measures how long something takes; it does not say what time it is.
CLOCK = r"datetime\.(?:now|utcnow|today)|date\.today|time\.(?:time|time_ns|localtime|gmtime)"
ENTROPY = r"secrets(?:\..*)?|os\.urandom|os\.getrandom|uuid\.uuid[14]|SystemRandom"


@pytest.mark.parametrize("pattern", [CLOCK, ENTROPY], ids=["clock", "entropy"])
def test_clock_and_entropy_are_read_in_one_file(pattern: str) -> None:
    """Everything but env.py is given its times and its random bytes."""
    assert [] == _users(pattern, but=("ewallet/env.py",))


PARSERS = {
    "json": r"json\.loads?|orjson\.loads|JSONDecoder",
    "cbor": r"cbor2\.(?:loads?|CBORDecoder)",
    "base64": r"(?:urlsafe_|standard_)?b64decode(?:_as_bytearray)?|base64\.decode(?:bytes)?|a2b_base64",
    "certificates": r"load_(?:der|pem)_x509_(?:certificates?|crl|csr)",
    "compressed": r"zlib\.(?:decompress|decompressobj)|gzip\..*|bz2\..*|lzma\..*",
}


@pytest.mark.parametrize("pattern", PARSERS.values(), ids=PARSERS.keys())
def test_bytes_from_outside_are_parsed_behind_one_door(pattern: str) -> None:
    """Only shape.py and keys.py parse, because only they tighten the parsers' defaults.

    A test run's leaks are looked for as loosely as can be: what a stricter reader refuses is written all the same.
    """
    assert [] == _users(pattern, but=("ewallet/shape.py", "ewallet/keys.py", "ewallet/testing/leaks.py"))


NEVER = {
    "pickle": r"(?:pickle|marshal|shelve|dill)(?:\..*)?",
    "eval": r"(?:builtins\.)?(?:eval|exec|compile|__import__)",
    "yaml": r"yaml\.(?:load|unsafe_load|full_load)",
    "shell": r"os\.(?:system|popen)",
    "random": r"random(?:\.(?:random|randint|randrange|choice|choices|sample|shuffle|Random|seed|randbytes))",
    "md5": r"md5|sha1|SHA1|MD5",
}


@pytest.mark.parametrize("pattern", NEVER.values(), ids=NEVER.keys())
def test_what_is_dangerous_is_not_used(pattern: str) -> None:
    """None of these has a place in a library that reads what strangers send (SUP-06)."""
    wanted = re.compile(pattern)
    found = {f"{name}: {used}" for name, tree in TREES.items() for used in _used(tree) if wanted.fullmatch(used)}

    assert set() == found


@pytest.mark.parametrize(("keyword", "value"), [("shell", True), ("verify", False), ("verify_signature", False)])
def test_no_call_switches_a_protection_off(keyword: str, value: bool) -> None:
    """No call passes ``shell=True``, ``verify=False`` or their like (SUP-06)."""
    found = [
        f"{name}:{node.value.lineno}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == keyword
        if isinstance(node.value, ast.Constant) and node.value.value is value
    ]

    assert [] == found


def test_no_check_is_an_assert() -> None:
    """``python -O`` removes assertions, so none of them may guard anything (SUP-06)."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in TREES.items()
        if not name.startswith("ewallet/testing/")  # pytest's own checks
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
    ]

    assert [] == found


def test_functions_and_files_stay_short() -> None:
    """No function has more than 60 lines, and no file more than 450."""
    functions = [
        f"{name}:{node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if (node.end_lineno or 0) - node.lineno >= 60
    ]
    files = [name for name, path in SOURCES.items() if path.read_text("utf-8").count("\n") > 450]

    assert ([], []) == (functions, files)


def test_no_module_is_called_after_nothing() -> None:
    """A module is named after what is in it."""
    vague = {"utils", "util", "common", "helpers", "core", "base", "manager", "misc"}

    assert [] == [name for name, path in SOURCES.items() if path.stem in vague]


# -- what is committed -------------------------------------------------------------------------------------


def _committed() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8", "replace") for path in paths if path.is_file()}


REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".", "yarnpkg" + ".", "crates" + ".io")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
BINARY = (".png", ".otf")  # three letters in a row say nothing there
PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")


@repository
def test_no_file_says_where_packages_come_from() -> None:
    """Packages are named by name and version; hosts and lock files belong to whoever installs."""
    files = _committed()
    hosts = [f"{name}: {host}" for name, text in files.items() for host in REGISTRIES if host in text]
    locks = [
        name
        for name, text in files.items()
        if re.search(r'"resolved"\s*:', text) or name.endswith((".lock", "-lock.json"))
    ]

    assert ([], []) == (hosts, locks)


@repository
def test_nothing_unfinished_is_committed() -> None:
    """What is to be done later is an issue, not a note in a file."""
    texts = {name: text for name, text in _committed().items() if not name.endswith(BINARY)}

    assert [] == [name for name, text in texts.items() if UNFINISHED.search(text)]


@repository
def test_no_private_key_and_no_path_of_a_machine_is_committed() -> None:
    """Keys are made when they are needed, and paths are found (SUP-04)."""
    machine = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w")
    files = _committed()

    assert [] == [name for name, text in files.items() if PRIVATE_KEY.search(text)]
    assert [] == [name for name, text in files.items() if machine.search(text)]


@repository
def test_whatever_a_skip_tells_to_install_is_installed_where_changes_land() -> None:
    """No test is skipped there for want of a program that Debian has."""
    files = _committed()
    said = (re.findall(r"apt-get install ([a-z]+)", text) for name, text in files.items() if name.startswith("tests/"))
    wanted = {package for packages in said for package in packages}

    assert {"chromium", "strace"} <= wanted
    assert wanted <= set(re.findall(r"^debian ([a-z]+) ", files[".ci/run"], re.MULTILINE))


# -- what is installed -------------------------------------------------------------------------------------


FLOORS = {"pyjwt": "2.13.0", "cbor2": "6.2", "cryptography": "49", "starlette": "1.0.1", "h11": "0.16"}


def _declared() -> dict[str, Requirement]:
    requirements = map(Requirement, importlib.metadata.requires("ewallet") or [])
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_vulnerable_versions_are_neither_declared_nor_installed(name: str, floor: str) -> None:
    """The declared floor and the installed version are at or above the first that is not vulnerable (SUP-02)."""
    declared = {Version(part.version) for part in _declared()[name].specifier if part.operator == ">="}

    assert {Version(floor)} == declared
    assert Version(importlib.metadata.version(name)) >= Version(floor)


def _closure(name: str, extras: frozenset[str], seen: dict[str, frozenset[str]]) -> None:
    """Everything that is installed because of ``name`` with ``extras``."""
    if extras <= seen.get(name, frozenset()) and name in seen:
        return
    seen[name] = seen.get(name, frozenset()) | extras
    for text in importlib.metadata.requires(name) or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *seen[name]}):
            _closure(canonicalize_name(requirement.name), frozenset(requirement.extras), seen)


def test_what_is_installed_is_what_is_pinned() -> None:
    """The constraints name every distribution that the tests run with, in that version, and no other (SUP-01)."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    installed: dict[str, frozenset[str]] = {}
    _closure("ewallet", TESTED_EXTRAS, installed)
    del installed["ewallet"]

    assert {canonicalize_name(name): version for name, version in pinned.items()} == {
        name: importlib.metadata.version(name) for name in installed
    }


HEAVY = ("alembic", "fastapi", "httpx2", "joserfc", "pydantic", "pyhanko", "rich", "sqlalchemy", "typer", "typst")


def test_importing_the_library_loads_nothing_heavy() -> None:
    """``import ewallet`` leaves frameworks, database and network for those who use them."""
    program = f"import sys, ewallet; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert "\n" == printed.stdout


# -- what is shipped ---------------------------------------------------------------------------------------


def _build(folder: Path) -> dict[str, bytes]:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1767225600"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with one wheel and one sdist, just built."""
    folder: Path = tmp_path_factory.mktemp("dist")
    _build(folder)
    return folder


def _shipped(name: str) -> bool:
    text = "/fonts/OFL-" in name or re.fullmatch(r"issuer_service/pages/words(_[a-z]+)?\.txt", name)
    kinds = (".py", ".json", "py.typed", ".otf", ".typ", ".html", ".css", ".js", ".svg", ".mako", ".md")
    return bool(text) or name.endswith(kinds)


@checkout
def test_the_wheel_holds_the_packages_and_the_schemas_and_nothing_else(built: Path) -> None:
    """Each module and each schema is in the wheel once; tests, keys and documents are not (SUP-04)."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    inside = {name for name in names if ".dist-info/" not in name}
    schemas = {f"ewallet/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "schemas").rglob("*.json")}

    assert len(names) == len(set(names))
    assert set(SOURCES) | schemas <= inside
    assert {"ewallet", "issuer_service", "verifier_cli"} >= {name.partition("/")[0] for name in inside}
    assert [] == [name for name in inside if not _shipped(name)]


@checkout
def test_the_source_distribution_holds_what_a_build_needs(built: Path) -> None:
    """Packages, schemas and the documents of the front page, and nothing of this machine (SUP-04)."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    documents = {"CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "pyproject.toml", "PKG-INFO", ".gitignore"}

    assert {*PACKAGES, "schemas", *documents} == tops


@checkout
def test_what_is_shipped_holds_no_key_and_no_path(built: Path) -> None:
    """No file of the wheel has a private key in it, or the folder where it was built (SUP-04)."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        texts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}

    assert [] == [name for name, text in texts.items() if PRIVATE_KEY.search(text) or str(ROOT) in text]


@checkout
@pytest.mark.slow
def test_two_builds_are_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Whoever builds the same commit gets the same wheel and the same source distribution (SUP-10)."""
    assert {path.name: path.read_bytes() for path in built.iterdir()} == _build(tmp_path)
