"""An answer taken apart: its presentations, each by the format that its query asked for (OpenID4VP 1.0 §8.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from ewallet.dcql import Query
from ewallet.errors import Malformed
from ewallet.formats import FORMATS, Evidence, open_any
from ewallet.oid4vp import VpToken, is_vp_token, parse_vp_token, vp_token_bytes
from ewallet.shape import MAX_DOCUMENT

#: A ``vp_token``, or one presentation where one credential was asked for.
Answered: TypeAlias = VpToken | str | bytes


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One presentation on its way up the ladder."""

    query_id: str
    format: str
    evidence: Evidence


def taken_apart(presented: Answered, query: Query | None) -> Iterator[Shown]:
    """The presentations of an answer, each opened by the format its query asked for."""
    text = _text(presented)
    if not is_vp_token(text):
        format_id, evidence = open_any(text)
        yield Shown(query_id=_only(query, format_id), format=format_id, evidence=evidence)
        return
    for query_id, presentations in parse_vp_token(text).items():
        asked = query.get(query_id) if query else None
        if query and (asked is None or asked.format not in FORMATS):
            raise Malformed("malformed.vp_token", "an answer to a query that was not asked")
        for presentation in presentations:
            yield _shown(query_id, asked.format if asked else None, presentation)


def _shown(query_id: str, format_id: str | None, presentation: str) -> Shown:
    if format_id is None:
        format_id, evidence = open_any(presentation)
    else:
        evidence = FORMATS[format_id].open(presentation)
    return Shown(query_id=query_id, format=format_id, evidence=evidence)


def _text(presented: Answered) -> str:
    if isinstance(presented, Mapping):
        presented = _bytes(presented)
    if len(presented) > MAX_DOCUMENT:
        raise Malformed("limit.size", f"the answer has {len(presented)} bytes, at most {MAX_DOCUMENT} are read")
    try:
        return (presented if isinstance(presented, str) else presented.decode("utf-8")).strip()
    except UnicodeDecodeError:
        raise Malformed("malformed.encoding", "the answer is not utf-8") from None


def _bytes(token: Mapping[str, object]) -> bytes:
    """The JSON text of an object that may come from a lenient parser, whatever is in it."""
    try:
        return vp_token_bytes(cast(VpToken, token))
    except (TypeError, ValueError, RecursionError):
        raise Malformed("malformed.vp_token", "the answer is not an object of arrays of texts") from None


def _only(query: Query | None, format_id: str) -> str:
    """The one query that a presentation without a query id can be an answer to."""
    if query is None:
        return ""
    ids = [asked.id for asked in query.credentials if asked.format == format_id]
    if len(ids) != 1:
        raise Malformed("malformed.vp_token", f"one presentation, but {len(ids)} queries it could answer")
    return ids[0]
