"""Contenders timed in turns within one run, and tables of ratios: times drift on shared machines, ratios hardly do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Contender:
    """A name and what it does: ``run`` works through the whole batch of ``size`` operations."""

    name: str
    run: Callable[[], object]
    size: int
    note: str = ""


@dataclass(frozen=True)
class Target:
    """A ratio that must hold, one to aim at; ``most`` where smaller is better."""

    what: str
    value: float
    must: float
    aim: float
    most: bool = False
    unit: str = ""

    def holds(self, bound: float) -> bool:
        """Whether the ratio is on the right side of a bound."""
        return self.value <= bound if self.most else self.value >= bound


def interleaved(
    contenders: Sequence[Contender], rounds: int, clock: Callable[[], float] = time.process_time
) -> Mapping[str, list[float]]:
    """Microseconds an operation of every contender in every round; each round runs each once, in turn."""
    for contender in contenders:
        contender.run()  # warm: imports, caches of issuer keys, allocator
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds):
        for contender in contenders if turn % 2 else contenders[::-1]:
            start = clock()
            contender.run()
            times[contender.name].append((clock() - start) / contender.size * 1e6)
    return times


def ratio(times: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """How often one's time contains the other's: the median of the ratios of the rounds."""
    return median(a / b for a, b in zip(times[one], times[other], strict=True))


def show(contenders: Sequence[Contender], times: Mapping[str, Sequence[float]], limit: str) -> None:
    """Print a table: the median time, and its share of the limit."""
    for contender in contenders:
        microseconds = median(times[contender.name])
        share = ratio(times, limit, contender.name)
        line = f"  {contender.name:<34}{microseconds:>11.2f} us{share:>9.3f} of limit   {contender.note}"
        print(line.rstrip())


def judge(targets: Sequence[Target]) -> bool:
    """Print what must and should hold; whether all that must does."""
    for target in targets:
        sign = "<=" if target.most else ">="
        verdicts = [
            f"{word} {sign} {bound:g}{target.unit} {'ok' if target.holds(bound) else 'MISS'}"
            for word, bound in (("must", target.must), ("aim", target.aim))
        ]
        print(f"  -> {target.what}: {target.value:.3f}{target.unit}   {'   '.join(verdicts)}")
    return all(target.holds(target.must) for target in targets)


def absent(name: str, why: str) -> None:
    """Say that a contender or a table is left out, by name."""
    print(f"  {name:<34}skipped: {why}")
