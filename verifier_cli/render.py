"""Verdicts in words, Korean and English, for a clerk at a counter."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from ewallet.credential import Path
from ewallet.dcql import CredentialQuery, Query
from ewallet.errors import Language, words
from ewallet.labels import answered, answers_rule, claim, kind_name
from ewallet.shape import Json
from ewallet.terminal import coloured, moment
from ewallet.verdict import Accepted, Check, Outcome, Rejected, Verdict
from verifier_cli import deputies

if TYPE_CHECKING:  # the catalogue is a third of what a verdict loads, and needed for its words only
    from ewallet.catalog import Catalog, CredentialType

_VERDICT: Final = {
    "accepted": {"ko": "진위 확인됨", "en": "ACCEPTED"},
    "rejected": {"ko": "받아들일 수 없음", "en": "REJECTED"},
    "undecided": {"ko": "판정할 수 없음", "en": "UNDECIDED"},
}
COLOUR: Final = {"accepted": "green", "rejected": "red", "undecided": "yellow"}
Rungs: TypeAlias = Mapping[str, Mapping[str, str]]  # the words of each check, in both languages

RUNGS: Final[Rungs] = {
    "format": {"ko": "형식", "en": "well-formed"},
    "issuer": {"ko": "발급기관", "en": "trusted issuer"},
    "signature": {"ko": "발급기관의 서명", "en": "issuer's signature"},
    "disclosures": {"ko": "제출 항목과 원본 대조", "en": "items as the issuer signed them"},
    "holder": {"ko": "소지자 확인", "en": "presented by its holder"},
    "validity": {"ko": "유효기간", "en": "within its validity"},
    "query": {"ko": "요청한 항목", "en": "what was asked"},
    "status": {"ko": "정지·폐지 여부", "en": "neither suspended nor revoked"},
    "policy": {"ko": "이용기관의 기준", "en": "own rules"},
}
_OUTCOMES: Final[Mapping[Outcome, Mapping[str, str]]] = {
    "passed": {"ko": "확인", "en": "passed"},
    "failed": {"ko": "실패", "en": "FAILED"},
    "unknown": {"ko": "알 수 없음", "en": "UNKNOWN"},
    "skipped": {"ko": "건너뜀", "en": "SKIPPED"},
    "not_reached": {"ko": "확인 안 함", "en": "not reached"},
}
_WAIVED: Final[Mapping[str, Mapping[str, str]]] = {
    "no_query": {"ko": "요청서 없이 확인함", "en": "no request to compare with"},
    "unsafe_no_binding": {
        "ko": "제출한 사람이 소지자인지 확인하지 않음",
        "en": "whether the presenter is the holder is not checked",
    },
    "holder_not_bound": {
        "ko": "종이 문서이므로 소지자를 확인할 수 없음",
        "en": "holder not bound: what is on paper anybody may have copied",
    },
    "unsafe_skip_status": {"ko": "정지·폐지 여부를 확인하지 않음", "en": "whether it was revoked is not checked"},
}
_UNSAFE: Final = frozenset(_WAIVED) - {"no_query"}
_SAYS: Final = {
    "lax": {"ko": ", 단 건너뛴 확인이 있음", "en": ", but not everything was checked"},
    "warning": {"ko": "주의", "en": "warning"},
    "reservation": {"ko": "조건부", "en": "with a reservation"},
}


def named(verdict: Verdict) -> str:
    """The name of a verdict in its document."""
    if isinstance(verdict, Accepted):
        return "accepted"
    return "rejected" if isinstance(verdict, Rejected) else "undecided"


def banner(flag: str, lang: Language) -> str:
    """What a flag that makes verdicts laxer means, said aloud."""
    return f"{_SAYS['warning'][lang]}: {_WAIVED[flag][lang]} (--{flag.replace('_', '-')})"


def verdict(judged: Verdict, query: Query | None, lang: Language, rungs: Rungs = RUNGS) -> Iterator[str]:
    """The lines of one verdict: what it is and why, what was shown, what was checked."""
    name = named(judged)
    lax = any(check.code in _UNSAFE for check in judged.checks)
    title = _VERDICT[name][lang] + (_SAYS["lax"][lang] if lax and isinstance(judged, Accepted) else "")
    yield f"{coloured(title, 'yellow' if lax else COLOUR[name], sys.stdout)}  ({moment(judged.at, lang)})"
    if judged.code:
        yield from explanation(judged.code, lang)
    if isinstance(judged, Accepted):
        yield from deputies.lines(judged.acting, lang) if judged.acting else ()
        yield from _shown(judged, query, lang)
    yield ""
    yield from (line(check, rungs[check.name], lang) for check in judged.checks)


def unanswered(code: str, lang: Language) -> Iterator[str]:
    """The lines where there is no answer to judge."""
    yield coloured(_VERDICT["undecided"][lang], COLOUR["undecided"], sys.stdout)
    yield from explanation(code, lang)


def explanation(code: str, lang: Language) -> Iterator[str]:
    """What a code means and what to do about it."""
    told = words(code, lang)
    yield f"  {told.what} [{code}]"
    yield f"  -> {told.remedy}"


def line(check: Check, rung: Mapping[str, str], lang: Language) -> str:
    """One rung by its words, and what came of it."""
    told = f"  [{_OUTCOMES[check.outcome][lang]}] {rung[lang]}"
    if check.outcome == "skipped" and check.code:
        return f"{told}: {_WAIVED[check.code][lang]}"
    if check.outcome == "passed" and check.code:
        return f"{told}: {_SAYS['reservation'][lang]}, {words(check.code, lang).what} [{check.code}]"
    return f"{told} [{check.code}]" if check.code else told


def _shown(judged: Accepted, query: Query | None, lang: Language) -> Iterator[str]:
    from ewallet.catalog import Catalog

    catalog = Catalog.bundled()
    for name, answer in judged.claims.items():
        asked = _asked(query, name)
        kind = _kind(catalog, asked, name)
        for claims in answer if isinstance(answer, list) else [answer]:
            yield ""
            if kind and answers_rule(kind) and {"rule", "answer"} <= claims.keys():
                yield answered(claims, lang)
                continue
            yield kind_name(kind, name, lang)
            for key, found in claims.items():
                yield from claim(kind, _path(asked, key), found, lang)


def _asked(query: Query | None, name: str) -> tuple[CredentialQuery, ...]:
    return tuple(asked for asked in query.credentials if asked.name == name) if query else ()


def _kind(catalog: Catalog, asked: tuple[CredentialQuery, ...], name: str) -> CredentialType | None:
    """The kind of an answer; where several would have done, it does not say which it is."""
    if not asked:  # named by its type, or as the member of a package by its id
        return catalog.type(name) if name in catalog else catalog.by_type_id(name)
    found = [catalog.by_type_id(type_id) for query in asked for type_id in query.type_ids]
    return found[0] if found and len({kind and kind.id for kind in found}) == 1 else None


def _path(asked: tuple[CredentialQuery, ...], key: str) -> Path:
    """The path of a claim that the verdict reports under its key."""
    paths = {claim.key: claim.path for query in asked for claim in query.claims}
    return paths.get(key, (key,))


def claims(kind: CredentialType | None, found: Mapping[str, Json], lang: Language) -> Iterator[str]:
    """The lines of claims, in the words of their kind where it is known."""
    for name, item in found.items():
        yield from claim(kind, (name,), item, lang)
