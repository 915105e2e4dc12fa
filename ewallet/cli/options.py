"""What a holder is offered to give besides, at the terminal: unticked until they say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ewallet.answer import Answer
from ewallet.cli import consent, words
from ewallet.cli.session import Session
from ewallet.dcql import CredentialQuery
from ewallet.errors import Language
from ewallet.labels import kind_name, path_name
from ewallet.subject import is_reference

_SAYS: Final[dict[str, dict[Language, str]]] = {
    "optional": {
        "ko": "선택 항목: 빼도 불이익이 없습니다 ([x] 보냄, [ ] 보내지 않음)",
        "en": "optional: nothing is lost without it ([x] sent, [ ] not sent)",
    },
    "agree": {
        "ko": "보낼까요? 번호는 선택 항목을 넣거나 뺍니다 [y/N/번호] ",
        "en": "Send it? A number ticks or unticks what is optional [y/N/number] ",
    },
    "yes_no": {"ko": "여부만", "en": "yes/no only"},
}


def lines(answer: Answer, session: Session) -> Iterator[str]:
    """What is optional, ticked or not; numbered where it can be given, and otherwise where to get it."""
    if not answer.query.optional:
        return
    yield ""
    yield _SAYS["optional"][session.lang]
    numbers = {name: position for position, name in enumerate(answer.offerable, 1)}
    for name in answer.query.optional:
        mark = " " if name in answer.left_out else "x"
        asked = next(each for each in answer.query.credentials if each.name == name)
        number = f"{numbers[name]}." if name in numbers else " -"
        yield f"  {number} [{mark}] {_named(asked, session)} (--with {name})"
        yield from (f"         {line}" for line in consent.lacking([name] if name not in numbers else [], session))


def _named(asked: CredentialQuery, session: Session) -> str:
    """The kind, and what is asked of it."""
    type_id = min(asked.type_ids, default=asked.name)
    kind, lang = session.catalog.by_type_id(type_id), session.lang
    told = (claim for claim in asked.claims if not is_reference(claim.path))
    names = [
        path_name(kind, claim.path, lang) + (f" [{_SAYS['yes_no'][lang]}]" if words.is_answer(kind, claim.path) else "")
        for claim in told
    ]
    return f"{kind_name(kind, type_id, lang)}: {', '.join(names) or '-'}"


def agreed(answer: Answer, session: Session, show: Callable[[Answer], None]) -> Answer | None:
    """The answer that the holder agrees to, with what they ticked; None where they say no."""
    while True:
        show(answer)
        said = consent.asked(_SAYS["agree"][session.lang])
        name = _numbered(said, answer)
        if name is None:
            return answer if consent.is_yes(said) else None
        answer = answer.give(name) if name in answer.left_out else answer.withhold(name)


def _numbered(said: str, answer: Answer) -> str | None:
    """What the holder means by a number, if they said one."""
    names = answer.offerable
    return names[int(said) - 1] if said.isascii() and said.isdigit() and 0 < int(said) <= len(names) else None
