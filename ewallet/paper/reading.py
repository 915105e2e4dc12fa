"""A certificate on paper that comes back: a file, a photograph or a scan, made by whoever hands it in.

A file (:mod:`ewallet.paper.apart`) has its credential attached, its seal over it all; what is printed is compared
with what is signed, value by value. Of a picture, and of a file that is one, only the code is read: the lean form that
is verified with no network, and whose few values somebody has to compare with the page. What is printed was not read
then, and the verdict says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from ewallet import qr
from ewallet.catalog import Catalog, CredentialType
from ewallet.credential import Claims, Credential
from ewallet.documents import check_page
from ewallet.errors import DisclosureError, Language, Malformed, UsageError
from ewallet.formats import Evidence
from ewallet.formats.lean import PREFIX, Lean
from ewallet.formats.paper import Paper
from ewallet.paper.comparison import Difference, differences
from ewallet.paper.form import Form
from ewallet.shape import Json, base64, instance, json_object, member, refuse
from ewallet.verdict import Verdict
from ewallet.verifier import Printout, Verifier

PDF: Final = b"%PDF-"
MAX_FILE: Final = 20 * 1024 * 1024  # bytes, as MAX_PDF of ewallet.paper.apart
_FOUND: Final = 8 * 1024 * 1024  # bytes of what is found in a file: an attachment and the text of forty pages
_PATIENCE: Final = 60  # seconds; the process has 20 of computing time, on a machine that may be busy
_NAMED: Final = 5  # paths in a detail
_LANGUAGES: Final[tuple[Language, ...]] = ("ko", "en")

Print = Literal["compared", "not_read"]


@dataclass(frozen=True, kw_only=True)
class PaperVerdict:
    """The verdict on what is on paper, and what there is to see beside it.

    ``signed`` are the values that the issuer signed, None unless it did, whatever else the verdict says: for whoever
    compares them with the page. ``differences`` are the places where the print is another. ``recipient`` and
    ``purpose`` are for whom and what the paper was made, where it says.
    """

    verdict: Verdict
    type_id: str | None
    print: Print
    signed: Claims | None = field(repr=False)
    differences: tuple[Difference, ...] = field(repr=False)
    number: str | None = field(default=None, repr=False)
    recipient: str | None = field(default=None, repr=False)
    purpose: str | None = field(default=None, repr=False)

    @property
    def checked_online(self) -> bool:
        """Whether it is known if the issuer has revoked it."""
        return any(check.name == "status" and check.outcome in ("passed", "failed") for check in self.verdict.checks)

    def to_json(self) -> dict[str, Json]:
        """The verdict document ``ewallet.verify/1`` with a member ``paper``."""
        return self.verdict.to_json() | {
            "paper": {
                "type": self.type_id,
                "print": self.print,
                "holder": "not_bound",
                "revocation": "checked" if self.checked_online else "not_checked",
                "document_number": self.number,
                "recipient": self.recipient,
                "purpose": self.purpose,
                "signed": None if self.signed is None else dict(self.signed),
                "differences": [
                    {"path": None if each.path is None else list(each.path), "label": each.label}
                    for each in self.differences
                ],
            }
        }


def verify(verifier: Verifier, raw: bytes | str, *, catalog: Catalog) -> PaperVerdict:
    """The verdict on a file, a PNG or JPEG picture, or the text of a code; ``usage.missing_extra`` for a file."""
    reading = _Reading(raw, catalog)
    verdict = verifier.verify_paper(reading.open)
    return reading.told(verdict)


def evidence(raw: bytes | str, *, catalog: Catalog) -> Evidence:
    """What is signed of it, nothing of it believed; ``malformed.*``, ``limit.*``."""
    return _Reading(raw, catalog).open().evidence


class _Reading:
    """Something handed in, while it is read."""

    def __init__(self, raw: bytes | str, catalog: Catalog) -> None:
        self._raw = raw
        self._catalog = catalog
        self.printout: _File | _Code | None = None

    def open(self) -> Printout:
        """Take it apart; ``malformed.*``, ``limit.*``."""
        self.printout = self._opened()
        return self.printout

    def _opened(self) -> _File | _Code:
        if isinstance(self._raw, bytes) and self._raw.startswith(PDF):
            return _of_file(self._raw, self._catalog)
        return _Code(Lean.open(_code_in(self._raw)))

    def told(self, verdict: Verdict) -> PaperVerdict:
        """The verdict with what was seen; what is signed is told only if it is authentic."""
        printout = self.printout
        if printout is None or printout.credential is None:
            return PaperVerdict(verdict=verdict, type_id=None, print="not_read", signed=None, differences=())
        credential = printout.credential
        whole = printout.evidence if isinstance(printout.evidence, Paper) else None
        return PaperVerdict(
            verdict=verdict,
            type_id=credential.type_id,
            print=printout.print,
            signed=credential.claims,
            differences=printout.differences,
            number=whole.number if whole else str(credential.claims["document_number"]),
            recipient=whole.recipient if whole else None,
            purpose=whole.purpose if whole else None,
        )


def _code_in(raw: bytes | str) -> str:
    if isinstance(raw, bytes) and qr.is_picture(raw):
        return qr.read(raw)
    try:
        return (raw if isinstance(raw, str) else raw.decode("ascii")).strip("\r\n")
    except UnicodeDecodeError:
        refuse("malformed.encoding", "neither a file, a picture nor a code")


@dataclass
class _Code:
    """The code of a page that nobody has read; ``credential`` is what it says, once it is authentic."""

    evidence: Lean
    credential: Credential | None = None
    print: Print = "not_read"
    differences: tuple[Difference, ...] = ()

    def check_page(self, credential: Credential) -> None:
        """Nothing was read that could differ."""
        self.credential = credential

    def check_seal(self) -> tuple[bytes, ...]:
        """A code is in no file."""
        return ()


@dataclass
class _File:
    """A file with its credential, its seal and the text of its pages; ``credential`` as that of a code."""

    evidence: Paper
    catalog: Catalog
    pages: Sequence[str]
    codes: Sequence[str]
    seal: Mapping[str, Json] | None
    credential: Credential | None = None
    print: Print = "not_read"
    differences: tuple[Difference, ...] = ()

    def check_page(self, credential: Credential) -> None:
        """Return if each printed value is the signed one and there is nothing else; ``paper.text_differs``."""
        self.credential = credential
        kind = self.catalog.by_type_id(credential.type_id)
        if kind is not None:  # whose form is not known cannot be compared; the seal still covers it
            self.differences = min((differences(form, self.pages) for form in self._forms(kind, credential)), key=len)
            self.print = "compared"
        if self.differences:
            names = [".".join(map(str, each.path)) if each.path else "no claim" for each in self.differences]
            raise DisclosureError("paper.text_differs", f"{len(names)} places: {', '.join(names[:_NAMED])}")
        if any(Lean.open(code).digest != self.evidence.digest for code in self.codes):
            raise DisclosureError("paper.text_differs", "the code on the page is of another certificate")

    def _forms(self, kind: CredentialType, credential: Credential) -> Iterator[Form]:
        """The form in each language; which of them was printed is not signed."""
        paper = self.evidence
        for lang in _LANGUAGES:
            yield Form.of(
                kind,
                credential.claims,
                lang=lang,
                receiver=paper.recipient,
                purpose=paper.purpose,
                check_page=check_page(paper.issuer),
            )

    def check_seal(self) -> tuple[bytes, ...]:
        """The certificates of whoever sealed the whole file, the own one first; ``paper.seal_invalid``."""
        if self.seal is None:
            raise DisclosureError("paper.seal_invalid", "the file has no seal")
        if not member(self.seal, "whole", bool):
            raise DisclosureError("paper.seal_invalid", "something was added to the file after it was sealed")
        if not member(self.seal, "intact", bool):
            raise DisclosureError("paper.seal_invalid", "the seal is not over this file")
        return tuple(base64(instance(der, str, "a certificate"), "a certificate") for der in self.seal["chain"])


def _of_file(raw: bytes, catalog: Catalog) -> _File | _Code:
    """A file with one credential; one with none is a picture of a page."""
    found = _apart(raw)
    attached = [base64(instance(item, str, "a file"), "a file") for item in member(found, "attached", list)]
    codes = {code for code in member(found, "codes", list) if code.startswith(PREFIX)}
    if len(attached) > 1:
        refuse("malformed.pdf", f"{len(attached)} attachments, expected one credential")
    if not attached:
        if len(codes) != 1:
            refuse("malformed.pdf", f"no credential is attached, and {len(codes)} codes are on its pages")
        return _Code(Lean.open(codes.pop()))
    try:
        text = attached[0].decode("ascii")
    except UnicodeDecodeError:
        refuse("malformed.encoding", "what is attached is no credential")
    return _File(Paper.open(text), catalog, member(found, "pages", list), sorted(codes), _seal(found))


def _seal(found: Mapping[str, Json]) -> dict[str, Json] | None:
    return None if found.get("seal") is None else member(found, "seal", dict)


def _apart(raw: bytes) -> dict[str, Json]:
    """What another process found in the file; ``malformed.pdf``, ``limit.*``, ``usage.missing_extra``."""
    if len(raw) > MAX_FILE:
        refuse("limit.size", f"a file of {len(raw)} bytes, at most {MAX_FILE} are read")
    if not all(map(find_spec, ("pyhanko", "pypdfium2"))):
        raise UsageError("usage.missing_extra", "pip install 'ewallet[paper]'")
    program = [sys.executable, "-P", "-m", "ewallet.paper.apart"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program, and nothing of the file is an argument
            program,
            input=raw,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            env=_place(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Malformed("limit.time", f"the file was not read within {_PATIENCE} seconds") from None
    if done.returncode:
        refuse("malformed.pdf", "the reader ended while it read the file")
    found = json_object(done.stdout, "what was found", limit=_FOUND)
    if "refused" in found:
        refuse("malformed.pdf", member(found, "refused", str))
    return found


def _place() -> dict[str, str]:
    """The environment in which the other process finds this very library."""
    found = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, found))}
