"""Rules (자격확인): one question that is answered with yes where one of several branches says yes, and nothing else.

One file each in ``schemas/rules/<id>.json``, read strictly. A branch is a yes/no question about a record of one kind.
There are always several: the yes of a rule with one branch would say which.

Answers are credentials of one kind, :data:`KIND`. What somebody is offered is the answer to one rule, by an identifier
that names both, ``eligibility_answer:<rule>``; nobody is offered the kind as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ewallet import shape
from ewallet.catalog import reading
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import Language

KIND: Final = "eligibility_answer"
YES: Final = "Y"
NO: Final = "N"  # as long as a yes
META: Final = "../meta/rule.schema.json"
MAX_BRANCHES: Final = 20  # every one is consulted each time; the largest has 6

_FILE: Final = frozenset({"$schema", "id", "version", "name", "legal_basis", "branches"})

Json = Any


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A yes/no question about a record of one kind, with its parameters."""

    type_id: str
    predicate: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What makes somebody eligible: any of the branches. ``version`` is another one whenever a branch changes."""

    id: str
    version: int
    names: Mapping[str, str]
    legal_basis: str
    branches: tuple[Branch, ...]

    def label(self, lang: Language = "ko") -> str:
        """What one is eligible for."""
        return self.names[lang]

    @property
    def asked(self) -> str:
        """The identifier of the answer to it, as it is offered."""
        return f"{KIND}:{self.id}"

    @property
    def yes(self) -> Mapping[str, str | int]:
        """The claims of a yes to the rule as it is now."""
        return {"rule": self.id, "version": self.version, "answer": YES}


def read(raw: bytes) -> Rule:
    """The rule in a file's bytes; ``malformed.*``, ``limit.*`` or ``usage.configuration`` with place and reason."""
    file = reading.members(shape.json_object(raw, "rule file"), "rule file", _FILE, {"note"})
    if file["$schema"] != META:
        reading.refuse(f"$schema is not {META}")
    rule = Rule(
        id=reading.name(file["id"], "id"),
        version=reading.count(file["version"], "version"),
        names=reading.words(file["name"], "name"),
        legal_basis=reading.text(file["legal_basis"], "legal_basis"),
        branches=reading.each(file["branches"], "branches", _branch),
    )
    if not 1 < len(rule.branches) <= MAX_BRANCHES:
        reading.refuse(f"branches are 2 to {MAX_BRANCHES}")
    if any(branch in rule.branches[:position] for position, branch in enumerate(rule.branches)):
        reading.refuse("a branch is there twice")
    return rule


def kind_of(asked: str) -> str:
    """The kind of what is offered under an identifier: that of answers, or the kind that it is."""
    return asked.partition(":")[0]


def offered(kinds: Iterable[CredentialType], rules: Iterable[Rule]) -> Iterator[CredentialType]:
    """The kinds as they are offered: that of answers once for each rule, by its name."""
    listed = tuple(rules)
    for kind in kinds:
        if kind.id == KIND:
            yield from (replace(kind, id=rule.asked, names=rule.names) for rule in listed)
        else:
            yield kind


def problems(rule: Rule, kinds: Mapping[str, CredentialType]) -> Iterator[str]:
    """What is wrong with a rule beside these kinds: a question that there is not, or that no record answers."""
    for branch in rule.branches:
        kind = kinds.get(branch.type_id)
        question = kind.predicate(branch.predicate) if kind else None
        if question is None:
            yield f"{branch.type_id} has no question {branch.predicate}"
        elif question.parameterised != bool(branch.params):
            yield f"{branch.predicate} is asked {'without' if question.parameterised else 'with'} parameters"
        elif not question.predicate.decides or any(map(question.predicate.uses, ("holder", "status"))):
            yield f"{branch.predicate} is not answered by a record"


def _branch(value: Json, where: str) -> Branch:
    found = reading.members(value, where, {"type", "predicate"}, {"params"})
    params = shape.instance(found.get("params", {}), dict, f"{where}.params")
    return Branch(
        type_id=reading.name(found["type"], f"{where}.type"),
        predicate=reading.name(found["predicate"], f"{where}.predicate"),
        params={reading.name(name, f"{where}.params"): _param(param, where) for name, param in params.items()},
    )


def _param(value: Json, where: str) -> str | int:
    if type(value) not in (str, int):
        reading.refuse(f"{where}.params has another value than a text or a whole number")
    found: str | int = value
    return found
