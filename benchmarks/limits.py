"""The limit: only the signatures a format needs, through ``cryptography``, with keys that are loaded already."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from measure import Contender
from work import HOLDERS, World

from ewallet.shape import base64url

LIMIT = "limit"
_ECDSA = ec.ECDSA(hashes.SHA256())


def sign(world: World) -> Contender:
    """One P-256 signature each."""
    data = [credential.partition("~")[0].rpartition(".")[0].encode() for credential in world.credentials]

    def run() -> None:
        for text in data:
            world.private.sign(text, _ECDSA)

    return Contender(LIMIT, run, HOLDERS, "one P-256 signature")


def verify(world: World) -> Contender:
    """Two P-256 verifications each: the issuer's signature and the holder's."""
    issuer_key = world.private.public_key()
    work = []
    for holder, presentation in zip(world.holders, world.presentations, strict=True):
        parts = presentation.split("~")
        work.append((holder.private.public_key(), *_signed(parts[0]), *_signed(parts[-1])))

    def run() -> None:
        for key, signature, data, kb_signature, kb_data in work:
            issuer_key.verify(signature, data, _ECDSA)
            key.verify(kb_signature, kb_data, _ECDSA)

    return Contender(LIMIT, run, HOLDERS, "two P-256 verifications")


def _signed(jws: str) -> tuple[bytes, bytes]:
    data, _, encoded = jws.rpartition(".")
    raw = base64url(encoded)
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    return encode_dss_signature(r, s), data.encode()
