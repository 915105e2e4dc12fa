"""What the tables of credentials have in common: check every contender's answers, time them in turns, print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import limits
import ours
import peers
from measure import Contender, absent, interleaved, show
from peers import Run
from work import CLAIMS, FLAT, HOLDERS, SHOWN, World, forgeries

Times = Mapping[str, list[float]]


@dataclass(frozen=True)
class Entry:
    """A contender before it is checked: how to make it, and what its answer is checked with."""

    name: str
    make: Callable[..., Run]
    check: Callable[[World, Entry], None]
    note: str


def table(world: World, limit: Contender, entries: Sequence[Entry], rounds: int) -> Times:
    """The times of the limit and of every entry that is installed and right; a wrong answer ends the run."""
    contenders = [limit]
    for entry in entries:
        if entry.name in peers.NAMES and not peers.installed(entry.name):
            absent(entry.name, "not installed")
            continue
        entry.check(world, entry)
        contenders.append(Contender(entry.name, batch(entry.make(world)), HOLDERS, entry.note))
    times = interleaved(contenders, rounds)
    show(contenders, times, limits.LIMIT)
    return times


def batch(run: Run) -> Callable[[], None]:
    """The operation for every holder."""

    def everybody() -> None:
        for number in range(HOLDERS):
            run(number)

    return everybody


def check_verifies(world: World, entry: Entry) -> None:
    """The four released claims come out, none of the others, and each of three forgeries is refused."""
    run = entry.make(world)
    for number in range(HOLDERS):
        claims = run(number)
        found = {name: claims[name] for name in claims if name in CLAIMS}
        assert found == SHOWN, f"{entry.name} gives other claims than were released"
    for forgery in forgeries(world.presentations[0]):
        assert refused(entry.make(world, [forgery])), f"{entry.name} accepts a forgery"


def refused(run: Run) -> bool:
    """Whether the operation fails."""
    try:
        run(0)
    except Exception:  # noqa: BLE001  # every package has errors of its own
        return True
    return False


def check_issues(world: World, entry: Entry) -> None:
    """What was issued reads back, 24 disclosures, bound to its holder; nested or flat."""
    run = entry.make(world)
    for number in range(0, HOLDERS, 16):
        issued = run(number)
        assert issued.count("~") == 25, f"{entry.name} makes another number of disclosures"
        evidence = ours.FORMAT.open(issued)
        evidence.check_signature(world.signer.public)
        credential = evidence.check_disclosures()
        claims: Mapping[str, Any] = credential.claims
        whole = any(all(claims.get(name) == value for name, value in known.items()) for known in (CLAIMS, FLAT))
        assert whole, f"{entry.name} issues other claims"
        assert credential.holder
        assert credential.holder.jwk == world.holders[number].jwk, f"{entry.name} binds to another key"


def check_presents(world: World, entry: Entry) -> None:
    """What was presented verifies, with the four released claims and no others."""
    run = entry.make(world)
    presented = [run(number) for number in range(HOLDERS)]
    verify = ours.verify(world, presented)
    for number in range(HOLDERS):
        claims = verify(number).claims
        assert {name: claims[name] for name in claims if name in CLAIMS} == SHOWN, f"{entry.name} shows other claims"
