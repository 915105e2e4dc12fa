"""Row 19: a bundle of five kinds that a recipient downloads: looked up, made, signed, sealed and on record."""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from measure import Contender, Target, interleaved, judge
from work import World as _Limits

from ewallet.keys import SigningKey
from ewallet.package import Package
from ewallet.sql import Database
from ewallet.testing.mydata import BANK, World
from ewallet.verdict import Accepted

TITLE = "Row 19: a bundle of five kinds, downloaded and verified"
_BUNDLE: Final = "bank_personal_loan"
_MEMBERS: Final = 5  # that have to be there; those that may be left out are left out
_MS: Final = 1_000  # microseconds
_MUST: Final = 150  # ms
_AIM: Final = 50


def run(_limits: _Limits, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        portal, keys = (
            stack.enter_context(closing(Database(f"sqlite:///{Path(folder) / name}.db"))) for name in ("portal", "keys")
        )
        world = World.on(portal, keys, SigningKey.generate("EdDSA"))
        given = deque(world.given(_BUNDLE) for _ in range(rounds + 1))  # each is good for one download
        packages: deque[Package] = deque(maxlen=1)
        contenders = [
            Contender("download", lambda: packages.append(_downloaded(world, given.popleft().id)), 1, "at the portal"),
            Contender("verify", lambda: _verified(world, packages[0]), 1, "at the recipient"),
        ]
        contenders[0].run()
        given.append(world.given(_BUNDLE))
        times = interleaved(contenders, rounds)
    for contender in contenders:
        print(f"  {contender.name:<12}{median(times[contender.name]) / _MS:8.2f} ms  {contender.note}")
    return judge([Target("a download", median(times["download"]) / _MS, _MUST, _AIM, most=True, unit=" ms")])


def _downloaded(world: World, consent_id: str) -> Package:
    package = world.mydata.download(consent_id, recipient=BANK)
    assert len(package.members) == _MEMBERS, "a member is missing"
    return package


def _verified(world: World, package: Package) -> None:
    verdict = world.judge(package)
    assert isinstance(verdict, Accepted), verdict
