"""What an issuer offers in a QR code or a link (OpenID4VCI 1.0 §4), both directions.

An offer is not signed: whoever takes one checks the issuer as if it had turned to it by itself, and asks the person
before anything is fetched. Section numbers are those of OpenID4VCI 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from ewallet import jose, oauth
from ewallet.errors import Malformed, ProtocolError
from ewallet.oid4vci.metadata import PRE_AUTHORIZED, IssuerMetadata, identifier
from ewallet.shape import Json, json_object, member, optional, refuse, strings

SCHEME: Final = "openid-credential-offer"
_SCHEMES: Final = frozenset({SCHEME, "haip-vci"})  # HAIP 1.0 §4
_AUTHORIZATION_CODE: Final = "authorization_code"
_MAX_OFFER: Final = 16 * 1024  # bytes; a QR code holds less than 3 KiB
_MAX_DESCRIPTION: Final = 300  # characters (§4.1.1)
_LEGACY: Final = frozenset({"user_pin_required", "pre-authorized-code"})


@dataclass(frozen=True, kw_only=True)
class TxCode:
    """A code that comes to the person by another way (§4.1.1), and how to ask for it."""

    numeric: bool = True
    length: int | None = None
    description: str = ""

    @classmethod
    def of(cls, members: Mapping[str, Json]) -> TxCode:
        """Read one; an empty object asks for a code too; ``malformed.claim_type``."""
        mode = optional(members, "input_mode", str) or "numeric"
        length = optional(members, "length", int)
        description = optional(members, "description", str) or ""
        if mode not in {"numeric", "text"} or (length is not None and length < 1):
            refuse("malformed.claim_type", "input_mode or length of tx_code is none")
        if len(description) > _MAX_DESCRIPTION:
            refuse("malformed.claim_type", f"description has more than {_MAX_DESCRIPTION} characters")
        return cls(numeric=mode == "numeric", length=length, description=description)

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {} if self.numeric else {"input_mode": "text"}
        if self.length is not None:
            members["length"] = self.length
        return members | ({"description": self.description} if self.description else {})


@dataclass(frozen=True, kw_only=True)
class PreAuthorized:
    """A code that stands for somebody the issuer knows already; ``tx_code`` None asks for no further one."""

    code: str = field(repr=False)
    tx_code: TxCode | None = None
    authorization_server: str | None = None

    @classmethod
    def of(cls, members: Mapping[str, Json]) -> PreAuthorized:
        """Read one; ``malformed.claim_type``."""
        if not _LEGACY.isdisjoint(members):
            refuse("malformed.claim_type", "a grant as drafts had it")
        code = member(members, "pre-authorized_code", str)
        if not code:
            refuse("malformed.claim_type", "pre-authorized_code is empty")
        tx_code = optional(members, "tx_code", dict)
        return cls(
            code=code,
            tx_code=None if tx_code is None else TxCode.of(tx_code),
            authorization_server=optional(members, "authorization_server", str),
        )

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {"pre-authorized_code": self.code}
        if self.tx_code is not None:
            members["tx_code"] = self.tx_code.to_json()
        return members | ({"authorization_server": self.authorization_server} if self.authorization_server else {})


@dataclass(frozen=True, kw_only=True)
class AuthorizationCode:
    """The person has to sign in; ``issuer_state`` goes back to the issuer."""

    issuer_state: str | None = None
    authorization_server: str | None = None

    @classmethod
    def of(cls, members: Mapping[str, Json]) -> AuthorizationCode:
        """Read one; ``malformed.claim_type``."""
        return cls(
            issuer_state=optional(members, "issuer_state", str),
            authorization_server=optional(members, "authorization_server", str),
        )

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members = {"issuer_state": self.issuer_state, "authorization_server": self.authorization_server}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class CredentialOffer:
    """Which credentials of which issuer, and the grants by which they can be had."""

    issuer: str
    configuration_ids: tuple[str, ...]
    pre_authorized: PreAuthorized | None = None
    authorization_code: AuthorizationCode | None = None

    @classmethod
    def parse(cls, raw: bytes | str, *, loopback: bool = False) -> CredentialOffer:
        """The offer of a JSON text, who makes it not established; ``malformed.offer``, ``limit.size``.

        ``loopback`` as in :func:`ewallet.oauth.url`.
        """
        try:
            return cls._of(json_object(raw, "the offer", limit=_MAX_OFFER), loopback=loopback)
        except Malformed as exc:
            raise _malformed(exc) from None

    @classmethod
    def _of(cls, members: Mapping[str, Json], *, loopback: bool) -> CredentialOffer:
        ids = strings(members.get("credential_configuration_ids"), "credential_configuration_ids")
        if len(set(ids)) < len(ids):
            refuse("malformed.claim_type", "credential_configuration_ids repeats one")
        grants = optional(members, "grants", dict) or {}
        pre_authorized, code = optional(grants, PRE_AUTHORIZED, dict), optional(grants, _AUTHORIZATION_CODE, dict)
        return cls(
            issuer=identifier(member(members, "credential_issuer", str), "credential_issuer", loopback=loopback),
            configuration_ids=ids,
            pre_authorized=None if pre_authorized is None else PreAuthorized.of(pre_authorized),
            authorization_code=None if code is None else AuthorizationCode.of(code),
        )

    @property
    def tx_code_required(self) -> bool:
        """Whether the pre-authorized code needs a further one."""
        return self.pre_authorized is not None and self.pre_authorized.tx_code is not None

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        grants: dict[str, Json] = {}
        if self.authorization_code is not None:
            grants[_AUTHORIZATION_CODE] = self.authorization_code.to_json()
        if self.pre_authorized is not None:
            grants[PRE_AUTHORIZED] = self.pre_authorized.to_json()
        members: dict[str, Json] = {
            "credential_issuer": self.issuer,
            "credential_configuration_ids": list(self.configuration_ids),
        }
        return members | ({"grants": grants} if grants else {})

    def to_bytes(self) -> bytes:
        """As JSON text: what is served where an offer is taken by reference."""
        return jose.to_json(self.to_json())

    @property
    def uri(self) -> str:
        """The link that holds the offer itself (§4.1.2)."""
        return f"{SCHEME}://?credential_offer={quote(self.to_bytes(), safe='')}"

    def check(self, metadata: IssuerMetadata) -> str:
        """The authorization server to turn to, if the offer keeps to the metadata of its issuer.

        Raises ``malformed.offer`` for a configuration or server that the issuer does not have, and
        ``request.issuer_mismatch`` for the metadata of another.
        """
        if metadata.credential_issuer != self.issuer:
            raise ProtocolError("request.issuer_mismatch", "the metadata is of another issuer than the offer")
        if not set(self.configuration_ids) <= set(metadata.configurations):
            raise Malformed("malformed.offer", "a configuration that the issuer does not have")
        grants = [grant for grant in (self.pre_authorized, self.authorization_code) if grant]
        named = {grant.authorization_server for grant in grants if grant.authorization_server is not None}
        if not named <= set(metadata.servers) or len(named) > 1:
            raise Malformed("malformed.offer", "an authorization server that the issuer does not have")
        return named.pop() if named else metadata.servers[0]


@dataclass(frozen=True)
class OfferReference:
    """Where an offer can be fetched, once the person agrees (§4.1.3)."""

    url: str

    @property
    def uri(self) -> str:
        """The link that holds the reference."""
        return f"{SCHEME}://?credential_offer_uri={quote(self.url, safe='')}"


def parse_link(text: str, *, loopback: bool = False) -> CredentialOffer | OfferReference:
    """What a link or QR code offers, or where; ``malformed.offer``, ``limit.size``."""
    if len(text) > 3 * _MAX_OFFER:  # each byte may be escaped
        refuse("limit.size", f"the link has {len(text)} characters, at most {3 * _MAX_OFFER} are read")
    try:
        scheme, query = text.partition(":")[0].lower(), text.partition("?")[2]
        members = oauth.parse_form(query.encode("ascii"))
    except (UnicodeEncodeError, ProtocolError):
        raise Malformed("malformed.offer", "not a link with parameters, each once") from None
    held, reference = members.get("credential_offer"), members.get("credential_offer_uri")
    if scheme not in _SCHEMES or (held is None) == (reference is None):
        raise Malformed("malformed.offer", "not exactly one of credential_offer and credential_offer_uri")
    if held is not None:
        return CredentialOffer.parse(held, loopback=loopback)
    try:
        return OfferReference(oauth.url(reference or "", "credential_offer_uri", loopback=loopback))
    except Malformed as exc:
        raise _malformed(exc) from None


def _malformed(exc: Malformed) -> Malformed:
    return exc if exc.code.startswith("limit.") else Malformed("malformed.offer", str(exc))
