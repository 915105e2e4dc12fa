"""Our own verification as the tables measure it: what the peers check, and the whole ladder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from peers import Run
from work import AUDIENCE, FORMAT, RELEASED, STATUS_URI, VCT, World

from ewallet import status
from ewallet.credential import Credential
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.status import Status, StatusList
from ewallet.trust import TrustPaths
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier


def verify(world: World, presentations: list[str] | None = None, *, cold: bool = False) -> Run:
    """What the peers check, and the issuer's path: signature, disclosures, holder binding, validity.

    The path is remembered by certificate chain, or with ``cold`` checked anew each time.
    """
    texts, at = presentations or world.presentations, world.now
    remembered = TrustPaths(world.trust, "issuer")

    def path(chain: tuple[bytes, ...], type_id: str) -> Any:
        if cold:
            return world.trust.check(chain, "issuer", at, type_id=type_id)
        return remembered.check(chain, at, type_id=type_id)

    def run(number: int) -> Credential:
        evidence = FORMAT.open(texts[number])
        trusted = path(evidence.chain, evidence.type_id)
        trusted.check_issuer(evidence.issuer)
        evidence.check_signature(trusted.key)
        credential = evidence.check_disclosures()
        evidence.check_binding(world.holders[number].binding, at)
        credential.check_validity(at)
        return credential

    return run


def verify_claims(world: World, presentations: list[str] | None = None) -> Run:
    """The same, giving the claims as the peers do."""
    run = verify(world, presentations)
    return lambda number: run(number).claims


def verify_cold(world: World, presentations: list[str] | None = None) -> Run:
    """The same with nothing remembered of the issuer."""
    run = verify(world, presentations, cold=True)
    return lambda number: run(number).claims


def ladder(world: World, presentations: list[str] | None = None) -> Run:
    """``Verifier.verify`` with all nine rungs: a query, the status from a list in memory, nonces used once."""
    texts = presentations or world.presentations
    verifier = Verifier(AUDIENCE, trust=world.trust, store=Memory(), env=Env(now=lambda: world.now))
    entries = StatusList.empty(1 << 17)
    entries[1 << 16] = Status.REVOKED
    life = timedelta(hours=12)
    verifier.put_status_token(
        status.sign(entries, uri=STATUS_URI, at=world.now, until=world.now + life, ttl=life, signer=world.signer)
    )
    requests = [_request(verifier, holder.nonce) for holder in world.holders]

    def run(number: int) -> dict[str, Any]:
        verdict = verifier.verify(texts[number], requests[number])
        assert isinstance(verdict, Accepted), verdict.code
        return dict(verdict.claims["copy"])

    return run


def _request(verifier: Verifier, nonce: str) -> Any:
    asked = {
        "id": "copy",
        "format": "dc+sd-jwt",
        "meta": {"vct_values": [VCT]},
        "claims": [{"id": name, "path": [name]} for name in RELEASED],
    }
    query = Query.parse({"credentials": [asked]})
    return replace(verifier.ask(query, purpose="benchmark", life=timedelta(hours=12)), nonce=nonce)


class Memory:
    """A verifier's store that forgets nonces at once, so that the same presentations serve every round."""

    def take_nonce(self, nonce: str, until: datetime) -> None:
        """Nothing: the table is about the ladder, not about a database."""

    def crl(self, authority: bytes) -> bytes | None:
        """None is kept."""
        return None

    def put_crl(self, authority: bytes, raw: bytes, number: int) -> bool:
        """Taken, not kept."""
        return True

    def status_token(self, uri: str) -> str | None:
        """None is kept."""
        return None

    def put_status_token(self, uri: str, raw: str, issued: datetime) -> bool:
        """Taken, not kept."""
        return True
