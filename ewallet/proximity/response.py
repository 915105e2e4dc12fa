"""What a device answers at close range: one DeviceResponse for all documents (ISO/IEC 18013-5 §8.3.2.1.2.2).

A wallet presents each document on its own, and a verifier judges each on its own; here they are put together and taken
apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ewallet.dcql import Query
from ewallet.errors import CryptoError, Malformed
from ewallet.formats.document import split
from ewallet.oid4vp import VpToken
from ewallet.shape import MAX_CREDENTIAL, base64url, cbor, to_base64url, to_cbor

_VERSION: Final = "1.0"
_OK: Final = 0
_NOT_RETURNED: Final = 0  # §8.3.2.1.2.3, Table 9: without a reason, which would say something about the holder


def of_token(token: VpToken) -> bytes:
    """The presentations of a wallet as one response."""
    documents = [_document(presentation) for presentations in token.values() for presentation in presentations]
    return to_cbor({"version": _VERSION, "documents": documents, "status": _OK})


def _document(presentation: str) -> Any:
    (document,) = cbor(base64url(presentation), "a presentation", limit=MAX_CREDENTIAL)["documents"]
    return document


def refusal(doc_types: Iterable[str]) -> bytes:
    """The response that returns none of these, whatever the reason."""
    errors = [{doc_type: _NOT_RETURNED} for doc_type in dict.fromkeys(doc_types)]
    return to_cbor({"version": _VERSION, "documentErrors": errors, "status": _OK})


def to_token(response: bytes, query: Query) -> VpToken | None:
    """The response as an answer to the query, None where it returns nothing.

    One that cannot be taken apart, or that returns what was not asked for, is an answer too: the verifier refuses it.
    """
    if _returns_nothing(response):
        return None
    ids = {type_id: each.id for each in query.credentials for type_id in each.type_ids}
    token: dict[str, tuple[str, ...]] = {}
    try:
        for doc_type, presentation in split(response):
            id_ = ids.get(doc_type, doc_type)
            token[id_] = (*token.get(id_, ()), presentation)
    except (Malformed, CryptoError):
        return {query.credentials[0].id: (to_base64url(response),)}
    return token


def _returns_nothing(response: bytes) -> bool:
    try:
        members = cbor(response, "the response", limit=MAX_CREDENTIAL)
    except Malformed:
        return False
    return type(members) is dict and not members.get("documents") and members.get("status") == _OK
