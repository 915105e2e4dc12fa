"""The functions that yes/no rules may call, and how their values compare: dates, ages, amounts, stays, residence.

Every function is total: what it cannot make sense of is :data:`UNKNOWN`. Korean rules: ages are completed years
(만 나이), so a person born on 29 February completes a year on 1 March; spans are completed units; the day of leaving
the country is not a day abroad.
"""

from __future__ import annotations

import hashlib
import hmac as _hmac
import operator
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

UNKNOWN: Final = None
Value = Any


@dataclass(frozen=True)
class Span:
    """From one day to another; negative where ``until`` is before ``since``."""

    until: date
    since: date


_NUMBERS: Final = (int, float)


def is_number(value: Value) -> bool:
    """A number, and not a boolean."""
    return isinstance(value, _NUMBERS) and value is not True and value is not False


_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:T.*)?\Z", re.ASCII | re.DOTALL)


def day(value: Value) -> date | None:
    """The day of a date, or of a text that begins with one."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.match(value):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def span(until: Value, since: Value) -> Value:
    """The span between two days."""
    later, earlier = day(until), day(since)
    return Span(later, earlier) if later and earlier else UNKNOWN


_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


ORDERS: Final = frozenset(_ORDER)


def compare(comparison: str, left: Value, right: Value) -> Value:
    """True, False, or UNKNOWN where the two cannot be compared."""
    if comparison == "in":
        return _within(left, right)
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    if isinstance(left, date) or isinstance(right, date) or comparison in _ORDER:
        left, right = _ordered(left), _ordered(right)
    if not _same_kind(left, right):
        return UNKNOWN
    if comparison in _ORDER:
        return _ORDER[comparison](left, right)
    return (left == right) is (comparison == "==")


def _within(item: Value, items: Value) -> Value:
    if item is UNKNOWN or not isinstance(items, list):
        return UNKNOWN
    return any(compare("==", item, other) is True for other in items)


def _ordered(value: Value) -> Value:
    return value if is_number(value) else day(value)


def _same_kind(left: Value, right: Value) -> bool:
    if is_number(left):
        return is_number(right)
    return left is not UNKNOWN and type(left) is type(right)


def _completed_months(until: date, since: date) -> int:
    if until < since:
        return -_completed_months(since, until)
    return (until.year - since.year) * 12 + until.month - since.month - (until.day < since.day)


def _days(value: Value) -> Value:
    return (value.until - value.since).days if isinstance(value, Span) else UNKNOWN


def _months(value: Value) -> Value:
    return _completed_months(value.until, value.since) if isinstance(value, Span) else UNKNOWN


def _years(value: Value) -> Value:
    months = _months(value)
    return UNKNOWN if months is UNKNOWN else (abs(months) // 12) * (1 if months >= 0 else -1)


def _age(born: Value, at: Value) -> Value:
    birth, today = day(born), day(at)
    if birth is None or today is None or today < birth:
        return UNKNOWN
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _year(value: Value) -> Value:
    found = day(value)
    return found.year if found else UNKNOWN


def _len(value: Value) -> Value:
    return len(value) if isinstance(value, list | str) else UNKNOWN


def _last(value: Value) -> Value:
    return value[-1] if isinstance(value, list) and value else UNKNOWN


def _numbers(values: Value) -> list[float] | None:
    return values if isinstance(values, list) and all(is_number(value) for value in values) else None


def _sum(values: Value) -> Value:
    numbers = _numbers(values)
    return UNKNOWN if numbers is None else sum(numbers)


def _min(*arguments: Value) -> Value:
    values = arguments[0] if len(arguments) == 1 else list(arguments)
    if not isinstance(values, list) or not values:
        return UNKNOWN
    ordered = [_ordered(value) for value in values]
    if all(is_number(value) for value in ordered) or all(isinstance(value, date) for value in ordered):
        return min(ordered)
    return UNKNOWN


def _sum_best(values: Value, count: Value) -> Value:
    """The sum of the best grades, of which 1 is the best."""
    numbers = _numbers(values)
    if numbers is None or type(count) is not int or not 0 <= count <= len(numbers):
        return UNKNOWN
    return sum(sorted(numbers)[:count])


def _count_distinct(values: Value) -> Value:
    if not isinstance(values, list) or not all(isinstance(value, str | int) for value in values):
        return UNKNOWN
    return len(set(values))


def _sum_active(rows: Value) -> Value:
    """The claim amounts of the entries that are not cancelled; entries without an amount count nothing."""
    if not isinstance(rows, list):
        return UNKNOWN
    active = [row for row in rows if isinstance(row, dict) and row.get("cancelled") is not True]
    amounts = [value for row in active for name, value in row.items() if name.endswith("amount")]
    return _sum(amounts)


def _number(value: Value) -> Value:
    if is_number(value):
        return value
    found = re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", value, re.ASCII) if isinstance(value, str) else None
    return float(found[0]) if found else UNKNOWN


def _band(value: Value, bands: Value) -> Value:
    """How many of the ascending limits the value exceeds; a rule that ends in a band has no yes or no by itself."""
    limits = _numbers(bands)
    return sum(value > limit for limit in limits) if limits is not None and is_number(value) else UNKNOWN


def _rank(value: Value, *, enums: Sequence[Sequence[str]]) -> Value:
    """The place of a value in the list of values that names it, lowest first."""
    return next((list(enum).index(value) for enum in enums if value in enum), UNKNOWN)


def _grade_number(value: Value) -> Value:
    found = re.match(r"\d{1,3}", value, re.ASCII) if isinstance(value, str) else None
    return int(found[0]) if found else UNKNOWN


def _contains(text: Value, part: Value) -> Value:
    return part in text if isinstance(text, str) and isinstance(part, str) else UNKNOWN


def _startswith(text: Value, part: Value) -> Value:
    return text.startswith(part) if isinstance(text, str) and isinstance(part, str) else UNKNOWN


def _mask(name: Value) -> Value:
    """A name as certificates print third persons: 홍*동, 홍*."""
    if not isinstance(name, str) or len(name) < 2:
        return UNKNOWN
    return f"{name[0]}*" if len(name) == 2 else f"{name[0]}{'*' * (len(name) - 2)}{name[-1]}"


def _hash(*texts: Value) -> Value:
    """Base-16 SHA-256 over the texts in NFC, joined by U+001F: what an asking party sends in place of a name."""
    if not all(isinstance(text, str) for text in texts):
        return UNKNOWN
    joined = unicodedata.normalize("NFC", "\x1f".join(texts))
    return hashlib.sha256(joined.encode("utf-8", "replace")).hexdigest()


def _hmac_sha256(text: Value, key: Value) -> Value:
    if not isinstance(text, str) or not isinstance(key, str):
        return UNKNOWN
    return _hmac.new(key.encode("utf-8", "replace"), text.encode("utf-8", "replace"), "sha256").hexdigest()


def _token(number: int) -> Callable[[Value], Value]:
    def token(text: Value) -> Value:
        tokens = text.split() if isinstance(text, str) else []
        return tokens[number] if number < len(tokens) else UNKNOWN

    return token


def _present(value: Value) -> Value:
    return value is not UNKNOWN


def _coalesce(value: Value, other: Value) -> Value:
    return other if value is UNKNOWN else value


def _sum_months(rows: Value, *, as_of: date) -> Value:
    """Completed months of all periods together; a period without an end lasts until ``as_of``."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return UNKNOWN
    spans = [span(row.get("lost_date", as_of), row.get("acquired_date")) for row in rows]
    return UNKNOWN if UNKNOWN in spans else sum(_months(each) for each in spans)


def _sum_days(rows: Value, months: Value, *, as_of: date) -> Value:
    """Days worked in the months (``YYYY-MM``) that lie at most so many months before that of ``as_of``."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not is_number(months):
        return UNKNOWN
    this_month = as_of.replace(day=1)
    listed = [(_months(span(this_month, f"{row.get('month')}-01")), row.get("work_days")) for row in rows]
    if any(back is UNKNOWN for back, _ in listed):
        return UNKNOWN
    return _sum([days for back, days in listed if 0 <= back <= months])


def _continuous_years(rows: Value, sido: Value, at: Value) -> Value:
    """Completed years of living in one province without a break until ``at``: the newest addresses that lie in it."""
    moves = _dated(rows, "moved_in_date")
    if moves is None:
        return UNKNOWN
    since = None
    for moved_in, row in reversed(moves):
        if _token(0)(row.get("resident_address")) != sido:
            break
        since = moved_in
    return _years(span(at, since)) if since else 0


def _dated(rows: Value, name: str) -> list[tuple[date, dict[str, Value]]] | None:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    dated = [(day(row.get(name)), row) for row in rows]
    known = [(moment, row) for moment, row in dated if moment is not None]
    return sorted(known, key=operator.itemgetter(0)) if len(known) == len(dated) else None


_LEAVES: Final = "출국"
_HERE, _AWAY = "국내", "국외"


def _stays(movements: Value, until: date) -> list[tuple[date, date]] | None:
    """Each stay abroad as (left, came back); one that goes on ends at ``until``."""
    dated = _dated(movements, "date")
    if dated is None:
        return None
    stays, left = [], None
    for moment, row in dated:
        if row.get("kind") == _LEAVES:
            left = left or moment
        elif left:
            stays.append((left, moment))
            left = None
    return [*stays, (left, until)] if left else stays


def _stay_state(movements: Value, at: Value) -> Value:
    moment = day(at)
    stays = _stays(movements, date.max)
    if moment is None or stays is None:
        return UNKNOWN
    return _AWAY if any(left < moment < back for left, back in stays) else _HERE


def _days_abroad(movements: Value, since: Value, until: Value) -> Value:
    first, final = day(since), day(until)
    if first is None or final is None or (stays := _stays(movements, final)) is None:
        return UNKNOWN
    before = first - timedelta(days=1) if first > date.min else first
    return sum(max(0, (min(back, final) - max(left, before)).days) for left, back in stays)


def _max_stay_abroad(movements: Value, *, as_of: date) -> Value:
    stays = _stays(movements, as_of)
    return UNKNOWN if stays is None else max(((back - left).days for left, back in stays), default=0)


_FUNCTIONS: Final[dict[str, tuple[Callable[..., Value], range]]] = {
    "age": (_age, range(2, 3)),
    "band": (_band, range(2, 3)),
    "coalesce": (_coalesce, range(2, 3)),
    "contains": (_contains, range(2, 3)),
    "continuous_years": (_continuous_years, range(3, 4)),
    "count_distinct": (_count_distinct, range(1, 2)),
    "days": (_days, range(1, 2)),
    "days_abroad": (_days_abroad, range(3, 4)),
    "grade_number": (_grade_number, range(1, 2)),
    "hash": (_hash, range(1, 6)),
    "hmac": (_hmac_sha256, range(2, 3)),
    "last": (_last, range(1, 2)),
    "len": (_len, range(1, 2)),
    "mask": (_mask, range(1, 2)),
    "max_stay_abroad": (_max_stay_abroad, range(1, 2)),
    "min": (_min, range(1, 6)),
    "months": (_months, range(1, 2)),
    "number": (_number, range(1, 2)),
    "present": (_present, range(1, 2)),
    "rank": (_rank, range(1, 2)),
    "sido_of": (_token(0), range(1, 2)),
    "sigungu_of": (_token(1), range(1, 2)),
    "startswith": (_startswith, range(2, 3)),
    "status_code": (_token(0), range(1, 2)),
    "stay_state": (_stay_state, range(2, 3)),
    "sum": (_sum, range(1, 2)),
    "sum_active": (_sum_active, range(1, 2)),
    "sum_best": (_sum_best, range(2, 3)),
    "sum_days": (_sum_days, range(2, 3)),
    "sum_months": (_sum_months, range(1, 2)),
    "year": (_year, range(1, 2)),
    "years": (_years, range(1, 2)),
}

#: Functions that give a yes or no.
DECIDING: Final = frozenset({"contains", "present", "startswith"})

#: Functions whose further arguments are conditions on the rows of the first.
FILTERED: Final = frozenset({"count_distinct", "sum", "sum_months"})


def known(function: str, arguments: int) -> bool:
    """Whether there is a function of that name that takes so many arguments."""
    return function in _FUNCTIONS and arguments in _FUNCTIONS[function][1]


#: What a function looks at beside its arguments.
_LOOKS_AT: Final = {"max_stay_abroad": "as_of", "sum_months": "as_of", "sum_days": "as_of", "rank": "enums"}


#: Functions that never fall while a bounded argument rises, by the positions of those arguments under which they fall.
MONOTONE: Final[dict[str, frozenset[int]]] = {
    "age": frozenset({0}),
    "continuous_years": frozenset(),
    "days": frozenset(),
    "max_stay_abroad": frozenset(),
    "min": frozenset(),
    "months": frozenset(),
    "sum_months": frozenset(),
    "year": frozenset(),
    "years": frozenset(),
}


def moves(function: str) -> bool:
    """Whether it looks at the day of asking by itself."""
    return _LOOKS_AT.get(function) == "as_of"


def call(function: str, arguments: Sequence[Value], *, as_of: date, enums: Sequence[Sequence[str]]) -> Value:
    """The value of a known function."""
    worth, _ = _FUNCTIONS[function]
    match _LOOKS_AT.get(function):
        case "as_of":
            return worth(*arguments, as_of=as_of)
        case "enums":
            return worth(*arguments, enums=enums)
    return worth(*arguments)
