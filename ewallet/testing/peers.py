"""An issuer and a verifier over the wire, in memory: what the tests of a wallet talk to.

Both are made of the messages alone and keep their state in dictionaries; they are honest until they are told to
misbehave. A wallet's test::

    peer = IssuerPeer(ewallet_kit)
    ewallet_kit.wallet.accept(peer.offer("resident_register_copy"))

    bank = VerifierPeer(ewallet_kit)
    request = ewallet_kit.wallet.open(bank.ask(query))
    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))
    bank.verdicts  # one, accepted
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from ewallet import dpop, jose, oauth, oid4vci, oid4vp_response
from ewallet.credential import Claims
from ewallet.dcql import Query
from ewallet.errors import ProtocolError
from ewallet.flow import Request, Response
from ewallet.jose import new_encryption_key
from ewallet.oid4vci import CredentialRequest, CredentialResponse, DeferredRequest, DeferredResponse, TokenResponse
from ewallet.oid4vci_metadata import (
    AUTHORIZATION_SERVER,
    ISSUER,
    AuthorizationServerMetadata,
    IssuerMetadata,
    RequestEncryption,
    ResponseEncryption,
    well_known,
)
from ewallet.oid4vci_offer import CredentialOffer, OfferReference, PreAuthorized, TxCode
from ewallet.oid4vci_proof import ProofRules, check_proofs
from ewallet.oid4vp import AuthorizationRequest, VpToken
from ewallet.oid4vp_metadata import ClientMetadata
from ewallet.oid4vp_request import MEDIA_TYPE, Fetch, client_id, link, signed
from ewallet.oid4vp_response import Declined, Posted
from ewallet.shape import Json, to_base64url
from ewallet.testing.kit import PURPOSE, SUBJECT, Kit
from ewallet.verdict import Verdict

_JSON: Final = {"content-type": "application/json"}
_BATCH: Final = 10
_BOUND: Final = "DPoP"
_LIFE: Final = timedelta(minutes=5)

Host = Callable[[Request], Response]
Spoil = Callable[[Request, Response], Response]


@dataclass
class _Peer:
    """A host whose answers can be spoiled: ``spoil[path]`` is given request and answer, and says what is sent."""

    kit: Kit
    at: str
    spoil: dict[str, Spoil] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kit.network.route(f"{self.at}/", self)

    def __call__(self, request: Request) -> Response:
        path = urlsplit(request.url).path
        try:
            response = self._answer(request, path)
        except ProtocolError as exc:
            body = oauth.ErrorResponse.of(exc).to_bytes()
            response = Response(exc.status, _JSON | {k.lower(): v for k, v in exc.headers.items()}, body)
        first = f"/{path.split('/')[1]}"
        spoil = self.spoil.get(path) or self.spoil.get(first)
        return spoil(request, response) if spoil else response

    def _answer(self, request: Request, path: str) -> Response:
        raise NotImplementedError

    def _fresh(self) -> str:
        return to_base64url(self.kit.env.random(12))


@dataclass
class _Code:
    configuration_id: str
    claims: Claims
    tx_code: str | None


@dataclass
class IssuerPeer(_Peer):
    """An issuer and authorization server at the identifier of the kit's issuer.

    ``defer`` keeps credentials back until :meth:`ready`; ``encrypted`` demands encryption both ways; ``dpop_nonces``
    demands a nonce in every DPoP proof. ``notified`` lists what wallets told.
    """

    at: str = ""
    defer: bool = False
    encrypted: bool = False
    dpop_nonces: bool = True
    batch_size: int = _BATCH
    notified: list[tuple[str, str]] = field(default_factory=list)
    offers: dict[str, CredentialOffer] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _tokens: dict[str, tuple[_Code, str]] = field(default_factory=dict)
    _deferred: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at = self.at or self.kit.issuer.identifier
        self._key = new_encryption_key()
        super().__post_init__()

    # -- what it says of itself --------------------------------------------------------------------------------

    @property
    def metadata(self) -> IssuerMetadata:
        """As it publishes them."""
        public = {name: value for name, value in self._key.items() if name != "d"}
        return IssuerMetadata.build(
            self.at,
            self.kit.catalog,
            algorithms=dict.fromkeys(self.kit.pki.signers, "ES256"),
            batch_size=self.batch_size,
            request_encryption=RequestEncryption(keys=(public,), required=self.encrypted),
            response_encryption=ResponseEncryption(required=True) if self.encrypted else None,
        )

    def offer(
        self,
        type_id: str,
        *,
        tx_code: str | None = None,
        claims: Claims | None = None,
        by_reference: bool = False,
    ) -> str:
        """The link of an offer for that kind; with ``tx_code``, that code is asked for."""
        code, configuration_id = self._fresh(), f"{type_id}.dc+sd-jwt"
        record = self.kit.catalog.type(type_id).sample if claims is None else claims
        self._codes[code] = _Code(configuration_id, record, tx_code)
        asked = TxCode(length=len(tx_code), description="A code by post") if tx_code else None
        offer = CredentialOffer(
            issuer=self.at,
            configuration_ids=(configuration_id,),
            pre_authorized=PreAuthorized(code=code, tx_code=asked),
        )
        if not by_reference:
            return offer.uri
        self.offers[code] = offer
        return OfferReference(f"{self.at}/offers/{code}").uri

    def ready(self) -> None:
        """Let what was deferred be collected."""
        self.defer = False

    # -- what it answers ---------------------------------------------------------------------------------------

    def _answer(self, request: Request, path: str) -> Response:
        if request.url == well_known(self.at, ISSUER):
            return Response(200, _JSON, self.metadata.to_bytes())
        if request.url == well_known(self.at, AUTHORIZATION_SERVER):
            return Response(200, _JSON, AuthorizationServerMetadata.build(self.at).to_bytes())
        place, _, id_ = path.removeprefix(urlsplit(self.at).path)[1:].partition("/")
        if place == "offers" and id_ in self.offers:
            return Response(200, _JSON, self.offers[id_].to_bytes())
        endpoints = {
            "token": self._token,
            "nonce": lambda _request: Response(200, _JSON, oid4vci.nonce_response(self._nonce())),
            "credential": self._credential,
            "deferred": self._later,
            "notification": self._notified,
        }
        return endpoints[place](request) if place in endpoints else Response(404)

    def _notified(self, request: Request) -> Response:
        self._authorized(request)
        told = oid4vci.NotificationRequest.parse(request.body)
        self.notified.append((told.notification_id, told.event))
        return Response(204)

    def _nonce(self) -> str:
        nonce = self._fresh()
        self.nonces.add(nonce)
        return nonce

    def _proof(self, request: Request, token: str | None = None, bound: str | None = None) -> dpop.DpopProof:
        return dpop.check(
            [request.headers["dpop"]] if "dpop" in request.headers else [],
            method=request.method,
            url=request.url,
            at=self.kit.clock.now(),
            token=token,
            bound=bound,
            accepts=self.nonces.__contains__ if self.dpop_nonces else None,
            next_nonce=self._nonce() if self.dpop_nonces else "",
        )

    def _token(self, request: Request) -> Response:
        asked = oid4vci.TokenRequest.parse(request.body)
        proof = self._proof(request)
        code = self._codes.get(asked.code)
        if code is None or (code.tx_code and asked.tx_code != code.tx_code):
            raise ProtocolError("request.invalid", "no such code", error="invalid_grant")
        asked.check_tx_code(required=code.tx_code is not None)
        del self._codes[asked.code]
        given = TokenResponse(access_token=self._fresh(), token_type=_BOUND, expires_in=300)
        self._tokens[given.access_token] = code, proof.thumbprint
        return Response(200, _JSON, given.to_bytes())

    def _authorized(self, request: Request) -> _Code:
        shown = oauth.Authorization.parse([request.headers.get("authorization", "")])
        if shown.token not in self._tokens:
            raise oauth.invalid_token("no such token")
        code, bound = self._tokens[shown.token]
        self._proof(request, shown.token, bound)
        return code

    def _credential(self, request: Request) -> Response:
        code = self._authorized(request)
        raw, encrypted = oid4vci.open_request(request.body, request.headers["content-type"], [self._key])
        asked = CredentialRequest.parse(raw, encrypted=encrypted)
        configuration = asked.check(self.metadata, granted={code.configuration_id})
        rules = ProofRules(
            issuer=self.at,
            at=self.kit.clock.now(),
            proof_types=configuration.proof_types,
            accepts=self.nonces.__contains__,
        )
        proven = check_proofs(asked.proof_type, asked.proofs, rules)
        self.nonces -= proven.nonces
        type_id = configuration.id.partition(".")[0]
        issued = self.kit.issuer.issue(type_id, code.claims, subject=SUBJECT, holders=proven.keys)
        return self._given(asked, issued.credentials)

    def _later(self, request: Request) -> Response:
        self._authorized(request)
        raw, encrypted = oid4vci.open_request(request.body, request.headers["content-type"], [self._key])
        asked = DeferredRequest.parse(raw, encrypted=encrypted)
        asked.check(self.metadata)
        if asked.transaction_id not in self._deferred:
            raise ProtocolError("request.invalid", "no such transaction", error="invalid_transaction_id")
        return self._given(asked, self._deferred.pop(asked.transaction_id))

    def _given(self, asked: CredentialRequest | DeferredRequest, credentials: tuple[str, ...]) -> Response:
        id_ = self._fresh()
        answer: CredentialResponse | DeferredResponse = CredentialResponse(credentials=credentials, notification_id=id_)
        if self.defer:
            self._deferred[id_] = credentials
            answer = DeferredResponse(transaction_id=id_, interval=60)
        if asked.recipient is None:
            return Response(answer.status, _JSON, answer.to_bytes())
        body = asked.recipient.encrypt(answer.to_bytes()).encode("ascii")
        return Response(answer.status, {"content-type": "application/jwt"}, body)


@dataclass
class VerifierPeer(_Peer):
    """A verifier that asks over the wire under the certificate of the kit's PKI.

    ``verdicts`` are those on what was posted, ``declined`` the errors that were posted instead. ``redirect_uri`` is
    where holders are sent on to.
    """

    at: str = "https://bank.example"
    encrypted: bool = True
    redirect_uri: str | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    declined: list[Declined] = field(default_factory=list)
    tokens: list[VpToken] = field(default_factory=list)
    forge: Mapping[str, Json] = field(default_factory=dict)
    _asked: dict[str, tuple[AuthorizationRequest, dict[str, Any]]] = field(default_factory=dict)

    def ask(self, query: Query, *, post: bool = True, **changed: Any) -> str:
        """The link to a request for the query, its members changed as they are given."""
        id_, key, at = self._fresh(), new_encryption_key(), self.kit.clock.now()
        request = AuthorizationRequest(
            client_id=client_id(self.kit.pki.verifier, "x509_san_dns"),
            nonce=self._fresh(),
            query=query,
            purpose=PURPOSE,
            issued=at,
            until=at + _LIFE,
            response_mode="direct_post.jwt" if self.encrypted else "direct_post",
            response_uri=f"{self.at}/response/{id_}",
            state=id_,
            metadata=ClientMetadata.make(key if self.encrypted else None),
        )
        self._asked[id_] = replace(request, **changed), key
        return link(request.client_id, f"{self.at}/request/{id_}", post=post)

    def _answer(self, request: Request, path: str) -> Response:
        match path.split("/")[1:]:
            case ["request", id_] if id_ in self._asked:
                return self._fetched(request, self._asked[id_][0])
            case ["response", id_] if id_ in self._asked:
                return self._posted(request, *self._asked[id_])
        return Response(404)

    def _fetched(self, request: Request, asked: AuthorizationRequest) -> Response:
        nonce = Fetch.parse(request.body).wallet_nonce if request.method == "POST" else None
        if self.forge:
            members = asked.to_json() | {"aud": "https://self-issued.me/v2", "wallet_nonce": nonce} | dict(self.forge)
            kept = {name: value for name, value in members.items() if value is not None}
            compact = jose.sign("oauth-authz-req+jwt", kept, self.kit.pki.verifier)
        else:
            compact = signed(asked, self.kit.pki.verifier, wallet_nonce=nonce)
        return Response(200, {"content-type": MEDIA_TYPE}, compact.encode("ascii"))

    def _posted(self, request: Request, asked: AuthorizationRequest, key: dict[str, Any]) -> Response:
        found = Posted.parse(request.body).read(asked, key)
        if isinstance(found, Declined):
            self.declined.append(found)
        else:
            self.tokens.append(found)
            self.verdicts.append(self.kit.verify(found, asked))
        return Response(200, _JSON, oid4vp_response.reply(self.redirect_uri))
