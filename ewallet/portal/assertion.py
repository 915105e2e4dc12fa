"""A client that signs who it is: ``private_key_jwt`` (RFC 7523 §2.2, OpenID Connect Core §9), both sides.

The audience is the authorization server's issuer identifier and nothing else (draft-ietf-oauth-rfc7523bis), so that an
assertion made for one server cannot be played to another. Each is used once; nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ewallet import jose
from ewallet.env import Random
from ewallet.errors import CryptoError, ProtocolError
from ewallet.keys import PublicKey, Signer
from ewallet.oauth import MAX_PROOF, PAST, fresh, jti, refusing
from ewallet.shape import Json, member, numeric_date, refuse, to_base64url

METHOD: Final = "private_key_jwt"
TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYP: Final = "client-authentication+jwt"
_TYPS: Final = (None, "JWT", TYP)  # explicit typing is new; most clients say JWT or nothing
_LIFE: Final = 60  # seconds: an assertion is for one call

#: The registered keys of a client, none where it is not registered or may not ask at present.
KeysOf = Callable[[str], Collection[PublicKey]]


@dataclass(frozen=True, kw_only=True)
class Authenticated:
    """A client that is who it says, by the thumbprint of its key; ``jti`` may not come again before ``until``."""

    client_id: str
    thumbprint: str
    jti: str
    until: datetime


def prove(client_id: str, audience: str, signer: Signer, *, at: datetime, random: Random) -> Mapping[str, str]:
    """The parameters with which a client authenticates itself to that authorization server."""
    made = int(at.timestamp())
    claims: Mapping[str, Json] = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": to_base64url(random(16)),
        "iat": made,
        "exp": made + _LIFE,
    }
    signed = jose.sign(TYP, claims, signer, {"kid": signer.public.thumbprint})
    return {"client_id": client_id, "client_assertion_type": TYPE, "client_assertion": signed}


def check(parameters: Mapping[str, str], *, audience: str, at: datetime, keys_of: KeysOf) -> Authenticated:
    """The client that those parameters of a request authenticate; error ``invalid_client`` (401)."""
    with refusing("invalid_client", status=401):
        if parameters.get("client_assertion_type") != TYPE or "client_secret" in parameters:
            raise _invalid("expected a client_assertion of the type jwt-bearer, and no other authentication")
        jws = jose.parse(parameters.get("client_assertion", ""), None, what="the client assertion", limit=MAX_PROOF)
        if jws.header.get("typ") not in _TYPS:
            raise _invalid(f"typ is neither {TYP} nor JWT")
        claims = jws.claims
        client_id = member(claims, "iss", str)
        if not client_id == claims.get("sub") == parameters.get("client_id", client_id):
            raise _invalid("iss, sub and client_id are not the same")
        thumbprint = _signed_by(jws, keys_of(client_id))
        _check_claims(claims, audience, at)
        until = fresh({"iat": int(at.timestamp()), **claims}, at)  # iat is optional (RFC 7523 §3), exp bounds its use
        return Authenticated(client_id=client_id, thumbprint=thumbprint, jti=jti(claims), until=until)


def _signed_by(jws: jose.Jws, keys: Collection[PublicKey]) -> str:
    """The thumbprint of that registered key which signed it."""
    for key in keys:
        try:
            jws.verify(key)
        except CryptoError:
            continue
        return key.thumbprint
    raise _invalid("a client that is not registered here, or the signature is by none of its keys")


def _check_claims(claims: Mapping[str, Json], audience: str, at: datetime) -> None:
    if claims.get("aud") not in (audience, [audience]):
        raise _invalid("aud is not the issuer identifier of this authorization server")
    if numeric_date(claims.get("exp"), "exp") > at.timestamp() + PAST:
        refuse("malformed.claim_type", f"exp is more than {PAST} seconds from now")


def _invalid(detail: str) -> ProtocolError:
    return ProtocolError("request.invalid", detail, error="invalid_client", status=401)
