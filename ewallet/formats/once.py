"""What is computed of a presentation when it is first asked for, and once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

R = TypeVar("R")


class Once(Generic[R]):
    """``functools.cached_property`` without the lock that it takes before Python 3.12."""

    def __init__(self, compute: Callable[[Any], R]) -> None:
        self._compute = compute

    def __get__(self, instance: object, owner: type) -> R:
        value = instance.__dict__[self._compute.__name__] = self._compute(instance)
        return value
