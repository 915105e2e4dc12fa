"""How a wallet takes what an issuer offers (OpenID4VCI 1.0 §4 to §6): from the link to the token.

Rules of this file, whose section numbers are those of OpenID4VCI 1.0:

* nothing is fetched, and no code is asked for, before the issuer of the offer is known from the trust list;
* a code goes to the authorization server that this issuer names, and nowhere else; redirects are not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from ewallet import oauth, oid4vci
from ewallet.catalog import Catalog
from ewallet.collection import Collection, Pending, Received, Wanted, algorithm, unsupported
from ewallet.conversation import Conversation, is_jwt, media_type, refuse
from ewallet.env import Env
from ewallet.errors import EWalletError, Malformed, ProtocolError, UsageError, VerificationError
from ewallet.flow import Flow, Request
from ewallet.jose import Jws
from ewallet.keys import PublicKey, SigningKey
from ewallet.links import well_known
from ewallet.oid4vci import TokenRequest, TokenResponse
from ewallet.oid4vci.configuration import CredentialConfiguration
from ewallet.oid4vci.metadata import (
    AUTHORIZATION_SERVER,
    ISSUER,
    AuthorizationServerMetadata,
    IssuerMetadata,
)
from ewallet.oid4vci.offer import CredentialOffer, OfferReference, TxCode, parse_link
from ewallet.ranks import Rank
from ewallet.shape import MAX_DOCUMENT
from ewallet.trust import TrustList

T = TypeVar("T")

#: The code that came to the person by another way, or whoever asks for it: who offers is established by then.
TxCodeSource: TypeAlias = str | Callable[[CredentialOffer], str] | None
#: Keeps what was received, all of it or nothing.
Keep: TypeAlias = Callable[[Sequence[Received | Pending]], T]
#: Is told what an issuer says of its log of use, and at which address.
Hear: TypeAlias = Callable[[str, str], None]

_COPIES: Final = {"once": 10, "per_verifier": 5, "reuse": 1}  # asked for, where the issuer gives as many
_MAX_CREDENTIALS: Final = 20  # of one offer
_MAX_OFFER: Final = 16 * 1024  # bytes
_MAX_TOKEN: Final = 64 * 1024  # bytes of a token response
_BINDS_WITH: Final = "ES256"


@dataclass(frozen=True, kw_only=True)
class Offering:
    """An offer for which nothing was fetched yet: ``host`` is that of an issuer on the trust list."""

    address: str = field(repr=False)
    link: CredentialOffer | OfferReference = field(repr=False)

    @property
    def host(self) -> str:
        """Where its issuer is."""
        return _origin(self.address)[1]


def offered(text: str, trust: TrustList, at: datetime) -> Offering:
    """Who offers what a link or QR holds or leads to; ``offer.untrusted_issuer``, ``malformed.offer``, ``limit.*``.

    An offer is fetched from where an issuer is, and from nowhere else.
    """
    link = parse_link(text, loopback=True)  # of this machine, if the trust list says so and Http is told to
    listed = trust.issuers(at)
    if isinstance(link, CredentialOffer):
        address, known = link.issuer, link.issuer in listed
    else:
        address, known = link.url, _origin(link.url) in map(_origin, listed)
    if not known:
        raise _untrusted()
    return Offering(address=address, link=link)


def is_final(exc: EWalletError) -> bool:
    """Whether it is of no use to ask an issuer again: it refuses, or what it sent does not hold."""
    list_of_ours = exc.code.startswith("trust.list_")
    return exc.code == "offer.refused" or (isinstance(exc, VerificationError) and not list_of_ours)


def _origin(url: str) -> tuple[str, str]:
    parts = oauth.split_url(url, "the address")
    return parts.scheme, parts.netloc.lower()


def _untrusted(detail: str = "the offer is of none of the issuers on the trust list") -> ProtocolError:
    return ProtocolError("offer.untrusted_issuer", detail)


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Takes offers for a wallet. ``env`` and not a time, because a person may take minutes to find a code.

    ``ranks`` gives so many of those that new copies may have.
    """

    trust: TrustList
    catalog: Catalog
    env: Env
    ranks: Callable[[int], tuple[Rank, ...]]

    def receive(self, found: Offering, tx_code: TxCodeSource, copies: int | None, keep: Keep[T], hear: Hear) -> Flow[T]:
        """What becomes of everything the offer is for once it is kept; what fails in part fails as a whole."""
        talk = Conversation(self.env, hear=hear)
        offer = yield from self._offer(talk, found)
        metadata = yield from _metadata(talk, offer.issuer, self.trust)
        server = yield from _server(talk, offer.check(metadata))
        configurations = self._configurations(offer, metadata)
        token = yield from _token(talk, server, offer, tx_code)
        collection = Collection(trust=self.trust, talk=talk, metadata=metadata, token=token.authorization)
        wanted = [
            Wanted(
                configuration=configuration, identifier=identifier, ranks=self.ranks(min(number, metadata.batch_size))
            )
            for configuration in configurations
            for number in [copies or self._usual_copies(configuration)]
            for identifier in _identifiers(configuration, token)
        ]
        if not wanted:
            raise ProtocolError("request.invalid", "the token is for nothing of the offer")
        if len(wanted) > _MAX_CREDENTIALS:
            raise Malformed("limit.count", f"{len(wanted)} credentials in one offer, at most {_MAX_CREDENTIALS}")
        return (yield from _collected(collection, wanted, keep))

    def collect(self, pending: Pending, keep: Keep[T], hear: Hear) -> Flow[T]:
        """What becomes of something that was deferred, once the answer is kept."""
        if not self.trust.hands_out(pending.issuer, pending.type_id, self.env.now()):
            raise _untrusted("the issuer is not on the trust list any more")
        talk = Conversation(self.env, key=SigningKey.of_secret(pending.bound) if pending.bound else None, hear=hear)
        metadata = yield from _metadata(talk, pending.issuer, self.trust)
        collection = Collection(trust=self.trust, talk=talk, metadata=metadata, token=pending.token)
        result = yield from collection.ask_again(pending)
        return (yield from _kept(collection, [result], keep))

    def _offer(self, talk: Conversation, found: Offering) -> Flow[CredentialOffer]:
        offer = found.link
        if isinstance(offer, OfferReference):
            reference = offer.url
            raw = yield from talk.offer(reference, limit=_MAX_OFFER)
            offer = CredentialOffer.parse(raw, loopback=True)
            if _origin(offer.issuer) != _origin(reference):
                raise ProtocolError("request.issuer_mismatch", "the offer names another issuer than where it is from")
        if offer.issuer not in self.trust.issuers(self.env.now()):
            raise _untrusted()
        return offer

    def _configurations(self, offer: CredentialOffer, metadata: IssuerMetadata) -> list[CredentialConfiguration]:
        """Those of the offer that are spoken here, all of them of types that this issuer may hand out."""
        found = [metadata.configurations[id_] for id_ in offer.configuration_ids]
        usable = [configuration for configuration in found if algorithm(configuration)]
        if not usable:
            raise unsupported("no format and proof of the offer is spoken here")
        at = self.env.now()
        if not all(self.trust.hands_out(offer.issuer, each.type_id or "", at) for each in usable):
            raise _untrusted("the issuer is not trusted to hand out this type of credential")
        return usable

    def _usual_copies(self, configuration: CredentialConfiguration) -> int:
        type_ = self.catalog.by_type_id(configuration.type_id or "")
        return _COPIES[type_.copies if type_ else "once"]


def _metadata(talk: Conversation, issuer: str, trust: TrustList) -> Flow[IssuerMetadata]:
    """§12.2.2: signed where the issuer can; a signature that does not hold is no reason to read it unsigned."""
    response = yield from talk.metadata(well_known(issuer, ISSUER), limit=MAX_DOCUMENT)
    if not is_jwt(response):
        raw = oid4vci.open_response(response.body, media_type(response), None)
        return IssuerMetadata.parse(raw, issuer, loopback=True)
    at = talk.now()

    def key_of(jws: Jws) -> PublicKey:
        path = trust.check(jws.chain, "issuer", at, type_id=None)
        path.check_issuer(issuer)
        return path.key

    compact = response.body.decode("latin-1")
    return IssuerMetadata.parse_signed(compact, issuer, at=at, key_of=key_of, loopback=True)


def _server(talk: Conversation, identifier: str) -> Flow[AuthorizationServerMetadata]:
    raw = yield from talk.get(well_known(identifier, AUTHORIZATION_SERVER), limit=MAX_DOCUMENT)
    return AuthorizationServerMetadata.parse(raw, identifier, loopback=True)


def _token(
    talk: Conversation, server: AuthorizationServerMetadata, offer: CredentialOffer, tx_code: TxCodeSource
) -> Flow[TokenResponse]:
    """§6: a token, bound to a key of this issuance where the server can do that."""
    if offer.pre_authorized is None or server.token_endpoint is None:
        raise unsupported("no pre-authorized code, or no token endpoint to take it")
    if _BINDS_WITH in server.dpop_algorithms:
        talk.key = SigningKey.generate(_BINDS_WITH)
    asked = TokenRequest(code=offer.pre_authorized.code, tx_code=_code(offer, offer.pre_authorized.tx_code, tx_code))
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    request = Request("POST", server.token_endpoint, headers, asked.to_bytes(), limit=_MAX_TOKEN)
    response = yield from talk.send(request)
    if response.status != 200:
        refuse(response)
    token = TokenResponse.parse(oid4vci.open_response(response.body, media_type(response), None))
    if (token.token_type == "DPoP") != (talk.key is not None):  # noqa: S105 - the name of a type
        raise ProtocolError("request.invalid", "the token is not bound in the way that was asked for")
    return token


def _code(offer: CredentialOffer, expected: TxCode | None, source: TxCodeSource) -> str | None:
    """The code as the offer describes it; one of another form is not sent, because tries are counted."""
    if expected is None:
        return None
    code = source(offer) if callable(source) else source
    if not code:
        raise UsageError("usage.argument", "the offer asks for a code that came by another way, and none was given")
    length = len(code) if expected.length is None else expected.length
    if len(code) != length or (expected.numeric and not (code.isascii() and code.isdigit())):
        raise UsageError("usage.argument", "the code does not have the form that the offer describes")
    return code


def _identifiers(configuration: CredentialConfiguration, token: TokenResponse) -> tuple[str | None, ...]:
    """§6.2, §8.2: what the token names the credentials by; None where they are asked for by configuration."""
    if not token.details:
        return (None,)
    return tuple(
        identifier
        for detail in token.details
        if detail.configuration_id == configuration.id
        for identifier in detail.identifiers
    )


def _collected(collection: Collection, wanted: Sequence[Wanted], keep: Keep[T]) -> Flow[T]:
    results: list[Received | Pending] = []
    try:
        for one in wanted:
            results.append((yield from collection.ask(one)))  # noqa: PERF401 - a flow is no expression
    except EWalletError:
        yield from collection.notify(results, "credential_failure")
        raise
    return (yield from _kept(collection, results, keep))


def _kept(collection: Collection, results: Sequence[Received | Pending], keep: Keep[T]) -> Flow[T]:
    try:
        kept = keep(results)
    except EWalletError:
        yield from collection.notify(results, "credential_failure")
        raise
    yield from collection.notify(results, "credential_accepted")
    return kept
