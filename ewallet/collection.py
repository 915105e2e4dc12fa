"""Credentials as a wallet collects them from an issuer (OpenID4VCI 1.0 §7 to §11): asked for, checked, acknowledged.

Keys are made for one request and handed over with what was received: what fails leaves nothing behind. Nothing is kept
here. Section numbers are those of OpenID4VCI 1.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ewallet import jose, oid4vci
from ewallet.conversation import Conversation, media_type, refuse
from ewallet.credential import Credential, Path
from ewallet.errors import CryptoError, EWalletError, Malformed, PolicyError, ProtocolError
from ewallet.flow import Flow, Request
from ewallet.formats import FORMATS, open_any
from ewallet.keys import SigningKey
from ewallet.oauth import Authorization
from ewallet.oid4vci import (
    CredentialRequest,
    CredentialResponse,
    DeferredRequest,
    DeferredResponse,
    Event,
    NotificationRequest,
)
from ewallet.oid4vci import proof as oid4vci_proof
from ewallet.oid4vci.configuration import CredentialConfiguration
from ewallet.oid4vci.metadata import ENCRYPTION_ALG, IssuerMetadata, Recipient
from ewallet.ranks import Rank
from ewallet.shape import MAX_DOCUMENT
from ewallet.subject import is_reference, without
from ewallet.trust import TrustList

_ALGORITHMS: Final = ("ES256", "EdDSA", "ES384", "ES512")  # of holders' keys, in the order we like them
_ENCRYPTIONS: Final = ("A256GCM", "A128GCM")
_MAX_NONCE: Final = 64 * 1024  # bytes of a nonce response
_LONGEST_WAIT: Final = 7 * 24 * 3600  # seconds; an issuer that says more is asked after a week all the same


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What an issuer has not made yet: whom to ask again, not before ``due``, and with what."""

    issuer: str
    configuration_id: str
    type_id: str
    due: datetime
    transaction_id: str = field(repr=False)
    token: Authorization = field(repr=False)
    bound: bytes | None = field(repr=False)  # the key of the token
    keys: Mapping[str, bytes] = field(repr=False)  # to be bound to, by thumbprint
    ranks: Mapping[str, int] = field(default_factory=dict)  # those of the copies, by thumbprint

    @property
    def id(self) -> str:
        """The wallet's own identifier of it."""
        return next(iter(self.keys))


@dataclass(frozen=True, kw_only=True)
class Received:
    """Copies of one credential, each of them checked, and the keys they are bound to and ranks, by thumbprint."""

    raws: tuple[str, ...] = field(repr=False)
    credentials: tuple[Credential, ...] = ()
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    ranks: Mapping[str, int] = field(default_factory=dict)
    notification_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One credential to ask for: its configuration, the identifier that the token names it by, a rank for each copy."""

    configuration: CredentialConfiguration
    identifier: str | None
    ranks: tuple[Rank, ...]


def check(raw: str, trust: TrustList, at: datetime) -> Credential:
    """What a credential says, if a trusted issuer signed it, for now.

    Raises ``trust.*``, ``crypto.*``, ``sdjwt.*``, ``time.*`` or ``malformed.*``.
    """
    format_id, evidence = open_any(raw)
    path = trust.check(evidence.chain, "issuer", at, type_id=evidence.type_id)
    path.check_issuer(evidence.issuer)
    evidence.check_signature(path.key)
    credential = FORMATS[format_id].read(raw)
    credential.validity.check(at)
    return credential


def thumbprint(credential: Credential) -> str:
    """That of the key it is bound to; ``crypto.key_invalid`` where it is bound to none."""
    if credential.holder is None:
        raise CryptoError("crypto.key_invalid", "a copy that is bound to no key")
    return credential.holder.thumbprint


def said(credential: Credential) -> tuple[str, tuple[Path, ...]]:
    """What a copy says of the person, to be compared: JSON, since 1 is not true there."""
    claims = {name: value for name, value in without(credential.claims).items() if name not in credential.registered}
    shown = (path for path in credential.shown if not is_reference(path))
    return json.dumps(claims, sort_keys=True), tuple(sorted(shown, key=repr))


def algorithm(configuration: CredentialConfiguration) -> str | None:
    """The algorithm of the keys to bind it to; None where format or proof are not spoken here."""
    proof = configuration.proof_types.get("jwt")
    if configuration.type_id is None or proof is None or proof.attestation is not None:
        return None
    return next((alg for alg in _ALGORITHMS if alg in proof.algorithms), None)


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One issuer that gives out what a token is for."""

    trust: TrustList
    talk: Conversation
    metadata: IssuerMetadata
    token: Authorization

    def ask(self, wanted: Wanted) -> Flow[Received | Pending]:
        """The copies, or what stands for them until they are made."""
        configuration = wanted.configuration
        keys = [SigningKey.generate(algorithm(configuration) or "") for _ in wanted.ranks]
        private = {key.public.thumbprint: key.secret() for key in keys}
        ranks = {key.public.thumbprint: rank.number for key, rank in zip(keys, wanted.ranks, strict=True)}
        answer = yield from self._proven(wanted, keys)
        if isinstance(answer, CredentialResponse):
            return (yield from self._checked(answer, configuration, private, ranks))
        return Pending(
            issuer=self.metadata.credential_issuer,
            configuration_id=configuration.id,
            type_id=configuration.type_id or "",
            due=self._due(answer),
            transaction_id=answer.transaction_id,
            token=self.token,
            bound=self.talk.key.secret() if self.talk.key else None,
            keys=private,
            ranks=ranks,
        )

    def ask_again(self, pending: Pending) -> Flow[Received | Pending]:
        """What the issuer deferred (§9), or when to ask once more."""
        configuration = self.metadata.configurations.get(pending.configuration_id)
        endpoint = self.metadata.deferred_credential_endpoint
        if endpoint is None or configuration is None:
            raise ProtocolError("offer.refused", "the issuer has given up what it deferred")
        answer = yield from self._post(endpoint, DeferredRequest(transaction_id=pending.transaction_id))
        if isinstance(answer, CredentialResponse):
            return (yield from self._checked(answer, configuration, pending.keys, pending.ranks))
        return replace(pending, due=self._due(answer), transaction_id=answer.transaction_id)

    def notify(self, results: Iterable[Received | Pending], event: Event) -> Flow[None]:
        """Tell the issuer what became of credentials (§11), where it wants to know; it is told once."""
        endpoint = self.metadata.notification_endpoint
        ids = [result.notification_id for result in results if isinstance(result, Received)]
        for id_ in filter(None, ids if endpoint else ()):
            body = NotificationRequest(notification_id=id_, event=event).to_bytes()
            request = Request("POST", endpoint or "", {"content-type": "application/json"}, body)
            try:
                yield from self.talk.send(request, self.token)
            except EWalletError:
                continue  # what was received is received

    def _proven(self, wanted: Wanted, keys: Sequence[SigningKey]) -> Flow[CredentialResponse | DeferredResponse]:
        """§8: asked once more, with another nonce, where the first was not taken any more."""
        try:
            return (yield from self._prove(wanted, keys))
        except ProtocolError as exc:
            if exc.error != "invalid_nonce":
                raise
        return (yield from self._prove(wanted, keys))

    def _prove(self, wanted: Wanted, keys: Sequence[SigningKey]) -> Flow[CredentialResponse | DeferredResponse]:
        nonce, issuer = (yield from self._nonce()), self.metadata.credential_issuer
        at = self.talk.now()
        request = CredentialRequest(
            configuration_id=None if wanted.identifier else wanted.configuration.id,
            identifier=wanted.identifier,
            proof_type="jwt",
            proofs=tuple(
                oid4vci_proof.prove(key, issuer=issuer, at=at, nonce=nonce, salt=rank.salt)
                for key, rank in zip(keys, wanted.ranks, strict=True)
            ),
        )
        return (yield from self._post(self.metadata.credential_endpoint, request))

    def _nonce(self) -> Flow[str | None]:
        """§7: a fresh nonce; where the endpoint fails, no proof is made without one."""
        endpoint = self.metadata.nonce_endpoint
        if endpoint is None:
            return None
        return oid4vci.parse_nonce_response((yield from self.talk.nonce(endpoint, limit=_MAX_NONCE)))

    def _post(
        self, url: str, asked: CredentialRequest | DeferredRequest
    ) -> Flow[CredentialResponse | DeferredResponse]:
        """The answer to a request for credentials, encrypted both ways where the issuer can (§10)."""
        enc = _encryption(self.metadata)
        key = jose.new_encryption_key() if enc else None
        if key and enc:
            public = {name: value for name, value in key.items() if name != "d"}
            asked = replace(asked, recipient=Recipient(jwk=public, enc=enc))
        response = yield from self.talk.send(_request(url, asked, self.metadata), self.token)
        if response.status not in {200, 202}:
            refuse(response)
        raw = oid4vci.open_response(response.body, media_type(response), key)
        return oid4vci.parse_credential_response(raw, response.status)

    def _checked(
        self,
        answer: CredentialResponse,
        configuration: CredentialConfiguration,
        keys: Mapping[str, bytes],
        ranks: Mapping[str, int],
    ) -> Flow[Received]:
        """What came, if it is what was offered, bound to our keys; the issuer hears if it is not."""
        received = Received(raws=answer.credentials, notification_id=answer.notification_id)
        try:
            credentials = self._read(answer.credentials, configuration, keys)
        except EWalletError:
            yield from self.notify([received], "credential_failure")
            raise
        used = [thumbprint(credential) for credential in credentials]
        return replace(received, credentials=credentials, keys={name: keys[name] for name in used}, ranks=ranks)

    def _read(
        self, raws: Sequence[str], configuration: CredentialConfiguration, keys: Mapping[str, bytes]
    ) -> tuple[Credential, ...]:
        if len(raws) > len(keys):
            raise Malformed("limit.count", f"{len(raws)} credentials for {len(keys)} keys")
        at = self.talk.now()
        credentials = tuple(check(raw, self.trust, at) for raw in raws)
        expected = configuration.format, configuration.type_id
        if any((credential.format, credential.type_id) != expected for credential in credentials):
            raise PolicyError("policy.vct_not_accepted", "a credential of another type than was offered")
        bound = [thumbprint(credential) for credential in credentials]
        if not keys.keys() >= set(bound) or len(set(bound)) < len(bound):
            raise CryptoError("crypto.key_invalid", "a copy bound to a key that was not proven, or two to one key")
        return credentials

    def _due(self, answer: DeferredResponse) -> datetime:
        return self.talk.now() + timedelta(seconds=min(answer.interval, _LONGEST_WAIT))


def unsupported(detail: str) -> ProtocolError:
    """The error for an offer that can only be taken in a way that is not spoken here."""
    return ProtocolError("offer.unsupported", detail)


def _encryption(metadata: IssuerMetadata) -> str | None:
    """The content encryption to ask for; None where the issuer encrypts in no way that is spoken here, and need not.

    Who asks for an encrypted answer must be able to encrypt the request (§8.2).
    """
    answers, requests = metadata.response_encryption, metadata.request_encryption
    if answers is None:
        return None
    enc = next((enc for enc in _ENCRYPTIONS if enc in answers.enc_values), None)
    if enc and ENCRYPTION_ALG in answers.alg_values and requests and requests.recipient:
        return enc
    if answers.required:
        raise unsupported("the answer must be encrypted in a way that is not spoken here")
    return None


def _request(url: str, asked: CredentialRequest | DeferredRequest, metadata: IssuerMetadata) -> Request:
    """The request, encrypted where the issuer wants that or the answer is to be (§8.2)."""
    body, rules = asked.to_bytes(), metadata.request_encryption
    if asked.recipient is None and not (rules and rules.required):
        headers = {"content-type": "application/json", "accept": "application/json"}
        return Request("POST", url, headers, body, limit=MAX_DOCUMENT)
    recipient = rules.recipient if rules else None
    if recipient is None:
        raise unsupported("the request must be encrypted in a way that is not spoken here")
    headers = {"content-type": "application/jwt", "accept": "application/jwt, application/json"}
    return Request("POST", url, headers, recipient.encrypt(body).encode("ascii"), limit=MAX_DOCUMENT)
