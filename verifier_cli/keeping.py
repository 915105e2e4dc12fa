"""The receipts that a bank keeps, one file for each consent: whole, on disk, and of the answer that counts.

A receipt is kept before its answer is put on record, for a wallet gets the other copy with the reply. So a bank that
was killed in between has a receipt of an answer that it has not heard, and the wallet may answer again: the same answer
finds the same receipt, and another one takes its place as soon as the first cannot be put on record any more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ewallet.env import Env
from ewallet.errors import EWalletError, StoreError, UsageError
from ewallet.history.durable import sync_folder
from ewallet.receipt import Receipt
from ewallet.shape import to_base64url

_SETTLING: Final = 30.0  # seconds: several times as long as a transaction may wait for its turn
_NAME: Final = 8  # bytes


def file_of(folder: Path, receipt: Receipt) -> Path:
    """Where the bank keeps a receipt of its own."""
    return folder / f"{receipt.consent.id}.json"


def keep(folder: Path, receipt: Receipt) -> Receipt:
    """The receipt that is on disk when this returns: this one, or the one of the same answer from before.

    ``storage.locked`` while another answer to the request is being put on record, ``usage.file``.
    """
    target = file_of(folder, receipt)
    draft = target.with_name(f"{target.name}.{to_base64url(Env().random(_NAME))}")
    with _said("written"):
        try:
            _write(draft, receipt.to_bytes())
            found = _placed(draft, target, receipt)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(folder)
    return found


def forget(folder: Path, receipt: Receipt) -> None:
    """Delete it, and what a process that was killed has left of it; gone from the disk when this returns."""
    target = file_of(folder, receipt)
    with _said("deleted"):
        for path in (target, *folder.glob(f"{target.name}.*")):
            path.unlink(missing_ok=True)
        sync_folder(folder)


def _write(path: Path, raw: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _placed(draft: Path, target: Path, receipt: Receipt) -> Receipt:
    try:
        os.link(draft, target)
    except FileExistsError:
        before = _read(target)
        if before and _answer(before) == _answer(receipt):
            return before
        if draft.stat().st_mtime - target.stat().st_mtime < _SETTLING:
            raise StoreError("storage.locked", "another answer to the request is being put on record") from None
        draft.replace(target)
    return receipt


def _read(path: Path) -> Receipt | None:
    """The receipt of a file; None of one that is none, as where a disk was cut off."""
    try:
        return Receipt.parse(path.read_bytes())
    except EWalletError:
        return None


def _answer(receipt: Receipt) -> tuple[object, object]:
    claims = receipt.signed[0].claims
    return claims.get("request"), claims.get("answer")


@contextmanager
def _said(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise UsageError("usage.file", f"a receipt cannot be {what}: {(exc.strerror or '').lower()}") from None
