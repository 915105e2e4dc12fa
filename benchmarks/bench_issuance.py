"""Row 8: whole flows of OpenID4VCI, our service with a database against a peer's in memory, and against the disk.

One flow is an offer that is made, and the four requests of a wallet: the offer by reference, the token, the nonce, the
credential.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from inprocess import Served
from measure import Contender, Target, absent, interleaved, judge, ratio
from work import HOLDERS, ISSUER, World

from ewallet.oid4vci.proof import prove

TITLE = "Row 8: OpenID4VCI flows, one core"
OURS = "ewallet, SQLite with FULL"
PEER = "openid4vci, in memory"
KIND = "resident_register_copy"
CONFIGURATION = f"{KIND}.dc+sd-jwt"
ISSUER_HOST = "issuer.example.go.kr"
DISK = "the disk alone"
_WALLETS = 8  # at once
_GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
_FORM = {"content-type": "application/x-www-form-urlencoded"}


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    if any(importlib.util.find_spec(name) is None for name in ("issuer_service", "fastapi")):
        absent("ewallet", "without the extra [issuer]")
        return True
    with TemporaryDirectory() as folder, _ours(world, Path(folder)) as flow:
        targets = [_over_disk(Path(folder), flow, rounds)]
        if importlib.util.find_spec("openid4vci") is None:
            absent(PEER, "not installed")
        else:
            targets.insert(0, _over_peer(world, flow, rounds))
        return judge(targets)


@dataclass(frozen=True)
class Flow:
    """A wallet at a service; ``offer`` makes an offer and gives its handle and code."""

    world: World
    served: Served
    issuer: str
    configuration: str
    offer: Callable[[], tuple[str, str]]

    def batch(self) -> None:
        """One flow for each holder, one after another."""
        self.served.run(self._some(0, 1))

    def crowd(self) -> None:
        """The same, several wallets at once: while one waits for the disk, another is served."""
        self.served.run(self._all())

    async def _all(self) -> None:
        await asyncio.gather(*(self._some(first, _WALLETS) for first in range(_WALLETS)))

    async def _some(self, first: int, step: int) -> None:
        for number in range(first, HOLDERS, step):
            await self.one(number)

    async def one(self, number: int) -> None:
        """Offer, token, nonce, credential; the proof is signed in between, which every contender pays for."""
        handle, code = self.offer()
        assert (await self.served.get(f"/offers/{handle}")).status == 200
        form = urlencode({"grant_type": _GRANT, "pre-authorized_code": code}).encode()
        token = json.loads((await self.served.post("/token", form, _FORM)).body)["access_token"]
        nonce = json.loads((await self.served.post("/nonce")).body)["c_nonce"]
        at = datetime.now(UTC).replace(microsecond=0)
        proof = prove(self.world.holders[number].signer, issuer=self.issuer, at=at, nonce=nonce)
        body = json.dumps({"credential_configuration_id": self.configuration, "proofs": {"jwt": [proof]}}).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        answer = await self.served.post("/credential", body, headers)
        assert answer.status == 200, answer.body
        assert json.loads(answer.body)["credentials"][0]["credential"].count("~") > 20


@contextmanager
def _ours(world: World, folder: Path) -> Iterator[Flow]:
    """``issuer_service`` as it is run, on a new database."""
    from prometheus_client import CollectorRegistry

    from ewallet.asgi import Guard
    from ewallet.testing.pki import Pki
    from issuer_service.app import framework
    from issuer_service.service import Service
    from issuer_service.settings import read

    pki = Pki.make(at=world.now - timedelta(days=2))
    pki.save(folder)
    settings = read({"issuer": pki.issuer, "issuer_keys": folder / "signers", "records": "demo", "data": folder})
    service = Service.of(settings)
    guarded = Guard(framework(service, CollectorRegistry()), hosts=settings.hosts)

    def offer() -> tuple[str, str]:
        made = service.issuance.offer(KIND, subject="hong")
        assert made.offer.pre_authorized
        return made.handle, made.offer.pre_authorized.code

    with closing(Served(guarded, ISSUER_HOST)) as served:
        yield Flow(world, served, pki.issuer, CONFIGURATION, offer)
    service.database.close()


def _over_peer(world: World, ours: Flow, rounds: int) -> Target:
    from peer_service import CONFIGURATION as PEERS
    from peer_service import PeerService

    peer = PeerService(world)

    def offer() -> tuple[str, str]:
        handle = peer.offer()
        return handle, handle

    with closing(Served(peer.app, ISSUER_HOST)) as served:
        theirs = Flow(world, served, ISSUER, PEERS, offer)
        times = interleaved([Contender(OURS, ours.batch, HOLDERS), Contender(PEER, theirs.batch, HOLDERS)], rounds)
    _show(times, "of CPU")
    return Target("flows of CPU, over openid4vci in memory", ratio(times, PEER, OURS), 0.5, 1.0)


def _over_disk(folder: Path, ours: Flow, rounds: int) -> Target:
    """Against a process that does nothing but commit as often as a flow does, one row a time."""
    commits = _commits(ours)
    with closing(sqlite3.connect(folder / "disk.db", isolation_level=None)) as disk:
        disk.execute("PRAGMA journal_mode = WAL")
        disk.execute("PRAGMA synchronous = FULL")
        disk.execute("CREATE TABLE row (digest BLOB PRIMARY KEY)")

        def commit() -> None:
            for _ in range(commits * HOLDERS):
                disk.execute("INSERT INTO row VALUES (?)", (secrets.token_bytes(32),))

        contenders = [Contender(OURS, ours.crowd, HOLDERS), Contender(DISK, commit, HOLDERS)]
        times = interleaved(contenders, rounds, time.perf_counter)
    _show(times, "of time")
    return Target(
        f"flows of time, of what the disk gives with {commits} commits each", ratio(times, DISK, OURS), 0.4, 0.6
    )


def _commits(flow: Flow) -> int:
    """How many transactions a flow writes."""
    from sqlalchemy import Connection, Engine, event

    written: list[bool] = []

    def note(connection: Connection) -> None:
        written.append("IMMEDIATE" in connection.get_execution_options().get("ewallet_begin", ""))

    flow.batch()  # the first flow of a service opens the status list besides
    event.listen(Engine, "commit", note)
    flow.served.run(flow.one(0))
    event.remove(Engine, "commit", note)
    return sum(written)


def _show(times: Mapping[str, Sequence[float]], what: str) -> None:
    for name, each in times.items():
        print(f"  {name:<34}{median(each):>11.2f} us{1e6 / median(each):>9.0f} flows/s {what}")
