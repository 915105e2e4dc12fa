"""Yes/no questions about a record, written as one line in a kind file: ``age(birth_date, as_of) >= 19``.

The language is total: reading is bounded, evaluating always ends, has no effects and reaches nothing but the record,
the date and the parameters. It is three-valued. A claim that the record does not state is *unknown*, and what follows
from an unknown is unknown, so that ``not is_violating_building`` is no promise about a record that is silent;
``present`` and ``coalesce`` are the two functions that look at absence itself.

Grammar, loosest first: ``or``, ``and``, ``not``, comparisons (chained as in mathematics, with ``in``), ``+ -``,
then ``.member``, ``[index]`` and calls. ``any``, ``all`` and ``count`` take ``row in rows: condition``. Roots are the
claims, the rows being looked at, ``as_of``, ``param``, ``holder`` (who asks, where known), ``status`` and ``VALID``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, NoReturn

from ewallet import rules
from ewallet.errors import UsageError
from ewallet.rules import UNKNOWN

MAX_LENGTH: Final = 1_000  # characters of an expression; the longest of the catalogue has 190
MAX_WORDS: Final = 200  # names, signs and numbers; the longest of the catalogue has 60
MAX_NESTING: Final = 16  # parentheses, calls and lists inside each other
MAX_LOOPS: Final = 2  # any/all/count inside each other: the work grows with this power of the number of rows

Value = Any  # UNKNOWN, bool, int, float, str, date, Span, list, dict


@dataclass(frozen=True)
class Scope:
    """What an expression can see; ``enums`` are the ordered value lists of the kind, for ``rank``."""

    names: Mapping[str, Value]
    as_of: date
    enums: Sequence[Sequence[str]] = ()

    def bound(self, names: Mapping[str, Value]) -> Scope:
        """The same scope with more names, which hide the outer ones."""
        return replace(self, names={**self.names, **names})


class Node:
    """One step of an expression; ``value`` never raises."""

    def value(self, scope: Scope) -> Value:
        raise NotImplementedError

    def children(self) -> Sequence[Node]:
        return ()


@dataclass(frozen=True)
class Literal(Node):
    constant: Value

    def value(self, scope: Scope) -> Value:
        return self.constant


@dataclass(frozen=True)
class Name(Node):
    name: str

    def value(self, scope: Scope) -> Value:
        return scope.names.get(self.name, UNKNOWN)


@dataclass(frozen=True)
class Member(Node):
    subject: Node
    name: str

    def value(self, scope: Scope) -> Value:
        subject = self.subject.value(scope)
        if isinstance(subject, list):  # licenses.acquired_date: that member of every row
            return [row.get(self.name, UNKNOWN) for row in subject if isinstance(row, dict)]
        return subject.get(self.name, UNKNOWN) if isinstance(subject, Mapping) else UNKNOWN

    def children(self) -> Sequence[Node]:
        return (self.subject,)


@dataclass(frozen=True)
class Index(Node):
    subject: Node
    index: int

    def value(self, scope: Scope) -> Value:
        subject = self.subject.value(scope)
        return subject[self.index] if isinstance(subject, list) and self.index < len(subject) else UNKNOWN

    def children(self) -> Sequence[Node]:
        return (self.subject,)


@dataclass(frozen=True)
class Listed(Node):
    items: tuple[Node, ...]

    def value(self, scope: Scope) -> Value:
        return [item.value(scope) for item in self.items]

    def children(self) -> Sequence[Node]:
        return self.items


@dataclass(frozen=True)
class Not(Node):
    operand: Node

    def value(self, scope: Scope) -> Value:
        value = self.operand.value(scope)
        return not value if isinstance(value, bool) else UNKNOWN

    def children(self) -> Sequence[Node]:
        return (self.operand,)


@dataclass(frozen=True)
class Logic(Node):
    """``and`` where ``decisive`` is False, ``or`` where it is True: that value settles it, whatever is unknown."""

    decisive: bool
    operands: tuple[Node, ...]

    def value(self, scope: Scope) -> Value:
        return _settle(self.decisive, (operand.value(scope) for operand in self.operands))

    def children(self) -> Sequence[Node]:
        return self.operands


@dataclass(frozen=True)
class Compare(Node):
    first: Node
    rest: tuple[tuple[str, Node], ...]

    def value(self, scope: Scope) -> Value:
        return _settle(False, self._links(scope))

    def _links(self, scope: Scope) -> Iterator[Value]:
        left = self.first.value(scope)
        for comparison, node in self.rest:
            right = node.value(scope)
            yield rules.compare(comparison, left, right)
            left = right

    def children(self) -> Sequence[Node]:
        return (self.first, *(node for _, node in self.rest))


_ARITHMETIC: Final = {"+": operator.add, "-": operator.sub}


@dataclass(frozen=True)
class Arithmetic(Node):
    operation: str
    left: Node
    right: Node

    def value(self, scope: Scope) -> Value:
        left, right = self.left.value(scope), self.right.value(scope)
        if rules.is_number(left) and rules.is_number(right):
            return _ARITHMETIC[self.operation](left, right)
        return rules.span(left, right) if self.operation == "-" else UNKNOWN

    def children(self) -> Sequence[Node]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Each(Node):
    """``any``, ``all`` or ``count`` of the rows for which a condition holds."""

    quantifier: str
    row: str
    rows: Node
    condition: Node

    def value(self, scope: Scope) -> Value:
        rows = self.rows.value(scope)
        if not isinstance(rows, list):
            return UNKNOWN
        answers = (self.condition.value(scope.bound({self.row: row})) for row in rows)
        if self.quantifier == "count":
            return _count(answers)
        return _settle(self.quantifier == "any", answers)

    def children(self) -> Sequence[Node]:
        return (self.rows, self.condition)


@dataclass(frozen=True)
class Call(Node):
    """A function of :mod:`ewallet.rules`; ``where`` keeps the rows of the first argument for which all of it holds."""

    function: str
    arguments: tuple[Node, ...]
    where: tuple[Node, ...] = ()

    def value(self, scope: Scope) -> Value:
        subject = self._kept(scope) if self.where else self.arguments[0].value(scope)
        return rules.call(self.function, [subject, *(a.value(scope) for a in self.arguments[1:])], scope)

    def _kept(self, scope: Scope) -> Value:
        first = self.arguments[0]
        column = first.name if isinstance(first, Member) else None
        rows = (first.subject if isinstance(first, Member) else first).value(scope)
        if not isinstance(rows, list):
            return UNKNOWN
        answers = [(row, self._holds(scope, row)) for row in rows if isinstance(row, dict)]
        if any(answer is UNKNOWN for _, answer in answers):
            return UNKNOWN
        return [row.get(column, UNKNOWN) if column else row for row, answer in answers if answer is True]

    def _holds(self, scope: Scope, row: Mapping[str, Value]) -> Value:
        inner = scope.bound(row)
        return _settle(False, (condition.value(inner) for condition in self.where))

    def children(self) -> Sequence[Node]:
        return (*self.arguments, *self.where)


def _settle(decisive: bool, answers: Iterator[Value]) -> Value:
    result: Value = not decisive
    for answer in answers:
        if answer is decisive:
            return decisive
        if answer is not (not decisive):
            result = UNKNOWN
    return result


def _count(answers: Iterator[Value]) -> Value:
    listed = list(answers)
    return sum(listed) if all(isinstance(answer, bool) for answer in listed) else UNKNOWN


# -- reading -------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d{1,15}(?:\.\d{1,9})?)|(?P<text>'[^'\\]*')|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>==|!=|<=|>=|[<>+\-.,:()\[\]=]))",
    re.ASCII,
)
_WORDS: Final = frozenset({"and", "or", "not", "in"})
_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_QUANTIFIERS: Final = frozenset({"any", "all", "count"})


def _refuse(reason: str) -> NoReturn:
    raise UsageError("usage.configuration", f"predicate expression: {reason}") from None


def _tokens(text: str) -> list[tuple[str, str]]:
    if len(text) > MAX_LENGTH:
        _refuse(f"{len(text)} characters, at most {MAX_LENGTH} are read")
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            _refuse(f"unexpected character at {position}")
        kind = str(found.lastgroup)
        tokens.append(("word" if found[kind] in _WORDS and kind == "name" else kind, found[kind]))
        position = found.end()
    if len(tokens) > MAX_WORDS:
        _refuse(f"{len(tokens)} words, at most {MAX_WORDS} are read")
    return [*tokens, ("end", "")]


@dataclass
class _Reader:
    """A Pratt parser over the tokens: one method per level of binding."""

    tokens: list[tuple[str, str]]
    position: int = 0
    nesting: int = 0
    loops: int = 0

    @property
    def text(self) -> str:
        kind, text = self.tokens[self.position]
        return "" if kind == "text" else text

    def next(self) -> tuple[str, str]:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def skip(self, text: str) -> bool:
        if self.text != text:
            return False
        self.position += 1
        return True

    def expect(self, text: str) -> None:
        if not self.skip(text):
            _refuse(f"expected {text!r} as word {self.position + 1}")

    def name(self) -> str:
        kind, text = self.next()
        if kind != "name":
            _refuse(f"expected a name as word {self.position}")
        return text

    def whole(self) -> Node:
        node = self.expression()
        if self.tokens[self.position][0] != "end":
            _refuse(f"nothing expected from word {self.position + 1} on")
        return node

    def expression(self) -> Node:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            _refuse(f"nested more than {MAX_NESTING} deep")
        node = self.logic("or", True, lambda: self.logic("and", False, self.negation))
        self.nesting -= 1
        return node

    def logic(self, word: str, decisive: bool, tighter: Callable[[], Node]) -> Node:
        operands = [tighter()]
        while self.skip(word):
            operands.append(tighter())
        return Logic(decisive, tuple(operands)) if len(operands) > 1 else operands[0]

    def negation(self) -> Node:
        negations = 0
        while self.skip("not"):
            negations += 1
        node = self.comparison()
        for _ in range(negations):
            node = Not(node)
        return node

    def comparison(self) -> Node:
        first, rest = self.addition(), []
        while self.text in _COMPARISONS:
            rest.append((self.next()[1], self.addition()))
        return Compare(first, tuple(rest)) if rest else first

    def addition(self) -> Node:
        node = self.postfix()
        while self.text in _ARITHMETIC:
            node = Arithmetic(self.next()[1], node, self.postfix())
        return node

    def postfix(self) -> Node:
        node = self.primary()
        while True:
            if self.skip("."):
                node = Member(node, self.name())
            elif self.skip("["):
                node = Index(node, self.index())
                self.expect("]")
            else:
                return node

    def index(self) -> int:
        kind, text = self.next()
        if kind != "number" or "." in text:
            _refuse(f"expected an index as word {self.position}")
        return int(text)

    def primary(self) -> Node:
        kind, text = self.next()
        if kind == "number":
            return Literal(float(text) if "." in text else int(text))
        if kind == "text":
            return Literal(text[1:-1])
        if kind == "name":
            return self.call(text) if self.skip("(") else Name(text)
        if text == "(":
            node = self.expression()
            self.expect(")")
            return node
        if text == "[":
            return Listed(tuple(self.several("]")))
        _refuse(f"unexpected word {self.position}")

    def several(self, closing: str) -> Iterator[Node]:
        while not self.skip(closing):
            yield self.expression()
            if self.text != closing:
                self.expect(",")

    def call(self, function: str) -> Node:
        if function in _QUANTIFIERS:
            return self.each(function)
        arguments: list[Node] = []
        where: list[Node] = []
        while not self.skip(")"):
            self.argument(function, arguments, where)
            if self.text != ")":
                self.expect(",")
        if not rules.known(function, len(arguments)):
            _refuse(f"no function {function} of {len(arguments)}")
        return Call(function, tuple(arguments), tuple(where))

    def argument(self, function: str, arguments: list[Node], where: list[Node]) -> None:
        """One argument, or a condition on rows: ``insured_type='...'``, or anything after the first in a filter."""
        if self.tokens[self.position][0] == "name" and self.tokens[self.position + 1] == ("sign", "="):
            member = Name(self.name())
            self.expect("=")
            where.append(Compare(member, (("==", self.addition()),)))
        elif function in rules.FILTERED and arguments:
            where.append(self.expression())
        else:
            arguments.append(self.expression())

    def each(self, quantifier: str) -> Node:
        self.loops += 1
        if self.loops > MAX_LOOPS:
            _refuse(f"more than {MAX_LOOPS} of any, all and count inside each other")
        row = self.name()
        self.expect("in")
        rows = self.postfix()
        self.expect(":")
        condition = self.expression()
        self.expect(")")
        self.loops -= 1
        return Each(quantifier, row, rows, condition)


_ROOTS: Final = frozenset({"as_of", "param", "holder", "status", "VALID"})


@dataclass(frozen=True)
class Predicate:
    """One parsed expression::

    >>> adult = Predicate.parse("age(birth_date, as_of) >= 19")
    >>> adult.holds({"birth_date": "2007-11-21"}, date(2026, 11, 21))
    True
    >>> adult.answer({}, date(2026, 11, 21)) is None
    True
    """

    text: str
    node: Node = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Predicate:
        """The expression, or ``usage.configuration`` with the place where it stops making sense."""
        return cls(text, _Reader(_tokens(text)).whole())

    def answer(
        self,
        claims: Mapping[str, Value],
        as_of: date,
        params: Mapping[str, Value] | None = None,
        *,
        holder: Mapping[str, Value] | None = None,
        enums: Sequence[Sequence[str]] = (),
    ) -> bool | None:
        """Yes, no, or None where the record does not say; ``holder`` is the person's identity, where known."""
        roots = {"as_of": as_of, "param": params or {}, "holder": holder or {}, "VALID": "VALID", "status": UNKNOWN}
        value = self.node.value(Scope({**claims, **roots}, as_of, enums))
        return value if isinstance(value, bool) else None

    def holds(
        self, claims: Mapping[str, Value], as_of: date, params: Mapping[str, Value] | None = None
    ) -> bool:
        """True only where the record says so."""
        return self.answer(claims, as_of, params) is True

    def paths(self) -> frozenset[tuple[str, ...]]:
        """The claim paths it reads, rows left out: ``household_members.birth_date``."""
        return frozenset(_paths(self.node, {}))

    def uses(self, root: str) -> bool:
        """Whether it refers to a root such as ``holder``, ``status`` or ``param``."""
        return any(isinstance(node, Name) and node.name == root for node in _walk(self.node))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children():
        yield from _walk(child)


def _paths(node: Node, rows: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    if isinstance(node, Each):
        source = _path(node.rows, rows)
        yield from _paths(node.rows, rows)
        yield from _paths(node.condition, {**rows, node.row: source} if source else rows)
    elif (path := _path(node, rows)) is not None:
        yield path
    elif isinstance(node, Call) and node.where:
        yield from _filtered(node, rows)
    else:
        for child in node.children():
            yield from _paths(child, rows)


def _filtered(node: Call, rows: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The paths of a call over filtered rows: bare names in its conditions are members of the rows."""
    first = node.arguments[0]
    source = _path(first.subject if isinstance(first, Member) else first, rows) or ()
    for argument in node.arguments:
        yield from _paths(argument, rows)
    for condition in node.where:
        yield from ((*source, *path) for path in _paths(condition, {}))


def _path(node: Node, rows: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    if isinstance(node, Name):
        return None if node.name in _ROOTS else rows.get(node.name, (node.name,))
    if isinstance(node, Index):
        return _path(node.subject, rows)
    if isinstance(node, Member) and (subject := _path(node.subject, rows)) is not None:
        return (*subject, node.name)
    return None
