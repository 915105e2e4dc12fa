"""``python -m issuer_service``: the issuer's service on uvicorn, as its settings say."""

from __future__ import annotations

import logging
import sys
from typing import Final

from ewallet import command

_LOG: Final = logging.getLogger("ewallet")
_TOLD: Final = "Serve an issuer. Its settings are EWALLET_* variables; .env.example has them all."


def _serve(arguments: list[str]) -> int:
    from ewallet.serving import Tls, listening, serve
    from issuer_service import settings as settings_
    from issuer_service.app import create_app

    command.Parser(prog="issuer_service", description=_TOLD).parse_args(arguments)
    settings = settings_.read()
    app = create_app(settings)
    chain, key = settings.tls_chain, settings.tls_key
    bound = listening(*settings.address)
    _LOG.info("serving %s", settings.issuer)
    serve(app, bound, tls=Tls(chain=chain, key=key) if chain and key else None)
    return 0


def _program(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        return _serve(arguments)
    except Exception as exc:  # noqa: BLE001 - every end of the program is a sentence and a code
        error = command.understood(exc)
        command.complain("issuer_service", error, "en")
        return command.FAULT if error.code == "internal.fault" else command.MISUSED


if __name__ == "__main__":
    sys.exit(command.run(_program, None))
