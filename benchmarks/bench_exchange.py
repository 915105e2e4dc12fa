"""Row 9: ``POST /v1/verify`` of the bank's service over FastAPI's hello plus the same verification in process.

Both without sockets and with the same verifier, whose store remembers nothing, so that no disk covers the difference.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from statistics import median
from typing import Any

from inprocess import Served
from measure import Contender, Target, absent, interleaved, judge
from ours import Memory
from work import AUDIENCE, HOLDERS, STATUS_URI, World

from ewallet import status
from ewallet.env import Env
from ewallet.status import StatusList
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier

TITLE = "Row 9: the verify endpoint"
ENDPOINT = "POST /v1/verify"
HELLO = "FastAPI hello"
VERIFY = "Verifier.verify in process"
HOST = "bank.example"
_KEY = "the-key-of-an-invented-bank"


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    if any(importlib.util.find_spec(name) is None for name in ("verifier_cli", "fastapi")):
        absent(ENDPOINT, "without the extra [verifier]")
        return True
    verifier = _verifier(world)
    with closing(Served(_desk(world, verifier), HOST)) as endpoint, closing(Served(_hello(), HOST)) as hello:
        contenders = [
            Contender(ENDPOINT, _posting(endpoint, "/v1/verify", _bodies(world), _is_accepted), HOLDERS),
            Contender(HELLO, _posting(hello, "/hello", [b"{}"] * HOLDERS, lambda _: True), HOLDERS),
            Contender(VERIFY, _verifying(world, verifier), HOLDERS),
        ]
        times = interleaved(contenders, rounds)
    for contender in contenders:
        print(f"  {contender.name:<34}{median(times[contender.name]):>11.2f} us")
    sums = zip(times[ENDPOINT], times[HELLO], times[VERIFY], strict=True)
    over = median(endpoint / (hello + verify) for endpoint, hello, verify in sums)
    return judge([Target("endpoint over hello and verify", over, 1.5, 1.2, most=True, unit="x")])


def _verifier(world: World) -> Verifier:
    verifier = Verifier(AUDIENCE, trust=world.trust, store=Memory(), env=Env(now=lambda: world.now))
    life = timedelta(hours=12)
    entries = StatusList.empty(1 << 17)
    token = status.sign(entries, uri=STATUS_URI, at=world.now, until=world.now + life, ttl=life, signer=world.signer)
    verifier.put_status_token(token)
    return verifier


def _desk(world: World, verifier: Verifier) -> Any:
    from ewallet.consent import Party
    from ewallet.exchange import Exchange
    from ewallet.idempotency import Calls
    from ewallet.sql import Database
    from ewallet.testing.stores import MemoryVerifierStore
    from verifier_cli.server import Desk, create_app

    exchange = Exchange(f"https://{HOST}", verifier=verifier, signer=world.signer, store=MemoryVerifierStore())
    desk = Desk(
        exchange=exchange,
        verifier=verifier,
        recipient=Party(id="https://bank.example", names={"ko": "가상은행", "en": "Invented Bank"}),
        calls=Calls(Database.memory().verifier_calls),
        check_ready=lambda: None,
        hosts=frozenset({HOST}),
        api_key=_KEY,
    )
    return create_app(desk)


def _hello() -> Any:
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/hello")
    def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app


def _bodies(world: World) -> list[bytes]:
    return [
        json.dumps({"presentation": text, "nonce": holder.nonce, "audience": AUDIENCE}).encode()
        for text, holder in zip(world.presentations, world.holders, strict=True)
    ]


def _is_accepted(body: bytes) -> bool:
    return bool(json.loads(body)["verdict"] == "accepted")


def _posting(served: Served, path: str, bodies: list[bytes], is_right: Callable[[bytes], bool]) -> Callable[[], None]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {_KEY}"}

    async def batch() -> None:
        for body in bodies:
            answer = await served.post(path, body, headers)
            assert answer.status == 200, answer.body
            assert is_right(answer.body), answer.body

    return lambda: served.run(batch())


def _verifying(world: World, verifier: Verifier) -> Callable[[], None]:
    def batch() -> None:
        for text, holder in zip(world.presentations, world.holders, strict=True):
            assert isinstance(verifier.verify(text, holder.binding), Accepted)

    return batch
