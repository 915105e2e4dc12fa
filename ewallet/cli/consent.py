"""What a holder reads before anything leaves: who asks and why, what is sent and what is not."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from ewallet import transactions
from ewallet.answer import Answer, Choice
from ewallet.cli import words
from ewallet.cli.session import Session
from ewallet.credential import Path, lookup
from ewallet.entrusting import proxy_of
from ewallet.errors import Language
from ewallet.labels import fee, item_value, kind_name, path_name
from ewallet.oid4vp import AuthorizationRequest
from ewallet.terminal import plain
from ewallet.wallet import Document, Wallet

_SAYS: Final[dict[str, dict[Language, str]]] = {
    "who": {"ko": "받는 곳", "en": "receiver"},
    "unsure": {
        "ko": "(확인되지 않음: 서명 없는 요청 파일)",
        "en": "(NOT AUTHENTICATED: an unsigned request file)",
    },
    "stranger": {
        "ko": "(확인되지 않음: 신뢰목록으로 알 수 없는 단말기)",
        "en": "(NOT AUTHENTICATED: a reader that the trust list does not know)",
    },
    "near": {"ko": "(신뢰목록에서 확인됨, 대면)", "en": "(on the trust list, face to face)"},
    "keeps": {"ko": "받는 곳이 보관함", "en": "the receiver keeps it"},
    "known": {"ko": "(신뢰목록에서 확인됨, {0})", "en": "(on the trust list, {0})"},
    "why": {"ko": "확인 목적", "en": "purpose"},
    "untold": {"ko": "(밝히지 않음)", "en": "(not told)"},
    "confirm": {"ko": "이 제출로 확인하는 거래", "en": "with this you confirm"},
    "only": {"ko": "이것만 보냅니다", "en": "only this is sent"},
    "kept": {"ko": "보내지 않는 항목", "en": "not sent"},
    "yes_no": {"ko": "여부만", "en": "yes/no only"},
    "others": {"ko": "다른 사람의 정보", "en": "about other people"},
    "law": {"ko": "주민등록번호를 요구하는 법적 근거", "en": "legal basis for the resident number"},
    "always": {
        "ko": "함께 드러나는 것: 증명서 종류, 서명한 기관, 유효기간, 정지·폐지 확인용 번호",
        "en": "visible in any case: the kind, who signed it, its validity, the number of its status",
    },
    "last": {
        "ko": "주의: 마지막 사본입니다. 보내면 새로 발급받아야 다시 제출할 수 있습니다.",
        "en": "warning: this is the last copy; to show it again, have it issued again",
    },
    "instead": {"ko": "다른 증명서로도 답할 수 있습니다(--use)", "en": "other certificates would do as well (--use)"},
    "lacking": {"ko": "없음", "en": "missing"},
    "refuse": {"ko": "거부할 수 있습니다.", "en": "You may refuse."},
}


def asking(request: AuthorizationRequest, session: Session) -> Iterator[str]:
    """Who asks, as far as that is established, and why."""
    says = {name: text[session.lang] for name, text in _SAYS.items()}
    if request.transcript is not None:
        known = says["near" if request.verifier_name else "stranger"]
        yield f"{says['who']}: {plain(request.verifier_name) or '-'} {known}"
    elif request.verifier_name:
        host = urlsplit(request.response_uri or "").netloc
        yield f"{says['who']}: {plain(request.verifier_name)} {says['known'].format(plain(host))}"
    else:
        yield f"{says['who']}: {plain(request.client_id)} {says['unsure']}"
    yield f"{says['why']}: {plain(request.purpose) or says['untold']}"
    if request.rrn_legal_basis:
        yield f"{says['law']}: {plain(request.rrn_legal_basis)}"


def lacking(members: Iterable[str], session: Session) -> Iterator[str]:
    """What is missing of several that are asked for: where to get it, and what that costs."""
    says = {name: text[session.lang] for name, text in _SAYS.items()}
    for id_ in members:
        kind = session.catalog.type(id_) if id_ in session.catalog else None
        where = f" ({kind.agency(session.lang)}, {fee(kind, session.lang)})" if kind else ""
        yield f"{says['lacking']}: {kind_name(kind, id_, session.lang)}{where}"


def agreed(question: str) -> bool:
    """Whether the holder says yes; anything else is no."""
    return is_yes(asked(question))


def asked(question: str) -> str:
    """What the holder says."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def is_yes(said: str) -> bool:
    """Whether that is a yes; anything else is no."""
    return said.lower() in ("y", "yes", "예", "네")


def lines(
    request: AuthorizationRequest, answer: Answer, wallet: Wallet, session: Session, *, values: bool
) -> Iterator[str]:
    """The lines of the screen; without ``values`` it names the claims only."""
    says = {name: text[session.lang] for name, text in _SAYS.items()}
    yield from asking(request, session)
    yield from confirmed(request, session.lang, (choice.query.id for choice in answer.choices))
    for choice in answer.choices:
        document = wallet.get(choice.candidate.id)
        yield ""
        yield f"{kind_name(document.type, document.held.type_id, session.lang)} [{document.id}]"
        if proxy := proxy_of(document.credential):
            yield f"  {words.people(proxy, session.lang)}"
        yield from _leaving(choice, document, session.lang, values=values)
        if document.held.use == "once" and document.copies_left == 1:
            yield f"  {says['last']}"
        others = [other.candidate.id for other in answer.candidates[choice.query.id] if other != choice]
        if others:
            yield f"  {says['instead']}: {', '.join(others)}"
    yield ""
    yield says["always"]
    yield says["refuse"]


def confirmed(request: AuthorizationRequest, lang: Language, answered: Iterable[str] = ()) -> Iterator[str]:
    """The transactions in full that an answer to these queries confirms.

    Values too, wherever the screen is: they are the verifier's and not the holder's.
    """
    for transaction in request.confirmed(answered):
        yield ""
        first, *rest = transactions.lines(transaction.type, transaction.fields, lang)
        yield f"{_SAYS['confirm'][lang]}: {first}"
        yield from rest


def _leaving(choice: Choice, document: Document, lang: Language, *, values: bool) -> Iterator[str]:
    claims = words.personal(document)
    stays = {path for claim in choice.claims if claim.intent_to_retain for path, _ in claim.select(claims)}
    yield f"  {_SAYS['only'][lang]}:"
    for path in choice.paths:
        mark = f" [{_SAYS['yes_no'][lang]}]" if words.is_answer(document.type, path) else ""
        others = document.type is not None and document.type.tells_of_others(path)
        mark += f" [{_SAYS['others'][lang]}]" if others else ""
        mark += f" [{_SAYS['keeps'][lang]}]" if path in stays else ""
        found = [item for _, item in lookup(claims, path)]
        shown = f": {item_value(document.type, path, found[0], lang)}" if values and found else ""
        yield f"    - {path_name(document.type, path, lang)}{mark}{shown}"
    kept = [path_name(document.type, path, lang) for path in _kept(choice, document)]
    yield f"  {_SAYS['kept'][lang]}: {', '.join(kept) or '-'}"


def _kept(choice: Choice, document: Document) -> Iterator[Path]:
    """What could be shown and is not, without the parts of what is."""
    could = set(document.credential.shown)
    for path in document.credential.shown:
        within = any(path[:length] in could for length in range(1, len(path)))
        if not within and not any(sent[: len(path)] == path for sent in choice.paths):
            yield path
