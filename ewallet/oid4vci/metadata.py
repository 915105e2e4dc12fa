"""What an issuer and its authorization server say of themselves (OpenID4VCI 1.0 §12, RFC 8414), both directions.

Section numbers are those of OpenID4VCI 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from ewallet import jose, oauth
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import CryptoError, Malformed, ProtocolError, ValidityError
from ewallet.formats import FORMATS
from ewallet.keys import ALGORITHMS, PublicKey, Signer
from ewallet.oid4vci.configuration import CredentialConfiguration, Display, displays_of, displays_to_json
from ewallet.shape import MAX_DOCUMENT, Json, instance, json_object, member, numeric_date, optional, refuse, strings

ISSUER: Final = "openid-credential-issuer"
AUTHORIZATION_SERVER: Final = "oauth-authorization-server"
SIGNED_TYP: Final = "openidvci-issuer-metadata+jwt"
SIGNED: Final = "application/jwt"  # the media type of what has that typ (§12.2.2)
_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?\Z|1(\.0{0,3})?\Z")
PRE_AUTHORIZED: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
ENCRYPTION_ALG: Final = "ECDH-ES"
_MAX_CONFIGURATIONS: Final = 5_000  # a country's kinds in each format
_CURVES: Final = frozenset({"P-256", "P-384", "P-521"})
_READ: Final = ("kty", "crv", "x", "y", "kid", "alg")  # of a key to encrypt to


def identifier(text: str, what: str, *, loopback: bool = False) -> str:
    """The text, if it is an issuer identifier: an https URL without query or fragment (§12.2.1); ``malformed.url``."""
    if "?" in oauth.url(text, what, loopback=loopback):
        refuse("malformed.url", f"{what} has a query")
    return text


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A public key to encrypt to, and the content encryption (§10)."""

    jwk: Mapping[str, Json]
    enc: str

    @property
    def usable(self) -> bool:
        """Whether it is an ECDH-ES key to encrypt to and an encryption that are spoken here, the point on its curve."""
        point = {name: self.jwk.get(name) for name in ("kty", "crv", "x", "y")}
        try:
            PublicKey.of_jwk(point)
        except (CryptoError, Malformed):
            return False
        meant = self.jwk.get("alg") == ENCRYPTION_ALG and self.jwk.get("use", "enc") == "enc"
        return meant and point["crv"] in _CURVES and self.enc in jose.ENCRYPTION

    def encrypt(self, plaintext: bytes) -> str:
        """The compact JWE, whatever else the JWK says of its key; ``crypto.key_invalid``."""
        return jose.encrypt(plaintext, {name: self.jwk[name] for name in _READ if name in self.jwk}, self.enc)


def public_encryption_key(value: Json, *, named: bool) -> Mapping[str, Json]:
    """A JWK with ``alg``, ``named`` with a ``kid``, without private members (§10); ``malformed.*``, ``crypto.*``."""
    jwk = instance(value, dict, "a jwk")
    member(jwk, "alg", str)
    if named or "kid" in jwk:
        member(jwk, "kid", str)
    if "d" in jwk or "k" in jwk:
        raise CryptoError("crypto.key_invalid", "a jwk with private members, expected a public one")
    return jwk


@dataclass(frozen=True, kw_only=True)
class RequestEncryption:
    """How requests to the issuer may, or must, be encrypted (§12.2.4); compression is never offered."""

    keys: tuple[Mapping[str, Json], ...]
    enc_values: tuple[str, ...] = jose.ENCRYPTION
    required: bool = False

    @classmethod
    def of(cls, members: Mapping[str, Json]) -> RequestEncryption:
        """Read it; ``malformed.*``, ``crypto.key_invalid``."""
        keys = member(member(members, "jwks", dict), "keys", list)
        if not keys:
            refuse("malformed.claim_type", "keys is empty")
        return cls(
            keys=tuple(public_encryption_key(key, named=True) for key in keys),
            enc_values=strings(members.get("enc_values_supported"), "enc_values_supported"),
            required=member(members, "encryption_required", bool),
        )

    @classmethod
    def with_keys(cls, private: Iterable[Mapping[str, Json]], *, required: bool) -> RequestEncryption | None:
        """To the owner of these private keys; None without any."""
        public = tuple({name: value for name, value in key.items() if name != "d"} for key in private)
        return cls(keys=public, required=required) if public else None

    @property
    def recipient(self) -> Recipient | None:
        """The first key and encryption that are spoken here."""
        pairs = (Recipient(jwk=key, enc=enc) for key in self.keys for enc in self.enc_values)
        return next((pair for pair in pairs if pair.usable), None)

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        return {
            "jwks": {"keys": [dict(key) for key in self.keys]},
            "enc_values_supported": list(self.enc_values),
            "encryption_required": self.required,
        }


@dataclass(frozen=True, kw_only=True)
class ResponseEncryption:
    """How credentials may, or must, be encrypted to the wallet (§12.2.4); compression is never offered."""

    alg_values: tuple[str, ...] = (ENCRYPTION_ALG,)
    enc_values: tuple[str, ...] = jose.ENCRYPTION
    required: bool = False

    @classmethod
    def of(cls, members: Mapping[str, Json]) -> ResponseEncryption:
        """Read it; ``malformed.claim_type``."""
        return cls(
            alg_values=strings(members.get("alg_values_supported"), "alg_values_supported"),
            enc_values=strings(members.get("enc_values_supported"), "enc_values_supported"),
            required=member(members, "encryption_required", bool),
        )

    def takes(self, recipient: Recipient) -> bool:
        """Whether credentials are encrypted to such a key, in such a way."""
        return recipient.jwk.get("alg") in self.alg_values and recipient.enc in self.enc_values and recipient.usable

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        return {
            "alg_values_supported": list(self.alg_values),
            "enc_values_supported": list(self.enc_values),
            "encryption_required": self.required,
        }


_ENDPOINTS: Final = ("nonce_endpoint", "deferred_credential_endpoint", "notification_endpoint")


@dataclass(frozen=True, kw_only=True)
class IssuerMetadata:
    """What an issuer offers and where; an endpoint that it does not have is None (§12.2.4)."""

    credential_issuer: str
    credential_endpoint: str
    configurations: Mapping[str, CredentialConfiguration]
    authorization_servers: tuple[str, ...] = ()
    nonce_endpoint: str | None = None
    deferred_credential_endpoint: str | None = None
    notification_endpoint: str | None = None
    request_encryption: RequestEncryption | None = None
    response_encryption: ResponseEncryption | None = None
    batch_size: int = 1
    display: tuple[Display, ...] = ()

    @classmethod
    def build(
        cls,
        identifier: str,
        kinds: Iterable[CredentialType],
        *,
        algorithms: Mapping[str, str],
        names: Mapping[str, str] | None = None,
        batch_size: int = 1,
        request_encryption: RequestEncryption | None = None,
        response_encryption: ResponseEncryption | None = None,
    ) -> IssuerMetadata:
        """The metadata of an issuer of those kinds, in every format, its endpoints below its identifier.

        ``algorithms`` are those of the signers by national system; kinds of other systems are left out. ``names`` are
        the issuer's by language.
        """
        built = (
            CredentialConfiguration.build(type_, format_, (algorithms[type_.system],))
            for type_ in kinds
            if type_.system in algorithms
            for format_ in FORMATS.values()
        )
        return cls(
            credential_issuer=identifier,
            credential_endpoint=f"{identifier}/credential",
            configurations={found.id: found for found in built if found},
            nonce_endpoint=f"{identifier}/nonce",
            deferred_credential_endpoint=f"{identifier}/deferred",
            notification_endpoint=f"{identifier}/notification",
            request_encryption=request_encryption,
            response_encryption=response_encryption,
            batch_size=batch_size,
            display=tuple(Display(name=name, locale=locale) for locale, name in (names or {}).items()),
        )

    @classmethod
    def parse(cls, raw: bytes | str, issuer: str, *, loopback: bool = False) -> IssuerMetadata:
        """The metadata that was fetched for an issuer identifier.

        Raises ``malformed.*``, ``crypto.key_invalid``, ``limit.*``, and ``request.issuer_mismatch`` where it is another
        issuer's. ``loopback`` as in :func:`ewallet.oauth.url`.
        """
        return cls._of(json_object(raw, "the issuer metadata"), issuer, loopback=loopback)

    @classmethod
    def parse_signed(
        cls, compact: str, issuer: str, *, at: datetime, key_of: oauth.KeyOf, loopback: bool = False
    ) -> IssuerMetadata:
        """The metadata of a signed document (§12.2.3); as :meth:`parse`, and ``crypto.*``, ``trust.*``, ``time.*``."""
        jws = jose.parse(compact, SIGNED_TYP, what="the signed metadata", limit=MAX_DOCUMENT)
        jws.verify(key_of(jws))
        claims = jws.claims
        if claims.get("sub") != issuer:
            raise ProtocolError("request.issuer_mismatch", "sub is not the issuer that was asked")
        if numeric_date(claims.get("iat"), "iat") - at.timestamp() > oauth.FUTURE:
            raise ValidityError("time.not_yet_valid", "the signed metadata is dated in the future")
        if "exp" in claims and at.timestamp() >= numeric_date(claims["exp"], "exp"):
            raise ValidityError("time.expired", "the signed metadata has expired")
        return cls._of(claims, issuer, loopback=loopback)

    @classmethod
    def _of(cls, members: Mapping[str, Json], issuer: str, *, loopback: bool) -> IssuerMetadata:
        if member(members, "credential_issuer", str) != issuer:
            raise ProtocolError("request.issuer_mismatch", "credential_issuer is not the issuer that was asked")
        servers = _listed(members, "authorization_servers")
        requests = optional(members, "credential_request_encryption", dict)
        responses = optional(members, "credential_response_encryption", dict)
        endpoints = {name: optional(members, name, str) for name in _ENDPOINTS}
        for name, text in endpoints.items():
            if text is not None:
                oauth.url(text, name, loopback=loopback)
        return cls(
            credential_issuer=identifier(issuer, "credential_issuer", loopback=loopback),
            credential_endpoint=oauth.url(
                member(members, "credential_endpoint", str), "credential_endpoint", loopback=loopback
            ),
            configurations=_configurations(members),
            authorization_servers=tuple(
                identifier(server, "an authorization server", loopback=loopback) for server in servers
            ),
            nonce_endpoint=endpoints["nonce_endpoint"],
            deferred_credential_endpoint=endpoints["deferred_credential_endpoint"],
            notification_endpoint=endpoints["notification_endpoint"],
            request_encryption=None if requests is None else RequestEncryption.of(requests),
            response_encryption=None if responses is None else ResponseEncryption.of(responses),
            batch_size=_batch_size(members),
            display=displays_of(members, named=False),
        )

    @property
    def servers(self) -> tuple[str, ...]:
        """The authorization servers; the issuer itself where it names none."""
        return self.authorization_servers or (self.credential_issuer,)

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {
            "credential_issuer": self.credential_issuer,
            "authorization_servers": list(self.authorization_servers),
            "credential_endpoint": self.credential_endpoint,
            **{name: getattr(self, name) for name in _ENDPOINTS},
            "credential_request_encryption": self.request_encryption and self.request_encryption.to_json(),
            "credential_response_encryption": self.response_encryption and self.response_encryption.to_json(),
            "batch_credential_issuance": {"batch_size": self.batch_size} if self.batch_size > 1 else None,
            "display": displays_to_json(self.display),
        }
        configurations = {id_: found.to_json() for id_, found in self.configurations.items()}
        kept = {name: value for name, value in members.items() if value}
        return kept | {"credential_configurations_supported": configurations}

    def to_bytes(self) -> bytes:
        """As JSON text."""
        return self._raw

    @cached_property
    def _raw(self) -> bytes:
        """Kept: of two hundred kinds it has more than a megabyte, and every wallet asks for it."""
        return jose.to_json(self.to_json())

    def signed(self, signer: Signer, *, at: datetime, until: datetime) -> str:
        """As a signed document (§12.2.3)."""
        dates = {"iat": int(at.timestamp()), "exp": int(until.timestamp())}
        return jose.sign(SIGNED_TYP, {"sub": self.credential_issuer, **dates, **self.to_json()}, signer)


def prefers_signed(accept: Sequence[str]) -> bool:
    """Whether a signed document is asked for by ``Accept`` headers (§12.2.2): by name, and rather than a plain one."""
    weights = dict(_weight(part) for line in accept for part in line.split(","))
    return weights.get(SIGNED, 0.0) > weights.get("application/json", 0.0)


def _weight(part: str) -> tuple[str, float]:
    """A media type and how much it is wanted (RFC 9110 §12.5.1)."""
    name, *parameters = (each.strip().lower() for each in part.split(";"))
    given = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    return name, float(given) if _WEIGHT.match(given) else 0.0


def _configurations(members: Mapping[str, Json]) -> Mapping[str, CredentialConfiguration]:
    found = member(members, "credential_configurations_supported", dict)
    if len(found) > _MAX_CONFIGURATIONS:
        refuse("limit.count", f"{len(found)} configurations, at most {_MAX_CONFIGURATIONS} are read")
    return {id_: CredentialConfiguration.of(id_, value) for id_, value in found.items()}


def _batch_size(members: Mapping[str, Json]) -> int:
    batch = optional(members, "batch_credential_issuance", dict)
    size = 1 if batch is None else member(batch, "batch_size", int)
    if batch is not None and size < 2:
        refuse("malformed.claim_type", f"batch_size is {size}, expected 2 or more")
    return size


@dataclass(frozen=True, kw_only=True)
class AuthorizationServerMetadata:
    """Where tokens are had and how (RFC 8414 §2; OpenID4VCI §12.3; RFC 9449 §5.1).

    ``anonymous`` says whether a pre-authorized code is taken from a client that does not say who it is.
    ``status_lists`` is where all status lists of the issuer are listed (Token Status List §9.1).
    """

    issuer: str
    token_endpoint: str | None = None
    grant_types: tuple[str, ...] = ("authorization_code", "implicit")
    dpop_algorithms: tuple[str, ...] = ()
    anonymous: bool = False
    status_lists: str | None = None

    @classmethod
    def build(cls, issuer: str) -> AuthorizationServerMetadata:
        """The metadata of a server that takes pre-authorized codes from anybody and binds tokens with DPoP."""
        return cls(
            issuer=issuer,
            token_endpoint=f"{issuer}/token",
            grant_types=(PRE_AUTHORIZED,),
            dpop_algorithms=tuple(sorted(ALGORITHMS)),
            anonymous=True,
            status_lists=f"{issuer}/status",
        )

    @classmethod
    def parse(cls, raw: bytes | str, issuer: str, *, loopback: bool = False) -> AuthorizationServerMetadata:
        """The metadata that was fetched for a server's identifier; ``malformed.*``, ``request.issuer_mismatch``.

        A token endpoint elsewhere is a mismatch too: a code goes nowhere but to the server that the issuer named.
        """
        members = json_object(raw, "the authorization server's metadata")
        if member(members, "issuer", str) != issuer:
            raise ProtocolError("request.issuer_mismatch", "issuer is not the authorization server that was asked")
        token_endpoint = optional(members, "token_endpoint", str)
        if token_endpoint is not None:
            oauth.url(token_endpoint, "token_endpoint", loopback=loopback)
            token_at, at = oauth.split_url(token_endpoint, "token_endpoint"), oauth.split_url(issuer, "issuer")
            if (token_at.scheme, token_at.netloc) != (at.scheme, at.netloc):
                raise ProtocolError("request.issuer_mismatch", "token_endpoint is not on the host of the server")
        known = cls(issuer=identifier(issuer, "issuer", loopback=loopback), token_endpoint=token_endpoint)
        return replace(
            known,
            grant_types=_listed(members, "grant_types_supported") or known.grant_types,
            dpop_algorithms=_listed(members, "dpop_signing_alg_values_supported"),
            anonymous=optional(members, _ANONYMOUS, bool) or False,
            status_lists=optional(members, _AGGREGATION, str),
        )

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {
            "issuer": self.issuer,
            "token_endpoint": self.token_endpoint,
            "grant_types_supported": list(self.grant_types),
            "token_endpoint_auth_methods_supported": ["none"],
            "dpop_signing_alg_values_supported": list(self.dpop_algorithms),
            _AGGREGATION: self.status_lists,
            _ANONYMOUS: self.anonymous,
        }
        return {name: value for name, value in members.items() if value}  # RFC 8414 §3.2: no empty arrays

    def to_bytes(self) -> bytes:
        """As JSON text."""
        return jose.to_json(self.to_json())


_ANONYMOUS: Final = "pre-authorized_grant_anonymous_access_supported"
_AGGREGATION: Final = "status_list_aggregation_endpoint"


def _listed(members: Mapping[str, Json], name: str) -> tuple[str, ...]:
    return strings(members[name], name) if name in members else ()
