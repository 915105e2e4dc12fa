"""How a request travels (OpenID4VP 1.0 §5): as a link or QR, fetched from the verifier, signed by it.

The verifier's side is :func:`client_id`, :func:`signed`, :func:`link` and :class:`Fetch`. The wallet's side is
:class:`RequestLink`, which is believed in nothing, and :func:`authenticate`, which establishes who asks. Section
numbers are those of OpenID4VP 1.0.

Rules of this file: only what is inside a signed request object counts (§5.10); nothing is fetched for a request, nor
sent anywhere it names, before who asks is established, but for the request object itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal
from urllib.parse import urlencode

from cryptography import x509
from cryptography.x509.oid import NameOID

from ewallet import jose, oauth
from ewallet.anchor import TrustAnchor
from ewallet.credential import moment
from ewallet.env import SKEW
from ewallet.errors import CryptoError, Malformed, ProtocolError, TransportError, TrustError, UsageError
from ewallet.flow import Request, Response
from ewallet.keys import Signer
from ewallet.oid4vp import AuthorizationRequest, TransactionTypes, invalid, response_address
from ewallet.oid4vp.metadata import wallet_metadata
from ewallet.shape import Json, certificate, json_object, json_value, numeric_date, optional, to_base64url
from ewallet.trust import TrustList

TYP: Final = "oauth-authz-req+jwt"
MEDIA_TYPE: Final = f"application/{TYP}"
AUDIENCE: Final = "https://self-issued.me/v2"  # §5.8: of a wallet that was not asked who it is
SCHEME: Final = "openid4vp"

Prefix = Literal["x509_hash", "x509_san_dns"]

_MAX_NONCE: Final = 500  # characters of a wallet_nonce; ours have 32
_MAX_SHOWN: Final = 200  # characters of a stranger's words
_MAX_REQUEST: Final = 512 * 1024  # bytes of a request object, and of the parameters of a link
_OF_A_JWT: Final = frozenset({"iss", "aud", "iat", "exp", "nbf"})  # parameters of a query have no such claims
_GONE: Final = frozenset({404, 410})  # of a request that is no more, or never was
_AS_JSON: Final = ("dcql_query", "client_metadata", "transaction_data", "verifier_info")


def client_id(signer: Signer, prefix: Prefix = "x509_hash") -> str:
    """The client identifier of a verifier that signs with this certificate (§5.9.3); ``usage.configuration``."""
    if not signer.chain:
        raise UsageError("usage.configuration", "a signer without a certificate")
    if prefix == "x509_hash":
        return hash_id(signer.chain[0])
    names = _dns_names(signer.chain[0])
    if not names:
        raise UsageError("usage.configuration", "a certificate without a dns name")
    return f"x509_san_dns:{names[0]}"


def signed(request: AuthorizationRequest, signer: Signer, *, wallet_nonce: str | None = None) -> str:
    """The request object (§5.8), the same every time it is fetched but for the wallet's nonce; ``usage.*``.

    It is read as a wallet would before it is given away.
    """
    if request.response_mode is None or not signer.chain:
        raise UsageError("usage.configuration", "a request without response_mode, or a signer without a certificate")
    members = request.to_json() | {"aud": AUDIENCE} | ({"wallet_nonce": wallet_nonce} if wallet_nonce else {})
    try:
        check_identified(request.client_id, signer.chain[0], request.response_uri)
        AuthorizationRequest.of(members, at=request.issued)
    except ProtocolError as exc:
        raise UsageError("usage.argument", exc.detail) from None
    return jose.sign(TYP, members, signer)


def link(client_id: str, request_uri: str, *, post: bool = False, scheme: str = SCHEME) -> str:
    """The link of a button or QR that leads a wallet to the request object; ``post`` asks for a ``wallet_nonce``."""
    parameters = {"client_id": client_id, "request_uri": request_uri}
    return f"{scheme}://?{urlencode(parameters | ({'request_uri_method': 'post'} if post else {}))}"


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """What a wallet says when it fetches the request object by POST (§5.10): a nonce to be echoed, and what it can."""

    wallet_nonce: str | None = None
    wallet_metadata: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: bytes) -> Fetch:
        """What is in the form; ``request.invalid``."""
        parameters = oauth.parse_form(body)
        nonce = parameters.get("wallet_nonce")
        if nonce is not None and len(nonce) > _MAX_NONCE:
            invalid(f"wallet_nonce has {len(nonce)} characters, at most {_MAX_NONCE} are echoed")
        with oauth.refusing("invalid_request"):
            metadata = json_object(parameters.get("wallet_metadata", "{}"), "wallet_metadata")
        return cls(wallet_nonce=nonce, wallet_metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class RequestLink:
    """What a link or QR says, believed in nothing: the request object, where it is, or the parameters themselves."""

    client_id: str
    request: str | None = field(default=None, repr=False)
    request_uri: str | None = None
    post: bool = False
    parameters: Mapping[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, text: str) -> RequestLink:
        """The link of any scheme, or its query alone; ``request.invalid``, also as ``invalid_request_uri_method``."""
        parameters = oauth.parse_form(text.strip().split("?", 1)[-1].encode(), limit=_MAX_REQUEST)
        method = parameters.get("request_uri_method", "get")
        if method not in {"get", "post"}:
            invalid("request_uri_method is neither get nor post", "invalid_request_uri_method")
        if "client_id" not in parameters:
            invalid("no client_id")
        if "request" in parameters and "request_uri" in parameters:
            invalid("both request and request_uri")
        if "request_uri" not in parameters and "request_uri_method" in parameters:
            invalid("request_uri_method without request_uri")
        with oauth.refusing("invalid_request"):
            return cls(
                client_id=parameters["client_id"],
                request=parameters.get("request"),
                request_uri=_request_uri(parameters),
                post=method == "post",
                parameters={name: _parameter(name, value) for name, value in parameters.items()},
            )

    def fetch(self, wallet_nonce: str) -> Request:
        """What to ask the verifier for the request object; the nonce is fresh, and sent where the verifier takes it."""
        if self.request_uri is None:
            raise UsageError("usage.argument", "a request that is not to be fetched")
        headers = {"accept": MEDIA_TYPE}
        if not self.post:
            return Request("GET", self.request_uri, headers, limit=_MAX_REQUEST)
        metadata = jose.to_json(wallet_metadata()).decode()
        body = oauth.form({"wallet_nonce": wallet_nonce, "wallet_metadata": metadata})
        headers["content-type"] = "application/x-www-form-urlencoded"
        return Request("POST", self.request_uri, headers, body, limit=_MAX_REQUEST)


def _request_uri(parameters: Mapping[str, str]) -> str | None:
    if "request_uri" not in parameters:
        return None
    return oauth.url(parameters["request_uri"], "request_uri", loopback=True)  # for a send that was told to


def _parameter(name: str, value: str) -> Json:
    return json_value(value, name) if name in _AS_JSON else value


def fetched(response: Response) -> str:
    """The request object of the verifier's response; ``fetch.redirect``, ``fetch.unavailable``, ``request.invalid``."""
    if response.status in _GONE:
        invalid(f"the verifier answered {response.status}, the request was answered, is over, or never was")
    check_answered(response)
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE or not response.body.isascii():
        invalid(f"the answer is not {MEDIA_TYPE}")
    return response.body.decode("ascii").strip()


def check_answered(response: Response) -> None:
    """Return if the verifier answered with 200; redirects are not followed (§5.10, §8.2); ``fetch.*``."""
    if 300 <= response.status < 400:
        raise TransportError("fetch.redirect", f"the verifier answered {response.status}")
    if response.status != 200:
        raise TransportError("fetch.unavailable", f"the verifier answered {response.status}")


@dataclass(frozen=True, kw_only=True)
class RequestObject:
    """A request whose sender is established, as far as its prefix can; its parameters are still to be read.

    An error may be sent to its ``response_uri``. ``verifier_name`` is what the certificate says, ready to be shown:
    empty for a request that nobody signed, and for no other. ``rrn_legal_basis`` is what the trust list has of it.
    """

    client_id: str
    members: Mapping[str, Json] = field(repr=False)
    verifier_name: str = ""
    rrn_legal_basis: str = ""

    @property
    def response_uri(self) -> str | None:
        """Where an answer goes; it has been compared with who asks."""
        return self.members.get("response_uri")

    @property
    def state(self) -> str | None:
        """What an answer repeats."""
        state = self.members.get("state")
        return state if isinstance(state, str) else None

    def request(self, at: datetime, *, transaction_types: TransactionTypes | None = None) -> AuthorizationRequest:
        """The request, if this library can answer it; ``request.invalid`` with the error of §8.5, ``dcql.invalid``."""
        if "request" in self.members or "request_uri" in self.members:
            invalid("a request object within a request object")  # RFC 9101 §4
        request = AuthorizationRequest.of(self.members, at=at)
        if request.response_mode is None:
            invalid("no response_mode; answers by fragment are not made here")
        request.check_answerable(transaction_types or {})
        return replace(
            request,
            purpose=shown_text(request.purpose),
            verifier_name=self.verifier_name,
            rrn_legal_basis=self.rrn_legal_basis,
        )


def authenticate(
    asked: RequestLink,
    fetched: str | None = None,
    *,
    trust: TrustList,
    at: datetime,
    wallet_nonce: str | None = None,
    unsafe_unsigned: bool = False,
) -> RequestObject:
    """Who asks: the request object that was in the link or ``fetched``, signed by whom its client identifier names.

    ``wallet_nonce`` is the one sent with a POST. ``unsafe_unsigned`` takes requests of the prefix ``redirect_uri:``,
    which prove nothing but where the answer goes. Raises ``request.*``, and ``trust.list_invalid`` where our own list
    is not in force; nothing may be sent to anyone then.
    """
    prefix, _, name = asked.client_id.partition(":")
    compact = asked.request or fetched
    if prefix == "redirect_uri" and name and unsafe_unsigned:
        return _unsigned(asked, name, signed=compact is not None)
    if prefix not in {"x509_hash", "x509_san_dns"} or not name:
        raise ProtocolError("request.untrusted_verifier", "a client_id of no prefix that is known and trusted here")
    if compact is None:
        raise ProtocolError("request.signature_invalid", "not signed, although the prefix of the client_id demands it")
    claims, leaf, anchor = _authentic(compact, trust, at)
    if claims.get("client_id") != asked.client_id:
        raise ProtocolError("request.client_id_mismatch", "the client_id outside and inside differ")
    address = _address(claims)
    check_identified(asked.client_id, leaf, address)
    _check_claims(claims, at, wallet_nonce if asked.post else None)
    return RequestObject(
        client_id=asked.client_id,
        members=claims,
        verifier_name=subject_name(leaf) or shown_text(asked.client_id),
        rrn_legal_basis=anchor.rrn_legal_basis.get(asked.client_id, ""),
    )


def _unsigned(asked: RequestLink, name: str, *, signed: bool) -> RequestObject:
    """§5.9.3: a request of the prefix ``redirect_uri`` cannot be signed, and is answered to that address only."""
    if signed or asked.request_uri is not None:
        raise ProtocolError("request.invalid", "a signed request of the prefix redirect_uri")
    parameters = {k: v for k, v in asked.parameters.items() if k not in _OF_A_JWT}
    members = {"response_uri": name, **parameters}
    if response_address(name) != members["response_uri"]:
        raise ProtocolError("request.response_uri_mismatch", "response_uri is not the client_id")
    return RequestObject(client_id=asked.client_id, members=members)


def _authentic(compact: str, trust: TrustList, at: datetime) -> tuple[dict[str, Json], bytes, TrustAnchor]:
    """The claims of a request object, the certificate that signed it and its anchor, if that is trusted for asking."""
    with establishing():
        jws = jose.parse(compact, TYP, what="the request object", limit=_MAX_REQUEST)
        path = trust.check(jws.chain, "verifier", at, type_id=None)
        jws.verify(path.key)
        return jws.claims, jws.chain[0], path.anchor


@contextmanager
def establishing() -> Iterator[None]:
    """While it is found out who asks: what is wrong is wrong with the request, but for what is wrong with our list."""
    try:
        yield
    except TrustError as exc:
        if exc.code.startswith("trust.list_"):
            raise
        raise ProtocolError("request.untrusted_verifier", str(exc)) from None
    except CryptoError as exc:
        unsigned = exc.code in {"crypto.signature_invalid", "crypto.alg_not_allowed"}
        raise ProtocolError("request.signature_invalid" if unsigned else "request.invalid", str(exc)) from None
    except Malformed as exc:
        raise ProtocolError("request.invalid", str(exc)) from None


def _address(claims: Mapping[str, Json]) -> str | None:
    with oauth.refusing("invalid_request"):
        address = optional(claims, "response_uri", str)
    return None if address is None else response_address(address)


def check_identified(client_id: str, leaf: bytes, response_uri: str | None) -> None:
    """§5.9.3: Return if the certificate is the one the client identifier names; ``request.*``."""
    prefix, _, name = client_id.partition(":")
    if client_id == hash_id(leaf):
        return
    if prefix != "x509_san_dns" or name not in _dns_names(leaf):
        raise ProtocolError("request.client_id_mismatch", "the client_id is not that of the certificate that signs")
    if response_uri is not None and oauth.split_url(response_uri, "response_uri").hostname != name:
        raise ProtocolError("request.response_uri_mismatch", "response_uri is at another host than the client_id")


def hash_id(leaf: bytes) -> str:
    """The client identifier that names a certificate (§5.9.3)."""
    return f"x509_hash:{to_base64url(sha256(leaf).digest())}"


def _dns_names(leaf: bytes) -> tuple[str, ...]:
    """The DNS names of a certificate in lower case, each of one host: a wildcard names nobody in particular."""
    try:
        names = certificate(leaf).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    hosts = (name.lower() for name in names.get_values_for_type(x509.DNSName))
    return tuple(host for host in hosts if host.isascii() and "*" not in host)


def _check_claims(claims: Mapping[str, Json], at: datetime, wallet_nonce: str | None) -> None:
    """§5.8, §5.10: the request object is for a wallet, for this one where a nonce was sent, and for now."""
    if claims.get("aud") not in (AUDIENCE, [AUDIENCE]):
        invalid(f"aud is not {AUDIENCE}")
    if wallet_nonce is not None and claims.get("wallet_nonce") != wallet_nonce:
        invalid("wallet_nonce is not the one that was sent")
    with oauth.refusing("invalid_request"):
        times = {name: moment(numeric_date(claims[name], name)) for name in ("exp", "iat", "nbf") if name in claims}
    if "exp" in times and at >= times["exp"]:
        invalid("the request has expired")
    if any(name in times and times[name] - at > SKEW for name in ("iat", "nbf")):
        invalid("the request is dated in the future")


def subject_name(leaf: bytes) -> str:
    """Who the certificate says the verifier is: its organisation, else its common name."""
    subject = certificate(leaf).subject
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for attribute in subject.get_attributes_for_oid(oid):
            return shown_text(str(attribute.value))
    return ""


def shown_text(text: str) -> str:
    """A stranger's words as text that nothing obeys, no markup, terminal or mail header: escaped and cut."""
    return "".join(map(_shown, text[:_MAX_SHOWN]))


def _shown(sign: str) -> str:
    plain = sign.isprintable() and sign not in "<>&\"'\\`" and unicodedata.category(sign) != "Cf"
    return sign if plain else f"\\u{ord(sign):04x}"
