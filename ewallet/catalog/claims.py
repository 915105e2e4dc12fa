"""What a kind consists of: its claims, its yes/no questions, and what an applicant chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final, Literal

from ewallet.catalog.predicate import Predicate
from ewallet.errors import Language

Presign = bool | Literal["when_true"]
Way = Literal["signed", "holder", "service", "claim", "status", "band"]
Pattern = tuple[str | None, ...]
Json = Any

_NUMBER: Final = re.compile(r"(?<![A-Za-z])N(?![A-Za-z])")


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """How the rows of an array follow from those of another: one for each word that ``table`` has for a ``member``.

    The word becomes the member ``into``; what else the two kinds of row have in common is taken over.
    """

    claim: str
    member: str
    into: str
    table: Mapping[str, tuple[str, ...]]

    def rows(self, given: Sequence[Json], members: Iterable[str]) -> list[dict[str, Json]]:
        """The derived rows, each word once; a word that the table has not has no rows, nor has what is no row."""
        names = set(members)
        rows: dict[str, dict[str, Json]] = {}
        for row in (each for each in given if isinstance(each, Mapping)):
            common = {name: value for name, value in row.items() if name in names}
            for word in self.table.get(str(row.get(self.member)), ()):
                rows.setdefault(word, {self.into: word, **common})
        return list(rows.values())


@dataclass(frozen=True, kw_only=True)
class ClaimType:
    """One claim of a kind; ``path`` has None where any element of an array is meant."""

    path: Pattern
    type: str
    labels: Mapping[str, str]
    sensitivity: str
    required: bool = False
    format: str | None = None
    enum: tuple[str, ...] = ()
    disclosure: str = "whole"
    derived: bool = False
    members: tuple[ClaimType, ...] = ()
    mdoc: Mapping[str, str] | None = None
    derivation: Derivation | None = None

    @property
    def name(self) -> str:
        """The name in its object."""
        return str(self.path[-1])

    @property
    def hides_number(self) -> bool:
        """Whether it is a person's number with its end hidden, in which the whole number must not stand."""
        return self.name.endswith("_number_masked")

    def label(self, lang: Language = "ko") -> str:
        """The words for it on paper and screen."""
        return self.labels[lang]

    def walk(self) -> Iterator[ClaimType]:
        """Itself and everything below."""
        yield self
        for member in self.members:
            yield from member.walk()

    @property
    def below(self) -> Pattern:
        """The path under which its members lie."""
        return (*self.path, None) if self.type == "array" else self.path


@dataclass(frozen=True, kw_only=True)
class PredicateType:
    """A yes/no question of a kind; ``presign`` says whether the issuer may sign the answer as a claim of its own.

    ``"when_true"``: only a yes is signed. Either is signed only if it holds as long as the copies do.
    """

    id: str
    labels: Mapping[str, str]
    expression: str
    parameterised: bool
    time_dependent: bool
    presign: Presign
    mdoc: Mapping[str, str] | None = None

    def label(self, lang: Language = "ko") -> str:
        """The question in words."""
        return self.labels[lang]

    def asked(self, params: Iterable[tuple[str, str | int]], lang: Language = "ko") -> str:
        """The question with its parameters: the number in the place of the N that stands for it, others behind."""
        label = self.labels[lang]
        numbered = {name: value for name, value in params if name == "n" and _NUMBER.search(label)}
        for value in numbered.values():
            label = (f"{value:,}" if isinstance(value, int) else value).join(_NUMBER.split(label))
        others = ", ".join(str(value) for name, value in params if name not in numbered)
        return f"{label} [{others}]" if others else label

    @cached_property
    def predicate(self) -> Predicate:
        """The expression, parsed."""
        return Predicate.parse(self.expression)

    @property
    def way(self) -> Way:
        """How it comes to its answer.

        ``signed`` beside the claims; ``holder``: likewise, where the issuer says who the holder is; ``claim``: the
        record says it under that very name; ``status``: by the status list; ``band``: with a figure, no yes or no;
        ``service``: by asking the issuer.
        """
        if self.presign:
            return "holder" if self.predicate.uses("holder") else "signed"
        if self.expression == self.id:
            return "claim"
        if self.predicate.uses("status"):
            return "status"
        return "service" if self.predicate.decides else "band"


@dataclass(frozen=True, kw_only=True)
class IssueOption:
    """What an applicant chooses on the issuing form; ``claims`` are those that are left out unless it is chosen."""

    id: str
    labels: Mapping[str, str]
    default: str
    claims: tuple[str, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether these are there unless the applicant says otherwise; forms write it in several ways."""
        return self.default not in {"N", "none", "excluded", "hidden"}

    def label(self, lang: Language = "ko") -> str:
        """The words of the choice."""
        return self.labels[lang]


@dataclass(frozen=True, kw_only=True)
class PredicateVector:
    """What a predicate answers about the sample of its kind."""

    predicate: str
    params: Mapping[str, Json]
    as_of: date
    expected: bool
