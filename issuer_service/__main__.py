"""``python -m issuer_service``: the issuer's service, as ``ewallet-issuer serve``."""

from __future__ import annotations

import sys
from typing import Final

from ewallet import command

_TOLD: Final = "Serve an issuer. Its settings are EWALLET_* variables; .env.example has them all."


def _program(arguments: list[str]) -> int:
    from issuer_service.commands import serve

    try:
        return serve.run(command.Parser(prog="issuer_service", description=_TOLD).parse_args(arguments))
    except Exception as exc:  # noqa: BLE001 - every end of the program is a sentence and a code
        error = command.understood(exc)
        command.complain("issuer_service", error, "en")
        return command.FAULT if error.code == "internal.fault" else command.MISUSED


if __name__ == "__main__":
    sys.exit(command.run(_program, None))
