"""``ewallet keys``: fresh keys, whose public halves an issuer binds a certificate's copies to."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import TYPE_CHECKING

from ewallet.command import count

if TYPE_CHECKING:
    from ewallet.cli.session import Session


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("--count", type=count, default=1, metavar="N", help="one for each copy (1)")


def run(session: Session) -> int:
    """The private halves stay sealed in the wallet."""
    made = session.wallet().new_keys(session.args.count)
    print(json.dumps({"keys": [key.jwk for key in made]}))
    return 0
