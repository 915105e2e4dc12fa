"""``ewallet-issuer history``: the log of use as one file for whoever checks it, and its tree as files for everybody.

The settings are those of the portal, which may go on meanwhile.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ewallet import command
from issuer_service.commands import PROGRAM, language

if TYPE_CHECKING:
    from ewallet.history import Head, Log

_BROKEN: Final = 1
_SAYS: Final = {
    "ko": "이용내역 {size}건을 적었습니다. 검사: ewallet-verify history {file} --log-key {key}",
    "en": "entries written: {size}; to check them: ewallet-verify history {file} --log-key {key}",
}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="where the log goes, every entry")
    parser.add_argument("--tiles", metavar="DIR", type=Path, help="where the tree is published, hashes only")


def run(args: Namespace) -> int:
    """Write what there is; the code says whether the log still has all that was signed before."""
    from ewallet.errors import PolicyError, UsageError
    from ewallet.history import key_of, tiles
    from ewallet.sql import Database
    from issuer_service import settings as settings_
    from issuer_service.mydata import log_key, log_of

    settings = settings_.read()
    if settings.recipients is None:
        raise UsageError("usage.configuration", "EWALLET_RECIPIENTS is not set: this is no portal, and has no log")
    key = log_key(settings)  # before the databases, which are made where there are none
    with closing(Database(settings.database_url)) as database, closing(Database(settings.vault_url)) as keys:
        log = log_of(settings, key, database, keys)
        head = _written(log, args.output)
        try:
            checkpoint = log.checkpoint()
            if args.tiles:
                tiles.publish(log, args.tiles, checkpoint)
        except PolicyError as exc:  # what was written is evidence then
            command.complain(PROGRAM, exc, language(args))
            return _BROKEN
    said = _SAYS[language(args)].format(size=head.size, file=args.output, key=key_of(log.origin, key.public))
    sys.stdout.write(f"{said}\n")
    return 0


def _written(log: Log, path: Path) -> Head:
    """The log in a file for its owner alone, all of it or as it was before."""
    from ewallet.history import export

    draft = path.with_name(f"{path.name}.part")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        head = export(log, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return head
