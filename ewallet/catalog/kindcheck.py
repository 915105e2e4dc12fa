"""What ``make catalogue`` looks for in files beyond what loading refuses, and tables of kinds, bundles and rules."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ewallet import shape
from ewallet.catalog.bundles import ROUTES, Bundle
from ewallet.catalog.bundles import STANDINGS as BUNDLE_STANDINGS
from ewallet.catalog.claims import ClaimType, Way
from ewallet.catalog.eligibility import Rule
from ewallet.catalog.kindfile import STANDINGS
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import EWalletError

#: Six digits, a dash or none, seven digits: a resident number, unless nothing but zeros.
_RRN: Final = re.compile(r"(?<!\d)\d{6}-?\d{7}(?!\d)")
#: The meta schema of the files below each folder.
_METAS: Final[Mapping[str, str]] = {
    "types": "credential-type.schema.json",
    "bundles": "bundle.schema.json",
    "rules": "rule.schema.json",
}
_ISSUED: Final = ("issue_date", "issuing_authority")  # disclosures of every kind


def place(kind: CredentialType) -> str:
    """The file of a kind, in its folder."""
    return f"types/{kind.category}/{kind.id}.json"


def findings(kind: CredentialType) -> Iterator[str]:
    """What is wrong with one kind that could be read."""
    yield from _sample_findings(kind)
    yield from _vector_findings(kind)
    yield from _disclosure_findings(kind)


def _sample_findings(kind: CredentialType) -> Iterator[str]:
    try:
        kind.check(kind.sample)
    except EWalletError as exc:
        yield f"the sample cannot be issued: {exc}"
        return
    for path in _values(kind.sample, ()):
        claim = kind.claim(path)
        if claim and claim.sensitivity == "rrn":
            yield f"the sample has a resident number at {'.'.join(map(str, path))}"


def _values(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict | list):
        for step, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _values(member, (*path, step))
    else:
        yield path


def _vector_findings(kind: CredentialType) -> Iterator[str]:
    for vector in kind.vectors:
        answer = kind.answer(vector.predicate, kind.sample, vector.as_of, vector.params)
        if answer is not vector.expected:
            yield f"{vector.predicate} answers {answer} on {vector.as_of}, expected {vector.expected}"


def _disclosure_findings(kind: CredentialType) -> Iterator[str]:
    numbered = () if kind.claim(("portrait",)) else ("document_number",)  # cards call their number by many names
    for name in (*_ISSUED, *numbered):
        if (name,) not in kind.disclosable:
            yield f"{name} is not a claim"
    for claim in (claim for top in kind.claims for claim in top.walk()):
        if claim.sensitivity == "rrn" and claim.path not in kind.disclosable:
            yield f"{claim.name} cannot be withheld from what it stands beside"
        if claim.sensitivity == "rrn" and not _masked(kind, claim):
            yield f"{claim.name} has no masked form beside it"


def _masked(kind: CredentialType, claim: ClaimType) -> bool:
    return kind.claim((*claim.path[:-1], f"{claim.name}_masked")) is not None


def folder_findings(folder: Path) -> list[str]:
    """What is wrong with the texts of a ``schemas`` folder, whatever they say."""
    metas = {name: _meta(folder / "meta" / meta) for name, meta in _METAS.items() if (folder / name).is_dir()}
    return [
        f"{path.relative_to(folder).as_posix()}: {finding}"
        for path in sorted(folder.rglob("*.json"))
        for finding in _file_findings(path, metas.get(path.relative_to(folder).parts[0]))
    ]


def _meta(path: Path) -> Any:
    import jsonschema_rs

    schema = shape.json_object(path.read_bytes(), "meta schema")
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _file_findings(path: Path, meta: Any) -> Iterator[str]:
    try:
        text = path.read_bytes().decode("utf-8")
        value = shape.json_value(text, "file")
    except (EWalletError, UnicodeDecodeError):
        yield "not json in utf-8"
        return
    if not unicodedata.is_normalized("NFC", text):
        yield "not in NFC"
    if text != json.dumps(value, ensure_ascii=False, indent=2) + "\n":
        yield "not written as two-space json with Korean as it is"
    if any(set(found[0]) - set("0-") for found in _RRN.finditer(text)):
        yield "has the digits of a resident number"
    for error in meta.iter_errors(value) if meta else ():
        yield f"against the meta schema: {error.message[:200]} at {'/'.join(map(str, error.instance_path))}"


def table(kinds: Sequence[CredentialType]) -> str:
    """The kinds as a Markdown table, and how many stand how firmly."""
    rows = [
        f"| {kind.id} | {kind.label()} | {kind.system} | {kind.standing} | {_count(kind)} | {len(kind.predicates)} |"
        for kind in kinds
    ]
    standings = Counter(kind.standing for kind in kinds)
    counts = ", ".join(f"{standings[standing]} {standing}" for standing in STANDINGS)
    head = "| id | name | system | standing | claims | yes/no |\n|---|---|---|---|---|---|"
    return "\n".join([head, *rows, "", f"{len(kinds)} kinds: {counts}", answered(kinds)])


def bundle_table(bundles: Sequence[Bundle]) -> str:
    """The bundles as a Markdown table, and how many stand how firmly and go which road of the law."""
    rows = [
        f"| {bundle.id} | {bundle.label()} | {bundle.route} | {bundle.standing} | {len(bundle.items)} |"
        for bundle in bundles
    ]
    head = "| id | name | route | standing | members |\n|---|---|---|---|---|"
    return "\n".join([head, *rows, "", bundle_counts(bundles)])


def rule_table(rules: Sequence[Rule]) -> str:
    """The rules of the yes/no service as a Markdown table, and how many there are."""
    rows = [f"| {rule.id} | {rule.label()} | {rule.version} | {len(rule.branches)} |" for rule in rules]
    head = "| id | name | version | branches |\n|---|---|---|---|"
    return "\n".join([head, *rows, "", f"{len(rules)} rules"])


def bundle_counts(bundles: Sequence[Bundle]) -> str:
    """How many bundles there are, of which standing and on which road of the law."""
    standings, routes = (Counter(getattr(bundle, name) for bundle in bundles) for name in ("standing", "route"))
    firm = ", ".join(f"{standings[standing]} {standing}" for standing in BUNDLE_STANDINGS)
    return f"{len(bundles)} bundles: {firm}; {', '.join(f'{routes[route]} {route}' for route in ROUTES)}"


#: What becomes of a yes/no question, in words.
_WAYS: Final[Mapping[Way, str]] = {
    "signed": "signed in advance",
    "holder": "signed where the issuer says who the holder is",
    "service": "left to the yes/no service",
    "claim": "a claim of that name",
    "status": "not expressible over a record, but read from the status list",
    "band": "not a yes or no but a band",
}


def answered(kinds: Sequence[CredentialType]) -> str:
    """How many yes/no questions there are, and how each comes to its answer."""
    questions = [question for kind in kinds for question in kind.predicates]
    ways = Counter(question.way for question in questions)
    days = sum(question.way == "signed" and question.time_dependent for question in questions)
    counts = [f"{ways[way]} {words}" for way, words in _WAYS.items()]
    counts[0] += f" ({days} of them only where they hold as long as a copy)"
    return f"{len(questions)} yes/no questions: {', '.join(counts)}"


def _count(kind: CredentialType) -> int:
    return sum(1 for top in kind.claims for _ in top.walk())
