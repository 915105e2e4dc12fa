"""The steps of a yes/no expression and what they are worth; :mod:`ewallet.catalog.predicate` reads texts into them.

A node is called with a :class:`Scope` and gives a value; it never raises. Logic is three-valued (Kleene): what follows
from an unknown is unknown, unless the other operands settle it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from ewallet.catalog import rules
from ewallet.catalog.rules import UNKNOWN, Value


class Scope(NamedTuple):
    """What an expression can see; ``enums`` are the ordered value lists of the kind, for ``rank``."""

    names: Mapping[str, Value]
    as_of: date
    enums: Sequence[Sequence[str]] = ()

    def bound(self, names: Mapping[str, Value]) -> Scope:
        """The same scope with more names, which hide the outer ones."""
        return Scope({**self.names, **names}, self.as_of, self.enums)


@dataclass(frozen=True)
class Node:
    """One step of an expression; a plain class, for what is no instance of an abstract one takes long to be told."""

    def __call__(self, scope: Scope, /) -> Value:
        """What it is worth."""
        raise NotImplementedError

    @cached_property
    def moves(self) -> bool:
        """Whether what it is worth may depend on the day."""
        return self._looks_at_day() or any(child.moves for child in children(self))

    def _looks_at_day(self) -> bool:
        """Whether it does so by itself."""
        return False


@dataclass(frozen=True)
class Literal(Node):
    """A number or a text."""

    constant: Any

    def __call__(self, _scope: Scope, /) -> Value:
        return self.constant


@dataclass(frozen=True)
class Name(Node):
    """A claim, a row, or one of the roots."""

    name: str

    def __call__(self, scope: Scope, /) -> Value:
        return scope.names.get(self.name, UNKNOWN)

    def _looks_at_day(self) -> bool:
        return self.name == "as_of"


@dataclass(frozen=True)
class Member(Node):
    """``owner.name``; of a list, that member of every row."""

    subject: Node
    name: str

    def __call__(self, scope: Scope, /) -> Value:
        subject = self.subject(scope)
        if isinstance(subject, list):
            return [row.get(self.name, UNKNOWN) for row in subject if isinstance(row, Mapping)]
        return subject.get(self.name, UNKNOWN) if isinstance(subject, Mapping) else UNKNOWN


@dataclass(frozen=True)
class Index(Node):
    """``owners[0]``."""

    subject: Node
    index: int

    def __call__(self, scope: Scope, /) -> Value:
        subject = self.subject(scope)
        return subject[self.index] if isinstance(subject, list) and self.index < len(subject) else UNKNOWN


@dataclass(frozen=True)
class Listed(Node):
    """``['a', 'b']``."""

    items: tuple[Node, ...]

    def __call__(self, scope: Scope, /) -> Value:
        return [item(scope) for item in self.items]


@dataclass(frozen=True)
class Not(Node):
    """The opposite of a yes or a no."""

    operand: Node

    def __call__(self, scope: Scope, /) -> Value:
        value = self.operand(scope)
        return not value if isinstance(value, bool) else UNKNOWN


@dataclass(frozen=True)
class And(Node):
    """Yes where all are; one no settles it."""

    operands: tuple[Node, ...]

    def __call__(self, scope: Scope, /) -> Value:
        return every(operand(scope) for operand in self.operands)


@dataclass(frozen=True)
class Or(Node):
    """Yes where one is; one yes settles it."""

    operands: tuple[Node, ...]

    def __call__(self, scope: Scope, /) -> Value:
        return some(operand(scope) for operand in self.operands)


@dataclass(frozen=True)
class Compare(Node):
    """``19 <= age <= 34``: every neighbouring pair, as in mathematics."""

    comparisons: tuple[str, ...]
    operands: tuple[Node, ...]

    def __call__(self, scope: Scope, /) -> Value:
        values = [operand(scope) for operand in self.operands]
        return every(map(rules.compare, self.comparisons, values, values[1:]))


@dataclass(frozen=True)
class Sum(Node):
    """Two numbers added."""

    left: Node
    right: Node

    def __call__(self, scope: Scope, /) -> Value:
        return total(self.left(scope), self.right(scope))


@dataclass(frozen=True)
class Difference(Node):
    """The difference of two numbers, or the span between two days."""

    left: Node
    right: Node

    def __call__(self, scope: Scope, /) -> Value:
        return difference(self.left(scope), self.right(scope))


@dataclass(frozen=True)
class Each(Node):
    """``any``, ``all`` or ``count`` of the rows for which a condition holds."""

    quantifier: str
    row: str
    rows: Node
    condition: Node

    def __call__(self, scope: Scope, /) -> Value:
        rows = self.rows(scope)
        if not isinstance(rows, list):
            return UNKNOWN
        answers = (self.condition(scope.bound({self.row: row})) for row in rows)
        return _QUANTIFIERS[self.quantifier](answers)


@dataclass(frozen=True)
class Call(Node):
    """A function of :mod:`ewallet.catalog.rules`."""

    function: str
    arguments: tuple[Node, ...]

    def __call__(self, scope: Scope, /) -> Value:
        arguments = [argument(scope) for argument in self.arguments]
        return rules.call(self.function, arguments, as_of=scope.as_of, enums=scope.enums)

    def _looks_at_day(self) -> bool:
        return rules.moves(self.function)


@dataclass(frozen=True)
class Where(Node):
    """The rows for which a condition on their members holds, or one member (``column``) of each of them."""

    rows: Node
    column: str | None
    condition: Node

    def __call__(self, scope: Scope, /) -> Value:
        rows = self.rows(scope)
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            return UNKNOWN
        answers = [self.condition(scope.bound(row)) for row in rows]
        if not all(isinstance(answer, bool) for answer in answers):
            return UNKNOWN
        kept = [row for row, answer in zip(rows, answers, strict=True) if answer]
        return kept if self.column is None else [row.get(self.column, UNKNOWN) for row in kept]


def total(left: Value, right: Value) -> Value:
    """The sum of two numbers."""
    return left + right if rules.is_number(left) and rules.is_number(right) else UNKNOWN


def difference(left: Value, right: Value) -> Value:
    """The difference of two numbers, or the span between two days."""
    return left - right if rules.is_number(left) and rules.is_number(right) else rules.span(left, right)


def every(answers: Iterable[Value]) -> Value:
    """False where one is, else unknown where one is, else True."""
    result: Value = True
    for answer in answers:
        if answer is False:
            return False
        if answer is not True:
            result = UNKNOWN
    return result


def some(answers: Iterable[Value]) -> Value:
    """True where one is, else unknown where one is, else False."""
    result: Value = False
    for answer in answers:
        if answer is True:
            return True
        if answer is not False:
            result = UNKNOWN
    return result


def _count(answers: Iterable[Value]) -> Value:
    listed = list(answers)
    return sum(listed) if all(isinstance(answer, bool) for answer in listed) else UNKNOWN


_QUANTIFIERS = {"any": some, "all": every, "count": _count}


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below."""
    for name in node.__dataclass_fields__:  # `fields` makes a list of them for each node
        value = getattr(node, name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield child


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below."""
    yield node
    for child in children(node):
        yield from walk(child)


def bound(node: Node, params: Mapping[str, Value]) -> Node:
    """The same with these values in the places of ``param.name``."""
    if isinstance(node, Member) and node.subject == Name("param"):
        return Literal(params[node.name]) if node.name in params else node
    parts = {name: _bound(getattr(node, name), params) for name in node.__dataclass_fields__}
    return replace(node, **parts)


def _bound(part: Any, params: Mapping[str, Value]) -> Any:
    """A part of a node, which is a node, several, or neither."""
    if isinstance(part, tuple):
        return tuple(_bound(each, params) for each in part)
    return bound(part, params) if isinstance(part, Node) else part
