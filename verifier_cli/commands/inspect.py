"""``ewallet-verify inspect``: takes a presentation apart without believing any of it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from ewallet.command import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ewallet.credential import Credential
    from ewallet.formats import Evidence
    from ewallet.shape import Json
    from verifier_cli.session import Session

SCHEMA: Final = "ewallet.inspect/1"
_LOUD: Final = {
    "ko": "아무것도 확인하지 않았습니다. 아래는 보낸 쪽의 주장일 뿐이며, 확인은 verify 명령으로 합니다.",
    "en": "NOTHING HAS BEEN CHECKED. What follows is what the sender claims; `verify` judges it.",
}
_HEADS: Final = {
    "ko": ("형식", "종류", "발급기관 주장", "인증서", "유효기간", "상태목록", "소지자 키", "담긴 항목"),
    "en": ("format", "type", "issuer it names", "certificates", "validity", "status list", "holder's key", "claims"),
}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="text, - for stdin, a PDF, or pictures of QR codes")
    parser.add_argument("--max-bytes", type=count, metavar="N", help="read no larger file (20 MiB)")
    parser.set_defaults(at=None)


def run(session: Session) -> int:
    """Say what it claims to be, and that this is no verdict."""
    from verifier_cli.inputs import presented
    from verifier_cli.papers import is_paper

    given = presented(session.args.files, session.settings.get("max_bytes"))
    parts = [_paper(given)] if is_paper(given) else [_apart(text) for text in _texts(given)]
    if session.machine:
        credentials = [_document(evidence, credential) for evidence, credential in parts]
        session.emit({"schema": SCHEMA, "checked": False, "credentials": credentials})
        return 0
    session.say([_LOUD[session.lang]])
    for evidence, credential in parts:
        session.say(_lines(session, evidence, credential))
    return 0


def _texts(given: str | bytes) -> list[str]:
    from ewallet.errors import Malformed
    from ewallet.oid4vp import is_vp_token, parse_vp_token
    from ewallet.shape import MAX_DOCUMENT

    if len(given) > MAX_DOCUMENT:
        raise Malformed("limit.size", f"the presentation has more than {MAX_DOCUMENT} bytes")
    try:
        text = (given if isinstance(given, str) else given.decode("utf-8")).strip()
    except UnicodeDecodeError:
        raise Malformed("malformed.encoding", "the presentation is not utf-8") from None
    if not is_vp_token(text):
        return [text]
    return [raw for raws in parse_vp_token(text).values() for raw in raws]


def _apart(text: str) -> tuple[Evidence, Credential]:
    from ewallet.formats import open_any

    _, evidence = open_any(text)
    return evidence, evidence.check_disclosures()


def _paper(given: str | bytes) -> tuple[Evidence, Credential]:
    from ewallet.catalog import Catalog
    from ewallet.paper import reading

    evidence = reading.evidence(given, catalog=Catalog.bundled())
    return evidence, evidence.check_disclosures()


def _document(evidence: Evidence, credential: Credential) -> dict[str, Json]:
    from ewallet.terminal import stamp

    validity, ref = credential.validity, credential.status
    return {
        "format": credential.format,
        "type": credential.type_id,
        "issuer": credential.issuer,
        "certificates": _subjects(evidence),
        "valid_from": stamp(validity.since) if validity.since else None,
        "valid_until": stamp(validity.until) if validity.until else None,
        "status": {"uri": ref.uri, "index": ref.index} if ref else None,
        "holder_key": credential.holder.thumbprint if credential.holder else None,
        "claims": _claims(credential),
    }


def _subjects(evidence: Evidence) -> list[str]:
    from ewallet.shape import certificate

    return [certificate(der).subject.rfc4514_string() for der in evidence.chain]


def _claims(credential: Credential) -> dict[str, Json]:
    return {name: value for name, value in credential.claims.items() if name not in credential.registered}


def _lines(session: Session, evidence: Evidence, credential: Credential) -> Iterator[str]:
    from ewallet.catalog import Catalog
    from ewallet.terminal import moment, plain
    from verifier_cli import render

    lang, validity, ref = session.lang, credential.validity, credential.status
    kind = Catalog.bundled().by_type_id(credential.type_id)
    values = (
        credential.format,
        f"{kind.label(lang)} ({kind.vct})" if kind else credential.type_id,
        credential.issuer or "-",
        " < ".join(_subjects(evidence)) or "-",
        f"{moment(validity.since, lang)} ~ {moment(validity.until, lang)}",
        f"{ref.uri} #{ref.index}" if ref else "-",
        credential.holder.thumbprint if credential.holder else "-",
    )
    *heads, last = _HEADS[lang]
    yield ""
    yield from (f"{head}: {plain(text)}" for head, text in zip(heads, values, strict=True))
    yield f"{last}:"
    yield from render.claims(kind, _claims(credential), lang)
