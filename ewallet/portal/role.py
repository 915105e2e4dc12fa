"""The portal itself, an authorization server whose protected resource is a person's bundle.

Pushed authorization requests (RFC 9126) of :mod:`ewallet.portal.pushed`, clients that sign who they are (RFC 7523),
PKCE with S256 (RFC 7636), ``iss`` in the answer (RFC 9207), tokens bound to a key of the recipient (RFC 9449) with
nonces of the server. It follows the FAPI 2.0 Security Profile where that speaks of servers.

Rules of this file: a request that was pushed is good for nine minutes and for one code; a code for a minute and one
token, and one that comes a second time ends the token of the first time; a token for five minutes, without a refresh
token: what is provided in cycles is asked for anew by the recipient itself, as long as the consent holds. What is kept
between two steps is sealed with a key that is made of the code, token or address of the step, and kept under its
digest: a copy of the database opens nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from ewallet import dpop, jose, oauth
from ewallet.authorization import NO_STORE, check_media_type, values
from ewallet.catalog import Catalog
from ewallet.catalog.claims import Pattern
from ewallet.consent import Consent
from ewallet.env import Env
from ewallet.errors import NotFound, ProtocolError
from ewallet.flow import Request, Response
from ewallet.keys import ALGORITHMS, PublicKey
from ewallet.nonces import Nonces
from ewallet.package import Package
from ewallet.portal import assertion
from ewallet.portal.assertion import Authenticated
from ewallet.portal.pushed import (
    DETAILS,
    REQUEST_URI,
    Pushed,
    asked_in,
    check_redirect,
    consent_of,
    handle_of,
    request_of,
)
from ewallet.receipt.taken import Expected
from ewallet.recipients import Recipient, Recipients
from ewallet.shape import Json, json_object, to_base64url
from ewallet.steps import PortalStore, Step, Steps

REQUEST_LIFE: Final = timedelta(minutes=9)  # FAPI 2.0 §5.3.2.2: less than 600 seconds
CODE_LIFE: Final = timedelta(seconds=60)  # FAPI 2.0 §5.3.2.1
TOKEN_LIFE: Final = timedelta(minutes=5)
_FORM: Final = "application/x-www-form-urlencoded"
_GRANTS: Final = ("authorization_code", "client_credentials")


class Notice(Protocol):
    """Something that a recipient is to be told: :class:`ewallet.mydata.Message`."""

    @property
    def id(self) -> str:
        """By which it says that it was told."""

    def to_json(self) -> dict[str, Json]:
        """The message."""


class Provider(Protocol):
    """Whoever hands packages over: :class:`ewallet.mydata.MyData`."""

    def consent(self, consent_id: str, recipient: str) -> Consent:
        """A consent in force that names this recipient; ``consent.*``, :class:`ewallet.errors.NotFound`."""

    def download(self, consent_id: str, *, recipient: str, key: str, asked: Mapping[str, Iterable[Pattern]]) -> Package:
        """The package of a consent; the same one again while the first answer may have been lost; ``consent.scope``."""

    def receipted(self, consent_id: str, half: str, expected: Expected) -> int:
        """Keep what a recipient signed of a package; where that is in the log. ``receipt.invalid``, ``storage.*``."""

    def fulfil(self, consent_id: str, *, recipient: str) -> None:
        """What a consent was given for is done: nothing more is provided under it; ``consent.*``."""

    def messages(self, recipient: str) -> Sequence[Notice]:
        """What a recipient is still to be told."""

    def told(self, message_id: str) -> None:
        """It was; again is allowed."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a token is for: one consent, one recipient, and the key without which it is of no use.

    ``request`` is the digest of the authorization details that it was asked for with.
    """

    consent: str
    client_id: str
    thumbprint: str
    request: str = ""


class Portal:
    """The authorization server and the resource of one portal, under the identifier ``issuer``."""

    def __init__(
        self,
        issuer: str,
        *,
        recipients: Recipients,
        provider: Provider,
        catalog: Catalog,
        store: PortalStore,
        secret: bytes,
        env: Env | None = None,
    ) -> None:
        self.issuer = issuer
        self.recipients = recipients
        self._provider = provider
        self._catalog = catalog
        self._env = env or Env()
        self.steps = Steps(store, self._env)
        self._secret = secret
        self._nonces = Nonces(secret, "portal dpop")

    def metadata(self) -> dict[str, Json]:
        """The metadata of the authorization server (RFC 8414), for ``/.well-known/oauth-authorization-server``."""
        algorithms: list[Json] = sorted(ALGORITHMS)
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "pushed_authorization_request_endpoint": f"{self.issuer}/par",
            "require_pushed_authorization_requests": True,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(_GRANTS),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [assertion.METHOD],
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "dpop_signing_alg_values_supported": algorithms,
            "authorization_details_types_supported": [DETAILS],
            "authorization_response_iss_parameter_supported": True,
        }

    # -- the recipient's side ----------------------------------------------------------------------------------

    def push(self, request: Request) -> Response:
        """The answer to a pushed request (RFC 9126 §2): 201 with a ``request_uri`` that is good for nine minutes.

        Errors ``invalid_client`` (401), ``invalid_request``, ``invalid_authorization_details``, ``access_denied``.
        """
        at = self._env.now()
        asked = self._form(request)
        client = self._client(asked, at)
        pushed = Pushed.of(asked, client_id=client.client_id, thumbprint=client.thumbprint)
        recipient = self.recipients.recipient(client.client_id)
        check_redirect(pushed.redirect_uri, recipient.redirect_uris)
        recipient.check(pushed.details.bundle(self._catalog), at)
        self._use_up(client)
        handle = self.steps.begin("request", pushed.to_bytes(), life=REQUEST_LIFE)
        told = {"request_uri": f"{REQUEST_URI}{handle}", "expires_in": int(REQUEST_LIFE.total_seconds())}
        return self._answer(told, at, status=201)

    def token(self, request: Request) -> Response:
        """The answer of the token endpoint: for a code, or for a consent in cycles by the client itself.

        Errors ``invalid_client`` (401), ``invalid_request``, ``invalid_grant``, ``unsupported_grant_type``,
        ``invalid_dpop_proof``, ``use_dpop_nonce``.
        """
        at = self._env.now()
        asked = self._form(request)
        if asked.get("grant_type") not in _GRANTS:
            detail = f"grant_type is none of {', '.join(_GRANTS)}"
            raise ProtocolError("request.invalid", detail, error="unsupported_grant_type")
        proof = self._proof(request, "token", at)
        client = self._client(asked, at)
        self._use_up(client)
        self._use_up_proof(proof)
        grant = self._redeemed if asked["grant_type"] == "authorization_code" else self._standing
        consent_id, token = grant(asked, client, proof)
        told = {
            "access_token": token,
            "token_type": "DPoP",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "authorization_details": [{"type": DETAILS, "consent": consent_id}],
        }
        return self._answer(told, at)

    def packages(self, request: Request) -> Response:
        """The package that a token is for; while the token is good, the same one again.

        ``asked`` in the query is what the recipient believes to be in it, a JSON object of claims paths by kind. Errors
        ``invalid_token``, ``invalid_dpop_proof``, ``use_dpop_nonce`` (401); ``consent.scope`` where something else was
        consented to, ``consent.*`` where the consent is over, and nothing of the package is in the answer.
        """
        at, query = self._env.now(), request.url.partition("?")[2]
        token = self._token(request, "packages", at)
        asked, who = asked_in(query), token.client_id
        package = self._provider.download(token.consent, recipient=who, key=token.thumbprint, asked=asked)
        return self._answered(package.to_bytes(), at)

    def receipts(self, request: Request) -> Response:
        """Take what the recipient signed of the package that a token is for (:mod:`ewallet.receipt.taken`); again too.

        The form has it as ``receipt``. Errors as :meth:`packages`, ``receipt.invalid`` for another package, key,
        recipient or portal, ``log.*`` for another log, ``storage.already_used`` with the ``receipt`` that was taken
        where there is another one.
        """
        at = self._env.now()
        token = self._token(request, "receipts", at)
        expected = Expected(recipient=token.client_id, key=token.thumbprint, portal=self.issuer, request=token.request)
        half = self._form(request).get("receipt", "")
        return self._answer({"seq": self._provider.receipted(token.consent, half, expected)}, at)

    def messages(self, request: Request) -> Response:
        """What the recipient is to be told: what is ready, withdrawn or stopped. Errors ``invalid_client`` (401).

        The form may name what it was ``told``, which is left out from then on, and a consent whose purpose is
        ``fulfilled``, so that nothing more is provided under it (``consent.*``).
        """
        at, asked = self._env.now(), self._form(request)
        client = self._client(asked, at)
        self._use_up(client)
        if "fulfilled" in asked:
            self._provider.fulfil(asked["fulfilled"], recipient=client.client_id)
        for message in self._provider.messages(client.client_id):
            if message.id in asked.get("told", "").split():
                self._provider.told(message.id)
        return self._answer({"messages": [each.to_json() for each in self._provider.messages(client.client_id)]}, at)

    # -- the person's side -------------------------------------------------------------------------------------

    def pushed(self, client_id: str, request_uri: str) -> Pushed:
        """The request that somebody came with, as often as they open the page; ``invalid_request_uri``."""
        found = self.steps.see("request", handle_of(request_uri))
        pushed = Pushed.read(found) if found else None
        if pushed is None or pushed.client_id != client_id:
            raise _over()
        return pushed

    def recipient(self, pushed: Pushed) -> Recipient:
        """Who asks, if they still may; ``access.forbidden``."""
        recipient = self.recipients.recipient(pushed.client_id)
        recipient.check(pushed.details.bundle(self._catalog), self._env.now())
        return recipient

    def refuse(self, request_uri: str) -> str:
        """Where a person who says no is led: to the recipient, with ``access_denied``. The request is over."""
        return self._ended(request_uri).back(self.issuer, error="access_denied")

    def grant(self, request_uri: str, consent_id: str) -> str:
        """Where a person who has consented is led: to the recipient, with a code. The request is over.

        Whoever never got there is led there with the same code, as long as it is good and nobody has shown it.
        """
        self.agree(request_uri, consent_id)
        handle = handle_of(request_uri)
        code, agreed = self._code(handle, consent_id), f"{handle}:{consent_id}"
        found = self.steps.see("agreed", agreed)
        if found is not None:
            record = jose.to_json({"consent": consent_id, "pushed": found.decode()})
            self.steps.turn("agreed", agreed, self.steps.step("code", code, record, life=CODE_LIFE))
        made = self.steps.see("code", code)
        if made is None:
            raise _over()
        return Pushed.read(json_object(made)["pushed"].encode()).back(self.issuer, code=code)

    def agree(self, request_uri: str, consent_id: str) -> bool:
        """Whether a request is answered by that consent, from now on; not where it was refused, or by another.

        Of no and yes whichever comes first counts: who has said yes withdraws.
        """
        handle = handle_of(request_uri)
        code, agreed = self._code(handle, consent_id), f"{handle}:{consent_id}"
        found = self.steps.see("request", handle)
        if found is not None:
            self.steps.turn("request", handle, self.steps.step("agreed", agreed, found, life=REQUEST_LIFE))
        steps = (("agreed", agreed), ("code", code), ("redeemed", code))
        return any(self.steps.see(use, secret) is not None for use, secret in steps)

    # -- inside ------------------------------------------------------------------------------------------------

    def _code(self, handle: str, consent_id: str) -> str:
        """The one code of a request and a consent: whoever was led back and lost the way finds no second one."""
        said = f"portal code:{handle}:{consent_id}".encode("utf-8", "surrogatepass")
        return to_base64url(hmac.digest(self._secret, said, "sha256"))

    def _ended(self, request_uri: str) -> Pushed:
        found = self.steps.take("request", handle_of(request_uri))
        if found is None:
            raise _over()
        return Pushed.read(found)

    def _form(self, request: Request) -> Mapping[str, str]:
        check_media_type(request, _FORM, "invalid_request", status=400)
        return oauth.parse_form(request.body)

    def _client(self, asked: Mapping[str, str], at: datetime) -> Authenticated:
        return assertion.check(asked, audience=self.issuer, at=at, keys_of=self._keys)

    def _keys(self, client_id: str) -> tuple[PublicKey, ...]:
        try:
            return self.recipients.recipient(client_id).keys
        except NotFound:
            return ()

    def _use_up(self, client: Authenticated) -> None:
        if not self.steps.use_up("assertion", f"{client.client_id}:{client.jti}", client.until):
            detail = "a client assertion that was used before"
            raise ProtocolError("request.invalid", detail, error="invalid_client", status=401)

    def _use_up_proof(self, proof: dpop.DpopProof, *, status: int = 400) -> None:
        if not self.steps.use_up("dpop", f"{proof.thumbprint}:{proof.jti}", proof.until):
            headers = oauth.challenge("DPoP", "invalid_dpop_proof") if status == 401 else {}
            detail = "a dpop proof that was used before"
            raise ProtocolError("request.invalid", detail, error="invalid_dpop_proof", status=status, headers=headers)

    def _token(self, request: Request, place: str, at: datetime) -> Token:
        """What the token of a request is for, whose key is at hand; errors as :meth:`packages`."""
        shown = oauth.Authorization.parse(values(request, "authorization"), query=request.url.partition("?")[2])
        found = self.steps.see("token", shown.token)
        if found is None:
            raise oauth.invalid_token("the token is not one of ours, or its time is over", scheme=shown.scheme)
        token = Token(**json_object(found))
        shown.check_scheme(token.thumbprint)
        self._use_up_proof(self._proof(request, place, at, token=shown.token, bound=token.thumbprint), status=401)
        return token

    def _proof(
        self, request: Request, place: str, at: datetime, *, token: str | None = None, bound: str | None = None
    ) -> dpop.DpopProof:
        return dpop.check(
            values(request, "dpop"),
            method=request.method,
            url=f"{self.issuer}/{place}",
            at=at,
            token=token,
            bound=bound,
            accepts=lambda nonce: self._nonces.is_good(nonce, at),
            next_nonce=self._nonces.give(at, self._env.random),
        )

    def _redeemed(self, asked: Mapping[str, str], client: Authenticated, proof: dpop.DpopProof) -> tuple[str, str]:
        """Consent and token for a code, which is used up by whoever shows it first, in one with the token."""
        code = asked.get("code", "")
        found = self.steps.see("code", code)
        try:
            consent_id, wanted = self._consent_of(found, asked, client, proof)
            token, record = self.steps.secret(), _token(consent_id, client, proof, wanted)
            kept = self.steps.step("token", token, record, life=TOKEN_LIFE)
            if not self.steps.turn("code", code, kept, self._redemption(code, token)):
                raise _bad_grant("the code was used")
        except ProtocolError:
            self._burn(code)
            raise
        return consent_id, token

    def _consent_of(
        self, found: bytes | None, asked: Mapping[str, str], client: Authenticated, proof: dpop.DpopProof
    ) -> tuple[str, str]:
        """The consent that a code is for, and the digest of the request that was answered with it."""
        if found is None:
            raise _bad_grant("the code is wrong, was used, or its time is over")
        record = json_object(found)
        pushed = Pushed.read(record["pushed"].encode())
        if (client.client_id, asked.get("redirect_uri")) != (pushed.client_id, pushed.redirect_uri):
            raise _bad_grant("the code was given to another client, or for another redirect_uri")
        if {client.thumbprint, proof.thumbprint} != {pushed.thumbprint}:
            raise _bad_grant("the code is bound to another key of the client")
        oauth.check_code_verifier(asked.get("code_verifier"), pushed.code_challenge)
        self.recipient(pushed)
        return str(record["consent"]), pushed.request

    def _standing(self, asked: Mapping[str, str], client: Authenticated, proof: dpop.DpopProof) -> tuple[str, str]:
        """The consent that a client names which may have it again, and a token: in cycles only, and its own."""
        if proof.thumbprint != client.thumbprint:
            raise _bad_grant("the token would be bound to another key than the one that signed the assertion")
        consent = self._provider.consent(consent_of(asked.get("authorization_details")), client.client_id)
        if consent.provision.mode != "periodic":
            raise _bad_grant("the consent is for one time, which takes the code that was given with it")
        record = _token(consent.id, client, proof, request_of(asked))
        return consent.id, self.steps.begin("token", record, life=TOKEN_LIFE)

    def _redemption(self, code: str, token: str) -> Step:
        """What remembers which token a code became."""
        return self.steps.step("redeemed", code, token.encode(), life=TOKEN_LIFE)

    def _burn(self, code: str) -> None:
        """RFC 6749 §4.1.2: a code that comes twice was stolen once, so what was given for it ends."""
        if self.steps.burn("code", code):
            return
        token = self.steps.take("redeemed", code)
        if token is not None:
            self.steps.take("token", token.decode())

    def _answer(self, told: Mapping[str, Any], at: datetime, *, status: int = 200) -> Response:
        return self._answered(jose.to_json(told), at, status=status)

    def _answered(self, body: bytes, at: datetime, *, status: int = 200) -> Response:
        nonce = self._nonces.give(at, self._env.random)
        headers = {"content-type": "application/json", "dpop-nonce": nonce, **NO_STORE}
        return Response(status, headers, body)


def _token(consent_id: str, client: Authenticated, proof: dpop.DpopProof, request: str) -> bytes:
    record = {"consent": consent_id, "client_id": client.client_id, "thumbprint": proof.thumbprint}
    return jose.to_json({**record, "request": request})


def _over() -> ProtocolError:
    detail = "a request_uri that is none of ours, was answered, or its time is over"
    return ProtocolError("request.invalid", detail, error="invalid_request_uri")


def _bad_grant(detail: str) -> ProtocolError:
    return ProtocolError("request.invalid", detail, error="invalid_grant")
