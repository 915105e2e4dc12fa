"""Deletion at whoever received: what is kept of an answer goes, and the receipt of its consent says so, signed.

The bank's program words it as ``{"id": REQUEST, "receipt": RECEIPT}``: the request that was answered, and the receipt
that the person shows, who need not be believed for it. The answer is the receipt after one more event, ``deleted``
(:meth:`ewallet.receipt.Receipt.after`). What the bank has copied elsewhere is for the bank to delete before it asks.
"""

from __future__ import annotations

from dataclasses import dataclass

from ewallet import jose
from ewallet.env import Env
from ewallet.errors import PolicyError, UsageError, VerificationError
from ewallet.exchange import Exchange
from ewallet.keys import Signer
from ewallet.receipt import Receipt
from ewallet.shape import Json, json_object, member


@dataclass(frozen=True)
class Deletions:
    """Deletes what an exchange keeps, and signs that as whoever signed its requests."""

    exchange: Exchange
    signer: Signer
    env: Env

    def delete(self, raw: bytes) -> dict[str, Json]:
        """The receipt after the deletion; again is allowed.

        Raises ``usage.argument``, ``malformed.*``, and ``receipt.invalid`` for a receipt that we did not sign.
        """
        asked = json_object(raw, "the deletion")
        if asked.keys() != {"id", "receipt"}:
            raise UsageError("usage.argument", "other members than id and receipt")
        receipt = Receipt.parse(jose.to_json(member(asked, "receipt", dict)))
        self._check_ours(receipt)
        self.exchange.forget(member(asked, "id", str))
        if receipt.event == "deleted":
            return receipt.to_json()
        return receipt.after("deleted", self.signer, at=self.env.now()).to_json()

    def _check_ours(self, receipt: Receipt) -> None:
        for signed in receipt.signed:
            try:
                signed.jws.verify(self.signer.public)
            except VerificationError:
                raise PolicyError("receipt.invalid", "a receipt of somebody else") from None
