"""What is said when there is no verdict: the command was used wrongly, or has a fault of its own."""

from __future__ import annotations

import os
import traceback
from datetime import datetime
from hashlib import sha256

from ewallet.errors import EWalletError, Malformed
from ewallet.shape import Json
from ewallet.terminal import stamp
from ewallet.verdict import SCHEMA

REJECTED, MISUSED, FAULT = 1, 2, 70  # 70: EX_SOFTWARE of sysexits.h


def understood(exc: Exception) -> EWalletError:
    """The error as one of ours; one that nobody raised on purpose is a fault, named by the place it came from.

    The same fault has the same name on every machine, and the name tells nothing about what was being judged.
    """
    if isinstance(exc, EWalletError):
        return exc
    if os.environ.get("EWALLET_DEBUG") == "1":
        traceback.print_exception(exc)
    frames = traceback.extract_tb(exc.__traceback__)
    place = ":".join([type(exc).__name__, *(f"{frame.name}.{frame.lineno}" for frame in frames[-3:])])
    return EWalletError("internal.fault", f"fault {sha256(place.encode()).hexdigest()[:8]}")


def exit_code(error: EWalletError) -> int:
    """The exit code of an error that is no verdict."""
    if error.code == "internal.fault":
        return FAULT
    return REJECTED if isinstance(error, Malformed) else MISUSED


def document(error: EWalletError, at: datetime) -> dict[str, Json]:
    """The members of a verdict document, ``verdict`` being ``error``, and the ``detail``."""
    return {
        "schema": SCHEMA,
        "verdict": "error",
        "code": error.code,
        "checks": [],
        "claims": None,
        "missing": [],
        "at": stamp(at),
        "detail": error.detail,
    }
