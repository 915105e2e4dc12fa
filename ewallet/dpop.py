"""Demonstrating proof of possession: access tokens that are of no use without a key (DPoP, RFC 9449), both sides.

Section numbers are those of RFC 9449. A server keeps the ``jti`` of each :class:`DpopProof` until its time is over, and
says which nonces it still takes; the latest one it gives goes into ``next_nonce``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from urllib.parse import urlunsplit

from ewallet import jose
from ewallet.env import Random
from ewallet.errors import Malformed, ProtocolError, VerificationError
from ewallet.flow import Response
from ewallet.keys import PublicKey, Signer
from ewallet.oauth import MAX_PROOF, Accepts, ErrorResponse, challenge, fresh, invalid_token, jti, split_url
from ewallet.shape import Json, member, optional, refuse, to_base64url

TYP: Final = "dpop+jwt"


def prove(
    method: str, url: str, signer: Signer, *, at: datetime, random: Random, token: str | None = None, nonce: str = ""
) -> str:
    """The value of a request's ``DPoP`` header (§4.2); with the access token, where the request has one."""
    claims: dict[str, Json] = {
        "jti": to_base64url(random(16)),
        "htm": method,
        "htu": normalised(url),
        "iat": int(at.timestamp()),
    }
    if token is not None:
        claims["ath"] = token_hash(token)
    if nonce:
        claims["nonce"] = nonce
    return jose.sign(TYP, claims, signer, {"jwk": signer.public.jwk})


def token_hash(token: str) -> str:
    """The ``ath`` of an access token (§4.2)."""
    return to_base64url(sha256(token.encode("ascii")).digest())


_NONCE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,1024}\Z")  # NQCHAR of RFC 6749 App. A, in a bounded number


def given_nonce(response: Response) -> str | None:
    """The nonce that a server wants in the next proof (§8.2), be the response a success or not."""
    nonce = response.headers.get("dpop-nonce", "")
    return nonce if _NONCE.match(nonce) else None


def retry_nonce(response: Response) -> str | None:
    """The nonce to ask once more with, where its absence is all that the server objects to (§8, §9)."""
    if response.status not in {400, 401} or ErrorResponse.received(response).error != "use_dpop_nonce":
        return None
    return given_nonce(response)


@dataclass(frozen=True, kw_only=True)
class DpopProof:
    """Who made a request, by the thumbprint of the key; ``jti`` may not come again before ``until``."""

    thumbprint: str
    jti: str
    until: datetime


def check(
    proofs: Sequence[str],
    *,
    method: str,
    url: str,
    at: datetime,
    token: str | None = None,
    bound: str | None = None,
    accepts: Accepts | None = None,
    next_nonce: str = "",
) -> DpopProof:
    """The proof in the ``DPoP`` headers of a request, of which there must be one (§4.3).

    ``token`` is the access token that came with it, ``bound`` the thumbprint that it (or a code) is bound to. With
    ``accepts`` the proof must carry a nonce of ours. Errors ``invalid_dpop_proof``, ``use_dpop_nonce`` and
    ``invalid_token``: with a token as a resource server gives them (401), else as an authorization server (400).
    """
    try:
        if len(proofs) != 1:
            refuse("malformed.encoding", f"{len(proofs)} dpop headers, expected 1")
        jws = jose.parse(proofs[0], TYP, what="the dpop proof", limit=MAX_PROOF)
        key = PublicKey.of_jwk(member(jws.header, "jwk", dict))
        jws.verify(key)
        claims = jws.claims
        _check_request(claims, method, url, token)
        nonce = optional(claims, "nonce", str) or ""
        proof = DpopProof(thumbprint=key.thumbprint, jti=jti(claims), until=fresh(claims, at))
    except (Malformed, VerificationError) as exc:
        raise _refused("invalid_dpop_proof", str(exc), token) from None
    if accepts and not accepts(nonce):
        raise _refused("use_dpop_nonce", "the proof has no nonce of ours", token, next_nonce)
    if bound is not None and bound != key.thumbprint:
        raise _wrong_key(token)
    return proof


def _check_request(claims: dict[str, Json], method: str, url: str, token: str | None) -> None:
    if member(claims, "htm", str) != method:
        refuse("malformed.claim_type", "htm is not the method of the request")
    if normalised(member(claims, "htu", str)) != normalised(url):
        refuse("malformed.claim_type", "htu is not the address of the request")
    if token is not None and not compare_digest(member(claims, "ath", str).encode(), token_hash(token).encode()):
        refuse("malformed.claim_type", "ath is not that of the access token")


def _refused(error: str, detail: str, token: str | None, next_nonce: str = "") -> ProtocolError:
    headers = {} if token is None else challenge("DPoP", error)
    if next_nonce:
        headers["DPoP-Nonce"] = next_nonce
    return ProtocolError("request.invalid", detail, error=error, status=400 if token is None else 401, headers=headers)


def _wrong_key(token: str | None) -> ProtocolError:
    detail = "the proof is by another key than it was bound to"
    return _refused("invalid_dpop_proof", detail, token) if token is None else invalid_token(detail)


_PORTS: Final = {"https": 443, "http": 80}
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")


def normalised(text: str, what: str = "htu") -> str:
    """The URL without query and fragment, its syntax and scheme normalised (RFC 3986 §6.2.2-6.2.3; RFC 9449 §4.3)."""
    parts = split_url(text, what)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    user, at, _ = parts.netloc.rpartition("@")
    path = "/".join(_without_dots([_escaped(segment) for segment in parts.path.split("/")])) or "/"
    return urlunsplit((parts.scheme, f"{user}{at}{host}{port}", path, "", ""))


def _escaped(segment: str) -> str:
    """RFC 3986 §6.2.2.1-2: escapes in upper case, and none where none is needed."""

    def escape(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if _UNRESERVED.match(character) else match[0].upper()

    return re.sub(r"%([0-9A-Fa-f]{2})", escape, segment)


def _without_dots(segments: Sequence[str]) -> list[str]:
    """RFC 3986 §5.2.4."""
    kept: list[str] = []
    for segment in segments:
        if segment == ".." and len(kept) > 1:
            kept.pop()
        elif segment not in {".", ".."}:
            kept.append(segment)
    return [*kept, ""] if segments[-1] in {".", ".."} else kept
