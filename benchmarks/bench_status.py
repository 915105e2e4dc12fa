"""Row 10: a status list of a million entries, one in a hundred revoked: built, read, checked, changed."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

import limits
import ours
import peers
from measure import Contender, Target, absent, interleaved, judge, ratio, show
from work import STATUS_URI, World

from ewallet import status
from ewallet.flow import offline
from ewallet.flow import run as drive
from ewallet.policy import StatusFresh
from ewallet.revocation import Crls
from ewallet.status import Status, StatusList, StatusToken, check_value
from ewallet.statuses import StatusTokens

TITLE = "Row 10: status list of 1 M entries, 1 % revoked"
_ENTRIES = 1_000_000
_CHECKS = 20_000


def run(world: World, rounds: int) -> bool:
    """Print the tables; whether what must hold holds."""
    sample = random.Random(1)
    revoked = sample.sample(range(_ENTRIES), _ENTRIES // 100)
    entries = _list(revoked)
    build = _build(revoked, entries, max(3, rounds // 3))
    life = timedelta(days=1)
    raw = status.sign(entries, uri=STATUS_URI, at=world.now, until=world.now + life, ttl=life, signer=world.signer)
    checks = _checks(world, raw, sorted(set(range(_CHECKS)) - set(revoked)), rounds)
    return judge(
        [
            Target("build over zlib-9 alone", build, 1.15, 1.02, most=True, unit="x"),
            Target("cached check", median(checks["cached check"]), 1.0, 0.4, most=True, unit=" us"),
            Target("revoke", median(checks["revoke"]), 1.0, 0.4, most=True, unit=" us"),
        ]
    )


def _list(revoked: list[int]) -> StatusList:
    entries = StatusList.empty(_ENTRIES, bits=1)
    for index in revoked:
        entries[index] = Status.REVOKED
    return entries


def _build(revoked: list[int], entries: StatusList, rounds: int) -> float:
    data = bytes(entries.data)
    contenders = [
        Contender(limits.LIMIT, lambda: zlib.compress(data, 9), 1, "zlib level 9 alone"),
        Contender("ewallet", lambda: _list(revoked).to_json(), 1, "10 000 revocations, then the member"),
    ]
    if peers.installed("openvc-core"):
        contenders.append(Contender("openvc-core", _openvc_build(revoked, entries), 1, "set and encode"))
    else:
        absent("openvc-core", "not installed")
    times = interleaved(contenders, rounds)
    show(contenders, times, limits.LIMIT)
    return ratio(times, "ewallet", limits.LIMIT)


def _openvc_build(revoked: list[int], entries: StatusList) -> Callable[[], Any]:
    from openvc.status.token_status_list import encode_status_list

    assert encode_status_list(bytes(entries.data)) == entries.to_json()["lst"], "openvc-core packs otherwise"

    def build() -> str:
        data = bytearray(_ENTRIES // 8)
        for index in revoked:
            data[index >> 3] |= 1 << (index & 7)
        return encode_status_list(bytes(data))

    return build


def _checks(world: World, raw: str, valid: list[int], rounds: int) -> dict[str, list[float]]:
    token = StatusToken.read(raw)
    token.check_signature(world.signer.public)
    tokens = StatusTokens(world.trust, ours.Memory(), Crls(ours.Memory()))
    tokens.put(raw, world.now)
    credential = ours.verify(world)(0)
    fresh = StatusFresh(refresh=timedelta(days=1))

    def cached() -> None:
        for index in valid:
            check_value(token.list[index])

    def whole() -> None:
        for _ in valid:
            drive(tokens.check(credential, fresh, world.now), offline)

    def cold() -> None:
        fetched = StatusToken.read(raw)
        fetched.check_signature(world.signer.public)
        check_value(fetched.list[valid[0]])

    def revoke() -> None:
        for index in valid:
            token.list[index] = Status.REVOKED

    contenders = [
        Contender("cold check", cold, 1, "token read, signature checked, list inflated"),
        Contender("cached check", cached, len(valid), "the entry of a list at hand"),
        Contender("cached check, whole rung", whole, len(valid), "token current, signer trusted, the entry"),
    ]
    times = dict(interleaved(contenders, rounds))
    changes = [Contender("revoke", revoke, len(valid), "one entry of a list")]
    times |= interleaved(changes, rounds)
    for contender in (*contenders, *changes):
        print(f"  {contender.name:<34}{median(times[contender.name]):>11.2f} us   {contender.note}")
    return times
