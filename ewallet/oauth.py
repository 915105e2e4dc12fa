"""What both OpenID protocols take from OAuth 2.0: errors, addresses, forms, access tokens, PKCE, client attestation.

RFC 6749 and 6750, PKCE (RFC 7636, S256 only), attestation-based client authentication
(draft-ietf-oauth-attestation-based-client-auth, from -07 to -10); DPoP is in :mod:`ewallet.dpop`. Whoever checks
supplies what must be remembered (challenges that were given, identifiers that were seen): nothing is kept here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode, urlsplit

from ewallet import jose
from ewallet.credential import moment
from ewallet.env import Random
from ewallet.errors import Malformed, ProtocolError, ValidityError, VerificationError
from ewallet.flow import Response
from ewallet.keys import ALGORITHMS, PublicKey
from ewallet.shape import Json, json_object, member, numeric_date, optional, refuse, to_base64url

ATTESTATION_TYP: Final = "oauth-client-attestation+jwt"
ATTESTATION_POP_TYP: Final = "oauth-client-attestation-pop+jwt"

_MAX_FORM: Final = 64 * 1024  # bytes: a pushed request with authorization_details has a few KiB
_MAX_PARAMETERS: Final = 64
MAX_PROOF: Final = 8 * 1024  # characters of a header: what HTTP servers commonly read
MAX_JTI: Final = 256  # characters, because stores keep it
_MAX_DESCRIPTION: Final = 200  # characters of a stranger's words
_ALGS: Final = " ".join(sorted(ALGORITHMS))

#: Finds the key of whoever vouches for a JWS by its header and chain, or refuses it: trust is the caller's.
KeyOf = Callable[[jose.Jws], PublicKey]
#: Whether a nonce or challenge is one we gave and still take.
Accepts = Callable[[str], bool]


@contextmanager
def refusing(error: str, *, status: int = 400, headers: Mapping[str, str] | None = None) -> Iterator[None]:
    """Inside, what is malformed or does not verify becomes a :class:`ProtocolError` of that wire form."""
    try:
        yield
    except (Malformed, VerificationError) as exc:
        raise ProtocolError("request.invalid", str(exc), error=error, status=status, headers=headers) from None


PAST: Final = 300  # seconds a proof may be old: RFC 9449 §11.1 and its like want minutes at most
FUTURE: Final = 60  # seconds its author's clock may be fast


def fresh(claims: Mapping[str, Json], at: datetime) -> datetime:
    """The time from which a proof with that ``iat`` is refused as too old, if it was made just now: ``time.*``.

    ``exp`` and ``nbf``, which no proof has to have, hold where they are (RFC 7519 §4.1.4, §4.1.5).
    """
    made = numeric_date(claims.get("iat"), "iat")
    _check_term(claims, at)
    if at.timestamp() - made > PAST:
        raise ValidityError("time.expired", f"made more than {PAST} seconds ago")
    if made - at.timestamp() > FUTURE:
        raise ValidityError("time.not_yet_valid", f"made more than {FUTURE} seconds from now")
    return moment(made + PAST + 1)


def _check_term(claims: Mapping[str, Json], at: datetime) -> None:
    if "exp" in claims and at.timestamp() >= numeric_date(claims["exp"], "exp"):
        raise ValidityError("time.expired", "its own exp is over")
    if "nbf" in claims and numeric_date(claims["nbf"], "nbf") - at.timestamp() > FUTURE:
        raise ValidityError("time.not_yet_valid", f"its own nbf is more than {FUTURE} seconds from now")


def jti(claims: Mapping[str, Json]) -> str:
    """The identifier that a proof is remembered by; ``malformed.claim_type``."""
    text = member(claims, "jti", str)
    if not 0 < len(text) <= MAX_JTI:
        refuse("malformed.claim_type", f"jti has {len(text)} characters, expected 1 to {MAX_JTI}")
    return text


_NOT_SAID: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")  # RFC 6749 §5.2


_CHALLENGED: Final = re.compile(r'[ ,]error="([a-z_]{1,64})"')


def printable(text: str) -> str:
    """What a stranger says, cut short and with a question mark for each character that OAuth does not allow."""
    return _NOT_SAID.sub("?", text[:_MAX_DESCRIPTION])


@dataclass(frozen=True, kw_only=True)
class ErrorResponse:
    """What a server answers instead (RFC 6749 §5.2); the description is for developers and is in ASCII."""

    error: str
    description: str = ""

    @classmethod
    def of(cls, exc: ProtocolError) -> ErrorResponse:
        """The wire form of an error; its details name no values, so that they may be told."""
        return cls(error=exc.error, description=_NOT_SAID.sub("'", exc.detail))

    @classmethod
    def parse(cls, raw: bytes | str) -> ErrorResponse:
        """The error of a JSON text, its description cleaned and cut; ``malformed.*``."""
        members = json_object(raw, "the error")
        error = member(members, "error", str)
        if not error or len(error) > _MAX_DESCRIPTION or _NOT_SAID.search(error):
            refuse("malformed.claim_type", "error is not an error code")
        description = optional(members, "error_description", str) or ""
        return cls(error=error, description=printable(description))

    @classmethod
    def received(cls, response: Response) -> ErrorResponse:
        """The error of a response that is no success: in its body, else in its challenge (RFC 6750 §3)."""
        try:
            return cls.parse(response.body)
        except Malformed:
            found = _CHALLENGED.search(response.headers.get("www-authenticate", ""))
            return cls(error=found[1] if found else "server_error")

    def to_bytes(self) -> bytes:
        """The JSON text."""
        return jose.to_json(
            {"error": self.error} | ({"error_description": self.description} if self.description else {})
        )

    def refusal(self, status: int = 400) -> ProtocolError:
        """The error to raise where it was received."""
        detail = f"the server answered {self.error}"
        return ProtocolError("request.invalid", detail, error=self.error, status=status)


@dataclass(frozen=True)
class Parts:
    """A URL taken apart."""

    scheme: str
    netloc: str
    hostname: str
    port: int | None
    path: str


def url(text: str, what: str, *, loopback: bool = False) -> str:
    """The text, if it is an https URL without user or fragment; ``malformed.url``.

    ``loopback`` also allows http to this machine itself, for demos and tests.
    """
    parts = split_url(text, what)
    local = loopback and parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "https" and not local:
        refuse("malformed.url", f"{what} is not an https address")
    if "@" in parts.netloc or "#" in text:
        refuse("malformed.url", f"{what} has a user or a fragment")
    return text


_VISIBLE: Final = re.compile(r"[!-~]+\Z")


def split_url(text: str, what: str) -> Parts:
    """``urlsplit`` for strangers: it forgives controls, spaces and ports that are none."""
    try:
        parts = urlsplit(text) if _VISIBLE.match(text) and "\\" not in text else None
        found = parts and Parts(parts.scheme, parts.netloc, parts.hostname or "", parts.port, parts.path)
    except ValueError:
        found = None
    if not found or not found.hostname:
        refuse("malformed.url", f"{what} is not a url with a host")
    return found


def form(parameters: Mapping[str, str]) -> bytes:
    """The parameters as ``application/x-www-form-urlencoded``."""
    return urlencode(parameters).encode("ascii")


def answered(came_back_to: str) -> dict[str, str]:
    """The parameters with which somebody came back to an address; as :func:`parse_form` for what is none."""
    query = came_back_to.partition("#")[0].partition("?")[2]
    return parse_form(query.encode("utf-8", "surrogatepass"))


_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def parse_form(raw: bytes, *, limit: int = _MAX_FORM) -> dict[str, str]:
    """The parameters of a form; a repeated one is refused (RFC 6749 §3.1, §3.2): error ``invalid_request``."""
    with refusing("invalid_request"):
        if len(raw) > limit:
            refuse("limit.size", f"the form has {len(raw)} bytes, at most {limit} are read")
        if _BAD_ESCAPE.search(raw):
            refuse("malformed.encoding", "the form is not percent-encoded")
        return _parameters(raw)


def _parameters(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except ValueError:  # also text that is not UTF-8
        refuse("malformed.encoding", "not a form of parameters in utf-8, or too many of them")
    if len(dict(pairs)) < len(pairs):
        refuse("malformed.encoding", "the form repeats a parameter")
    return {name: value for name, value in pairs if value}  # §3.1: one without a value is treated as omitted


def challenge(scheme: str, error: str) -> dict[str, str]:
    """The header that goes with a 401 (RFC 6750 §3, RFC 9449 §7.1)."""
    algs = f', algs="{_ALGS}"' if scheme == "DPoP" else ""
    return {"WWW-Authenticate": f'{scheme} error="{error}"{algs}'}


def invalid_token(detail: str, *, scheme: str = "DPoP") -> ProtocolError:
    """The error for an access token that is missing, unknown, expired or used in another way than bound."""
    headers = challenge(scheme, "invalid_token")
    return ProtocolError("request.invalid", detail, error="invalid_token", status=401, headers=headers)


_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z")  # RFC 6750 §2.1


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """The access token of a request, and the scheme it came under: ``Bearer`` or ``DPoP``."""

    scheme: str
    token: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the ``Authorization`` header."""
        return f"{self.scheme} {self.token}"

    @classmethod
    def parse(cls, headers: Sequence[str], *, query: str = "") -> Authorization:
        """The token of the ``Authorization`` headers of a request, of which there must be one: ``invalid_token``.

        A token in the query ends up in logs and is refused: ``invalid_request`` (RFC 9700 §4.3.2).
        """
        if "access_token" in (unquote_to_bytes(part.partition("=")[0]).decode("latin-1") for part in query.split("&")):
            raise ProtocolError("request.invalid", "an access token in the query")
        if len(headers) != 1:
            raise invalid_token(f"{len(headers)} authorization headers, expected 1")
        scheme, _, token = headers[0].partition(" ")
        known = _SCHEMES.get(scheme.lower())
        if known is None or len(token) > MAX_PROOF or not _TOKEN.match(token):
            raise invalid_token("not a bearer or dpop token")
        return cls(scheme=known, token=token)

    def check_scheme(self, bound: str | None) -> None:
        """Return if a token bound to a key came as DPoP, and an unbound one as Bearer: ``invalid_token``."""
        expected = "Bearer" if bound is None else "DPoP"
        if self.scheme != expected:
            raise invalid_token(f"the token came as {self.scheme}, expected {expected}", scheme=expected)


_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")  # RFC 7636 §4.1
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def code_verifier(random: Random) -> str:
    """A fresh PKCE verifier (RFC 7636 §4.1)."""
    return to_base64url(random(32))


def code_challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    return to_base64url(sha256(verifier.encode("ascii")).digest())


def check_code_challenge(challenge: str | None, method: str | None) -> None:
    """Return if an authorization request has an S256 challenge: ``invalid_request``."""
    if method != "S256" or challenge is None or not _CHALLENGE.match(challenge):
        raise ProtocolError("request.invalid", "no code_challenge with the method S256")


def check_code_verifier(verifier: str | None, challenge: str) -> None:
    """Return if that verifier was challenged (RFC 7636 §4.6): ``invalid_request`` without one, ``invalid_grant``."""
    if verifier is None:
        raise ProtocolError("request.invalid", "code_verifier is missing")
    if not _VERIFIER.match(verifier) or not compare_digest(code_challenge(verifier), challenge):
        detail = "code_verifier is not that of the code_challenge"
        raise ProtocolError("request.invalid", detail, error="invalid_grant")


#: The parameters with which a client authenticates itself (RFC 6749 §2.3.1, RFC 7521 §4.2).
CREDENTIALS: Final = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
_SCHEMES: Final = {"bearer": "Bearer", "dpop": "DPoP"}
_ATTESTED: Final = frozenset({"oauth-client-attestation", "oauth-client-attestation-pop"})


def check_public_client(headers: Mapping[str, str], parameters: Collection[str]) -> None:
    """Return if a client does not authenticate itself: ``invalid_client`` (RFC 6749 §5.2).

    For a server that knows none. A secret or an attestation that is not looked at must not seem to have been good.
    """
    said = {name.lower(): value for name, value in headers.items()}
    if "authorization" in said:
        scheme = _SCHEMES.get(said["authorization"].partition(" ")[0].lower(), "Basic")
        raise _invalid_client("no client is registered here", headers={"WWW-Authenticate": f'{scheme} realm="token"'})
    if _ATTESTED & said.keys() or CREDENTIALS & set(parameters):
        raise _invalid_client("a client that authenticates itself in a way that is not taken here")


@dataclass(frozen=True, kw_only=True)
class ClientAttestation:
    """A wallet that its provider vouches for; the ``jti`` of its proof may not come again before ``until``."""

    client_id: str
    key: PublicKey
    jti: str
    until: datetime


def check_client_attestation(
    attestations: Sequence[str],
    proofs: Sequence[str],
    *,
    audience: str,
    at: datetime,
    attester: KeyOf,
    client_id: str | None = None,
    accepts: Accepts | None = None,
) -> ClientAttestation:
    """The client of the ``OAuth-Client-Attestation`` and ``-PoP`` headers of a request (§7), of each of which one.

    ``audience`` is the authorization server's issuer identifier, ``client_id`` the one of the request, if it has one;
    with ``accepts`` the proof must answer a challenge. Errors ``invalid_client`` (401), ``use_fresh_attestation`` and
    ``use_attestation_challenge`` (400).
    """
    with refusing("invalid_client", status=401):
        if len(attestations) != 1 or len(proofs) != 1:
            raise _invalid_client(f"{len(attestations)} attestations and {len(proofs)} proofs, expected one of each")
        claims, key = _attested(attestations[0], at, attester)
        subject = member(claims, "sub", str)
        if client_id not in {None, subject}:
            raise _invalid_client("client_id is not the sub of the attestation")
        return _proven(
            proofs[0], ClientAttestation(client_id=subject, key=key, jti="", until=at), audience, at, accepts
        )


def _invalid_client(detail: str, headers: Mapping[str, str] | None = None) -> ProtocolError:
    return ProtocolError("request.invalid", detail, error="invalid_client", status=401, headers=headers)


def _attested(compact: str, at: datetime, attester: KeyOf) -> tuple[dict[str, Json], PublicKey]:
    jws = jose.parse(compact, ATTESTATION_TYP, what="the client attestation")
    jws.verify(attester(jws))
    claims = jws.claims
    if at.timestamp() >= numeric_date(claims.get("exp"), "exp"):
        raise ProtocolError("request.invalid", "the client attestation has expired", error="use_fresh_attestation")
    return claims, PublicKey.of_jwk(member(member(claims, "cnf", dict), "jwk", dict))


def _proven(
    compact: str, client: ClientAttestation, audience: str, at: datetime, accepts: Accepts | None
) -> ClientAttestation:
    """§5.2: the proof of possession; before -08 it had an ``iss``, which then is the client."""
    jws = jose.parse(compact, ATTESTATION_POP_TYP, what="the proof of the client", limit=MAX_PROOF)
    jws.verify(client.key)
    claims = jws.claims
    if claims.get("iss", client.client_id) != client.client_id:
        raise _invalid_client("iss of the proof is not the sub of the attestation")
    if claims.get("aud") != audience:
        raise _invalid_client("aud of the proof is not this authorization server")
    if accepts and not accepts(optional(claims, "challenge", str) or ""):
        detail = "the proof does not answer our challenge"
        raise ProtocolError("request.invalid", detail, error="use_attestation_challenge")
    return replace(client, jti=jti(claims), until=fresh(claims, at))
