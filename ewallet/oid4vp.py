"""The messages of OpenID4VP 1.0, both directions. Section numbers are those of OpenID4VP 1.0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from ewallet.credential import Binding, moment
from ewallet.dcql import Query
from ewallet.errors import Malformed, ProtocolError
from ewallet.jose import to_json
from ewallet.shape import MAX_CREDENTIAL, MAX_DOCUMENT, Json, instance, json_object, member, numeric_date, optional

VpToken: TypeAlias = Mapping[str, tuple[str, ...]]

_RESPONSE_TYPE: Final = "vp_token"
_MAX_PRESENTATIONS: Final = 100  # of one answer; each costs two signatures, and no query has more parts than that


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """What a verifier asks (§5): whom it says it is, a nonce that binds the answer, the query, and why it asks."""

    client_id: str
    nonce: str
    query: Query
    purpose: str
    issued: datetime
    until: datetime

    @property
    def binding(self) -> Binding:
        """What the answer must be bound to: the whole client identifier, and the nonce."""
        return Binding(audience=self.client_id, nonce=self.nonce)

    def to_json(self) -> dict[str, Json]:
        """The request parameters as a JSON object."""
        return {
            "response_type": _RESPONSE_TYPE,
            "client_id": self.client_id,
            "nonce": self.nonce,
            "dcql_query": self.query.to_json(),
            "purpose": self.purpose,
            "iat": int(self.issued.timestamp()),
            "exp": int(self.until.timestamp()),
        }

    def to_bytes(self) -> bytes:
        """The request parameters as a JSON text."""
        return to_json(self.to_json())

    @classmethod
    def parse(cls, raw: bytes | str) -> AuthorizationRequest:
        """The request of a JSON text, who asks not established; ``request.invalid``, ``dcql.invalid``."""
        try:
            return _request(json_object(raw, "the request"))
        except Malformed as exc:
            raise ProtocolError("request.invalid", str(exc)) from None


def _request(members: Mapping[str, Json]) -> AuthorizationRequest:
    if members.get("response_type") != _RESPONSE_TYPE:
        raise ProtocolError("request.invalid", f"response_type is not {_RESPONSE_TYPE}")
    return AuthorizationRequest(
        client_id=_some(members, "client_id"),
        nonce=_some(members, "nonce"),
        query=Query.parse(member(members, "dcql_query", dict)),
        purpose=optional(members, "purpose", str) or "",
        issued=moment(numeric_date(members.get("iat"), "iat")),
        until=moment(numeric_date(members.get("exp"), "exp")),
    )


def _some(members: Mapping[str, Json], name: str) -> str:
    text = member(members, name, str)
    if not text:
        raise ProtocolError("request.invalid", f"{name} is empty")
    return text


def is_vp_token(text: str) -> bool:
    """Whether it is a vp_token rather than one presentation, compact or as JSON (RFC 9901 §8); ``malformed.json``.

    An answer to a query named ``payload`` is an array, the payload of a JSON serialisation is a text.
    """
    return text.startswith("{") and not isinstance(json_object(text, "the answer").get("payload"), str)


def parse_vp_token(raw: str | bytes) -> VpToken:
    """The presentations by query id (§8.1): arrays always, never empty; ``malformed.vp_token``, ``limit.*``."""
    try:
        members = json_object(raw, "the vp_token", limit=MAX_DOCUMENT)
        token = {id_: tuple(_presentations(value)) for id_, value in members.items()}
    except Malformed as exc:
        if exc.code.startswith("limit."):
            raise
        raise Malformed("malformed.vp_token", str(exc)) from None
    if not token:
        raise Malformed("malformed.vp_token", "no presentation")
    count = sum(map(len, token.values()))
    if count > _MAX_PRESENTATIONS:
        raise Malformed("limit.count", f"{count} presentations, at most {_MAX_PRESENTATIONS} are read")
    return token


def _presentations(value: Json) -> list[str]:
    items = instance(value, list, "an answer")
    if not items:
        raise Malformed("malformed.vp_token", "an empty answer")
    return [_presentation(item) for item in items]


def _presentation(item: Json) -> str:
    text = instance(item, str, "a presentation")
    if len(text) > MAX_CREDENTIAL:
        raise Malformed("limit.size", f"a presentation has {len(text)} characters, at most {MAX_CREDENTIAL} are read")
    return text


def vp_token_bytes(token: VpToken) -> bytes:
    """The presentations as a JSON text."""
    return to_json({id_: list(presentations) for id_, presentations in token.items()})
