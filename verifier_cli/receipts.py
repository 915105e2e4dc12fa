"""A receipt of consent in words: whether both halves hold, what was agreed to, and what has become of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Final

from ewallet import receipt
from ewallet.catalog import Catalog
from ewallet.errors import Language, Malformed, UsageError
from ewallet.files import read_own
from ewallet.flow import offline
from ewallet.history import Believed
from ewallet.labels import kind_name, path_name
from ewallet.shape import Json
from ewallet.terminal import coloured, moment, plain
from ewallet.verdict import Accepted, Check, Rejected, Verdict
from verifier_cli import inputs, judge, logs, render
from verifier_cli.session import Session

SCHEMA: Final = "ewallet.verify-receipt/1"
TYPE: Final = "receipt"  # no kind of certificate has that identifier

_TITLES: Final = {
    "accepted": {"ko": "동의 영수증 확인됨", "en": "RECEIPT HOLDS"},
    "rejected": {"ko": "동의 영수증이 아님", "en": "NO RECEIPT"},
    "undecided": {"ko": "판정할 수 없음", "en": "UNDECIDED"},
}
_RUNGS: Final[Mapping[str, Mapping[str, str]]] = {
    "format": {"ko": "영수증 형식", "en": "well-formed"},
    "signature": {"ko": "받는 곳의 서명", "en": "signed by its recipient"},
    "holder": {"ko": "소지자의 확인", "en": "confirmed by the holder"},
    "query": {"ko": "동의 범위", "en": "within the consent"},
    "log": {"ko": "이용내역의 기록", "en": "in the log of use"},
}
_EVENTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "given": {"ko": "동의함", "en": "given"},
    "renewed": {"ko": "갱신함", "en": "renewed"},
    "withdrawn": {"ko": "철회함", "en": "withdrawn"},
    "fulfilled": {"ko": "제공이 끝남", "en": "fulfilled"},
    "deleted": {"ko": "삭제함", "en": "deleted"},
}
_SAYS: Final = {
    "shown": {"ko": "실제로 제출한 항목", "en": "what was shown"},
    "left_out": {"ko": "선택 항목 중 제출하지 않은 것", "en": "optional, not given"},
    "withdraw": {"ko": "철회하는 곳", "en": "withdraw at"},
    "events": {"ko": "경과", "en": "what happened"},
    "taken": {"ko": "{0}에서 수령했다고 서명함", "en": "signed for by {0}"},
    "seq": {"ko": "이력 {0}번", "en": "log entry {0}"},
}


def verdict(session: Session) -> Verdict:
    """The verdict on the file that was named; ``usage.*``, ``trust.*``."""
    args = session.args
    if len(args.files) != 1 or args.request or args.nonce or args.batch or args.type != [TYPE]:
        raise UsageError("usage.argument", f"--type {TYPE} takes one file and no request")
    trust = judge.trust(session, judge.store(session))
    try:
        raw = inputs.presented(args.files, session.settings.get("max_bytes"))
    except Malformed as exc:
        return Rejected(checks=(Check("format", "failed", exc.code, exc.detail),), at=session.at)
    believed, seen = _log(session)
    send = offline if session.settings.get("offline") else judge.online
    return receipt.verify(raw, trust, Catalog.bundled(), at=session.at, believed=believed, seen=seen, send=send)


def _log(session: Session) -> tuple[Believed | None, tuple[bytes, ...]]:
    """Whom to believe about the log, if that was said, and what was seen of it; ``usage.*``, ``trust.*``."""
    seen = tuple(read_own(name, what="a checkpoint") for name in session.args.seen or ())
    if session.args.log_key or session.args.origin:
        return logs.believed(session), seen
    if seen or session.args.witness_key or session.args.quorum:
        raise UsageError("usage.argument", "expected --log-key or --origin with what is said of the log")
    return None, ()


def document(judged: Verdict) -> dict[str, Json]:
    """As a verdict document has it, of rungs of its own; ``claims`` is the receipt in the terms of the standard."""
    return judged.to_json() | {"schema": SCHEMA}


def lines(judged: Verdict, lang: Language) -> Iterator[str]:
    """The lines of one verdict."""
    name = render.named(judged)
    yield f"{coloured(_TITLES[name][lang], render.COLOUR[name], sys.stdout)}  ({moment(judged.at, lang)})"
    if judged.code:
        yield from render.explanation(judged.code, lang)
    if isinstance(judged, Accepted):
        yield ""
        yield from _agreed(judged.claims, lang)
    yield ""
    for check in judged.checks:
        yield render.line(check, _RUNGS[check.name], lang)


def _agreed(view: Mapping[str, Json], lang: Language) -> Iterator[str]:
    """What was agreed to, in the language in which it was, and what has become of it."""
    yield from (f"  {plain(line, len(line))}" for line in view["dpv:hasNotice"]["dct:description"].split("\n"))
    yield ""
    yield f"  {_SAYS['shown'][lang]}:"
    catalog = Catalog.bundled()
    for query_id, paths in view["disclosed"].items():
        id_ = query_id.partition("--")[0]
        kind = catalog.type(id_) if id_ in catalog else None
        names = ", ".join(path_name(kind, tuple(path), lang) for path in paths)
        yield f"    {kind_name(kind, id_, lang)}: {names}"
    if left := [each["type"] for each in view.get("optional", ()) if not each["given"]]:
        names = ", ".join(kind_name(catalog.type(id_) if id_ in catalog else None, id_, lang) for id_ in left)
        yield f"  {_SAYS['left_out'][lang]}: {names}"
    if where := view["dpv:hasConsentControl"]["dct:source"]:
        yield f"  {_SAYS['withdraw'][lang]}: {plain(where)}"
    yield f"  {_SAYS['events'][lang]}:"
    for event in view["events"]:
        at = moment(inputs.moment(event["dpv:isIndicatedAtTime"]), lang)
        seq = f" ({_SAYS['seq'][lang].format(event['seq'])})" if "seq" in event else ""
        yield f"    {at}  {_EVENTS[event['event']][lang]}{seq}"
    for half in view.get("taken", ()):
        at, seq = moment(inputs.moment(half["at"]), lang), _SAYS["seq"][lang].format(half["seq"])
        yield f"    {at}  {_SAYS['taken'][lang].format(plain(half['by']))} ({seq})"
