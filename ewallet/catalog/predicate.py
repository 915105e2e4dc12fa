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

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final, NoReturn

from ewallet.catalog import rules
from ewallet.catalog.expression import (
    And,
    Call,
    Compare,
    Difference,
    Each,
    Index,
    Listed,
    Literal,
    Member,
    Name,
    Node,
    Not,
    Or,
    Scope,
    Sum,
    Where,
    bound,
    children,
    walk,
)
from ewallet.catalog.lasting import While, lasting
from ewallet.catalog.rules import UNKNOWN, Value
from ewallet.errors import UsageError

MAX_LENGTH: Final = 1_000  # characters of an expression; the longest of the catalogue has 190
MAX_WORDS: Final = 200  # names, signs and numbers; the longest of the catalogue has 60
MAX_NESTING: Final = 16  # parentheses, calls and lists inside each other
MAX_LOOPS: Final = 2  # any/all/count inside each other: the work grows with this power of the number of rows

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
        node = self.joined("or", Or, lambda: self.joined("and", And, self.negation))
        self.nesting -= 1
        return node

    def joined(self, word: str, join: Callable[[tuple[Node, ...]], Node], tighter: Callable[[], Node]) -> Node:
        operands = [tighter()]
        while self.skip(word):
            operands.append(tighter())
        return join(tuple(operands)) if len(operands) > 1 else operands[0]

    def negation(self) -> Node:
        negations = 0
        while self.skip("not"):
            negations += 1
        node = self.comparison()
        for _ in range(negations):
            node = Not(node)
        return node

    def comparison(self) -> Node:
        operands, comparisons = [self.addition()], []
        while self.text in _COMPARISONS:
            comparisons.append(self.next()[1])
            operands.append(self.addition())
        return Compare(tuple(comparisons), tuple(operands)) if comparisons else operands[0]

    def addition(self) -> Node:
        node = self.postfix()
        while self.text in ("+", "-"):
            join = Sum if self.next()[1] == "+" else Difference
            node = join(node, self.postfix())
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
        if where:
            arguments[0] = _where(arguments[0], And(tuple(where)))
        return Call(function, tuple(arguments))

    def argument(self, function: str, arguments: list[Node], where: list[Node]) -> None:
        """One argument, or a condition on rows: ``insured_type='...'``, or anything after the first in a filter."""
        if function not in rules.FILTERED:
            arguments.append(self.expression())
        elif self.tokens[self.position][0] == "name" and self.tokens[self.position + 1] == ("sign", "="):
            member = Name(self.name())
            self.expect("=")
            where.append(Compare(("==",), (member, self.addition())))
        elif arguments:
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


def _where(rows: Node, condition: Node) -> Node:
    """``payments.tax_year`` filtered is that column of the rows that are kept."""
    return Where(rows.subject, rows.name, condition) if isinstance(rows, Member) else Where(rows, None, condition)


_ROOTS: Final = frozenset({"as_of", "param", "holder", "status", "VALID"})


@dataclass(frozen=True)
class Predicate:
    """One parsed expression.

    >>> adult = Predicate.parse("age(birth_date, as_of) >= 19")
    >>> adult.holds({"birth_date": "2007-11-21"}, date(2026, 11, 21))
    True
    >>> adult.answer({}, date(2026, 11, 21)) is None
    True
    """

    text: str
    node: Node = field(repr=False)

    @classmethod
    @lru_cache(maxsize=1_000)  # kinds share many of their rules
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
        value = self.node(_scope(claims, as_of, params, holder, enums))
        return value if isinstance(value, bool) else None

    def lasting(
        self,
        claims: Mapping[str, Value],
        first: date,
        last: date,
        *,
        holder: Mapping[str, Value] | None = None,
        enums: Sequence[Sequence[str]] = (),
    ) -> bool | None:
        """What :meth:`answer` says on each day from the first to the last; None where that differs or is not sure."""
        value = lasting(self.node, While(_scope(claims, first, None, holder, enums), last))
        return value if isinstance(value, bool) else None

    @property
    def decides(self) -> bool:
        """Whether it has a yes or no at all, which a rule that ends in a figure or a text has not."""
        return not isinstance(self.node, Call) or self.node.function in rules.DECIDING

    @property
    def moves(self) -> bool:
        """Whether the answer may be another one on another day, the record being the same."""
        return self.node.moves

    def holds(self, claims: Mapping[str, Value], as_of: date, params: Mapping[str, Value] | None = None) -> bool:
        """True only where the record says so."""
        return self.answer(claims, as_of, params) is True

    def paths(self) -> frozenset[tuple[str, ...]]:
        """The claim paths it reads, rows left out: ``household_members.birth_date``."""
        return frozenset(_paths(self.node, {}))

    def asks_as(self, other: Predicate, params: Mapping[str, Value]) -> bool:
        """Whether it is the same expression with these parameters as the other one is without any."""
        return bound(self.node, params) == other.node

    def uses(self, root: str) -> bool:
        """Whether it refers to a root such as ``holder``, ``status`` or ``param``."""
        return any(isinstance(node, Name) and node.name == root for node in walk(self.node))


def _scope(
    claims: Mapping[str, Value],
    as_of: date,
    params: Mapping[str, Value] | None,
    holder: Mapping[str, Value] | None,
    enums: Sequence[Sequence[str]],
) -> Scope:
    roots = {"as_of": as_of, "param": params or {}, "holder": holder or {}, "VALID": "VALID", "status": UNKNOWN}
    return Scope({**claims, **roots}, as_of, enums)


def _paths(node: Node, rows: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    path = _path(node, rows)
    if path is not None:
        yield path
    elif isinstance(node, Each):
        source = _path(node.rows, rows)
        yield from _paths(node.rows, rows)
        yield from _paths(node.condition, {**rows, node.row: source} if source else rows)
    elif isinstance(node, Where):
        source = _path(node.rows, rows) or ()
        yield (*source, node.column) if node.column else source
        yield from ((*source, *member) for member in _paths(node.condition, {}))
    else:
        for child in children(node):
            yield from _paths(child, rows)


def _path(node: Node, rows: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    if isinstance(node, Name):
        return None if node.name in _ROOTS else rows.get(node.name, (node.name,))
    if isinstance(node, Index):
        return _path(node.subject, rows)
    if isinstance(node, Member) and (subject := _path(node.subject, rows)) is not None:
        return (*subject, node.name)
    return None
