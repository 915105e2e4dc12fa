"""Certificates, claims and requests in words, Korean and English, as their holder reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ewallet.acting import Proxy
from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Path
from ewallet.errors import Language
from ewallet.holding import Shown
from ewallet.labels import claim, kind_name, path_name
from ewallet.receipt import Receipt
from ewallet.shape import Json
from ewallet.terminal import moment, plain, stamp
from ewallet.wallet import Document

SAYS: Final[dict[str, dict[Language, str]]] = {
    "empty": {"ko": "보관 중인 증명서가 없습니다.", "en": "No certificates yet."},
    "nothing_left": {"ko": "제출 이력이 없습니다.", "en": "Nothing was sent yet."},
    "made": {"ko": "지갑을 만들었습니다: {0}", "en": "The wallet was made: {0}"},
    "backed_up": {"ko": "백업을 만들었습니다: {0}", "en": "The backup was made: {0}"},
    "put_back": {"ko": "백업에서 지갑을 되살렸습니다: {0}", "en": "The wallet was restored: {0}"},
    "counted": {
        "ko": "백업 뒤에 보냈을 수 있는 사본은 모두 보낸 것으로 칩니다. 다시 내려면 새로 발급받으십시오.",
        "en": "Copies that may have been shown since the backup count as sent: to show them, receive them anew.",
    },
    "received": {"ko": "받았습니다: {0}", "en": "Received: {0}"},
    "until": {"ko": "{0}까지", "en": "until {0}"},
    "copies": {"ko": "남은 사본 {0}", "en": "copies left: {0}"},
    "reusable": {"ko": "여러 번 제출 가능", "en": "may be shown again"},
    "from": {"ko": "발급기관", "en": "issuer"},
    "validity": {"ko": "유효기간", "en": "validity"},
    "use": {"ko": "사용", "en": "use"},
    "claims": {"ko": "내용", "en": "claims"},
    "people": {"ko": "{0} 님을 대신하여 {1} ({2})", "en": "{1} ({2}), on behalf of {0}"},
    "delegate": {"ko": "대리인", "en": "delegate"},
    "guardian": {"ko": "보호자", "en": "guardian"},
    "official": {"ko": "공무원", "en": "official"},
    "receipt": {"ko": "동의 영수증", "en": "receipt of consent"},
    "optional": {"ko": "선택 항목 {1}건 중 {0}건 보냄", "en": "{0} of {1} optional given"},
}


def is_answer(kind: CredentialType | None, path: Path) -> bool:
    """Whether the claim is a yes or no instead of the thing itself."""
    own = kind.own_path(path) if kind else ()
    return kind is not None and len(own) == 1 and kind.predicate(str(own[0])) is not None


def copies(document: Document, lang: Language) -> str:
    """How often it can still be shown."""
    if document.held.use == "once":
        return SAYS["copies"][lang].format(document.copies_left)
    return SAYS["reusable"][lang]


def listed(documents: Sequence[Document], lang: Language) -> Iterator[str]:
    """One line each."""
    for document in documents:
        until = SAYS["until"][lang].format(moment(document.credential.validity.until, lang))
        name = kind_name(document.type, document.held.type_id, lang)
        yield f"{document.id}  {name}  ({until}, {copies(document, lang)})"


def described(document: Document, lang: Language) -> Iterator[str]:
    """Everything about one certificate, with all it says."""
    credential, validity = document.credential, document.credential.validity
    yield kind_name(document.type, credential.type_id, lang)
    yield f"{SAYS['from'][lang]}: {plain(credential.issuer or '-')}"
    yield f"{SAYS['validity'][lang]}: {moment(validity.since, lang)} ~ {moment(validity.until, lang)}"
    yield f"{SAYS['use'][lang]}: {copies(document, lang)}"
    yield f"{SAYS['claims'][lang]}:"
    for name, found in personal(document).items():
        yield from claim(document.type, (name,), found, lang)


def personal(document: Document) -> dict[str, Json]:
    """The claims that are about the person, without those of the format."""
    credential = document.credential
    return {name: found for name, found in credential.claims.items() if name not in credential.registered}


def summary(document: Document) -> dict[str, Json]:
    """A certificate in JSON, without what it says."""
    validity = document.credential.validity
    return {
        "id": document.id,
        "type": document.held.type_id,
        "format": document.held.format,
        "received": stamp(document.held.received),
        "valid_until": stamp(validity.until) if validity.until else None,
        "use": document.held.use,
        "copies_left": document.copies_left,
    }


def receipted(receipt: Receipt, lang: Language) -> str:
    """One line for a receipt."""
    consent = receipt.consent
    until = SAYS["until"][lang].format(moment(consent.until, lang))
    name, purpose = plain(consent.recipient.names[lang]), plain(consent.purposes[lang])
    given = [given for _, given in receipt.options]
    optional = f", {SAYS['optional'][lang].format(sum(given), len(given))}" if given else ""
    what = f"{SAYS['receipt'][lang]} [{plain(receipt.id)}]: {name} ({purpose}), {until}{optional}"
    return f"{moment(receipt.at, lang)}  {what}"


def people(proxy: Proxy, lang: Language) -> str:
    """Both people, and how one acts for the other."""
    role = SAYS[proxy.role][lang]
    return SAYS["people"][lang].format(plain(proxy.principal), plain(proxy.agent), role)


def sent(shown: Shown, kind: CredentialType | None, lang: Language) -> str:
    """One line of the history."""
    names = ", ".join(path_name(kind, path, lang) for path in shown.paths)
    purpose = f" ({plain(shown.purpose)})" if shown.purpose else ""
    name = kind_name(kind, shown.type_id, lang)
    acting = f" [{people(shown.acting, lang)}]" if shown.acting else ""
    return f"{moment(shown.at, lang)}  {plain(shown.name or shown.audience)}{purpose}: {name}: {names}{acting}"
