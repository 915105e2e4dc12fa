"""Processes that issue the rows of a batch, each with signers and a database handle that it opens for itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread

from ewallet.bulk import Desk
from issuer_service import settings
from issuer_service.service import Service


def desk() -> Desk:
    """What the settings of this process say: its issuer, where claims come from, and what batches must not forget."""
    service = Service.of(settings.read())
    return Desk(
        issuer=service.issuer,
        records=service.records,
        store=service.database.bulk,
        issuance=service.issuance,
        env=service.env,
    )


@contextmanager
def workers(count: int) -> Iterator[Executor | None]:
    """An executor with that many processes; none for one, which is this process."""
    if count == 1:
        yield None
        return
    # Started afresh: what is forked has the locks and database handles of whoever forks.
    executor = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_settle)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _settle() -> None:
    """Leave it to the parent what an interruption means, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
