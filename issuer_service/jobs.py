"""What a portal does by the clock: provide what is due, sign how far its log of use has come, have that cosigned.

Every worker does it, once a minute, for none of them knows of the others. That is safe: of all who come to a cycle of a
consent at once the database lets one provide it (:meth:`ewallet.mydata.MyData.run_due`), a checkpoint of one size is
one checkpoint, and whoever is killed in the middle leaves nothing half done for the next one to find.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from ewallet.errors import EWalletError
from ewallet.history import Log
from ewallet.mydata import MyData
from issuer_service.witnesses import Witnesses

_LOG: Final = logging.getLogger("ewallet")
_PAUSE: Final = 60.0  # seconds: no entry waits longer for a checkpoint, nor a cycle for its package


@dataclass(frozen=True)
class Jobs:
    """The jobs of one portal."""

    mydata: MyData
    log: Log
    witnesses: Witnesses | None = None

    def run(self) -> None:
        """Do each; where one cannot be done now, the others are, and it is tried again the next time."""
        for job in (self.provide, self.sign, self.cosign):
            try:
                job()
            except EWalletError as exc:
                _LOG.warning("job %s: %s", job.__name__, exc.code)
            except Exception as exc:  # noqa: BLE001 - a fault of today must not stop what is due tomorrow
                _LOG.error("job %s: %s", job.__name__, type(exc).__name__)

    def provide(self) -> None:
        """What standing consents let agencies provide in cycles."""
        for run in self.mydata.run_due():
            _LOG.info("consent %s: cycle %d %s", run.consent_id[:16], run.cycle, run.code or "provided")

    def sign(self) -> None:
        """A checkpoint, if something was logged since the last one."""
        self.log.checkpoint()

    def cosign(self) -> None:
        """What the witnesses say of it, from then on part of it."""
        if self.witnesses:
            self.witnesses.ask()

    @asynccontextmanager
    async def by_the_clock(self) -> AsyncIterator[None]:
        """Run them while the block runs; what has begun is ended before it is left."""
        over = asyncio.Event()
        running = asyncio.create_task(self._repeated(over))
        try:
            yield
        finally:
            over.set()
            await running

    async def _repeated(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.to_thread(self.run)
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _PAUSE)
