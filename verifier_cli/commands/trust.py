"""``ewallet-verify trust``: whom the trust list makes us believe, for what and until when; and a new list."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from ewallet.command import count
from verifier_cli.arguments import add_trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ewallet.catalog import Catalog
    from ewallet.shape import Json
    from ewallet.trust import Purpose, TrustAnchor, TrustList
    from verifier_cli.session import Session

SCHEMA: Final = "ewallet.trust/1"
_HEADS: Final = {
    "ko": ("신뢰대상", "용도", "이름", "증명서 종류", "인증서 만료"),
    "en": ("anchor", "purpose", "name", "types", "certificate until"),
}
_LIST: Final = {
    "ko": "신뢰목록 제{0}판: {1}부터 {2}까지",
    "en": "trust list, version {0}: from {1} until {2}",
}
_PURPOSES: Final[Mapping[Purpose, str]] = {
    "issuer": "발급",
    "verifier": "검증",
    "recipient": "수신",
    "wallet": "지갑",
    "status": "상태목록",
    "log": "이력",
    "eligibility": "자격 확인",
    "delegation": "위임",
    "timestamp": "시점 확인",
    "vical": "기관 목록",
}
_TERMS: Final = {
    "any": {"ko": "모든 종류", "en": "any"},
    "distrusted": {"ko": "{0}부터 신뢰하지 않음", "en": "not trusted from {0}"},
    "departs": {"ko": "{0}: 인증서가 신뢰목록에 적힌 규격과 다름: {1}", "en": "{0} departs from its profile: {1}"},
}


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    told = "make a list of VICALs and of roots of mobile documents, added to --trust where that is given"
    parser.add_argument("action", nargs="?", choices=("import",), metavar="import", help=told)
    parser.add_argument("files", nargs="*", metavar="FILE", help="to import: a VICAL, or certificates, PEM or DER")
    add_trust(parser)
    made = parser.add_argument_group("the list that import makes")
    made.add_argument(
        "--vical-root", action="append", metavar="FILE", help="a root of whoever signs VICALs, PEM or DER"
    )
    made.add_argument("--type", action="append", metavar="ID", help="for these kinds only; may be repeated")
    made.add_argument("--on-crl", action="store_true", help="their signers are on revocation lists")
    made.add_argument("--days", type=count, metavar="N", help="in force for so long (30)")
    made.add_argument("--sign", metavar="FILE", help="sign it with this key, PEM; else it is left to be signed")
    made.add_argument("--out", metavar="FILE", help="where to write it")


def run(session: Session) -> int:
    """Show the list; one that cannot be believed is an error, as it is for a verdict."""
    from verifier_cli import importing, judge

    if session.args.action:
        trust = importing.imported(session)
        importing.write(session, trust)
    else:
        importing.refuse_flags(session)
        trust = judge.trust(session, judge.store(session))
    _show(session, trust)
    return 0


def _show(session: Session, trust: TrustList) -> None:
    for anchor in trust.anchors:
        for departure in _departures(anchor):
            session.warn(_TERMS["departs"][session.lang].format(anchor.id, departure))
    if session.machine:
        session.emit(_document(trust))
    elif not session.args.quiet:
        _draw(session, trust)


def _departures(anchor: TrustAnchor) -> tuple[str, ...]:
    """In what a root departs from the profile that the list says its signers keep: told, and believed all the same."""
    from ewallet import annex_b

    issuing = anchor.profile is not None and anchor.purpose == "issuer"
    return annex_b.departures(anchor.certificate) if issuing else ()


def _document(trust: TrustList) -> dict[str, Json]:
    from ewallet.terminal import stamp

    anchors = [
        {
            "id": anchor.id,
            "purpose": anchor.purpose,
            "names": dict(anchor.names),
            "types": sorted(anchor.types),
            "certificate_until": stamp(anchor.certificate.not_valid_after_utc),
            "distrust_after": stamp(anchor.distrust_after) if anchor.distrust_after else None,
            "profile": anchor.profile,
            "departures": list(_departures(anchor)),
            "crl": anchor.crl,
        }
        for anchor in trust.anchors
    ]
    span = {"since": stamp(trust.since), "until": stamp(trust.until)}
    return {"schema": SCHEMA, "version": trust.version, **span, "anchors": anchors}


def _draw(session: Session, trust: TrustList) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ewallet.catalog import Catalog
    from ewallet.terminal import moment

    lang = session.lang
    print(_LIST[lang].format(trust.version, moment(trust.since, lang), moment(trust.until, lang)))
    table = Table(*_HEADS[lang], box=None, pad_edge=False)
    catalog = Catalog.bundled()
    for anchor in trust.anchors:
        table.add_row(*(Text(cell) for cell in _cells(session, anchor, catalog)))
    Console(no_color=True, highlight=False).print(table)


def _cells(session: Session, anchor: TrustAnchor, catalog: Catalog) -> tuple[str, ...]:
    from ewallet.terminal import moment, plain

    lang = session.lang
    named = (_TERMS["any"][lang] if type_ == "*" else _label(session, catalog, type_) for type_ in sorted(anchor.types))
    kinds = dict.fromkeys(named)  # a kind once, in however many formats
    until = moment(anchor.certificate.not_valid_after_utc, lang)
    if anchor.distrust_after:
        until = f"{until}, {_TERMS['distrusted'][lang].format(moment(anchor.distrust_after, lang))}"
    purpose = _PURPOSES[anchor.purpose] if lang == "ko" else anchor.purpose
    return plain(anchor.id), purpose, plain(anchor.names.get(lang, "")), "\n".join(kinds), until


def _label(session: Session, catalog: Catalog, type_id: str) -> str:
    from ewallet.terminal import plain

    kind = catalog.by_type_id(type_id)
    return plain(kind.label(session.lang) if kind else type_id)
