"""A certificate of paper, made of a record: a sealed PDF with its credential attached, or a page, or a text.

Each is issued anew, for one recipient and purpose, and can be revoked like what a wallet received. The PDF takes the
extra ``paper``.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from typing import Final, Literal, get_args

from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Claims
from ewallet.documents import check_page
from ewallet.errors import Language, UsageError
from ewallet.issuer import IssuedPaper, Issuer
from ewallet.keys import Signer
from ewallet.paper import Form
from ewallet.paper.typeset import StyleName
from ewallet.printed import on_paper

Shape = Literal["pdf", "large", "page", "text"]
SHAPES: Final[tuple[Shape, ...]] = get_args(Shape)
_DRAWN: Final = frozenset({"pdf", "large"})
_EXTRA: Final = ("typst", "pyhanko")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What somebody wants on paper: for whom, what for, and which of the claims that may be left out."""

    subject: str
    recipient: str
    purpose: str
    language: Language
    shape: Shape
    kept: AbstractSet[str]


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What came of it, and when it was issued."""

    content: bytes = field(repr=False)
    media_type: str
    issued: datetime


def is_available() -> bool:
    """Whether what draws and seals is installed."""
    return all(find_spec(name) is not None for name in _EXTRA)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Claims that may be left out together, what they are called, and whether they are printed by themselves.

    The options of the issuing form are few, single claims are many.
    """

    name: str
    label: str
    claims: tuple[str, ...]
    is_on: bool = True
    is_option: bool = False


def choices(kind: CredentialType, record: Claims, language: Language = "ko") -> tuple[Choice, ...]:
    """What of a record would be printed and need not be: the options of the issuing form, and single claims."""
    required = {claim.name for claim in kind.claims if claim.required} | {"submit_to", "purpose"}
    free = [name for name in _shown(kind, record) if name not in required]
    options = [option for option in kind.issue_options if not set(option.claims).isdisjoint(free)]
    grouped = {name for option in options for name in option.claims}
    single = [kind.signed[name] for name in free if name not in grouped]
    return (
        *(Choice(name=o.id, label=o.label(language), claims=o.claims, is_on=o.is_on, is_option=True) for o in options),
        *(Choice(name=claim.name, label=claim.label(language), claims=(claim.name,)) for claim in single),
    )


def made(issuer: Issuer, kind: CredentialType, record: Claims, order: Order) -> Printed:
    """Issue and draw it; ``issue.*`` before anything is issued, ``usage.argument``, ``usage.missing_extra``."""
    if order.shape in _DRAWN and not is_available():
        raise UsageError("usage.missing_extra", "pip install 'ewallet[paper]'")
    offered = choices(kind, record)
    left_out = {name for choice in offered if choice.name not in order.kept for name in choice.claims}
    record = _asked(kind, record, {"submit_to": order.recipient, "purpose": order.purpose})
    shown = {name: value for name, value in _shown(kind, record).items() if name not in left_out}
    form = Form.of(
        kind,
        shown,
        lang=order.language,
        receiver=order.recipient,
        purpose=order.purpose,
        check_page=check_page(issuer.identifier),
    )
    issued = issuer.issue_paper(
        kind.id,
        record,
        subject=order.subject,
        recipient=order.recipient,
        purpose=order.purpose,
        printed=shown.keys(),
    )
    return _drawn(form, issued, issuer.signer(kind.id), order.shape)


def _asked(kind: CredentialType, record: Claims, said: Mapping[str, str]) -> Claims:
    """The record, which says of this print what the applicant said, and nothing of an earlier one."""
    kept = {name: value for name, value in record.items() if name not in said}
    return kept | {claim.name: said[claim.name] for claim in kind.claims if claim.name in said and not claim.enum}


def _drawn(form: Form, issued: IssuedPaper, signer: Signer, shape: Shape) -> Printed:
    """In the shape that was wanted; what draws and seals is imported here, for it is an extra."""
    from ewallet.paper import page, pdf, plain
    from ewallet.paper.seal import seal

    at = issued.certificate.issued
    if shape == "text":
        return Printed(content=plain.text(form).encode(), media_type="text/plain; charset=utf-8", issued=at)
    if shape == "page":
        content = page.document(form, code=issued.code).encode()
        return Printed(content=content, media_type="text/html; charset=utf-8", issued=at)
    style: StyleName = "large_print" if shape == "large" else "standard"
    file = pdf(form, credential=issued.credential, code=issued.code, at=at, style=style)
    return Printed(content=seal(file, signer, at), media_type="application/pdf", issued=at)


def _shown(kind: CredentialType, record: Claims) -> Claims:
    """What a form of that record says, without a resident registration number."""
    return on_paper(kind, kind.normalised(kind.completed(record)))
