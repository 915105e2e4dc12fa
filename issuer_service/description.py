"""What OpenAPI says about the issuer's service: bodies that our own parsers read, answers, errors, and examples."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ewallet import card
from ewallet.catalog import Catalog
from ewallet.oid4vci.metadata import IssuerMetadata
from ewallet.openapi import Responses, Schema, errors, finished, json_content, problems, ref
from ewallet.type_metadata import describe

_JSON: Final = "application/json"
_JWT: Final = "application/jwt"
_FORM: Final = "application/x-www-form-urlencoded"
_TEXT: Final[Schema] = {"type": "string"}
_OBJECT: Final[Schema] = {"type": "object"}
_SIGNED: Final = "eyJ0eXAiOiJKV1QifQ.e30.c2ln"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
_CONFIGURATION: Final = "resident_register_copy.dc+sd-jwt"
_IDENTIFIER: Final = "https://issuer.example.go.kr"
_EXAMPLE: Final = Catalog.bundled().type("earned_income_tax_credit_certificate")  # one of the shortest
_METADATA: Final = IssuerMetadata.build(
    _IDENTIFIER,
    [_EXAMPLE],
    algorithms={_EXAMPLE.system: "ES256"},
    names={"ko": "가상 발급기관", "en": "Example Issuer"},
).to_json()

_TOKEN_REQUEST: Final[Schema] = {
    "title": "TokenRequest",
    "description": "A pre-authorized code for a token (OpenID4VCI 1.0 §6.1).",
    "type": "object",
    "required": ["grant_type", "pre-authorized_code"],
    "properties": {
        "grant_type": {"const": _GRANT},
        "pre-authorized_code": _TEXT,
        "tx_code": _TEXT | {"description": "where the offer says that one is needed"},
        "client_id": _TEXT | {"description": "what the wallet calls itself; it changes nothing"},
    },
}
_TOKEN: Final[Schema] = {
    "title": "Token",
    "type": "object",
    "required": ["access_token", "token_type"],
    "properties": {
        "access_token": _TEXT,
        "token_type": {"enum": ["Bearer", "DPoP"]},
        "expires_in": {"type": "integer", "minimum": 1},
    },
}
_ENCRYPTION: Final[Schema] = {
    "title": "ResponseEncryption",
    "type": "object",
    "required": ["jwk", "enc"],
    "properties": {"jwk": _OBJECT | {"description": "a public key with its alg"}, "enc": _TEXT},
}
_CREDENTIAL_REQUEST: Final[Schema] = {
    "title": "CredentialRequest",
    "description": "Which credential, into which keys (§8.2).",
    "type": "object",
    "required": ["credential_configuration_id", "proofs"],
    "properties": {
        "credential_configuration_id": _TEXT,
        "proofs": {"type": "object", "properties": {"jwt": {"type": "array", "minItems": 1, "items": _TEXT}}},
        "credential_response_encryption": ref("ResponseEncryption"),
    },
}
_CREDENTIALS: Final[Schema] = {
    "title": "Credentials",
    "description": "A copy for each key (§8.3).",
    "type": "object",
    "required": ["credentials"],
    "properties": {
        "credentials": {"type": "array", "items": {"type": "object", "properties": {"credential": _TEXT}}},
        "notification_id": _TEXT,
    },
}
_PROMISE: Final[Schema] = {
    "title": "Promise",
    "description": "Not yet: to be asked for again after that many seconds (§9).",
    "type": "object",
    "required": ["transaction_id", "interval"],
    "properties": {"transaction_id": _TEXT, "interval": {"type": "integer", "minimum": 1}},
}
_DEFERRED: Final[Schema] = {
    "title": "DeferredRequest",
    "type": "object",
    "required": ["transaction_id"],
    "properties": {"transaction_id": _TEXT, "credential_response_encryption": ref("ResponseEncryption")},
}
_NOTIFICATION: Final[Schema] = {
    "title": "Notification",
    "description": "What became of credentials (§11).",
    "type": "object",
    "required": ["notification_id", "event"],
    "properties": {
        "notification_id": _TEXT,
        "event": {"enum": ["credential_accepted", "credential_failure", "credential_deleted"]},
        "event_description": _TEXT,
    },
}

_UNBOUND: Final = {401: ["invalid_token", "invalid_dpop_proof", "use_dpop_nonce"]}
_CHECKPOINT: Final[Schema] = {
    "log-checkpoint": {"description": "how far the log of use is, a signed note in base64", "schema": _TEXT}
}
_NONCE: Final[Schema] = {"dpop-nonce": {"description": "for the next proof (RFC 9449 §8)", "schema": _TEXT}}


def _takes(name: str, example: Any, *, encrypted: bool = False) -> Schema:
    """A JSON body of that schema, or the same encrypted to the issuer's key (§10)."""
    content = json_content(ref(name), example=example)["content"]
    if encrypted:
        content |= json_content(_TEXT | {"description": "the same, as a JWE"}, media_type=_JWT)["content"]
    return {"requestBody": {"required": True, "content": content}}


def _gives(description: str, schema: Schema, example: Any, *, status: int = 200) -> Responses:
    return {status: {"description": description, **json_content(schema, example=example)}}


def _maybe_encrypted(description: str, schema: Schema, example: Any, *, status: int = 200) -> Responses:
    content = json_content(schema, example=example)["content"] | json_content(_TEXT, media_type=_JWT)["content"]
    return {status: {"description": description, "headers": _NONCE | _CHECKPOINT, "content": content}}


TOKEN_TAKES: Final[Schema] = {
    "requestBody": {
        "required": True,
        **json_content(
            ref("TokenRequest"),
            example={"grant_type": _GRANT, "pre-authorized_code": "oaKazRN8I0IbtZ0C7JuMn5", "tx_code": "493536"},
            media_type=_FORM,
        ),
    }
}
TOKEN: Final[Responses] = _gives(
    "a token", ref("Token"), {"access_token": "eyJ0oKen", "token_type": "DPoP", "expires_in": 300}
) | errors(
    {
        400: ["invalid_request", "invalid_grant", "unsupported_grant_type", "invalid_dpop_proof", "use_dpop_nonce"],
        401: ["invalid_client"],
        429: ["temporarily_unavailable"],
    }
)
NONCE: Final[Responses] = _gives("a nonce", _OBJECT, {"c_nonce": "wKI4LT17ac15ES9bw8ac4"})
CREDENTIAL_TAKES: Final[Schema] = _takes(
    "CredentialRequest",
    {"credential_configuration_id": _CONFIGURATION, "proofs": {"jwt": [_SIGNED]}},
    encrypted=True,
)
_ISSUED: Final = {"credentials": [{"credential": f"{_SIGNED}~WyJz~"}], "notification_id": "3fwe98js"}
_PROMISED: Final = {"transaction_id": "8xLOxBtZp8", "interval": 60}
CREDENTIAL: Final[Responses] = (
    _maybe_encrypted("credentials", ref("Credentials"), _ISSUED)
    | _maybe_encrypted("the promise of them", ref("Promise"), _PROMISED, status=202)
    | errors(
        _UNBOUND
        | {
            400: [
                "invalid_credential_request",
                "unknown_credential_configuration",
                "unknown_credential_identifier",
                "invalid_proof",
                "invalid_nonce",
                "invalid_encryption_parameters",
                "credential_request_denied",
                "invalid_request",
            ],
            415: ["invalid_credential_request"],
        }
    )
)
DEFERRED_TAKES: Final[Schema] = _takes("DeferredRequest", {"transaction_id": "8xLOxBtZp8"}, encrypted=True)
DEFERRED: Final[Responses] = (
    _maybe_encrypted("credentials", ref("Credentials"), _ISSUED)
    | _maybe_encrypted("not yet", ref("Promise"), _PROMISED, status=202)
    | errors(_UNBOUND | {400: ["invalid_transaction_id", "invalid_request"], 415: ["invalid_transaction_id"]})
)
NOTIFICATION_TAKES: Final[Schema] = _takes(
    "Notification", {"notification_id": "3fwe98js", "event": "credential_accepted"}
)
_KEPT: Final[Responses] = {204: {"description": "kept"}}
NOTIFICATION: Final[Responses] = _KEPT | errors(
    _UNBOUND
    | {
        400: ["invalid_notification_id", "invalid_notification_request", "invalid_request"],
        415: ["invalid_notification_request"],
    }
)
_NONE: Final = {404: {"storage.not_found": "nothing of that identifier"}}
OFFER: Final[Responses] = _gives(
    "the offer",
    _OBJECT,
    {"credential_issuer": "https://issuer.example.go.kr", "credential_configuration_ids": [_CONFIGURATION]},
) | problems(_NONE)
STATUS_LISTS: Final[Responses] = _gives(
    "their addresses", _OBJECT, {"status_lists": ["https://issuer.example.go.kr/status/1"]}
)
_LIST: Final[Responses] = {
    200: {
        "description": "a signed status list",
        "headers": {"etag": {"schema": _TEXT}},
        **json_content(_TEXT, example=_SIGNED, media_type="application/statuslist+jwt"),
    },
    304: {"description": "unchanged", "headers": {"etag": {"schema": _TEXT}}},
}
STATUS_LIST: Final[Responses] = _LIST | problems(_NONE) | {501: {"description": "no list of another time is kept"}}
TYPE: Final[Responses] = _gives(
    "the description of a kind", _OBJECT, describe(_EXAMPLE, cards=f"{_IDENTIFIER}/cards")
) | problems(_NONE)
CARD: Final[Responses] = {
    200: {"description": "an SVG template", **json_content(_TEXT, media_type=card.MEDIA_TYPE)},
    **problems(_NONE),
}
SERVER: Final[Responses] = _gives("how tokens are had", _OBJECT, {"issuer": _IDENTIFIER})
ISSUER: Final[Responses] = {
    200: {
        "description": "what is issued; signed for those who would rather have it so",
        "content": json_content(_OBJECT, example=_METADATA)["content"]
        | json_content(_TEXT, example=_SIGNED, media_type=_JWT)["content"],
    }
}

_NO_KEY: Final = {
    401: {"access.unauthenticated": "no key of an operator, expected one as bearer"},
    403: {"access.forbidden": "the key has no right to offer"},
    422: {"request.invalid": "missing, unknown or wrong: subject"},
}
OFFERS: Final[Responses] = problems(
    _NO_KEY
    | {
        400: {"usage.argument": "a kind that is not issued here in that format"},
        409: {"usage.in_progress": "the first call of that idempotency-key has not ended"},
        422: {
            "request.invalid": "missing, unknown or wrong: subject",
            "usage.key_reused": "the idempotency-key of another call, expected a new one",
        },
    }
)
APPOINTED: Final[Responses] = problems(
    _NO_KEY
    | _NONE
    | {
        400: {"usage.argument": "a kind that is not issued here, or without the name of whom it is about"},
        403: {
            "access.forbidden": "the key has no right to mandate",
            "consent.authority": "no guardian of that person on record",
        },
        409: {"usage.in_progress": "the first call of that idempotency-key has not ended"},
        422: {
            "request.invalid": "missing, unknown or wrong: subject",
            "usage.key_reused": "the idempotency-key of another call, expected a new one",
        },
    }
)
WITHDRAWN: Final[Responses] = problems(_NO_KEY | _NONE)
LISTED: Final[Responses] = problems(_NO_KEY | {400: {"usage.argument": "a cursor that is none of ours"}})
CHANGED: Final[Responses] = problems(
    _NO_KEY | _NONE | {400: {"status.transition": "the certificate is revoked for good"}}
)
DOCUMENT: Final[Responses] = problems(
    {
        400: {"usage.argument": "a number with a name or a day of issue is expected"},
        422: {"request.invalid": "missing, unknown or wrong: document_number"},
        429: {"limit.rate": "too many documents that were not found"},
    }
)
FIGURES: Final[Responses] = problems({status: codes for status, codes in _NO_KEY.items() if status != 422})
FIGURES_GIVEN: Final[Responses] = {200: {"description": "counters", **json_content(_TEXT, media_type="text/plain")}}

_SCHEMAS: Final = {
    each["title"]: each
    for each in (
        _TOKEN_REQUEST,
        _TOKEN,
        _ENCRYPTION,
        _CREDENTIAL_REQUEST,
        _CREDENTIALS,
        _PROMISE,
        _DEFERRED,
        _NOTIFICATION,
    )
}
_SCHEMES: Final[dict[str, Schema]] = {
    "operator_key": {"type": "http", "scheme": "bearer", "description": "a key of an operator, with the right"},
    "bearer_token": {"type": "http", "scheme": "bearer", "description": "an access token"},
    "dpop_token": {
        "type": "http",
        "scheme": "dpop",
        "description": "an access token that is bound to a key (RFC 9449)",
    },
}
_WALLET: Final = ("bearer_token", "dpop_token")
_SECURED: Final = {
    "operator": ("operator_key",),
    "metrics": ("operator_key",),
    "credential": _WALLET,
    "deferred": _WALLET,
    "notification": _WALLET,
    "package": ("dpop_token",),
}


def described(app: FastAPI, server: str) -> Schema:
    """The whole description, for that address."""
    document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    return finished(document, server=server, schemas=_SCHEMAS, schemes=_SCHEMES, secured=_SECURED)
