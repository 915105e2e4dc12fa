"""The messages of OpenID4VCI 1.0 between wallet and issuer, both directions. Section numbers are of OpenID4VCI 1.0.

The offer is in :mod:`ewallet.oid4vci.offer`, metadata in :mod:`ewallet.oid4vci.metadata`, key proofs in
:mod:`ewallet.oid4vci.proof`. What an issuer cannot read is a :class:`ewallet.errors.ProtocolError` with the error of
the text; what a wallet cannot read is :class:`ewallet.errors.Malformed`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast, get_args

from ewallet import jose, oauth
from ewallet.errors import CryptoError, ProtocolError
from ewallet.oid4vci.configuration import CredentialConfiguration
from ewallet.oid4vci.metadata import PRE_AUTHORIZED, IssuerMetadata, Recipient, public_encryption_key
from ewallet.shape import MAX_DOCUMENT, Json, instance, json_object, member, optional, refuse, strings

_DETAIL_TYPE: Final = "openid_credential"
_JSON: Final = "application/json"
_JWT: Final = "application/jwt"
_MAX_REQUEST: Final = 1024 * 1024  # bytes: a hundred proofs with attestations


def _wrong(detail: str, error: str, *, status: int = 400) -> ProtocolError:
    return ProtocolError("request.invalid", detail, error=error, status=status)


def _text(members: Mapping[str, Json], name: str) -> str:
    text = member(members, name, str)
    if not text:
        refuse("malformed.claim_type", f"{name} is empty")
    return text


@dataclass(frozen=True, kw_only=True)
class AuthorizationDetail:
    """A configuration that is asked for or granted (§5.1.1), and the credentials it was granted for (§6.2)."""

    configuration_id: str
    identifiers: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: Json) -> tuple[AuthorizationDetail, ...]:
        """Those of an ``authorization_details`` array; other types are left out; ``malformed.claim_type``."""
        entries = [instance(entry, dict, "an authorization detail") for entry in instance(value, list, "the details")]
        return tuple(cls._of(entry) for entry in entries if member(entry, "type", str) == _DETAIL_TYPE)

    @classmethod
    def _of(cls, members: Mapping[str, Json]) -> AuthorizationDetail:
        return cls(
            configuration_id=_text(members, "credential_configuration_id"),
            identifiers=_listed(members, "credential_identifiers"),
            locations=_listed(members, "locations"),
        )

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        lists = {"credential_identifiers": self.identifiers, "locations": self.locations}
        first = {"type": _DETAIL_TYPE, "credential_configuration_id": self.configuration_id}
        return first | {name: list(values) for name, values in lists.items() if values}


def _listed(members: Mapping[str, Json], name: str) -> tuple[str, ...]:
    return strings(members[name], name) if name in members else ()


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """A pre-authorized code for a token (§6.1).

    ``client_id`` is what a client calls itself; ``credentials`` are the names of the parameters by which it would prove
    it, which say what they were only to a server that takes them.
    """

    code: str = field(repr=False)
    tx_code: str | None = field(default=None, repr=False)
    client_id: str | None = None
    credentials: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, raw: bytes) -> TokenRequest:
        """The request of a form: ``invalid_request``, ``unsupported_grant_type``."""
        members = oauth.parse_form(raw)
        if "grant_type" not in members:
            raise _wrong("grant_type is missing", "invalid_request")
        if members["grant_type"] != PRE_AUTHORIZED:
            raise _wrong("another grant than that of a pre-authorized code", "unsupported_grant_type")
        if "pre-authorized_code" not in members:
            raise _wrong("no pre-authorized_code", "invalid_request")
        return cls(
            code=members["pre-authorized_code"],
            tx_code=members.get("tx_code"),
            client_id=members.get("client_id"),
            credentials=oauth.CREDENTIALS & members.keys(),
        )

    def to_bytes(self) -> bytes:
        """As a form."""
        members = {
            "grant_type": PRE_AUTHORIZED,
            "pre-authorized_code": self.code,
            "tx_code": self.tx_code,
            "client_id": self.client_id,
        }
        return oauth.form({name: value for name, value in members.items() if value is not None})

    def check_client(self, *, anonymous: bool) -> None:
        """Return if it says who asks, or need not: ``invalid_client``."""
        if self.client_id is None and not anonymous:
            raise _wrong("client_id is missing", "invalid_client", status=401)

    def check_tx_code(self, *, required: bool) -> None:
        """Return if it has a transaction code exactly where one was announced (§6.3): ``invalid_request``."""
        if (self.tx_code is not None) != required:
            raise _wrong(f"tx_code is {'missing' if required else 'not expected'}", "invalid_request")


_TOKEN: Final = re.compile(r"[\x21-\x7e]+\Z")  # RFC 6749 App. A.12, without the space that no header could carry


@dataclass(frozen=True, kw_only=True)
class TokenResponse:
    """An access token (§6.2); ``token_type`` is ``Bearer`` or ``DPoP``, ``expires_in`` is in seconds."""

    access_token: str = field(repr=False)
    token_type: str
    expires_in: int | None = None
    details: tuple[AuthorizationDetail, ...] = ()

    @classmethod
    def parse(cls, raw: bytes | str) -> TokenResponse:
        """The response of a JSON text; ``malformed.*``."""
        members = json_object(raw, "the token response")
        token, kind = member(members, "access_token", str), member(members, "token_type", str)
        known = {"bearer": "Bearer", "dpop": "DPoP"}.get(kind.lower())
        if known is None or not _TOKEN.match(token):
            refuse("malformed.claim_type", "not a bearer or dpop token")
        lifetime = optional(members, "expires_in", int)
        details = AuthorizationDetail.parse(members.get("authorization_details", []))
        if (lifetime is not None and lifetime < 0) or not all(detail.identifiers for detail in details):
            refuse("malformed.claim_type", "expires_in is negative, or a detail has no credential_identifiers")
        return cls(access_token=token, token_type=known, expires_in=lifetime, details=details)

    def to_bytes(self) -> bytes:
        """As JSON text."""
        members: dict[str, Json] = {"access_token": self.access_token, "token_type": self.token_type}
        if self.expires_in is not None:
            members["expires_in"] = self.expires_in
        if self.details:
            members["authorization_details"] = [detail.to_json() for detail in self.details]
        return jose.to_json(members)

    @property
    def authorization(self) -> oauth.Authorization:
        """How it is shown to the issuer."""
        return oauth.Authorization(scheme=self.token_type, token=self.access_token)


def nonce_response(nonce: str) -> bytes:
    """The answer of the nonce endpoint (§7.2)."""
    return jose.to_json({"c_nonce": nonce})


def parse_nonce_response(raw: bytes | str) -> str:
    """The ``c_nonce``; ``malformed.*``."""
    return _text(json_object(raw, "the nonce response"), "c_nonce")


def decrypt(compact: bytes | str, keys: Iterable[Mapping[str, Json]]) -> bytes:
    """The plaintext of a JWE to that one of our private JWKs which it names by ``kid`` (§10); ``crypto.*``."""
    try:
        text = compact if isinstance(compact, str) else compact.decode("ascii")
    except UnicodeDecodeError:
        refuse("malformed.encoding", "not ascii")
    kid = jose.encryption_header(text).get("kid")
    for key in keys:
        if key.get("kid") == kid:
            return jose.decrypt(text, key)
    raise CryptoError("crypto.decrypt_failed", "encrypted to a key that is not ours")


def open_request(body: bytes, content_type: str, keys: Iterable[Mapping[str, Json]]) -> tuple[bytes, bool]:
    """The JSON text of a request to the issuer, and whether it came encrypted (§8.2, §10).

    Errors ``invalid_encryption_parameters``; ``invalid_credential_request`` (415) for another media type.
    """
    if _is(content_type, _JWT):
        with oauth.refusing("invalid_encryption_parameters"):
            return decrypt(body, keys), True
    if not _is(content_type, _JSON):
        raise _wrong("another media type than application/json", "invalid_credential_request", status=415)
    return body, False


def open_response(body: bytes, content_type: str, key: Mapping[str, Json] | None) -> bytes:
    """The JSON text of a response to the wallet, which must be encrypted to the key it asked to have it encrypted to.

    Raises ``crypto.not_encrypted``, ``crypto.decrypt_failed`` and, for another media type, ``malformed.encoding``.
    """
    if key is not None:
        if not _is(content_type, _JWT):
            raise CryptoError("crypto.not_encrypted", "the response is in the clear, although encryption was asked for")
        return decrypt(body, (key,))
    if not _is(content_type, _JSON):
        refuse("malformed.encoding", "another media type than application/json")
    return body


def _is(content_type: str, media_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == media_type


def _recipient(members: Mapping[str, Json]) -> Recipient | None:
    """``credential_response_encryption`` (§8.2); compression is not offered, so that none may be asked for."""
    wanted = optional(members, "credential_response_encryption", dict)
    if wanted is None:
        return None
    if "zip" in wanted:
        refuse("malformed.claim_type", "zip is not offered")
    return Recipient(jwk=public_encryption_key(wanted.get("jwk"), named=False), enc=member(wanted, "enc", str))


def _to_recipient(recipient: Recipient | None) -> dict[str, Json]:
    if recipient is None:
        return {}
    return {"credential_response_encryption": {"jwk": dict(recipient.jwk), "enc": recipient.enc}}


def _check_encryption(recipient: Recipient | None, metadata: IssuerMetadata, *, encrypted: bool) -> None:
    """§8.2, §10: encrypted where it must be, the answer as is offered: ``invalid_encryption_parameters``."""
    answers, requests = metadata.response_encryption, metadata.request_encryption
    if not encrypted and (recipient or (requests and requests.required)):
        detail = "the request must be encrypted, at any rate where the response is to be"
        raise _wrong(detail, "invalid_encryption_parameters")
    if recipient is None and answers and answers.required:
        raise _wrong("credential_response_encryption is missing", "invalid_encryption_parameters")
    if recipient and not (answers and answers.takes(recipient)):
        raise _wrong("a key or encryption that is not offered", "invalid_encryption_parameters")


@dataclass(frozen=True, kw_only=True)
class CredentialRequest:
    """What credential is wanted, the proofs of the keys to bind it to, and whom to encrypt it to (§8.2).

    Exactly one of ``identifier`` and ``configuration_id``. ``encrypted`` says whether it came encrypted.
    """

    configuration_id: str | None = None
    identifier: str | None = None
    proof_type: str | None = None
    proofs: tuple[str, ...] = field(default=(), repr=False)
    recipient: Recipient | None = None
    encrypted: bool = False

    @classmethod
    def parse(cls, raw: bytes | str, *, encrypted: bool = False) -> CredentialRequest:
        """The request of a JSON text, decrypted before if it was encrypted.

        Errors ``invalid_credential_request``, ``invalid_proof``, ``invalid_encryption_parameters``.
        """
        with oauth.refusing("invalid_credential_request"):
            members = json_object(raw, "the credential request", limit=_MAX_REQUEST)
            configuration_id = optional(members, "credential_configuration_id", str)
            identifier = optional(members, "credential_identifier", str)
            if (configuration_id is None) == (identifier is None):
                refuse("malformed.claim_type", "not one of credential_identifier and credential_configuration_id")
            proof_type, proofs = _proofs(members)
        with oauth.refusing("invalid_encryption_parameters"):
            recipient = _recipient(members)
        return cls(
            configuration_id=configuration_id,
            identifier=identifier,
            proof_type=proof_type,
            proofs=proofs,
            recipient=recipient,
            encrypted=encrypted,
        )

    def to_bytes(self) -> bytes:
        """As JSON text."""
        name = "credential_identifier" if self.identifier is not None else "credential_configuration_id"
        members: dict[str, Json] = {name: self.identifier or self.configuration_id, **_to_recipient(self.recipient)}
        if self.proof_type is not None:
            members["proofs"] = {self.proof_type: list(self.proofs)}
        return jose.to_json(members)

    def check(
        self, metadata: IssuerMetadata, *, granted: Collection[str], identifiers: Mapping[str, str] | None = None
    ) -> CredentialConfiguration:
        """The configuration that is asked for, if the token grants it and the request keeps to the metadata.

        ``granted`` are the configurations of the token; ``identifiers``, where the token response had any, say which
        configuration each is of. Errors ``unknown_credential_configuration``, ``unknown_credential_identifier``,
        ``credential_request_denied``, ``invalid_credential_request``, ``invalid_encryption_parameters``.
        """
        found = metadata.configurations.get(self._configuration(identifiers or {}))
        if found is None:
            raise _wrong("a configuration that is not offered", "unknown_credential_configuration")
        if found.id not in granted:
            raise _wrong("a configuration that the token is not for", "credential_request_denied")
        if len(self.proofs) > metadata.batch_size:
            detail = f"{len(self.proofs)} proofs, at most {metadata.batch_size} are taken"
            raise _wrong(detail, "invalid_credential_request")
        _check_encryption(self.recipient, metadata, encrypted=self.encrypted)
        return found

    def _configuration(self, identifiers: Mapping[str, str]) -> str:
        if self.configuration_id is not None:
            if identifiers:
                detail = "a credential_configuration_id, although the token came with credential identifiers"
                raise _wrong(detail, "invalid_credential_request")
            return self.configuration_id
        if self.identifier not in identifiers:
            raise _wrong("an identifier that the token did not come with", "unknown_credential_identifier")
        return identifiers[cast(str, self.identifier)]


def _proofs(members: Mapping[str, Json]) -> tuple[str | None, tuple[str, ...]]:
    """§8.2: of exactly one type; whether there must be any is for the configuration to say."""
    proofs = optional(members, "proofs", dict)
    if proofs is None:
        return None, ()
    if len(proofs) != 1:
        refuse("malformed.claim_type", f"{len(proofs)} types of proof, expected 1")
    ((proof_type, value),) = proofs.items()
    with oauth.refusing("invalid_proof"):
        return proof_type, strings(value, "proofs")


@dataclass(frozen=True, kw_only=True)
class CredentialResponse:
    """Credentials, no more than keys were proven (§8.3); ``notification_id`` where the issuer wants to know."""

    credentials: tuple[str, ...] = field(repr=False)
    notification_id: str | None = None
    status: int = field(default=200, init=False)

    def to_bytes(self) -> bytes:
        """As JSON text."""
        members: dict[str, Json] = {"credentials": [{"credential": credential} for credential in self.credentials]}
        if self.notification_id is not None:
            members["notification_id"] = self.notification_id
        return jose.to_json(members)


@dataclass(frozen=True, kw_only=True)
class DeferredResponse:
    """Not yet: ask again with the ``transaction_id``, not before ``interval`` seconds have passed (§8.3, §9.2)."""

    transaction_id: str
    interval: int
    status: int = field(default=202, init=False)

    def to_bytes(self) -> bytes:
        """As JSON text."""
        return jose.to_json({"transaction_id": self.transaction_id, "interval": self.interval})


def parse_credential_response(raw: bytes | str, status: int) -> CredentialResponse | DeferredResponse:
    """The answer of the credential or deferred endpoint, decrypted before if it was encrypted; ``malformed.*``."""
    members = json_object(raw, "the credential response", limit=MAX_DOCUMENT)
    if ("credentials" in members, "transaction_id" in members) != (status != 202, status == 202):
        refuse("malformed.claim_type", "neither credentials alone with 200, nor a transaction_id alone with 202")
    if status == 202:
        interval = member(members, "interval", int)
        if interval <= 0:
            refuse("malformed.claim_type", "interval is not positive")
        return DeferredResponse(transaction_id=_text(members, "transaction_id"), interval=interval)
    entries = [instance(entry, dict, "a credential") for entry in member(members, "credentials", list)]
    if not entries:
        refuse("malformed.claim_type", "credentials is empty")
    return CredentialResponse(
        credentials=tuple(_text(entry, "credential") for entry in entries),
        notification_id=optional(members, "notification_id", str),
    )


@dataclass(frozen=True, kw_only=True)
class DeferredRequest:
    """Ask again (§9.1); the encryption may be another than the first time."""

    transaction_id: str
    recipient: Recipient | None = None
    encrypted: bool = False

    @classmethod
    def parse(cls, raw: bytes | str, *, encrypted: bool = False) -> DeferredRequest:
        """The request of a JSON text: ``invalid_transaction_id``, ``invalid_encryption_parameters``."""
        with oauth.refusing("invalid_transaction_id"):
            members = json_object(raw, "the deferred request", limit=_MAX_REQUEST)
            transaction_id = _text(members, "transaction_id")
        with oauth.refusing("invalid_encryption_parameters"):
            return cls(transaction_id=transaction_id, recipient=_recipient(members), encrypted=encrypted)

    def check(self, metadata: IssuerMetadata) -> None:
        """Return if it keeps to the metadata: ``invalid_encryption_parameters``."""
        _check_encryption(self.recipient, metadata, encrypted=self.encrypted)

    def to_bytes(self) -> bytes:
        """As JSON text."""
        return jose.to_json({"transaction_id": self.transaction_id, **_to_recipient(self.recipient)})


Event = Literal["credential_accepted", "credential_failure", "credential_deleted"]


@dataclass(frozen=True, kw_only=True)
class NotificationRequest:
    """What became of credentials (§11.1)."""

    notification_id: str
    event: Event
    description: str = ""

    @classmethod
    def parse(cls, raw: bytes | str) -> NotificationRequest:
        """The notification of a JSON text: ``invalid_notification_request``."""
        with oauth.refusing("invalid_notification_request"):
            members = json_object(raw, "the notification", limit=_MAX_REQUEST)
            event = member(members, "event", str)
            if event not in get_args(Event):
                refuse("malformed.claim_type", f"event is not one of {', '.join(get_args(Event))}")
            return cls(
                notification_id=_text(members, "notification_id"),
                event=cast(Event, event),
                description=oauth.printable(optional(members, "event_description", str) or ""),
            )

    def to_bytes(self) -> bytes:
        """As JSON text."""
        members = {"notification_id": self.notification_id, "event": self.event}
        return jose.to_json(members | ({"event_description": self.description} if self.description else {}))
