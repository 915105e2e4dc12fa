"""The certificate kinds: what each contains, who signs it, how its claims are disclosed and which yes/no claims it has.

Kinds are data, one file each in ``schemas/types/<category>/<id>.json``; everything else about a kind is derived from
that file. Files are found by name and read when first asked for; what a file may contain is written down in
``schemas/meta/credential-type.schema.json`` and read strictly in :mod:`ewallet.catalog.kindfile`. Nothing is ever
fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final, NoReturn

from ewallet.catalog import bundles, eligibility
from ewallet.catalog.bundles import Bundle, BundleItem
from ewallet.catalog.claims import ClaimType, IssueOption, PredicateType, PredicateVector
from ewallet.catalog.eligibility import Rule
from ewallet.catalog.kindfile import read
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import EWalletError, UsageError

__all__ = [
    "Bundle",
    "BundleItem",
    "Catalog",
    "ClaimType",
    "CredentialType",
    "IssueOption",
    "PredicateType",
    "PredicateVector",
    "Problem",
    "Rule",
]

MAX_KIND: Final = 256 * 1024  # bytes of one kind file; the largest has 23 KiB
MAX_KINDS: Final = 5_000  # files in one folder

_SEPARATOR: Final = re.compile(r"[:.]")


@dataclass(frozen=True)
class Problem:
    """A file that was refused, and why."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class Catalog:
    """The kinds of one ``schemas`` folder, each read when first asked for.

    >>> catalog = Catalog.bundled()
    >>> catalog.type("resident_register_copy").label("en")
    'Certified Copy of Resident Registration'
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._types: dict[str, CredentialType | Problem] = {}
        self._bundles: dict[str, Bundle | Problem] = {}
        self._rules: dict[str, Rule | Problem] = {}
        self._places: dict[Path, bool] = {}

    @classmethod
    @cache  # what is shipped stays as it is, and reading all of it takes a tenth of a second
    def bundled(cls) -> Catalog:
        """The kinds shipped with the library, the same object each time; in a source tree, those of the repository."""
        shipped = Path(str(files("ewallet"))) / "schemas"
        return cls.load(shipped if shipped.is_dir() else Path(__file__).parents[2] / "schemas")

    @classmethod
    def load(cls, folder: Path | str) -> Catalog:
        """The kinds below ``folder/types``; a file that is not a kind is a problem of its own, not of the others."""
        if not (Path(folder) / "types").is_dir():
            raise UsageError("usage.configuration", "the schemas folder has no folder types")
        return cls(Path(folder))

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in sorted((self.folder / "types").glob("*/*.json"))[:MAX_KINDS]:
            found.setdefault(path.stem, []).append(path)
        return found

    def ids(self) -> tuple[str, ...]:
        """Every kind that has a file, in order; a file may still turn out to be broken when it is read."""
        return tuple(sorted(self._files))

    def type(self, type_id: str) -> CredentialType:
        """The kind of that identifier; ``usage.argument`` where there is none, ``usage.configuration`` if broken."""
        if type_id not in self._files:
            raise UsageError("usage.argument", "no certificate kind of that identifier")
        entry = self._entry(type_id)
        if isinstance(entry, Problem):
            raise UsageError("usage.configuration", str(entry))
        return entry

    def by_type_id(self, type_id: str) -> CredentialType | None:
        """The kind that a credential of this ``vct`` or docType is of, or None."""
        parts = _SEPARATOR.split(type_id)
        likely = self._entry(parts[-2]) if len(parts) > 2 and parts[-2] in self._files else None
        if isinstance(likely, CredentialType) and type_id in likely.type_ids:
            return likely
        return next((kind for kind in self if type_id in kind.type_ids), None)

    def bundle(self, bundle_id: str) -> Bundle:
        """The bundle of that identifier; ``usage.argument`` where there is none, ``usage.configuration`` if broken."""
        if bundle_id not in self._bundle_files:
            raise UsageError("usage.argument", "no bundle of that identifier")
        entry = self._bundle_entry(bundle_id)
        if isinstance(entry, Problem):
            raise UsageError("usage.configuration", str(entry))
        return entry

    def bundles(self) -> Iterator[Bundle]:
        """Every bundle that can be read, in the order of their identifiers."""
        entries = (self._bundle_entry(bundle_id) for bundle_id in self._bundle_files)
        return (entry for entry in entries if isinstance(entry, Bundle))

    @cached_property
    def _bundle_files(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted((self.folder / "bundles").glob("*.json"))[:MAX_KINDS]}

    def _bundle_entry(self, bundle_id: str) -> Bundle | Problem:
        if bundle_id not in self._bundles:
            self._bundles[bundle_id] = self._read_bundle(bundle_id)
        return self._bundles[bundle_id]

    def _read_bundle(self, bundle_id: str) -> Bundle | Problem:
        path = self._bundle_files[bundle_id]
        try:
            bundle = bundles.read(self._bytes(path))
            if bundle.id != bundle_id:
                _refuse("id is not the name of the file")
            asked = {*bundle.identity, *(item.type_id for item in bundle.items)}
            wrong = next(bundles.problems(bundle, {id_: self.type(id_) for id_ in asked if id_ in self}), None)
            if wrong is not None:
                _refuse(wrong)
        except EWalletError as exc:
            return Problem(self._name(path), exc.detail)
        return bundle

    def rule(self, rule_id: str) -> Rule:
        """The rule of that identifier; ``usage.argument`` where there is none, ``usage.configuration`` if broken."""
        if rule_id not in self._rule_files:
            raise UsageError("usage.argument", "no rule of that identifier")
        entry = self._rule_entry(rule_id)
        if isinstance(entry, Problem):
            raise UsageError("usage.configuration", str(entry))
        return entry

    def rules(self) -> Iterator[Rule]:
        """Every rule that can be read, in the order of their identifiers."""
        entries = (self._rule_entry(rule_id) for rule_id in self._rule_files)
        return (entry for entry in entries if isinstance(entry, Rule))

    @cached_property
    def _rule_files(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted((self.folder / "rules").glob("*.json"))[:MAX_KINDS]}

    def _rule_entry(self, rule_id: str) -> Rule | Problem:
        if rule_id not in self._rules:
            self._rules[rule_id] = self._read_rule(rule_id)
        return self._rules[rule_id]

    def _read_rule(self, rule_id: str) -> Rule | Problem:
        path = self._rule_files[rule_id]
        try:
            rule = eligibility.read(self._bytes(path))
            if rule.id != rule_id:
                _refuse("id is not the name of the file")
            asked = {branch.type_id for branch in rule.branches}
            wrong = next(eligibility.problems(rule, {id_: self.type(id_) for id_ in asked if id_ in self}), None)
            if wrong is not None:
                _refuse(wrong)
        except EWalletError as exc:
            return Problem(self._name(path), exc.detail)
        return rule

    def __iter__(self) -> Iterator[CredentialType]:
        """Every kind that can be read."""
        entries = (self._entry(type_id) for type_id in self.ids())
        return (entry for entry in entries if isinstance(entry, CredentialType))

    def __contains__(self, type_id: str) -> bool:
        return type_id in self._files and isinstance(self._entry(type_id), CredentialType)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was refused, after reading every file."""
        entries = [
            *(self._entry(type_id) for type_id in self.ids()),
            *(self._bundle_entry(bundle_id) for bundle_id in self._bundle_files),
            *(self._rule_entry(rule_id) for rule_id in self._rule_files),
        ]
        return (*(entry for entry in entries if isinstance(entry, Problem)), *self._shared())

    def _shared(self) -> Iterator[Problem]:
        owners: dict[str, str] = {}
        for kind in self:
            for what, type_id in (("vct", kind.vct), ("docType", kind.doctype)):
                if type_id and owners.setdefault(type_id, kind.id) != kind.id:
                    yield Problem(self._name(self._files[kind.id][0]), f"has the {what} of {owners[type_id]}")

    def _entry(self, type_id: str) -> CredentialType | Problem:
        if type_id not in self._types:
            self._types[type_id] = self._read(type_id)
        return self._types[type_id]

    def _read(self, type_id: str) -> CredentialType | Problem:
        path, *others = self._files[type_id]
        try:
            if others:
                _refuse(f"the identifier is taken twice, also by {self._name(others[0])}")
            kind = read(self._bytes(path))
            if (kind.id, kind.category) != (type_id, path.parent.name):
                _refuse("id and category are not those of the file's place")
        except EWalletError as exc:
            return Problem(self._name(path), exc.detail)
        return kind

    def _bytes(self, path: Path) -> bytes:
        try:
            if not path.is_file():  # a pipe would be waited for
                _refuse("cannot be read")
            if not self._holds(path):
                _refuse("leads out of the schemas folder")
            with path.open("rb") as file:
                raw = file.read(MAX_KIND + 1)
        except OSError:
            _refuse("cannot be read")
        if len(raw) > MAX_KIND:
            _refuse(f"has more than {MAX_KIND} bytes")
        return raw

    def _holds(self, path: Path) -> bool:
        """Whether a file is in the folder, wherever links lead; a folder is looked at once, a plain file hardly."""
        if path.is_symlink():
            return path.resolve(strict=True).is_relative_to(self.folder)
        if path.parent not in self._places:
            self._places[path.parent] = path.parent.resolve(strict=True).is_relative_to(self.folder)
        return self._places[path.parent]

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _refuse(reason: str) -> NoReturn:
    raise UsageError("usage.configuration", reason)
