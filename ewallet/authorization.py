"""The authorization server of an issuer: codes for people it knows already, and the tokens they are redeemed for.

OpenID4VCI 1.0 §4.1.1 (pre-authorized code) and §6 (tokens), DPoP (RFC 9449) with nonces of the server. Codes, tokens
and transaction codes are kept as digests only, and what may happen once is one statement of the store.

Rules of this file: a code is good for five minutes and for one token; five wrong transaction codes end it, four do not;
a token is good for five minutes, and for a day to collect what was deferred and to say what became of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, Protocol

from ewallet import dpop, oauth
from ewallet.env import Env
from ewallet.errors import NotFound, ProtocolError
from ewallet.flow import Request, Response
from ewallet.nonces import LIFE, Nonces
from ewallet.oid4vci import TokenRequest, TokenResponse
from ewallet.oid4vci.metadata import AuthorizationServerMetadata
from ewallet.oid4vci.offer import CredentialOffer, OfferReference, PreAuthorized, TxCode
from ewallet.shape import to_base64url

CODE_LIFE: Final = timedelta(minutes=5)
TOKEN_LIFE: Final = timedelta(minutes=5)
LATE: Final = timedelta(days=1)  # how long after a token ended it collects what was deferred
TX_CODE_DIGITS: Final = 6
MAX_TRIES: Final = 5  # wrong transaction codes: five guesses of a million
_WINDOW: Final = timedelta(minutes=5)
_TIDY: Final = timedelta(minutes=1)
_MAX_FAILURES: Final = 30  # of one source in a window: an office behind one address, not a search for codes
_FORM: Final = "application/x-www-form-urlencoded"
NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}
_TX_WORDS: Final = "발급기관 화면에 보이는 6자리 숫자 / the 6 digits on the issuer's screen"

Redemption = Literal["redeemed", "unknown", "tx_code_missing", "tx_code_unexpected", "proof_used", "too_many"]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Who may have which credentials until when; ``thumbprint`` is the key that a token is bound to, if it is."""

    subject: str
    configuration_ids: tuple[str, ...]
    until: datetime
    thumbprint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Code:
    """A pre-authorized code as it is kept; ``tx_code`` is the digest of the further one, where one is needed."""

    digest: bytes
    grant: Grant
    tx_code: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A code that is to be redeemed: the digests, the token to be had for it, and who tries.

    ``once`` are digests that may not come again before their time; ``source`` may fail ``max_failures`` times
    within any ``window``.
    """

    code: bytes
    tx_code: bytes | None
    token: bytes
    thumbprint: str | None
    until: datetime
    once: Mapping[bytes, datetime]
    source: bytes
    window: timedelta = _WINDOW
    max_failures: int = _MAX_FAILURES
    max_tries: int = MAX_TRIES


class AuthorizationStore(Protocol):
    """What an authorization server must not forget. Every method is one transaction, on disk when it returns."""

    def secret(self, fresh: bytes) -> bytes:
        """The secret that all workers share: the first one that was ever brought."""

    def put_code(self, code: Code, at: datetime | None = None) -> None:
        """Keep a code; with a time, forget what is over by then: orders at once, all else after :data:`LATE`."""

    def code(self, digest: bytes, at: datetime) -> Code | None:
        """A code that can still be redeemed."""

    def withdraw(self, digest: bytes) -> bool:
        """Forget a code that was not redeemed; whether there was one."""

    def redeem(self, attempt: Attempt, at: datetime) -> tuple[Redemption, Grant | None]:
        """Take a code and keep the token, once; a failure is counted, and a wrong transaction code with the code."""

    def token(self, digest: bytes) -> Grant | None:
        """What a token is for, be its time over or not."""

    def take(self, once: Mapping[bytes, datetime]) -> frozenset[bytes]:
        """Take these digests, all of them or none: those that were taken before, none if they are taken now."""

    def is_taken(self, digest: bytes) -> bool:
        """Whether a digest was taken."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """An offer, by value and by reference; ``tx_code`` goes to the person by another way than the QR code."""

    offer: CredentialOffer = field(repr=False)
    reference: OfferReference = field(repr=False)
    handle: str = field(repr=False)
    until: datetime
    tx_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Authorized:
    """A request with a token that is good: its grant, the digest it is kept by, and what the request may use once.

    ``secret`` is the token itself, which is kept nowhere: what is sealed with it only its bearer can have opened.
    """

    grant: Grant
    token: bytes
    once: Mapping[bytes, datetime]
    secret: str = field(repr=False)


class AuthorizationServer:
    """Gives codes to people whom the issuer knows, and tokens to their wallets; ``issuer`` is its identifier."""

    def __init__(self, issuer: str, *, store: AuthorizationStore, env: Env | None = None) -> None:
        self.issuer = issuer
        self.metadata = AuthorizationServerMetadata.build(issuer)
        self._store = store
        self._env = env or Env()
        self._tidied = datetime.min.replace(tzinfo=UTC)
        self._known = b""

    def offer(self, configuration_ids: Iterable[str], *, subject: str, tx_code: bool = False) -> Offered:
        """A fresh offer of these credentials to that person, good for five minutes and one wallet.

        The code follows from the handle of the reference, so that an offer can be served again without being kept.
        """
        at, handle = self._env.now(), to_base64url(self._env.random(24))
        tx_digits = self._digits(self._env.random(8)) if tx_code else None
        grant = Grant(subject=subject, configuration_ids=tuple(configuration_ids), until=at + CODE_LIFE)
        kept, offered = self._drafted(handle, grant, tx_digits)
        self._store.put_code(kept, self._tidying(at))
        return offered

    def draft(self, grant: Grant, *, name: str, tx_code: bool = False) -> tuple[Code, Offered]:
        """The offer of that name, and the code that is to be kept for it before it is given to anybody.

        The same name makes the same offer, in every process of this server, and nobody else can make it.
        """
        handle = to_base64url(self.tag(f"offer:{name}")[:24])
        tx_digits = self._digits(self.tag(f"tx_code:{name}")) if tx_code else None
        return self._drafted(handle, grant, tx_digits)

    def offered(self, handle: str, *, subject: str | None = None) -> CredentialOffer:
        """The offer of a reference, while it can be redeemed; with ``subject``, only that person's.

        Raises :class:`ewallet.errors.NotFound`.
        """
        code = _code(handle)
        kept = self._store.code(_digest(code), self._env.now())
        if kept is None or subject not in {None, kept.grant.subject}:
            raise NotFound("storage.not_found", "no offer of that handle, or its time is over")
        return self._offer(code, kept)

    def withdraw(self, handle: str) -> bool:
        """Take an offer back; whether it could still be redeemed."""
        return self._store.withdraw(_digest(_code(handle)))

    def token(self, request: Request, *, source: str = "") -> Response:
        """The answer of the token endpoint (§6); ``source`` is where the request came from, to slow down guessing.

        A ``client_id`` is a name that anybody can give, and changes nothing. Errors ``invalid_request``,
        ``invalid_client`` (401), ``invalid_grant``, ``unsupported_grant_type``, ``invalid_dpop_proof``,
        ``use_dpop_nonce``; ``temporarily_unavailable`` (429) for a source that failed too often.
        """
        at = self._env.now()
        check_media_type(request, _FORM, "invalid_request", status=400)
        asked = TokenRequest.parse(request.body)
        asked.check_client(anonymous=self.metadata.anonymous)
        oauth.check_public_client(request.headers, asked.credentials)
        proof = self._proof(request, f"{self.issuer}/token", at) if values(request, "dpop") else None
        token = to_base64url(self._env.random(32))
        attempt = self._attempt(asked, token, proof, source, at)
        outcome, _ = self._store.redeem(attempt, at)
        if outcome != "redeemed":
            raise _refusal(outcome)
        answer = TokenResponse(
            access_token=token,
            token_type="DPoP" if proof else "Bearer",
            expires_in=int(TOKEN_LIFE.total_seconds()),
        )
        return self.answer(answer.to_bytes(), at, bound=proof is not None)

    def nonce(self, at: datetime) -> str:
        """A fresh ``c_nonce``."""
        return self._proof_nonces.give(at, self._env.random)

    def is_good_nonce(self, nonce: str, at: datetime) -> bool:
        """Whether a ``c_nonce`` is ours and not over; that it was not used is seen when it is taken."""
        return self._proof_nonces.is_good(nonce, at)

    def tag(self, text: str) -> bytes:
        """A digest that only this server can make."""
        return self._tags.tag(text)

    def authorize(self, request: Request, path: str, at: datetime, *, late: bool = False) -> Authorized:
        """The grant of the token that a request to one of our endpoints came with (RFC 6750, RFC 9449 §7).

        ``late`` also takes one whose time is over for less than a day. Errors ``invalid_token``,
        ``invalid_dpop_proof``, ``use_dpop_nonce`` (401); ``invalid_request`` for a token in the query.
        """
        shown = oauth.Authorization.parse(values(request, "authorization"), query=request.url.partition("?")[2])
        digest = _digest(shown.token)
        grant = self._store.token(digest)
        if grant is None or at >= grant.until + (LATE if late else timedelta(0)):
            raise oauth.invalid_token("the token is not one of ours, or its time is over", scheme=shown.scheme)
        shown.check_scheme(grant.thumbprint)
        if grant.thumbprint is None:
            return Authorized(grant=grant, token=digest, once={}, secret=shown.token)
        proof = self._proof(request, f"{self.issuer}{path}", at, token=shown.token, bound=grant.thumbprint)
        return Authorized(grant=grant, token=digest, once=_once(proof), secret=shown.token)

    def once(self, authorized: Authorized, nonces: Collection[str], at: datetime) -> Mapping[bytes, datetime]:
        """What a request uses up: its own proof and the nonces of its key proofs, all together."""
        return {**{_digest(f"nonce:{nonce}"): at + LIFE for nonce in nonces}, **authorized.once}

    def take(self, authorized: Authorized, once: Mapping[bytes, datetime]) -> None:
        """Take what a request uses up where it comes to nothing that would be recorded with it; as :meth:`check`."""
        if once:
            self.check(authorized, self._store.take(once))

    def check(self, authorized: Authorized, used: Collection[bytes]) -> None:
        """Return if nothing of what a request uses up was used before.

        Errors ``invalid_nonce``; ``invalid_dpop_proof`` (401) for a DPoP proof that came before.
        """
        if authorized.once.keys() & used:
            raise _proof_used(status=401)
        if used:
            raise ProtocolError("request.invalid", "a nonce that was used before", error="invalid_nonce")

    def answer(
        self,
        body: bytes,
        at: datetime,
        *,
        bound: bool = True,
        status: int = 200,
        content_type: str = "application/json",
    ) -> Response:
        """A response that is not to be kept by anybody on its way; to a ``bound`` token with the next nonce."""
        headers = {"content-type": content_type, **NO_STORE}
        if bound:
            headers["dpop-nonce"] = self._dpop_nonces.give(at, self._env.random)
        return Response(status, headers, body)

    @property
    def _secret(self) -> bytes:
        """Asked of the store once; without a lock, in which requests would queue while the database is held."""
        if not self._known:
            self._known = self._store.secret(self._env.random(32))
        return self._known

    @property
    def _proof_nonces(self) -> Nonces:
        return Nonces(self._secret, "c_nonce")

    @property
    def _dpop_nonces(self) -> Nonces:
        return Nonces(self._secret, "dpop")

    @property
    def _tags(self) -> Nonces:
        return Nonces(self._secret, "tag")

    def _proof(
        self, request: Request, url: str, at: datetime, *, token: str | None = None, bound: str | None = None
    ) -> dpop.DpopProof:
        return dpop.check(
            values(request, "dpop"),
            method=request.method,
            url=url,
            at=at,
            token=token,
            bound=bound,
            accepts=lambda nonce: self._dpop_nonces.is_good(nonce, at),
            next_nonce=self._dpop_nonces.give(at, self._env.random),
        )

    def _attempt(
        self, asked: TokenRequest, token: str, proof: dpop.DpopProof | None, source: str, at: datetime
    ) -> Attempt:
        return Attempt(
            code=_digest(asked.code),
            tx_code=_tx_digest(asked.code, asked.tx_code),
            token=_digest(token),
            thumbprint=proof.thumbprint if proof else None,
            until=at + TOKEN_LIFE,
            once=_once(proof) if proof else {},
            source=self.tag(f"source:{source}"),
        )

    def _tidying(self, at: datetime) -> datetime | None:
        """The time, once a minute, so that what is over is forgotten."""
        if at - self._tidied < _TIDY:
            return None
        self._tidied = at
        return at

    def _offer(self, code: str, kept: Code) -> CredentialOffer:
        tx_code = TxCode(length=TX_CODE_DIGITS, description=_TX_WORDS) if kept.tx_code else None
        return CredentialOffer(
            issuer=self.issuer,
            configuration_ids=kept.grant.configuration_ids,
            pre_authorized=PreAuthorized(code=code, tx_code=tx_code),
        )

    def _drafted(self, handle: str, grant: Grant, tx_digits: str | None) -> tuple[Code, Offered]:
        code = _code(handle)
        kept = Code(digest=_digest(code), grant=grant, tx_code=_tx_digest(code, tx_digits))
        offered = Offered(
            offer=self._offer(code, kept),
            reference=OfferReference(f"{self.issuer}/offers/{handle}"),
            handle=handle,
            until=grant.until,
            tx_code=tx_digits,
        )
        return kept, offered

    @staticmethod
    def _digits(random: bytes) -> str:
        """Eight bytes make the digits even to one in a trillion."""
        return f"{int.from_bytes(random[:8], 'big') % 10**TX_CODE_DIGITS:0{TX_CODE_DIGITS}}"


def values(request: Request, name: str) -> Sequence[str]:
    """The values of a header of a request; one that was repeated is in one line, with commas (RFC 9110 §5.3)."""
    found = [value for header, value in request.headers.items() if header.lower() == name]
    if name == "dpop":  # a compact JWS has no comma
        found = [part.strip() for value in found for part in value.split(",")]
    return found


def check_media_type(request: Request, media_type: str, error: str, *, status: int = 415) -> None:
    """Return if the body of a request is said to be of that type."""
    (found,) = values(request, "content-type") or ("",)
    if found.partition(";")[0].strip().lower() != media_type:
        raise ProtocolError("request.invalid", f"another media type than {media_type}", error=error, status=status)


def refusal(exc: ProtocolError) -> Response:
    """The response that tells a wallet what was wrong."""
    headers = {name.lower(): value for name, value in exc.headers.items()}
    body = oauth.ErrorResponse.of(exc).to_bytes()
    return Response(exc.status, {"content-type": "application/json", **NO_STORE, **headers}, body)


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _code(handle: str) -> str:
    return to_base64url(_digest(f"pre-authorized_code:{handle}"))


def _tx_digest(code: str, tx_code: str | None) -> bytes | None:
    """Six digits are found from their digest at once, so the code, which is not kept, goes into it."""
    return None if tx_code is None else _digest(f"{code}:{tx_code}")


def _once(proof: dpop.DpopProof) -> dict[bytes, datetime]:
    return {_digest(f"dpop:{proof.thumbprint}:{proof.jti}"): proof.until}


def _proof_used(*, status: int = 400) -> ProtocolError:
    headers = oauth.challenge("DPoP", "invalid_dpop_proof") if status == 401 else {}
    detail = "a dpop proof that was used before"
    return ProtocolError("request.invalid", detail, error="invalid_dpop_proof", status=status, headers=headers)


def _refusal(outcome: Redemption) -> ProtocolError:
    if outcome == "proof_used":
        return _proof_used()
    if outcome == "too_many":
        headers = {"Retry-After": str(int(_WINDOW.total_seconds()))}
        detail = "too many codes that were none"
        return ProtocolError("request.invalid", detail, error="temporarily_unavailable", status=429, headers=headers)
    if outcome == "unknown":
        detail = "the code or the transaction code is wrong, was used, or its time is over"
        return ProtocolError("request.invalid", detail, error="invalid_grant")
    return ProtocolError("request.invalid", "tx_code is missing" if outcome == "tx_code_missing" else _UNEXPECTED)


_UNEXPECTED: Final = "tx_code is not expected"
