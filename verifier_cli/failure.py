"""The document and the exit code where there is no verdict: the command was used wrongly, or has a fault of its own."""

from __future__ import annotations

from datetime import datetime

from ewallet.command import FAULT, MISUSED
from ewallet.errors import EWalletError, Malformed
from ewallet.shape import Json
from ewallet.terminal import stamp
from ewallet.verdict import SCHEMA

_REJECTED = 1


def exit_code(error: EWalletError) -> int:
    """The exit code of an error that is no verdict."""
    if error.code == "internal.fault":
        return FAULT
    return _REJECTED if isinstance(error, Malformed) else MISUSED


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
