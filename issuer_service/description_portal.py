"""What OpenAPI says about the portal: how recipients ask and download, how wallets confirm, and what the log proves."""

from __future__ import annotations

from typing import Any, Final

from ewallet.openapi import Responses, Schema, errors, json_content, problems
from ewallet.portal import assertion
from ewallet.portal.pushed import DETAILS, REQUEST_URI

_FORM: Final = "application/x-www-form-urlencoded"
_TEXT: Final[Schema] = {"type": "string"}
_OBJECT: Final[Schema] = {"type": "object"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SIGNED: Final = "eyJ0eXAiOiJKV1QifQ.e30.c2ln"
_NONCE: Final[Schema] = {"dpop-nonce": {"description": "for the next proof (RFC 9449 §8)", "schema": _TEXT}}
_PORTAL: Final = "https://issuer.example.go.kr/mydata"
_ASKED: Final = [{"type": DETAILS, "bundle": "bank_personal_loan", "days": 30, "lang": "ko"}]
_HASH: Final = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
_NOTE: Final = f"issuer.example.go.kr/mydata/log\n1\n{_HASH}\n\n— issuer.example.go.kr/mydata/log qrvM3Q==\n"

_CLIENT: Final[dict[str, Schema]] = {
    "client_id": _TEXT | {"description": "what the recipient is registered under"},
    "client_assertion_type": {"const": assertion.TYPE},
    "client_assertion": _TEXT | {"description": "a JWT by the registered key for this portal (RFC 7523)"},
}


def _form(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    schema = {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})
    return {"requestBody": {"required": True, **json_content(schema, media_type=_FORM)}}


def _gives(description: str, example: Any, *, schema: Schema = _OBJECT, nonce: bool = False, status: int = 200) -> Any:
    headers = {"headers": _NONCE} if nonce else {}
    return {status: {"description": description, **headers, **json_content(schema, example=example)}}


def _either(error: Schema, problem: Schema) -> Schema:
    """A status with both ways to say what is wrong: what the call is, or what is in it."""
    said = f"{error['description']}; {problem['description']}"
    return {"description": said, "content": {**error["content"], **problem["content"]}}


def _text(description: str, media_type: str, example: str | None = None) -> Responses:
    return {200: {"description": description, **json_content(_TEXT, example=example, media_type=media_type)}}


PUSHES: Final[Schema] = _form(
    ("response_type", "redirect_uri", "code_challenge", "code_challenge_method", "authorization_details", *_CLIENT),
    response_type={"const": "code"},
    redirect_uri=_TEXT | {"description": "one that is registered, letter for letter"},
    state=_TEXT,
    code_challenge=_TEXT,
    code_challenge_method={"const": "S256"},
    authorization_details=_TEXT | {"description": f"a JSON array of one object of the type {DETAILS} (RFC 9396)"},
    **_CLIENT,
)
_REFUSED: Final = {401: ["invalid_client"], 403: ["access_denied"]}
PUSHED: Final[Responses] = _gives(
    "where to lead the person with it",
    {"request_uri": f"{REQUEST_URI}8xLOxBtZp8", "expires_in": 540},
    status=201,
) | errors({400: ["invalid_request", "unsupported_response_type", "invalid_authorization_details"], **_REFUSED})
TOKEN_TAKES: Final[Schema] = _form(
    ("grant_type", *_CLIENT),
    grant_type={"enum": ["authorization_code", "client_credentials"]},
    code=_TEXT,
    redirect_uri=_TEXT,
    code_verifier=_TEXT,
    authorization_details=_TEXT | {"description": "with client_credentials: the consent that is in cycles"},
    **_CLIENT,
)
TOKEN: Final[Responses] = _gives(
    "a token, bound to the recipient's key",
    {
        "access_token": "eyJ0oKen",
        "token_type": "DPoP",
        "expires_in": 300,
        "authorization_details": [{"type": DETAILS, "consent": "ZGVtbw"}],
    },
    nonce=True,
) | errors(
    {
        400: [
            "invalid_request",
            "invalid_grant",
            "unsupported_grant_type",
            "invalid_authorization_details",
            "invalid_dpop_proof",
            "use_dpop_nonce",
        ],
        401: ["invalid_client"],
        403: ["access_denied"],
    }
)
PACKAGE: Final[Responses] = (
    _gives(
        "what was consented to", {"schema": "ewallet.package/1", "consent": "{}", "members": [_SIGNED], "logged": {}}
    )
    | errors({400: ["invalid_request"], 401: ["invalid_token", "invalid_dpop_proof", "use_dpop_nonce"]})
    | problems(
        {
            403: {"consent.withdrawn": "the consent was withdrawn"},
            404: {"storage.not_found": "there is no record for: income_amount_certificate"},
            409: {"storage.already_used": "it was provided before, and is not provided again"},
        }
    )
)
_NO_RECEIPT: Final = {"receipt.invalid": "the recipient's half: signed for another package"}
RECEIPT_TAKES: Final[Schema] = _form(
    ("receipt",), receipt=_TEXT | {"description": "a JWS of type package-receipt+jwt by the key of the token"}
)
RECEIPT: Final[Responses] = (
    _gives("taken, now or before; the place of the provision in the log", {"seq": 1}, nonce=True)
    | errors({401: ["invalid_token", "invalid_dpop_proof", "use_dpop_nonce"]})
    | {400: _either(errors({400: ["invalid_request"]})[400], problems({400: _NO_RECEIPT})[400])}
    | problems(
        {
            403: {"consent.required": "no consent of that identifier"},
            409: {"storage.already_used": "the recipient has signed for this package before"},
        }
    )
)
MESSAGES_TAKE: Final[Schema] = _form(
    tuple(_CLIENT),
    told=_TEXT | {"description": "identifiers of messages that were read, with spaces: they are left out from now on"},
    fulfilled=_TEXT | {"description": "a consent whose purpose is met: nothing more is provided under it"},
    **_CLIENT,
)
PACKAGE_TAKES: Final[Schema] = {
    "parameters": [
        {
            "name": "asked",
            "in": "query",
            "required": False,
            "description": "what must be in it, a JSON object of claims paths by kind; else 403 consent.scope",
            "schema": _TEXT,
        }
    ]
}
MESSAGES: Final[Responses] = (
    _gives(
        "what is still to be told",
        {"messages": [{"id": "bXNn", "about": "package.ready", "consent": "ZGVtbw", "at": 1795230000}]},
        nonce=True,
    )
    | errors({400: ["invalid_request"], 401: ["invalid_client"]})
    | problems({403: {"consent.recipient": "the consent names another recipient"}})
)
METADATA: Final[Responses] = _gives("how a recipient asks here (RFC 8414)", {"issuer": _PORTAL})
_ABSENT: Final = problems({404: {"storage.not_found": "no request of that address"}})
REQUEST: Final[Responses] = (
    _text("the signed request", "application/oauth-authz-req+jwt", _SIGNED)
    | errors({400: ["invalid_request"], 415: ["invalid_request"]})
    | _ABSENT
)
FETCHES: Final[Schema] = _form(wallet_nonce=_TEXT, wallet_metadata=_TEXT)
RESPONDS: Final[Schema] = _form(response=_TEXT, vp_token=_TEXT, error=_TEXT, error_description=_TEXT, state=_TEXT)
RESPONSE: Final[Responses] = _gives("taken", {"consent_receipt": _SIGNED}) | errors(
    {400: ["invalid_request"], 415: ["invalid_request"]}
)
_NO_ENTRY: Final = problems(
    {
        404: {"storage.not_found": "no entry of that place is in the checkpoint"},
        422: {"request.invalid": "missing, unknown or wrong: seq"},
    }
)
CHECKPOINT: Final[Responses] = _text("a signed note", "text/plain", _NOTE)
INCLUSION: Final[Responses] = (
    _gives("the way from the entry's hash to the root", {"checkpoint": _NOTE, "index": 0, "path": []}) | _NO_ENTRY
)
CONSISTENCY: Final[Responses] = (
    _gives("the hashes that prove it (RFC 9162 §2.1.4)", {"old": 1, "size": 2, "path": [_HASH]}) | _NO_ENTRY
)
TILE: Final[Responses] = (
    _text("256 hashes of 32 bytes, or so many as there are", "application/octet-stream") | _NO_ENTRY
)
