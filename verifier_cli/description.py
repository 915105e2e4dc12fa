"""What OpenAPI says about the bank's service: bodies that our own parsers read, answers, errors, and examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ewallet.catalog import Catalog
from ewallet.joint import MAX_MEMBERS
from ewallet.oid4vp.request import MEDIA_TYPE
from ewallet.openapi import Responses, Schema, errors, finished, json_content, problems, ref
from ewallet.shape import json_object
from verifier_cli.intake import MAX_PAPER, PAPER

_FORM: Final = "application/x-www-form-urlencoded"
_TEXT: Final[Schema] = {"type": "string"}
_OBJECT: Final[Schema] = {"type": "object"}
_BYTES: Final[Schema] = {"description": f"a certificate on paper, {MAX_PAPER} bytes at most"}
_ID: Final = "2yTg1oD8h0t4mV9cQw3xZsLrKj5uNbEa"
_LINK: Final = (
    "openid4vp://?client_id=x509_san_dns%3Abank.example&request_uri=https%3A%2F%2Fbank.example%2Frequest%2FHq"
)

_ACTING: Final[Schema] = {
    "description": "who acts for the person; absent, only the person themselves is believed",
    "type": "object",
    "required": ["as"],
    "additionalProperties": False,
    "properties": {
        "as": {"enum": ["delegate", "guardian", "official"]},
        "case": _TEXT | {"description": "of a delegate or an official: their one case"},
        "principal": _TEXT | {"description": "with a bundle: the person, as its consent names them"},
        "agent": _TEXT | {"description": "with a bundle: whoever acts for them"},
    },
}
_REQUEST: Final[Schema] = {
    "title": "Request",
    "description": "What to ask a wallet for: `query`, `type` with `claims`, `rule`, or `bundle` with its consent.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "query": _OBJECT | {"description": "a DCQL query (OpenID4VP 1.0 §6)"},
        "type": _TEXT | {"description": "instead of a query: the id of a kind, with claims"},
        "claims": {"type": "array", "minItems": 1, "items": {"type": ["string", "array"]}},
        "purpose": _TEXT | {"description": "why, for the holder to read", "minLength": 1},
        "response_mode": {"enum": ["direct_post", "direct_post.jwt"], "default": "direct_post.jwt"},
        "redirect_to": _TEXT | {"description": "where a wallet on the same device leads back to", "format": "uri"},
        "transaction_data": {"type": "array", "items": ref("Transaction")},
        "verifier_info": {"type": "array", "items": _OBJECT},
        "rule": _TEXT | {"description": "instead of a query: the id of a rule, to be answered with yes"},
        "bundle": _TEXT | {"description": "instead of a query: the id of a bundle, with days; its consent goes along"},
        "days": {"type": "integer", "minimum": 1, "description": "with a bundle: how long its consent is to hold"},
        "optional": {
            "type": "array",
            "items": _TEXT,
            "description": "with a bundle: optional members to offer, which the holder may leave out; of several of "
            "which one will do, the one to ask for",
        },
        "acting": _ACTING,
        "lang": {"enum": ["ko", "en"], "default": "ko", "description": "with a bundle: the language of its consent"},
    },
    "oneOf": [
        {"required": ["query", "purpose"]},
        {"required": ["type", "claims", "purpose"]},
        {"required": ["rule"]},
        {"required": ["bundle", "days"]},
    ],
}
_TRANSACTION: Final[Schema] = {
    "title": "Transaction",
    "description": "What the holder confirms with the answer (OpenID4VP 1.0 §8.4); its fields are texts.",
    "type": "object",
    "required": ["type", "credential_ids"],
    "properties": {
        "type": _TEXT,
        "credential_ids": {"type": "array", "minItems": 1, "items": _TEXT, "description": "ids of the query"},
    },
    "additionalProperties": _TEXT,
}
_PRESENTATION: Final[Schema] = {
    "title": "Presentation",
    "description": "What came to the bank on a way of its own, and what it must be an answer to.",
    "type": "object",
    "required": ["presentation"],
    "properties": {
        "presentation": {"type": ["string", "object"], "description": "a presentation, or a vp_token"},
        "request": _OBJECT | {"description": "the request that it answers"},
        "nonce": _TEXT | {"description": "without a request: the nonce that the wallet was given"},
        "audience": _TEXT | {"description": "without a request: for whom it must be made"},
    },
}
_DELETION: Final[Schema] = {
    "title": "Deletion",
    "description": "The receipt of a consent, and the word of whoever confirmed it that the answer is to be deleted.",
    "type": "object",
    "required": ["receipt", "proof"],
    "properties": {
        "receipt": {"type": "object"},
        "proof": _TEXT | {"description": "a JWS of type deletion-request+jwt under the key that confirmed"},
    },
    "additionalProperties": False,
}
_MADE: Final[Schema] = {
    "title": "Made",
    "type": "object",
    "required": ["schema", "id", "status", "link", "until", "qr"],
    "properties": {
        "schema": {"const": "ewallet.request/1"},
        "id": _TEXT | {"description": "for the bank alone: with it the verdict is read"},
        "status": {"const": "pending"},
        "link": _TEXT | {"description": "for the wallet, as a link or a QR code"},
        "until": _TEXT | {"format": "date-time"},
        "qr": _TEXT | {"description": "the link as an SVG picture"},
        "consent": _TEXT | {"description": "of a bundle: the identifier of its consent, and of the receipt's file"},
    },
}
_STANDING: Final[Schema] = {
    "type": "object",
    "required": ["type", "standing", "code"],
    "properties": {
        "type": _TEXT | {"description": "the kind"},
        "standing": {
            "enum": ["shown", "left_out", "problem", "not_judged"],
            "description": "left_out: optional and not given, which costs the holder nothing",
        },
        "code": {"type": ["string", "null"], "description": "what is wrong with it"},
        "name": _OBJECT,
        "agency": _OBJECT | {"description": "who issues it, ko and en"},
        "fee": _OBJECT | {"description": "what that costs, in won"},
    },
}
_OUTCOME: Final[Schema] = {
    "title": "Outcome",
    "type": "object",
    "required": ["schema", "id", "status", "code", "verdict"],
    "properties": {
        "schema": {"const": "ewallet.request/1"},
        "id": _TEXT,
        "status": {"enum": ["pending", "answered", "declined", "expired"]},
        "code": {"type": ["string", "null"], "description": "why not, where it is not accepted"},
        "verdict": {"anyOf": [{"type": "null"}, ref("Verdict"), ref("Collected")]},
        "until": _TEXT | {"format": "date-time", "description": "of a pending one"},
        "members": {
            "type": "array",
            "description": "of several answers: how each stands, and where to get it if something is wrong with it",
            "items": _STANDING,
        },
        "error": _TEXT | {"description": "of a declined one: what the wallet said"},
        "description": _TEXT | {"description": "of a declined one: a stranger's words, escaped and cut"},
    },
}
_COLLECTED: Final[Schema] = {
    "title": "Collected",
    "description": "A verdict whose claims were read before, or whose time is over.",
    "type": "object",
    "required": ["schema", "verdict", "checks", "claims"],
    "properties": {"verdict": {"const": "accepted"}, "claims": {"type": "null"}},
}

_ASKED: Final = {"type": "resident_register_copy", "claims": ["resident_address"], "purpose": "가상 대출 심사"}
_ANSWERED: Final = {
    "schema": "ewallet.request/1",
    "id": _ID,
    "status": "expired",
    "code": "request.expired",
    "verdict": None,
}
_NO_KEY: Final = {401: {"access.unauthenticated": "no api key, or another one, expected it as bearer"}}
_NO_JSON: Final = {
    400: {
        "malformed.json": "the request is not json",
        "malformed.claim_type": "purpose is missing",
        "usage.argument": "both or neither of query and type",
        "dcql.invalid": "credentials is empty",
    },
    413: {"limit.size": "the request has more bytes than are read"},
    415: {"request.invalid": "the body is not application/json"},
}
_WALLETS: Final = {400: ["invalid_request"], 404: ["invalid_request"], 415: ["invalid_request"]}
_JWT: Final = json_content(_TEXT, example="eyJ0eXAiOiJvYXV0aC1hdXRoei1yZXErand0In0.e30.c2ln", media_type=MEDIA_TYPE)


def _answers(description: str, content: Schema) -> Responses:
    return {200: {"description": description, **content}}


def body(name: str, example: Any) -> Schema:
    """A JSON body of the named schema."""
    return {"requestBody": {"required": True, **json_content(ref(name), example=example)}}


def handed(name: str, example: Any, files: Sequence[str]) -> Schema:
    """A JSON body of the named schema, or a file of one of these types."""
    described = body(name, example)
    described["requestBody"]["content"] |= {media_type: {"schema": _BYTES} for media_type in files}
    return described


def form(required: str, **members: str) -> Schema:
    """A form, its members with what they are; ``required`` is a list of names."""
    properties = {name: _TEXT | {"description": told} for name, told in members.items()}
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required.split()
    return {"requestBody": {"required": True, **json_content(schema, media_type=_FORM)}}


_RECEIPT: Final = _TEXT | {"description": "of a consent: the recipient's half of the receipt (consent-receipt+jwt)"}
FETCHED: Final[Responses] = _answers("the signed request", _JWT) | errors({404: ["invalid_request"]})
FETCHED_FOR: Final[Responses] = _answers("the signed request", _JWT) | errors(_WALLETS)
ANSWERED: Final[Responses] = _answers(
    "taken; where the wallet is to lead to",
    json_content({"type": "object", "properties": {"redirect_uri": _TEXT, "consent_receipt": _RECEIPT}}, example={}),
) | errors(_WALLETS)
_WAITS: Final[Responses] = {
    201: {
        "description": "a request that waits",
        "headers": {"location": {"description": "where its outcome is read", "schema": _TEXT}},
        **json_content(
            ref("Made"),
            example={
                "schema": "ewallet.request/1",
                "id": _ID,
                "status": "pending",
                "link": _LINK,
                "until": "2026-11-21T03:05:00Z",
                "qr": "<svg/>",
            },
        ),
    }
}
MADE: Final[Responses] = _WAITS | problems(
    _NO_KEY
    | _NO_JSON
    | {
        409: {"usage.in_progress": "the first call of that idempotency-key has not ended"},
        422: {"usage.key_reused": "the idempotency-key of another call, expected a new one"},
    }
)
OUTCOME: Final[Responses] = _answers(
    "what has become of it", json_content(ref("Outcome"), example=_ANSWERED)
) | problems(
    _NO_KEY
    | {
        403: {"request.invalid": "no response_code, another one, or one that was used before"},
        404: {"storage.not_found": "no request of that identifier"},
        429: {"limit.rate": "asked again within half a second"},
    }
)
_MEMBER: Final[Schema] = {
    "type": "object",
    "required": ["link", "until", "qr"],
    "properties": {
        "link": _TEXT,
        "until": _TEXT | {"format": "date-time"},
        "consent": _TEXT | {"description": "of a bundle: the number of this member's own consent"},
        "qr": _TEXT,
    },
}
_CASE: Final[Schema] = {
    "title": "Case",
    "description": "Whom to ask what, by role. Everybody answers alone; there is one verdict. Whoever is asked for a "
    "bundle also shows name and birth date, if not with a member of it then with an identity credential that it names: "
    "the first, or the one among `optional`.",
    "type": "object",
    "required": ["members"],
    "additionalProperties": False,
    "properties": {
        "members": {
            "type": "object",
            "minProperties": 2,
            "maxProperties": MAX_MEMBERS,
            "additionalProperties": ref("Request"),
        }
    },
}
_OPENED: Final[Schema] = {
    "title": "Opened",
    "type": "object",
    "required": ["schema", "id", "status", "until", "members"],
    "properties": {
        "schema": {"const": "ewallet.case/1"},
        "id": _TEXT | {"description": "the number of the case, for the bank alone: with it the verdict is read"},
        "status": {"const": "pending"},
        "until": _TEXT | {"format": "date-time"},
        "members": {"type": "object", "additionalProperties": _MEMBER},
    },
}
_JOINT: Final[Schema] = {
    "title": "Joint",
    "description": "Of the verdict the checks are named by the roles, then persons and household; claims are by role.",
    "type": "object",
    "required": ["schema", "id", "status", "code", "verdict"],
    "properties": {
        "schema": {"const": "ewallet.case/1"},
        "id": _TEXT,
        "status": {"enum": ["pending", "judged"]},
        "code": {"type": ["string", "null"], "description": "why not, where it is not accepted"},
        "verdict": {"anyOf": [{"type": "null"}, _OBJECT]},
        "until": _TEXT | {"format": "date-time", "description": "of a pending one"},
    },
}
_PENDING: Final = {"schema": "ewallet.case/1", "id": _ID, "status": "pending"}
_CASES: Final[Responses] = {
    201: {
        "description": "a case that waits",
        "headers": {"location": {"description": "where its verdict is read", "schema": _TEXT}},
        **json_content(
            ref("Opened"),
            example=_PENDING
            | {
                "until": "2026-11-21T03:05:00Z",
                "members": {"applicant": {"link": _LINK, "until": "2026-11-21T03:05:00Z", "qr": "<svg/>"}},
            },
        ),
    }
}
OPENED: Final[Responses] = _CASES | problems(
    _NO_KEY
    | _NO_JSON
    | {
        409: {"usage.in_progress": "the first call of that idempotency-key has not ended"},
        422: {"usage.key_reused": "the idempotency-key of another call, expected a new one"},
    }
)
JOINT: Final[Responses] = _answers(
    "what has become of it",
    json_content(ref("Joint"), example=_PENDING | {"code": None, "verdict": None, "until": "2026-11-21T03:05:00Z"}),
) | problems(_NO_KEY | {404: {"storage.not_found": "no case of that number"}})
JUDGED: Final[Responses] = _answers("the verdict", json_content(ref("Verdict"))) | problems(
    _NO_KEY
    | _NO_JSON
    | {
        415: {"request.invalid": "the body is not what its type says"},
        501: {"usage.missing_extra": "pip install 'ewallet[paper]'"},
    }
)
WELL: Final[Responses] = _answers("well", json_content({"type": "object"}, example={"status": "ok"}))
READY: Final[Responses] = _answers("ready", json_content({"type": "object"}, example={"status": "ready"}))
FIGURES: Final[Responses] = _answers("counters", json_content(_TEXT, media_type="text/plain")) | problems(_NO_KEY)
DESCRIBED: Final[Responses] = _answers("this", json_content({"type": "object"})) | problems(_NO_KEY)

ASKS: Final[Schema] = body("Request", _ASKED)
DELETES: Final[Schema] = body("Deletion", {"receipt": {"schema": "ewallet.receipt/1"}, "proof": "eyJ0..."})
DELETED: Final[Responses] = _answers(
    "the receipt after one more event, which says so, signed",
    json_content({"type": "object"}, example={"schema": "ewallet.receipt/1", "events": ["eyJ0..."]}),
) | problems(_NO_JSON)
JOINS: Final[Schema] = body("Case", {"members": {"applicant": _ASKED, "spouse": _ASKED}})
_PRESENTED: Final = {
    "presentation": "eyJ0...~WyJz...~eyJr...",
    "nonce": "n-0S6_WzA2Mj",
    "audience": "x509_hash:Uvo3H",
}
PRESENTS: Final[Schema] = handed("Presentation", _PRESENTED, PAPER)
FETCHES: Final[Schema] = form("", wallet_nonce="to be repeated in the request", wallet_metadata="what the wallet can")
RESPONDS: Final[Schema] = form(
    "",
    response="the encrypted answer",
    vp_token="or the answer in the clear",  # noqa: S106 - what it is
    error="or why there is none",
    error_description="in words",
    state="of the request",
)


def described(app: FastAPI, server: str) -> Schema:
    """The whole description, for that address."""
    document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    named = {
        "Request": _REQUEST,
        "Transaction": _TRANSACTION,
        "Presentation": _PRESENTATION,
        "Made": _MADE,
        "Outcome": _OUTCOME,
        "Collected": _COLLECTED,
        "Case": _CASE,
        "Deletion": _DELETION,
        "Opened": _OPENED,
        "Joint": _JOINT,
        "Verdict": _verdict(),
    }
    schemes = {"api_key": {"type": "http", "scheme": "bearer", "description": "the key of the bank's programs"}}
    secured = {name: ["api_key"] for name in ("bank", "figures", "description")}
    return finished(document, server=server, schemas=named, schemes=schemes, secured=secured)


def _verdict() -> Schema:
    """The schema that is published, its definitions where they are found from here."""
    text = (Catalog.bundled().folder / "verdict.schema.json").read_text("utf-8")
    schema: Schema = json_object(text.replace("#/$defs/", "#/components/schemas/Verdict/$defs/"))
    return {name: value for name, value in schema.items() if name != "$schema"}
