"""A holder and a reader who meet: both sides of one session at close range, between the kit's wallet and verifier.

encounter = Encounter.of(kit)
answered = encounter.show(kit.query("mobile_driver_license", ["not_juvenile"]))
verdict = encounter.judge(answered)
"""

from __future__ import annotations

from dataclasses import dataclass

from ewallet.dcql import Query
from ewallet.errors import UsageError
from ewallet.keys import Signer
from ewallet.proximity import Answered, Asked, Declined, Ended, Engagement, Holder, Method, Reader
from ewallet.testing.kit import PURPOSE, Kit
from ewallet.verdict import Verdict

BLUETOOTH = Method(2, 1, {0: False, 1: True, 11: bytes(range(16))})


@dataclass(frozen=True, kw_only=True)
class Encounter:
    """One session; the reader has read the code of the holder, and nothing was said yet."""

    kit: Kit
    holder: Holder
    reader: Reader

    @classmethod
    def of(cls, kit: Kit, *, signed: bool = True, signer: Signer | None = None) -> Encounter:
        """Of the kit's wallet and verifier; the reader signs as the PKI's verifier, unless as somebody else."""
        holder = Holder.engage(trust=kit.pki.trust_list(), methods=[BLUETOOTH])
        engagement = Engagement.read(holder.engagement.text)
        reader = Reader(engagement, signer=signer or (kit.pki.verifier if signed else None))
        return cls(kit=kit, holder=holder, reader=reader)

    def question(self, query: Query) -> bytes:
        """The reader's next message."""
        return self.reader.ask(query, at=self.kit.clock.now(), purpose=PURPOSE)

    def hear(self, message: bytes) -> Asked | Ended:
        """What the holder understands."""
        return self.holder.receive(message, at=self.kit.clock.now())

    def asked(self, query: Query) -> Asked:
        """The question as it arrives."""
        event = self.hear(self.question(query))
        if isinstance(event, Ended):
            raise UsageError("usage.argument", "the session ended instead")
        return event

    def reply(self, asked: Asked) -> bytes:
        """The holder's answer: the least that satisfies the question."""
        wallet = self.kit.wallet
        return self.holder.answer(wallet.present(asked.request, wallet.match(asked.request.query)))

    def show(self, query: Query) -> Answered | Declined | Ended:
        """What arrives at the reader in answer to a question."""
        return self.reader.receive(self.reply(self.asked(query)))

    def judge(self, event: Answered | Declined | Ended) -> Verdict:
        """The verdict of the kit's verifier on what arrived."""
        if not isinstance(event, Answered):
            raise UsageError("usage.argument", "nothing arrived that could be judged")
        return self.kit.verifier.verify(event.token, self.reader.request)
