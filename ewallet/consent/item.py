"""What a consent allows of one kind of certificate: claims, and answers to questions of yes or no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ewallet.catalog import Catalog
from ewallet.catalog.claims import Pattern
from ewallet.consent.words import SAYS
from ewallet.credential import Path
from ewallet.errors import Language
from ewallet.shape import Json


@dataclass(frozen=True)
class Question:
    """A yes/no question that may be answered, with its parameters."""

    predicate: str
    params: tuple[tuple[str, str | int], ...] = ()

    @property
    def name(self) -> str:
        """The name of the answer: the question with its parameters, ``income_at_least(n=30000000)``."""
        params = ", ".join(f"{name}={value}" for name, value in self.params)
        return f"{self.predicate}({params})" if params else self.predicate


@dataclass(frozen=True, kw_only=True)
class ConsentItem:
    """What may be provided of one kind: these claims, the answers to these questions, and nothing else."""

    type_id: str
    claims: tuple[Pattern, ...] = ()
    questions: tuple[Question, ...] = ()

    def covers(self, path: Path) -> bool:
        """Whether a claims path, or one below a claim that is given whole, may be provided."""
        told = tuple(step if isinstance(step, str) else None for step in path)
        return path in self._answers or any(told[:length] in self._claims for length in self._lengths)

    @cached_property
    def _claims(self) -> frozenset[Pattern]:
        return frozenset(self.claims)

    @cached_property
    def _lengths(self) -> frozenset[int]:
        return frozenset(map(len, self.claims))

    @cached_property
    def _answers(self) -> frozenset[Path]:
        return frozenset((question.name,) for question in self.questions)

    def to_json(self) -> dict[str, Json]:
        """As the record has it."""
        questions: list[Json] = [{"predicate": q.predicate, "params": dict(q.params)} for q in self.questions]
        return {"type": self.type_id, "claims": [list(path) for path in self.claims], "answers": questions}

    def words(self, catalog: Catalog, lang: Language) -> str:
        """The kind, and what is provided of it."""
        return f"{catalog.type(self.type_id).label(lang)}: {', '.join(provided(self, catalog, lang))}"


def provided(item: ConsentItem, catalog: Catalog, lang: Language) -> Iterator[str]:
    """What is provided of one kind, claim by claim and answer by answer."""
    kind = catalog.type(item.type_id)
    for path in item.claims:
        yield " > ".join(kind.label_of(path[:n], lang) for n in range(1, len(path) + 1) if path[n - 1] is not None)
    questions = {predicate.id: predicate for predicate in kind.predicates}
    for question in item.questions:
        yield SAYS["yes_no"][lang].format(questions[question.predicate].asked(question.params, lang))
