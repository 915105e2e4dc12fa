"""A package that a portal handed over, at the command of its recipient: whether it may be believed and used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ewallet.catalog import Catalog
from ewallet.errors import Language, Malformed, UsageError
from ewallet.files import read_key
from ewallet.package import Receiving
from ewallet.shape import Json
from ewallet.verdict import Verdict
from verifier_cli import inputs, judge, logs, render
from verifier_cli.session import Session

TYPE: Final = "package"  # no kind of certificate has that identifier
_RUNGS: Final = {
    "holder": {"ko": "받는 곳과 이용내역의 기록", "en": "made for its recipient, and in the log of use"},
    "query": {"ko": "동의한 항목", "en": "what was consented to"},
}


def verdict(session: Session) -> Verdict:
    """The verdict on the file that was named; ``usage.*``, ``trust.*``."""
    args = session.args
    if len(args.files) != 1 or args.request or args.nonce or args.batch or args.type != [TYPE]:
        raise UsageError("usage.argument", f"--type {TYPE} takes one file and no request")
    if args.unsafe_no_binding or args.drop_extra or args.same_person:
        raise UsageError("usage.argument", f"--type {TYPE} and a flag that is about presentations")
    audience = session.settings.get("audience")
    if not audience or not args.recipient_key:
        raise UsageError("usage.argument", f"--type {TYPE} takes --audience and --recipient-key: who received it")
    receiving = Receiving(
        recipient=audience,
        key=read_key(args.recipient_key, what="the key of the recipient").thumbprint,
        believed=logs.believed(session),
        catalog=Catalog.bundled(),
    )
    verifier = judge.verifier(session, None, judge.own_rules(session, None))
    try:
        raw = inputs.presented(args.files, session.settings.get("max_bytes"))
    except Malformed as exc:
        return judge.unreadable(exc, session)
    return verifier.verify_package(raw, receiving)


def document(judged: Verdict) -> dict[str, Json]:
    """As every verdict has it."""
    return judged.to_json()


def lines(judged: Verdict, lang: Language) -> Iterator[str]:
    """The lines of one verdict."""
    return render.verdict(judged, None, lang, {**render.RUNGS, **_RUNGS})
