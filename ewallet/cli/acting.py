"""Acting for somebody at the terminal: what a person signs over, and what a delegate shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ewallet import qr
from ewallet.cli import consent, words
from ewallet.cli.session import Session
from ewallet.credential import Credential, lookup
from ewallet.delegation import Delegation, Terms
from ewallet.errors import Language, UsageError
from ewallet.expectation import Expectation
from ewallet.files import read as read_file
from ewallet.labels import item_value, kind_name, path_name
from ewallet.oid4vp import AuthorizationRequest
from ewallet.shape import MAX_DOCUMENT
from ewallet.terminal import moment, plain

_SAYS: Final[dict[str, dict[Language, str]]] = {
    "to": {"ko": "대리인: {0} (키 {1})", "en": "delegate: {0} (key {1})"},
    "case": {"ko": "사건: {0}", "en": "case: {0}"},
    "until": {"ko": "기한: {0}까지, 한 번만", "en": "until {0}, and once"},
    "sent": {"ko": "이것만 보냅니다", "en": "only this is sent"},
}


def read(named: str) -> Delegation:
    """The delegation of a file, or of a picture of its QR codes; ``malformed.*``, ``limit.*``, ``usage.file``."""
    raw = read_file(named, limit=max(MAX_DOCUMENT, qr.MAX_PICTURE), what="the delegation")
    return Delegation.parse(qr.read(raw) if qr.is_picture(raw) else raw)


def check_given(request: AuthorizationRequest, session: Session) -> None:
    """Return if a delegation is named where a delegate is expected, and nowhere else; ``usage.argument``."""
    expected = Expectation.of(request)
    if (expected is not None and expected.role == "delegate") != bool(session.args.acting):
        raise UsageError("usage.argument", "--acting goes with a request that expects a delegate")


def signing_over(terms: Terms, session: Session) -> Iterator[str]:
    """To whom a person is about to give what, for which case and until when."""
    lang = session.lang
    yield _SAYS["to"][lang].format(plain(terms.delegate_name), terms.delegate.thumbprint)
    yield _SAYS["case"][lang].format(plain(terms.case))
    yield _SAYS["until"][lang].format(moment(terms.until, lang))


def showing(request: AuthorizationRequest, kept: Delegation, session: Session, *, values: bool) -> Iterator[str]:
    """What a delegate reads before anything leaves."""
    lang, first = session.lang, kept.first
    yield from consent.asking(request, session)
    yield words.people(first.proxy, lang)
    yield _SAYS["case"][lang].format(plain(first.case))
    yield _SAYS["until"][lang].format(moment(first.until, lang))
    yield from consent.confirmed(request, lang)
    for credential in kept.credentials:
        yield ""
        yield from _sent(credential, session, values=values)


def _sent(credential: Credential, session: Session, *, values: bool) -> Iterator[str]:
    kind, lang = session.catalog.by_type_id(credential.type_id), session.lang
    yield f"{kind_name(kind, credential.type_id, lang)}"
    yield f"  {_SAYS['sent'][lang]}:"
    for path in credential.shown:
        found = [item for _, item in lookup(credential.claims, path)]
        shown = f": {item_value(kind, path, found[0], lang)}" if values and found else ""
        yield f"    - {path_name(kind, path, lang)}{shown}"
