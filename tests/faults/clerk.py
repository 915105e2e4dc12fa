"""A portal as a process that is killed: gives, downloads, withdraws and deletes for one person, and says what is done.

``python clerk.py FOLDER MINUTES STEP...``: opens the portal in that folder at a time so many minutes after noon, ends
what an earlier process began, and takes the steps. Each that is done is a line of JSON.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from ewallet.consent import Consent
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.clock import START
from ewallet.testing.mydata import BANK, CITIZEN, EVIDENCE, World


def take(world: World, folder: Path, step: str) -> str:
    """What a step says when it is done."""
    consent = Consent.parse((folder / "consent").read_bytes())
    if step == "give":
        given = world.mydata.give(consent, CITIZEN, evidence=EVIDENCE)
        return sha256(given.logged.entry).hexdigest()
    if step == "download":
        package = world.mydata.download(consent.id, recipient=BANK)
        return sha256("".join(package.members).encode()).hexdigest()
    if step == "withdraw":
        world.mydata.withdraw(consent.id, CITIZEN)
        return consent.id
    return world.mydata.erase(CITIZEN).id


def main(folder: Path, minutes: int, steps: list[str]) -> None:
    """All of them."""
    urls = (f"sqlite:///{folder}/{name}.db" for name in ("portal", "keys"))
    with closing(Database(next(urls))) as portal, closing(Database(next(urls))) as keys:
        at = START + timedelta(minutes=minutes)
        log_key, bank_key = (SigningKey.load(folder / f"{name}.key") for name in ("log", "bank"))
        world = World.on(portal, keys, log_key, at=at, bank_key=bank_key)
        world.kit.issuer.recover()
        world.mydata.recover()
        for step in steps:
            sys.stdout.write(json.dumps({"step": step, "said": take(world, folder, step)}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
