"""Whether an answer is the same on every day of a while: what an issuer has to know before it signs one.

Numbers, days and spans that depend on the day are known here by their lowest and highest value of the while, since none
of those that have bounds below ever falls while days pass and its other operands stay. What has no bounds is unknown,
and so is every answer that may differ on some day: the logic stays that of :mod:`ewallet.catalog.expression`, so that
what one operand settles is settled whatever another does. Where it says yes or no, so does asking on any of the days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from ewallet.catalog import rules
from ewallet.catalog.expression import (
    And,
    Call,
    Compare,
    Difference,
    Each,
    Name,
    Node,
    Not,
    Or,
    Scope,
    Sum,
    difference,
    every,
    some,
    total,
)
from ewallet.catalog.rules import UNKNOWN, Value

Bounds: TypeAlias = tuple[Value, Value]

_UNBOUNDED: Final[Bounds] = (UNKNOWN, UNKNOWN)


class While(NamedTuple):
    """A record as it is seen on the first of some days, and the last of them; nothing but the day is another then."""

    first: Scope
    last: date

    def rows(self, row: str, rows: Sequence[Value]) -> list[While]:
        """The same for each of the rows, bound to that name."""
        return [While(self.first.bound({row: found}), self.last) for found in rows]


def lasting(node: Node, during: While) -> Value:
    """What it is worth on every day; unknown where that is not one and the same yes or no."""
    if not node.moves:
        return node(during.first)
    match node:
        case And():
            return every(lasting(operand, during) for operand in node.operands)
        case Or():
            return some(lasting(operand, during) for operand in node.operands)
        case Not():
            found = lasting(node.operand, during)
            return not found if isinstance(found, bool) else UNKNOWN
        case Compare():
            bounds = [_bounds(operand, during) for operand in node.operands]
            return every(map(_compare, node.comparisons, bounds, bounds[1:]))
        case Each(quantifier="any"):
            return some(_each(node, during))
        case Each(quantifier="all"):
            return every(_each(node, during))
    return UNKNOWN


def _each(node: Each, during: While) -> list[Value]:
    """The lasting answer about each row; one that is unknown where the rows are."""
    rows = UNKNOWN if node.rows.moves else node.rows(during.first)
    if not isinstance(rows, list):
        return [UNKNOWN]
    return [lasting(node.condition, each) for each in during.rows(node.row, rows)]


def _compare(comparison: str, left: Bounds, right: Bounds) -> Value:
    """Whatever of these bounds is compared: an order is settled at the extremes, the rest only where nothing moves."""
    if comparison in rules.ORDERS:
        least, most = rules.compare(comparison, left[0], right[1]), rules.compare(comparison, left[1], right[0])
        return least if least is most else UNKNOWN
    fixed = left[0] == left[1] and right[0] == right[1]
    return rules.compare(comparison, left[0], right[0]) if fixed else UNKNOWN


def _bounds(node: Node, during: While) -> Bounds:
    """The lowest and the highest value; both unknown where there are none."""
    if not node.moves:
        value = node(during.first)
        return value, value
    match node:
        case Name():
            day = node(during.first)
            return day, during.last if day is during.first.as_of else day  # a row may have that name as well
        case Sum():
            left, right = _bounds(node.left, during), _bounds(node.right, during)
            return total(left[0], right[0]), total(left[1], right[1])
        case Difference():
            left, right = _bounds(node.left, during), _bounds(node.right, during)
            return difference(left[0], right[1]), difference(left[1], right[0])
        case Each(quantifier="count"):
            answers = _each(node, during)
            settled = sum(answers) if all(isinstance(answer, bool) for answer in answers) else UNKNOWN
            return settled, settled
        case Call():
            return _called(node, during)
    return _UNBOUNDED


def _called(node: Call, during: While) -> Bounds:
    arguments = [_bounds(argument, during) for argument in node.arguments]
    if node.function == "coalesce" and not node.arguments[0].moves:
        return arguments[1] if arguments[0][0] is UNKNOWN else arguments[0]
    falls = rules.MONOTONE.get(node.function)
    if falls is None:
        return _UNBOUNDED
    lowest = [bounds[position in falls] for position, bounds in enumerate(arguments)]
    highest = [bounds[position not in falls] for position, bounds in enumerate(arguments)]
    return (
        rules.call(node.function, lowest, as_of=during.first.as_of, enums=during.first.enums),
        rules.call(node.function, highest, as_of=during.last, enums=during.first.enums),
    )
