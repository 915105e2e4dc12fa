"""Deletion at the bank: what is kept of an answer goes at its holder's word, and the receipt says so, signed.

Who demands it is known by the key that confirmed the consent (:mod:`ewallet.deletion`), not by an account with us. The
answer is the receipt after one more event, ``deleted`` (:meth:`ewallet.receipt.Receipt.after`); the bank's own copy is
deleted, too. What the bank has copied elsewhere is for the bank to delete; what a law makes it keep is not here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ewallet.deletion import Demand, Where
from ewallet.env import Env
from ewallet.exchange import Exchange, reference
from ewallet.keys import Signer
from ewallet.oid4vp import AuthorizationRequest
from ewallet.receipt import WITHDRAWAL, Receipt
from ewallet.shape import Json
from verifier_cli import keeping

PATH: Final = "/v1/deletions"
_LOG: Final = logging.getLogger("ewallet")


def where(url: str, request: AuthorizationRequest) -> dict[str, Json]:
    """What the bank's half of a receipt says about it."""
    place = Where(f"{url.rstrip('/')}{PATH}", reference(request))
    return {**place.to_json(), WITHDRAWAL: place.uri}  # who wants to withdraw has nothing but what the bank keeps


@dataclass(frozen=True)
class Deletions:
    """Deletes what an exchange keeps, and the receipt in that folder, and signs that as whoever signed its requests."""

    exchange: Exchange
    signer: Signer
    env: Env
    folder: str | None = None

    def delete(self, raw: bytes) -> dict[str, Json]:
        """The receipt after the deletion that its holder demands; again is allowed.

        Raises ``malformed.*``, ``limit.*``, ``receipt.invalid`` for a receipt that we did not sign, and ``kb.*``,
        ``time.*`` for a demand that its holder has not signed just now.
        """
        at, found = self.env.now(), Demand.parse(raw)
        found.check(self.signer, at)
        self._forget(found.receipt)
        _LOG.info("consent %s: deleted as its holder demands", found.receipt.consent.id[:16])
        if found.receipt.event == "deleted":
            return found.receipt.to_json()
        return found.receipt.after("deleted", self.signer, at=at).to_json()

    def _forget(self, receipt: Receipt) -> None:
        known = Where.of(receipt)
        if self.folder:
            keeping.forget(Path(self.folder), receipt)
        self.exchange.forget_answer(known.ref)
