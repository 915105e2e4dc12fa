"""Writes what an environment consists of, with the licence of each part (CycloneDX 1.6, JSON), and prints the licences.

    python .ci/sbom.py PYTHON FILE

PYTHON is the interpreter of the environment; a ``{}`` in FILE becomes the version of ewallet there. Neither the address
of a registry nor a path of this machine gets into the file, and with SOURCE_DATE_EPOCH it is the same each time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

Component = dict[str, Any]

_KEPT: Final = ("bom-ref", "type", "name", "version", "purl", "licenses")
#: What comes within the package and is not ours: ewallet/paper/fonts/README.md says from where.
VENDORED: Final = (
    ("Pretendard", "1.3.9", "OFL-1.1"),
    ("Noto Sans CJK KR", "2.004", "OFL-1.1"),  # a part of it
)
#: Of those that say it in no field, or not clearly, only in the files that come with them.
LICENCES: Final = {
    "axe-playwright-python": "MIT",
    "isomdoc": "Apache-2.0",
    "pypdfium2": "(BSD-3-Clause OR Apache-2.0) AND LicenseRef-PDFium",  # PDFium's libraries have further ones
    "qrcode": "BSD-3-Clause",
    "sd-jwt": "Apache-2.0",
}


def environment(python: str) -> dict[str, Any]:
    """What is installed there, as the tool says it."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", python]
    options = ["--output-reproducible", "--no-validate", "--sv=1.6", "--of=JSON", "--output-file=-"]
    made = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(made.stdout)
    return found


def described(component: Component) -> Component:
    """What it is and its licence; words and addresses are left out, some of which name a registry or this machine."""
    kept = {name: component[name] for name in _KEPT if name in component}
    known = LICENCES.get(component["name"])
    return kept | {"licenses": [{"expression": known, "acknowledgement": "concluded"}]} if known else kept


def vendored() -> list[Component]:
    """The parts of the package that are others'."""
    return [
        {
            "bom-ref": f"ewallet/{name}=={version}",
            "type": "data",
            "name": name,
            "version": version,
            "licenses": [{"license": {"id": licence, "acknowledgement": "declared"}}],
        }
        for name, version, licence in VENDORED
    ]


def inventory(found: dict[str, Any]) -> dict[str, Any]:
    """The document, with the package itself at its head where it is installed."""
    components = [described(component) for component in found["components"]]
    own = next((component for component in components if component["name"] == "ewallet"), None)
    tools = [
        {name: tool[name] for name in ("type", "name", "version")} for tool in found["metadata"]["tools"]["components"]
    ]
    metadata = found["metadata"] | {"tools": {"components": tools}}
    if own:
        metadata["component"] = own | {"components": vendored()}
    return found | {"metadata": metadata, "components": [each for each in components if each is not own]}


def licence(component: Component) -> str:
    """Its licences on one line; SPDX where they are said so, else in its own words."""
    said = component.get("licenses", [])
    names = [each.get("expression") or each["license"].get("id") or each["license"]["name"] for each in said]
    spdx = [name for name in names if not name.startswith("License ::")]
    return ", ".join(spdx or [name.rpartition(" :: ")[2] for name in names]) or "?"


def main(python: str, file: str) -> int:
    """0, or 1 where somebody's licence is not known."""
    document = inventory(environment(python))
    own = document["metadata"].get("component")
    path = Path(file.format(own["version"] if own else ""))
    path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    parts = [*([own, *own["components"]] if own else []), *document["components"]]
    for part in parts:
        print(f"{part['name']:<34}{part['version']:<18}{licence(part)}")
    return int(any(licence(part) == "?" for part in parts))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
