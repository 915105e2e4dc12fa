"""How an answer travels (OpenID4VP 1.0 §8): posted to the verifier, in the clear or encrypted; and what it replies.

The wallet's side is :func:`answer`, :func:`refusal` and :func:`read_reply`, the verifier's :class:`Posted` and
:func:`reply`. Section numbers are those of OpenID4VP 1.0.

Encryption says nothing about who answers: what is inside is judged like any other answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from ewallet import jose, oauth
from ewallet.errors import CryptoError, EWalletError, ProtocolError, UsageError
from ewallet.flow import Request, Response
from ewallet.oid4vp import AuthorizationRequest, VpToken, invalid, parse_vp_token, read_vp_token, vp_token_json
from ewallet.oid4vp.request import check_answered, shown_text
from ewallet.shape import MAX_DOCUMENT, Json, json_object, optional

_ERROR: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_MAX_REPLY: Final = 64 * 1024  # bytes: it holds one address
_NOT_SAID: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")  # RFC 6749 §4.1.2.1

#: The errors of §8.5 that our wallet sends, by the codes that do not say theirs themselves.
_ERRORS: Final = {
    "dcql.invalid": "invalid_request",
    "policy.transaction_data": "invalid_transaction_data",
    "receipt.invalid": "invalid_transaction_data",
    "consent.recipient": "invalid_transaction_data",
    "consent.scope": "invalid_transaction_data",
    "consent.expired": "invalid_transaction_data",
    "consent.not_yet_valid": "invalid_transaction_data",
}


def answer(request: AuthorizationRequest, token: VpToken) -> Request:
    """What to send to the verifier: the presentations, encrypted if it asked for that and never otherwise.

    Raises ``request.invalid`` where they must be encrypted and cannot be, ``usage.argument`` for a request that is not
    answered by post.
    """
    members: dict[str, Json] = {"vp_token": vp_token_json(token)}
    if request.state is not None:
        members["state"] = request.state
    if request.response_uri is None:
        raise UsageError("usage.argument", "a request that is not answered by post")
    recipient = request.recipient
    if recipient is None:
        return _post(request.response_uri, members | {"vp_token": jose.to_json(members["vp_token"]).decode()})
    return _post(request.response_uri, {"response": jose.encrypt(jose.to_json(members), recipient.jwk, recipient.enc)})


def refusal(response_uri: str, state: str | None, error: str, description: str = "") -> Request:
    """What to send instead: an error of §8.5, in the clear also where answers are encrypted."""
    members = {"error": error, "error_description": _NOT_SAID.sub("'", description)[:200], "state": state or ""}
    return _post(response_uri, {name: value for name, value in members.items() if value})


def error_of(exc: EWalletError) -> str:
    """The error of §8.5 for what went wrong; what would tell about the holder is ``access_denied``, all alike."""
    return exc.error if isinstance(exc, ProtocolError) else _ERRORS.get(exc.code, "access_denied")


def _post(response_uri: str, form: Mapping[str, str]) -> Request:
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return Request("POST", response_uri, headers, oauth.form(form), limit=_MAX_REPLY)


def read_reply(response: Response) -> str | None:
    """Where the verifier wants the holder to go on (§8.2), if anywhere; ``fetch.*``, ``request.invalid``."""
    check_answered(response)
    with oauth.refusing("invalid_request"):
        members = json_object(response.body or b"{}", "the reply", limit=_MAX_REPLY)
        address = optional(members, "redirect_uri", str)
        if address is not None:
            oauth.url(address.partition("#")[0], "redirect_uri", loopback=True)  # a fragment may hold the response_code
    return address


def read_receipt(response: Response) -> str | None:
    """The verifier's half of a receipt of the consent that it was answered with, if it gives one (a member of ours)."""
    with oauth.refusing("invalid_request"):
        return optional(json_object(response.body or b"{}", "the reply", limit=_MAX_REPLY), "consent_receipt", str)


def reply(redirect_uri: str | None = None, receipt: str | None = None) -> bytes:
    """The JSON text of the verifier's reply to an answer that it took; ``receipt`` is its half of one of a consent."""
    members = {"redirect_uri": redirect_uri, "consent_receipt": receipt}
    return jose.to_json({name: value for name, value in members.items() if value is not None})


@dataclass(frozen=True, kw_only=True)
class Declined:
    """The wallet's error instead of an answer (§8.5); ``description`` is a stranger's, cut and escaped to be shown."""

    error: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What came to a ``response_uri``, believed in nothing; ``state`` or else ``kid`` says which request it answers."""

    members: Mapping[str, str] = field(repr=False)
    kid: str | None = None

    @classmethod
    def parse(cls, body: bytes) -> Posted:
        """The parameters of the form; ``request.invalid``."""
        members = oauth.parse_form(body, limit=MAX_DOCUMENT)
        if sum(name in members for name in ("vp_token", "response", "error")) != 1:
            invalid("expected one of vp_token, response and error")
        if "response" not in members:
            return cls(members=members)
        with oauth.refusing("invalid_request"):
            kid = optional(jose.encryption_header(members["response"]), "kid", str)
        return cls(members=members, kid=kid)

    @property
    def state(self) -> str | None:
        """The state of an answer in the clear; that of an encrypted one is inside."""
        return self.members.get("state")

    def read(self, request: AuthorizationRequest, private_jwk: Mapping[str, Json] | None = None) -> VpToken | Declined:
        """The presentations, or the error, that answer that request, decrypted with the key made for it.

        Raises ``request.invalid`` for another state, ``crypto.not_encrypted``, ``crypto.decrypt_failed``,
        ``crypto.key_invalid``, ``crypto.alg_not_allowed``, ``crypto.crit_unsupported``, ``malformed.*`` or ``limit.*``.
        """
        members: Mapping[str, Json] = self.members
        if "response" in members:
            members = self._decrypted(request, private_jwk)
        elif request.encrypted and "error" not in members:
            raise CryptoError("crypto.not_encrypted", "an answer in the clear, although encryption was asked for")
        _check_state(members, request)
        if "error" in members:
            return _declined(members)
        token = members.get("vp_token")
        return read_vp_token(token) if "response" in self.members else parse_vp_token(_text(token))

    def _decrypted(self, request: AuthorizationRequest, private_jwk: Mapping[str, Json] | None) -> dict[str, Json]:
        compact = self.members["response"]
        if not request.encrypted or request.metadata is None or private_jwk is None:
            invalid("an encrypted answer, although none was asked for")
        if self.kid is None or self.kid != private_jwk.get("kid"):
            raise CryptoError("crypto.key_invalid", "encrypted to another key than that of the request")
        if jose.encryption_header(compact).get("enc") not in request.metadata.encryptions:
            raise CryptoError("crypto.alg_not_allowed", "a content encryption that was not offered")
        return json_object(jose.decrypt(compact, private_jwk), "the answer")


def _check_state(members: Mapping[str, Json], request: AuthorizationRequest) -> None:
    state = members.get("state", "")
    if not isinstance(state, str) or not compare_digest(state.encode(), (request.state or "").encode()):
        invalid("state is not that of the request")


def _text(token: Json) -> str:
    return token if isinstance(token, str) else invalid("no vp_token")


def _declined(members: Mapping[str, Json]) -> Declined:
    error, description = members["error"], members.get("error_description", "")
    if not isinstance(error, str) or not _ERROR.match(error) or not isinstance(description, str):
        invalid("error is not an error code, or its description is no text")
    return Declined(error=error, description=shown_text(description))
