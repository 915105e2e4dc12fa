"""``ewallet-issuer serve``: the issuer's service on uvicorn, as its settings say."""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser, Namespace
from typing import Final

_LOG: Final = logging.getLogger("ewallet")


def add(_parser: ArgumentParser) -> None:
    """The arguments of this verb: none, the service is set by variables."""


def run(_args: Namespace) -> int:
    """Serve until the process is told to end."""
    from ewallet.serving import Tls, listening, serve
    from issuer_service import settings as settings_
    from issuer_service.app import create_app

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    settings = settings_.read()
    app = create_app(settings)
    chain, key = settings.tls_chain, settings.tls_key
    bound = listening(*settings.address)
    _LOG.info("serving %s", settings.issuer)
    serve(app, bound, tls=Tls(chain=chain, key=key) if chain and key else None)
    return 0
